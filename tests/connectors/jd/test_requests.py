"""Each operation sends what the samples of the documentation send, signature included."""

from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.jd import mapping, signing, wire
from core.channel import PriceWrite, StockDelta, StockWrite, Window
from core.errors import Reauthorize
from core.model import Flag, Listing, Memo, Packed, Parcel, ParcelDraft, Price, Shipment, SkuKey
from tests.connectors.jd.kit import (
    GATEWAY,
    KEY,
    NO_UNPAID,
    NOW,
    ORDER_ID,
    SECRET,
    SKU_ID,
    TOKEN,
    Playback,
    booked,
    known,
    order_answer,
    sample,
    shop,
)

SKU = SkuKey(listing_id="10001234567", sku_id=SKU_ID)
OTHER = SkuKey(listing_id="10001234567", sku_id="100012345679")
WINDOW = Window(datetime(2026, 3, 15, 2, 0, tzinfo=UTC), datetime(2026, 3, 15, 2, 9, 59, tzinfo=UTC))
CARRIERS = sample("logistics.company_list.response")


def test_a_call_posts_one_signed_form_to_the_router() -> None:
    transport = Playback(
        {wire.ORDER: sample("order.get.response"), wire.SET_REMARK: sample("order.remark_update.response")}
    )
    shop(transport).order(ORDER_ID)
    shop(transport).memo(ORDER_ID, Memo(text="x"))
    read, write = transport.requests
    assert read.url == "https://api.jd.com/routerjson"
    assert read.headers["content-type"].startswith("application/x-www-form-urlencoded")
    assert (read.http_method, read.query, read.write, write.write) == ("POST", {}, False, True)
    assert (read.call.channel, read.call.app_key, read.call.shop) == ("jd", KEY, "jd:10000001")
    assert read.call.method == "jingdong.pop.order.enGet"
    form = dict(transport.forms[0])
    assert form.pop("sign") == signing.sign(form, SECRET)
    assert {name: form[name] for name in ("app_key", "access_token", "timestamp", "v")} == {
        "app_key": KEY,
        "access_token": TOKEN,
        "timestamp": "2026-03-15 10:20:30",
        "v": "2.0",
    }


def test_a_whole_call_is_the_sample_to_the_last_byte() -> None:
    transport = Playback({wire.SET_REMARK: sample("order.remark_update.response")})
    memo = Memo(text="客户张三要求周末送货", flag=Flag.GREEN)
    assert shop(transport).memo(ORDER_ID, memo).error is None
    assert transport.forms == [sample("order.remark_update.request")["form"]]


def test_order() -> None:
    transport = Playback({wire.ORDER: sample("order.get.response")})
    assert shop(transport).order(ORDER_ID).value.id == ORDER_ID
    [asked] = transport.business(wire.ORDER)
    assert asked == sample("order.get.request")["business"] | {"optional_fields": wire.ORDER_FIELDS}


def test_the_fields_asked_for_are_the_fields_read() -> None:
    documented = set(sample("order.list.request")["business"]["optional_fields"].split(","))
    newer = {"venderRemarkLevelFlag", "partialLogisticsInfoModel"}
    assert set(wire.ORDER_FIELDS.split(",")) <= documented | newer


def test_orders() -> None:
    transport = Playback({wire.ORDERS: sample("order.list.response"), wire.UNPAID: NO_UNPAID})
    [page] = shop(transport).orders(WINDOW)
    assert ([item.value.id for item in page.items], page.expected, page.bad) == (
        ["301234567890", "301234567891"],
        2,
        (),
    )
    [asked] = transport.business(wire.ORDERS)
    ours = {"optional_fields": wire.ORDER_FIELDS, "page_size": "100", "order_state": ",".join(mapping.STATES)}
    assert asked == sample("order.list.request")["business"] | ours
    assert set(sample("order.list.request")["business"]["order_state"].split(",")) <= set(mapping.STATES)


def test_unpaid_orders_are_listed_and_each_is_read_for_its_money() -> None:
    unpaid = order_answer(orderId="301234567899", orderState="NOT_PAY", paymentConfirmTime="0001-01-01 00:00:00")
    transport = Playback(
        {
            wire.ORDERS: sample("order.list.empty.response"),
            wire.UNPAID: sample("order.unpaid_list.response"),
            wire.ORDER: unpaid,
        }
    )
    first, second = shop(transport).orders(WINDOW)
    assert (first.items, first.expected) == ((), 0)
    [order] = [item.value for item in second.items]
    assert (order.id, order.status.value, order.money.pay, second.expected) == ("301234567899", "unpaid", 25000, 1)
    assert transport.business(wire.UNPAID) == [sample("order.unpaid_list.request")["business"]]


def test_an_unpaid_order_that_cannot_be_read_is_left_out_and_not_counted() -> None:
    transport = Playback(
        {
            wire.ORDERS: sample("order.list.response"),
            wire.UNPAID: sample("order.unpaid_list.response"),
            wire.ORDER: sample("order.get.not_found.response"),
        }
    )
    pages = list(shop(transport).orders(WINDOW))
    assert sum(len(page.items) for page in pages) == pages[-1].expected == 2


def test_listings_with_their_skus_and_stock() -> None:
    transport = Playback(
        {
            wire.WARES: sample("item.list.response"),
            wire.SKUS: sample("sku.list.response"),
            wire.BOOKED: booked(60, orders=4),
        }
    )
    [page] = shop(transport).listings()
    assert isinstance(page.items[0].value, Listing)
    assert page.expected == 1
    wares, skus = transport.business(wire.WARES)[0], transport.business(wire.SKUS)[0]
    theirs = sample("item.list.request")["business"]
    assert wares == {
        "orderField": ["created"],
        "orderType": theirs["orderType"],
        "pageNo": theirs["pageNo"],
        "pageSize": theirs["pageSize"],
        "field": list(wire.WARE_FIELDS),
    }
    assert skus == sample("sku.list.request")["business"] | {"field": wire.SKU_FIELDS}
    assert transport.business(wire.BOOKED) == [{"skuId": int(SKU_ID)}]


def test_listing_by_its_id() -> None:
    transport = Playback(
        {wire.WARES: sample("item.list.response"), wire.SKUS: sample("sku.list.response"), wire.BOOKED: booked(60)}
    )
    found = shop(transport).listing("10001234567").value
    assert (found.id, [sku.sku_id for sku in found.skus]) == ("10001234567", [SKU_ID])
    assert transport.business(wire.WARES)[0]["wareId"] == [10001234567]


def test_stock_is_read_with_the_plain_number_where_the_query_tells_no_bookings() -> None:
    transport = Playback(
        {
            wire.SKUS: sample("sku.list.response"),
            wire.BOOKED: wrapped_query_without_rows(),
            wire.STOCK: sample("stock.get.response"),
        }
    )
    [level] = shop(transport).stock_levels([SKU])
    assert (level.key, level.sellable, level.held, level.read_at) == (SKU, 25, None, NOW)
    assert transport.business(wire.STOCK) == [sample("stock.get.request")["business"]]


def wrapped_query_without_rows() -> dict[str, Any]:
    return {"jingdong_ware_stock_sku_query_responce": {"code": "0", "returnType": {"success": True, "obj": None}}}


def test_set_stock() -> None:
    transport = Playback(
        {
            wire.SKUS: known(SKU_ID, OTHER.sku_id),
            wire.BOOKED: booked(0),
            wire.SET_STOCK: sample("stock.set.response"),
        }
    )
    done, refused = shop(transport).set_stock([StockWrite(SKU, 25), StockWrite(OTHER, 0)])
    assert (done.error, type(refused.error).__name__) == (None, "NotFound")
    [asked] = transport.business(wire.SET_STOCK)
    assert asked["req"]["skuStocks"] == sample("stock.set.request")["business"]["req"]["skuStocks"]
    assert asked["req"]["stockRfId"].startswith("qudao-")


def test_adjust_stock() -> None:
    transport = Playback({wire.SKUS: known(SKU_ID), wire.ADD_STOCK: sample("stock.increase.response")})
    [outcome] = shop(transport).adjust_stock([StockDelta(SKU, 5, "erp-stk-20260315-000002")])
    assert outcome.error is None
    assert transport.forms[-1] == sample("stock.increase.request")["form"]


def test_set_price() -> None:
    transport = Playback({wire.SKUS: known(SKU_ID), wire.SET_PRICE: sample("price.update.response")})
    [outcome] = shop(transport).set_price([PriceWrite(SKU, Price(sale=8900))])
    assert (outcome.error, outcome.pending) == (None, False)
    assert transport.forms[-1] == sample("price.update.request")["form"]


def ship(order: dict[str, Any], *parcels: ParcelDraft) -> Playback:
    transport = Playback(
        {
            wire.COMPANIES: CARRIERS,
            wire.ORDER: order,
            wire.SHIP: sample("order.ship.response"),
            wire.SHIP_PART: sample("order.partial_ship.response"),
        }
    )
    [order_id] = {
        row["orderId"] for row in [order["jingdong_pop_order_enGet_responce"]["orderDetailInfo"]["orderInfo"]]
    }
    assert shop(transport).ship(Shipment(order_id=order_id, parcels=parcels), "key").error is None
    return transport


def test_ship() -> None:
    transport = ship(order_answer(), ParcelDraft(carrier="SF", tracking_no="SF0000000000001"))
    assert transport.forms[-1] == sample("order.ship.request")["form"]


def test_several_parcels_go_in_one_call() -> None:
    transport = ship(
        order_answer(orderId="301234567892"),
        ParcelDraft(carrier="SF", tracking_no="SF0000000000002"),
        ParcelDraft(carrier="ZTO", tracking_no="75000000000001"),
        ParcelDraft(carrier="467", tracking_no="SF0000000000003"),
    )
    assert transport.forms[-1] == sample("order.ship.multi_package.request")["form"]


def test_a_parcel_that_names_lines_goes_through_the_shipment_in_parts() -> None:
    lines = (Packed(line_id=f"301234567893:{SKU_ID}:1", quantity=1),)
    parcel = ParcelDraft(carrier="SF", tracking_no="SF0000000000004", lines=lines)
    transport = ship(order_answer(orderId="301234567893"), parcel)
    wanted = sample("order.partial_ship.request")["business"]
    # The id of the piece is in no order's documented fields, so the SKU alone names it.
    del wanted["request"]["data"][0]["deliveryNumberDtoList"][0]["partialShipmentGoodsList"][0]["skuUuid"]
    assert transport.asked[-1] == (wire.SHIP_PART.name, wanted)


def test_change_the_number_of_one_parcel_of_several() -> None:
    transport = Playback({wire.COMPANIES: CARRIERS, wire.CHANGE_PART: sample("order.waybill_update.response")})
    old = Parcel(id="1", carrier_code="467", tracking_no="SF0000000000001")
    assert shop(transport).change_tracking(ORDER_ID, old, "SF", "SF0000000000009").error is None
    assert transport.forms[-1] == sample("order.waybill_update.request")["form"]


def test_change_the_number_of_a_whole_order() -> None:
    shipped = order_answer(orderState="WAIT_GOODS_RECEIVE_CONFIRM", logisticsId="467|1499", waybill="SF1,SF2|751")
    accepted = {"jingdong_pop_order_sop_logistics_update_responce": {"code": "0", "returnType": {"success": True}}}
    transport = Playback({wire.COMPANIES: CARRIERS, wire.ORDER: shipped, wire.CHANGE_WHOLE: accepted})
    old = Parcel(carrier_code="467", tracking_no="SF2")
    assert shop(transport).change_tracking(ORDER_ID, old, "YTO", "YT2").error is None
    assert transport.asked[-1] == (
        "jingdong.pop.order.sop.logistics.update",
        {
            "logisticsGlobalModelList": [
                {"logiCoprId": "467", "logiNoList": ["SF1"], "packageNum": 1},
                {"logiCoprId": "463", "logiNoList": ["YT2"], "packageNum": 1},
                {"logiCoprId": "1499", "logiNoList": ["751"], "packageNum": 1},
            ],
            "oneGlobalOrderModelNoLogistic": {"orderId": int(ORDER_ID)},
        },
    )


def test_carriers() -> None:
    transport = Playback({wire.COMPANIES: CARRIERS})
    rows = shop(transport).carriers()
    assert transport.forms == [sample("logistics.company_list.request")["form"]]
    assert [(row.code, row.name, row.carrier) for row in rows] == [
        ("467", "顺丰快递", "SF"),
        ("1499", "中通速递", "ZTO"),
        ("463", "圆通快递", "YTO"),
        ("1274", "厂家自送", ""),
    ]


@pytest.mark.parametrize(
    ("gateway", "host"), [(GATEWAY, "https://open-oauth.jd.com"), ("http://127.0.0.1:9", "http://127.0.0.1:9")]
)
def test_refresh(gateway: str, host: str) -> None:
    """Production has a host of its own for tokens; an overridden gateway answers for them, too."""
    transport = Playback(**{"/oauth2/refresh_token": sample("oauth.refresh.response")})
    fresh = shop(transport, gateway=gateway).refresh()
    [request] = transport.requests
    wanted = sample("oauth.refresh.request")
    assert (request.url, request.query, request.http_method) == (f"{host}/oauth2/refresh_token", wanted["query"], "GET")
    assert wanted["url"].startswith("https://open-oauth.jd.com/")
    assert fresh.access_token.get_secret_value() == TOKEN
    assert fresh.access_expires_at == datetime.fromtimestamp(1773541830 + 31535999, UTC)


def test_a_token_answer_to_a_code_reads_the_same() -> None:
    told = wire.Token.model_validate(sample("oauth.token.response"))
    assert (told.access_token, told.expires_in) == (TOKEN, 31535999)


def test_a_refused_refresh_asks_for_the_seller() -> None:
    refused: dict[str, Any] = {"/oauth2/refresh_token": {"code": 403, "msg": "refresh_token expired"}}
    with pytest.raises(Reauthorize):
        shop(Playback(**refused)).refresh()


def test_the_store_of_the_shops_options_is_read_and_written() -> None:
    rows = [{"storeId": 0, "stockNum": 7, "orderBookingNum": 0}, {"storeId": 12, "stockNum": 3, "orderBookingNum": 1}]
    query = {"jingdong_ware_stock_sku_query_responce": {"code": "0", "returnType": {"obj": {"skuStockInfos": rows}}}}
    transport = Playback(
        {wire.SKUS: known(SKU_ID), wire.BOOKED: query, wire.ADD_STOCK: sample("stock.increase.response")}
    )
    connector = shop(transport, options={"store_id": "12"})
    assert connector.stock_levels([SKU])[0].sellable == 2
    connector.adjust_stock([StockDelta(SKU, 1, "k")])
    assert transport.business(wire.ADD_STOCK)[0]["storeId"] == 12
