"""What the tests of this channel share: the documented samples, an invented shop, a transport that plays answers."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from pydantic import SecretStr

from connectors.taobao.connector import TaobaoConnector
from core.channel import Call, Credentials, Gate, OpenGate, Request, Scope, Transport, Window
from core.clock import ManualClock
from core.errors import ChannelError

SAMPLES = Path(__file__).parents[2] / "fixtures" / "taobao"
KEY = "23000001"
SECRET = "a1b2c3d4e5f60718293a4b5c6d7e8f90"
SESSION = "6200b1c2d3e4f5a6ZZ0a1b2c3d4e5f60718293a4b5c6d7e8f2200112233"
REFRESH_TOKEN = "6200c1c2c3c4c5c6ZZ11111111111111111111111111111112200112233"
NOW = datetime(2024, 3, 15, 2, 30, tzinfo=UTC)
"""The samples' timestamp, 10:30 in Shanghai."""
WINDOW = Window(datetime(2024, 3, 15, 2, tzinfo=UTC), NOW)
TID = "2150000000000000001"


def sample(name: str) -> Any:
    """A sample file as JSON."""
    return json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))


def trade_row(name: str = "order.detail", /, **changes: Any) -> dict[str, Any]:
    """The trade of a sample, with changes; a None takes the field away."""
    row = sample(f"{name}.response")["trade_fullinfo_get_response"]["trade"]
    return {field: value for field, value in {**row, **changes}.items() if value is not None}


def line_rows(*changes: dict[str, Any]) -> dict[str, Any]:
    """The sample's lines, each with its changes, in their wrapper."""
    rows = sample("order.detail.response")["trade_fullinfo_get_response"]["trade"]["orders"]["order"]
    return {"order": [{**row, **change} for row, change in zip(rows, changes, strict=True)]}


def quiet(**changes: Any) -> dict[str, Any]:
    """The sample's trade without its open refund, so that it may ship whole."""
    return trade_row(**{"orders": line_rows({}, {"refund_status": "NO_REFUND"}, {})} | changes)


def trade_answer(row: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"trade_fullinfo_get_response": {"trade": trade_row() if row is None else row, "request_id": "1"}}


def refused(code: int, sub_code: str = "", sub_msg: str = "") -> dict[str, Any]:
    return {"error_response": {"code": code, "msg": "Remote service error", "sub_code": sub_code, "sub_msg": sub_msg}}


class Playback:
    """Answers each method with the next of its answers, the last one for ever; keeps what was asked."""

    def __init__(self, **answers: Any) -> None:
        self.answers = {name.replace("_", "."): answer for name, answer in answers.items()}
        self.asked: list[dict[str, str]] = []
        self.requests: list[Request] = []

    def send(self, request: Request) -> bytes:
        form = dict(parse_qsl(request.body.decode(), keep_blank_values=True, strict_parsing=True))
        self.asked.append(form)
        self.requests.append(request)
        answer = self.answers[form["method"].removeprefix("taobao.")]
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if callable(answer):
            answer = answer(form)
        if isinstance(answer, ChannelError):
            raise answer
        return answer if isinstance(answer, bytes) else json.dumps(answer, ensure_ascii=False).encode()

    def methods(self) -> list[str]:
        return [asked["method"].removeprefix("taobao.") for asked in self.asked]

    def business(self) -> list[dict[str, str]]:
        """What was asked, without the system parameters and the field list."""
        system = {"app_key", "format", "method", "session", "sign", "sign_method", "timestamp", "v", "fields"}
        return [{name: value for name, value in asked.items() if name not in system} for asked in self.asked]


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


def shop(transport: Transport, gate: Gate | None = None, **options: str) -> TaobaoConnector:
    """The samples' shop at the samples' time."""
    credentials = Credentials(KEY, SecretStr(SECRET), SecretStr(SESSION), SecretStr(REFRESH_TOKEN))
    return TaobaoConnector(
        "taobao:2200112233",
        "2200112233",
        credentials,
        transport,
        gate or OpenGate(),
        ManualClock(NOW),
        "https://eco.taobao.com",
        options,
    )
