"""A small Douyin caller for sandbox tests: signs as the documentation says and reads answers. Not a client to copy."""

import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

from sandbox.douyin import Platform
from sandbox.gateway import Request
from sandbox.model import Order
from sandbox.platforms import profiles
from sandbox.settings import Settings
from sandbox.world import VirtualClock, World

FIXTURES = Path(__file__).parent.parent / "fixtures" / "douyin"
NOW = 1_760_000_100.0
"""The timestamp of the request samples."""
NEW_ENVELOPE = {"x-open-no-old-err-code": "1"}


def fixture(name: str) -> Any:
    """One sample file as JSON."""
    return json.loads((FIXTURES / name).read_text(encoding="utf-8"))


class Shop:
    """One world at the samples' time, its Douyin platform, and calls signed with the shop's token."""

    def __init__(self, seed: int = 1, *, shops: int = 1, **settings: Any) -> None:
        self.clock = VirtualClock(NOW)
        quiet = Settings.model_validate({"rate_limits_on": False} | settings)
        self.world = World(profiles(), seed, self.clock, shops=shops, settings=quiet)
        self.platform = Platform(self.world)
        self.shop = self.world.shop("douyin")

    def order(self, **wanted: Any) -> Order:
        """A placed and paid plain order."""
        usual: dict[str, Any] = {"variant": "plain", "restock": True}
        return self.world.place(self.shop, **(usual | wanted))

    def send(self, method: str, body: str, headers: dict[str, str] | None = None, **system: str | None) -> Any:
        """Send `body` as is; `system` replaces query parameters (None removes one)."""
        app, stamp = self.platform.app, system.get("timestamp") or str(int(self.world.now()))
        signed_method = system.get("method") or method
        text = f"app_key{app.key}method{signed_method}param_json{body}timestamp{stamp}v2"
        sign = hmac.new(app.secret.encode(), f"{app.secret}{text}{app.secret}".encode(), hashlib.sha256).hexdigest()
        query: dict[str, str | None] = {
            "app_key": app.key, "method": method, "access_token": self.shop.grant.access_token, "timestamp": stamp,
            "v": "2", "sign": sign, "sign_method": "hmac-sha256",
        }  # fmt: skip
        pairs = [(name, value) for name, value in (query | system).items() if value is not None]
        kind = {"content-type": "application/json; charset=utf-8"}
        request = Request(
            "POST", "/" + method.replace(".", "/"), pairs, kind | (headers or NEW_ENVELOPE), body.encode()
        )
        return self.platform.handle(request).json()

    def call(self, method: str, **params: Any) -> Any:
        """The whole answer of a call with these business parameters."""
        return self.send(method, json.dumps(params, ensure_ascii=False, sort_keys=True, separators=(",", ":")))

    def data(self, method: str, **params: Any) -> Any:
        """`data` of a call that must succeed."""
        answer = self.call(method, **params)
        assert answer["code"] == 10000, answer
        return answer["data"]

    def refused(self, method: str, **params: Any) -> tuple[int, str]:
        """(code, sub_code) of a call that must fail."""
        answer = self.call(method, **params)
        assert answer["code"] != 10000
        return answer["code"], answer["sub_code"]
