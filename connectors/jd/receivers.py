"""Whom JD's orders go to: opening one order's receiver, and searching orders by receiver.

Both need a permission that JD gives to apps inside its own cloud, leave a trail there and count against a quota that is
not published. Nothing of what is opened is kept here.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta

from connectors.jd import CHANNEL, mapping, wire
from connectors.jd.client import JdClient, number
from connectors.jd.errors import NO_PACKAGE, SPENT
from connectors.jd.mapping.values import instant_of
from connectors.rows import unsaid
from core.channel import Purpose, Recipient, Window
from core.errors import Denied, Invalid, Rejected, Throttled, Unsupported
from core.model import Order, Receiver

ORDER_TYPE = 1
"""`orderType`: an order of a customer (inferred, as in the sample: its values are not documented)."""
VIRTUAL_DAYS = 30
"""`expiration`: how long a virtual number is to live, in days (inferred, as in the sample)."""
SPAN = timedelta(days=30)
"""The longest range of one search (inferred: the list of orders takes a month)."""
_KIND = "(?:省|市|(?:维吾尔|壮族|回族)?自治区)?"


class Receivers:
    """One shop's receivers. `order` reads an order as it is now; `options` are the shop's, with the scenes."""

    def __init__(self, client: JdClient, order: Callable[[str], Order], options: Mapping[str, str]) -> None:
        self._client = client
        self._order = order
        self._app_name = options["app_name"]
        self._scenes = {Purpose.SHIP: options["ship_scene"], Purpose.AFTER_SALE: options["after_sale_scene"]}
        self._search_scene = options["search_scene"]

    def reveal(self, order: Order, purpose: Purpose) -> Recipient:
        """An OAID that stopped fitting, because the buyer changed the address, is read again, once."""
        known = order.receiver.oaid
        row = self._opened(order.id, known, purpose) if known else None
        if row is None:
            order = self._order(order.id)
            newer = order.receiver.oaid
            row = self._opened(order.id, newer, purpose) if newer and newer != known else None
        if row is None:
            raise Rejected("JD does not open the receiver of this order", channel=CHANNEL.code, operation="reveal")
        return _recipient(row, order.receiver)

    def find(self, window: Window, name: str, phone: str) -> list[str]:
        if not (name or phone):
            raise Invalid("a search names somebody", channel=CHANNEL.code)
        asked = {"receiverName": name, "receiverMobile": phone, "sceneId": self._search_scene}
        asked = {field: text for field, text in asked.items() if text}
        found: dict[str, None] = {}
        until, found_all = window.since, False
        with unsaid(name, phone):
            while not found_all:
                since, until = until, min(window.until, until + SPAN)
                rows = self._found(asked, since, until)
                found |= dict.fromkeys(row.orderId for row in rows if _within(window, row.createDate))
                found_all = until >= window.until
        return list(found)

    def _opened(self, order_id: str, oaid: str, purpose: Purpose) -> wire.Opened | None:
        asked = {
            "orderType": ORDER_TYPE,
            "appName": self._app_name,
            "scenesType": number(self._scenes[purpose]),
            "expiration": VIRTUAL_DAYS,
            "region": "",
            "extendProps": {},
            "orderInfos": [{"orderId": number(order_id), "oaid": oaid}],
        }
        with _explained():
            rows = self._client.call(wire.OPEN, {"getReceiverInfoListReqVO": asked}).data
        return next((row for row in rows or () if row.orderId == order_id), None)

    def _found(self, asked: Mapping[str, str], since: datetime, until: datetime) -> list[wire.FoundOrder]:
        """Whether the end belongs to the range is not documented, so a second is added."""
        times = {
            "startDate": mapping.wall_clock(since),
            "endDate": mapping.wall_clock(until + timedelta(seconds=1)),
        }
        with _explained():
            data = self._client.call(wire.FIND, {"request": {**asked, **times}}).data
        return (data and data.orderIdList) or []


def _within(window: Window, created: str | None) -> bool:
    """Whether an order that may lie a second beyond the window lies in it, in whole seconds."""
    at = _time(created)
    return at is None or window.since.replace(microsecond=0) <= at <= window.until


def _recipient(row: wire.Opened, shown: Receiver) -> Recipient:
    """Raises Rejected for a receiver that came masked all the same."""
    phone = row.consMobilePhone or row.customerPhone or ""
    told = (row.customerName or "", phone, row.address or "")
    if not any(told) or any("*" in text for text in told):
        raise Rejected("JD keeps this receiver masked", channel=CHANNEL.code, operation="reveal")
    virtual = row.privacyProtection is True
    return Recipient(
        name=row.customerName or "",
        phone=phone,
        address=_street(row.address or "", shown),
        virtual=virtual,
        expires_at=_time(row.expiration) if virtual else None,
    )


def _street(address: str, shown: Receiver) -> str:
    """What stands behind the regions that it repeats. A province may have its kind behind its name or not."""
    if shown.province:
        address = re.sub(f"^{re.escape(shown.province)}{_KIND}", "", address)
    for name in (shown.city, shown.district, shown.town):
        address = address.removeprefix(name)
    return address


def _time(text: str | None) -> datetime | None:
    """None for a time in a form that is not documented."""
    try:
        return instant_of(text)
    except ValueError:
        return None


@contextmanager
def _explained() -> Iterator[None]:
    """What refusals mean here. An app without the permission is no reason to stop the shop."""
    try:
        yield
    except Denied as error:
        if error.code != NO_PACKAGE:
            raise
        error.message = f"JD gave this app no permission to open or search receivers: {error.message}"
        raise error.renamed(Unsupported) from None
    except Rejected as error:
        raise (error.renamed(Throttled) if SPENT in error.message else error) from None
