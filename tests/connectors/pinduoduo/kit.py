"""What the tests of this channel share: the documented samples, an invented shop, a transport that plays answers."""

import json
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from connectors.pinduoduo.connector import PinduoduoConnector
from core.channel import Call, Credentials, Gate, OpenGate, Request, Scope, Transport
from core.clock import ManualClock
from core.errors import ChannelError

SAMPLES = Path(__file__).parents[2] / "fixtures" / "pinduoduo"
KEY = "0d6f3c1a9b7e4f52a8c0e1d2b3a49586"
SECRET = "5e1f0c7b2a9d48638f7e6d5c4b3a2918f0e1d2c3"
TOKEN = "a1b2c3d4e5f60718293a4b5c6d7e8f9011223344"
NOW = 1767225600
ORDER_SN = "260101-123456789012345"


def sample(name: str) -> Any:
    """A sample file as JSON."""
    return json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))


def order_row(**changes: Any) -> dict[str, Any]:
    """The sample's order that waits to be shipped, with changes."""
    row = sample("order.information.response")["order_info_get_response"]["order_info"]
    return {**row, **changes}


def order_answer(**changes: Any) -> dict[str, Any]:
    return {"order_info_get_response": {"order_info": order_row(**changes), "request_id": "1"}}


class Playback:
    """Answers each method with the next of its answers, the last one for ever; keeps what was asked."""

    def __init__(self, **answers: Any) -> None:
        self.answers = {name.replace("_", "."): answer for name, answer in answers.items()}
        self.asked: list[dict[str, str]] = []
        self.requests: list[Request] = []

    def send(self, request: Request) -> bytes:
        body = json.loads(request.body)
        self.asked.append(body)
        self.requests.append(request)
        answer = self.answers[body["type"].removeprefix("pdd.")]
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if callable(answer):
            answer = answer(body)
        if isinstance(answer, ChannelError):
            raise answer
        return answer if isinstance(answer, bytes) else json.dumps(answer, ensure_ascii=False).encode()

    def methods(self) -> list[str]:
        return [asked["type"].removeprefix("pdd.") for asked in self.asked]


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


def shop(transport: Transport, gate: Gate | None = None, at: int = NOW) -> PinduoduoConnector:
    """The samples' shop at the samples' time."""
    clock = ManualClock()
    clock.advance(at - clock.now().timestamp())
    credentials = Credentials(
        KEY, SecretStr(SECRET), SecretStr(TOKEN), SecretStr("ffeeddccbbaa99887766554433221100deadbeef")
    )
    return PinduoduoConnector(
        "pinduoduo:100200300",
        "100200300",
        credentials,
        transport,
        gate or OpenGate(),
        clock,
        "https://gw-api.pinduoduo.com",
    )
