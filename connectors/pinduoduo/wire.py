"""The JSON of Pinduoduo as it is sent: its methods with their root names, and the fields this connector reads.

Field names are the platform's. Ids, codes and flags are read as text, because the same one is a number in one API and
text in the next. A page's rows stay plain JSON objects until each is validated on its own: one bad row must not cost
its page, and what is not declared here is kept by writing the object out again.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Generic, TypeVar

from pydantic import Field

from connectors.rows import Wire

Row = dict[str, Any]
"""A JSON object as it came."""


W = TypeVar("W", bound=Wire)


@dataclass(frozen=True)
class Method(Generic[W]):
    """An API: its name, the key its answer hangs under (empty: none; no rule gives it), and the answer."""

    name: str
    root: str
    answer: type[W]
    write: bool = False
    token: bool = True


class OrderItem(Wire):
    """A line of an order, or a gift. Amounts in yuan."""

    goods_id: str
    sku_id: str
    goods_name: str | None = None
    goods_spec: str | None = None
    goods_price: Decimal | None = None
    goods_count: int
    outer_id: str | None = None
    outer_goods_id: str | None = None
    order_sn: str | None = None


class Tag(Wire):
    name: str
    value: str | None = None


class ExtraParcel(Wire):
    logistics_id: str
    tracking_number: str


class ServiceFee(Wire):
    service_name: str | None = None
    service_fee: Decimal


class SubsidyShare(Wire):
    """Who settles a part of the national trade-in subsidy: 1 government, 2 platform, 3 merchant."""

    funder: str
    amount: Decimal


class StepOrder(Wire):
    """A deposit order's amounts, in yuan."""

    step_trade_status: str | None = None
    advanced_paid_fee: Decimal | None = None
    step_paid_fee: Decimal | None = None


class RelatedOrder(Wire):
    order_sn: str | None = None


class OrderRow(Wire):
    """An order of any of the four order APIs. Amounts in yuan, times in Shanghai's wall clock."""

    order_sn: str
    order_status: str
    refund_status: str | None = None
    after_sales_status: str | None = None
    confirm_status: str | None = None
    group_status: str | None = None
    risk_control_status: str | None = None
    trade_type: str | None = None
    is_lucky_flag: str | None = None
    is_pre_sale: str | None = None
    pre_sale_time: str | None = None
    created_time: str | None = None
    pay_time: str | None = None
    confirm_time: str | None = None
    updated_at: str
    last_ship_time: str | None = None
    shipping_time: str | None = None
    receive_time: str | None = None
    goods_amount: Decimal
    platform_discount: Decimal | None = None
    seller_discount: Decimal | None = None
    capital_free_discount: Decimal | None = None
    order_change_amount: Decimal | None = None
    postage: Decimal | None = None
    pay_amount: Decimal
    duo_duo_pay_reduction: Decimal | None = None
    delivery_home_value: Decimal | None = None
    delivery_install_value: Decimal | None = None
    home_install_value: Decimal | None = None
    service_fee_detail: list[ServiceFee] | None = None
    trade_in_national_subsidy_amount: Decimal | None = None
    trade_in_national_subsidy_type: str | None = None
    government_subsidy_settle_details: list[SubsidyShare] | None = None
    country: str | None = None
    province: str | None = None
    province_id: str | None = None
    city: str | None = None
    city_id: str | None = None
    town: str | None = None
    town_id: str | None = None
    receiver_name: str | None = Field(default=None, repr=False)
    receiver_name_mask: str | None = None
    receiver_phone: str | None = Field(default=None, repr=False)
    receiver_phone_mask: str | None = None
    receiver_address: str | None = Field(default=None, repr=False)
    receiver_address_mask: str | None = None
    contact_mobile: str | None = Field(default=None, repr=False)
    open_address_id: str | None = None
    open_address_id_2: str | None = None
    buyer_memo: str | None = Field(default=None, repr=False)
    remark: str | None = Field(default=None, repr=False)
    remark_tag: str | None = None
    item_list: list[OrderItem]
    gift_list: list[OrderItem] | None = None
    gift_order_status: str | None = None
    logistics_id: str | None = None
    tracking_number: str | None = None
    extra_delivery_list: list[ExtraParcel] | None = None
    gift_delivery_list: list[ExtraParcel] | None = None
    resend_delivery_list: list[ExtraParcel] | None = None
    invoice_status: str | None = None
    is_stock_out: str | None = None
    stock_out_handle_status: str | None = None
    free_sf: str | None = None
    return_freight_payer: str | None = None
    delivery_one_day: str | None = None
    self_contained: str | None = None
    only_support_replace: str | None = None
    support_nationwide_warranty: str | None = None
    duoduo_wholesale: str | None = None
    order_tag_list: list[Tag] | None = None
    step_order_info: StepOrder | None = None
    ship_additional_link_order: str | None = None
    ship_additional_origin_order: str | None = None
    related_order_list: list[RelatedOrder] | None = None


class OrderPage(Wire):
    """Either `total_count` or `has_next`, never both; rows are `OrderRow`."""

    total_count: int | None = None
    order_sn_list: list[Row] = Field(default_factory=list, repr=False)


class OrderAnswer(Wire):
    order_info: Row = Field(repr=False)


class OrderSn(Wire):
    order_sn: str


class OpenRefunds(Wire):
    order_sns_exists_refund: list[OrderSn] | None = None


class RefundRow(Wire):
    """An after-sale of the increment list. Amounts in **yuan**; types count from 2 (1 is the request's "all")."""

    id: str
    order_sn: str
    after_sales_type: str
    after_sales_status: str
    after_sale_reason: str | None = None
    created_time: str
    updated_time: str
    refund_amount: Decimal | None = None
    goods_number: int | None = None
    sku_id: str | None = None
    shipping_name: str | None = None
    tracking_number: str | None = None


class RefundPage(Wire):
    total_count: int
    refund_list: list[Row] = Field(default_factory=list, repr=False)


class ExchangeShipping(Wire):
    """The replacement's parcel. Field names as in the request that declares it (inferred)."""

    shipping_id: str | None = None
    shipping_name: str | None = None
    tracking_number: str | None = None


class RefundDetail(Wire):
    """An after-sale's detail, without a root. Amounts in **fen** (inferred); types count from 1."""

    id: str
    order_sn: str
    after_sales_type: str
    after_sales_status: str
    after_sales_reason: str | None = None
    updated_time: str
    recreated_at: int | None = None
    expire_time: int | None = None
    refund_amount: Decimal | None = None
    goods_number: int | None = None
    sku_id: str | None = None
    shipping_name: str | None = None
    express_no: str | None = None
    join_or_not: str | None = None
    exchange_shipping_detail: ExchangeShipping | None = None


class Spec(Wire):
    spec_name: str


class GoodsSku(Wire):
    """A SKU of a listing. Prices in fen: `multi_price` in a group, `price` alone."""

    sku_id: str
    is_onsale: str | None = None
    out_sku_sn: str | None = None
    quantity: int | None = None
    reserve_quantity: int | None = None
    multi_price: int | None = None
    price: int | None = None
    spec: list[Spec] | None = None


class Goods(Wire):
    """A listing's detail. Prices in fen."""

    goods_id: str
    goods_name: str | None = None
    status: str | None = None
    outer_goods_id: str | None = None
    market_price: int | None = None
    sku_list: list[GoodsSku]


class GoodsRow(Wire):
    """A listing of the list, which has no prices: read for its id only."""

    goods_id: str


class GoodsPage(Wire):
    total_count: int
    goods_list: list[Row] = Field(default_factory=list)


class Company(Wire):
    id: str
    code: str
    logistics_company: str
    available: int


class Companies(Wire):
    logistics_companies: list[Company]


class AckResult(Wire):
    succ: bool | None = None
    success: bool | None = None
    message: str | None = None


class Ack(Wire):
    """What a write answers, in all its spellings: a success root may still carry a failure inside."""

    is_success: bool | None = None
    success: bool | None = None
    result: AckResult | bool | None = None
    error_code: str | None = None
    error_msg: str | None = None
    request_id: str | None = None
    goods_commit_id: str | None = None

    @property
    def flags(self) -> list[bool]:
        """Every success flag that was sent."""
        inner = [self.result.succ, self.result.success] if isinstance(self.result, AckResult) else [self.result]
        return [flag for flag in (self.is_success, self.success, *inner) if flag is not None]

    def accepted(self) -> bool:
        """At least one flag, and none that says no."""
        return bool(self.flags) and all(self.flags)

    def reason(self) -> str:
        """The platform's sentence, where it sent one."""
        inner = self.result.message if isinstance(self.result, AckResult) else None
        return self.error_msg or inner or ""


class Opened(Wire):
    """One ciphertext of pdd.open.decrypt.batch, with its own refusal. `virtual_number_type` 1: a number of the
    platform's, with an extension.
    """

    encrypted_data: str = ""
    decrypted_data: str | None = Field(default=None, repr=False)
    error_code: str | None = None
    error_msg: str | None = None
    virtual_number_type: str | None = None
    virtual_identify_number: str | None = Field(default=None, repr=False)

    @property
    def opened(self) -> bool:
        return self.error_code in (None, "0") and bool(self.decrypted_data)


class OpenedRows(Wire):
    data_decrypt_list: list[Opened] | None = Field(default=None, repr=False)


class FoundOrders(Wire):
    """Ids, the newest order first and at most a hundred. Shape from the SDK's classes; there is no sample."""

    order_sn_list: list[str] | None = None


class Token(Wire):
    """Tokens and when they end (epoch seconds). A permission level may end before the token itself."""

    access_token: str = Field(repr=False)
    expires_at: int | None = None
    expires_in: int | None = None
    refresh_token: str = Field(repr=False)
    refresh_token_expires_at: int | None = None
    r1_expires_at: int | None = None
    r2_expires_at: int | None = None
    w1_expires_at: int | None = None
    w2_expires_at: int | None = None


class PushContent(Wire):
    """The inner JSON of a push."""

    tid: str | None = None
    refund_id: str | None = None
    goods_id: str | None = None
    modified: int | None = None
    update_time: int | None = None
    onshelf_time: int | None = None


class PushMessage(Wire):
    type: str
    mallID: str  # noqa: N815  # the platform's spelling
    content: str = Field(default="", repr=False)


class Frame(Wire):
    """A frame of the message connection. `id` and `sendTime` stay as they came, because acknowledgements echo them."""

    commandType: str  # noqa: N815  # the platform's spelling
    id: int | str | None = None
    time: int | None = None
    sendTime: int | str | None = None  # noqa: N815  # the platform's spelling
    message: PushMessage | str | None = None


ORDERS = Method("pdd.order.number.list.increment.get", "order_sn_increment_get_response", OrderPage)
ORDER = Method("pdd.order.information.get", "order_info_get_response", OrderAnswer)
OPEN_REFUNDS = Method("pdd.refund.status.check", "refund_status_check_response", OpenRefunds)
REFUNDS = Method("pdd.refund.list.increment.get", "refund_increment_get_response", RefundPage)
REFUND = Method("pdd.refund.information.get", "", RefundDetail)
GOODS_LIST = Method("pdd.goods.list.get", "goods_list_get_response", GoodsPage)
GOODS = Method("pdd.goods.detail.get", "goods_detail_get_response", Goods)
SET_QUANTITY = Method("pdd.goods.quantity.update", "goods_quantity_update_response", Ack, write=True)
SET_PRICE = Method("pdd.goods.sku.price.update", "goods_update_sku_price_response", Ack, write=True)
SEND = Method("pdd.logistics.online.send", "logistics_online_send_response", Ack, write=True)
SEND_EXTRA = Method("pdd.order.upload.extra.logistics", "upload_extra_logistics_response", Ack, write=True)
SET_NOTE = Method("pdd.order.note.update", "response", Ack, write=True)
COMPANIES = Method("pdd.logistics.companies.get", "logistics_companies_get_response", Companies, token=False)
SET_SALE = Method("pdd.goods.sale.status.set", "goods_sale_status_set_response", Ack, write=True)
DECRYPT = Method("pdd.open.decrypt.batch", "open_decrypt_batch_response", OpenedRows)
SEARCH = Method("pdd.order.search.order", "search_order_response", FoundOrders)
PERMIT = Method("pdd.pmc.user.permit", "pmc_user_permit_response", Ack, write=True)
# A refresh that got lost is simply asked for again: were the old token spent by it, the seller must authorise anyhow.
REFRESH = Method("pdd.pop.auth.token.refresh", "pop_auth_token_refresh_response", Token, token=False)
