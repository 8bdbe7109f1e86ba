"""Pinduoduo's front door: which paths it answers, the order of checks, envelopes, rate limits.

Check order (dossier section 14, partly inferred): parse, type (10017), common parameters (10001), client_id (10016),
timestamp (10001), sign (20004), IP (20005), token (20032), expiry (10019), scope (20031), rate (70031, 52101), then the
business parameters (21002, 21001, 10000) and rules (50001) of the API. Everything is HTTP 200.
"""

import re
from collections.abc import Mapping
from typing import Any

from .. import platform
from ..gateway import Answered, Limiter, Request, Response, UnreadableBody, json_response, parse_params
from ..model import Shop
from ..settings import RateLimit
from ..world import Refused, World
from . import auth, errors, messages, session, signing
from .apis import APIS
from .call import Api, Call, as_business
from .errors import PddError
from .params import Params
from .profile import PROFILE

GRANTABLE = tuple(sorted(name for name, api in APIS.items() if api.token))
ROUTERS = frozenset({"/api/router", "/oauth/token"})
_SYSTEM = frozenset(
    {
        "type",
        "client_id",
        "timestamp",
        "sign",
        "access_token",
        "data_type",
        "version",
        "target_client_id",
        "partner_id",
        "sign_method",
    }
)
_SECONDS = re.compile(r"\d{1,10}")


class Platform(platform.Platform):
    """The simulated platform on a world. `handle` is synchronous and may raise NoAnswer (an injected timeout)."""

    profile = PROFILE
    channel = PROFILE.channel
    socket_path = session.PREFIX + "{rest:path}"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._limiter = Limiter(world.now)
        self._requests = 0
        world.subscribe(messages.Publisher(world).on_event)

    def matches(self, path: str) -> bool:
        """Whether this platform answers on the path."""
        return path in ROUTERS

    def admits(self, path: str) -> bool:
        """Whether the digest in a message connection's path is right and fresh."""
        return session.admits(self.world, path)

    def connect(self) -> session.Session:
        """A new message connection."""
        return session.Session(self.world)

    def handle(self, request: Request) -> Response:
        """Answer one HTTP request."""
        self._requests += 1
        if request.method != "POST":
            return Response(405, {"content-type": "text/plain"}, b"Method Not Allowed")
        try:
            params = parse_params(request)
            if request.path == "/oauth/token":
                return json_response(auth.legacy_token(self.world, params, GRANTABLE))
            return self._routed(request, params)
        except UnreadableBody:
            return self._refusal(errors.plain(10000))
        except Answered as answered:
            return answered.response
        except PddError as error:
            return self._refusal(error)

    def _routed(self, request: Request, params: Mapping[str, str]) -> Response:
        world = self.world
        method, api = self._known_type(params)
        self._check_common(params)
        if not signing.verify(params, world.apps[self.channel].secret):
            raise errors.plain(20004)
        allowed = world.settings.allowed_ips
        if allowed is not None and request.client_ip not in allowed:
            raise errors.plain(20005)
        shop = self._shop(method, params) if api.token else None
        self._check_rate(method, api, shop)
        shop_id = shop.shop_id if shop else None
        faults = world.faults
        faults.before(self.channel, method, shop_id)
        broken = faults.take("system_error", self.channel, method, shop_id)
        if broken is not None:
            raise errors.plain(broken.code or 50000)
        business = {name: value for name, value in params.items() if name not in _SYSTEM}
        answer = self._run(api, Call(world, Params(business), shop, GRANTABLE))
        return faults.after(self.channel, method, shop_id, answer, is_list=api.listing)

    def _run(self, api: Api, call: Call) -> Response:
        try:
            body = api.handler(call)
        except Refused as refused:
            return self._refusal(as_business(refused))
        except PddError as error:
            return self._refusal(error)
        body["request_id"] = self._request_id()
        return json_response(body if api.root is None else {api.root: body})

    def _known_type(self, params: Mapping[str, str]) -> tuple[str, Api]:
        method = params.get("type")
        if not method:
            raise errors.public_param("type")
        api = APIS.get(method)
        if api is None:
            raise errors.plain(10017)
        return method, api

    def _check_common(self, params: Mapping[str, str]) -> None:
        for name in ("client_id", "timestamp", "sign"):
            if not params.get(name):
                raise errors.public_param(name)
        if params.get("data_type", "JSON") != "JSON":
            raise errors.public_param("data_type")
        if params["client_id"] != self.world.apps[self.channel].key:
            raise errors.plain(10016)
        given = params["timestamp"]
        if not _SECONDS.fullmatch(given) or abs(int(given) - self.world.now()) > self.world.settings.clock_tolerance:
            raise errors.public_param("timestamp")

    def _shop(self, method: str, params: Mapping[str, str]) -> Shop:
        token = params.get("access_token", "")
        found = self.world.shop_of_token(self.channel, token)
        if found is None or not found[0].authorised:
            raise errors.plain(20032)
        shop = found[0]
        self.world.faults.kill_token(self.channel, method, shop)
        found = self.world.shop_of_token(self.channel, token)
        if found is None or found[1] <= self.world.now():
            raise errors.plain(10019)
        if shop.scopes is not None and method not in shop.scopes:
            raise errors.plain(20031)
        return shop

    def _check_rate(self, method: str, api: Api, shop: Shop | None) -> None:
        """70031 for the shop's and the app's window, 52101 for the API's (which is which is inferred)."""
        world = self.world
        injected = world.faults.take("throttle", self.channel, method, shop.shop_id if shop else None)
        code = (injected.code or 70031) if injected else self._over_limit(method, api, shop)
        world.note_call(self.channel, method, throttled=code is not None)
        if code is not None:
            raise errors.plain(code)

    def _over_limit(self, method: str, api: Api, shop: Shop | None) -> int | None:
        settings = self.world.settings
        if not settings.rate_limits_on:
            return None
        own = settings.rate_limits.get(self.channel, {})
        limits = own.get(method) or own.get("*") or api.limits
        if method == "pdd.open.decrypt.batch" and not settings.inside_cloud and method not in own:
            limits = RateLimit(app=(1, 10), api=limits.api)
        if shop and limits.shop and not self._limiter.allow((method, "shop", shop.shop_id), *limits.shop):
            return 70031
        if limits.app and not self._limiter.allow((method, "app"), *limits.app):
            return 70031
        if limits.api and not self._limiter.allow((method, "api"), *limits.api):
            return 52101
        return None

    def _refusal(self, error: PddError) -> Response:
        body: dict[str, Any] = {
            "error_code": error.code,
            "error_msg": error.text,
            "sub_code": error.sub_code,
            "sub_msg": error.sub_text if error.sub_text is not None else error.text,
            "request_id": self._request_id(),
        }
        return json_response({"error_response": body})

    def _request_id(self) -> str:
        return f"{int(self.world.now())}{self._requests % 10**7:07d}"
