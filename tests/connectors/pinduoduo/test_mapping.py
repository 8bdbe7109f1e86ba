"""The samples' answers as canonical values, and the status mapping."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from connectors.pinduoduo import mapping, wire
from core.model import (
    AfterSale,
    Flag,
    Line,
    Listing,
    ListingSku,
    Masked,
    Memo,
    Money,
    Order,
    Parcel,
    ParcelKind,
    Payer,
    Presale,
    Price,
    Receiver,
    ReturnParcel,
    Share,
)
from core.status import (
    AfterSaleKind,
    AfterSaleStage,
    AfterSaleState,
    Closing,
    Fact,
    Fulfilment,
    Hold,
    OrderStatus,
    Payment,
    Shelf,
)
from tests.connectors.pinduoduo.kit import ORDER_SN, order_row, sample

SHOP = "pinduoduo:100200300"
ROWS = sample("order.number.list.increment.response")["order_sn_increment_get_response"]["order_sn_list"]
SHIPPED_SN = "260101-223456789012346"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def order(**changes: Any) -> Order:
    return mapping.order(SHOP, wire.OrderRow.model_validate(order_row(**changes)))


def test_the_order_that_waits_to_be_shipped() -> None:
    found = order()
    discounts = (
        Share(payer=Payer.PLATFORM, amount=500, name="platform_discount"),
        Share(payer=Payer.SELLER, amount=1000, name="seller_discount"),
    )
    money = Money(
        goods=11980,
        discounts=discounts,
        pay=10480,
        payments=(Share(payer=Payer.BUYER, amount=10480),),
        receivable=10980,
    )
    assert found.id == ORDER_SN
    assert found.status is OrderStatus.TO_SHIP
    assert found.payment == Fact[Payment](value=Payment.PAID, raw="1", at=at("2026-01-01 01:58:40"))
    assert found.fulfilment == Fact[Fulfilment](value=Fulfilment.TO_SHIP, raw="1")
    assert found.closing.value is Closing.OPEN
    assert found.hold.value is Hold.NONE
    assert found.after_sale.value is AfterSaleState.NONE
    assert found.money == money
    assert found.lines == (
        Line(
            id=f"{ORDER_SN}:900100200301:1",
            listing_id="700100200300",
            sku_id="900100200301",
            merchant_code="TS-001-RED-XL",
            listing_code="TS-001",
            title="纯棉短袖T恤",
            spec="红色,XL",
            quantity=2,
            unit_price=5990,
            money=Money(goods=11980, discounts=discounts, pay=10480, receivable=10980),
        ),
    )
    assert found.created_at == at("2026-01-01 01:58:12")
    assert found.updated_at == at("2026-01-01 02:03:21")
    assert found.paid_at == at("2026-01-01 01:58:40")
    assert found.ship_by == at("2026-01-03 02:00:05")
    assert (found.shipped_at, found.signed_at) == (None, None)
    assert found.receiver == Receiver(
        name=Masked(mask="张**", cipher="~AgAAAAEXAMPLEnameCIPHERBASE64AAAAAAAAAAAA==~RXhhbXBsZUlkeA==~1~~"),
        phone=Masked(mask="138****0000", cipher="$RXhhbXBsZVBo$AgAAAAEXAMPLEphoneCIPHERBASE64AAAAAAAAAA==$1$$"),
        detail=Masked(mask="文***路***号", cipher="~AgAAAAEXAMPLEaddrCIPHERBASE64AAAAAAAAAAAA==~RXhhbXBsZUFk~1~~"),
        country="中国",
        province="浙江省",
        city="杭州市",
        district="西湖区",
        region_code="1480",
        oaid="EXAMPLEopenAddressId2_0001",
    )
    assert found.buyer_note == "请发红色"
    assert found.memo == Memo()
    assert (found.parcels, found.presale, found.invoice, found.out_of_stock) == ((), None, None, False)
    assert (found.kind, found.tags, found.warnings) == ("normal", ("return_freight_payer",), ())


def test_the_shipped_order() -> None:
    found = mapping.order(SHOP, wire.OrderRow.model_validate(ROWS[0]))
    shipped = at("2026-01-01 08:20:00")
    assert found.id == SHIPPED_SN
    assert found.status is OrderStatus.SHIPPED
    assert found.fulfilment == Fact[Fulfilment](value=Fulfilment.SHIPPED, raw="2", at=shipped)
    assert found.shipped_at == shipped
    assert found.parcels == (
        Parcel(
            carrier="YTO", carrier_code="85", tracking_no="YT0000000000001", kind=ParcelKind.ORDER, shipped_at=shipped
        ),
    )


@pytest.mark.parametrize(
    ("name", "root", "rows"),
    [
        ("order.list", "order_list_get_response", "order_list"),
        ("order.basic.list", "order_basic_list_get_response", "order_list"),
        ("order.number.list.increment", "order_sn_increment_get_response", "order_sn_list"),
        ("order.number.list.increment.has_next", "order_sn_increment_get_response", "order_sn_list"),
    ],
)
def test_every_list_tells_the_same_order(name: str, root: str, rows: str) -> None:
    known = {one.id: one for one in (order(), mapping.order(SHOP, wire.OrderRow.model_validate(ROWS[0])))}
    found = [mapping.order(SHOP, wire.OrderRow.model_validate(row)) for row in sample(f"{name}.response")[root][rows]]
    assert found
    for one in found:
        same = known[one.id]
        assert (one.money, one.lines, one.updated_at) == (same.money, same.lines, same.updated_at)
        assert one.fulfilment.value is same.fulfilment.value
        if name != "order.basic.list":  # which knows nothing of the buyer
            assert one == same


def test_the_after_sale_of_the_list() -> None:
    row = sample("refund.list.increment.response")["refund_increment_get_response"]["refund_list"][0]
    assert mapping.listed_after_sale(SHOP, wire.RefundRow.model_validate(row)) == AfterSale(
        shop_id=SHOP,
        id="987654321012",
        order_id=ORDER_SN,
        sku_id="900100200301",
        kind=AfterSaleKind.REFUND_ONLY,
        kind_raw="1",
        stage=Fact[AfterSaleStage](value=AfterSaleStage.REQUESTED, raw="2"),
        quantity=2,
        refund=10480,
        reason="不想要了",
        created_at=at("2026-01-01 02:10:00"),
        updated_at=at("2026-01-01 02:10:00"),
    )


def test_the_detail_tells_the_same_after_sale_and_its_deadline() -> None:
    row = sample("refund.list.increment.response")["refund_increment_get_response"]["refund_list"][0]
    listed = mapping.listed_after_sale(SHOP, wire.RefundRow.model_validate(row))
    detail = wire.RefundDetail.model_validate(sample("refund.information.response"))
    deadline = datetime.fromtimestamp(1767406200, UTC)
    assert mapping.after_sale(SHOP, detail) == listed.model_copy(update={"deadline": deadline})


def test_the_listing() -> None:
    goods = wire.Goods.model_validate(sample("goods.detail.response")["goods_detail_get_response"])
    assert mapping.listing(SHOP, goods) == Listing(
        shop_id=SHOP,
        id="700100200300",
        title="纯棉短袖T恤",
        merchant_code="TS-001",
        shelf=Fact[Shelf](value=Shelf.ON, raw="1"),
        skus=(
            ListingSku(
                sku_id="900100200301",
                merchant_code="TS-001-RED-XL",
                spec="红色",
                sellable=120,
                held=2,
                price=Price(sale=5990, single=6990, market=9900),
            ),
        ),
    )


@pytest.mark.parametrize(
    ("status", "shelf"), [("1", "on"), ("2", "off"), ("3", "sold_out"), ("4", "deleted"), ("7", "unknown")]
)
def test_shelf(status: Any, shelf: str) -> None:
    goods = wire.Goods(goods_id="1", status=status, sku_list=[])
    assert mapping.listing(SHOP, goods).shelf == Fact[Shelf](value=Shelf(shelf), raw=status)


@pytest.mark.parametrize(
    ("changes", "axis", "value"),
    [
        ({"order_status": 3, "receive_time": "2026-01-02 10:00:00"}, "fulfilment", Fulfilment.SIGNED),
        ({"order_status": 9}, "fulfilment", Fulfilment.UNKNOWN),
        ({"confirm_status": 0, "pay_time": ""}, "payment", Payment.UNPAID),
        ({"trade_type": 1, "step_order_info": {"step_trade_status": 1}}, "payment", Payment.PART_PAID),
        ({"trade_type": 1, "step_order_info": {"step_trade_status": 2}}, "payment", Payment.PAID),
        ({"trade_type": 1, "step_order_info": {"step_trade_status": 7}}, "payment", Payment.UNKNOWN),
        ({"confirm_status": 2, "pay_time": ""}, "closing", Closing.CLOSED_UNPAID),
        ({"confirm_status": 2}, "closing", Closing.CLOSED_REFUNDED),
        ({"risk_control_status": 1}, "hold", Hold.RISK),
        ({"risk_control_status": 5}, "hold", Hold.UNKNOWN),
        ({"order_tag_list": [{"name": "ship_hold", "value": 1}]}, "hold", Hold.PLATFORM_LOCK),
        ({"order_tag_list": [{"name": "ship_hold", "value": 0}]}, "hold", Hold.NONE),
        ({"group_status": 0, "confirm_status": 0}, "hold", Hold.GROUP),
        ({"gift_order_status": 0}, "hold", Hold.GIFT_PENDING),
        ({"refund_status": 2, "after_sales_status": 3}, "after_sale", AfterSaleState.REQUESTED),
        ({"refund_status": 2, "after_sales_status": 7}, "after_sale", AfterSaleState.RETURNING),
        ({"refund_status": 1, "after_sales_status": 11}, "after_sale", AfterSaleState.WITHDRAWN),
        ({"refund_status": 3, "after_sales_status": 0}, "after_sale", AfterSaleState.REFUNDING),
        ({"refund_status": 2, "after_sales_status": 77}, "after_sale", AfterSaleState.UNKNOWN),
        ({"refund_status": 8, "after_sales_status": None}, "after_sale", AfterSaleState.UNKNOWN),
    ],
)
def test_facts(changes: dict[str, Any], axis: str, value: Any) -> None:
    fact = getattr(order(**changes), axis)
    assert fact.value is value
    assert value.value == "none" or fact.raw


def test_every_documented_after_sale_status_is_known_and_asked_for() -> None:
    documented = {2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 21, 22, 24, 25, 27, 31, 32, 33}
    assert {int(status) for status in mapping.STATUSES} == documented
    assert set(mapping.STATE_OF) == set(mapping.STAGE) | {AfterSaleStage.RETURNED}


def test_terminal_after_sale_statuses_are_not_open() -> None:
    still_open = {AfterSaleState.REQUESTED, AfterSaleState.RETURNING, AfterSaleState.REFUNDING}
    for status in ("9", "10", "11", "12", "13", "16", "17", "24", "25"):
        assert mapping.STATE_OF[mapping.STAGE_OF[status]] not in still_open


def test_a_return_with_a_number_is_under_way() -> None:
    detail = sample("refund.information.response") | {
        "after_sales_type": 2,
        "after_sales_status": 7,
        "express_no": "YT9",
        "shipping_name": "圆通快递",
    }
    found = mapping.after_sale(SHOP, wire.RefundDetail.model_validate(detail))
    assert found.stage == Fact[AfterSaleStage](value=AfterSaleStage.RETURNED, raw="7")
    assert found.returned == ReturnParcel(carrier_name="圆通快递", tracking_no="YT9")


def test_memo_flag_and_invoice() -> None:
    found = order(remark=" 加急 ", remark_tag=3, remark_tag_name="绿", invoice_status=1)
    assert found.memo == Memo(text="加急", flag=Flag.GREEN)
    assert found.invoice is not None


@pytest.mark.parametrize(("marked", "handled", "out"), [(1, -1, True), (1, 0, True), (1, 1, False), (0, -1, False)])
def test_out_of_stock(marked: int, handled: int, out: bool) -> None:
    assert order(is_stock_out=marked, stock_out_handle_status=handled).out_of_stock is out


def test_presale_paid_at_once() -> None:
    found = order(is_pre_sale=1, pre_sale_time="2026-01-10 00:00:00")
    assert found.presale == Presale(kind="full", ship_from=at("2026-01-09 16:00:00"))


def test_deposit() -> None:
    step = {"step_trade_status": 2, "advanced_paid_fee": 10.0, "step_paid_fee": 104.8, "step_discount_amount": 40}
    found = order(trade_type=1, step_order_info=step)
    assert found.presale == Presale(kind="deposit", deposit=1000, balance=9480)
    assert found.kind == "deposit"


def test_switched_on_flags_are_tags_and_the_rest_is_not() -> None:
    found = order(
        free_sf=1,
        is_lucky_flag=2,
        return_freight_payer=0,
        order_tag_list=[{"name": "local_depot", "value": 1}, {"name": "not_yet_invented", "value": 0}],
    )
    assert found.tags == ("free_sf", "is_lucky_flag", "local_depot")


def test_extra_parcels_by_kind() -> None:
    one = {"logistics_id": 115, "tracking_number": "Z1"}
    found = order(
        order_status=2,
        logistics_id=999,
        tracking_number="M1",
        extra_delivery_list=[one],
        gift_delivery_list=[{**one, "tracking_number": "G1"}],
        resend_delivery_list=[{**one, "tracking_number": "R1"}],
    )
    assert [(parcel.kind, parcel.carrier, parcel.carrier_code, parcel.tracking_no) for parcel in found.parcels] == [
        (ParcelKind.ORDER, "", "999", "M1"),
        (ParcelKind.SPLIT, "ZTO", "115", "Z1"),
        (ParcelKind.GIFT, "ZTO", "115", "G1"),
        (ParcelKind.RESEND, "ZTO", "115", "R1"),
    ]


GIFT = {"goods_id": 71, "sku_id": 91, "goods_name": "袜子", "goods_price": 5.0, "goods_count": 1, "order_sn": "G-1"}


def test_a_gift_is_a_line_without_money() -> None:
    found = order(gift_list=[GIFT], gift_order_status=2)
    assert [(line.id, line.gift, line.money.goods) for line in found.lines] == [
        (f"{ORDER_SN}:900100200301:1", False, 11980),
        (f"{ORDER_SN}:91:1", True, 0),
    ]
    assert found.warnings == ()


@pytest.mark.parametrize(("status", "related"), [(1, ("G-1",)), (0, ())])
def test_a_gift_with_an_order_of_its_own_is_not_shipped_twice(status: Any, related: tuple[str, ...]) -> None:
    found = order(gift_list=[GIFT], gift_order_status=status)
    assert len(found.lines) == 1
    assert found.lineage.related == related


def test_several_lines_share_the_orders_discounts_to_the_fen() -> None:
    item = order_row()["item_list"][0]
    items = [{**item, "sku_id": sku, "goods_price": 10.0, "goods_count": 1} for sku in (3, 1, 2)]
    found = order(
        item_list=items,
        goods_amount=30.0,
        platform_discount=0.1,
        seller_discount=0,
        discount_amount=0.1,
        pay_amount=29.9,
    )
    assert [line.sku_id for line in found.lines] == ["1", "2", "3"]
    assert [line.money.pay for line in found.lines] == [997, 997, 996]
    assert found.warnings == ()


def test_a_manual_price_change_is_an_adjustment() -> None:
    found = order(goods_amount=109.8, order_change_amount=10.0, pay_amount=94.8)
    assert (found.money.goods, found.money.adjustment, found.money.pay) == (11980, -1000, 9480)
    assert found.warnings == ()


def test_services_and_postage_add_up() -> None:
    fees = [
        {"service_name": "install_fee", "service_fee": 20.0},
        {"service_name": "sf_express_fee", "service_fee": 3.5},
    ]
    found = order(service_fee_detail=fees, delivery_install_value=20.0, postage=6.0, pay_amount=134.3)
    assert (found.money.fees, found.money.postage) == (2350, 600)
    assert found.warnings == ()
    assert order(delivery_install_value=20.0, pay_amount=124.8).money.fees == 2000


def test_who_settles_the_payment() -> None:
    found = order(
        duo_duo_pay_reduction=1.0,
        government_subsidy_settle_details=[{"funder": 1, "amount": 15.0}, {"funder": 2, "amount": 2.0}],
    )
    assert found.money.payments == (
        Share(payer=Payer.BUYER, amount=8680),
        Share(payer=Payer.PAYMENT_CHANNEL, amount=100, name="duo_duo_pay_reduction"),
        Share(payer=Payer.GOVERNMENT, amount=1500, name="government_subsidy"),
        Share(payer=Payer.PLATFORM, amount=200, name="government_subsidy"),
    )
    subsidised = order(trade_in_national_subsidy_amount=10.0, trade_in_national_subsidy_type=1)
    assert subsidised.money.payments[1].payer is Payer.GOVERNMENT
    assert order(trade_in_national_subsidy_amount=10.0, trade_in_national_subsidy_type=2).money.payments[1:] == ()


def test_money_that_does_not_add_up_warns_and_stops_nothing() -> None:
    assert order(pay_amount=99.99).warnings
    assert order(duo_duo_pay_reduction=200.0).warnings
    assert order(goods_amount=Decimal("100.00")).warnings


def test_the_times_of_the_detail_may_be_milliseconds() -> None:
    assert mapping.instant(1767233400) == mapping.instant(1767233400000) == at("2026-01-01 02:10:00")
    assert mapping.instant(0) is None
