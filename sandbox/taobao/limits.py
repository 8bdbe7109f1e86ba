"""Call limits: who calls too often is banned for a while, and calls during the ban are refused as well.

Per app and API within windows, and per app and day. Numbers are settings; the platform publishes none.
"""

import math

from ..gateway import Limiter
from ..settings import Limit, RateLimit
from ..world import World
from . import errors
from .call import CHANNEL
from .values import CHINA, day

APP, API, APP_API = (f"accesscontrol.limited-by-{level}-access-count" for level in ("app", "api", "app-api"))
_DAY = 86_400


class Bans:
    """The limits of the one app."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._limiter = Limiter(world.now)
        self._until: dict[str, tuple[float, str]] = {}
        self._today = (0, 0)

    def check(self, method: str, session: str) -> errors.TopError | None:
        """Count the call; what refuses it, or None."""
        now = self._world.now()
        for key in ("*", method):
            until, sub_code = self._until.get(key, (0.0, ""))
            if now < until:
                return errors.banned(sub_code, math.ceil(until - now))
        if self._day_is_full():
            return self.ban("*", APP, seconds_left(now))
        exceeded = self._exceeded(method, session)
        return self.ban(method, exceeded, self._world.settings.taobao_ban) if exceeded else None

    def ban(self, key: str, sub_code: str, seconds: float) -> errors.TopError:
        """Refuse from now on; `key` is a method or `*` for all."""
        self._until[key] = (self._world.now() + seconds, sub_code)
        return errors.banned(sub_code, math.ceil(seconds))

    def _day_is_full(self) -> bool:
        limit, today = self._world.settings.taobao_calls_a_day, day(self._world.now())
        if limit is None:
            return False
        self._today = (today, self._today[1] + 1 if self._today[0] == today else 1)
        return self._today[1] > limit

    def _exceeded(self, method: str, session: str) -> str:
        settings = self._world.settings
        own = settings.rate_limits.get(CHANNEL, {})
        limits = own.get(method) or own.get("*") or RateLimit(app=settings.taobao_default_limit)
        checks: tuple[tuple[Limit | None, tuple[str, ...], str], ...] = (
            (limits.shop, (method, "shop", session), APP_API),
            (limits.app, (method, "app"), APP_API),
            (limits.api, (method,), API),
        )
        for limit, key, sub_code in checks:
            if limit is not None and not self._limiter.allow(key, *limit):
                return sub_code
        return ""


def seconds_left(now: float) -> int:
    """Until midnight in China."""
    offset = CHINA.utcoffset(None)
    return math.ceil(_DAY - (now + (offset.total_seconds() if offset else 0)) % _DAY)
