"""The people that a Douyin shop's orders go to: opened in plain text, searched for, and answered when they want another
address. Nothing of it is kept.
"""

from datetime import timedelta
from math import ceil

from connectors.douyin import mapping, wire
from connectors.douyin.client import PAGE, DouyinClient, seconds
from connectors.douyin.errors import ADDRESS_REFUSED, PARTLY_OPENED, QUOTA_WORDS
from connectors.rows import outcome, sound, text_of, unsaid
from core.channel import Outcome, Recipient, Refusal, Window
from core.clock import SHANGHAI, Clock
from core.errors import AlreadyDone, Conflict, Invalid, Rejected, Throttled
from core.model import Order

REASONS = {
    Refusal.SHIPPED: 1005,
    Refusal.PACKED: 1004,
    Refusal.UNREACHABLE: 1003,
    Refusal.COST: 1003,
    Refusal.OTHER: 1003,
}
"""The platform's reasons all say how far the order is: 1001 being picked, 1002 being put together, 1003 in the
warehouse, 1004 leaving it, 1005 being shipped. Where the seller's is another, the vaguest stands for it.
"""
GRANTED = 0

BY_PHONE, BY_NAME = 0, 1
HORIZON = timedelta(days=90) - timedelta(minutes=10)
"""What may be searched, less what our clock may be behind the platform's."""
MOST_FOUND = 1000
"""A search shows no more than these, whatever their number."""


class Receivers:
    """Calls for one shop."""

    def __init__(self, client: DouyinClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock

    def confirm_address(self, order_id: str, refusal: Refusal | None) -> Outcome[str]:
        """The platform remembers its answer, so a repetition tells whether it was the same one."""

        def write() -> str:
            answer = GRANTED if refusal is None else REASONS[refusal]
            params = {"order_id": mapping.order_id_of(order_id), "is_approved": answer}
            try:
                return self._client.write("order.addressConfirm", params)
            except AlreadyDone as granted:
                if refusal is None:
                    return granted.request_id
                raise granted.renamed(Conflict) from None
            except Conflict as other:
                if refusal is not None and other.sub_code.endswith(f":{ADDRESS_REFUSED}"):
                    return other.request_id
                raise

        return outcome(order_id, write)

    def reveal(self, order: Order, operator: str) -> Recipient:
        """Phones come as virtual numbers of the platform's own where the shop hides them, which it decides alone: the
        parameter `need_virtual_phone` is for drop shipping only.
        """
        hidden = order.receiver
        ciphers = [part.cipher for part in (hidden.name, hidden.phone, hidden.detail) if part.cipher]
        place = self._client.place("order.batchDecrypt")
        if not ciphers:
            raise Rejected("the order came without anything to open").at(**place)
        params = {
            "cipher_infos": [{"auth_id": order.id, "cipher_text": cipher} for cipher in ciphers],
            "account_id": operator,
            "account_type": "sub_account",
        }
        answer = self._client.call("order.batchDecrypt", params, wire.OpenedRows, partly=PARTLY_OPENED)
        told = answer.data.decrypt_infos or []
        rows = sound(lambda: [wire.read_row(wire.Opened, row) for row in told], **place)
        opened = {row.cipher_text: row for row in rows if row.err_no == "0"}
        refused = [row for row in rows if row.err_no != "0"]
        if spent := next((row for row in refused if any(word in row.err_msg for word in QUOTA_WORDS)), None):
            raise Throttled(spent.err_msg, sub_code=spent.err_no, retry_after=self._until_midnight()).at(**place)
        if not opened:
            why = refused[0] if refused else wire.Opened()
            raise Rejected(why.err_msg or "nothing was opened", sub_code=why.err_no).at(**place)
        return _recipient(
            *(opened.get(part.cipher, wire.Opened()) for part in (hidden.name, hidden.phone, hidden.detail))
        )

    def find(self, window: Window, name: str, phone: str) -> list[str]:
        """Of the last 90 days. One search a word: risk control counts them, so this must never run in a loop."""
        if not name and not phone:
            raise Invalid("a name or a phone number is needed").at(**self._client.place("order.searchByReceiver"))
        earliest = self._clock.now() - HORIZON
        if window.until <= earliest:
            return []
        within = seconds(Window(max(window.since, earliest), window.until))
        asked = [(kind, word) for kind, word in ((BY_PHONE, phone), (BY_NAME, name)) if word]
        with unsaid(name, phone):
            first, *others = [self._search(*within, kind, word) for kind, word in asked]
        return [order_id for order_id in first if all(order_id in other for other in others)]

    def _search(self, since: int, until: int, kind: int, word: str) -> list[str]:
        params = {
            "post_type": kind,
            "post_receiver": word,
            "create_time_start": since,
            "create_time_end": until,
            "size": PAGE,
        }
        found: dict[str, None] = {}
        pages = 1
        number = 0
        while number < pages:
            answer = self._client.call("order.searchByReceiver", {**params, "page": number}, wire.FoundOrders).data
            if answer.total >= MOST_FOUND:
                place = self._client.place("order.searchByReceiver")
                raise Invalid("too many orders go there: ask for a shorter time").at(**place)
            found.update((mapping.order_id_of(text_of(row, "order_id")), None) for row in answer.shop_order_list or ())
            pages, number = ceil(answer.total / PAGE), number + 1
        return list(found)

    def _until_midnight(self) -> float:
        """Seconds until the allowance is taken to be new (inferred: it is said to be one of shop and day)."""
        now = self._clock.now().astimezone(SHANGHAI)
        midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        return (midnight - now).total_seconds()


def _recipient(name: wire.Opened, phone: wire.Opened, detail: wire.Opened) -> Recipient:
    return Recipient(
        name=name.decrypt_text,
        phone=phone.decrypt_text or "-".join(filter(None, (phone.phone_no_a, phone.phone_no_b))),
        address=detail.decrypt_text,
        virtual=phone.is_virtual_tel,
        expires_at=mapping.instant_of(phone.expire_time) if phone.is_virtual_tel else None,
    )
