"""A signed Pinduoduo client as small as can be, over the sandbox without a socket."""

import json
from pathlib import Path
from typing import Any

from sandbox.gateway import Request, Response
from sandbox.model import Order, Shop
from sandbox.pinduoduo import signing
from sandbox.sandbox import Sandbox
from sandbox.settings import Settings
from sandbox.world import VirtualClock, World

FIXTURES = Path(__file__).parents[1] / "fixtures" / "pinduoduo"
START = 1_767_225_600.0
ACCESS, REFRESH = "a1b2c3d4e5f60718293a4b5c6d7e8f9011223344", "ffeeddccbbaa99887766554433221100deadbeef"


def sample(name: str) -> Any:
    """A sample file, parsed."""
    return json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))


class Shopkeeper:
    """A sandbox at a standing clock, with the samples' tokens on its first shop."""

    def __init__(self, **settings: Any) -> None:
        self.sandbox = Sandbox(1, VirtualClock(START), settings=Settings(**settings))
        self.world: World = self.sandbox.world
        self.shop: Shop = self.world.shop("pinduoduo")
        self.world.set_tokens(self.shop, ACCESS, REFRESH)
        self.app = self.world.apps["pinduoduo"]

    def body(self, method: str, **params: Any) -> dict[str, str]:
        """The signed parameters of a call; `token=False` leaves the access token out."""
        token = params.pop("token", True)
        body = {"type": method, "client_id": self.app.key, "timestamp": str(int(self.world.now())), "data_type": "JSON"}
        if token:
            body["access_token"] = self.shop.grant.access_token
        for name, value in params.items():
            body[name] = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        return body | {"sign": signing.sign(body, self.app.secret)}

    def post(self, body: dict[str, str], path: str = "/api/router") -> Response:
        """Send parameters as JSON."""
        headers = {"content-type": "application/json"}
        return self.sandbox.handle(Request("POST", path, [], headers, json.dumps(body).encode()))

    def call(self, method: str, **params: Any) -> Any:
        """The answer without its root object (error_response included)."""
        answer = self.post(self.body(method, **params)).json()
        return next(iter(answer.values())) if len(answer) == 1 else answer

    def code(self, method: str, **params: Any) -> int:
        """The error code of a call that must fail."""
        return int(self.call(method, **params)["error_code"])

    def place(self, variant: str = "plain", **wishes: Any) -> Order:
        """An order, paid unless said otherwise."""
        return self.world.place(self.shop, variant=variant, **wishes)

    def ship(self, order: Order, number: str = "YT0000000000001", **more: Any) -> Any:
        """Ship with YTO."""
        return self.call(
            "pdd.logistics.online.send", order_sn=order.order_id, logistics_id=85, tracking_number=number, **more
        )
