"""The traps of the platform's documents, each by name."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.jd import CHANNEL, mapping, wire
from core import errors
from core.channel import Capability, Page, Push, StockDelta, StockWrite, Support, Window
from core.model import Flag, Memo, Order, Packed, Parcel, ParcelDraft, Shipment, SkuKey
from core.status import AfterSaleState, Closing, Fulfilment, Hold, OrderStatus, Payment
from tests.connectors.jd.kit import (
    NO_UNPAID,
    NOW,
    ORDER_ID,
    SKU_ID,
    Playback,
    booked,
    known,
    order_answer,
    order_row,
    orders_answer,
    sample,
    shop,
    wrapped,
)

WINDOW = Window(NOW - timedelta(hours=1), NOW)
SKU = SkuKey(listing_id="10001234567", sku_id=SKU_ID)
NEVER = "0001-01-01 00:00:00"
CARRIERS = sample("logistics.company_list.response")
ITEM, SOCK = order_row()["itemInfoList"]


def read(**changes: Any) -> Order:
    return mapping.order("jd:1", wire.OrderRow.model_validate(order_row(**changes)))


class Ledger:
    """The search in order of change, in which an order may change between two pages."""

    def __init__(self, count: int) -> None:
        self.rows = [str(301000000000 + number) for number in range(count)]
        self.asked: list[int] = []
        self.leave_after: dict[int, str] = {}

    def __call__(self, business: dict[str, Any]) -> Any:
        page, size = int(business["page"]), int(business["page_size"])
        self.asked.append(page)
        rows = [order_row(orderId=order_id) for order_id in self.rows[(page - 1) * size : page * size]]
        answer = orders_answer(rows, len(self.rows))
        if gone := self.leave_after.get(len(self.asked)):
            self.rows.remove(gone)  # it was changed and is in a later window now
        return answer


def walk(ledger: Ledger) -> list[Page[Order]]:
    return list(shop(Playback({wire.ORDERS: ledger, wire.UNPAID: NO_UNPAID})).orders(WINDOW))


def ids(pages: list[Page[Order]]) -> set[str]:
    return {item.value.id for page in pages for item in page.items}


def test_missed_orders_pages_are_walked_from_the_last_to_the_first() -> None:
    ledger = Ledger(250)
    pages = walk(ledger)
    assert (len(ids(pages)), pages[-1].expected) == (250, 250)
    assert ledger.asked == [1, 3, 2, 1]


@pytest.mark.parametrize("call", [1, 2, 3])
def test_missed_orders_one_that_changes_during_the_walk_hides_no_other(call: int) -> None:
    ledger = Ledger(250)
    everyone = set(ledger.rows)
    gone = ledger.rows[120]
    ledger.leave_after = {call: gone}
    pages = walk(ledger)
    assert ids(pages) >= everyone - {gone}
    assert pages[-1].expected == 249


def test_missed_orders_one_that_is_written_late_shows_in_the_expected_number() -> None:
    ledger = Ledger(250)
    pages = []
    for page in shop(Playback({wire.ORDERS: ledger, wire.UNPAID: NO_UNPAID})).orders(WINDOW):
        pages.append(page)
        if len(pages) == 1:
            ledger.rows.append("301999999999")
    assert pages[-1].expected == 251
    assert len(ids(pages)) == 250


def test_missed_orders_windows_are_closed_and_overlap() -> None:
    for paging in (CHANNEL.orders, CHANNEL.after_sales):
        assert paging is not None
        assert paging.lag >= timedelta(seconds=30)
        assert paging.overlap >= timedelta(minutes=5)
        assert paging.window < timedelta(days=28)


def test_a_window_is_asked_in_whole_seconds_of_shanghai_with_both_ends() -> None:
    transport = Playback({wire.ORDERS: sample("order.list.empty.response"), wire.UNPAID: NO_UNPAID})
    since = datetime(2026, 1, 1, 0, 0, 0, 900_000, tzinfo=UTC)
    list(shop(transport).orders(Window(since, since + timedelta(minutes=10))))
    [asked] = transport.business(wire.ORDERS)
    assert (asked["start_date"], asked["end_date"]) == ("2026-01-01 08:00:00", "2026-01-01 08:10:01")


def test_one_bad_row_does_not_cost_its_page() -> None:
    rows = [order_row(), order_row(orderId="2", orderTotalPrice="?"), order_row(orderId="3", modified="yesterday")]
    rows.append({"orderState": "PAUSE"})
    transport = Playback({wire.ORDERS: orders_answer(rows), wire.UNPAID: NO_UNPAID})
    [page] = shop(transport).orders(WINDOW)
    assert ([item.value.id for item in page.items], page.expected) == ([ORDER_ID], 4)
    assert [row.id for row in page.bad] == ["2", "3", ""]
    assert page.bad[0].reason.startswith("orderTotalPrice")
    assert "yesterday" not in page.bad[1].reason


def test_the_raw_row_is_kept_as_it_came() -> None:
    row = order_row(brandNew={"deep": [1, "京"]}, orderId=ORDER_ID)
    transport = Playback({wire.ORDERS: orders_answer([row]), wire.UNPAID: NO_UNPAID})
    [page] = shop(transport).orders(WINDOW)
    assert json.loads(page.items[0].raw) == row


@pytest.mark.parametrize("empty", [NEVER, "1970-01-01 00:00:00", "", None])
def test_years_1_and_1970_are_no_times(empty: str | None) -> None:
    found = read(paymentConfirmTime=empty, orderEndTime=empty, scDT=empty)
    assert (found.paid_at, found.ended_at, found.presale) == (None, None, None)


def test_times_are_shanghais() -> None:
    assert read(orderStartTime="2026-01-01 00:00:00").created_at == datetime(2025, 12, 31, 16, tzinfo=UTC)


def test_money_is_exact_and_never_a_float() -> None:
    found = read(orderTotalPrice="0.29", orderPayment=0.29, sellerDiscount="", couponDetailList=None, freightPrice="")
    assert (found.money.goods, found.money.pay) == (29, 29)
    assert "." not in found.model_dump_json(include={"money"})


def test_locking_and_unlocking_is_a_hold_that_goes_and_no_cancellation() -> None:
    locked, free = read(orderState="LOCKED"), read()
    assert (locked.closing.value, locked.hold.value) == (Closing.OPEN, Hold.PLATFORM_LOCK)
    assert locked.after_sale.value is AfterSaleState.REQUESTED
    assert (free.hold.value, free.after_sale.value) == (Hold.NONE, AfterSaleState.NONE)


def test_a_split_parent_is_replaced_and_not_cancelled() -> None:
    zero = dict.fromkeys(("orderTotalPrice", "orderSellerPrice", "orderPayment", "freightPrice"), "0.00")
    parent = read(orderState="PARENT_TRADE_CANCELED", **zero, sellerDiscount="0.00", couponDetailList=[])
    assert (parent.closing.value, parent.money.pay) == (Closing.REPLACED, 0)
    assert parent.warnings
    child = read(parentOrderId="301234567000", directParentOrderId="301234567001")
    assert child.lineage.parent_id == "301234567001"
    assert read(parentOrderId="301234567000", directParentOrderId="0").lineage.parent_id == "301234567000"


def test_totals_of_zero_with_a_payment_left_over_stop_nothing() -> None:
    found = read(
        orderState="TRADE_CANCELED", orderTotalPrice="0.00", sellerDiscount="0.00", couponDetailList=[],
        paymentConfirmTime=NEVER,
    )  # fmt: skip
    assert (found.closing.value, found.status) == (Closing.CLOSED_UNPAID, OrderStatus.CLOSED)
    assert found.warnings


def test_gifts_and_repeated_skus_have_names_of_their_own_in_whatever_order_they_come() -> None:
    gift = {**ITEM, "jdPrice": "0.00", "itemTotal": "1"}
    rows = [gift, SOCK, ITEM]
    found = read(itemInfoList=rows)
    assert [(line.id, line.gift, line.quantity) for line in found.lines] == [
        (f"{ORDER_ID}:{SKU_ID}:1", False, 2),
        (f"{ORDER_ID}:{SKU_ID}:2", True, 1),
        (f"{ORDER_ID}:100012345679:1", False, 1),
    ]
    assert read(itemInfoList=rows[::-1]).lines == found.lines
    assert found.lines[1].money.pay == 0
    assert found.warnings == ()


def test_a_discount_of_one_sku_stays_on_it_and_the_last_line_takes_what_rounding_leaves() -> None:
    thirds = [{**SOCK, "skuId": str(number), "jdPrice": "1.00"} for number in (1, 2, 3)]
    coupons = [
        {"skuId": "2", "couponType": "30-单品促销优惠", "couponPrice": "0.20"},
        {"skuId": "", "couponType": "100-店铺优惠", "couponPrice": "0.80"},
    ]
    found = read(
        itemInfoList=thirds, orderTotalPrice="3.00", sellerDiscount="1.00", couponDetailList=coupons,
        orderPayment="2.00", freightPrice="0.00",
    )  # fmt: skip
    assert [[share.amount for share in line.money.discounts] for line in found.lines] == [[26], [20, 26], [28]]
    assert sum(line.money.pay for line in found.lines) == found.money.pay == 200
    assert found.warnings == ()


def test_list_prices_that_sum_to_more_than_the_order_are_a_warning() -> None:
    found = read(orderTotalPrice="290.00", orderPayment="242.00")
    assert found.warnings == ("lines sum to 29800 fen of goods, the order says 29000",)


def test_what_the_platform_and_the_buyers_own_money_pay_is_no_sellers_discount() -> None:
    coupons = [
        {"couponType": "41-京东券优惠", "couponPrice": "20.00"},
        {"couponType": "52-礼品卡", "couponPrice": "50.00"},
    ]
    found = read(couponDetailList=coupons, sellerDiscount="0.00", balanceUsed="8.00", orderPayment="226.00")
    assert (found.money.pay, found.money.receivable) == (28400, 30400)
    assert [(share.name, share.amount) for share in found.money.payments] == [
        ("", 22600),
        ("52-礼品卡", 5000),
        ("balanceUsed", 800),
    ]
    assert found.warnings == ()


def test_a_sellers_discount_that_no_coupon_explains_is_a_share_of_its_own() -> None:
    found = read(couponDetailList=[], orderPayment="274.00")
    assert [(share.name, share.amount) for share in found.money.discounts] == [("sellerDiscount", 3000)]
    assert found.warnings == ()


def test_coupons_that_say_more_than_the_sellers_discount_are_a_warning() -> None:
    found = read(sellerDiscount="25.00", orderPayment="255.00")
    first = found.money.discounts[0]
    assert (first.name, first.amount) == ("sellerDiscount", 2500)
    assert found.warnings == ("the seller's discounts sum to 3000 fen, the order says 2500",)


def test_a_coupon_nobody_knows_is_a_warning() -> None:
    coupons = [{"couponType": "77-新优惠", "couponPrice": "1.00"}]
    found = read(couponDetailList=coupons, sellerDiscount="0.00", orderPayment="303.00")
    assert found.warnings == ("nobody knows who bears 77-新优惠",)


def test_cash_on_delivery_may_ship_unpaid_and_its_rounding_adds_up() -> None:
    found = read(payType="1-货到付款", paymentConfirmTime=NEVER, orderPayment="249.50")
    assert (found.payment.value, found.paid_at, found.status) == (Payment.PAID, None, OrderStatus.TO_SHIP)
    assert (found.money.adjustment, found.money.pay, found.warnings) == (-50, 24950, ())
    assert sum(line.money.adjustment for line in found.lines) == -50
    assert found.tags == ("1-货到付款",)
    assert read(payType="1-货到付款", orderPayment="200.00").warnings


def test_empty_lists_are_fine() -> None:
    found = read(itemInfoList=[], couponDetailList=None, partialLogisticsInfoModel=None, consigneeInfo=None)
    assert (found.lines, found.parcels) == ((), ())
    assert found.receiver == type(found.receiver)()


@pytest.mark.parametrize(
    ("sent", "levels"),
    [
        (("北京", "朝阳区", "三环以内", ""), ("北京", "北京市", "朝阳区", "三环以内")),
        (("重庆", "万州区", "城区", "某镇"), ("重庆", "重庆市", "万州区", "城区某镇")),
        (("上海市", "上海市", "浦东新区", "川沙镇"), ("上海市", "上海市", "浦东新区", "川沙镇")),
        (("浙江", "杭州市", "西湖区", "三墩镇"), ("浙江", "杭州市", "西湖区", "三墩镇")),
        (("北京", "", "", ""), ("北京", "", "", "")),
    ],
)
def test_municipalities_are_shifted_by_one_level(sent: tuple[str, ...], levels: tuple[str, ...]) -> None:
    names = dict(zip(("province", "city", "county", "town"), sent, strict=True))
    receiver = read(consigneeInfo={**order_row()["consigneeInfo"], **names}).receiver
    assert (receiver.province, receiver.city, receiver.district, receiver.town) == levels


def test_plain_text_in_a_ciphers_place_is_never_kept() -> None:
    plain = {"fullname": "张三丰", "mobile": "17000001234", "fullAddress": "浙江杭州市西湖区三墩镇某路一二三四号"}
    receiver = read(consigneeInfo={**order_row()["consigneeInfo"], **plain, "desen_mobile": ""}).receiver
    told = receiver.model_dump_json()
    assert not any(text in told for text in ("张三丰", "17000001234", "某路一二三四号"))
    assert (receiver.phone.cipher, receiver.name.cipher, receiver.detail.cipher) == ("", "", "")


@pytest.mark.parametrize("store", ["京仓订单", "云仓订单"])
def test_what_jd_ships_is_held_and_refused_before_the_call(store: str) -> None:
    found = read(storeOrder=store)
    assert (found.status, found.hold.raw, found.tags) == (OrderStatus.ON_HOLD, store, (store,))
    transport, error = ship(order_answer(storeOrder=store))
    assert type(error) is errors.Conflict
    assert wire.SHIP.name not in transport.methods()
    assert read(storeOrder=store, orderState="WAIT_GOODS_RECEIVE_CONFIRM").hold.value is Hold.NONE


def test_orders_fulfilled_by_jd_are_held_too() -> None:
    assert (read(orderType="21").kind, read(orderType="21").hold.value) == ("FBP", Hold.PLATFORM_LOCK)
    assert type(ship(order_answer(orderType="21"))[1]) is errors.Conflict


def ship(order: Any, *parcels: ParcelDraft, shipped: Any = None) -> tuple[Playback, errors.ChannelError | None]:
    transport = Playback(
        {
            wire.COMPANIES: CARRIERS,
            wire.ORDER: order,
            wire.SHIP: shipped or sample("order.ship.response"),
            wire.SHIP_PART: sample("order.partial_ship.response"),
        }
    )
    wanted = parcels or (ParcelDraft(carrier="SF", tracking_no="SF1"),)
    return transport, shop(transport).ship(Shipment(order_id=ORDER_ID, parcels=wanted), "key").error


SHIPPED = {"orderState": "WAIT_GOODS_RECEIVE_CONFIRM", "logisticsId": "467"}


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ("LOCKED", errors.Conflict),
        ("PAUSE", errors.NotYet),
        ("POP_ORDER_PAUSE", errors.NotYet),
        ("TRADE_CANCELED", errors.Conflict),
        ("PARENT_TRADE_CANCELED", errors.Conflict),
        ("WAIT_SEND_CODE", errors.Conflict),
        ("WAIT_SELLER_DELIVERY", errors.Conflict),
        ("UN_KNOWN", errors.Conflict),
        ("WAIT_GOODS_RECEIVE_CONFIRM", errors.AlreadyDone),
        ("FINISHED_L", errors.AlreadyDone),
    ],
)
def test_only_what_waits_for_the_seller_is_shipped(state: str, kind: Any) -> None:
    transport, error = ship(order_answer(orderState=state))
    assert error is None if kind is None else type(error) is kind
    assert wire.SHIP.name not in transport.methods()


def test_a_second_shipment_of_the_same_number_is_done_already() -> None:
    transport, error = ship(order_answer(**SHIPPED, waybill="SF1"))
    assert type(error) is errors.AlreadyDone
    assert wire.SHIP.name not in transport.methods()


def test_a_shipment_that_somebody_else_made_first_is_told_by_reading_back() -> None:
    refused = sample("order.ship.biz_error.response")
    _, ours = ship([order_answer(), order_answer(**SHIPPED, waybill="SF1")], shipped=refused)
    assert type(ours) is errors.AlreadyDone
    _, theirs = ship([order_answer(), order_answer(**SHIPPED, waybill="SF2")], shipped=refused)
    assert type(theirs) is errors.Rejected
    assert theirs.code == "10400010"


def test_an_unknown_carrier_is_named_before_anything_is_written() -> None:
    for carrier in ("NOBODY", "999", "JT", ""):
        transport, error = ship(order_answer(), ParcelDraft(carrier=carrier, tracking_no="X1"))
        assert type(error) is errors.UnknownCarrier
        assert transport.methods() == [wire.COMPANIES.name]


def test_a_carrier_without_a_known_id_is_found_in_the_shops_list_by_name() -> None:
    rows = [{"logistics_id": 4711, "logistics_name": "极兔速递"}]
    transport, error = ship(order_answer(), ParcelDraft(carrier="SF", tracking_no="SF1"))
    transport.answers[wire.COMPANIES.name] = wrapped(wire.COMPANIES, {"logistics_list": rows})
    parcel = ParcelDraft(carrier="JT", tracking_no="JT1")
    assert shop(transport).ship(Shipment(order_id=ORDER_ID, parcels=(parcel,)), "key").error is error is None
    assert transport.business(wire.SHIP)[-1]["logiCoprId"] == "4711"


@pytest.mark.parametrize("number", ["", " ", "SF1,SF2", "SF1|SF2"])
def test_a_parcel_has_exactly_one_number(number: str) -> None:
    assert type(ship(order_answer(), ParcelDraft(carrier="SF", tracking_no=number))[1]) is errors.Invalid


def test_the_sellers_own_delivery_needs_no_number() -> None:
    transport, error = ship(order_answer(), ParcelDraft(carrier="1274", tracking_no=""))
    assert error is None
    assert transport.business(wire.SHIP)[0]["logiNo"] == ""


def test_lines_that_cannot_be_packed_so_are_refused_before_the_call() -> None:
    line = f"{ORDER_ID}:{SKU_ID}:1"
    for lines in ([("nobody:1:1", 1)], [(line, 3)], [(line, 0)]):
        packed = tuple(Packed(line_id=name, quantity=quantity) for name, quantity in lines)
        transport, error = ship(order_answer(), ParcelDraft(carrier="SF", tracking_no="SF1", lines=packed))
        assert type(error) is errors.Invalid
        assert wire.SHIP_PART.name not in transport.methods()


def test_the_parcel_that_names_no_lines_holds_what_is_left() -> None:
    part = ParcelDraft(carrier="SF", tracking_no="SF1", lines=(Packed(line_id=f"{ORDER_ID}:{SKU_ID}:1", quantity=1),))
    rest = ParcelDraft(carrier="ZTO", tracking_no="752")
    answer = wrapped(wire.SHIP_PART, {"code": 0, "data": {"successList": [int(ORDER_ID)], "failList": []}})
    transport, _ = ship(order_answer(), part, rest)
    transport.answers[wire.SHIP_PART.name] = answer
    assert shop(transport).ship(Shipment(order_id=ORDER_ID, parcels=(part, rest)), "key").error is None
    [delivery] = transport.business(wire.SHIP_PART)[-1]["request"]["data"]
    goods = [row["partialShipmentGoodsList"] for row in delivery["deliveryNumberDtoList"]]
    assert goods == [
        [{"skuId": int(SKU_ID), "num": 1}],
        [{"skuId": int(SKU_ID), "num": 1}, {"skuId": 100012345679, "num": 1}],
    ]


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        ({"successList": [], "failList": [{"code": "999999", "failReason": "系统异常"}]}, errors.OutcomeUnknown),
        ({"successList": [], "failList": [{"code": 1, "failReason": "订单状态不允许"}]}, errors.Rejected),
        ({"successList": [], "failList": []}, errors.OutcomeUnknown),
        (None, errors.OutcomeUnknown),
    ],
)
def test_a_shipment_in_parts_has_an_outcome_of_its_own_inside_a_success(data: Any, kind: Any) -> None:
    part = ParcelDraft(carrier="SF", tracking_no="SF1", lines=(Packed(line_id=f"{ORDER_ID}:{SKU_ID}:1", quantity=1),))
    transport, _ = ship(order_answer())
    transport.answers[wire.SHIP_PART.name] = wrapped(wire.SHIP_PART, {"code": 0, "msg": "", "data": data})
    assert type(shop(transport).ship(Shipment(order_id=ORDER_ID, parcels=(part,)), "key").error) is kind


def test_changing_a_number_that_the_order_does_not_show_is_a_conflict() -> None:
    transport = Playback({wire.COMPANIES: CARRIERS, wire.ORDER: order_answer(**SHIPPED, waybill="SF1")})
    old = Parcel(carrier_code="467", tracking_no="SF9")
    assert type(shop(transport).change_tracking(ORDER_ID, old, "SF", "SF2").error) is errors.Conflict


def test_a_remark_is_read_without_what_the_platform_wrote_behind_it() -> None:
    stamped = "@客服 周末再送【示例店员 2026-03-15 10:06:00】"
    assert read(venderRemark=stamped).memo == Memo(text="@客服 周末再送")
    assert read(venderRemark="发顺丰【加急】").memo == Memo(text="发顺丰【加急】")
    assert read(venderRemark="加急😀").memo == Memo(text="加急😀")


def test_a_remark_beyond_500_characters_is_invalid_before_the_call() -> None:
    transport = Playback({wire.SET_REMARK: sample("order.remark_update.response")})
    assert shop(transport).memo(ORDER_ID, Memo(text="😀" * 500)).error is None
    assert type(shop(transport).memo(ORDER_ID, Memo(text="x" * 501)).error) is errors.Invalid
    assert type(shop(transport).memo(ORDER_ID, Memo(flag=Flag.ORANGE)).error) is errors.Invalid
    assert len(transport.requests) == 1


def test_grey_is_what_nobody_marked() -> None:
    transport = Playback({wire.SET_REMARK: sample("order.remark_update.response")})
    assert shop(transport).memo(ORDER_ID, Memo(flag=Flag.GREY)).error is None
    assert transport.business(wire.SET_REMARK) == [{"order_id": int(ORDER_ID), "flag": 0, "remark": ""}]


def test_an_absolute_number_is_written_with_what_is_booked_on_top() -> None:
    done = wrapped(wire.SET_STOCK, {"success": True, "obj": {"updateStockResult": [{"data": SKU_ID, "success": True}]}})
    bookings = [booked(60, orders=4), booked(14, orders=4)]
    transport = Playback({wire.SKUS: known(SKU_ID), wire.BOOKED: bookings, wire.SET_STOCK: done})
    [outcome] = shop(transport).set_stock([StockWrite(SKU, 10)])
    assert outcome.error is None
    [row] = transport.business(wire.SET_STOCK)[0]["req"]["skuStocks"]
    assert row["stockNum"] == 14


def test_a_set_never_repeats_its_business_number_for_another_wish() -> None:
    done = wrapped(wire.SET_STOCK, {"success": True, "obj": {"updateStockResult": [{"data": SKU_ID, "success": True}]}})
    transport = Playback({wire.SKUS: known(SKU_ID), wire.BOOKED: booked(0), wire.SET_STOCK: done})
    connector = shop(transport)
    connector.set_stock([StockWrite(SKU, 1)])
    connector.set_stock([StockWrite(SKU, 2)])
    first, second = (asked["req"]["stockRfId"] for asked in transport.business(wire.SET_STOCK))
    assert first != second


def test_ten_skus_go_in_one_call_right_after_they_were_read() -> None:
    def answer(business: dict[str, Any]) -> Any:
        rows = [{"data": row["skuId"], "success": True} for row in business["req"]["skuStocks"]]
        return wrapped(wire.SET_STOCK, {"success": True, "obj": {"updateStockResult": rows}})

    skus = [str(number) for number in range(1, 121)]
    pages = {tuple(skus[start : start + 50]): known(*skus[start : start + 50]) for start in (0, 50, 100)}
    transport = Playback(
        {
            wire.SKUS: lambda business: known(*map(str, business["skuId"])),
            wire.BOOKED: booked(0),
            wire.SET_STOCK: answer,
        }
    )
    batch = [StockWrite(SkuKey(listing_id="10001234567", sku_id=sku), 1) for sku in skus]
    assert [outcome.error for outcome in shop(transport).set_stock(batch)] == [None] * 120
    assert len(transport.business(wire.SKUS)) == len(pages)
    group = [*[wire.BOOKED.name] * 10, wire.SET_STOCK.name]
    assert transport.methods()[len(pages) :] == group * 12
    assert CHANNEL.stock_batch == 50


def test_a_sku_of_another_listing_is_not_written() -> None:
    transport = Playback({wire.SKUS: known(SKU_ID, ware="99")})
    connector = shop(transport)
    assert type(connector.set_stock([StockWrite(SKU, 1)])[0].error) is errors.NotFound
    assert type(connector.adjust_stock([StockDelta(SKU, 1, "k")])[0].error) is errors.NotFound
    assert connector.stock_levels([SKU]) == []
    assert transport.methods() == [wire.SKUS.name]


def test_a_long_key_of_a_change_is_hashed_and_stays_the_same() -> None:
    transport = Playback({wire.SKUS: known(SKU_ID), wire.ADD_STOCK: sample("stock.increase.response")})
    for _ in range(2):
        shop(transport).adjust_stock([StockDelta(SKU, 1, "k" * 200)])
    first, second = (asked["stockRfId"] for asked in transport.business(wire.ADD_STOCK))
    assert first == second
    assert len(first) == 64


def test_listings_behind_the_hundredth_page_are_asked_for_by_their_creation(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connectors.jd.goods.WARE_PAGE", 2)
    monkeypatch.setattr("connectors.jd.goods.DEEPEST", 3)
    wares = [{"wareId": number, "created": 1770000000000 + number * 1000} for number in range(1, 16)]

    def answer(business: dict[str, Any]) -> Any:
        start = business.get("startCreatedTime")
        since = datetime.fromisoformat(f"{start}+08:00").timestamp() * 1000 if start else 0
        found = [ware for ware in wares if ware["created"] >= since]
        page = business["pageNo"]
        return wrapped(
            wire.WARES, {"data": found[page * 2 - 2 : page * 2] if page <= 3 else [], "totalItem": len(found)}
        )

    transport = Playback({wire.WARES: answer, wire.SKUS: wrapped(wire.SKUS, {"data": [], "totalItem": 0})})
    pages = list(shop(transport).listings())
    assert {item.value.id for page in pages for item in page.items} == {str(ware["wareId"]) for ware in wares}
    assert {page.expected for page in pages} == {15}


def test_page_parameters_are_named_as_each_api_names_them() -> None:
    transport = Playback(
        {
            wire.ORDERS: sample("order.list.empty.response"),
            wire.UNPAID: NO_UNPAID,
            wire.WARES: sample("item.list.response"),
            wire.SKUS: sample("sku.list.response"),
            wire.BOOKED: booked(1),
        }
    )
    connector = shop(transport)
    list(connector.orders(WINDOW))
    list(connector.listings())
    [orders], [unpaid] = transport.business(wire.ORDERS), transport.business(wire.UNPAID)
    [wares], [skus] = transport.business(wire.WARES), transport.business(wire.SKUS)
    assert (orders["page"], orders["page_size"]) == ("1", "100")
    assert (unpaid["page"], unpaid["pageSize"]) == (1, 100)
    assert (wares["pageNo"], skus["pageNo"], skus["page_size"], skus["skuStatuValue"]) == (1, 1, 50, [1, 2])


def test_ids_beyond_2_to_the_53_are_exact() -> None:
    big = 2**63 - 1
    item = {**ITEM, "skuId": big, "wareId": big}
    found = read(orderId=big, itemInfoList=[item])
    assert (found.id, found.lines[0].sku_id, found.lines[0].listing_id) == (str(big), str(big), str(big))
    transport = Playback({wire.ORDER: order_answer()})
    shop(transport).order(str(big))
    assert transport.business(wire.ORDER)[0]["order_id"] == big


def test_an_id_that_cannot_be_one_is_refused_here() -> None:
    with pytest.raises(errors.Invalid):
        shop(Playback()).order("A1")


def test_nothing_pushes_but_a_table_and_the_notes_say_so() -> None:
    assert CHANNEL.push is Push.POLLED
    assert CHANNEL.supports(Capability.SUBSCRIBE) is Support.ABSENT
    assert "polling" in CHANNEL.notes[Capability.PUSH]
    with pytest.raises(errors.Unsupported):
        shop(Playback()).subscribe()


def test_a_fulfilment_is_never_guessed() -> None:
    found = read(orderState="BRAND_NEW", logisticsId="467", waybill="SF1")
    assert (found.fulfilment.value, found.fulfilment.raw) == (Fulfilment.UNKNOWN, "BRAND_NEW")
