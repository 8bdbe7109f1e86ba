"""The toy's front door: one signed POST per method, JSON in and out, always HTTP 200.

Order of checks: app, time, signature, method, rate, token, permission, address, then the business.
"""

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox import platform
from sandbox.gateway import Answered, Limiter, Request, Response, json_response
from sandbox.model import Shop
from sandbox.world import Refused, World
from tests.contract.toy_channel.platform import goods, orders
from tests.contract.toy_channel.platform.callbacks import ToyCallbacks
from tests.contract.toy_channel.platform.profile import PROFILE

PREFIX = "/toy/v1/"
CHANNEL = PROFILE.channel
HANDLERS: Mapping[str, Callable[[World, Shop, Any], dict[str, Any]]] = {**orders.HANDLERS, **goods.HANDLERS}
LISTS = frozenset({"orders.list", "items.list"})
REFRESH = "token.refresh"


@dataclass(frozen=True)
class Call:
    """One request whose sender is proven."""

    method: str
    token: str
    params: Any
    client_ip: str


class Platform(platform.Platform):
    """The toy half of a sandbox."""

    profile = PROFILE

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.callbacks: ToyCallbacks = ToyCallbacks(world, PROFILE.app)
        self._limiter = Limiter(world.now)
        self._requests = 0
        world.subscribe(self.callbacks.on_event)

    def matches(self, path: str) -> bool:
        return path.startswith(PREFIX)

    def handle(self, request: Request) -> Response:
        self._requests += 1
        method, shop = request.path.removeprefix(PREFIX), None
        try:
            call = self._proven(request, method)
            self._check_rate(call)
            if method == REFRESH:
                self._check_address(call)
                self.world.faults.before(CHANNEL, method, None)
                return self._answer(self._refreshed(call))
            shop = self._shop(call)
            self._check_address(call)
            self.world.faults.before(CHANNEL, method, shop.shop_id)
            answer = self._run(call, shop)
        except Refused as refused:
            return self._refusal(refused)
        except Answered as answered:
            return answered.response
        return self.world.faults.after(CHANNEL, method, shop.shop_id, answer, is_list=method in LISTS)

    def _proven(self, request: Request, method: str) -> Call:
        told, app = request.headers, PROFILE.app
        at, token = told.get("x-toy-time", ""), told.get("x-toy-token", "")
        if told.get("x-toy-app") != app.key:
            raise Refused("bad_app", "no such app")
        if not at.isdigit() or abs(int(at) - self.world.now()) > self.world.settings.clock_tolerance:
            raise Refused("bad_time", "the time is missing or too far off")
        text = f"{request.path}\n{at}\n{token}\n".encode() + request.body
        signature = hmac.new(app.secret.encode(), text, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(signature, told.get("x-toy-sign", "")):
            raise Refused("bad_sign", "the signature is wrong")
        if method not in HANDLERS and method != REFRESH:
            raise Refused("bad_method", "no such method")
        try:
            params = json.loads(request.body)
        except ValueError:
            raise Refused("bad_argument", "the body is not JSON") from None
        return Call(method, token, params, request.client_ip)

    def _check_rate(self, call: Call) -> None:
        settings = self.world.settings
        found = self.world.shop_of_token(CHANNEL, call.token)
        full = self.world.faults.take("throttle", CHANNEL, call.method, found[0].shop_id if found else None) is not None
        limits = settings.rate_limits.get(CHANNEL, {}).get(call.method)
        if settings.rate_limits_on and limits is not None and limits.shop is not None:
            full = full or not self._limiter.allow((call.method, call.token), *limits.shop)
        self.world.note_call(CHANNEL, call.method, throttled=full)
        if full:
            raise Refused("throttled", "too many calls")

    def _shop(self, call: Call) -> Shop:
        found = self.world.shop_of_token(CHANNEL, call.token)
        if found is not None:
            self.world.faults.kill_token(CHANNEL, call.method, found[0])
            found = self.world.shop_of_token(CHANNEL, call.token)
        if found is None or not found[0].authorised:
            raise Refused("token_unknown", "no such token")
        shop, until = found
        if until <= self.world.now():
            raise Refused("token_expired", "the token has run out")
        if shop.scopes is not None and call.method not in shop.scopes:
            raise Refused("no_permission", "the shop did not allow this call")
        return shop

    def _check_address(self, call: Call) -> None:
        allowed = self.world.settings.allowed_ips
        if allowed is not None and call.client_ip not in allowed:
            raise Refused("bad_address", "the app may not call from here")

    def _run(self, call: Call, shop: Shop) -> Response:
        if self.world.faults.take("system_error", CHANNEL, call.method, shop.shop_id):
            raise Refused("busy", "try again")
        try:
            return self._answer(HANDLERS[call.method](self.world, shop, call.params))
        except Refused as refused:
            return self._refusal(refused)
        except (KeyError, TypeError, ValueError):
            return self._refusal(Refused("bad_argument", "a parameter is missing or wrong"))

    def _refreshed(self, call: Call) -> dict[str, Any]:
        shop = self.world.shop_of_refresh_token(CHANNEL, str(call.params.get("refresh")))
        if shop is None or not shop.authorised or shop.grant.refresh_expires <= self.world.now():
            raise Refused("token_expired", "the seller must authorise again")
        grant = self.world.renew(shop, keep_old_for=0)
        return {
            "access": grant.access_token,
            "access_until": int(grant.access_expires),
            "refresh": grant.refresh_token,
            "refresh_until": int(grant.refresh_expires),
        }

    def _answer(self, data: dict[str, Any]) -> Response:
        return json_response({"ok": True, "request": self._request_id(), "data": data})

    def _refusal(self, refused: Refused) -> Response:
        told = {"ok": False, "request": self._request_id(), "error": refused.reason, "text": str(refused)}
        return json_response(told | ({"retry_after": 1.0} if refused.reason == "throttled" else {}))

    def _request_id(self) -> str:
        return f"t{self._requests}"
