"""The control API below `/_sandbox/`: credentials, orders and their life, stock, prices, clock, faults, truth.

JSON in, JSON out. Wrong input is 400, an unknown thing 404, a step the world refuses 409, each as
`{"error": "<words>"}`.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, validate_call

from .faults import FaultRule
from .gateway import Request, Response, json_response
from .model import Price, Shop, Sku
from .platform import Platform
from .steps import STEPS
from .truth import credentials, order_truth, sku_truth, truth
from .world import Refused, World

PREFIX = "/_sandbox/"
_OBJECT: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[str, Any])
_STEPS: dict[str, Callable[..., Any]] = {
    name: validate_call(config=ConfigDict(arbitrary_types_allowed=True))(step) for name, step in STEPS.items()
}


class _Body(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Place(_Body):
    channel: str
    shop_id: str | None = None
    count: int = Field(default=1, ge=1, le=1_000_000)
    paid: bool = True
    sku_id: str | None = None
    code: str | None = None
    quantity: int | None = None
    variant: str | None = None
    spread_seconds: float = Field(default=0, ge=0)
    """Placing times are spread evenly over the last N seconds."""
    restock: bool = False


class _OfSku(_Body):
    channel: str
    shop_id: str | None = None
    sku_id: str


class _Stock(_OfSku):
    quantity: int | None = None
    delta: int | None = None


class _Price(_OfSku):
    sale: int | None = Field(default=None, ge=1)
    single: int | None = Field(default=None, ge=1)
    market: int | None = Field(default=None, ge=1)


class _Item(_Body):
    channel: str
    shop_id: str | None = None
    item_id: str
    on_shelf: bool | None = None
    promoted: bool | None = None
    presale: bool | None = None
    review: Literal["passed", "pending", "rejected", "banned"] | None = None
    deleted: Literal[True] | None = None


class _Clock(_Body):
    advance: float = Field(ge=0)


class _Token(_Body):
    channel: str
    shop_id: str | None = None
    action: Literal["expire", "expire_refresh", "revoke", "authorise", "code", "set", "scopes"]
    access_token: str = ""
    refresh_token: str = ""
    scopes: list[str] | None = None


class _Callback(_Body):
    channel: str
    url: str | None


class Control:
    """The control API of a world and the platforms on it."""

    def __init__(self, world: World, platforms: Mapping[str, Platform]) -> None:
        self._world = world
        self._platforms = platforms
        self._routes: dict[tuple[str, str], Callable[[Request], Any]] = {
            ("GET", "credentials"): lambda _: credentials(world),
            ("GET", "truth"): lambda request: truth(world, dict(request.query).get("channel")),
            ("GET", "settings"): lambda _: world.settings.model_dump(),
            ("POST", "settings"): lambda request: world.change_settings(_json(request)).model_dump(),
            ("GET", "faults"): lambda _: {"faults": self._faults()},
            ("POST", "faults"): lambda request: {
                "id": world.faults.add(FaultRule.model_validate(_json(request))).fault_id
            },
            ("DELETE", "faults"): lambda _: {"removed": world.faults.clear()},
            ("GET", "clock"): lambda _: {"now": world.now()},
            ("POST", "clock"): lambda request: self._advance(_Clock.model_validate(_json(request))),
            ("POST", "orders"): lambda request: self._place(_Place.model_validate(_json(request))),
            ("POST", "stock"): lambda request: self._stock(_Stock.model_validate(_json(request))),
            ("POST", "price"): lambda request: self._price(_Price.model_validate(_json(request))),
            ("POST", "item"): lambda request: self._item(_Item.model_validate(_json(request))),
            ("POST", "token"): lambda request: self._token(_Token.model_validate(_json(request))),
            ("POST", "callback"): lambda request: self._callback(_Callback.model_validate(_json(request))),
        }

    def handle(self, request: Request) -> Response:
        """Answer one control request."""
        try:
            return json_response(self._answer(request))
        except Refused as refused:
            status = 404 if refused.reason.startswith("unknown") else 400 if refused.reason == "bad_argument" else 409
            return json_response({"error": str(refused), "reason": refused.reason}, status)
        except ValidationError as error:
            problems = [f"{'.'.join(map(str, each['loc'])) or 'body'}: {each['msg']}" for each in error.errors()]
            return json_response({"error": "; ".join(problems)}, 400)
        except ValueError as error:
            return json_response({"error": str(error)}, 400)

    def _answer(self, request: Request) -> Any:
        parts = request.path.removeprefix(PREFIX).strip("/").split("/")
        match request.method, parts:
            case "POST", ["orders", order_id, step]:
                return self._step(order_id, step, _json(request))
            case "GET", ["orders", order_id]:
                return order_truth(self._world.order(order_id))
            case "DELETE", ["faults", fault_id] if fault_id.isdigit():
                return {"removed": self._world.faults.clear(int(fault_id))}
        route = self._routes.get((request.method, "/".join(parts)))
        if route is None:
            known = ", ".join(sorted({f"{method} {path}" for method, path in self._routes}))
            raise Refused(
                "unknown_path", f"no {request.method} {request.path}; there is {known}, POST orders/<id>/<step>"
            )
        return route(request)

    def _step(self, order_id: str, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        order = self._world.order(order_id)
        step = _STEPS.get(name)
        if step is None:
            raise Refused("unknown_step", f"no step {name!r}; there are {', '.join(STEPS)}")
        return {"result": step(self._world, order, **arguments), "order": order_truth(order)}

    def _place(self, wanted: _Place) -> dict[str, Any]:
        world = self._world
        shop = world.shop(wanted.channel, wanted.shop_id)
        sku = self._wanted_sku(shop, wanted)
        now = world.now()
        ids = []
        for n in range(wanted.count):
            at = now - wanted.spread_seconds * (1 - (n + 1) / wanted.count) if wanted.spread_seconds else None
            order = world.place(
                shop,
                sku=sku,
                quantity=wanted.quantity,
                variant=wanted.variant,
                paid=wanted.paid,
                at=at,
                restock=wanted.restock,
            )
            ids.append(order.order_id)
        return {"order_ids": ids}

    def _wanted_sku(self, shop: Shop, wanted: _Place) -> Sku | None:
        if wanted.sku_id is not None:
            return self._world.sku(shop, wanted.sku_id)
        if wanted.code is None:
            return None
        found = self._world.skus_by_code(shop, wanted.code)
        if not found:
            raise Refused("unknown_sku", f"no SKU with code {wanted.code!r}")
        return found[0]

    def _stock(self, wanted: _Stock) -> dict[str, Any]:
        """An edit in the seller's backend: promotion rules do not bind it."""
        shop, sku = self._of(wanted)
        if (wanted.quantity is None) == (wanted.delta is None):
            raise ValueError("give either quantity or delta")
        quantity = sku.sellable + wanted.delta if wanted.delta is not None else wanted.quantity
        self._world.set_stock(shop, sku, quantity or 0, "seller")
        return sku_truth(sku)

    def _price(self, wanted: _Price) -> dict[str, Any]:
        """An edit in the seller's backend, in force at once; a price in review is dropped."""
        shop, sku = self._of(wanted)
        old = sku.price
        sku.price = Price(wanted.sale or old.sale, wanted.single or old.single, wanted.market or old.market)
        sku.pending_price = None
        self._world.touch_item(shop, self._world.item(shop, sku.item_id))
        return sku_truth(sku)

    def _item(self, wanted: _Item) -> dict[str, Any]:
        world = self._world
        shop = world.shop(wanted.channel, wanted.shop_id)
        item = world.item(shop, wanted.item_id)
        if wanted.promoted is not None:
            item.promoted = wanted.promoted
        if wanted.presale is not None:
            item.presale = wanted.presale
        if wanted.review is not None and wanted.review != item.review:
            item.review = wanted.review
            world.touch_item(shop, item, "item.rejected" if wanted.review == "rejected" else "item.changed")
        if wanted.on_shelf is not None:
            world.set_shelf(shop, item, wanted.on_shelf)
        if wanted.deleted:
            world.delete_item(shop, item)
        return {"on_shelf": item.on_shelf, "promoted": item.promoted, "review": item.review, "deleted": item.deleted}

    def _of(self, wanted: _OfSku) -> tuple[Shop, Sku]:
        shop = self._world.shop(wanted.channel, wanted.shop_id)
        return shop, self._world.sku(shop, wanted.sku_id)

    def _advance(self, wanted: _Clock) -> dict[str, Any]:
        self._world.advance(wanted.advance)
        for outbox in self._world.outboxes.values():
            for wake in outbox.wake:
                wake()
        return {"now": self._world.now()}

    def _token(self, wanted: _Token) -> dict[str, Any]:
        world = self._world
        shop = world.shop(wanted.channel, wanted.shop_id)
        grant = shop.grant
        match wanted.action:
            case "expire":
                grant.access_expires = world.now() - 1
                grant.older.clear()
            case "expire_refresh":
                grant.refresh_expires = world.now() - 1
            case "revoke":
                shop.authorised = False
            case "authorise":
                shop.authorised = True
                world.renew(shop)
            case "code":
                return {"code": world.issue_code(shop)}
            case "set":
                if not wanted.access_token or not wanted.refresh_token:
                    raise ValueError("give access_token and refresh_token")
                world.set_tokens(shop, wanted.access_token, wanted.refresh_token)
            case "scopes":
                shop.scopes = None if wanted.scopes is None else frozenset(wanted.scopes)
        return {
            "access_token": shop.grant.access_token,
            "refresh_token": shop.grant.refresh_token,
            "authorised": shop.authorised,
        }

    def _callback(self, wanted: _Callback) -> dict[str, Any]:
        callbacks = {code: each.callbacks for code, each in self._platforms.items() if each.callbacks is not None}
        if wanted.channel not in callbacks:
            raise ValueError(f"channel: only {', '.join(callbacks)} can be told where to push")
        callbacks[wanted.channel].set_url(wanted.url)
        return {"url": wanted.url}

    def _faults(self) -> list[dict[str, Any]]:
        return [
            fault.rule.model_dump() | {"id": fault.fault_id, "struck": fault.struck}
            for fault in self._world.faults.rules.values()
        ]


def _json(request: Request) -> dict[str, Any]:
    """The body as an object; an empty body is an empty object. ValueError otherwise."""
    if not request.body.strip():
        return {}
    try:
        return _OBJECT.validate_json(request.body)
    except ValidationError:
        raise ValueError("the body is not a JSON object") from None
