"""The samples' answers as canonical values, and the status mapping."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.jd import mapping, wire
from connectors.jd.mapping import tables
from core.model import (
    Flag,
    Invoice,
    Line,
    Lineage,
    Listing,
    ListingSku,
    Masked,
    Memo,
    Money,
    Order,
    Packed,
    Parcel,
    ParcelKind,
    Payer,
    Presale,
    Price,
    Receiver,
    Share,
)
from core.status import AfterSaleState, Closing, Fact, Fulfilment, Hold, OrderStatus, Payment, Shelf
from tests.connectors.jd.kit import ORDER_ID, SKU_ID, order_row, sample

SHOP = "jd:10000001"
ROWS = sample("order.list.response")["jingdong_pop_order_enSearch_responce"]["searchorderinfo_result"]["orderInfoList"]
CIPHER = "AASpq6ca+s/U5qUsgtiILTXEAAECAwQFBgcICQoLDA0OD"
SELLER_SKU = Share(payer=Payer.SELLER, amount=2000, name="30-单品促销优惠")
SELLER_SHOP = Share(payer=Payer.SELLER, amount=1000, name="100-店铺优惠")
COUPON = Share(payer=Payer.PLATFORM, amount=2000, name="41-京东券优惠")
BEANS = Share(payer=Payer.PLATFORM, amount=400, name="39-京豆优惠")
NEVER = "0001-01-01 00:00:00"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def read(row: dict[str, Any]) -> Order:
    return mapping.order(SHOP, wire.OrderRow.model_validate(row))


def order(**changes: Any) -> Order:
    return read(order_row(**changes))


def parts(share: Share, *amounts: int) -> list[Share]:
    return [Share(payer=share.payer, amount=amount, name=share.name) for amount in amounts]


def test_the_order_that_waits_to_be_shipped() -> None:
    found = order()
    assert found.id == ORDER_ID
    assert found.status is OrderStatus.TO_SHIP
    assert found.payment == Fact[Payment](value=Payment.PAID, raw="4-在线支付", at=at("2026-03-15 02:02:40"))
    assert found.fulfilment == Fact[Fulfilment](value=Fulfilment.TO_SHIP, raw="WAIT_SELLER_STOCK_OUT")
    assert found.closing.value is Closing.OPEN
    assert found.hold.value is Hold.NONE
    assert found.after_sale.value is AfterSaleState.NONE
    assert found.money == Money(
        goods=29800,
        postage=600,
        discounts=(SELLER_SKU, SELLER_SHOP, COUPON, BEANS),
        pay=25000,
        payments=(Share(payer=Payer.BUYER, amount=25000),),
        receivable=27400,  # 268.00 for the goods and 6.00 postage
    )
    assert (found.created_at, found.updated_at) == (at("2026-03-15 02:02:11"), at("2026-03-15 02:02:41"))
    assert found.paid_at == at("2026-03-15 02:02:40")
    assert (found.shipped_at, found.signed_at, found.ended_at, found.ship_by) == (None, None, None, None)
    assert found.receiver == Receiver(
        name=Masked(cipher=f"{CIPHER}6TfaCM7xL7W6+wZnrUc+R0="),
        phone=Masked(mask="138****0000", cipher=f"{CIPHER}68r2wNfeDmA2kGL7IkeuYI="),
        detail=Masked(cipher=f"{CIPHER}9LxmYYPumg5KPwcHTFp/QqfmnpMarPfNbgsiib3KB5h40bKisaVVUciDuZAb7EoNg=="),
        province="浙江",
        city="杭州市",
        district="西湖区",
        town="三墩镇",
        region_code="50027",
        oaid="A1x3Z0000000000000000000000000000000000000000000000000000000000001",
    )
    assert found.buyer_id == "oXr0000000000000000000000000000000000000001"
    assert found.buyer_note == "请周末送货"
    assert found.memo == Memo()
    assert found.invoice == Invoice(kind="3")
    assert (found.parcels, found.presale, found.lineage, found.kind) == ((), None, Lineage(), "normal")
    assert (found.tags, found.warnings) == ((), ())


def test_the_lines_and_what_was_taken_off_each() -> None:
    first, second = order().lines
    shop, coupon, beans = (parts(SELLER_SHOP, 664, 336), parts(COUPON, 1328, 672), parts(BEANS, 265, 135))
    assert first == Line(
        id=f"{ORDER_ID}:100012345678:1",
        listing_id="10001234567",
        sku_id="100012345678",
        merchant_code="TSHIRT-WHT-L",
        listing_code="TSHIRT",
        title="测试纯棉T恤 白色 L",
        quantity=2,
        unit_price=9900,
        money=Money(
            goods=19800,
            discounts=(SELLER_SKU, shop[0], coupon[0], beans[0]),
            pay=15543,
            receivable=17136,
        ),
    )
    assert (second.id, second.quantity, second.unit_price) == (f"{ORDER_ID}:100012345679:1", 1, 10000)
    assert second.money.discounts == (shop[1], coupon[1], beans[1])
    assert (second.money.pay, second.money.receivable) == (8857, 9664)


def test_the_locked_order_of_the_list() -> None:
    waiting, found = (read(row) for row in ROWS)
    assert waiting == order()
    assert found.id == "301234567891"
    assert found.status is OrderStatus.ON_HOLD
    assert found.hold == Fact[Hold](value=Hold.PLATFORM_LOCK, raw="LOCKED")
    assert found.after_sale == Fact[AfterSaleState](value=AfterSaleState.REQUESTED, raw="LOCKED")
    assert found.fulfilment.value is Fulfilment.TO_SHIP
    assert (found.money.pay, found.money.receivable, found.warnings) == (9900, 9900, ())


def test_the_masked_search_tells_the_same_order_but_for_the_receiver() -> None:
    answer = sample("order.search_plain.response")["jingdong_pop_order_search_responce"]
    [found] = [read(row) for row in answer["searchorderinfo_result"]["orderInfoList"]]
    assert found.receiver.name == Masked(mask="张*")
    assert found.receiver.phone == Masked(mask="138****0000")
    assert found.receiver.detail == Masked(mask="****")
    assert found == order().model_copy(update={"receiver": found.receiver})


STATES = {
    "NOT_PAY": (Fulfilment.TO_SHIP, OrderStatus.UNPAID, Hold.NONE),
    "WAIT_SELLER_STOCK_OUT": (Fulfilment.TO_SHIP, OrderStatus.TO_SHIP, Hold.NONE),
    "PAUSE": (Fulfilment.TO_SHIP, OrderStatus.ON_HOLD, Hold.PLATFORM_LOCK),
    "POP_ORDER_PAUSE": (Fulfilment.TO_SHIP, OrderStatus.ON_HOLD, Hold.PLATFORM_LOCK),
    "WAIT_SELLER_DELIVERY": (Fulfilment.TO_SHIP, OrderStatus.TO_SHIP, Hold.NONE),
    "WAIT_GOODS_RECEIVE_CONFIRM": (Fulfilment.SHIPPED, OrderStatus.SHIPPED, Hold.NONE),
    "FINISHED_L": (Fulfilment.SIGNED, OrderStatus.FINISHED, Hold.NONE),
    "TRADE_CANCELED": (Fulfilment.TO_SHIP, OrderStatus.CLOSED, Hold.NONE),
    "PARENT_TRADE_CANCELED": (Fulfilment.TO_SHIP, OrderStatus.CLOSED, Hold.NONE),
    "LOCKED": (Fulfilment.TO_SHIP, OrderStatus.ON_HOLD, Hold.PLATFORM_LOCK),
    "WAIT_SEND_CODE": (Fulfilment.TO_SHIP, OrderStatus.TO_SHIP, Hold.NONE),
    "DELIVERY_RETURN": (Fulfilment.REJECTED, OrderStatus.REJECTED, Hold.NONE),
    "UN_KNOWN": (Fulfilment.UNKNOWN, OrderStatus.UNKNOWN, Hold.UNKNOWN),
    "SEND_TO_DISTRIBUTION_CENER": (Fulfilment.SHIPPED, OrderStatus.SHIPPED, Hold.NONE),
    "DISTRIBUTION_CENTER_RECEIVED": (Fulfilment.SHIPPED, OrderStatus.SHIPPED, Hold.NONE),
    "RECEIPTS_CONFIRM": (Fulfilment.SHIPPED, OrderStatus.SHIPPED, Hold.NONE),
    "SOMETHING_NEW": (Fulfilment.UNKNOWN, OrderStatus.UNKNOWN, Hold.UNKNOWN),
}


@pytest.mark.parametrize(("state", "means"), STATES.items())
def test_every_state_means_something(state: str, means: tuple[Fulfilment, OrderStatus, Hold]) -> None:
    paid = {"paymentConfirmTime": NEVER} if state == "NOT_PAY" else {}
    found = order(orderState=state, **paid)
    assert (found.fulfilment.value, found.status, found.hold.value) == means
    assert found.fulfilment.raw == state


def test_the_search_asks_for_every_documented_state_but_unpaid() -> None:
    assert set(tables.STATES) == set(STATES) - {"NOT_PAY", "SOMETHING_NEW"}


@pytest.mark.parametrize(
    ("state", "paid", "closing", "payment"),
    [
        ("TRADE_CANCELED", True, Closing.CLOSED_REFUNDED, Payment.PAID),
        ("TRADE_CANCELED", False, Closing.CLOSED_UNPAID, Payment.UNPAID),
        ("PARENT_TRADE_CANCELED", False, Closing.REPLACED, Payment.UNPAID),
        ("FINISHED_L", True, Closing.FINISHED, Payment.PAID),
        ("WAIT_SELLER_STOCK_OUT", False, Closing.OPEN, Payment.PAID),
        ("POP_ORDER_PAUSE", False, Closing.OPEN, Payment.UNPAID),
        ("SOMETHING_NEW", True, Closing.UNKNOWN, Payment.PAID),
        ("SOMETHING_NEW", False, Closing.UNKNOWN, Payment.UNKNOWN),
    ],
)
def test_how_an_order_ended_depends_on_its_payment(state: str, paid: bool, closing: Closing, payment: Payment) -> None:
    times = {"orderEndTime": "2026-03-16 10:00:00"} | ({} if paid else {"paymentConfirmTime": NEVER})
    found = order(orderState=state, **times)
    assert (found.closing.value, found.payment.value) == (closing, payment)
    assert found.closing.raw == state
    assert found.ended_at == at("2026-03-16 02:00:00")
    assert found.closing.at == (None if closing in (Closing.OPEN, Closing.UNKNOWN) else found.ended_at)


def test_a_refunded_order_says_so() -> None:
    assert order(orderState="TRADE_CANCELED").after_sale.value is AfterSaleState.REFUNDED
    assert order(orderState="TRADE_CANCELED", paymentConfirmTime=NEVER).after_sale.value is AfterSaleState.NONE


@pytest.mark.parametrize("state", ["LOCKED", "PAUSE", "TRADE_CANCELED"])
def test_an_undecided_state_with_a_carrier_had_shipped(state: str) -> None:
    found = order(orderState=state, logisticsId="467", waybill="SF1")
    assert (found.fulfilment.value, found.fulfilment.raw) == (Fulfilment.SHIPPED, state)


def test_parcels_of_several_companies() -> None:
    found = order(orderState="WAIT_GOODS_RECEIVE_CONFIRM", logisticsId="467|1499", waybill="SF1,SF2|751")
    assert found.parcels == (
        Parcel(carrier="SF", carrier_code="467", tracking_no="SF1"),
        Parcel(carrier="SF", carrier_code="467", tracking_no="SF2"),
        Parcel(carrier="ZTO", carrier_code="1499", tracking_no="751"),
    )


def test_the_sellers_own_delivery_has_no_number() -> None:
    found = order(orderState="WAIT_GOODS_RECEIVE_CONFIRM", logisticsId="1274", waybill="")
    assert found.parcels == (Parcel(carrier_code="1274", tracking_no=""),)


def test_an_order_shipped_in_parts() -> None:
    part = {
        "shipmentId": 7,
        "logicId": "467",
        "waybillId": "SF1",
        "packageNum": 1,
        "shipmentTime": 1773544830000,
        "skus": [{"skuUuid": "u-0001", "skuId": int(SKU_ID), "num": 1}],
    }
    found = order(partialLogisticsInfoModel=[part], logisticsId="467", waybill="SF1")
    shipped_at = datetime.fromtimestamp(1773544830, UTC)
    assert found.status is OrderStatus.PART_SHIPPED
    assert found.fulfilment.at == found.shipped_at == shipped_at
    assert found.parcels == (
        Parcel(
            id="7",
            carrier="SF",
            carrier_code="467",
            tracking_no="SF1",
            kind=ParcelKind.SPLIT,
            lines=(Packed(line_id=f"{ORDER_ID}:{SKU_ID}:1", quantity=1),),
            shipped_at=shipped_at,
        ),
    )
    assert [line.fulfilment.value for line in found.lines if line.fulfilment] == [
        Fulfilment.PART_SHIPPED,
        Fulfilment.TO_SHIP,
    ]


def test_the_data_sync_row_holds_the_same_order() -> None:
    answer = wire.OrderAnswer.model_validate(
        json.loads(sample("push.rds_row")["responseJson"])["jingdong_pop_order_enGet_responce"]["orderDetailInfo"]
    )
    assert answer.orderInfo is not None
    assert read(answer.orderInfo) == order()


def test_the_earliest_time_to_ship_is_a_presales() -> None:
    assert order(scDT="2026-03-20 00:00:00").presale == Presale(kind="full", ship_from=at("2026-03-19 16:00:00"))


@pytest.mark.parametrize(
    ("flag", "means"), [(None, Flag.NONE), ("0", Flag.NONE), (1, Flag.RED), ("5", Flag.PURPLE), ("9", Flag.NONE)]
)
def test_flags(flag: Any, means: Flag) -> None:
    assert order(venderRemark="x", venderRemarkLevelFlag=flag).memo == Memo(text="x", flag=means)


def test_what_is_odd_about_an_order_becomes_tags_and_a_kind() -> None:
    found = order(orderType="75", returnOrder="1", idSopShipmenttype=68, storeOrder="")
    assert (found.kind, found.tags) == ("LOC", ("idSopShipmenttype=68", "returnOrder=1"))
    assert order(orderType="9").kind == "9"


def test_no_invoice_is_no_invoice() -> None:
    assert order(invoiceEasyInfo={"invoiceType": "0"}).invoice is None
    assert order(invoiceEasyInfo=None, invoiceInfo="发票类型:普通发票;发票抬头:X;发票内容:明细").invoice == Invoice()


def listing(stock: dict[str, Any] | None = None, **changes: Any) -> Listing:
    ware = sample("item.list.response")["jingdong_ware_read_searchWare4Valid_responce"]["page"]["data"][0]
    skus = sample("sku.list.response")["jingdong_sku_read_searchSkuList_responce"]["page"]["data"]
    stocks = {} if stock is None else {SKU_ID: wire.SkuStock.model_validate(stock)}
    read_skus = [wire.Sku.model_validate(row) for row in skus]
    return mapping.listing(SHOP, wire.Ware.model_validate({**ware, **changes}), read_skus, stocks)


def test_the_listing() -> None:
    assert listing({"storeId": 0, "stockNum": 60, "orderBookingNum": 4, "appBookingNum": 1}) == Listing(
        shop_id=SHOP,
        id="10001234567",
        title="测试纯棉T恤",
        merchant_code="TSHIRT",
        shelf=Fact[Shelf](value=Shelf.ON, raw="8"),
        skus=(
            ListingSku(
                sku_id=SKU_ID,
                merchant_code="TSHIRT-WHT-L",
                spec="白色,L",
                sellable=55,
                held=5,
                price=Price(sale=9900, market=12900),
                shelf=Shelf.ON,
            ),
        ),
        created_at=datetime.fromtimestamp(1770000000, UTC),
        updated_at=datetime.fromtimestamp(1773536400, UTC),
    )


@pytest.mark.parametrize(
    ("stock", "numbers"),
    [
        (None, (None, None)),
        ({"stockNum": 25}, (25, None)),
        ({"stockNum": 25, "canUsedNum": 20}, (20, 5)),
        ({"stockNum": "25", "orderBookingNum": "3"}, (22, 3)),
    ],
)
def test_what_can_be_sold_is_the_number_less_what_is_booked(
    stock: dict[str, Any] | None, numbers: tuple[int | None, int | None]
) -> None:
    [sku] = listing(stock).skus
    assert (sku.sellable, sku.held) == numbers


@pytest.mark.parametrize(
    ("status", "shelf", "in_review"),
    [
        (8, Shelf.ON, False),
        (520, Shelf.ON, True),
        (1, Shelf.OFF, False),
        (2, Shelf.OFF, False),
        (513, Shelf.OFF, True),
        (514, Shelf.OFF, True),
        (4, Shelf.BANNED, False),
        (516, Shelf.BANNED, True),
        (1028, Shelf.BANNED, False),
        (-1, Shelf.DELETED, False),
        (77, Shelf.UNKNOWN, False),
    ],
)
def test_shelf(status: int, shelf: Shelf, in_review: bool) -> None:
    found = listing(wareStatus=status)
    assert (found.shelf, found.in_review) == (Fact[Shelf](value=shelf, raw=str(status)), in_review)
