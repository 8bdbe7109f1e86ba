"""What the tests of this channel share: the documented samples, an invented shop, a transport that plays answers."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from pydantic import SecretStr

from connectors.jd import wire
from connectors.jd.connector import JdConnector
from core.channel import Call, Credentials, Gate, OpenGate, Request, Scope, Transport
from core.clock import ManualClock
from core.errors import ChannelError

SAMPLES = Path(__file__).parents[2] / "fixtures" / "jd"
KEY = "A1B2C3D4E5F60718293A4B5C6D7E8F90"
SECRET = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
TOKEN = "9c8b7a6d5e4f3a2b1c0d9e8f7a6b5c4dmwzh"
REFRESH_TOKEN = "1a2b3c4d5e6f708192a3b4c5d6e7f809zjkl"
NOW = datetime(2026, 3, 15, 2, 20, 30, tzinfo=UTC)
ORDER_ID = "301234567890"
SKU_ID = "100012345678"
GATEWAY = "https://api.jd.com"


def sample(name: str) -> Any:
    """A sample file as JSON."""
    return json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))


def order_row(**changes: Any) -> dict[str, Any]:
    """The sample's order that waits to be shipped, with changes."""
    answer = sample("order.get.response")["jingdong_pop_order_enGet_responce"]
    return {**answer["orderDetailInfo"]["orderInfo"], **changes}


def wrapped(method: wire.Method[Any], content: Any) -> dict[str, Any]:
    """An answer of the method with this result."""
    inner = {method.result: content} if method.result else content
    return {method.name.replace(".", "_") + "_responce": {"code": "0", **inner}}


def order_answer(**changes: Any) -> dict[str, Any]:
    return wrapped(wire.ORDER, {"apiResult": {"success": True, "numberCode": 0}, "orderInfo": order_row(**changes)})


def orders_answer(rows: list[Any], total: int | None = None) -> dict[str, Any]:
    content = {"apiResult": {"success": True}, "orderTotal": len(rows) if total is None else total}
    return wrapped(wire.ORDERS, {**content, "orderInfoList": rows})


NO_UNPAID = wrapped(wire.UNPAID, {"totalItem": 0, "pageList": []})


def known(*skus: str, ware: str = "10001234567") -> dict[str, Any]:
    """An answer of the search for SKUs: these exist, in one listing."""
    rows = [{"skuId": int(sku), "wareId": int(ware), "status": 1} for sku in skus]
    return wrapped(wire.SKUS, {"data": rows, "totalItem": len(rows)})


def booked(number: int, orders: int = 0) -> dict[str, Any]:
    """An answer of the stock query: a SKU's number, and what of it orders have booked."""
    row = {"storeId": 0, "stockNum": number, "orderBookingNum": orders, "appBookingNum": 0}
    return wrapped(wire.BOOKED, {"success": True, "obj": {"skuStockInfos": [row]}})


class Playback:
    """Answers each method with the next of its answers, the last one for ever; keeps what was asked."""

    def __init__(self, answers: Mapping[wire.Method[Any], Any] | None = None, **others: Any) -> None:
        self.answers = {method.name: answer for method, answer in (answers or {}).items()} | others
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.forms: list[dict[str, str]] = []
        self.requests: list[Request] = []

    def send(self, request: Request) -> bytes:
        form = dict(parse_qsl(request.body.decode(), keep_blank_values=True, strict_parsing=bool(request.body)))
        method = form.get("method") or request.call.method
        business = json.loads(form.get("360buy_param_json", "{}"))
        self.forms.append(form)
        self.asked.append((method, business))
        self.requests.append(request)
        answer = self.answers[method]
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if callable(answer):
            answer = answer(business)
        if isinstance(answer, ChannelError):
            raise answer
        return answer if isinstance(answer, bytes) else json.dumps(answer, ensure_ascii=False).encode()

    def methods(self) -> list[str]:
        return [method for method, _ in self.asked]

    def business(self, method: wire.Method[Any]) -> list[dict[str, Any]]:
        """What was asked of one method, in turn."""
        return [params for name, params in self.asked if name == method.name]


class Watch(OpenGate):
    """A gate that remembers what the channel refused."""

    def __init__(self) -> None:
        self.refusals: list[tuple[str, float | None]] = []
        self.reaches: list[tuple[Scope, bool]] = []

    def refused(
        self, call: Call, retry_after: float | None, scope: Scope = Scope.SHOP, *, every_method: bool = False
    ) -> None:
        self.refusals.append((call.method, retry_after))
        self.reaches.append((scope, every_method))


def shop(
    transport: Transport, gate: Gate | None = None, gateway: str = GATEWAY, options: Mapping[str, str] | None = None
) -> JdConnector:
    """The samples' shop at the samples' time."""
    credentials = Credentials(KEY, SecretStr(SECRET), SecretStr(TOKEN), SecretStr(REFRESH_TOKEN))
    return JdConnector(
        "jd:10000001",
        "10000001",
        credentials,
        transport,
        gate or OpenGate(),
        ManualClock(NOW),
        gateway,
        options or {},
    )
