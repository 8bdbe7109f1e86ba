"""Faults on demand: rules that make the next calls or pushes go wrong, deterministic by the world's seed.

Call faults act at the gateway (`Faults.before`, `Faults.after`, called by each platform around a request that passed
its own checks); push faults act in the outbox; `partial_failure`, `system_error` and `throttle` are asked for by the
platforms, which know how such an answer looks.
"""

from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from .gateway import Answered, NoAnswer, Response
from .ground import Ground
from .model import Shop, State

FaultKind = Literal[
    "throttle",
    "http_5xx",
    "html",
    "truncated",
    "timeout_before",
    "timeout_after",
    "system_error",
    "drop_push",
    "duplicate_push",
    "reorder_push",
    "delay_push",
    "token_death",
    "index_lag",
    "partial_failure",
    "modify_between_pages",
]
_HTML = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"


class FaultRule(BaseModel):
    """What goes wrong where. `method` is an API name or push topic; None matches all. `times` None = until deleted.

    seconds: how long a timeout holds, how late a push is, how deep an index lags. status: of http_5xx.
    code, sub_code: the platform's error code of system_error or throttle, where several are possible.
    spare_tokens: leave the calls alone that hand out tokens. Where a refresh replaces the refresh token, an answer that
    is lost is lost for good, and only the seller can authorise the app again.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    kind: FaultKind
    channel: str
    shop: str | None = None
    method: str | None = None
    times: int | None = Field(default=None, ge=1)
    probability: float = Field(default=1, ge=0, le=1)
    seconds: float | None = Field(default=None, ge=0)
    status: int = Field(default=502, ge=500, le=599)
    code: int | None = None
    sub_code: str | None = None
    spare_tokens: bool = False


@dataclass(slots=True)
class Fault:
    """A rule in force and how often it struck."""

    fault_id: int
    rule: FaultRule
    struck: int = 0


class Faults:
    """The rules in force."""

    def __init__(self, world: Ground) -> None:
        self._world = world
        self._next = 1
        self.rules: dict[int, Fault] = {}

    def add(self, rule: FaultRule) -> Fault:
        """Put a rule in force."""
        fault = Fault(self._next, rule)
        self.rules[self._next] = fault
        self._next += 1
        return fault

    def clear(self, fault_id: int | None = None) -> int:
        """Drop one rule or all; how many were dropped."""
        gone = [fault_id] if fault_id is not None else list(self.rules)
        return sum(self.rules.pop(each, None) is not None for each in gone)

    def take(self, kind: str, channel: str, method: str, shop_id: str | None) -> FaultRule | None:
        """The first rule of this kind that strikes now; its `times` are counted down."""
        for fault in self.rules.values():
            rule = fault.rule
            if rule.kind != kind or rule.channel != channel:
                continue
            if (rule.shop is not None and rule.shop != shop_id) or (rule.method is not None and rule.method != method):
                continue
            if rule.spare_tokens and method in self._world.profiles[channel].token_methods:
                continue
            if rule.times is not None and fault.struck >= rule.times:
                continue
            if rule.probability < 1 and self._world.random.random() >= rule.probability:
                continue
            fault.struck += 1
            return rule
        return None

    def lag(self, channel: str, shop_id: str) -> float:
        """Seconds of updates hidden from lists: the setting, or an `index_lag` rule (not counted down)."""
        lag = self._world.settings.index_lag.get(channel, 0)
        for fault in self.rules.values():
            rule = fault.rule
            if rule.kind == "index_lag" and rule.channel == channel and rule.shop in (None, shop_id):
                lag = max(lag, rule.seconds if rule.seconds is not None else 10)
        return lag

    def kill_token(self, channel: str, method: str, shop: Shop) -> None:
        """`token_death`: the shop's access token expires at this moment. Ask before checking the token's expiry."""
        if self.take("token_death", channel, method, shop.shop_id):
            shop.grant.access_expires = self._world.now() - 1
            shop.grant.older.clear()

    def before(self, channel: str, method: str, shop_id: str | None) -> None:
        """Before the call takes effect. Raises NoAnswer or Answered."""
        late = self.take("timeout_before", channel, method, shop_id)
        if late is not None:
            raise NoAnswer(late.seconds or 0)
        broken = self.take("http_5xx", channel, method, shop_id)
        if broken is not None:
            raise Answered(Response(broken.status, {"content-type": "text/plain"}, b"Bad Gateway"))
        if self.take("html", channel, method, shop_id):
            raise Answered(Response(200, {"content-type": "text/html"}, _HTML))

    def after(
        self, channel: str, method: str, shop_id: str | None, response: Response, *, is_list: bool = False
    ) -> Response:
        """After the effect: a cut answer, or NoAnswer. `is_list` = a page of rows: `modify_between_pages` bites."""
        if is_list and shop_id is not None and self.take("modify_between_pages", channel, method, shop_id):
            self._modify_some_order(channel, shop_id)
        late = self.take("timeout_after", channel, method, shop_id)
        if late is not None:
            raise NoAnswer(late.seconds or 0)
        if self.take("truncated", channel, method, shop_id):
            return Response(response.status, response.headers, response.body[: len(response.body) // 2])
        return response

    def _modify_some_order(self, channel: str, shop_id: str) -> None:
        """Somebody hurries an order that is still in the house, or any order."""
        book = self._world.books[channel, shop_id]
        rows = book.by_updated.keys(0, len(book.by_updated))
        candidates = [book.orders[key] for key in rows[-500:] if book.orders[key].state is not State.UNPAID]
        if candidates:
            order = self._world.random.choice(candidates)
            order.urged = self._world.now()
            self._world.touch_order(order, "order.changed")
