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
TOKEN, REFRESH = "9c8b7a6d5e4f3a2b1c0d9e8f7a6b5c4dmwzh", "1a2b3c4d5e6f708192a3b4c5d6e7f809zjkl"


def sample(name: str) -> Any:
    """A sample file, parsed, without its notes."""
    return _without_notes(json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8")))


def _without_notes(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_notes(inner) for name, inner in value.items() if name != "_comment"}
    return [_without_notes(inner) for inner in value] if isinstance(value, list) else value


def differences(expected: Any, ours: Any, path: str = "") -> list[str]:
    """Where keys or JSON types differ; lists are compared by their first elements, nulls match anything."""
    if expected is None or ours is None:
        return []
    if type(expected) is not type(ours):
        return [f"{path}: {type(expected).__name__} became {type(ours).__name__}"]
    if isinstance(expected, dict):
        found = [f"{path}.{name} is missing" for name in expected.keys() - ours.keys()]
        found += [f"{path}.{name} is extra" for name in ours.keys() - expected.keys()]
        for name in expected.keys() & ours.keys():
            found += differences(expected[name], ours[name], f"{path}.{name}")
        return found
    if isinstance(expected, list) and expected and ours:
        return differences(expected[0], ours[0], f"{path}[]")
    return []


class Keeper:
    """A sandbox at a standing clock, with the samples' tokens on its first shop."""

    def __init__(self, **settings: Any) -> None:
        self.sandbox = Sandbox(1, VirtualClock(START), settings=Settings(**settings))
        self.world: World = self.sandbox.world
        self.shop: Shop = self.world.shop("jd")
        self.world.set_tokens(self.shop, TOKEN, REFRESH)
        self.app = self.world.apps["jd"]

    # Calls

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

    def send(self, form: dict[str, str], query: dict[str, str] | None = None) -> Response:
        """Send fields as a form, some perhaps in the query."""
        headers = {"content-type": "application/x-www-form-urlencoded"}
        return self.sandbox.handle(
            Request("POST", "/routerjson", list((query or {}).items()), headers, urlencode(form).encode())
        )

    def post(self, form: dict[str, str], query: dict[str, str] | None = None) -> dict[str, Any]:
        """Send fields; the parsed answer."""
        answer: dict[str, Any] = self.send(form, query).json()
        return answer

    def answer(self, method: str, /, **business: Any) -> dict[str, Any]:
        """The whole answer."""
        return self.post(self.form(method, business))

    def call(self, method: str, /, **business: Any) -> dict[str, Any]:
        """What stands beside `code` in the wrapper."""
        inner = self.answer(method, **business)[method.replace(".", "_") + "_responce"]
        assert inner.pop("code") == "0"
        members: dict[str, Any] = inner
        return members

    def refused(self, form: dict[str, str], query: dict[str, str] | None = None) -> int:
        """The gateway's code of a call that must fail."""
        return int(self.post(form, query)["error_response"]["code"])

    # Orders

    def order(self, variant: str = "plain", **wishes: Any) -> Order:
        """An order, paid unless said otherwise, placed two seconds ago: all its versions lie in the past."""
        order = self.world.place(self.shop, variant=variant, **wishes)
        self.world.advance(2)
        return order

    def shipped(self, **wishes: Any) -> Order:
        """An order on its way."""
        order = self.order(**wishes)
        self.world.ship(order, "467", "SF0000000000001")
        return order

    def received(self, **wishes: Any) -> Order:
        """An order that arrived."""
        order = self.shipped(**wishes)
        self.world.receive(order)
        return order

    def told(self, order: Order, fields: str = "orderId,orderState,modified") -> dict[str, Any]:
        """The order as enGet tells it."""
        answer = self.call("jingdong.pop.order.enGet", order_id=int(order.order_id), optional_fields=fields)
        found: dict[str, Any] = answer["orderDetailInfo"]["orderInfo"]
        return found

    def state(self, order: Order) -> str:
        """`orderState`"""
        return str(self.told(order)["orderState"])

    def search(self, method: str = "enSearch", **changes: Any) -> dict[str, Any]:
        """`searchorderinfo_result` over the last hour's changes in all states, first page of a hundred."""
        now = self.world.now()
        wanted = {
            "start_date": when(now - 3600),
            "end_date": when(now + 60),
            "order_state": "ALL",
            "optional_fields": "orderId,orderState,modified",
            "page": "1",
            "page_size": "100",
        }
        asked = {name: value for name, value in (wanted | changes).items() if value is not None}
        found: dict[str, Any] = self.call(f"jingdong.pop.order.{method}", **asked)["searchorderinfo_result"]
        return found

    def ids(self, **changes: Any) -> list[str]:
        """Order ids of a search."""
        return [row["orderId"] for row in self.search(**changes)["orderInfoList"]]

    def ship(self, order: Order, companies: str = "467", numbers: str = "SF0000000000001") -> dict[str, Any]:
        """`sopjosshipment_result`"""
        business = {"orderId": int(order.order_id), "logiCoprId": companies, "logiNo": numbers}
        result: dict[str, Any] = self.call("jingdong.pop.order.shipment", **business)["sopjosshipment_result"]
        return result
