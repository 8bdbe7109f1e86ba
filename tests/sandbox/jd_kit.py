"""A signed JD client as small as can be, over the sandbox without a socket."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from sandbox.gateway import Request, Response
from sandbox.jd import signing
from sandbox.jd.order_wire import when
from sandbox.model import Order, Shop
from sandbox.sandbox import Sandbox
from sandbox.settings import Settings
from sandbox.world import VirtualClock, World

FIXTURES = Path(__file__).parents[1] / "fixtures" / "jd"
START = 1_773_541_230.0
"""2026-03-15 10:20:30 in Shanghai, the timestamp of the samples."""
ACCESS, REFRESH = "9c8b7a6d5e4f3a2b1c0d9e8f7a6b5c4dmwzh", "1a2b3c4d5e6f708192a3b4c5d6e7f809zjkl"
EVERY_STATE = "ALL"
FIELDS = "orderId,orderState,modified"


def sample(name: str) -> Any:
    """A sample file, parsed."""
    return json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))


class Shopkeeper:
    """A sandbox at a standing clock, with the samples' tokens on its first shop."""

    def __init__(self, **settings: Any) -> None:
        self.sandbox = Sandbox(1, VirtualClock(START), settings=Settings(**settings))
        self.world: World = self.sandbox.world
        self.shop: Shop = self.world.shop("jd")
        self.world.set_tokens(self.shop, ACCESS, REFRESH)
        self.app = self.world.apps["jd"]

    def form(self, method: str, business: dict[str, Any] | None = None, *, token: bool = True) -> dict[str, str]:
        """The signed fields of a call."""
        form = {"method": method, "app_key": self.app.key, "timestamp": when(self.world.now()), "v": "2.0"}
        form["360buy_param_json"] = json.dumps(business or {}, ensure_ascii=False)
        if token:
            form["access_token"] = self.shop.grant.access_token
        return self.signed(form)

    def signed(self, form: dict[str, str]) -> dict[str, str]:
        """The fields with the signature that fits them."""
        return form | {"sign": signing.sign(form, self.app.secret)}

    def post(self, form: dict[str, str], query: dict[str, str] | None = None) -> Response:
        """Send fields as a form, some perhaps in the query."""
        headers = {"content-type": "application/x-www-form-urlencoded"}
        return self.sandbox.handle(
            Request("POST", "/routerjson", list((query or {}).items()), headers, urlencode(form).encode())
        )

    def answer(self, method: str, business: dict[str, Any] | None = None, *, token: bool = True) -> Any:
        """The whole answer."""
        return self.post(self.form(method, business, token=token)).json()

    def call(self, method: str, **business: Any) -> Any:
        """The answer without its wrapper; its only member beside `code` when there is one."""
        answer = self.answer(method, business)
        inner = answer[method.replace(".", "_") + "_responce"]
        rest = {name: value for name, value in inner.items() if name != "code"}
        return next(iter(rest.values())) if len(rest) == 1 else rest

    def refused(self, form: dict[str, str], query: dict[str, str] | None = None) -> int:
        """The gateway's code of a call that must fail."""
        return int(self.post(form, query).json()["error_response"]["code"])

    def place(self, variant: str = "plain", **wishes: Any) -> Order:
        """An order, paid unless said otherwise; a second later, so that its version lies in the past."""
        order = self.world.place(self.shop, variant=variant, **wishes)
        self.world.advance(2)
        return order

    def window(self, back: float = 3600, ahead: float = 60) -> dict[str, Any]:
        """The last hour of changes, all states, first page of a hundred."""
        now = self.world.now()
        return {
            "start_date": when(now - back),
            "end_date": when(now + ahead),
            "order_state": EVERY_STATE,
            "optional_fields": FIELDS,
            "page": "1",
            "page_size": "100",
        }

    def found(self, **changes: Any) -> list[dict[str, Any]]:
        """Rows of enSearch."""
        rows: list[dict[str, Any]] = self.call("jingdong.pop.order.enSearch", **(self.window() | changes))[
            "orderInfoList"
        ]
        return rows

    def order(self, order: Order, fields: str = FIELDS) -> dict[str, Any]:
        """The order as enGet tells it."""
        found: dict[str, Any] = self.call(
            "jingdong.pop.order.enGet", order_id=int(order.order_id), optional_fields=fields
        )["orderInfo"]
        return found

    def state(self, order: Order) -> str:
        """`orderState`."""
        return str(self.order(order)["orderState"])

    def ship(self, order: Order, companies: str = "467", numbers: str = "SF0000000000001") -> Any:
        """`sopjosshipment_result`"""
        return self.call(
            "jingdong.pop.order.shipment", orderId=int(order.order_id), logiCoprId=companies, logiNo=numbers
        )
