"""The JSON of the Douyin API as sent: the fields we read, spelled as the platform spells them. No judgement lives here.

Ids, amounts and times come as numbers in one API and as text in the next, so every field takes both. Rows of lists stay
plain JSON until `read_row`, so that one bad row spoils nothing else and the raw row can be kept word for word.
"""

from typing import Any, TypeVar

from pydantic import Field, RootModel, ValidationError

from connectors.rows import Wire

Json = dict[str, Any]


W = TypeVar("W", bound=Wire)


def read_row(shape: type[W], row: object) -> W:
    """One row of a list. Where a field is null or "" although its type allows neither, it counts as absent. Raises
    ValidationError."""
    try:
        return shape.model_validate(row)
    except ValidationError:
        return shape.model_validate(_without_blanks(row))


def _without_blanks(value: object) -> object:
    if isinstance(value, dict):
        return {name: _without_blanks(inner) for name, inner in value.items() if inner is not None and inner != ""}
    if isinstance(value, list):
        return [_without_blanks(inner) for inner in value]
    return value


class Envelope(Wire):
    """Around every answer. `code` in the present generation, `err_no` alone in the oldest, both in between."""

    code: str = ""
    err_no: str = ""
    msg: str = ""
    message: str = ""
    sub_code: str = ""
    sub_msg: str = ""
    log_id: str = ""
    data: Any = None

    @property
    def accepted(self) -> bool:
        """10001 is a partial success: the items inside tell which."""
        return self.code in ("10000", "10001") or (not self.code and self.err_no == "0")


class Verbatim(RootModel[Any]):
    """`data` as plain JSON: kept for its raw text, or of no use at all."""


class Rows(RootModel[list[Any] | Json]):
    """Where `data` itself is an array: sku.list, order.logisticsCompanyList. No `data` at all is an empty one."""

    @property
    def rows(self) -> list[Any]:
        return self.root if isinstance(self.root, list) else []


class Named(Wire):
    """A region."""

    id: str = ""
    name: str = ""


class Address(Wire):
    """`town` is what others call a district, `street` a town."""

    province: Named = Named()
    city: Named = Named()
    town: Named = Named()
    street: Named = Named()
    detail: str = ""
    encrypt_detail: str = ""


class MaskedAddress(Wire):
    detail: str = ""


class Spec(Wire):
    name: str = ""
    value: str = ""


class LineAfterSale(Wire):
    after_sale_status: str = "0"
    after_sale_type: str = "0"
    refund_status: str = "0"


class Bundled(Wire):
    sku_id: str = ""
    product_name: str = ""
    item_num: int = 1
    code: str = ""


class Tag(Wire):
    key: str = ""


class Amounts(Wire):
    """The money of shop order and sku order, in fen. Costs are by who pays, promotions by who owns the activity."""

    pay_amount: int
    post_amount: int = 0
    promotion_amount: int = 0
    promotion_pay_amount: int = 0
    shop_cost_amount: int = 0
    platform_cost_amount: int = 0
    only_platform_cost_amount: int | None = None
    author_cost_amount: int = 0
    modify_amount: int = 0
    post_insurance_amount: int = 0
    tax_amount: int = 0
    packing_amount: int = 0


class SkuOrder(Amounts):
    """A line. Its id may equal its parent's."""

    order_id: str
    order_status: str
    product_id: str
    product_id_str: str = ""
    sku_id: str
    product_name: str = ""
    code: str = ""
    out_product_id: str = ""
    spec: list[Spec] | None = None
    item_num: int
    origin_amount: int
    sum_amount: int | None = None
    ship_time: int = 0
    logistics_receipt_time: int = 0
    confirm_receipt_time: int = 0
    pre_sale_type: int = 0
    given_product_type: str = ""
    master_sku_order_id: str = ""
    master_sku_order_id_list: list[str] | None = None
    bundle_sku_info: list[Bundled] | None = None
    after_sale_info: LineAfterSale | None = None
    sku_order_tag_ui: list[Tag] | None = None


class PackedProduct(Wire):
    sku_order_id: str = ""
    product_count: int = 0


class Logistics(Wire):
    tracking_no: str = ""
    company: str = ""
    company_name: str = ""
    delivery_id: str = ""
    ship_time: int = 0
    product_info: list[PackedProduct] | None = None


class Phase(Wire):
    current_phase: int = 0
    phase_payable_price: int = 0


class ShopOrder(Amounts):
    """A parent order with its sku orders, alike in order.searchList and order.orderDetail."""

    order_id: str
    order_status: str
    main_status: str = ""
    order_type: str = "0"
    order_type_desc: str = ""
    trade_type: str = "0"
    trade_type_desc: str = ""
    pay_type: str = ""
    create_time: int
    update_time: int
    pay_time: int = 0
    ship_time: int = 0
    finish_time: int = 0
    exp_ship_time: int = 0
    appointment_ship_time: int = 0
    buyer_words: str = ""
    seller_words: str = ""
    seller_remark_stars: str = "0"
    open_id: str = ""
    doudian_open_id: str = ""
    open_address_id: str = ""
    encrypt_post_receiver: str = ""
    encrypt_post_tel: str = ""
    mask_post_receiver: str = ""
    mask_post_tel: str = ""
    post_addr: Address = Address()
    mask_post_addr: MaskedAddress = MaskedAddress()
    sku_order_list: list[SkuOrder]
    logistics_info: list[Logistics] | None = None
    order_phase_list: list[Phase] | None = None
    shop_order_tag_ui: list[Tag] | None = None
    relation_shop_order_ids: list[str] | None = None


class OrderPage(Wire):
    total: int
    shop_order_list: list[Any] | None = None

    @property
    def rows(self) -> list[Any]:
        return self.shop_order_list or []


class OrderDetail(Wire):
    shop_order_detail: Json


class AfterSaleInfo(Wire):
    """`aftersale_info` of afterSale.List. `related_id` is a sku order, or the parent if `aftersale_order_type` is 2."""

    aftersale_id: str
    aftersale_order_type: str = "1"
    aftersale_type: str
    aftersale_status: str
    refund_status: str = "0"
    arbitrate_status: str = "0"
    related_id: str = ""
    apply_time: int
    update_time: int
    status_deadline: int = 0
    refund_amount: int = 0
    refund_post_amount: int = 0
    aftersale_num: int | None = None
    return_logistics_code: str = ""
    return_logistics_company_name: str = ""


class RelatedOrder(Wire):
    sku_order_id: str


class RelatedOrders(Wire):
    shop_order_id: str
    related_order_info: list[RelatedOrder] | None = None


class AfterSaleTexts(Wire):
    reason_text: str = ""


class AfterSaleRow(Wire):
    aftersale_info: AfterSaleInfo
    order_info: RelatedOrders
    text_part: AfterSaleTexts | None = None


class AfterSalePage(Wire):
    total: int
    items: list[Any] | None = None

    @property
    def rows(self) -> list[Any]:
        return self.items or []


class AfterSaleProcess(Wire):
    """`after_sale_info` of afterSale.Detail: the list's fields under other names."""

    after_sale_id: str
    after_sale_order_type: str = "1"
    after_sale_type: str
    after_sale_status: str
    refund_status: str = "0"
    apply_time: int
    update_time: int
    status_deadline: int = 0
    refund_total_amount: int = 0
    refund_post_amount: int = 0
    after_sale_apply_count: int | None = None
    reason: str = ""


class Arbitration(Wire):
    arbitrate_status: str = "0"


class ReturnLogistics(Wire):
    tracking_no: str = ""
    company_name: str = ""


class AfterSaleLogistics(Wire):
    returned: ReturnLogistics | None = Field(default=None, alias="return")


class ProcessInfo(Wire):
    after_sale_info: AfterSaleProcess
    arbitrate_info: Arbitration | None = None
    logistics_info: AfterSaleLogistics | None = None


class DetailedOrders(Wire):
    shop_order_id: str
    sku_order_infos: list[RelatedOrder] | None = None


class AfterSaleDetail(Wire):
    process_info: ProcessInfo
    order_info: DetailedOrders


class Product(Wire):
    """A product in product.listV2 (times in seconds) or product.detail (times as Shanghai text)."""

    product_id: str
    name: str = ""
    outer_product_id: str = ""
    status: str
    check_status: str
    draft_status: str = "0"
    market_price: int = 0
    create_time: int | str = 0
    update_time: int | str = 0


class ProductPage(Wire):
    total: int = 0
    cursor_id: str = ""
    data: list[Any] | None = None

    @property
    def rows(self) -> list[Any]:
        return self.data or []


class SellProperty(Wire):
    value_name: str = ""


class Sku(Wire):
    """A row of sku.list. `stock_num` can be sold, `prehold_stock_num` is bound by unpaid and unshipped orders."""

    id: str
    code: str = ""
    price: int
    stock_num: int
    prehold_stock_num: int = 0
    spec_detail_name1: str = ""
    spec_detail_name2: str = ""
    spec_detail_name3: str = ""
    sell_properties: list[SellProperty] | None = None


class StockResult(Wire):
    sku_id: str
    status_code: int = 0
    status_message: str = ""


class StockResults(Wire):
    results: list[StockResult] | None = None


class Company(Wire):
    """A delivery company."""

    code: str
    name: str = ""


class Opened(Wire):
    """One ciphertext of order.batchDecrypt, with its own refusal. A virtual number is `phone_no_a` and an extension."""

    cipher_text: str = ""
    decrypt_text: str = Field(default="", repr=False)
    err_no: str = "0"
    err_msg: str = ""
    is_virtual_tel: bool = False
    phone_no_a: str = Field(default="", repr=False)
    phone_no_b: str = Field(default="", repr=False)
    expire_time: int = 0


class OpenedRows(Wire):
    decrypt_infos: list[Any] | None = Field(default=None, repr=False)


class FoundOrders(Wire):
    total: int
    shop_order_list: list[Any] | None = None


class Tokens(Wire):
    """`expires_in` is the remaining life in seconds: an existing token may be handed out again."""

    access_token: str = Field(repr=False)
    refresh_token: str = Field(repr=False)
    expires_in: int


class PushMessage(Wire):
    """One element of a push. `data` is JSON inside a string; some samples show the object itself, and `msgId`."""

    tag: str
    msg_id: str = ""
    msgId: str = ""  # noqa: N815  # as sent
    data: Any = None
