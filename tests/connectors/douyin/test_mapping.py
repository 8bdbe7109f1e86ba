"""The samples as canonical values, and each trap of the wire that a mapping can fall into."""

from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.douyin import mapping, wire
from core.carriers import Carrier
from core.model import (
    AfterSale,
    Flag,
    Masked,
    Memo,
    Money,
    Order,
    Packed,
    Parcel,
    ParcelKind,
    Payer,
    Presale,
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
from tests.connectors.douyin.conftest import sample

SHOP = "douyin:12345678"
ORDERS = sample("order.searchList.response")["data"]["shop_order_list"]
LISTED = sample("afterSale.List.response")["data"]["items"][0]
DETAILED = sample("afterSale.Detail.response")["data"]


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def order(line: dict[str, Any] | None = None, **changes: Any) -> Order:
    """The first sample order with changes to itself and to its first line."""
    row = deepcopy(ORDERS[0]) | changes
    row["sku_order_list"][0] |= line or {}
    return mapping.order(SHOP, wire.read_row(wire.ShopOrder, row))


def after_sale(**changes: Any) -> AfterSale:
    row = deepcopy(LISTED)
    row["aftersale_info"] |= changes
    return mapping.listed_after_sale(SHOP, wire.read_row(wire.AfterSaleRow, row))


def test_the_paid_sample_order() -> None:
    seen = order()
    assert (seen.shop_id, seen.id, seen.status) == (SHOP, "6920000000000000001", OrderStatus.TO_SHIP)
    assert seen.payment == Fact[Payment](value=Payment.PAID, raw="2", at=at(1759999260))
    assert seen.fulfilment == Fact[Fulfilment](value=Fulfilment.TO_SHIP, raw="2")
    assert seen.closing == Fact[Closing](value=Closing.OPEN, raw="2")
    assert seen.hold.value is Hold.NONE
    assert seen.after_sale.value is AfterSaleState.NONE
    assert (seen.created_at, seen.updated_at, seen.paid_at) == (at(1759999200), at(1759999265), at(1759999260))
    assert (seen.shipped_at, seen.signed_at, seen.ended_at) == (None, None, None)
    assert seen.ship_by == at(1760172060)
    assert seen.buyer_note == "请尽快发货😀"
    assert seen.buyer_id.startswith("#PvIT")
    assert (seen.kind, seen.tags, seen.parcels, seen.presale, seen.warnings) == ("normal", (), (), None, ())


def test_the_money_of_the_sample_adds_up_and_names_who_bears_what() -> None:
    seen = order()
    assert seen.money == Money(
        goods=26700,
        discounts=(Share(payer=Payer.SELLER, amount=1800), Share(payer=Payer.PLATFORM, amount=500)),
        pay=24400,
        payments=(Share(payer=Payer.BUYER, amount=24400),),
        receivable=24900,
    )
    assert [line.money.pay for line in seen.lines] == [11400, 13000]
    assert seen.lines[0].money.discounts == (
        Share(payer=Payer.SELLER, amount=1000),
        Share(payer=Payer.PLATFORM, amount=500),
    )


def test_the_lines_of_the_sample() -> None:
    first, second = order().lines
    assert (first.id, first.listing_id, first.sku_id) == (
        "6920000000000000001",
        "3600000000000000457",
        "1700000000000000123",
    )
    assert (first.merchant_code, first.listing_code, first.spec) == ("TS-WHITE-L", "", "白色,L")
    assert (first.title, first.quantity, first.unit_price) == ("示例纯棉T恤 男女同款 白色", 1, 12900)
    assert (first.gift, first.gift_for, first.components) == (False, (), ())
    assert (second.id, second.quantity, second.money.goods) == ("6920000000000000002", 2, 13800)


def test_the_receiver_keeps_masks_and_ciphertexts_only() -> None:
    row = ORDERS[0]
    who = order(post_receiver="张三", post_tel="13800000000").receiver
    assert who.name == Masked(mask="张*", cipher=row["encrypt_post_receiver"])
    assert who.phone == Masked(mask="1********00", cipher=row["encrypt_post_tel"])
    assert who.detail == Masked(mask="****", cipher=row["post_addr"]["encrypt_detail"])
    assert (who.province, who.city, who.district, who.town) == ("浙江省", "杭州市", "滨江区", "西兴街道")
    assert who.region_code == "330108001"
    assert who.oaid == row["open_address_id"]
    assert "张三" not in who.model_dump_json()
    assert row["encrypt_post_tel"] not in repr(order())


def test_the_partly_shipped_sample_order() -> None:
    seen = mapping.order(SHOP, wire.read_row(wire.ShopOrder, ORDERS[1]))
    assert seen.status is OrderStatus.PART_SHIPPED
    assert seen.fulfilment == Fact[Fulfilment](value=Fulfilment.PART_SHIPPED, raw="101", at=at(1759999900))
    assert [line.fulfilment.value for line in seen.lines if line.fulfilment] == [
        Fulfilment.SHIPPED,
        Fulfilment.TO_SHIP,
    ]
    assert seen.memo == Memo(text="已核对尺码", flag=mapping.FLAG_OF[str(ORDERS[1]["seller_remark_stars"])])
    assert seen.parcels == (
        Parcel(
            id="7551000000000000001",
            carrier="SF",
            carrier_code="shunfeng",
            carrier_name="顺丰速运",
            tracking_no="SF1234567890123",
            kind=ParcelKind.SPLIT,
            lines=(Packed(line_id="6920000000000000101", quantity=1),),
            shipped_at=at(1759999900),
        ),
    )


def test_the_detail_gives_the_same_order_as_the_list() -> None:
    detail = sample("order.orderDetail.response")["data"]["shop_order_detail"]
    assert mapping.order(SHOP, wire.read_row(wire.ShopOrder, detail)) == order()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"order_status": 1, "pay_time": 0}, (Payment.UNPAID, Fulfilment.TO_SHIP, Closing.OPEN, OrderStatus.UNPAID)),
        ({"order_status": 103}, (Payment.PART_PAID, Fulfilment.TO_SHIP, Closing.OPEN, OrderStatus.PART_PAID)),
        ({"order_status": 105}, (Payment.PAID, Fulfilment.TO_SHIP, Closing.OPEN, OrderStatus.ON_HOLD)),
        ({"order_status": 3}, (Payment.PAID, Fulfilment.SHIPPED, Closing.OPEN, OrderStatus.SHIPPED)),
        ({"order_status": 5}, (Payment.PAID, Fulfilment.SIGNED, Closing.FINISHED, OrderStatus.FINISHED)),
        (
            {"order_status": 4, "pay_time": 0},
            (Payment.UNPAID, Fulfilment.TO_SHIP, Closing.CLOSED_UNPAID, OrderStatus.CLOSED),
        ),
        ({"order_status": 4}, (Payment.PAID, Fulfilment.TO_SHIP, Closing.CLOSED_REFUNDED, OrderStatus.CLOSED)),
        (
            {"order_status": 3, "main_status": 22},
            (Payment.PAID, Fulfilment.SHIPPED, Closing.CLOSED_REFUNDED, OrderStatus.CLOSED),
        ),
        (
            {"order_status": 4, "pay_type": 0, "pay_time": 0, "ship_time": 9},
            (Payment.UNPAID, Fulfilment.REJECTED, Closing.CLOSED_UNPAID, OrderStatus.CLOSED),
        ),
        ({"order_status": 777}, (Payment.UNKNOWN, Fulfilment.UNKNOWN, Closing.UNKNOWN, OrderStatus.UNKNOWN)),
    ],
)
def test_every_order_status(changes: dict[str, Any], expected: tuple[object, ...]) -> None:
    seen = order(**changes)
    assert (seen.payment.value, seen.fulfilment.value, seen.closing.value, seen.status) == expected


def test_an_unknown_status_keeps_its_code() -> None:
    assert order(order_status=777).fulfilment.raw == "777"


@pytest.mark.parametrize(("trade_type", "hold"), [(0, Hold.RISK), (1, Hold.GROUP)])
def test_status_105_is_risk_review_or_an_incomplete_group(trade_type: int, hold: Hold) -> None:
    assert order(order_status=105, trade_type=trade_type).hold == Fact[Hold](value=hold, raw="105")


def test_a_zero_yuan_order_is_not_unpaid() -> None:
    seen = order(pay_type=7, pay_amount=0, promotion_amount=26700, shop_cost_amount=26700, platform_cost_amount=0)
    assert seen.payment.value is Payment.PAID


def test_a_shipped_order_is_signed_once_every_line_has_arrived() -> None:
    row = deepcopy(ORDERS[0]) | {"order_status": 3}
    row["sku_order_list"][0]["logistics_receipt_time"] = 1760100000
    partly = mapping.order(SHOP, wire.read_row(wire.ShopOrder, row))
    row["sku_order_list"][1]["logistics_receipt_time"] = 1760200000
    wholly = mapping.order(SHOP, wire.read_row(wire.ShopOrder, row))
    assert (partly.fulfilment.value, partly.signed_at) == (Fulfilment.SHIPPED, None)
    assert (wholly.fulfilment.value, wholly.signed_at) == (Fulfilment.SIGNED, at(1760200000))


@pytest.mark.parametrize(
    ("status", "refund", "expected"),
    [
        (6, 1, AfterSaleState.REQUESTED),
        (7, 1, AfterSaleState.RETURNING),
        (11, 1, AfterSaleState.RETURNING),
        (12, 2, AfterSaleState.REFUNDING),
        (12, 3, AfterSaleState.REFUNDED),
        (27, 1, AfterSaleState.REFUSED),
        (28, 1, AfterSaleState.WITHDRAWN),
        (29, 1, AfterSaleState.REFUSED),
        (51, 0, AfterSaleState.WITHDRAWN),
        (53, 3, AfterSaleState.REFUNDED),
        (99, 0, AfterSaleState.UNKNOWN),
    ],
)
def test_the_after_sale_mark_of_a_line(status: int, refund: int, expected: AfterSaleState) -> None:
    """The order status does not show refunds; a request that the buyer withdrew keeps refund_status 1."""
    mark = {"after_sale_status": status, "after_sale_type": 0, "refund_status": refund}
    seen = order({"after_sale_info": mark})
    assert seen.lines[0].after_sale == Fact[AfterSaleState](value=expected, raw=f"{status}/{refund}")
    running = expected not in (AfterSaleState.WITHDRAWN, AfterSaleState.REFUNDED)
    assert seen.after_sale.value is (expected if running else AfterSaleState.NONE)


def test_an_order_is_refunded_when_all_its_lines_are() -> None:
    row = deepcopy(ORDERS[0])
    for line in row["sku_order_list"]:
        line["after_sale_info"] = {"after_sale_status": 12, "refund_status": 3}
    seen = mapping.order(SHOP, wire.read_row(wire.ShopOrder, row))
    assert seen.after_sale.value is AfterSaleState.REFUNDED


def test_a_gift_is_a_line_that_names_the_line_it_came_with() -> None:
    gift = {
        "given_product_type": "FREE",
        "master_sku_order_id": "",
        "master_sku_order_id_list": ["6920000000000000002"],
        "origin_amount": 0,
        "sum_amount": 0,
        "pay_amount": 0,
        "promotion_amount": 0,
        "shop_cost_amount": 0,
        "only_platform_cost_amount": 0,
    }
    first = order(gift).lines[0]
    assert (first.gift, first.gift_for, first.money.pay) == (True, ("6920000000000000002",), 0)
    assert not order({"given_product_type": "MASTER"}).lines[0].gift


def test_a_bundle_line_has_its_components() -> None:
    part = {"product_id": 1, "sku_id": 2, "product_name": "杯", "item_num": 3, "code": "CUP", "picture_url": ""}
    [component] = order({"bundle_sku_info": [part]}).lines[0].components
    assert (component.sku_id, component.merchant_code, component.title, component.quantity) == ("2", "CUP", "杯", 3)


def test_freight_creator_and_payment_channel_money() -> None:
    seen = order(
        post_amount=800,
        pay_amount=25000,
        promotion_amount=2500,
        platform_cost_amount=700,
        only_platform_cost_amount=500,
        author_cost_amount=200,
        promotion_pay_amount=300,
    )
    assert seen.money.postage == 800
    assert [(share.payer, share.amount) for share in seen.money.discounts] == [
        (Payer.SELLER, 1800),
        (Payer.PLATFORM, 500),
        (Payer.CREATOR, 200),
    ]
    assert [(share.payer, share.amount) for share in seen.money.payments] == [
        (Payer.BUYER, 24700),
        (Payer.PAYMENT_CHANNEL, 300),
    ]
    assert (seen.money.receivable, seen.warnings) == (25700, ())


def test_platform_costs_without_their_split_hold_the_creators_part() -> None:
    row = {key: value for key, value in ORDERS[0].items() if key != "only_platform_cost_amount"}
    row |= {"platform_cost_amount": 500, "author_cost_amount": 100}
    seen = mapping.order(SHOP, wire.read_row(wire.ShopOrder, row))
    assert [(share.payer, share.amount) for share in seen.money.discounts[1:]] == [
        (Payer.PLATFORM, 400),
        (Payer.CREATOR, 100),
    ]


def test_money_that_does_not_add_up_is_a_warning() -> None:
    assert order(pay_amount=1).warnings


def test_ids_amounts_and_times_come_as_text_or_number() -> None:
    row = deepcopy(ORDERS[0])
    row["order_id"] = int(row["order_id"])
    row["pay_amount"], row["create_time"], row["seller_remark_stars"] = "24400", "1759999200", "5"
    row["sku_order_list"][0]["product_id_str"] = ""
    seen = mapping.order(SHOP, wire.read_row(wire.ShopOrder, row))
    assert (seen.id, seen.money.pay, seen.created_at) == ("6920000000000000001", 24400, at(1759999200))
    assert (seen.memo.flag, seen.lines[0].listing_id) == (Flag.RED, "3600000000000000457")


def test_null_and_empty_text_count_as_absent() -> None:
    seen = order(
        {"after_sale_info": None, "spec": None, "bundle_sku_info": None, "sum_amount": None},
        pay_time="",
        post_amount=None,
        logistics_info=None,
        order_phase_list=None,
    )
    assert (seen.paid_at, seen.money.postage, seen.parcels) == (None, 0, ())
    assert seen.lines[0].money.goods == 12900


def test_a_row_without_its_money_is_bad_rather_than_free() -> None:
    with pytest.raises(ValidationError):
        order(pay_amount=None)


def test_an_id_with_the_old_suffix_loses_it() -> None:
    seen = order({"order_id": "6920000000000000001A"}, order_id="6920000000000000001A")
    assert (seen.id, seen.lines[0].id) == ("6920000000000000001", "6920000000000000001")


def test_deposit_presales_show_both_steps() -> None:
    phases = [
        {"phase_order_id": "1", "total_phase": 2, "current_phase": 1, "phase_payable_price": 1000},
        {"phase_order_id": "1", "total_phase": 2, "current_phase": 2, "phase_payable_price": 9000},
    ]
    seen = order(trade_type=2, order_phase_list=phases, appointment_ship_time=1761000000)
    assert seen.presale == Presale(kind="deposit", ship_from=at(1761000000), deposit=1000, balance=9000)
    assert seen.kind == ORDERS[0]["trade_type_desc"]
    assert order({"pre_sale_type": 1}).presale == Presale(kind="full")


def test_a_flag_is_read_as_its_colour_and_grey_as_none() -> None:
    flags = [order(seller_remark_stars=star).memo.flag for star in range(6)]
    assert flags == [Flag.NONE, Flag.PURPLE, Flag.CYAN, Flag.GREEN, Flag.ORANGE, Flag.RED]


def test_tags_are_keys_and_name_cash_on_delivery() -> None:
    seen = order({"sku_order_tag_ui": [{"key": "b"}]}, shop_order_tag_ui=[{"key": "a", "text": "x"}], pay_type=0)
    assert seen.tags == ("a", "b", "cash_on_delivery")


def test_every_carrier_code_maps_back() -> None:
    assert mapping.CARRIER_OF["debangkuaidi"] is Carrier.DEPPON
    assert all(mapping.CARRIER_OF[code] is carrier for carrier, codes in mapping.CARRIER.items() for code in codes)


def test_the_after_sale_sample() -> None:
    assert after_sale() == AfterSale(
        shop_id=SHOP,
        id="7010000000000000001",
        order_id="6920000000000000001",
        line_ids=("6920000000000000002",),
        kind=AfterSaleKind.RETURN,
        kind_raw="0",
        stage=Fact[AfterSaleStage](value=AfterSaleStage.RETURNED, raw="11/1/0"),
        quantity=2,
        refund=13000,
        reason="七天无理由退货",
        created_at=at(1759990000),
        updated_at=at(1759999500),
        deadline=at(1760604300),
        returned=ReturnParcel(carrier_name="圆通速递", tracking_no="YT0000000000099"),
    )


def test_the_after_sale_detail_with_its_numeric_ids_equals_the_listed_row() -> None:
    detail = wire.read_row(wire.AfterSaleDetail, DETAILED)
    assert mapping.after_sale(SHOP, detail) == after_sale()


@pytest.mark.parametrize(
    ("changes", "stage"),
    [
        ({"aftersale_status": 0}, AfterSaleStage.REQUESTED),
        ({"aftersale_status": 6}, AfterSaleStage.REQUESTED),
        ({"aftersale_status": 7}, AfterSaleStage.TO_RETURN),
        ({"aftersale_status": 8, "aftersale_type": 7}, AfterSaleStage.TO_REPLACE),
        ({"aftersale_status": 12, "refund_status": 2}, AfterSaleStage.REFUNDING),
        ({"aftersale_status": 12, "refund_status": 3}, AfterSaleStage.REFUNDED),
        ({"aftersale_status": 12, "aftersale_type": 3, "refund_amount": 0}, AfterSaleStage.DONE),
        ({"aftersale_status": 13, "aftersale_type": 3}, AfterSaleStage.REPLACED),
        ({"aftersale_status": 14, "aftersale_type": 3}, AfterSaleStage.DONE),
        ({"aftersale_status": 27}, AfterSaleStage.REFUSED),
        ({"aftersale_status": 27, "arbitrate_status": 1}, AfterSaleStage.PLATFORM),
        ({"aftersale_status": 28}, AfterSaleStage.CLOSED),
        ({"aftersale_status": 28, "arbitrate_status": 255}, AfterSaleStage.CLOSED),
        ({"aftersale_status": 29}, AfterSaleStage.REFUSED),
        ({"aftersale_status": 51}, AfterSaleStage.WITHDRAWN),
        ({"aftersale_status": 53, "refund_status": 3}, AfterSaleStage.REFUNDED),
        ({"aftersale_status": 99}, AfterSaleStage.UNKNOWN),
    ],
)
def test_every_after_sale_status(changes: dict[str, Any], stage: AfterSaleStage) -> None:
    seen = after_sale(**changes)
    assert seen.stage.value is stage
    assert seen.refunded is (changes.get("refund_status") == 3)
    assert seen.platform_involved is ("arbitrate_status" in changes)


def test_an_after_sale_of_the_whole_order_names_no_lines() -> None:
    assert after_sale(aftersale_order_type=2, related_id="6920000000000000001").line_ids == ()


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (0, AfterSaleKind.RETURN),
        (1, AfterSaleKind.REFUND_ONLY),
        (2, AfterSaleKind.REFUND_UNSHIPPED),
        (3, AfterSaleKind.EXCHANGE),
        (6, AfterSaleKind.PRICE_PROTECTION),
        (7, AfterSaleKind.RESEND),
        (8, AfterSaleKind.REPAIR),
        (5, AfterSaleKind.UNKNOWN),
    ],
)
def test_every_after_sale_kind(number: int, kind: AfterSaleKind) -> None:
    assert after_sale(aftersale_type=number).kind is kind


@pytest.mark.parametrize(
    ("status", "check", "shelf"),
    [
        (0, 3, Shelf.ON),
        (0, 4, Shelf.OFF),
        (0, 2, Shelf.OFF),
        (1, 3, Shelf.OFF),
        (1, 7, Shelf.OFF),
        (1, 5, Shelf.BANNED),
        (2, 3, Shelf.DELETED),
        (0, 9, Shelf.UNKNOWN),
    ],
)
def test_status_0_is_on_sale_only_when_the_review_passed(status: int, check: int, shelf: Shelf) -> None:
    row = sample("product.listV2.response")["data"]["data"][0] | {"status": status, "check_status": check}
    seen = mapping.listing(SHOP, wire.read_row(wire.Product, row), [])
    assert (seen.shelf.value, seen.shelf.raw) == (shelf, f"{status}/{check}")
    assert seen.in_review is (check == 2)


def test_product_times_are_seconds_in_the_list_and_shanghai_text_in_the_detail() -> None:
    listed = wire.read_row(wire.Product, sample("product.listV2.response")["data"]["data"][0])
    detailed = wire.read_row(wire.Product, sample("product.detail.response")["data"])
    one, two = (mapping.listing(SHOP, product, []) for product in (listed, detailed))
    assert one.created_at == two.created_at == at(1750000000)
    assert one.updated_at == at(1759950000)
    assert two.updated_at == datetime(2025, 10, 8, 19, tzinfo=UTC)
    assert (one.title, one.merchant_code) == (two.title, two.merchant_code)


def test_the_skus_of_a_listing() -> None:
    product = wire.read_row(wire.Product, sample("product.detail.response")["data"] | {"market_price": 19900})
    skus = [wire.read_row(wire.Sku, row) for row in sample("sku.list.response")["data"]]
    [sku] = mapping.listing(SHOP, product, skus).skus
    assert (sku.sku_id, sku.merchant_code, sku.spec) == ("1700000000000000123", "TS-WHITE-L", "白色,L")
    assert (sku.sellable, sku.held) == (84, 1)
    assert sku.price is not None
    assert (sku.price.sale, sku.price.market) == (12900, 19900)


def test_wrong_time_texts_are_no_time() -> None:
    assert mapping.instant_of("soon") is None
    assert mapping.instant_of("") is None
    assert mapping.instant_of(0) is None
    assert mapping.instant_of("1759999265") == at(1759999265)
