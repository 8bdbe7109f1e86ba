"""Every documented answer becomes the value it stands for."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.taobao import mapping, wire
from connectors.taobao.mapping import tables
from connectors.taobao.mapping.values import fen_of, instant_of, loose_instant, masked
from core.channel import Window
from core.model import (
    AfterSale,
    Component,
    Flag,
    Listing,
    ListingSku,
    Memo,
    Order,
    Packed,
    Payer,
    Presale,
    Price,
    ReturnParcel,
    Share,
    SkuKey,
)
from core.status import (
    AfterSaleKind,
    AfterSaleStage,
    AfterSaleState,
    Closing,
    Fulfilment,
    Hold,
    OrderStatus,
    Payment,
    Shelf,
)
from tests.connectors.taobao.kit import NOW, TID, Playback, line_rows, sample, shop, trade_answer, trade_row

SHOP = "taobao:2200112233"
OAID = "1exampleOaidExampleOaidExampleOaidExampleOaid01ab"


def read(row: dict[str, Any]) -> Order:
    return mapping.order(SHOP, wire.Trade.model_validate(row))


def read_refund(name: str, **changes: Any) -> AfterSale:
    row = sample(f"{name}.response")["refund_get_response"]["refund"]
    return mapping.after_sale(SHOP, wire.Refund.model_validate({**row, **changes}))


def utc(year: int, month: int, day: int, hour: int, minute: int = 0, second: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, second, tzinfo=UTC)


def test_an_order_of_several_lines() -> None:
    order = read(trade_row())
    assert (order.shop_id, order.id, order.status, order.kind) == (SHOP, TID, OrderStatus.TO_SHIP, "normal")
    assert order.warnings == ()
    assert (order.created_at, order.paid_at) == (utc(2024, 3, 15, 2, 5, 11), utc(2024, 3, 15, 2, 5, 48))
    assert order.updated_at == utc(2024, 3, 15, 2, 21, 40)
    assert order.ship_by == utc(2024, 3, 17, 2, 5, 48)
    assert (order.payment.value, order.payment.at) == (Payment.PAID, order.paid_at)
    assert (order.hold.value, order.closing.value) == (Hold.NONE, Closing.OPEN)
    assert order.after_sale.value is AfterSaleState.REQUESTED
    assert (order.buyer_id, order.buyer_note) == ("AAExampleOpenUid000000000000001", "请尽快发货 😀")
    assert order.memo == Memo(text="VIP", flag=Flag.GREEN)
    assert order.parcels == ()
    assert order.tags == ("tmallPromise",)


def test_the_money_of_an_order_of_several_lines() -> None:
    money = read(trade_row()).money
    assert (money.goods, money.adjustment, money.postage, money.fees) == (31800, 0, 800, 0)
    assert (money.pay, money.receivable) == (28935, 28935)
    assert money.discounts == (
        Share(payer=Payer.SELLER, amount=1665, name="店铺优惠券"),
        Share(payer=Payer.SELLER, amount=2000, name="限时直降"),
    )
    assert money.payments == (Share(payer=Payer.BUYER, amount=28935),)


def test_the_lines_of_an_order() -> None:
    sweater, socks, gift = read(trade_row()).lines
    assert (sweater.id, sweater.listing_id, sweater.sku_id) == ("2150000000000000002", "610000000001", "5100000000001")
    assert (sweater.merchant_code, sweater.listing_code) == ("SKU-1001-RED-XL", "SPU-1001")
    assert (sweater.title, sweater.spec) == ("示例羊毛衫 红色", "颜色分类:红色;尺码:XL")
    assert (sweater.quantity, sweater.unit_price, sweater.money.pay) == (1, 19900, 16900)
    assert [(share.amount, share.name) for share in sweater.money.discounts] == [
        (2000, "discount_fee"),
        (1000, "part_mjz_discount"),
    ]
    assert (socks.quantity, socks.money.goods, socks.money.pay) == (2, 11900, 11235)
    assert (socks.after_sale.value, socks.after_sale.raw) == (AfterSaleState.REQUESTED, "WAIT_SELLER_AGREE")
    assert (gift.gift, gift.gift_for, gift.money.pay) == (True, ("2150000000000000002",), 0)
    assert (gift.sku_id, gift.merchant_code) == ("610000000009", "GIFT-01"), "an item without SKUs"
    assert not sweater.gift
    assert all(line.fulfilment and line.fulfilment.value is Fulfilment.TO_SHIP for line in (sweater, socks, gift))
    assert [line.closing for line in (sweater, socks, gift)] == [None] * 3


def test_the_receiver_of_an_order() -> None:
    receiver = read(trade_row()).receiver
    assert (receiver.name.mask, receiver.phone.mask) == ("张**", "*******0000")
    assert receiver.detail.mask == "示**道示*路**号*幢***室"
    assert (receiver.province, receiver.city, receiver.district) == ("浙江省", "杭州市", "余杭区")
    assert (receiver.town, receiver.oaid) == ("示例街道", OAID)


def test_a_finished_order_of_a_single_line() -> None:
    order = read(trade_row("order.detail.single"))
    [line] = order.lines
    assert (line.id, order.id) == ("2150000000000000301", "2150000000000000301")
    assert (order.money.goods, order.money.adjustment, order.money.postage, order.money.pay) == (5950, -150, 600, 6400)
    assert (line.money.pay, line.money.adjustment) == (5800, -150), "the postage is not the line's"
    assert order.warnings == ()
    assert (order.status, order.closing.value) == (OrderStatus.FINISHED, Closing.FINISHED)
    assert order.closing.at == order.ended_at == utc(2024, 3, 9, 10)
    assert (order.fulfilment.value, order.shipped_at) == (Fulfilment.SIGNED, utc(2024, 3, 1, 10))
    [parcel] = order.parcels
    assert (parcel.carrier, parcel.carrier_code, parcel.carrier_name) == ("YTO", "YTO", "圆通速递")
    assert (parcel.tracking_no, parcel.shipped_at) == ("YT0000000000009", utc(2024, 3, 1, 10))
    assert parcel.lines == (Packed(line_id="2150000000000000301", quantity=1),)


def test_a_presale_with_its_deposit_paid() -> None:
    order = read(trade_row("order.detail.presale"))
    assert (order.status, order.kind) == (OrderStatus.PART_PAID, "step")
    assert (order.payment.value, order.payment.raw) == (Payment.PART_PAID, "FRONT_PAID_FINAL_NOPAID")
    assert order.presale == Presale(kind="deposit", ship_from=utc(2024, 3, 25, 15, 59, 59), deposit=5000, balance=44900)
    assert (order.money.goods, order.money.pay, order.warnings) == (54900, 49900, ())
    assert order.money.payments == ()
    assert order.ship_by == utc(2024, 3, 25, 15, 59, 59)


def test_the_light_money_api_tells_the_same_money() -> None:
    amounts = sample("order.amount.response")["trade_amount_get_response"]["trade_amount"]
    order = read(trade_row())
    told = [(str(row["oid"]), fen_of(row["divide_order_fee"])) for row in amounts["order_amounts"]["order_amount"]]
    assert told == [(line.id, line.money.pay) for line in order.lines[:2]]
    assert (fen_of(amounts["payment"]), fen_of(amounts["post_fee"])) == (order.money.pay, order.money.postage)


@pytest.mark.parametrize("name", ["order.list", "order.list.has_next", "order.list.empty", "order.list.simplify"])
def test_a_page_of_orders(name: str) -> None:
    answer = sample(f"{name}.response")
    page = wire.TradePage.model_validate(answer.get(wire.TRADES.root, answer))
    told = [(str(row["tid"]), row["status"]) for row in page.rows]
    expected = [
        (TID, "WAIT_SELLER_SEND_GOODS"),
        ("2150000000000000101", "WAIT_BUYER_PAY"),
        ("2150000000000000201", "TRADE_CLOSED_BY_TAOBAO"),
    ]
    counted = {"order.list": 3, "order.list.empty": 0, "order.list.simplify": 1}.get(name)
    assert (page.total_results, page.has_next) == (counted, None if counted is not None else True)
    assert told == expected[: {"order.list": 3, "order.list.has_next": 2, "order.list.simplify": 1}.get(name, 0)]


def test_an_order_pushed_into_a_table_is_the_order_of_the_detail() -> None:
    row = sample("rds.jdp_tb_trade.row")
    response = row["jdp_response"] if isinstance(row["jdp_response"], dict) else json.loads(row["jdp_response"])
    order = read(response["trade_fullinfo_get_response"]["trade"])
    assert order == read(trade_row("order.detail"))
    assert (order.id, order.fulfilment.raw) == (str(row["tid"]), row["status"])


def test_a_refund_before_shipping() -> None:
    refund = read_refund("refund.detail")
    assert (refund.id, refund.order_id, refund.line_ids) == ("160000000000000001", TID, ("2150000000000000003",))
    assert (refund.kind, refund.kind_raw) == (AfterSaleKind.REFUND_UNSHIPPED, "REFUND")
    assert (refund.stage.value, refund.stage.raw) == (AfterSaleStage.REQUESTED, "WAIT_SELLER_AGREE")
    assert (refund.sku_id, refund.quantity, refund.refund, refund.refunded) == ("5100000000012", 2, 11235, False)
    assert (refund.created_at, refund.updated_at) == (utc(2024, 3, 15, 2, 21, 39), utc(2024, 3, 15, 2, 21, 40))
    assert (refund.deadline, refund.reason) == (utc(2024, 3, 17, 2, 21, 39), "不想要了")
    assert (refund.returned, refund.platform_involved) == (None, False)


def test_a_return_that_is_on_its_way() -> None:
    refund = read_refund("refund.detail.return")
    assert (refund.kind, refund.stage.value) == (AfterSaleKind.RETURN, AfterSaleStage.RETURNED)
    assert refund.returned == ReturnParcel(tracking_no="78000000000001", carrier_name="中通快递")
    assert (refund.refund, refund.deadline, refund.quantity) == (5800, None, None)


def test_a_refund_of_the_list_is_the_refund_of_the_detail_but_for_what_it_lacks() -> None:
    [row] = sample("refund.list.response")["refunds_receive_get_response"]["refunds"]["refund"]
    listed = mapping.after_sale(SHOP, wire.Refund.model_validate(row))
    detail = read_refund("refund.detail")
    lacking = {"deadline": None, "reason": "", "quantity": None}
    assert listed == detail.model_copy(update=lacking)


def test_a_refund_pushed_into_a_table_is_the_refund_of_the_list() -> None:
    row = sample("rds.jdp_tb_refund.row")
    response = row["jdp_response"] if isinstance(row["jdp_response"], dict) else json.loads(row["jdp_response"])
    refund = mapping.after_sale(SHOP, wire.Refund.model_validate(response["refund_get_response"]["refund"]))
    lacking = {"deadline": None, "reason": "", "quantity": None}
    assert refund == read_refund("refund.detail").model_copy(update=lacking)
    assert refund.id == str(row["refund_id"])


def listed(name: str) -> Listing:
    row = sample(f"{name}.response")["item_seller_get_response"]["item"]
    return mapping.listing(SHOP, wire.Item.model_validate(row))


def test_a_listing() -> None:
    listing = listed("item.detail")
    assert (listing.id, listing.title, listing.merchant_code) == ("610000000001", "示例羊毛衫", "SPU-1001")
    assert (listing.shelf.value, listing.shelf.raw) == (Shelf.ON, "onsale")
    assert (listing.created_at, listing.updated_at) == (utc(2023, 12, 30, 2), utc(2024, 3, 14, 10))
    assert listing.skus == (
        ListingSku(
            sku_id="5100000000001",
            merchant_code="SKU-1001-RED-XL",
            spec="颜色分类:酒红;尺码:XL",
            sellable=12,
            price=Price(sale=19900),
        ),
        ListingSku(
            sku_id="5100000000002",
            merchant_code="SKU-1001-RED-L",
            spec="颜色分类:酒红;尺码:L",
            sellable=25,
            price=Price(sale=18900),
        ),
    )


def test_every_list_of_items_is_walked_and_read() -> None:
    def items(form: dict[str, str]) -> Any:
        name = "item.onsale" if form["method"].endswith("onsale.get") else "item.inventory"
        return (
            sample(f"{name}.response")
            if form.get("banner") != "sold_out"
            else {"items_inventory_get_response": {"total_results": 0, "request_id": "1"}}
        )

    def details(form: dict[str, str]) -> Any:
        rows = sample("item.batch_detail.response")["items_seller_list_get_response"]["items"]["item"]
        rows += sample("item.inventory.response")["items_inventory_get_response"]["items"]["item"]
        asked = form["num_iids"].split(",")
        return {"items_seller_list_get_response": {"items": {"item": [r for r in rows if str(r["num_iid"]) in asked]}}}

    transport = Playback(items_onsale_get=items, items_inventory_get=items, items_seller_list_get=details)
    pages = list(shop(transport).listings())
    found = [fetched.value for page in pages for fetched in page.items]
    assert [(listing.id, listing.shelf.value) for listing in found] == [
        ("610000000001", Shelf.ON),
        ("610000000005", Shelf.SOLD_OUT),
    ]
    assert pages[-1].expected == 2
    [plain] = found[1].skus
    assert (plain.sku_id, plain.merchant_code, plain.sellable) == ("610000000005", "SPU-1005", 0)
    assert plain.price == Price(sale=2000)


def test_a_sku_found_by_its_merchant_code_is_the_listings_sku() -> None:
    [row] = sample("item.sku_by_outer_id.response")["skus_custom_get_response"]["skus"]["sku"]
    sku = wire.Sku.model_validate(row)
    item = wire.Item.model_validate({"num_iid": row["num_iid"], "skus": [row]})
    [told] = mapping.listing(SHOP, item).skus
    assert (sku.sku_id, told.shelf) == ("5100000000001", Shelf.ON)
    assert (told.merchant_code, told.sellable, told.price) == ("SKU-1001-RED-XL", 12, Price(sale=19900))


@pytest.mark.parametrize(
    ("sub_stock", "sellable", "held"),
    [("2", 9, 3), ("1", 12, 3), (None, 12, 3)],
)
def test_what_unpaid_orders_hold_is_not_sellable_where_payment_takes_stock_off(
    sub_stock: str | None, sellable: int, held: int
) -> None:
    item = {"num_iid": 1, "sub_stock": sub_stock, "skus": [{"sku_id": 2, "quantity": 12, "with_hold_quantity": 3}]}
    [stock] = mapping.stocks(wire.Item.model_validate(item))
    assert (stock.sellable, stock.held) == (sellable, held)
    assert stock.sellable + stock.withheld == 12


def test_what_only_the_item_holds_is_its_only_skus() -> None:
    one, two = {"sku_id": 2, "quantity": 12}, {"sku_id": 3, "quantity": 5}
    item = {"num_iid": 1, "sub_stock": 2, "with_hold_quantity": 4}
    [alone] = mapping.stocks(wire.Item.model_validate({**item, "skus": [one]}))
    assert (alone.sellable, alone.held) == (8, 4)
    both = mapping.stocks(wire.Item.model_validate({**item, "skus": [one, two]}))
    assert [(stock.sellable, stock.held) for stock in both] == [(12, None), (5, None)]


def test_levels_are_of_the_skus_that_exist() -> None:
    transport = Playback(items_seller_list_get=sample("item.batch_detail.response"))
    keys = [SkuKey(listing_id="610000000001", sku_id=sku_id) for sku_id in ("5100000000002", "9")]
    [level] = shop(transport).stock_levels(keys)
    assert (level.key, level.sellable, level.held, level.read_at) == (keys[0], 25, None, NOW)


STATUSES = {
    "TRADE_NO_CREATE_PAY": OrderStatus.UNPAID,
    "WAIT_BUYER_PAY": OrderStatus.UNPAID,
    "PAY_PENDING": OrderStatus.UNPAID,
    "WAIT_PRE_AUTH_CONFIRM": OrderStatus.UNPAID,
    "PAID_FORBID_CONSIGN": OrderStatus.ON_HOLD,
    "WAIT_SELLER_SEND_GOODS": OrderStatus.TO_SHIP,
    "SELLER_CONSIGNED_PART": OrderStatus.PART_SHIPPED,
    "WAIT_BUYER_CONFIRM_GOODS": OrderStatus.SHIPPED,
    "TRADE_BUYER_SIGNED": OrderStatus.SIGNED,
    "TRADE_FINISHED": OrderStatus.FINISHED,
    "TRADE_CLOSED": OrderStatus.CLOSED,
    "TRADE_CLOSED_BY_TAOBAO": OrderStatus.CLOSED,
    "TRADE_OF_TOMORROW": OrderStatus.UNKNOWN,
}


@pytest.mark.parametrize(("code", "status"), STATUSES.items())
def test_every_status(code: str, status: OrderStatus) -> None:
    order = read(trade_row(status=code))
    assert order.status is status
    assert order.fulfilment.raw == order.closing.raw == code


def test_every_status_has_a_payment_a_fulfilment_and_a_closing() -> None:
    codes = set(STATUSES) - {"TRADE_OF_TOMORROW"}
    assert set(tables.PAYMENT_OF) == set(tables.CLOSING_OF) == codes
    assert set(tables.FULFILMENT_OF) == codes - {"TRADE_CLOSED"}


@pytest.mark.parametrize(
    ("code", "payment"),
    [
        ("FRONT_NOPAID_FINAL_NOPAID", Payment.UNPAID),
        ("FRONT_PAID_FINAL_NOPAID", Payment.PART_PAID),
        ("FRONT_PAID_FINAL_PAID", Payment.PAID),
        ("FRONT_PAID_FRONT_FORFEITED", Payment.PART_PAID),
        ("SOMETHING", Payment.UNKNOWN),
    ],
)
def test_every_step_of_a_presale(code: str, payment: Payment) -> None:
    assert read(trade_row("order.detail.presale", step_trade_status=code)).payment.value is payment


@pytest.mark.parametrize(
    ("field", "hold"),
    [
        ("top_hold", Hold.PLATFORM_LOCK),
        ("ofp_hold", Hold.PLATFORM_LOCK),
        ("forbid_consign", Hold.PLATFORM_LOCK),
        ("delay_create_delivery", Hold.PLATFORM_LOCK),
        ("team_buy_hold", Hold.GROUP),
        ("share_group_hold", Hold.GROUP),
    ],
)
def test_every_hold(field: str, hold: Hold) -> None:
    held = read(trade_row(status="PAID_FORBID_CONSIGN", **{field: 1})).hold
    assert (held.value, held.raw) == (hold, field)
    assert read(trade_row(**{field: 0})).hold.value is Hold.NONE
    assert read(trade_row(status="WAIT_BUYER_CONFIRM_GOODS", **{field: 1})).hold.value is Hold.NONE


def test_what_is_forbidden_without_a_reason_is_locked() -> None:
    assert read(trade_row(status="PAID_FORBID_CONSIGN")).hold.value is Hold.PLATFORM_LOCK


def test_what_the_platforms_warehouse_ships_is_not_ours_to_ship() -> None:
    assert read(trade_row(is_force_wlb=True, is_brand_sale=True)).hold.value is Hold.PLATFORM_LOCK
    assert read(trade_row(is_force_wlb=True)).hold.value is Hold.NONE


@pytest.mark.parametrize(
    ("code", "state"),
    [
        ("NO_REFUND", AfterSaleState.NONE),
        ("WAIT_SELLER_AGREE", AfterSaleState.REQUESTED),
        ("WAIT_BUYER_RETURN_GOODS", AfterSaleState.RETURNING),
        ("WAIT_SELLER_CONFIRM_GOODS", AfterSaleState.RETURNING),
        ("SELLER_REFUSE_BUYER", AfterSaleState.REFUSED),
        ("CLOSED", AfterSaleState.WITHDRAWN),
        ("SUCCESS", AfterSaleState.REFUNDED),
        ("NEW_ONE", AfterSaleState.UNKNOWN),
    ],
)
def test_every_refund_status_of_a_line(code: str, state: AfterSaleState) -> None:
    _, socks, _ = read(trade_row(orders=line_rows({}, {"refund_status": code}, {}))).lines
    assert socks.after_sale.value is state


@pytest.mark.parametrize(
    ("status", "stage"),
    [
        ("WAIT_SELLER_AGREE", AfterSaleStage.REQUESTED),
        ("WAIT_BUYER_RETURN_GOODS", AfterSaleStage.TO_RETURN),
        ("WAIT_SELLER_CONFIRM_GOODS", AfterSaleStage.RETURNED),
        ("SELLER_REFUSE_BUYER", AfterSaleStage.REFUSED),
        ("WAIT_SELLER_CONSIGN_GOODS", AfterSaleStage.TO_REPLACE),
        ("WAIT_BUYER_CONFIRM_EXCHANGE_SELLER_SEND_GOODS", AfterSaleStage.REPLACED),
        ("EXCHANGE_TRANSFORM_TO_REFUND", AfterSaleStage.REFUNDING),
        ("CLOSED", AfterSaleStage.CLOSED),
        ("SUCCESS", AfterSaleStage.REFUNDED),
        ("NEW_ONE", AfterSaleStage.UNKNOWN),
    ],
)
def test_every_status_of_a_refund(status: str, stage: AfterSaleStage) -> None:
    refund = read_refund("refund.detail", status=status)
    assert (refund.stage.value, refund.stage.raw) == (stage, status)
    assert refund.refunded == (status == "SUCCESS")


@pytest.mark.parametrize(
    ("dispute", "kind"),
    [
        ("REFUND", AfterSaleKind.REFUND_ONLY),
        ("REFUND_AND_RETURN", AfterSaleKind.RETURN),
        ("TMALL_EXCHANGE", AfterSaleKind.EXCHANGE),
        ("TAOBAO_EXCHANGE", AfterSaleKind.EXCHANGE),
        ("REPAIR", AfterSaleKind.REPAIR),
        ("RESHIPPING", AfterSaleKind.RESEND),
        ("OTHERS", AfterSaleKind.UNKNOWN),
    ],
)
def test_every_kind_of_after_sale(dispute: str, kind: AfterSaleKind) -> None:
    refund = read_refund("refund.detail", dispute_type=dispute, order_status="WAIT_BUYER_CONFIRM_GOODS")
    assert (refund.kind, refund.kind_raw) == (kind, dispute)


def test_an_exchange_that_succeeded_refunds_nothing() -> None:
    refund = read_refund("refund.detail", dispute_type="TMALL_EXCHANGE", status="SUCCESS")
    assert (refund.stage.value, refund.refunded) == (AfterSaleStage.DONE, False)


def test_customer_service_of_the_platform_is_involved() -> None:
    assert read_refund("refund.detail", cs_status=2).platform_involved


def test_a_bundle_ships_its_parts() -> None:
    parts = [
        {"item_id": 7, "sku_id": 71, "quantity": 2, "outer_iid": "A", "outer_sku_id": "A-1"},
        {"item_id": 8, "quantity": 1, "outer_iid": "B"},
    ]
    for wrapped in ({"combine_sub_item_d_o": parts}, {"combine_sub_item_do": parts}, parts):
        sweater = read(trade_row(orders=line_rows({"combine_item_info": wrapped}, {}, {}))).lines[0]
        assert sweater.components == (
            Component(sku_id="71", merchant_code="A-1", quantity=2),
            Component(sku_id="8", merchant_code="B", quantity=1),
        )


def test_a_service_is_a_fee_and_not_a_line() -> None:
    services = {"service_order": [{"item_oid": 2150000000000000002, "title": "上门安装", "payment": "30.00"}]}
    order = read(trade_row(service_orders=services, payment="319.35"))
    assert (order.money.fees, order.money.pay, order.warnings) == (3000, 31935, ())
    assert len(order.lines) == 3


def test_a_gift_that_only_a_promotion_names_is_a_line() -> None:
    gift = {"id": 1, "promotion_name": "送", "discount_fee": "", "gift_item_id": "77", "gift_item_num": 2}
    order = read(trade_row(promotion_details={"promotion_detail": [{**gift, "gift_item_name": "礼盒"}]}))
    given = order.lines[-1]
    assert (given.id, given.sku_id, given.title, given.quantity) == (f"{TID}:77:1", "77", "礼盒", 2)
    assert (given.gift, given.money.pay) == (True, 0)
    assert order.warnings == ()


def test_the_platforms_subsidy_is_due_to_the_seller() -> None:
    order = read(trade_row(platform_subsidy_fee="5.00", payment="284.35"))
    assert order.money.receivable == 28935
    assert Share(payer=Payer.PLATFORM, amount=500, name="platform_subsidy_fee") in order.money.discounts
    assert order.warnings == ()


def test_a_subsidy_inside_the_discounts_is_taken_from_the_sellers_and_told_on_the_lines() -> None:
    order = read(trade_row(platform_subsidy_fee="6.66"))
    assert order.money.pay == 28935
    assert order.money.receivable == 28935 + 666
    by_payer = {
        payer: sum(share.amount for share in order.money.discounts if share.payer is payer)
        for payer in (Payer.SELLER, Payer.PLATFORM)
    }
    assert by_payer == {Payer.SELLER: 3665 - 666, Payer.PLATFORM: 666}
    of_lines = [share for line in order.lines for share in line.money.discounts if share.payer is Payer.PLATFORM]
    assert [share.amount for share in of_lines] == [400, 266], "in proportion to the lines' shares"
    assert order.warnings == ()
    whole = read(trade_row(platform_subsidy_fee="16.65"))
    assert [(share.payer, share.name) for share in whole.money.discounts] == [
        (Payer.SELLER, "限时直降"),
        (Payer.PLATFORM, "platform_subsidy_fee"),
    ]


def test_red_packets_and_points_are_fen_inside_the_payment() -> None:
    payments = read(trade_row(coupon_fee=300, alipay_point=35)).money.payments
    assert [(share.payer, share.amount) for share in payments] == [
        (Payer.BUYER, 28600),
        (Payer.PAYMENT_CHANNEL, 300),
        (Payer.PAYMENT_CHANNEL, 35),
    ]


def test_money_that_does_not_add_up_warns_and_stops_nothing() -> None:
    order = read(trade_row(payment="300.00"))
    assert order.warnings == ("pay is 30000 fen, the parts give 28935",)


def test_a_county_level_city_has_no_city_above_it() -> None:
    receiver = read(trade_row(receiver_city="", receiver_district="仙桃市")).receiver
    assert (receiver.city, receiver.district) == ("仙桃市", "仙桃市")


@pytest.mark.parametrize(
    ("sent", "mask", "cipher"),
    [
        ("张**", "张**", ""),
        ("138****0000", "138****0000", ""),
        ("~AbC+/=~1~", "", "~AbC+/=~1~"),
        ("$138$AbC=$1$", "", "$138$AbC=$1$"),
        ("~x~y~1~~", "", "~x~y~1~~"),
        ("\x01AbC\x01-1\x01", "", "\x01AbC\x01-1\x01"),
        ("13800001234", "138****1234", ""),
        ("张三丰", "张**", ""),
        ("", "", ""),
        (None, "", ""),
    ],
)
def test_a_personal_value_is_never_plain(sent: str | None, mask: str, cipher: str) -> None:
    told = masked(sent)
    assert (told.mask, told.cipher) == (mask, cipher)


def test_times_are_the_wall_clock_of_shanghai() -> None:
    assert instant_of("2024-03-15 10:30:00") == NOW
    assert instant_of("") is None
    assert loose_instant("2024年03月25日24点前") is None
    with pytest.raises(ValueError, match="isoformat"):
        instant_of("soon")


def test_amounts_are_yuan() -> None:
    assert [fen_of(text) for text in ("200.07", "-1.50", "", None, "0.00", "7")] == [20007, -150, 0, 0, 0, 700]
    with pytest.raises(ValueError, match="number"):
        fen_of("1,5")


def test_a_bad_row_does_not_cost_its_page() -> None:
    broken = trade_row("order.detail.single", created=None)
    answers = {TID: trade_row(), "2150000000000000101": broken}

    def detail(form: dict[str, str]) -> Any:
        return trade_answer(answers.get(form["tid"], trade_row("order.detail.presale", payment="x")))

    transport = Playback(trades_sold_increment_get=sample("order.list.response"), trade_fullinfo_get=detail)
    [page] = shop(transport).orders(Window(NOW, NOW))
    assert [fetched.value.id for fetched in page.items] == [TID]
    assert [(row.id, row.reason) for row in page.bad] == [
        ("2150000000000000101", "created: missing"),
        ("2150000000000000201", "a time or number that is none"),
    ]
    assert page.expected == 3
    assert json.loads(page.items[0].raw) == trade_row()
