"""Every documented refusal means what the dossier says it means."""

from typing import Any

import pytest

from connectors.douyin.client import classify
from connectors.douyin.connector import DouyinConnector
from core.channel import Request, StockDelta
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
    Rejected,
    Throttled,
    Unavailable,
    Unsupported,
)
from core.model import SkuKey
from tests.connectors.douyin.conftest import ACCESS_TOKEN, SECRET, FakeTransport, RecordingGate, refused, sample

SAMPLES: list[tuple[str, str, type[ChannelError]]] = [
    ("error.access-token-expired", "order.orderDetail", Reauthorize),
    ("error.access-token-missing", "order.orderDetail", Reauthorize),
    ("error.access-token-no-existed", "order.orderDetail", Reauthorize),
    ("error.api-offline", "order.detail", Unsupported),
    ("error.authorization-closed", "order.orderDetail", Denied),
    ("error.ip-not-allowed", "order.orderDetail", Denied),
    ("error.order-page-50000", "order.searchList", Invalid),
    ("error.order-window-90d", "order.searchList", Invalid),
    ("error.permission", "order.orderDetail", Denied),
    ("error.service-busy", "order.searchList", Unavailable),
    ("error.ship-already-shipped", "order.logisticsAdd", AlreadyDone),
    ("error.ship-refund-pending", "order.logisticsAdd", Conflict),
    ("error.signature-invalid", "order.orderDetail", Denied),
    ("error.stock-idempotent-repeat", "sku.syncStock", AlreadyDone),
    ("error.stock-insufficient", "sku.syncStock", Conflict),
    ("error.timestamp-invalid", "order.orderDetail", Denied),
    ("error.token-create-code-empty", "token.create", Denied),
    ("error.token-refresh-concurrent", "token.refresh", Unavailable),
    ("error.token-refresh-expired", "token.refresh", Reauthorize),
    ("error.traffic-limited-business", "sku.syncStock", Throttled),
    ("error.traffic-limited", "order.orderDetail", Throttled),
    ("envelope.legacy-error", "order.orderDetail", Reauthorize),
]


def kind_of(method: str, reply: dict[str, Any]) -> type[ChannelError]:
    return classify(method, str(reply.get("code", "")), reply.get("sub_code", ""), reply.get("sub_msg", ""))


@pytest.mark.parametrize(("name", "method", "expected"), SAMPLES)
def test_each_error_sample_has_its_class(name: str, method: str, expected: type[ChannelError]) -> None:
    assert kind_of(method, sample(name)) is expected


CONSEQUENCES: dict[str, tuple[type[ChannelError], ...]] = {
    "partial": (Rejected,),
    "retry": (Unavailable, Throttled, NotYet),
    "later": (NotYet,),
    "success": (AlreadyDone,),
    "fix_data": (Invalid,),
    "permanent": (Rejected, Denied, Unsupported, Reauthorize),
    "stop_shop": (Denied,),
    "refresh_token": (Reauthorize,),
    "reauthorise": (Reauthorize, Denied),
}
CALLED = (
    "order.searchList", "order.orderDetail", "order.logisticsAdd", "order.logisticsAddMultiPack", "order.logisticsEdit",
    "order.logisticsEditByPack", "order.addOrderRemark", "afterSale.List", "afterSale.Detail", "product.listV2",
    "product.detail", "sku.list", "sku.syncStock", "sku.syncStockBatchMultiProducts", "sku.editPrice", "token.refresh",
    "token.create", "order.addressConfirm", "order.batchDecrypt", "product.setOffline",
)  # fmt: skip


def documented() -> list[Any]:
    book = sample("error-codes")
    rows = [("order.orderDetail", row) for row in book["gateway"] if row["class"] != "partial"]
    rows += [(method, row) for method in CALLED for row in book["by_api"][method]]
    return [pytest.param(method, row, id=f"{method} {row['code']} {row['sub_code']}") for method, row in rows]


@pytest.mark.parametrize(("method", "row"), documented())
def test_every_documented_number_has_the_documented_consequence(method: str, row: dict[str, Any]) -> None:
    kind = classify(method, str(row["code"]), row["sub_code"], "")
    assert issubclass(kind, CONSEQUENCES[row["class"]])
    if row["class"] == "permanent":
        assert kind is not AlreadyDone


def test_the_same_number_means_two_things_in_two_apis() -> None:
    assert classify("order.logisticsEdit", "50002", "isv.business-failed:70011", "") is Conflict
    assert classify("order.logisticsAddMultiPack", "50002", "isv.business-failed:70011", "") is Unavailable
    assert classify("order.logisticsEditByPack", "20000", "isp.service-error:70011", "") is Unavailable


def test_old_err_no_and_new_code_are_two_number_spaces() -> None:
    """30002 is "token expired" in err_no, "address not allowed" in code."""
    assert classify("order.orderDetail", "", "", "", err_no="30002") is Reauthorize
    assert classify("order.orderDetail", "30002", "", "") is Denied


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("系统繁忙", Unavailable),
        ("请稍后重试", Unavailable),
        ("存在并发请求", Unavailable),
        ("触发限流", Throttled),
        ("商品不合法", Rejected),
    ],
)
def test_50002_without_a_known_number_is_read_by_its_words(text: str, expected: type[ChannelError]) -> None:
    assert classify("sku.editPrice", "50002", "isv.business-failed:99", text) is expected


def test_a_known_number_outranks_its_words() -> None:
    assert classify("order.logisticsAdd", "50002", "isv.business-failed:60021", "系统繁忙") is Conflict


def test_50002_alone_is_a_plain_no_and_an_unknown_code_too() -> None:
    assert classify("sku.editPrice", "50002", "", "") is Rejected
    assert classify("sku.editPrice", "12345", "", "") is Rejected


def test_an_error_says_where_and_with_which_words(shop: DouyinConnector, transport: FakeTransport) -> None:
    transport.on("order.orderDetail", sample("error.permission"))
    with pytest.raises(Denied) as caught:
        shop.order("1")
    error = caught.value
    assert (error.channel, error.shop, error.operation) == ("douyin", "douyin:12345678", "order.orderDetail")
    assert (error.code, error.sub_code) == ("30001", "isv.app-permissions-insufficient")
    assert error.request_id == sample("error.permission")["log_id"]
    assert ACCESS_TOKEN not in repr(error) + str(error)
    assert SECRET not in repr(error) + str(error)


def test_a_throttle_answer_is_told_to_the_gate(
    shop: DouyinConnector, transport: FakeTransport, gate: RecordingGate
) -> None:
    transport.on("order.orderDetail", sample("error.traffic-limited"))
    with pytest.raises(Throttled):
        shop.order("1")
    assert gate.refusals == [("order.orderDetail", None)]


def test_risk_control_keeps_away_for_long(shop: DouyinConnector, transport: FakeTransport, gate: RecordingGate) -> None:
    transport.on("order.orderDetail", refused(80000, "isv.risk-control-failed:20047"))
    with pytest.raises(Throttled) as caught:
        shop.order("1")
    assert caught.value.retry_after == 3600
    assert gate.refusals == [("order.orderDetail", 3600)]


def test_an_internal_timeout_leaves_a_write_unknown_but_not_a_read(
    shop: DouyinConnector, transport: FakeTransport
) -> None:
    timeout = refused(20001, "isp.service-timeout-error")
    transport.on("order.orderDetail", timeout)
    transport.on("sku.syncStock", timeout)
    with pytest.raises(Unavailable):
        shop.order("1")
    [outcome] = shop.adjust_stock([StockDelta(SkuKey(listing_id="1", sku_id="2"), 1, "k")])
    assert isinstance(outcome.error, OutcomeUnknown)


@pytest.mark.parametrize("body", [b'{"code":10000,"data":{"shop_order', b"[]", b'{"code":10000,"data":{"x":1}}'])
def test_an_answer_of_another_shape_is_malformed(shop: DouyinConnector, transport: FakeTransport, body: bytes) -> None:
    transport.on("order.orderDetail", body)
    with pytest.raises(Malformed):
        shop.order("1")


def test_an_unreadable_answer_leaves_a_write_unknown(shop: DouyinConnector, transport: FakeTransport) -> None:
    transport.on("sku.syncStock", b'{"code":100')
    [outcome] = shop.adjust_stock([StockDelta(SkuKey(listing_id="1", sku_id="2"), 1, "k")])
    assert isinstance(outcome.error, OutcomeUnknown)


def test_the_oldest_envelope_succeeds_by_err_no(shop: DouyinConnector, transport: FakeTransport) -> None:
    reply = sample("order.orderDetail.response")
    transport.on("order.orderDetail", {"err_no": 0, "message": "success", "data": reply["data"], "log_id": "l"})
    assert shop.order("6920000000000000001").value.id == "6920000000000000001"
    transport.on("order.orderDetail", {"err_no": 30005, "message": "access_token不存在", "log_id": "l"})
    with pytest.raises(Reauthorize):
        shop.order("1")


def test_an_order_of_another_shop_is_not_found(shop: DouyinConnector, transport: FakeTransport) -> None:
    transport.on("order.orderDetail", refused(50002, "isv.business-failed:20015"))
    with pytest.raises(NotFound):
        shop.order("1")


def test_too_many_requests_at_the_door_is_told_to_the_gate_and_our_own_budget_is_not(
    shop: DouyinConnector, transport: FakeTransport, gate: RecordingGate, monkeypatch: pytest.MonkeyPatch
) -> None:
    for error in (Throttled("HTTP 429", code="429", retry_after=7), Throttled("our budget", retry_after=9)):

        def too_many(_request: Request, error: Throttled = error) -> bytes:
            raise error

        monkeypatch.setattr(transport, "send", too_many)
        with pytest.raises(Throttled):
            shop.order("6920000000000001090")
    assert gate.refusals == [("order.orderDetail", 7)]
