"""How operations behave when the shop, the platform or the batch is not as simple as the samples."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.douyin import CHANNEL
from connectors.douyin.connector import DouyinConnector
from core.carriers import Carrier
from core.channel import Capability, PriceWrite, StockDelta, StockWrite, Window
from core.errors import (
    AlreadyDone,
    ChannelError,
    Conflict,
    Denied,
    Invalid,
    Malformed,
    NotFound,
    NotYet,
    OutcomeUnknown,
    Reauthorize,
    Throttled,
    Unavailable,
    Unsupported,
)
from core.model import Flag, Memo, Packed, Parcel, ParcelDraft, Price, Shipment, SkuKey
from tests.connectors.douyin.conftest import SAMPLE_TIME, FakeTransport, accepted, refused, sample

ORDER = sample("order.searchList.response")["data"]["shop_order_list"][0]
PARTLY = sample("order.searchList.response")["data"]["shop_order_list"][1]
START = 1_760_000_000
WINDOW = Window(datetime.fromtimestamp(START, UTC), datetime.fromtimestamp(START + 3600, UTC))
MULTI = "sku.syncStockBatchMultiProducts"


def row(number: int, update_time: int) -> Any:
    return ORDER | {"order_id": str(number), "update_time": update_time}


class Orders:
    """order.searchList over rows that may change between two calls."""

    def __init__(self, rows: Sequence[dict[str, Any]]) -> None:
        self.rows = {entry["order_id"]: entry for entry in rows}
        self.asked: list[dict[str, Any]] = []

    def touch(self, number: int, update_time: int) -> None:
        self.rows[str(number)] = row(number, update_time)

    def __call__(self, params: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(params)
        inside = [
            entry
            for entry in self.rows.values()
            if params["update_time_start"] <= entry["update_time"] <= params["update_time_end"]
        ]
        inside.sort(key=lambda entry: (entry["update_time"], entry["order_id"]), reverse=not params["order_asc"])
        start = params["page"] * params["size"]
        return accepted({"shop_order_list": inside[start : start + params["size"]], "total": len(inside)})


def test_a_walk_over_many_pages_finds_every_order_and_counts_them(
    shop: DouyinConnector, transport: FakeTransport
) -> None:
    platform = Orders([row(number, START + number) for number in range(350)])
    transport.on("order.searchList", platform)
    pages = list(shop.orders(WINDOW))
    found = {item.value.id for page in pages for item in page.items}
    assert found == set(platform.rows)
    assert [page.expected for page in pages] == [350] * len(pages)
    assert all(asked["page"] == 0 for asked in platform.asked)


def test_an_order_that_changes_during_the_walk_hides_no_other(shop: DouyinConnector, transport: FakeTransport) -> None:
    platform = Orders([row(number, START + number) for number in range(250)])
    transport.on("order.searchList", platform)
    walk = shop.orders(WINDOW)
    found = {item.value.id for item in next(walk).items}
    for number in range(50):
        platform.touch(number, START + 9999)
    pages = list(walk)
    found |= {item.value.id for page in pages for item in page.items}
    assert found == set(platform.rows)
    assert pages[-1].expected == 250


def test_many_orders_of_the_same_second_are_paged_through(shop: DouyinConnector, transport: FakeTransport) -> None:
    platform = Orders([row(number, START + 7) for number in range(1000, 1330)])
    transport.on("order.searchList", platform)
    pages = list(shop.orders(WINDOW))
    assert {item.value.id for page in pages for item in page.items} == set(platform.rows)
    assert pages[-1].expected == 330


def test_a_crowded_second_is_begun_anew_when_its_total_shrank(shop: DouyinConnector, transport: FakeTransport) -> None:
    platform = Orders([row(number, START + 7) for number in range(1000, 1330)])
    transport.on("order.searchList", platform)
    walk = shop.orders(WINDOW)
    found = {item.value.id for item in next(walk).items} | {item.value.id for item in next(walk).items}
    platform.touch(1000, START + 9999)
    found |= {item.value.id for page in walk for item in page.items}
    assert found == set(platform.rows)


def test_a_range_of_more_than_50000_orders_is_never_asked_beyond_the_cap(
    shop: DouyinConnector, transport: FakeTransport
) -> None:
    def flood(params: dict[str, Any]) -> dict[str, Any]:
        since = params["update_time_start"]
        assert params["page"] * params["size"] <= 50_000
        rows = [row(since * 1000 + number, since + 1 + number) for number in range(100)]
        if since > START + 3000:
            return accepted({"shop_order_list": rows[:1], "total": 1})
        return accepted({"shop_order_list": rows, "total": 60_000})

    transport.on("order.searchList", flood)
    assert sum(1 for _ in shop.orders(WINDOW)) > 20


def test_a_list_that_is_not_sorted_is_refused_rather_than_walked(
    shop: DouyinConnector, transport: FakeTransport
) -> None:
    transport.on("order.searchList", accepted({"shop_order_list": [row(1, START + 9), row(2, START)], "total": 2}))
    with pytest.raises(Malformed):
        list(shop.orders(WINDOW))


def test_an_empty_range_is_one_page_without_items(shop: DouyinConnector, transport: FakeTransport) -> None:
    transport.on("order.searchList", sample("order.searchList.empty.response"))
    [page] = shop.orders(WINDOW)
    assert (page.items, page.bad, page.expected) == ((), (), 0)


def test_a_bad_row_does_not_stop_its_page_and_keeps_its_raw_text(
    shop: DouyinConnector, transport: FakeTransport
) -> None:
    bad = row(2, START + 2) | {"pay_amount": "many", "buyer_words": "私房话"}
    transport.on(
        "order.searchList",
        accepted({"shop_order_list": [row(1, START + 1), bad, "?", row(3, START + 3)], "total": 4}),
    )
    [page] = shop.orders(WINDOW)
    assert [item.value.id for item in page.items] == ["1", "3"]
    assert [entry.id for entry in page.bad] == ["2", ""]
    assert "pay_amount" in page.bad[0].reason
    assert "many" not in page.bad[0].reason
    assert "私房话".encode() in page.bad[0].raw
    assert "私房话" not in repr(page.bad[0])


def test_the_raw_row_is_kept_word_for_word_with_fields_we_do_not_read(
    shop: DouyinConnector, transport: FakeTransport
) -> None:
    transport.on("order.searchList", accepted({"shop_order_list": [row(1, START) | {"new_field": 1}], "total": 1}))
    [page] = shop.orders(WINDOW)
    assert b'"new_field":1' in page.items[0].raw
    assert b'"channel_payment_no":"2025100922001400000000000001"' in page.items[0].raw


def test_an_order_id_may_come_with_the_old_suffix(shop: DouyinConnector, transport: FakeTransport) -> None:
    transport.on("order.orderDetail", sample("order.orderDetail.response"))
    assert shop.order("6920000000000000001A").value.id == "6920000000000000001"
    assert transport.params("order.orderDetail") == [{"shop_order_id": "6920000000000000001"}]


def test_a_detail_that_cannot_be_read_is_malformed_without_its_values(
    shop: DouyinConnector, transport: FakeTransport
) -> None:
    transport.on("order.orderDetail", accepted({"shop_order_detail": ORDER | {"pay_amount": "secret"}}))
    with pytest.raises(Malformed) as caught:
        shop.order("1")
    assert "secret" not in str(caught.value)


def test_after_sales_are_always_asked_oldest_first(shop: DouyinConnector, transport: FakeTransport) -> None:
    transport.on("afterSale.List", sample("afterSale.List.response"))
    [page] = shop.after_sales(WINDOW)
    assert [item.value.id for item in page.items] == ["7010000000000000001"]
    assert page.expected == 1
    assert transport.params("afterSale.List")[0]["order_by"] == ["update_time asc"]


def test_no_after_sales_may_be_told_as_an_error(shop: DouyinConnector, transport: FakeTransport) -> None:
    transport.on("afterSale.List", refused(40004, "isv.parameter-invalid:11003", "暂无数据"))
    [page] = shop.after_sales(WINDOW)
    assert (page.items, page.expected) == ((), 0)


def test_an_unknown_after_sale_is_not_found(shop: DouyinConnector, transport: FakeTransport) -> None:
    transport.on("afterSale.Detail", refused(40004, "isv.parameter-invalid:11000"))
    with pytest.raises(NotFound):
        shop.after_sale("1")


def products(*numbers: int, total: int | None = None, **more: Any) -> dict[str, Any]:
    base = sample("product.listV2.response")["data"]["data"][0]
    rows = [base | {"product_id": number} for number in numbers]
    return accepted({"data": rows, "total": len(rows) if total is None else total, **more})


def test_listings_are_paged_from_1_and_leave_out_what_is_deleted(
    shop: DouyinConnector, transport: FakeTransport
) -> None:
    first = products(*range(1, 101), total=102)
    first["data"]["data"][0]["status"] = 2
    transport.on("product.listV2", first, products(101, 102, total=102))
    transport.on("sku.list", sample("sku.list.response"))
    pages = list(shop.listings())
    assert [asked["page"] for asked in transport.params("product.listV2")] == [1, 2]
    ids = [item.value.id for page in pages for item in page.items]
    assert ids == [str(number) for number in range(2, 103)]
    assert b'"spec_detail_name1"' in pages[0].items[0].raw


def test_beyond_ten_thousand_products_the_cursor_goes_on(shop: DouyinConnector, transport: FakeTransport) -> None:
    transport.on(
        "product.listV2",
        products(1, total=10_001),
        products(1, total=10_001, cursor_id="a"),
        products(2, total=10_001, cursor_id="b"),
        products(total=10_001),
    )
    transport.on("sku.list", sample("sku.list.response"))
    assert [item.value.id for page in shop.listings() for item in page.items] == ["1", "2"]
    asked = transport.params("product.listV2")
    assert [params.get("cursor_id") for params in asked] == [None, None, "a", "b"]
    assert [params.get("use_cursor", False) for params in asked] == [False, True, True, True]


def test_a_product_deleted_between_two_calls_is_left_out(shop: DouyinConnector, transport: FakeTransport) -> None:
    transport.on("product.listV2", products(1, 2))
    transport.on("sku.list", refused(40004, "isv.parameter-invalid:4"), sample("sku.list.response"))
    [page] = shop.listings()
    assert [item.value.id for item in page.items] == ["2"]


def test_a_listing_has_stock_and_price(shop: DouyinConnector, transport: FakeTransport) -> None:
    transport.on("product.detail", sample("product.detail.response"))
    transport.on("sku.list", sample("sku.list.response"))
    listing = shop.listing("3600000000000000457").value
    assert (listing.title, listing.skus[0].sellable) == ("示例纯棉T恤 男女同款 白色", 84)


def test_stock_levels_ask_once_per_product_and_leave_out_what_is_missing(
    shop: DouyinConnector, transport: FakeTransport
) -> None:
    transport.on("sku.list", sample("sku.list.response"), refused(40004, "isv.parameter-invalid:4"))
    there = SkuKey(listing_id="3600000000000000457", sku_id="1700000000000000123")
    levels = shop.stock_levels([there, replace_sku(there, "9"), SkuKey(listing_id="5", sku_id="6")])
    assert [(level.key, level.sellable, level.held, level.read_at) for level in levels] == [(there, 84, 1, SAMPLE_TIME)]
    assert len(transport.sent) == 2


def replace_sku(key: SkuKey, sku_id: str) -> SkuKey:
    return SkuKey(listing_id=key.listing_id, sku_id=sku_id)


def write(number: int, quantity: int = 5) -> StockWrite:
    return StockWrite(SkuKey(listing_id="1", sku_id=str(number)), quantity)


class Stocks:
    """syncStockBatchMultiProducts: all or nothing, refusing the SKUs it is told to."""

    def __init__(self, *refusing: int) -> None:
        self.refusing = set(refusing)
        self.sizes: list[int] = []

    def __call__(self, params: dict[str, Any]) -> dict[str, Any]:
        skus = [item["sku_id"] for item in params["items"]]
        self.sizes.append(len(skus))
        assert params["incremental"] is False
        if self.refusing & set(skus):
            return refused(50002, "isv.business-failed:-40003", "商品已删除")
        return accepted({"results": [{"sku_id": sku, "status_code": 0} for sku in reversed(skus)]})


def test_stock_goes_fifty_at_a_time(shop: DouyinConnector, transport: FakeTransport) -> None:
    platform = Stocks()
    transport.on(MULTI, platform)
    batch = [write(number) for number in range(120)]
    outcomes = shop.set_stock(batch)
    assert platform.sizes == [50, 50, 20]
    assert [outcome.item for outcome in outcomes] == batch
    assert all(outcome.error is None and outcome.request_id == "log-1" for outcome in outcomes)


def test_one_bad_sku_does_not_fail_its_neighbours(shop: DouyinConnector, transport: FakeTransport) -> None:
    transport.on(MULTI, Stocks(3, 17))
    outcomes = shop.set_stock([write(number) for number in range(20)])
    assert [index for index, outcome in enumerate(outcomes) if outcome.error] == [3, 17]
    assert isinstance(outcomes[3].error, NotFound)


def test_a_negative_stock_or_a_foreign_id_is_invalid_before_any_call(
    shop: DouyinConnector, transport: FakeTransport
) -> None:
    transport.on(MULTI, Stocks())
    foreign = StockWrite(SkuKey(listing_id="x", sku_id="1"), 1)
    outcomes = shop.set_stock([write(1, -1), write(2), foreign])
    assert [type(outcome.error) for outcome in outcomes] == [Invalid, type(None), Invalid]
    assert transport.params(MULTI)[0]["items"] == [{"product_id": 1, "sku_id": 2, "stock_num": 5}]


def test_each_item_of_an_accepted_batch_has_its_own_outcome(shop: DouyinConnector, transport: FakeTransport) -> None:
    results = [
        {"sku_id": 1, "status_code": 0},
        {"sku_id": "2", "status_code": -20008, "status_message": "低于活动库存"},
        {"sku_id": 3, "status_code": -40001, "status_message": "商品审核中"},
    ]
    transport.on(MULTI, accepted({"results": results}) | {"code": 10001, "sub_code": "isv.business-part-failed"})
    outcomes = shop.set_stock([write(number) for number in (1, 2, 3, 4)])
    assert [type(outcome.error) for outcome in outcomes] == [type(None), Conflict, NotYet, OutcomeUnknown]


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (sample("error.traffic-limited"), Throttled),
        (sample("error.access-token-expired"), Reauthorize),
        (sample("error.service-busy"), Unavailable),
        (refused(50002, "isv.business-failed:-40010"), Denied),
    ],
)
def test_the_rest_of_a_batch_is_not_sent_once_the_channel_takes_no_more(
    shop: DouyinConnector, transport: FakeTransport, reply: dict[str, Any], kind: type[Exception]
) -> None:
    transport.on(MULTI, reply)
    outcomes = shop.set_stock([write(number) for number in range(70)])
    assert len(transport.sent) == 1
    assert {type(outcome.error) for outcome in outcomes} == {kind}


def test_a_repeated_delta_with_its_key_is_a_success(shop: DouyinConnector, transport: FakeTransport) -> None:
    transport.on("sku.syncStock", sample("sku.syncStock.response"), sample("error.stock-idempotent-repeat"))
    delta = StockDelta(SkuKey(listing_id="1", sku_id="2"), -3, "key")
    first, again = shop.adjust_stock([delta]), shop.adjust_stock([delta])
    assert first[0].error is None
    assert again[0].error is None
    assert {params["idempotent_id"] for params in transport.params("sku.syncStock")} == {"key"}


def test_a_delta_below_zero_is_a_conflict(shop: DouyinConnector, transport: FakeTransport) -> None:
    transport.on("sku.syncStock", sample("error.stock-insufficient"))
    [outcome] = shop.adjust_stock([StockDelta(SkuKey(listing_id="1", sku_id="2"), -3, "key")])
    assert isinstance(outcome.error, Conflict)


def test_a_long_key_is_shortened_the_same_way_each_time(shop: DouyinConnector, transport: FakeTransport) -> None:
    transport.on("sku.syncStock", sample("sku.syncStock.response"))
    for suffix in ("a", "a", "b"):
        shop.adjust_stock([StockDelta(SkuKey(listing_id="1", sku_id="2"), 1, "k" * 90 + suffix)])
    ids = [params["idempotent_id"] for params in transport.params("sku.syncStock")]
    assert ids[0] == ids[1] != ids[2]
    assert all(len(text) == 64 for text in ids)


def test_a_price_of_nothing_is_invalid_before_any_call(shop: DouyinConnector, transport: FakeTransport) -> None:
    [outcome] = shop.set_price([PriceWrite(SkuKey(listing_id="1", sku_id="2"), Price(sale=0))])
    assert isinstance(outcome.error, Invalid)
    assert transport.sent == []


def shipment(*parcels: ParcelDraft, order_id: str = "6920000000000000001", refuse: bool = False) -> Shipment:
    return Shipment(order_id=order_id, parcels=parcels, refuse_refund=refuse)


def draft(tracking_no: str = "SF1", carrier: str = "SF", **lines: int) -> ParcelDraft:
    packed = tuple(Packed(line_id=line.removeprefix("_"), quantity=count) for line, count in lines.items())
    return ParcelDraft(carrier=carrier, tracking_no=tracking_no, lines=packed)


def detail(row: dict[str, Any]) -> dict[str, Any]:
    return accepted({"shop_order_detail": row})


def test_a_whole_order_ships_in_one_call(shop: DouyinConnector, transport: FakeTransport) -> None:
    transport.on("order.logisticsAdd", sample("order.logisticsAdd.response"))
    outcome = shop.ship(shipment(draft(), refuse=True), "key")
    assert outcome.error is None
    assert transport.methods == ["order.logisticsAdd"]
    assert transport.params("order.logisticsAdd")[0]["is_reject_refund"] is True


@pytest.mark.parametrize("refusal", ["60107", "60110"])
def test_a_partly_shipped_order_gets_its_rest_by_the_multi_pack_call(
    shop: DouyinConnector, transport: FakeTransport, refusal: str
) -> None:
    transport.on("order.logisticsAdd", refused(50002, f"isv.business-failed:{refusal}"))
    transport.on("order.orderDetail", detail(PARTLY))
    transport.on("order.logisticsAddMultiPack", sample("order.logisticsAddMultiPack.response"))
    outcome = shop.ship(shipment(draft("SF2"), order_id="6920000000000000101"), "key")
    assert outcome.error is None
    [params] = transport.params("order.logisticsAddMultiPack")
    assert params["request_id"] == "key"
    assert params["pack_list"][0]["shipped_order_info"] == [
        {"shipped_order_id": "6920000000000000102", "shipped_num": 2}
    ]


def test_already_shipped_stays_an_error_for_the_read_back_to_judge(
    shop: DouyinConnector, transport: FakeTransport
) -> None:
    transport.on("order.logisticsAdd", sample("error.ship-already-shipped"))
    transport.on("order.orderDetail", detail(ORDER | {"order_status": 3}))
    assert isinstance(shop.ship(shipment(draft()), "key").error, AlreadyDone)


def test_a_number_that_is_already_there_is_not_shipped_again(shop: DouyinConnector, transport: FakeTransport) -> None:
    transport.on("order.logisticsAdd", sample("error.ship-already-shipped"))
    transport.on("order.orderDetail", detail(PARTLY))
    outcome = shop.ship(shipment(draft("SF1234567890123")), "key")
    assert isinstance(outcome.error, AlreadyDone)
    assert "order.logisticsAddMultiPack" not in transport.methods


def test_an_open_refund_is_a_conflict(shop: DouyinConnector, transport: FakeTransport) -> None:
    transport.on("order.logisticsAdd", sample("error.ship-refund-pending"))
    transport.on("order.orderDetail", detail(ORDER))
    assert isinstance(shop.ship(shipment(draft()), "key").error, Conflict)


def test_an_order_in_risk_review_is_not_yet_to_be_shipped(shop: DouyinConnector, transport: FakeTransport) -> None:
    transport.on("order.logisticsAdd", refused(50002, "isv.business-failed:60109"))
    assert isinstance(shop.ship(shipment(draft()), "key").error, NotYet)


def test_the_parcel_without_lines_gets_what_is_in_no_other(shop: DouyinConnector, transport: FakeTransport) -> None:
    gone = deepcopy(ORDER)
    gone["sku_order_list"][1]["item_num"] = 3
    transport.on("order.orderDetail", detail(gone))
    transport.on("order.logisticsAddMultiPack", sample("order.logisticsAddMultiPack.response"))
    outcome = shop.ship(shipment(draft("SF1", _6920000000000000002=1), draft("SF2")), "key")
    assert outcome.error is None
    packs = transport.params("order.logisticsAddMultiPack")[0]["pack_list"]
    assert [pack["shipped_order_info"] for pack in packs] == [
        [{"shipped_order_id": "6920000000000000002", "shipped_num": 1}],
        [
            {"shipped_order_id": "6920000000000000001", "shipped_num": 1},
            {"shipped_order_id": "6920000000000000002", "shipped_num": 2},
        ],
    ]


def test_a_refunded_line_is_left_out_of_the_rest(shop: DouyinConnector, transport: FakeTransport) -> None:
    refunded = deepcopy(ORDER)
    refunded["sku_order_list"][0]["after_sale_info"] = {"after_sale_status": 12, "refund_status": 3}
    transport.on("order.orderDetail", detail(refunded))
    transport.on("order.logisticsAddMultiPack", sample("order.logisticsAddMultiPack.response"))
    shop.ship(shipment(draft("SF1", _6920000000000000002=1), draft("SF2")), "key")
    packs = transport.params("order.logisticsAddMultiPack")[0]["pack_list"]
    assert packs[1]["shipped_order_info"] == [{"shipped_order_id": "6920000000000000002", "shipped_num": 1}]


def test_two_parcels_without_lines_cannot_be_told_apart(shop: DouyinConnector, transport: FakeTransport) -> None:
    outcome = shop.ship(shipment(draft("SF1"), draft("SF2")), "key")
    assert isinstance(outcome.error, Invalid)
    assert transport.sent == []


def test_an_unknown_carrier_is_invalid_before_anything_is_written(
    shop: DouyinConnector, transport: FakeTransport
) -> None:
    transport.on("order.logisticsCompanyList", sample("order.logisticsCompanyList.response"))
    for _ in range(2):
        assert isinstance(shop.ship(shipment(draft(carrier="pigeon")), "key").error, Invalid)
    assert transport.methods == ["order.logisticsCompanyList"]


@pytest.mark.parametrize(
    ("carrier", "code"), [("fengwang", "fengwang"), ("DEPPON", "debangwuliu"), ("JT", "jtexpress")]
)
def test_a_carrier_is_canonical_or_one_of_the_shops_own(
    shop: DouyinConnector, transport: FakeTransport, carrier: str, code: str
) -> None:
    transport.on("order.logisticsCompanyList", sample("order.logisticsCompanyList.response"))
    transport.on("order.logisticsAdd", sample("order.logisticsAdd.response"))
    assert shop.ship(shipment(draft(carrier=carrier)), "key").error is None
    assert transport.params("order.logisticsAdd")[0]["company_code"] == code


def test_carriers_are_listed_with_their_canonical_code(shop: DouyinConnector, transport: FakeTransport) -> None:
    transport.on("order.logisticsCompanyList", sample("order.logisticsCompanyList.response"))
    rows = {row.code: row.carrier for row in shop.carriers()}
    assert len(rows) == 12
    assert rows["shunfeng"] == Carrier.SF
    assert rows["fengwang"] == ""


def test_editing_a_parcel_of_a_pack_order_by_its_order_is_a_conflict(
    shop: DouyinConnector, transport: FakeTransport
) -> None:
    transport.on("order.logisticsEdit", refused(50002, "isv.business-failed:70011"))
    old = Parcel(carrier_code="shunfeng", tracking_no="SF1")
    assert isinstance(shop.change_tracking("1", old, "SF", "SF2").error, Conflict)


def test_a_flag_that_douyin_lacks_is_invalid_and_grey_is_none(shop: DouyinConnector, transport: FakeTransport) -> None:
    transport.on("order.addOrderRemark", sample("order.addOrderRemark.response"))
    assert isinstance(shop.memo("1", Memo(text="x", flag=Flag.BLUE)).error, Invalid)
    assert transport.sent == []
    for flag in (Flag.NONE, Flag.GREY):
        assert shop.memo("1", Memo(text="x", flag=flag)).error is None
    assert [params["star"] for params in transport.params("order.addOrderRemark")] == ["0", "0"]


def test_a_refresh_brings_new_tokens_and_their_lives(shop: DouyinConnector, transport: FakeTransport) -> None:
    transport.on("token.refresh", sample("token.refresh.response"))
    fresh = shop.refresh()
    assert fresh.access_token.get_secret_value() == "b2c3d4e5-0003-4e5f-8a9b-0123456789ab"
    assert fresh.refresh_token.get_secret_value() == "e5d4c3b2-0004-4b5a-9c8d-ba9876543210"
    assert fresh.access_expires_at == SAMPLE_TIME + timedelta(days=7)
    assert fresh.refresh_expires_at == SAMPLE_TIME + timedelta(days=14)
    assert "access_token" not in transport.sent[0].query
    assert "b2c3d4e5" not in repr(fresh)


def test_a_refresh_too_early_answers_the_same_tokens_with_their_remaining_life(
    shop: DouyinConnector, transport: FakeTransport
) -> None:
    reply = sample("token.refresh.response")
    reply["data"] |= {
        "access_token": shop.credentials.access_token.get_secret_value(),
        "refresh_token": shop.credentials.refresh_token.get_secret_value(),
        "expires_in": 530808,
    }
    transport.on("token.refresh", reply)
    expected = replace(shop.credentials, access_expires_at=SAMPLE_TIME + timedelta(seconds=530808))
    assert shop.refresh() == expected


def test_a_dead_refresh_token_is_replaced_by_what_a_self_use_app_is_handed_out(
    shop: DouyinConnector, transport: FakeTransport
) -> None:
    transport.on("token.refresh", sample("error.token-refresh-expired"))
    transport.on("token.create", sample("token.create.response"))
    fresh = shop.refresh()
    told = sample("token.create.response")["data"]
    assert fresh.refresh_token.get_secret_value() == told["refresh_token"]
    assert transport.methods == ["token.refresh", "token.create"]
    body = sample("token.create.self.request")["body"]
    assert transport.params("token.create") == [body | {"shop_id": shop.account}]


@pytest.mark.parametrize(
    ("name", "kind"),
    [("error.token-refresh-concurrent", Unavailable), ("error.token-refresh-expired", Reauthorize)],
)
def test_a_refresh_waits_for_another_and_gives_up_when_the_seller_must_act(
    shop: DouyinConnector, transport: FakeTransport, name: str, kind: type[Exception]
) -> None:
    transport.on("token.refresh", sample(name))
    transport.on("token.create", sample("error.token-create-code-empty"))
    with pytest.raises(kind) as caught:
        shop.refresh()
    assert isinstance(caught.value, ChannelError)
    assert caught.value.operation == "token.refresh"


def test_a_retired_method_is_unsupported(shop: DouyinConnector, transport: FakeTransport) -> None:
    transport.on("order.orderDetail", sample("error.api-offline"))
    with pytest.raises(Unsupported):
        shop.order("1")


def test_the_platform_needs_no_subscription(shop: DouyinConnector) -> None:
    with pytest.raises(Unsupported):
        shop.subscribe()


def test_every_capability_is_declared_and_what_is_missing_says_why() -> None:
    assert set(CHANNEL.capabilities) == set(Capability)
    for capability, support in CHANNEL.capabilities.items():
        assert support == "native" or CHANNEL.notes[capability]


def test_shipping_reads_the_order_only_when_it_must(shop: DouyinConnector, transport: FakeTransport) -> None:
    transport.on("order.logisticsAdd", refused(50002, "isv.business-failed:60127"))
    assert isinstance(shop.ship(shipment(draft()), "key").error, Invalid)
    assert transport.methods == ["order.logisticsAdd"]
