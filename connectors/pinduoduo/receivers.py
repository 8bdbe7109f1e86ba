"""The people that a Pinduoduo shop's orders go to: opened in plain text and searched for. Nothing of it is kept."""

import re
from datetime import datetime, timedelta

from connectors.pinduoduo import CHANNEL, wire
from connectors.pinduoduo.client import PinduoduoClient
from connectors.pinduoduo.errors import QUOTA_WORDS
from connectors.pinduoduo.signing import Param
from connectors.rows import unsaid
from core.channel import Recipient, Window
from core.clock import SHANGHAI, Clock
from core.errors import Conflict, Invalid, Rejected, Throttled
from core.model import Order

HORIZON = timedelta(days=90)
FOUND_AT_MOST = 100
"""A search names no more orders than these, the newest; the rest is found in shorter spans."""

_VIRTUAL = re.compile(r"\$(\d+)\$#(\d+)#", re.ASCII)
"""A virtual number and its extension in one text."""


class Receivers:
    """Calls for one shop."""

    def __init__(self, shop_id: str, client: PinduoduoClient, clock: Clock) -> None:
        self._shop_id = shop_id
        self._client = client
        self._clock = clock

    def reveal(self, order: Order) -> Recipient:
        """In one call, because another one must wait ten seconds outside the platform's cloud."""
        hidden = order.receiver
        ciphers = [part.cipher for part in (hidden.name, hidden.phone, hidden.detail) if part.cipher]
        if not ciphers:
            raise self._placed(Rejected("the receiver is told only while the order waits to be shipped"))
        rows = self._client.call(
            wire.DECRYPT, {"data_list": [{"data_tag": order.id, "encrypted_data": cipher} for cipher in ciphers]}
        ).data_decrypt_list
        opened = {row.encrypted_data: row for row in rows or () if row.opened}
        refused = [row for row in rows or () if not row.opened]
        if spent := next((row for row in refused if any(word in (row.error_msg or "") for word in QUOTA_WORDS)), None):
            wait = self._until_midnight()
            raise self._placed(Throttled(spent.error_msg or "", sub_code=spent.error_code or "", retry_after=wait))
        if not opened:
            why = refused[0] if refused else wire.Opened()
            raise self._placed(Rejected(why.error_msg or "nothing was opened", sub_code=why.error_code or ""))
        name, phone, detail = (
            opened.get(part.cipher, wire.Opened()) for part in (hidden.name, hidden.phone, hidden.detail)
        )
        number, virtual = _number(phone)
        return Recipient(name.decrypted_data or "", number, detail.decrypted_data or "", virtual)

    def find(self, window: Window, name: str, phone: str) -> list[str]:
        """Of the last 90 days, the newest first. Where a span holds more than a search names, both of its halves are
        searched.
        """
        if not name and not phone:
            raise self._placed(Invalid("a name or a phone number is needed"), wire.SEARCH.name)
        earliest = self._clock.now() - HORIZON
        since, until = max(window.since, earliest), min(window.until, self._clock.now())
        if since > until:
            return []
        found: dict[str, None] = {}
        spans = [(_second(since), _second(until))]
        with unsaid(name, phone):
            while spans:
                start, end = spans.pop()
                ids = self._search(start, end, name, phone)
                if len(ids) < FOUND_AT_MOST:
                    found.update(dict.fromkeys(ids))
                    continue
                if start == end:
                    raise self._placed(Conflict("more orders in one second than a search names"), wire.SEARCH.name)
                middle = (start + end) // 2
                spans += [(start, middle), (middle + 1, end)]
        return list(found)

    def _search(self, start: int, end: int, name: str, phone: str) -> list[str]:
        asked: dict[str, Param] = {
            "start_created_at": start,
            "end_created_at": end,
            "receiver_name": name,
            "receiver_phone": phone,
        }
        return self._client.call(wire.SEARCH, asked).order_sn_list or []

    def _until_midnight(self) -> float:
        """Seconds until the allowance is taken to be new (inferred: it is said to be one of shop and day)."""
        now = self._clock.now().astimezone(SHANGHAI)
        midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        return (midnight - now).total_seconds()

    def _placed(self, error: Rejected | Throttled, method: str = wire.DECRYPT.name) -> Rejected | Throttled:
        return error.at(channel=CHANNEL.code, shop=self._shop_id, operation=method)


def _second(instant: datetime) -> int:
    return int(instant.timestamp())


def _number(phone: wire.Opened) -> tuple[str, bool]:
    """The number as it must be printed, and whether it is one of the platform's."""
    text = phone.decrypted_data or ""
    if told := _VIRTUAL.fullmatch(text):
        return f"{told[1]}-{told[2]}", True
    if phone.virtual_number_type == "1":
        return "-".join(filter(None, (text, phone.virtual_identify_number))), True
    return text, False
