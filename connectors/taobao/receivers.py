"""Whom Taobao's orders go to: opening one order's receiver, and searching orders by receiver.

The platform keeps an audit of both and counts them against quotas that it does not publish. Nothing of what it opens is
kept here.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta

from connectors.rows import unsaid
from connectors.taobao import CHANNEL, wire
from connectors.taobao.client import TaobaoClient, wall
from connectors.taobao.errors import NO_PACKAGE
from connectors.taobao.mapping.values import loose_instant
from core.channel import Purpose, Recipient, Window
from core.errors import Denied, Invalid, Rejected, Unsupported
from core.model import Order

MOST_FOUND = 100
"""Orders that a search tells, the newest."""


class Receivers:
    """One shop's receivers. `order` reads an order as it is now; `options` are the shop's, with the scenes."""

    def __init__(self, client: TaobaoClient, order: Callable[[str], Order], options: Mapping[str, str]) -> None:
        self._client = client
        self._order = order
        self._scenes = {
            Purpose.SHIP: options["ship_scene"],
            Purpose.AFTER_SALE: options["after_sale_scene"],
        }
        self._search_scene = options["search_scene"]

    def reveal(self, order: Order, purpose: Purpose) -> Recipient:
        """An OAID that stopped fitting, because the buyer changed the address, is read again, once."""
        known = order.receiver.oaid
        oaid = known or self._order(order.id).receiver.oaid
        row = self._opened(order.id, oaid, purpose)
        if row.matched is False and known and (newer := self._order(order.id).receiver.oaid) != known:
            row = self._opened(order.id, newer, purpose)
        if row.matched is False:
            raise _refused("the OAID that the order shows does not open it")
        return _recipient(row)

    def find(self, window: Window, name: str, phone: str) -> list[str]:
        """In halves where the newest hundred are not all."""
        if not (name or phone):
            raise Invalid("a search names somebody", channel=CHANNEL.code)
        mobile = phone.startswith("1") and len(phone) == 11 and phone.isdigit()
        asked = {"receiver_name": name, "receiver_mobile" if mobile else "receiver_phone": phone}
        condition = {field: text for field, text in asked.items() if text}
        with unsaid(name, phone):
            since, until = (at.replace(microsecond=0) for at in (window.since, window.until))
            return list(dict.fromkeys(self._found(condition, since, until)))

    def _opened(self, order_id: str, oaid: str, purpose: Purpose) -> wire.Opened:
        if not oaid:
            raise _refused("the platform makes no OAID of this order")
        query = {"oaid": oaid, "tid": order_id, "scene": self._scenes[purpose]}
        with _package():
            rows = self._client.call(wire.OPEN, {"query_list": [query]}).receiver_list
        row = next((row for row in rows if row.tid in (None, order_id)), None)
        if row is None:
            raise _refused("the platform does not open this order")
        return row

    def _found(self, condition: Mapping[str, str], since: datetime, until: datetime) -> list[str]:
        """Ends are whole seconds, both included. Which of the two names begins is mixed up in the documentation; they
        are taken at their word.
        """
        query = {**condition, "start_created": wall(since), "end_created": wall(until)}
        with _package():
            found = self._client.call(wire.FIND, {"query_list": [query], "scene": self._search_scene}).tid_list
        if len(found) < MOST_FOUND:
            return found
        if since == until:
            raise _refused("more orders of one second than a search tells")
        middle = (since + (until - since) / 2).replace(microsecond=0)
        return [*self._found(condition, middle + timedelta(seconds=1), until), *self._found(condition, since, middle)]


def _recipient(row: wire.Opened) -> Recipient:
    """Raises Rejected for a receiver that is still masked, as those of closed orders are."""
    if row.desensitize_rule:
        raise _refused("the platform keeps this receiver masked, as it does once an order is closed", row)
    phone = row.mobile or row.phone or ""
    if any("*" in (text or "") for text in (row.name, phone, row.address_detail)):
        raise _refused("the platform keeps this receiver masked")
    virtual = row.privacy_protection is True
    return Recipient(
        name=row.name or "",
        phone=phone,
        address=row.address_detail or "",
        virtual=virtual,
        expires_at=loose_instant(row.secret_no_expire_time) if virtual else None,
    )


@contextmanager
def _package() -> Iterator[None]:
    """An app without these methods is no reason to stop the shop."""
    try:
        yield
    except Denied as error:
        if error.sub_code not in NO_PACKAGE:
            raise
        error.message = f"the app has no permission for this method: {error.message}"
        raise error.renamed(Unsupported) from None


def _refused(reason: str, row: wire.Opened | None = None) -> Rejected:
    rule = row.desensitize_rule if row else None
    return Rejected(reason, channel=CHANNEL.code, operation=wire.OPEN.name, sub_code=rule or "")
