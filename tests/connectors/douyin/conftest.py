"""A transport that answers from the sample files, and a connector on it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from connectors.douyin import CHANNEL
from connectors.douyin.connector import DouyinConnector
from core.channel import Call, Credentials, Request, Scope
from core.clock import ManualClock
from core.errors import ChannelError

SAMPLES = Path(__file__).parents[2] / "fixtures" / "douyin"
APP_KEY = "7012345678901234567"
SECRET = "3f2a9c1e-7b44-4d0a-9e61-5c8d2b7f1a90"
ACCESS_TOKEN = "a1b2c3d4-0001-4e5f-8a9b-0123456789ab"
REFRESH_TOKEN = "f6e5d4c3-0002-4b5a-9c8d-ba9876543210"
SAMPLE_TIME = datetime.fromtimestamp(1760000100, UTC)

Answerer = Callable[[Mapping[str, Any]], Any]


def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))


def accepted(data: Any) -> dict[str, Any]:
    return {"code": 10000, "msg": "success", "sub_code": "", "sub_msg": "", "data": data, "log_id": "log-1"}


def refused(code: int, sub_code: str, sub_msg: str = "") -> dict[str, Any]:
    return {"code": code, "msg": "…", "sub_code": sub_code, "sub_msg": sub_msg, "log_id": "log-2"}


@dataclass
class FakeTransport:
    """Answers each method with the next of its answers (the last one again and again) and keeps the requests."""

    answers: dict[str, list[Any]] = field(default_factory=dict)
    sent: list[Request] = field(default_factory=list)

    def on(self, method: str, *answers: Any) -> None:
        """An answer is the JSON of a reply, raw bytes, an error to raise, or a function of the parameters."""
        self.answers[method] = list(answers)

    def send(self, request: Request) -> bytes:
        self.sent.append(request)
        waiting = self.answers[request.call.method]
        answer = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        if callable(answer):
            answer = answer(json.loads(request.body))
        if isinstance(answer, ChannelError):
            raise answer
        return answer if isinstance(answer, bytes) else json.dumps(answer, ensure_ascii=False).encode()

    def params(self, method: str) -> list[Any]:
        return [json.loads(request.body) for request in self.sent if request.call.method == method]

    @property
    def methods(self) -> list[str]:
        return [request.call.method for request in self.sent]


@dataclass
class RecordingGate:
    """An open gate that keeps what the channel refused."""

    refusals: list[tuple[str, float | None]] = field(default_factory=list)

    def enter(self, call: Call) -> None:
        return None

    def refused(
        self, call: Call, retry_after: float | None, scope: Scope = Scope.SHOP, *, every_method: bool = False
    ) -> None:
        self.refusals.append((call.method, retry_after))

    def failed(self, call: Call) -> None:
        return None


@pytest.fixture
def transport() -> FakeTransport:
    return FakeTransport()


@pytest.fixture
def gate() -> RecordingGate:
    return RecordingGate()


@pytest.fixture
def credentials() -> Credentials:
    return Credentials(
        APP_KEY,
        SecretStr(SECRET),
        SecretStr(ACCESS_TOKEN),
        SecretStr(REFRESH_TOKEN),
        access_expires_at=SAMPLE_TIME,
        refresh_expires_at=SAMPLE_TIME,
    )


@pytest.fixture
def shop(transport: FakeTransport, gate: RecordingGate, credentials: Credentials) -> DouyinConnector:
    clock = ManualClock(SAMPLE_TIME)
    return DouyinConnector("douyin:12345678", "12345678", credentials, transport, gate, clock, CHANNEL.gateway)
