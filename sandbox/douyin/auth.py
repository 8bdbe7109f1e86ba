"""Tokens: `token.create`, `token.refresh`, `open.getAuthInfo`, with the life cycle of the dossier's section 3."""

from typing import Any

from ..model import Shop
from ..world import World
from . import errors
from .call import Call, Handler, Memory
from .params import Params

LAST_HOUR = 3600.0
SELF_USE_REFUSED = 4
CONCURRENT, BAD_REFRESH = 31012, 31009


def _data(world: World, shop: Shop) -> dict[str, Any]:
    """What both calls answer; `expires_in` are the seconds that remain."""
    grant = shop.grant
    return {
        "access_token": grant.access_token,
        "auth_subject_type": "",
        "authority_id": shop.shop_id,
        "expires_in": max(int(grant.access_expires - world.now()), 0),
        "refresh_token": grant.refresh_token,
        "scope": "SCOPE",
        "shop_id": int(shop.shop_id),
        "shop_name": shop.name,
    }


def create(world: World, params: Params, *, self_use: bool) -> dict[str, Any]:
    """By code (single use, 10 minutes) or, for a self-use app, by shop id; hands out a living token again."""
    kind = params.text("grant_type")
    if kind == "authorization_code":
        shop = _by_code(world, params)
    elif kind == "authorization_self":
        if not self_use:
            raise errors.Refused(50002, f"isv.business-failed:{SELF_USE_REFUSED}", "非自用型应用code不能为空")
        shop = _by_shop_id(world, params)
    else:
        raise errors.token_failed("grant-type-invalid", "生成token失败，grant_type不合法")
    if shop.grant.access_expires <= world.now() or shop.grant.refresh_expires <= world.now():
        world.renew(shop)
    return _data(world, shop)


def _by_code(world: World, params: Params) -> Shop:
    code = params.text("code")
    if not code:
        raise errors.Refused(50002, f"isv.business-failed:{SELF_USE_REFUSED}", "非自用型应用code不能为空")
    shop = world.use_code("douyin", code)
    if shop is None:
        raise errors.token_failed("code-invalid", "生成token失败，code无效或已过期")
    return shop


def _by_shop_id(world: World, params: Params) -> Shop:
    shops = world.shops["douyin"]
    shop_id = params.text("shop_id") or params.text("auth_id")
    shop = shops.get(shop_id) if shop_id else next(iter(shops.values()))
    if shop is None or not shop.authorised:
        raise errors.token_failed("no-authorization", "生成token失败，店铺未授权该应用")
    return shop


def refresh(world: World, memory: Memory, params: Params, *, concurrent: bool) -> dict[str, Any]:
    """More than an hour before expiry nothing changes; in the last hour the old pair lives one hour more; after
    expiry the old pair is dead at once. `concurrent` = another refresh of the same token is running."""
    if params.text("grant_type") != "refresh_token":
        raise errors.token_failed("grant-type-invalid", "生成token失败，grant_type不合法")
    token = params.text("refresh_token")
    shop = world.shop_of_refresh_token("douyin", token)
    replaced, until = memory.old_refresh.get(token, (None, 0.0))
    if replaced is not None and until > world.now():
        return _data(world, replaced)
    if shop is None:
        raise errors.token_failed("token-invalid", "生成token失败，refresh_token无效")
    if not shop.authorised:
        raise errors.token_failed("no-authorization", "生成token失败，店铺未授权该应用")
    now = world.now()
    if shop.grant.refresh_expires <= now:
        raise errors.token_failed("token-expired", "生成token失败，token已过期")
    if concurrent:
        raise errors.Refused(50002, f"isv.business-failed:{CONCURRENT}", "刷新token失败，有并发请求")
    left = shop.grant.access_expires - now
    if 0 < left <= LAST_HOUR:
        memory.old_refresh[token] = (shop, now + LAST_HOUR)
    if left <= LAST_HOUR:
        world.renew(shop, keep_old_for=LAST_HOUR if left > 0 else None)
    return _data(world, shop)


def auth_info(call: Call) -> dict[str, Any]:
    """`open.getAuthInfo`: 1 authorised, 2 cancelled, 3 expired."""
    grant = call.shop.grant
    status = 1 if call.shop.authorised else 2
    if status == 1 and grant.refresh_expires <= call.now:
        status = 3
    since = int(grant.refresh_expires - call.world.settings.refresh_life["douyin"])
    return {
        "auth_end_time": since + 365 * 86_400,
        "auth_id": call.params.text("auth_id") or call.shop.shop_id,
        "auth_success_time": since,
        "auth_update_time": since,
        "status": status,
    }


APIS: dict[str, Handler] = {"open.getAuthInfo": auth_info}
