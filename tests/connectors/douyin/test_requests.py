"""Each operation leaves as the documented request: method, parameters, signature, headers."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import respx

from connectors.douyin import CHANNEL
from connectors.douyin.connector import DouyinConnector
from connectors.http import Http
from core.channel import Credentials, OpenGate, PriceWrite, StockDelta, StockWrite, Window
from core.clock import ManualClock
from core.model import Flag, Memo, Packed, Parcel, ParcelDraft, Price, Shipment, SkuKey
from tests.connectors.douyin.conftest import ACCESS_TOKEN, SAMPLE_TIME, FakeTransport, sample

ORDER = "6920000000000000001"
WINDOW = Window(datetime.fromtimestamp(1759996400, UTC), datetime.fromtimestamp(1760000000, UTC))
SHIRT = SkuKey(listing_id="3600000000000000457", sku_id="1700000000000000123")
SHORTS = SkuKey(listing_id="3600000000000000458", sku_id="1700000000000000124")

Operation = Callable[[DouyinConnector], Any]

SAME: dict[str, Operation] = {
    "order.searchList": lambda shop: list(shop.orders(WINDOW)),
    "order.orderDetail": lambda shop: shop.order(ORDER),
    "product.detail": lambda shop: shop.listing(SHIRT.listing_id),
    "sku.list": lambda shop: shop.stock_levels([SHIRT]),
    "sku.editPrice": lambda shop: shop.set_price([PriceWrite(SHIRT, Price(sale=12900))]),
    "sku.syncStock.incremental": lambda shop: shop.adjust_stock([StockDelta(SHIRT, -5, "stk-20251009-000001")]),
    "order.addOrderRemark": lambda shop: shop.memo(ORDER, Memo(text="加急，走顺丰", flag=Flag.RED)),
    "order.logisticsCompanyList": lambda shop: shop.carriers(),
    "order.addressConfirm": lambda shop: shop.confirm_address(ORDER),
    "product.setOffline": lambda shop: shop.set_shelf(SHIRT.listing_id, on=False),
    "product.setOnline": lambda shop: shop.set_shelf(SHIRT.listing_id, on=True),
    "token.refresh": lambda shop: shop.refresh(),
    "order.logisticsEdit": lambda shop: shop.change_tracking(
        ORDER, Parcel(carrier_code="shunfeng", tracking_no="SF1"), "YTO", "YT0000000000001"
    ),
    "order.logisticsEditByPack": lambda shop: shop.change_tracking(
        ORDER, Parcel(id="7551000000000000001", carrier_code="shunfeng", tracking_no="SF1"), "YTO", "YT0000000000001"
    ),
    "order.logisticsAddMultiPack": lambda shop: shop.ship(
        Shipment(
            order_id=ORDER,
            parcels=(
                ParcelDraft(
                    carrier="SF",
                    tracking_no="SF1234567890123",
                    lines=(Packed(line_id=ORDER, quantity=1), Packed(line_id="6920000000000000002", quantity=1)),
                ),
                ParcelDraft(
                    carrier="ZTO",
                    tracking_no="75400000000001",
                    lines=(Packed(line_id="6920000000000000002", quantity=1),),
                ),
            ),
        ),
        "ship-6920000000000000001-1",
    ),
}


def answer_everything(transport: FakeTransport) -> None:
    for method in (*SAME, "sku.syncStock", "order.logisticsAdd", "afterSale.List", "afterSale.Detail"):
        if method != "sku.syncStock.incremental":
            transport.on(method, sample(f"{method}.response"))
    transport.on("sku.syncStockBatchMultiProducts", sample("sku.syncStockBatchMultiProducts.response"))


@pytest.mark.parametrize("name", SAME)
def test_an_operation_sends_exactly_the_documented_request(
    shop: DouyinConnector, transport: FakeTransport, name: str
) -> None:
    wanted = sample(f"{name}.request")
    answer_everything(transport)
    SAME[name](shop)
    sent = next(request for request in transport.sent if request.call.method == wanted["query"]["method"])
    assert sent.body.decode() == wanted["body_raw"]
    assert sent.query == wanted["query"]
    assert sent.headers == wanted["headers"]
    assert sent.url == CHANNEL.gateway + wanted["path"]
    assert sent.http_method == "POST"


DIFFERENT: list[tuple[str, Operation, dict[str, Any]]] = [
    # The end of the range is exclusive in this API.
    ("afterSale.List", lambda shop: list(shop.after_sales(WINDOW)), {"update_end_time": 1760000001}),
    # We do not read the operation log.
    ("afterSale.Detail", lambda shop: shop.after_sale("7010000000000000001"), {"need_operation_record": False}),
    # A remembered id would swallow a newer number.
    (
        "sku.syncStockBatchMultiProducts",
        lambda shop: shop.set_stock([StockWrite(SHIRT, 100), StockWrite(SHORTS, 50)]),
        {"idempotent_id": None},
    ),
    # The addresses are the shop's defaults, the name of the carrier is deprecated.
    (
        "order.logisticsAdd",
        lambda shop: shop.ship(
            Shipment(order_id=ORDER, parcels=(ParcelDraft(carrier="SF", tracking_no="SF1234567890123"),)), "k"
        ),
        {"address_id": None, "after_sale_address_id": None, "company": None},
    ),
]


@pytest.mark.parametrize(("name", "operation", "changes"), DIFFERENT, ids=[row[0] for row in DIFFERENT])
def test_where_a_request_differs_from_its_sample_it_does_so_for_a_reason(
    shop: DouyinConnector, transport: FakeTransport, name: str, operation: Operation, changes: dict[str, Any]
) -> None:
    answer_everything(transport)
    operation(shop)
    wanted = {key: value for key, value in (sample(f"{name}.request")["body"] | changes).items() if value is not None}
    assert transport.params(name) == [wanted]


def test_writes_are_marked_as_writes_and_reads_are_not(shop: DouyinConnector, transport: FakeTransport) -> None:
    answer_everything(transport)
    for operation in (*SAME.values(), *(row[1] for row in DIFFERENT)):
        operation(shop)
    writes = {request.call.method for request in transport.sent if request.write}
    assert writes == {
        "order.logisticsAdd",
        "order.logisticsAddMultiPack",
        "order.logisticsEdit",
        "order.logisticsEditByPack",
        "order.addOrderRemark",
        "sku.syncStock",
        "sku.syncStockBatchMultiProducts",
        "sku.editPrice",
        "order.addressConfirm",
        "product.setOffline",
        "product.setOnline",
    }


def test_no_secret_shows_in_a_request(shop: DouyinConnector, transport: FakeTransport) -> None:
    answer_everything(transport)
    shop.order(ORDER)
    assert ACCESS_TOKEN not in repr(transport.sent[0])


@respx.mock
def test_the_token_in_the_query_reaches_no_log(credentials: Credentials, caplog: pytest.LogCaptureFixture) -> None:
    respx.post("https://gateway.example/order/orderDetail").respond(json=sample("order.orderDetail.response"))
    caplog.set_level("DEBUG")
    http = Http(OpenGate())
    shop = DouyinConnector("s", "1", credentials, http, OpenGate(), ManualClock(SAMPLE_TIME), "https://gateway.example")
    shop.order(ORDER)
    http.close()
    assert ACCESS_TOKEN not in caplog.text


@respx.mock
def test_over_http_the_signed_bytes_are_the_sent_bytes(credentials: Credentials) -> None:
    reply = respx.post("https://gateway.example/order/addOrderRemark").respond(
        json=sample("order.addOrderRemark.response")
    )
    http = Http(OpenGate())
    shop = DouyinConnector(
        "s", "1", credentials, http, OpenGate(), ManualClock(SAMPLE_TIME), "https://gateway.example/"
    )
    outcome = shop.memo(ORDER, Memo(text="加急，走顺丰", flag=Flag.RED))
    http.close()
    assert outcome.error is None
    assert outcome.request_id == sample("order.addOrderRemark.response")["log_id"]
    request: httpx.Request = reply.calls.last.request
    wanted = sample("order.addOrderRemark.request")
    assert request.content == wanted["body_raw"].encode()
    assert dict(request.url.params) == wanted["query"]
    assert json.loads(request.content)["star"] == "5"
