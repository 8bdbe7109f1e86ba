"""OAuth: the browser's redirect, the token for a code, the refresh. Errors use the old server's
codes; how today's server words them is unknown (inferred).
"""

import hashlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from ..gateway import Response, json_response
from ..model import Shop
from ..world import Refused, World
from .call import CHANNEL

PATHS = frozenset({"/oauth2/to_login", "/oauth2/access_token", "/oauth2/refresh_token"})


class _Denied(Exception):
    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code, self.text = code, text


def answer(world: World, path: str, params: Mapping[str, str]) -> Response:
    """A redirect, tokens, or `{code, msg}`."""
    try:
        return _answer(world, path, params)
    except _Denied as denied:
        return json_response({"code": denied.code, "msg": denied.text})


def _answer(world: World, path: str, params: Mapping[str, str]) -> Response:
    if params.get("app_key") != world.apps[CHANNEL].key:
        raise _Denied(101, "app_key不存在")
    if path == "/oauth2/to_login":
        return _to_login(world, params)
    if params.get("app_secret") != world.apps[CHANNEL].secret:
        raise _Denied(404, "app_secret错误")
    shop = _by_code(world, params) if path == "/oauth2/access_token" else _by_refresh_token(world, params)
    return json_response(_tokens(world, shop))


def _to_login(world: World, params: Mapping[str, str]) -> Response:
    """The merchant agrees at once. Which one: `sandbox_shop_id` (ours, not JD's), else the first shop."""
    target = params.get("redirect_uri", "")
    if params.get("response_type") != "code" or not target:
        raise _Denied(301, "缺少参数")
    if params.get("scope", "snsapi_base") != "snsapi_base":
        raise _Denied(405, "scope错误")
    try:
        shop = world.shop(CHANNEL, params.get("sandbox_shop_id"))
    except Refused:
        raise _Denied(404, "店铺不存在") from None
    query = urlencode({"code": world.issue_code(shop), "state": params.get("state", "")})
    return Response(302, {"location": target + ("&" if "?" in target else "?") + query}, b"")


def _by_code(world: World, params: Mapping[str, str]) -> Shop:
    if params.get("grant_type") != "authorization_code":
        raise _Denied(302, "grant_type错误")
    shop = world.use_code(CHANNEL, params.get("code", ""))
    if shop is None:
        raise _Denied(402, "code错误或已过期")
    world.renew(shop)
    return shop


def _by_refresh_token(world: World, params: Mapping[str, str]) -> Shop:
    if params.get("grant_type") != "refresh_token":
        raise _Denied(302, "grant_type错误")
    shop = world.shop_of_refresh_token(CHANNEL, params.get("refresh_token", ""))
    if shop is None or not shop.authorised or shop.grant.refresh_expires <= world.now():
        raise _Denied(403, "refresh_token错误或已过期")
    if world.settings.jd_refresh_keeps_token:
        world.prolong(shop)
    else:
        world.renew(shop)
    return shop


def _tokens(world: World, shop: Shop) -> dict[str, Any]:
    """`uid` is the seller's account, not the vender id."""
    return {
        "access_token": shop.grant.access_token,
        "expires_in": int(shop.grant.access_expires - world.now()),
        "refresh_token": shop.grant.refresh_token,
        "scope": "snsapi_base",
        "open_id": "hUJrM" + hashlib.sha256(f"{CHANNEL}:{shop.shop_id}".encode()).hexdigest()[:37],
        "uid": f"{int(shop.shop_id) - 10_000_000:010d}",
        "time": int(world.now() * 1000),
        "token_type": "bearer",
        "code": 0,
    }
