"""A signed TOP client as small as can be, over the sandbox without a socket."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from sandbox.gateway import Request
from sandbox.model import Order, Shop
from sandbox.sandbox import Sandbox
from sandbox.settings import Settings
from sandbox.taobao import signing
from sandbox.taobao.values import instant, when
from sandbox.world import VirtualClock, World

FIXTURES = Path(__file__).parents[1] / "fixtures" / "taobao"
START = instant("2024-03-15 10:30:00")
"""The timestamp of the request samples."""
SESSION = "6200b1c2d3e4f5a6ZZ0a1b2c3d4e5f60718293a4b5c6d7e8f2200112233"


def sample(name: str) -> Any:
    """A sample file, parsed."""
    return json.loads((FIXTURES / f"{name}.json").read_text(encoding="utf-8"))


def same_shape(answer: Any, wanted: Any, where: str = "") -> list[str]:
    """Where an answer misses a field of the sample or has it with another JSON type; lists by their first rows."""
    if type(answer) is not type(wanted):
        return [f"{where}: {type(answer).__name__}, not {type(wanted).__name__}"]
    if isinstance(wanted, dict):
        missing = [f"{where}: no {name}" for name in wanted if name not in answer]
        common = [name for name in wanted if name in answer]
        return missing + [each for name in common for each in same_shape(answer[name], wanted[name], f"{where}.{name}")]
    if isinstance(wanted, list) and wanted:
        return same_shape(answer[0], wanted[0], f"{where}[]") if answer else [f"{where}: empty"]
    return []


class Keeper:
    """A sandbox at a standing clock, with the samples' session on its first shop (by default a Tmall one)."""

    def __init__(self, kind: str = "tmall", *, seed: int = 1, shops: int = 1, **settings: Any) -> None:
        wanted = Settings.model_validate({"taobao_shop_kinds": [kind], "rate_limits_on": False} | settings)
        self.sandbox = Sandbox(seed, VirtualClock(START), shops=shops, settings=wanted)
        self.world: World = self.sandbox.world
        self.shop: Shop = self.world.shop("taobao")
        self.world.set_tokens(self.shop, SESSION, "6200refresh")
        self.app = self.world.apps["taobao"]

    def form(self, method: str, **params: Any) -> dict[str, str]:
        """The signed parameters of a call; `session=None` leaves the session out."""
        form = {
            "method": method, "app_key": self.app.key, "timestamp": when(self.world.now()), "format": "json",
            "v": "2.0", "sign_method": "md5", "session": self.shop.grant.access_token,
        }  # fmt: skip
        for name, value in params.items():
            if value is None:
                form.pop(name, None)
            else:
                form[name] = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        return form | {"sign": signing.sign(form, self.app.secret)}

    def post(self, form: dict[str, str]) -> Any:
        """The whole answer."""
        headers = {"content-type": "application/x-www-form-urlencoded;charset=utf-8"}
        return self.sandbox.handle(Request("POST", "/router/rest", [], headers, urlencode(form).encode())).json()

    def answer(self, method: str, **params: Any) -> Any:
        """The whole answer of a call."""
        return self.post(self.form(method, **params))

    def call(self, method: str, **params: Any) -> Any:
        """The fields of a call that must succeed."""
        answer = self.answer(method, **params)
        assert "error_response" not in answer, answer
        (fields,) = answer.values()
        return fields

    def refused(self, method: str, **params: Any) -> tuple[int, str]:
        """(code, sub_code) of a call that must fail; without sub_code the parameter named in the message."""
        error = self.answer(method, **params)["error_response"]
        return error["code"], error.get("sub_code") or error["msg"].partition(":")[2]

    def order(self, variant: str = "plain", **wishes: Any) -> Order:
        """An order, paid unless said otherwise."""
        return self.world.place(self.shop, variant=variant, **wishes)
