"""The JSON of JD as it is sent: its methods with the key of their result, and the fields this connector reads.

Field names are the platform's, misspellings included. Ids, codes and flags are read as text, because the same one is a
number in one API and text in the next. A page's rows stay plain JSON objects until each is validated on its own: one
bad row must not cost its page, and what is not declared here is kept by writing the object out again.
"""

# ruff: noqa: N815  (the platform spells its fields so)

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import Field

from connectors.rows import Wire

Row = dict[str, Any]
"""A JSON object as it came."""

Yuan = Annotated[Decimal | Literal[""] | None, Field(union_mode="left_to_right")]
"""An amount in yuan; empty text where there is none."""


W = TypeVar("W", bound=Wire)


@dataclass(frozen=True)
class Method(Generic[W]):
    """An API: its name, the key its result hangs under inside the wrapper (empty: the wrapper itself), the result.
    `other` is the key by another source, where sources disagree.
    """

    name: str
    result: str
    answer: type[W]
    write: bool = False
    other: str = ""


class Ack(Wire):
    """What a write answers beyond yes, which the client has checked: nothing."""


class OrderItem(Wire):
    """A line of an order; the platform gives it no id. A gift costs nothing."""

    skuId: str
    skuUuid: str | None = None
    outerSkuId: str | None = None
    skuName: str | None = None
    jdPrice: Yuan = None
    wareId: str | None = None
    itemTotal: int
    productNo: str | None = None


class Coupon(Wire):
    """A part of what was taken off. `couponType` is a number with its name; `skuId` is there for type 30 only."""

    skuId: str | None = None
    couponType: str
    couponPrice: Yuan = None


class Consignee(Wire):
    """Where an order goes: regions plain, the rest masked or encrypted, as the API called gives it."""

    fullname: str | None = Field(default=None, repr=False)
    telephone: str | None = Field(default=None, repr=False)
    mobile: str | None = Field(default=None, repr=False)
    fullAddress: str | None = Field(default=None, repr=False)
    province: str | None = None
    city: str | None = None
    county: str | None = None
    town: str | None = None
    provinceId: str | None = None
    cityId: str | None = None
    countyId: str | None = None
    townId: str | None = None
    oaid: str | None = Field(default=None, repr=False)
    desen_telephone: str | None = None
    desen_mobile: str | None = None


class PackedSku(Wire):
    skuId: str
    num: int


class PartShipment(Wire):
    """One parcel of an order that ships in parts. The times' form is not documented (inferred: as everywhere)."""

    shipmentId: str | None = None
    logicId: str | None = None
    waybillId: str | None = None
    shipmentTime: str | None = None
    skus: list[PackedSku] | None = None


class InvoiceWish(Wire):
    """What invoice the buyer wants: 0 none, 1 normal, 2 VAT special, 3 electronic. The rest of it is personal."""

    invoiceType: str | None = None


class OrderRow(Wire):
    """An order of the search and of the detail alike. Amounts in yuan, times in Shanghai's wall clock."""

    orderId: str
    orderType: str | None = None
    payType: str | None = None
    orderTotalPrice: Decimal
    orderSellerPrice: Yuan = None
    orderPayment: Decimal
    freightPrice: Yuan = None
    sellerDiscount: Yuan = None
    taxFee: Yuan = None
    serviceFee: Yuan = None
    balanceUsed: Yuan = None
    orderState: str
    orderRemark: str | None = Field(default=None, repr=False)
    venderRemark: str | None = Field(default=None, repr=False)
    venderRemarkLevelFlag: str | None = None
    orderStartTime: str
    paymentConfirmTime: str | None = None
    orderEndTime: str | None = None
    modified: str
    scDT: str | None = None
    invoiceInfo: str | None = Field(default=None, repr=False)
    invoiceEasyInfo: InvoiceWish | None = None
    consigneeInfo: Consignee | None = None
    itemInfoList: list[OrderItem]
    couponDetailList: list[Coupon] | None = None
    waybill: str | None = None
    logisticsId: str | None = None
    partialLogisticsInfoModel: list[PartShipment] | None = None
    directParentOrderId: str | None = None
    parentOrderId: str | None = None
    returnOrder: str | None = None
    storeOrder: str | None = None
    idSopShipmenttype: str | None = None
    open_id_buyer: str | None = None


ORDER_FIELDS = ",".join(OrderRow.model_fields)
"""`optional_fields`: what is not named is not sent, and what is not read is not asked for."""


class OrderPage(Wire):
    """Rows are `OrderRow`."""

    orderTotal: int = 0
    orderInfoList: list[Row] | None = Field(default=None, repr=False)


class OrderAnswer(Wire):
    orderInfo: Row | None = Field(default=None, repr=False)


class UnpaidRow(Wire):
    """An order that waits to be paid, without money or receiver: read for its id only."""

    orderId: str


class UnpaidPage(Wire):
    totalItem: int = 0
    pageList: list[Row] | None = Field(default=None, repr=False)


class Application(Wire):
    """A refund application. `applyRefundSum` is in fen, unlike all other money here; what a row of its `skuVoList`
    holds is not documented."""

    id: str
    orderId: str
    status: str
    applyTime: str
    checkTime: str | None = None
    applyRefundSum: Decimal | None = None
    reason: str | None = None
    systemId: str | None = None


class Applications(Wire):
    """Rows are `Application`."""

    totalCount: int = 0
    result: list[Row] | None = Field(default=None, repr=False)


class ServiceRow(Wire):
    """A service order in the list, once per SKU: read for its ids only."""

    serviceId: str
    orderId: str
    skuId: str | None = None


class ServicePage(Wire):
    """Rows are `ServiceRow`, or `ServiceRefund`."""

    totalCount: int = 0
    data: list[Row] | None = Field(default=None, repr=False)


class ServiceGoods(Wire):
    """Goods of a service order. That `actualPayPrice` is for all pieces is inferred."""

    skuId: str | None = None
    wareType: str | None = None
    actualPayPrice: Yuan = None
    wareNum: int | None = None


class ServiceBill(Wire):
    """A service order in full. Times are epoch milliseconds, amounts yuan."""

    serviceId: str
    orderId: str
    serviceStatus: str
    customerExpect: str | None = None
    questionTypeCid1Name: str | None = None
    applyTime: int
    approveDate: int | None = None
    updateDate: int | None = None
    serviceCount: int | None = None
    serviceBillDetailList: list[ServiceGoods] | None = None


class ServiceAnswer(Wire):
    data: Row | None = Field(default=None, repr=False)


class RefundedService(Wire):
    serviceId: str


class ServiceRefund(Wire):
    """Money that went back for a service order: `status` 13 succeeded, 14 failed. In yuan."""

    refoundAmount: Yuan = None
    status: str
    sameOrderServiceBill: RefundedService


class Ware(Wire):
    """A listing. Times are epoch milliseconds."""

    wareId: str
    title: str | None = None
    wareStatus: str | None = None
    outerId: str | None = None
    itemNum: str | None = None
    marketPrice: Yuan = None
    created: int | None = None
    modified: int | None = None


class SaleAttribute(Wire):
    attrValueAlias: list[str] | None = None
    index: int | None = None


class Sku(Wire):
    """A SKU of a listing. `stockNum` counts what running orders have booked."""

    wareId: str
    skuId: str
    status: str | None = None
    saleAttrs: list[SaleAttribute] | None = None
    jdPrice: Yuan = None
    outerId: str | None = None
    stockNum: int | None = None


class Rows(Wire):
    """A page of listings or SKUs."""

    data: list[Row] | None = None
    totalItem: int = 0


WARE_FIELDS = tuple(Ware.model_fields)
SKU_FIELDS = ",".join(Sku.model_fields)
"""`field` of the two searches; the one takes a list, the other a text."""


class SkuStock(Wire):
    """A SKU's stock in one warehouse. The bookings come from the query only."""

    storeId: str | None = None
    stockNum: int
    orderBookingNum: int | None = None
    appBookingNum: int | None = None
    canUsedNum: int | None = None


class SkuStocks(Wire):
    """From the read, which is documented to the last field."""

    skuStocks: list[SkuStock] | None = None


class BookedStocks(Wire):
    """Inferred: only the wrapper of the query and the names of the numbers are documented."""

    skuStockInfos: list[SkuStock] | None = None


class BookedAnswer(Wire):
    obj: BookedStocks | None = None


class StockResult(Wire):
    """What became of one SKU of a stock write; `data` is its id."""

    data: str
    success: bool
    message: str | None = None


class StockResults(Wire):
    updateStockResult: list[StockResult] | None = None


class StockAnswer(Wire):
    obj: StockResults | None = None


class FailedOrder(Wire):
    code: str | None = None
    orderId: str | None = None
    failReason: str | None = None


class PartShipped(Wire):
    successList: list[str] | None = None
    failList: list[FailedOrder] | None = None


class PartShipAnswer(Wire):
    data: PartShipped | None = None


class Opened(Wire):
    """Whom an order goes to, in plain text: handed on once, kept nowhere. `address` repeats the regions; the form of
    `expiration`, when the virtual number of `privacyProtection` ends, is not documented.
    """

    orderId: str
    customerName: str | None = Field(default=None, repr=False)
    consMobilePhone: str | None = Field(default=None, repr=False)
    customerPhone: str | None = Field(default=None, repr=False)
    address: str | None = Field(default=None, repr=False)
    privacyProtection: bool | None = None
    expiration: str | None = None


class OpenedRows(Wire):
    """An order that was not opened has no row (inferred)."""

    data: list[Opened] | None = Field(default=None, repr=False)


class FoundOrder(Wire):
    """The form of `createDate` is not documented."""

    orderId: str
    createDate: str | None = None


class FoundOrders(Wire):
    orderIdList: list[FoundOrder] | None = None


class FindAnswer(Wire):
    """Inferred: of the answer only the list is documented, not what stands around it."""

    data: FoundOrders | None = None


class Company(Wire):
    logistics_id: str
    logistics_name: str


class Companies(Wire):
    logistics_list: list[Company] | None = None


COMPANY_FIELDS = "logistics_id,logistics_name,logistics_remark,sequence,agree_flag,is_cod"


class Token(Wire):
    """Tokens; `time` is when they were issued (epoch milliseconds)."""

    access_token: str = Field(repr=False)
    expires_in: int
    refresh_token: str = Field(repr=False)
    time: int | None = None


ORDERS = Method("jingdong.pop.order.enSearch", "searchorderinfo_result", OrderPage)
ORDER = Method("jingdong.pop.order.enGet", "orderDetailInfo", OrderAnswer)
UNPAID = Method("jingdong.pop.order.notPayOrderInfo", "paginatedInfo", UnpaidPage)
APPLICATIONS = Method("jingdong.pop.afs.soa.refundapply.queryPageList", "queryResult", Applications)
APPLICATION = Method("jingdong.pop.afs.soa.refundapply.queryById", "queryResult", Applications)
SERVICES = Method("jingdong.asc.sync.list", "pageResult", ServicePage)
SERVICE = Method("jingdong.asc.query.view", "result", ServiceAnswer)
SERVICE_REFUNDS = Method("jingdong.asc.serviceAndRefund.view", "pageResult", ServicePage)
SET_REMARK = Method("jingdong.pop.order.modifyVenderRemark", "modifyvenderremark_result", Ack, write=True)
SHIP = Method("jingdong.pop.order.shipment", "sopjosshipment_result", Ack, write=True)
SHIP_PART = Method("jingdong.pop.order.partial.outship", "response", PartShipAnswer, write=True)
CHANGE_PART = Method("jingdong.pop.order.waybill.update", "response", Ack, write=True)
CHANGE_WHOLE = Method("jingdong.pop.order.sop.logistics.update", "returnType", Ack, write=True)
"""Inferred, as the answer of CHANGE_PART: only what they ask for is documented."""
COMPANIES = Method("360buy.delivery.logistics.get", "logistics_companies", Companies)
OPEN = Method("jingdong.jos.order.oaid.decrypt", "response", OpenedRows, other="returnType")
FIND = Method("jingdong.jos.order.oaid.search", "response", FindAnswer)
WARES = Method("jingdong.ware.read.searchWare4Valid", "page", Rows)
SKUS = Method("jingdong.sku.read.searchSkuList", "page", Rows)
STOCK = Method("jingdong.stock.read.findSkuStock", "", SkuStocks)
BOOKED = Method("jingdong.ware.stock.sku.query", "returnType", BookedAnswer)
SET_STOCK = Method("jingdong.ware.stock.sku.set", "returnType", StockAnswer, write=True)
ADD_STOCK = Method("jingdong.stock.write.increaseSkuStock", "result", Ack, write=True)
SET_PRICE = Method("jingdong.price.write.updateSkuJdPrice", "", Ack, write=True)
UP_OR_DOWN = Method("jingdong.ware.write.upOrDown", "", Ack, write=True)
