"""The gateway of the simulated Douyin shop platform: one POST per method, checked in the dossier's order.

path known (70000) -> system parameters (40001) -> timestamp (40003) -> app_key (40003) -> signature (40003) ->
throttle (60000) -> access_token (40001, 40003) -> authorisation, permission (30001) -> IP (30002) -> business.
Every answer has HTTP status 200. The signature is checked over the bytes received; `strict_canonical` also refuses
a body that a canonical encoder would have written differently.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .. import platform
from ..gateway import Answered, Limiter, Request, Response, UnreadableBody, parse_form
from ..model import Event, Shop
from ..settings import Limit, RateLimit
from ..world import World
from . import aftersale, auth, envelope, errors, goods, orders, privacy, shipping, signing, stock, warehouses, waybills
from .call import Call, Handler, Memory
from .callbacks import DouyinCallbacks
from .ciphers import Cipher
from .messages import Messages
from .params import Params
from .profile import PROFILE

CHANNEL = "douyin"
APIS: dict[str, Handler] = {
    **auth.APIS,
    **orders.APIS,
    **shipping.APIS,
    **privacy.APIS,
    **aftersale.APIS,
    **goods.APIS,
    **stock.APIS,
    **warehouses.APIS,
    **waybills.APIS,
}
LISTS = frozenset({"order.searchList", "afterSale.List"})
FAMILIES = frozenset(
    {"token", "open", "order", "afterSale", "product", "sku", "warehouse", "logistics", "address", "trade"}
)
"""First parts of method names; a path below one of them is ours even when the method does not exist."""
REQUIRED = ("app_key", "method", "timestamp", "v", "sign")
_READ_WORDS = ("list", "search", "detail", "stocknum", "info", "query")
# Proposed by the dossier (inferred): no quota numbers are published.
READS, WRITES, SENSITIVE, WHOLE_APP = (20, 1.0), (10, 1.0), (5, 1.0), (50, 1.0)
_SENSITIVE = frozenset(
    {"order.batchDecrypt", "order.searchByReceiver", "order.BatchSearchIndex", "order.getSearchIndex"}
)


@dataclass(frozen=True)
class Parts:
    """A request taken apart: system parameters as texts, and the business JSON exactly as received."""

    path: str
    system: Mapping[str, str]
    param_json: str
    client_ip: str


def _default_limit(method: str) -> Limit:
    if method in _SENSITIVE:
        return SENSITIVE
    name = method.partition(".")[2].lower()
    return READS if any(word in name for word in _READ_WORDS) else WRITES


class Platform(platform.Platform):
    """The Douyin half of the sandbox. `handle` is synchronous and takes the world's lock.

    Settings of the world that only matter here: `strict_canonical`, `self_use`, `push_sign_method`.
    """

    profile = PROFILE

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.app = world.apps[CHANNEL]
        self.cipher = Cipher(f"douyin:{world.seed}")
        self.memory = Memory()
        self.callbacks: DouyinCallbacks = DouyinCallbacks(world, self.app)
        self.messages = Messages(world, self.cipher, self.callbacks)
        self._limiter = Limiter(world.now)
        self._serial = 0
        world.subscribe(self.messages.on_event)
        world.subscribe(self._count)

    def _count(self, _: Event) -> None:
        self.memory.revision += 1

    def matches(self, path: str) -> bool:
        """Whether the path belongs to this platform, known method or not."""
        family, _, name = path.removeprefix("/").partition("/")
        return family in FAMILIES and bool(name) and "/" not in name

    def handle(self, request: Request) -> Response:
        """Answer one request. Raises gateway.NoAnswer when a fault says that no answer comes."""
        with self.world.lock:
            self.world.run_due()
            self._serial += 1
            log = envelope.log_id(self.world.now(), self._serial)
            old = request.headers.get(envelope.NO_OLD_CODE, "") != "1"
            method = request.path.strip("/").replace("/", ".")
            try:
                shop, data = self._answer(request, method)
                response = envelope.success(data, log, old=old)
            except errors.Refused as refused:
                return envelope.refusal(refused, log, old=old)
            except Answered as answered:
                return answered.response
            shop_id = shop.shop_id if shop else None
            return self.world.faults.after(CHANNEL, method, shop_id, response, is_list=method in LISTS)

    def _answer(self, request: Request, method: str) -> tuple[Shop | None, Any]:
        if method not in APIS and method not in PROFILE.token_methods:
            raise errors.offline()
        parts = _open(request)
        self._check_system(parts, method)
        self._check_signature(parts, method)
        self._check_rate(parts, method)
        if method in PROFILE.token_methods:
            self._check_ip(parts)
            self.world.faults.before(CHANNEL, method, None)
            return None, self._token_call(method, _business(parts))
        shop = self._shop(parts, method)
        self._check_ip(parts)
        self.world.faults.before(CHANNEL, method, shop.shop_id)
        if self.world.faults.take("system_error", CHANNEL, method, shop.shop_id):
            raise errors.unavailable(20005)
        call = Call(self.world, self.memory, self.cipher, shop, _business(parts), method)
        return shop, APIS[method](call)

    def _check_system(self, parts: Parts, method: str) -> None:
        system = parts.system
        for name in REQUIRED:
            if not system.get(name):
                raise errors.missing_system(name)
        if system["v"] != "2" or system["method"] != method:
            raise errors.invalid_system("isv.parameter-invalid", "method或v不合法")
        at = _instant(system["timestamp"])
        if at is None:
            raise errors.invalid_system("isv.timestamp-format-error", "时间戳格式错误")
        if abs(at - self.world.now()) > self.world.settings.clock_tolerance:
            raise errors.invalid_system("isv.timestamp-invalid", "时间戳不合法")
        if system["app_key"] != self.app.key:
            raise errors.invalid_system("isv.app-id-invalid", "app_key不存在")

    def _check_signature(self, parts: Parts, method: str) -> None:
        system = parts.system
        how = system.get("sign_method") or signing.MD5
        if how not in (signing.HMAC, signing.MD5):
            raise errors.signature_invalid()
        wanted = signing.sign_call(self.app.secret, self.app.key, method, system["timestamp"], parts.param_json, how)
        if not signing.same(wanted, system["sign"]):
            raise errors.signature_invalid()
        if self.world.settings.strict_canonical and not signing.is_canonical(parts.param_json):
            raise errors.signature_invalid()

    def _check_rate(self, parts: Parts, method: str) -> None:
        token = parts.system.get("access_token", "")
        found = self.world.shop_of_token(CHANNEL, token)
        refused = self.world.faults.take("throttle", CHANNEL, method, found[0].shop_id if found else None) is not None
        if not refused and self.world.settings.rate_limits_on:
            refused = not self._within_limits(method, token)
        self.world.note_call(CHANNEL, method, throttled=refused)
        if refused:
            raise errors.throttled()

    def _within_limits(self, method: str, token: str) -> bool:
        own = self.world.settings.rate_limits.get(CHANNEL, {})
        limits = own.get(method) or own.get("*")
        if limits is None:
            limits = RateLimit(shop=_default_limit(method))
            if not self._limiter.allow(("app",), *WHOLE_APP):
                return False
        keys = ((limits.shop, (method, "shop", token)), (limits.app, (method, "app")), (limits.api, (method,)))
        return all(self._limiter.allow(key, *limit) for limit, key in keys if limit is not None)

    def _shop(self, parts: Parts, method: str) -> Shop:
        token = parts.system.get("access_token", "")
        if not token:
            raise errors.missing_system("access_token")
        found = self.world.shop_of_token(CHANNEL, token)
        if found is None:
            raise errors.token_unknown()
        shop = found[0]
        self.world.faults.kill_token(CHANNEL, method, shop)
        found = self.world.shop_of_token(CHANNEL, token)
        if found is None or found[1] <= self.world.now():
            raise errors.token_expired()
        if not shop.authorised and method != "open.getAuthInfo":
            raise errors.closed()
        if shop.scopes is not None and method not in shop.scopes:
            raise errors.no_permission()
        return shop

    def _check_ip(self, parts: Parts) -> None:
        allowed = self.world.settings.allowed_ips
        if allowed is not None and parts.client_ip not in allowed:
            raise errors.Refused(30002, "isv.invalid_ip", "请求IP不在白名单")

    def _token_call(self, method: str, params: Params) -> dict[str, Any]:
        if method == "token.create":
            return auth.create(self.world, params, self_use=self.world.settings.self_use)
        concurrent = self.world.faults.take("partial_failure", CHANNEL, method, None) is not None
        return auth.refresh(self.world, self.memory, params, concurrent=concurrent)


def _open(request: Request) -> Parts:
    """System parameters from the query, and from a form body in the legacy protocol; `param_json` from either or the
    raw body. No business parameters at all count as `{}`."""
    system = dict(request.query)
    text: str | None = system.pop("param_json", None)
    if request.body.strip():
        form = request.content_type == "application/x-www-form-urlencoded" and request.body.lstrip()[:1] != b"{"
        try:
            if form:
                fields = parse_form(request.body)
                text = fields.pop("param_json", text)
                system |= fields
            else:
                text = request.body.decode("utf-8")
        except (UnreadableBody, UnicodeDecodeError):
            raise errors.invalid_system("isv.parameter-format-invalid", "请求体不是合法的UTF-8") from None
    return Parts(request.path, system, text or "{}", request.client_ip)


def _business(parts: Parts) -> Params:
    try:
        values = json.loads(parts.param_json)
    except ValueError:
        values = None
    if not isinstance(values, dict):
        raise errors.invalid_system("isv.parameter-format-invalid", "param_json不是合法的JSON对象")
    return Params(values)


def _instant(text: str) -> float | None:
    """Unix seconds or a GMT+8 wall clock; None when it is neither."""
    if text.isascii() and text.isdigit() and len(text) <= 10:
        return float(text)
    return envelope.parse_wall_clock(text)
