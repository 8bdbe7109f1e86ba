"""Tokens, server time, the shop itself (dossier section 3)."""

from collections.abc import Mapping
from typing import Any

from ..model import Shop
from ..world import World
from . import errors, render
from .call import Call


def create(call: Call) -> dict[str, Any]:
    """pdd.pop.auth.token.create: a code works once, for ten minutes; earlier tokens of the shop die."""
    return _tokens(call.world, _by_code(call.world, call.params.required("code")), call.grantable)


def refresh(call: Call) -> dict[str, Any]:
    """pdd.pop.auth.token.refresh: the replaced access token counts as expired (inferred)."""
    return _tokens(call.world, _by_refresh_token(call.world, call.params.required("refresh_token")), call.grantable)


def _by_code(world: World, code: str) -> Shop:
    shop = world.use_code("pinduoduo", code)
    if shop is None:
        raise errors.business("code错误或已过期")
    world.renew(shop)
    return shop


def _by_refresh_token(world: World, token: str) -> Shop:
    shop = world.shop_of_refresh_token("pinduoduo", token)
    if shop is None or not shop.authorised or shop.grant.refresh_expires <= world.now():
        raise errors.business("refresh_token错误或已过期")
    world.renew(shop, keep_old_for=0)
    return shop


def _tokens(world: World, shop: Shop, grantable: tuple[str, ...]) -> dict[str, Any]:
    grant, now = shop.grant, world.now()
    life, end = int(grant.access_expires - now), int(grant.access_expires)
    answer: dict[str, Any] = {
        "access_token": grant.access_token,
        "expires_in": life,
        "expires_at": end,
        "refresh_token": grant.refresh_token,
        "refresh_token_expires_in": int(grant.refresh_expires - now),
        "refresh_token_expires_at": int(grant.refresh_expires),
        "scope": sorted(shop.scopes) if shop.scopes is not None else list(grantable),
        "owner_id": shop.shop_id,
        "owner_name": f"pdd{shop.shop_id}",
    }
    for level in ("r1", "r2", "w1", "w2"):
        answer |= {f"{level}_expires_in": life, f"{level}_expires_at": end}
    return answer


def legacy_token(world: World, params: Mapping[str, str], grantable: tuple[str, ...]) -> dict[str, Any]:
    """POST /oauth/token: unsigned, with the secret; a flat answer. Raises PddError."""
    app = world.apps["pinduoduo"]
    if params.get("client_id") != app.key or params.get("client_secret") != app.secret:
        raise errors.plain(10016)
    grant_type = params.get("grant_type", "")
    if grant_type == "authorization_code":
        shop = _by_code(world, params.get("code", ""))
    elif grant_type == "refresh_token":
        shop = _by_refresh_token(world, params.get("refresh_token", ""))
    else:
        raise errors.public_param("grant_type")
    full = _tokens(world, shop, grantable)
    return {
        name: full[name] for name in ("access_token", "expires_in", "refresh_token", "scope", "owner_id", "owner_name")
    }


def server_time(call: Call) -> dict[str, Any]:
    """pdd.time.get"""
    return {"time": render.when(call.world.now())}


def mall(call: Call) -> dict[str, Any]:
    """pdd.mall.info.get"""
    return {
        "mall_id": int(call.shop.shop_id),
        "mall_name": call.shop.name,
        "mall_desc": "",
        "logo": "https://img.example.invalid/l.png",
        "merchant_type": 6,
        "mall_character": 2,
    }
