"""The JSON of Taobao as it is sent: its methods, and the fields this connector reads.

Field names are the platform's. Ids, codes and amounts (yuan) are read as text, because the same one is a number in one
API and text in the next, and because 64-bit ids and money must not pass through a float. A page's rows stay plain JSON
objects until each is validated on its own: one bad row must not cost its page, and what is not declared here is kept by
writing the object out again.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Generic, TypeVar

from pydantic import BeforeValidator, Field

from connectors.rows import Wire

Row = dict[str, Any]
"""A JSON object as it came."""


def unwrapped(value: Any) -> Any:
    """The list inside an object that wraps it, whatever its key: the platform spells keys of the same list in more than
    one way, and simplified answers have none. A lone element stands for a list of one.
    """
    if isinstance(value, list):
        return value
    if isinstance(value, dict):
        lists = [inner for inner in value.values() if isinstance(inner, list)]
        if lists:  # beside it a field nobody knows may hold another
            return next((inner for inner in lists if inner and isinstance(inner[0], dict)), lists[0])
        if not value:
            return []
        if len(value) == 1 and isinstance(inner := next(iter(value.values())), dict):
            return [inner]
    return value


T = TypeVar("T")
W = TypeVar("W", bound=Wire)

Listed = Annotated[list[T], BeforeValidator(unwrapped)]
"""A list in its wrapping object. An empty one is left out altogether, so every such field has a default."""


@dataclass(frozen=True)
class Method(Generic[W]):
    """An API: its name and its answer."""

    name: str
    answer: type[W]
    write: bool = False
    session: bool = True

    @property
    def root(self) -> str:
        """The key the answer hangs under."""
        return f"{self.name.removeprefix('taobao.').replace('.', '_')}_response"


class Component(Wire):
    """A part of a bundle. No title is sent."""

    item_id: str | None = None
    sku_id: str | None = None
    quantity: int | None = None
    outer_iid: str | None = None
    outer_sku_id: str | None = None


class OrderLine(Wire):
    """A line (`order`) of a trade. `sku_id` is text here and a number on the SKU itself."""

    oid: str
    status: str | None = None
    refund_status: str | None = None
    refund_id: str | None = None
    title: str | None = None
    num_iid: str | None = None
    outer_iid: str | None = None
    sku_id: str | None = None
    outer_sku_id: str | None = None
    sku_properties_name: str | None = None
    num: int = 0
    price: str | None = None
    total_fee: str | None = None
    discount_fee: str | None = None
    adjust_fee: str | None = None
    payment: str | None = None
    divide_order_fee: str | None = None
    part_mjz_discount: str | None = None
    consign_time: str | None = None
    end_time: str | None = None
    logistics_company: str | None = None
    invoice_no: str | None = None
    shipping_type: str | None = None
    is_oversold: bool | None = None
    is_daixiao: bool | None = None
    is_sh_ship: bool | None = None
    is_service_order: bool | None = None
    is_free_gift: bool | None = None
    gift_mids: str | None = None
    bind_oid: str | None = None
    bind_oids: str | None = None
    combine_item_info: Listed[Component] | None = None


class Promotion(Wire):
    """A discount, or a gift, of a trade or line. `discount_fee` is empty for free postage and flash sales."""

    id: str | None = None
    promotion_name: str | None = None
    discount_fee: str | None = None
    gift_item_id: str | None = None
    gift_item_name: str | None = None
    gift_item_num: str | None = None


class ServiceOrder(Wire):
    """A service bought beside the goods, e.g. installation. Field names beyond `item_oid` are inferred."""

    title: str | None = None
    payment: str | None = None
    total_fee: str | None = None


class ServiceTag(Wire):
    service_tag: str | None = None
    service_type: str | None = None


class LogisticsTag(Wire):
    logistic_service_tag_list: Listed[ServiceTag] | None = None


class LogisticsAgreement(Wire):
    no_detail_part_consign: str | None = None


class Trade(Wire):
    """A trade of `trade.fullinfo.get`. Amounts in yuan unless marked, times in Shanghai's wall clock."""

    tid: str
    status: str
    type: str | None = None
    created: str
    pay_time: str | None = None
    modified: str
    consign_time: str | None = None
    end_time: str | None = None
    payment: str
    total_fee: str | None = None
    discount_fee: str | None = None
    adjust_fee: str | None = None
    post_fee: str | None = None
    buyer_cod_fee: str | None = None
    platform_subsidy_fee: str | None = None
    coupon_fee: int | None = None
    alipay_point: int | None = None
    step_trade_status: str | None = None
    step_paid_fee: str | None = None
    send_time: str | None = None
    delivery_time: str | None = None
    consign_interval: int | None = None
    shipping_type: str | None = None
    cod_status: str | None = None
    buyer_open_uid: str | None = Field(default=None, repr=False)
    buyer_message: str | None = Field(default=None, repr=False)
    seller_memo: str | None = Field(default=None, repr=False)
    seller_flag: str | None = None
    receiver_name: str | None = Field(default=None, repr=False)
    receiver_country: str | None = None
    receiver_state: str | None = None
    receiver_city: str | None = None
    receiver_district: str | None = None
    receiver_town: str | None = None
    receiver_address: str | None = Field(default=None, repr=False)
    receiver_mobile: str | None = Field(default=None, repr=False)
    receiver_phone: str | None = Field(default=None, repr=False)
    oaid: str | None = Field(default=None, repr=False)
    lm: str | None = None
    mark_desc: str | None = None
    timing_promise: str | None = None
    is_part_consign: bool | None = None
    is_daixiao: bool | None = None
    is_sh_ship: bool | None = None
    is_oversold: bool | None = None
    is_force_wlb: bool | None = None
    is_brand_sale: bool | None = None
    is_lgtype: bool | None = None
    is_gift: bool | None = None
    new_presell: bool | None = None
    general_new_presell: bool | None = None
    cross_bonded_declare: bool | None = None
    post_gate_declare: bool | None = None
    top_hold: str | None = None
    team_buy_hold: str | None = None
    share_group_hold: str | None = None
    ofp_hold: str | None = None
    forbid_consign: str | None = None
    delay_create_delivery: str | None = None
    logistics_agreement: LogisticsAgreement | None = None
    promotion_details: Listed[Promotion] | None = None
    service_orders: Listed[ServiceOrder] | None = None
    service_tags: Listed[LogisticsTag] | None = None
    orders: Listed[OrderLine]


class TradeAnswer(Wire):
    trade: Row = Field(repr=False)


class Rows(Wire, ABC):
    """A page of a list of changes: `total_results` when it was counted, else `has_next`. An empty list is left out."""

    total_results: int | None = None
    has_next: bool | None = None

    @property
    @abstractmethod
    def rows(self) -> list[Row]:
        """Under whichever name the list has."""


class TradePage(Rows):
    trades: Listed[Row] = Field(default_factory=list, repr=False)

    @property
    def rows(self) -> list[Row]:
        return self.trades


class RefundPage(Rows):
    refunds: Listed[Row] = Field(default_factory=list, repr=False)

    @property
    def rows(self) -> list[Row]:
        return self.refunds


class RefundTimeout(Wire):
    exist_timeout: bool | None = None
    timeout: str | None = None


class Refund(Wire):
    """A refund of list or detail; `sku` is `<sku id>|<spec>`. Amounts in yuan."""

    refund_id: str
    tid: str
    oid: str | None = None
    status: str
    dispute_type: str | None = None
    order_status: str | None = None
    good_status: str | None = None
    has_good_return: bool | None = None
    refund_phase: str | None = None
    created: str
    modified: str
    refund_fee: str | None = None
    reason: str | None = None
    sku: str | None = None
    num_iid: str | None = None
    num: int | None = None
    company_name: str | None = None
    sid: str | None = None
    cs_status: int | None = None
    refund_remind_timeout: RefundTimeout | None = None


class RefundAnswer(Wire):
    refund: Row = Field(repr=False)


class Sku(Wire):
    """A SKU of an item. Prices in yuan; `properties_name` is `pid:vid:name:value` joined by `;`."""

    sku_id: str
    outer_id: str | None = None
    properties: str | None = None
    properties_name: str | None = None
    price: str | None = None
    quantity: int | None = None
    with_hold_quantity: int | None = None
    status: str | None = None


class Item(Wire):
    """An item. `sub_stock` 1: stock is taken off when ordered; 2: when paid."""

    num_iid: str
    title: str | None = None
    outer_id: str | None = None
    price: str | None = None
    num: int | None = None
    approve_status: str | None = None
    sub_stock: str | None = None
    with_hold_quantity: int | None = None
    property_alias: str | None = None
    created: str | None = None
    modified: str | None = None
    skus: Listed[Sku] | None = None


class ItemAnswer(Wire):
    item: Row


class ItemPage(Wire):
    total_results: int | None = None
    items: Listed[Row] = Field(default_factory=list)


class ItemRows(Wire):
    """Foreign, deleted and missing ids give no error and no row."""

    items: Listed[Row] = Field(default_factory=list)


class Company(Wire):
    code: str
    name: str
    reg_mail_no: str | None = None


class Companies(Wire):
    logistics_companies: Listed[Company] = Field(default_factory=list)


class Opened(Wire):
    """Whom an order goes to, in plain text: handed on once, kept nowhere. Virtual numbers are `18877771111-123`."""

    tid: str | None = None
    name: str | None = Field(default=None, repr=False)
    mobile: str | None = Field(default=None, repr=False)
    phone: str | None = Field(default=None, repr=False)
    address_detail: str | None = Field(default=None, repr=False)
    matched: bool | None = None
    privacy_protection: bool | None = None
    secret_no_expire_time: str | None = None
    desensitize_rule: str | None = None


class OpenedRows(Wire):
    receiver_list: Listed[Opened] = Field(default_factory=list, repr=False)


class TradeIds(Wire):
    tid_list: Listed[str] = Field(default_factory=list)


class Seller(Wire):
    """`type` B is Tmall, C is Taobao."""

    user_id: str | None = None
    type: str


class SellerAnswer(Wire):
    user: Seller


class Accepted(Wire):
    """The answer of a write that says no more than that it was accepted."""

    request_id: str = ""


class Written(Wire):
    skus: Listed[Sku] | None = None


class SkusAccepted(Accepted):
    """The answer of a write of several SKUs, with those that were written."""

    item: Written | None = None

    def unseen(self, sku_ids: Iterable[str]) -> frozenset[str]:
        """Which of the SKUs the answer leaves out, where it names any."""
        if self.item is None or not self.item.skus:
            return frozenset()
        return frozenset(sku_ids) - {sku.sku_id for sku in self.item.skus}


class Success(Wire):
    is_success: bool | None = None


class Ack(Accepted):
    """The answer of a write that may still say no."""

    is_success: bool | None = None
    shipping: Success | None = None

    @property
    def said_yes(self) -> bool | None:
        """The success flag, wherever it stands; None where there is none."""
        return self.shipping.is_success if self.shipping else self.is_success

    def accepted(self) -> bool:
        return self.said_yes is True


class Tokens(Wire):
    """Tokens with their lives in seconds. `re_expires_in` 0: they cannot be refreshed."""

    access_token: str = Field(repr=False)
    refresh_token: str | None = Field(default=None, repr=False)
    expires_in: int
    re_expires_in: int | None = None
    taobao_user_id: str | None = None


class TokenAnswer(Wire):
    """The tokens come as JSON text in the JSON."""

    token_result: str = Field(repr=False)

    def tokens(self) -> Tokens:
        """Raises ValueError for a text that is none."""
        return Tokens.model_validate(json.loads(self.token_result))


class TmcMessages(Wire):
    """Messages of the app's queue, each with its `content` as JSON text."""

    messages: Listed[Row] = Field(default_factory=list, repr=False)


TRADE_FIELDS = ",".join(Trade.model_fields)
"""Only what is asked for is answered; `oaid` only beside the receiver's name, address, both phones and `created`."""
REFUND_FIELDS = ",".join(Refund.model_fields)
ITEM_FIELDS = ",".join("sku" if name == "skus" else name for name in Item.model_fields)
"""The SKUs are asked for in the singular."""

USER = Method("taobao.user.seller.get", SellerAnswer)
TRADES = Method("taobao.trades.sold.increment.get", TradePage)
TRADE = Method("taobao.trade.fullinfo.get", TradeAnswer)
SET_MEMO = Method("taobao.trade.memo.update", Accepted, write=True)
REFUNDS = Method("taobao.refunds.receive.get", RefundPage)
REFUND = Method("taobao.refund.get", RefundAnswer)
ON_SALE = Method("taobao.items.onsale.get", ItemPage)
IN_STOCK = Method("taobao.items.inventory.get", ItemPage)
ITEM = Method("taobao.item.seller.get", ItemAnswer)
ITEMS = Method("taobao.items.seller.list.get", ItemRows)
SET_ITEM_QUANTITY = Method("taobao.item.quantity.update", Accepted, write=True)
SET_SKU_QUANTITIES = Method("taobao.skus.quantity.update", SkusAccepted, write=True)
TMALL_QUANTITIES = Method("tmall.item.quantity.update", Accepted, write=True)
PUT_ON_SALE = Method("taobao.item.update.listing", Accepted, write=True)
TAKE_OFF_SALE = Method("taobao.item.update.delisting", Accepted, write=True)
TMALL_PUT_ON_SALE = Method("taobao.item.update.listing.tmall", Accepted, write=True)
TMALL_TAKE_OFF_SALE = Method("taobao.item.update.delisting.tmall", Accepted, write=True)
SET_SKU_PRICE = Method("taobao.item.sku.price.update", Accepted, write=True)
TMALL_PRICES = Method("tmall.item.price.update", Accepted, write=True)
OPEN = Method("taobao.top.oaid.decrypt", OpenedRows)
FIND = Method("taobao.trades.sold.query", TradeIds)
COMPANIES = Method("taobao.logistics.companies.get", Companies, session=False)
SEND_OFFLINE = Method("taobao.logistics.offline.send", Ack, write=True)
SEND_ONLINE = Method("taobao.logistics.online.send", Ack, write=True)
SEND_DUMMY = Method("taobao.logistics.dummy.send", Ack, write=True)
RESEND = Method("taobao.logistics.consign.resend", Ack, write=True)
# A refresh that got lost is simply asked for again: were the old token spent by it, the seller must authorise anyhow.
REFRESH = Method("taobao.top.auth.token.refresh", TokenAnswer, session=False)
PERMIT = Method("taobao.tmc.user.permit", Ack, write=True)
CONSUME = Method("taobao.tmc.messages.consume", TmcMessages, session=False)
CONFIRM = Method("taobao.tmc.messages.confirm", Ack, session=False)
