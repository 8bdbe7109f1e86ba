"""Authorisation and tokens, the seller, and the server's time.

`/authorize` asks nobody: it sends the browser back with a code of the first shop, or of the one named
`sandbox_shop_id`.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, urlencode

from ..gateway import Response, json_response
from ..model import Shop
from ..world import World
from . import errors
from .call import CHANNEL, Api, Call, Memory
from .oaid import open_uid
from .values import when

TOKEN, AUTHORIZE = "/token", "/authorize"
_LEVELS = ("r1", "r2", "w1", "w2")


class _TokenError(Exception):
    """OAuth2's `error` (inferred) and the platform's description."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(error)
        self.body = {"error": error, "error_description": description}


def authorize(world: World, memory: Memory, query: Mapping[str, str]) -> Response:
    """The authorisation page, already agreed to: 302 to `redirect_uri` with `code` and `state`."""
    redirect = query.get("redirect_uri", "")
    if query.get("client_id") != world.apps[CHANNEL].key or query.get("response_type") != "code" or not redirect:
        return json_response({"error": "invalid_request", "error_description": "client_id or redirect_uri"}, 400)
    shop = world.shop(CHANNEL, query.get("sandbox_shop_id") or None)
    code = world.issue_code(shop)
    memory.redirects[code] = redirect
    answer = urlencode({"code": code, "state": query.get("state", "")})
    return Response(302, {"location": f"{redirect}{'&' if '?' in redirect else '?'}{answer}"}, b"")


def token_endpoint(world: World, memory: Memory, params: Mapping[str, str]) -> Response:
    """`POST /token`: unsigned, with the secret. Errors have `error` and `error_description` and HTTP status 400
    (the status is inferred)."""
    try:
        return json_response(_tokens(world, _granted(world, memory, params)))
    except _TokenError as error:
        return json_response(error.body, 400)


def _granted(world: World, memory: Memory, params: Mapping[str, str]) -> Shop:
    app = world.apps[CHANNEL]
    if params.get("client_id") != app.key or params.get("client_secret") != app.secret:
        raise _TokenError("invalid_client", "client_secret is invalidate")
    grant = params.get("grant_type")
    if grant == "authorization_code":
        return _by_code(world, memory, params.get("code", ""), params.get("redirect_uri", ""))
    if grant == "refresh_token":
        return _by_refresh_token(world, params.get("refresh_token", ""))
    raise _TokenError("unsupported_grant_type", "grant_type is invalidate")


def _by_code(world: World, memory: Memory, code: str, redirect: str | None) -> Shop:
    """`redirect` None = not asked for. A wrong one spends the code as well (inferred)."""
    asked = memory.redirects.pop(code, None)
    shop = world.use_code(CHANNEL, code)
    if shop is None:
        raise _TokenError("invalid_grant", "authorize code expire")
    if redirect is not None and (not redirect or asked not in (None, redirect)):
        raise _TokenError("invalid_grant", "redirect_uri is invalidate")
    world.renew(shop)
    return shop


def _by_refresh_token(world: World, token: str) -> Shop:
    """The replaced session counts as expired (inferred)."""
    shop = world.shop_of_refresh_token(CHANNEL, token)
    usable = shop is not None and shop.authorised and shop.grant.refresh_expires > world.now()
    if shop is None or not usable or not world.settings.taobao_refreshable:
        raise _TokenError("invalid_grant", "refresh token is invalidate")
    world.renew(shop, keep_old_for=0)
    return shop


def _tokens(world: World, shop: Shop) -> dict[str, Any]:
    """The documented fields; the nick is URL-encoded."""
    grant, now, settings = shop.grant, world.now(), world.settings
    life = int(grant.access_expires - now)
    risky = life if settings.taobao_risky_life is None else min(life, int(settings.taobao_risky_life))
    answer: dict[str, Any] = {
        "access_token": grant.access_token,
        "token_type": "Bearer",
        "expires_in": life,
        "refresh_token": grant.refresh_token,
        "re_expires_in": int(grant.refresh_expires - now) if settings.taobao_refreshable else 0,
        "taobao_user_id": shop.shop_id,
        "taobao_user_nick": quote(shop.name, safe=""),
    }
    return answer | {f"{level}_expires_in": risky if level.endswith("2") else life for level in _LEVELS}


def create(call: Call) -> dict[str, Any]:
    """taobao.top.auth.token.create: `token_result` is JSON in a text."""
    return _as_api(call, lambda: _by_code(call.world, call.memory, call.params.required("code"), None))


def refresh(call: Call) -> dict[str, Any]:
    """taobao.top.auth.token.refresh: the refresh token is replaced as well."""
    return _as_api(call, lambda: _by_refresh_token(call.world, call.params.required("refresh_token")))


def _as_api(call: Call, shop_of: Callable[[], Shop]) -> dict[str, Any]:
    try:
        shop = shop_of()
    except _TokenError as error:
        raise errors.business(f"isv.{error.body['error'].replace('_', '-')}", error.body["error_description"]) from None
    fields, grant, now = _tokens(call.world, shop), shop.grant, call.now
    refresh_end = now + fields["re_expires_in"]
    more = {
        "open_uid": open_uid(call.world, shop.shop_id),
        "expire_time": int(grant.access_expires * 1000),
        "refresh_token_valid_time": int(refresh_end * 1000),
    }
    valid = {f"{level}_valid": int((now + fields[f"{level}_expires_in"]) * 1000) for level in _LEVELS}
    return {"token_result": json.dumps(fields | more | valid, ensure_ascii=False, separators=(",", ":"))}


def server_time(call: Call) -> dict[str, Any]:
    """taobao.time.get"""
    return {"time": when(call.now)}


def seller(call: Call) -> dict[str, Any]:
    """taobao.user.seller.get: `type` is B for Tmall shops, C for Taobao ones."""
    wanted = call.params.words("fields")
    row = {
        "user_id": int(call.shop.shop_id),
        "nick": call.shop.name,
        "type": "B" if call.is_tmall else "C",
        "status": "normal",
        "has_shop": True,
        "sex": "m",
        "consumer_protection": True,
        "is_golden_seller": False,
    }
    return {"user": {name: value for name, value in row.items() if name in wanted}}


METHODS: dict[str, Api] = {
    "taobao.time.get": Api(server_time, session=False),
    "taobao.top.auth.token.create": Api(create, session=False),
    "taobao.top.auth.token.refresh": Api(refresh, session=False),
    "taobao.user.seller.get": Api(seller),
}
