"""TOP's front door: one address for all methods, the order of checks, bans, faults.

http method (9) -> encoding (47) -> format (23) -> sign_method (40, 41) -> app_key (28) -> sign (24) -> method (21) ->
timestamp (30, 31) -> version (32, 33) -> app known (29) -> limits (7) -> method known (22) -> signature (25) ->
session (26, 27) -> permission (11, 42) -> IP (11) -> arguments (40, 41) -> business (15). The order is inferred.
Query and form are merged before anything is checked. Only JSON answers: another format, also the default xml, is 23.
"""

from collections.abc import Mapping

from .. import platform
from ..gateway import Answered, Request, Response, UnreadableBody, json_response, parse_params
from ..model import Event, Shop
from ..world import Refused, World
from . import auth, envelope, errors, limits, messages, signing
from .call import CHANNEL, Api, Call, Memory
from .longlink import LongLink
from .methods import METHODS
from .params import Params
from .profile import PROFILE
from .values import instant

ROUTERS = frozenset({"/router/rest", "/top/router/rest"})
SYSTEM = frozenset(
    {
        "method",
        "app_key",
        "session",
        "timestamp",
        "format",
        "v",
        "sign_method",
        "sign",
        "partner_id",
        "target_app_key",
        "simplify",
    }
)
FORMS = frozenset({"application/x-www-form-urlencoded", "multipart/form-data", ""})


class Platform(platform.Platform):
    """The simulated platform on a world. `handle` is synchronous and may raise NoAnswer (an injected timeout)."""

    profile = PROFILE
    socket_path = "/"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.app = world.apps[CHANNEL]
        self.memory = Memory()
        self.bans = limits.Bans(world)
        self._requests = 0
        world.subscribe(self._count)
        world.subscribe(messages.Publisher(world).on_event)

    def _count(self, event: Event) -> None:
        self.memory.revision += 1
        if event.kind == "order.address_changed" and event.order is not None:
            self.memory.moved.add(event.order.order_id)

    def matches(self, path: str) -> bool:
        """Whether this platform answers on the path."""
        return path in ROUTERS or path in (auth.TOKEN, auth.AUTHORIZE)

    def connect(self) -> LongLink:
        """A new message connection; who it is comes in its first frame."""
        return LongLink(self.world)

    def handle(self, request: Request) -> Response:
        """Answer one HTTP request."""
        if request.path == auth.AUTHORIZE:
            return auth.authorize(self.world, self.memory, dict(request.query))
        try:
            if request.path == auth.TOKEN:
                return auth.token_endpoint(self.world, self.memory, parse_params(request))
            return self._routed(request)
        except UnreadableBody:
            return self._refusal(errors.TopError(47))
        except Answered as answered:
            return answered.response
        except errors.TopError as error:
            return self._refusal(error)

    def _routed(self, request: Request) -> Response:
        world = self.world
        if request.method not in ("POST", "GET"):
            raise errors.TopError(9)
        raw = request.body.decode("utf-8", "replace") if request.content_type not in FORMS else ""
        params = dict(request.query) if raw else parse_params(request)
        method = self._check_system(params)
        self._check_limits(params, method)
        api = METHODS.get(method)
        if api is None:
            raise errors.TopError(22)
        if not signing.verify(params, self.app.secret, raw):
            raise errors.TopError(25)
        shop = self._shop(method, params) if api.session else None
        self._check_permission(method, api, shop, request.client_ip)
        shop_id = shop.shop_id if shop else None
        world.faults.before(CHANNEL, method, shop_id)
        broken = world.faults.take("system_error", CHANNEL, method, shop_id)
        if broken is not None:
            raise errors.business(broken.sub_code or "isp.remote-service-timeout", "API调用远程服务超时")
        business = {name: value for name, value in params.items() if name not in SYSTEM}
        answer = self._run(method, api, Call(world, self.memory, Params(business), shop, method), params)
        return world.faults.after(CHANNEL, method, shop_id, answer, is_list=api.listing)

    def _run(self, method: str, api: Api, call: Call, params: Mapping[str, str]) -> Response:
        """The answer; a business refusal is one too, so that faults of the way back hit it."""
        try:
            fields = api.handler(call)
        except errors.TopError as error:
            return self._refusal(error)
        except Refused as refused:
            return self._refusal(errors.business("isv.invalid-permission", str(refused)))
        simplify = params.get("simplify") == "true"
        return json_response(envelope.success(method, fields, self._request_id(), simplify=simplify))

    def _check_system(self, params: Mapping[str, str]) -> str:
        """System parameters in order; the method, known or not."""
        if params.get("format") != "json":
            raise errors.TopError(23)
        if not params.get("sign_method"):
            raise errors.missing("sign_method")
        if params["sign_method"] not in signing.METHODS:
            raise errors.invalid("sign_method")
        for name, code in (("app_key", 28), ("sign", 24), ("method", 21), ("timestamp", 30)):
            if not params.get(name):
                raise errors.TopError(code)
        at = _instant(params["timestamp"])
        if at is None or abs(at - self.world.now()) > self.world.settings.clock_tolerance:
            raise errors.TopError(31)
        if not params.get("v"):
            raise errors.TopError(32)
        if params["v"] != "2.0":
            raise errors.TopError(33)
        if params["app_key"] != self.app.key:
            raise errors.TopError(29, "isv.appkey-not-exists")
        return params["method"]

    def _check_limits(self, params: Mapping[str, str], method: str) -> None:
        world, session = self.world, params.get("session", "")
        found = world.shop_of_token(CHANNEL, session)
        injected = world.faults.take("throttle", CHANNEL, method, found[0].shop_id if found else None)
        refusal: errors.TopError | None = None
        if injected is not None:
            sub_code = injected.sub_code or limits.APP_API
            seconds = world.settings.taobao_ban if injected.seconds is None else injected.seconds
            refusal = self.bans.ban("*" if sub_code == limits.APP else method, sub_code, seconds)
        elif world.settings.rate_limits_on:
            refusal = self.bans.check(method, session)
        if method in METHODS:
            world.note_call(CHANNEL, method, throttled=refusal is not None)
        if refusal is not None:
            raise refusal

    def _shop(self, method: str, params: Mapping[str, str]) -> Shop:
        session = params.get("session", "")
        if not session:
            raise errors.TopError(26)
        found = self.world.shop_of_token(CHANNEL, session)
        if found is not None:
            self.world.faults.kill_token(CHANNEL, method, found[0])
            found = self.world.shop_of_token(CHANNEL, session)
        if found is not None and not found[0].authorised:
            raise errors.TopError(27, "session-not-exist", "SessionKey不存在")
        if found is None or found[1] <= self.world.now():
            raise errors.TopError(27, "invalid-sessionkey", "SessionKey非法")
        return found[0]

    def _check_permission(self, method: str, api: Api, shop: Shop | None, client_ip: str) -> None:
        settings = self.world.settings
        if shop is not None and shop.scopes is not None and method not in shop.scopes:
            raise errors.TopError(11, "isv.permission-api-package-limit", "scope ids is 381")
        if shop is not None and api.risky and settings.taobao_risky_life is not None:
            issued = shop.grant.access_expires - settings.token_life[CHANNEL]
            if self.world.now() > issued + settings.taobao_risky_life:
                raise errors.TopError(42)
        allowed = settings.allowed_ips
        if allowed is not None and client_ip not in allowed:
            text = f"The appkey {self.app.key} is only allowed to call from {','.join(allowed)}, "
            text += f"but your ip is {client_ip}"
            raise errors.TopError(11, "isv.permission-ip-whitelist-limit", text)

    def _refusal(self, error: errors.TopError) -> Response:
        return json_response(error.body(self._request_id()))

    def _request_id(self) -> str:
        self._requests += 1
        return f"15r{int(self.world.now()) % 10**6:05x}{self._requests % 16**5:05x}"


def _instant(text: str) -> float | None:
    """GMT+8 wall clock, or epoch milliseconds as one official SDK sends; None when it is neither."""
    if text.isascii() and text.isdigit() and len(text) == 13:
        return int(text) / 1000
    try:
        return instant(text)
    except ValueError:
        return None
