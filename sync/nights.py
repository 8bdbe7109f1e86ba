"""When a shop's nightly comparison begins."""

import hashlib
from datetime import datetime, timedelta

from core.clock import SHANGHAI
from core.settings import Settings

TOMORROW = timedelta(days=1)


def next_run(settings: Settings, shop_id: str, now: datetime) -> datetime:
    """The next time that a shop's own minute comes. Without a set time a day from now, when it is looked at again."""
    if not settings.reconcile_at:
        return now + TOMORROW
    hour, minute = (int(part) for part in settings.reconcile_at.split(":"))
    begin = now.astimezone(SHANGHAI).replace(hour=hour, minute=minute, second=0, microsecond=0)
    begin += timedelta(minutes=settings.reconcile_spread_minutes * _share(shop_id)) - TOMORROW
    while begin <= now:
        begin += TOMORROW
    return begin.astimezone(now.tzinfo)


def _share(shop_id: str) -> float:
    """A number from 0 to 1 that is a shop's own, so that shops do not begin together."""
    return int.from_bytes(hashlib.sha256(shop_id.encode()).digest()[:4], "big") / 2**32
