"""JD's front door: `/routerjson` with its order of checks and envelopes, and the OAuth addresses.

Check order (inferred): app_key (20, 21), method (14), timestamp (7, 8), version (4, 5), signature
(11, 12), unknown method (15), token (18, 19), permission (24), quota (2), then the business. Everything is HTTP 200.
Parameters of query and form are one set; the signature is checked over the texts received.
"""

import re
from collections.abc import Coroutine, Mapping
from typing import Any

from .. import platform
from ..gateway import Answered, Limiter, Request, Response, UnreadableBody, json_response, parse_form
from ..model import Shop
from ..world import Refused, World
from . import errors, oauth, signing
from .call import CHANNEL, Call, Members, Method, Opened
from .desk import Desk
from .errors import GatewayError, Refusal
from .ledger import Ledger
from .methods import METHODS
from .params import Params, instant
from .profile import PROFILE
from .push_table import PushTable, deliver, open_table

ROUTER = "/routerjson"
_TIMESTAMP = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)(?:\.\d{3}\+0800)?")


class Platform(platform.Platform):
    """The simulated platform on a world. `handle` is synchronous and may raise NoAnswer (an injected timeout)."""

    profile = PROFILE

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.app = world.apps[CHANNEL]
        self.desk = Desk()
        self.ledger = Ledger()
        self.audit: list[Opened] = []
        self._limiter = Limiter(world.now)
        self.pushes: PushTable | None = None
        world.subscribe(self.desk.on_event)

    def open_pushes(self, url: str) -> None:
        """The table yd_pop_order, made when it is missing, is written from now on. Raises NoDatabase."""
        self.pushes = open_table(self.world, url)

    def background(self) -> Coroutine[Any, Any, None] | None:
        """Writes the push table, where there is one."""
        return None if self.pushes is None else deliver(self.world, self.pushes)

    def matches(self, path: str) -> bool:
        """Whether this platform answers on the path."""
        return path == ROUTER or path in oauth.PATHS

    def handle(self, request: Request) -> Response:
        """Answer one HTTP request."""
        try:
            params = dict(request.query) | parse_form(request.body)
            if request.path != ROUTER:
                return oauth.answer(self.world, request.path, params)
            return self._routed({name: value for name, value in params.items() if value})
        except UnreadableBody:
            return _refused(GatewayError(20))
        except Answered as answered:
            return answered.response
        except GatewayError as error:
            return _refused(error)

    def _routed(self, params: Mapping[str, str]) -> Response:
        world = self.world
        self._check_common(params)
        name = params["method"]
        method = METHODS.get(name)
        if method is None:
            raise GatewayError(15)
        shop = self._shop(name, params) if method.token else None
        shop_id = shop.shop_id if shop else None
        self._check_quota(name, shop_id)
        world.faults.before(CHANNEL, name, shop_id)
        broken = world.faults.take("system_error", CHANNEL, name, shop_id)
        if broken is not None and broken.code not in errors.TRANSIENT:
            raise GatewayError(broken.code or 66)
        try:
            business = Params.parse(params.get("360buy_param_json", ""))
        except ValueError:
            raise GatewayError(61) from None
        if broken is not None and broken.code is not None:
            members = method.failure(errors.transient(broken.code))
        else:
            members = _run(method, Call(world, name, business, shop, self.desk, self.ledger, self.audit))
        answer = json_response({name.replace(".", "_") + "_responce": {"code": "0"} | members})
        return world.faults.after(CHANNEL, name, shop_id, answer, is_list=method.listing)

    def _check_common(self, params: Mapping[str, str]) -> None:
        """Empty values were dropped before: they count as missing and are not signed."""
        if "app_key" not in params:
            raise GatewayError(20)
        if params["app_key"] != self.app.key:
            raise GatewayError(21)
        if "method" not in params:
            raise GatewayError(14)
        if "timestamp" not in params:
            raise GatewayError(7)
        if not self._is_fresh(params["timestamp"]):
            raise GatewayError(8)
        if "v" not in params:
            raise GatewayError(4)
        if params["v"] != "2.0":
            raise GatewayError(5)
        if "sign" not in params:
            raise GatewayError(11)
        if params["sign"] != signing.sign(params, self.app.secret):
            raise GatewayError(12)

    def _is_fresh(self, timestamp: str) -> bool:
        found = _TIMESTAMP.fullmatch(timestamp)
        at = instant(found[1]) if found else None
        return at is not None and abs(at - self.world.now()) <= self.world.settings.jd_clock_tolerance

    def _shop(self, name: str, params: Mapping[str, str]) -> Shop:
        token = params.get("access_token")
        if token is None:
            raise GatewayError(18)
        found = self.world.shop_of_token(CHANNEL, token)
        if found is None or not found[0].authorised:
            raise GatewayError(19)
        shop = found[0]
        self.world.faults.kill_token(CHANNEL, name, shop)
        found = self.world.shop_of_token(CHANNEL, token)
        if found is None or found[1] <= self.world.now():
            raise GatewayError(19)
        if shop.scopes is not None and name not in shop.scopes:
            raise GatewayError(24)
        return shop

    def _check_quota(self, name: str, shop_id: str | None) -> None:
        """No limits are published: off unless the settings name some."""
        world = self.world
        limited = world.faults.take("throttle", CHANNEL, name, shop_id) is not None or self._over_limit(name, shop_id)
        world.note_call(CHANNEL, name, throttled=limited)
        if limited:
            raise GatewayError(2)

    def _over_limit(self, name: str, shop_id: str | None) -> bool:
        settings = self.world.settings
        own = settings.rate_limits.get(CHANNEL, {})
        limits = own.get(name) or own.get("*")
        if limits is None or not settings.rate_limits_on:
            return False
        keys = {(name, "shop", shop_id or ""): limits.shop, (name, "app"): limits.app, (name, "api"): limits.api}
        return any(limit is not None and not self._limiter.allow(key, *limit) for key, limit in keys.items())


def _run(method: Method, call: Call) -> Members:
    try:
        return method.handler(call)
    except Refused as refused:
        return method.failure(errors.of_world(refused.reason))
    except Refusal as refusal:
        return method.failure(refusal)


def _refused(error: GatewayError) -> Response:
    body = {"code": str(error.code), "zh_desc": error.chinese, "en_desc": error.english}
    return json_response({"error_response": body})
