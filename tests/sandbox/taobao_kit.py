"""A small Taobao caller for sandbox tests: signs as the documentation says and reads answers. Not a client to copy."""

import hashlib
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from sandbox.gateway import Request, Response
from sandbox.model import Buyer, Order, Sku
from sandbox.people import invent_buyer
from sandbox.sandbox import Sandbox
from sandbox.settings import Settings
from sandbox.taobao.values import when
from sandbox.world import VirtualClock

FIXTURES = Path(__file__).parents[1] / "fixtures" / "taobao"
NOW = 1_710_469_800.0
"""2024-03-15 10:30:00 in China, the timestamp of the request samples."""
SESSION = "6200b1c2d3e4f5a6ZZ0a1b2c3d4e5f60718293a4b5c6d7e8f2200112233"
FORM = {"content-type": "application/x-www-form-urlencoded;charset=utf-8"}
TYPES = "fixed,guarantee_trade,auto_delivery,ec,cod,step,tmall_i18n"


def fixture(name: str) -> Any:
    """One sample file as JSON."""
    return json.loads((FIXTURES / name).read_text(encoding="utf-8"))


def signed(params: dict[str, str], secret: str) -> dict[str, str]:
    """The parameters with their MD5 signature; empty ones are not signed."""
    text = "".join(name + params[name] for name in sorted(params) if params[name])
    return params | {"sign": hashlib.md5(f"{secret}{text}{secret}".encode(), usedforsecurity=False).hexdigest().upper()}


def differences(sample: Any, ours: Any, path: str = "") -> list[str]:
    """Where keys or JSON types differ; lists are compared by their first elements."""
    if type(sample) is not type(ours):
        return [f"{path}: {type(sample).__name__} became {type(ours).__name__}"]
    if isinstance(sample, dict):
        found = [f"{path}.{name} is missing" for name in sample.keys() - ours.keys()]
        found += [f"{path}.{name} is extra" for name in ours.keys() - sample.keys() - {"tid_str", "oid_str"}]
        for name in sample.keys() & ours.keys():
            found += differences(sample[name], ours[name], f"{path}.{name}")
        return found
    if isinstance(sample, list) and sample:
        return differences(sample[0], ours[0], f"{path}[]") if ours else [f"{path} is empty"]
    return []


class Seller:
    """A sandbox at the samples' time, its first Taobao shop (a Tmall one with kind="tmall"), and signed calls."""

    def __init__(self, *, kind: str = "taobao", shops: int = 1, **settings: Any) -> None:
        kinds = [kind, "tmall" if kind == "taobao" else "taobao"]
        quiet = {"rate_limits_on": False, "taobao_shop_kinds": kinds} | settings
        self.sandbox = Sandbox(1, VirtualClock(NOW), shops=shops, settings=Settings.model_validate(quiet))
        self.world = self.sandbox.world
        self.shop = self.world.shop("taobao")
        self.world.set_tokens(self.shop, SESSION, "6200c1c2c3c4c5c6ZZ11111111111111111111111111111112200112233")
        self.app = self.world.apps["taobao"]

    def order(self, variant: str = "plain", **wanted: Any) -> Order:
        """A placed and paid order."""
        return self.world.place(self.shop, variant=variant, **({"restock": True} | wanted))

    @property
    def sku(self) -> Sku:
        """A SKU that is not the whole item."""
        return next(iter(next(iter(self.shop.items.values())).skus.values()))

    def stranger(self) -> Buyer:
        """Somebody who has ordered nothing yet."""
        return invent_buyer(self.world.random, 7000)

    def params(self, method: str, **business: Any) -> dict[str, str]:
        """A call's parameters, signed. `session=None` leaves the session out."""
        session = business.pop("session", self.shop.grant.access_token)
        params = {
            "method": method,
            "app_key": self.app.key,
            "timestamp": when(self.world.now()),
            "format": "json",
            "v": "2.0",
            "sign_method": "md5",
        }
        if session:
            params["session"] = session
        for name, value in business.items():
            params[name] = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        return signed(params, self.app.secret)

    def send(self, params: dict[str, str], **more: Any) -> Response:
        """Post parameters as a form."""
        return self.sandbox.handle(Request("POST", "/router/rest", [], FORM, urlencode(params).encode(), **more))

    def answer(self, method: str, **business: Any) -> Any:
        """The whole answer."""
        return self.send(self.params(method, **business)).json()

    def call(self, method: str, **business: Any) -> Any:
        """The fields of a call that must succeed."""
        answer = self.answer(method, **business)
        assert "error_response" not in answer, answer
        return next(iter(answer.values()))

    def refused(self, method: str, **business: Any) -> str:
        """`code`, and the sub_code if there is one, of a call that must fail."""
        error = self.answer(method, **business)["error_response"]
        return f"{error['code']} {error['sub_code']}" if "sub_code" in error else f"{error['code']}:{error['msg']}"

    def ship(self, order: Order, number: str = "YT0000000000001", **more: str) -> dict[str, str]:
        """Parameters of an offline shipment with YTO."""
        return {"tid": order.order_id, "out_sid": number, "company_code": "YTO"} | more

    def window(self, seconds: float = 3600) -> dict[str, str]:
        """The last hour."""
        return {"start_modified": when(self.world.now() - seconds), "end_modified": when(self.world.now())}

    def listed(self, fields: str = "tid,status,type,modified", **more: Any) -> list[Any]:
        """The trades that changed within the last hour."""
        wanted = {"fields": fields, "type": TYPES} | self.window() | more
        found = self.call("taobao.trades.sold.increment.get", **wanted)
        rows: list[Any] = found.get("trades", {"trade": []})["trade"]
        return rows

    def detail(self, order: Order, fields: str) -> Any:
        """The full detail."""
        return self.call("taobao.trade.fullinfo.get", tid=order.order_id, fields=fields)["trade"]
