"""The book of what needs a reason: who used a privileged scope, who was refused, who made or changed a key.

A row is about shops, orders and scopes, never about people: `reason` is the caller's own words, which `checked` keeps
short and free of what looks like a phone number or an e-mail address.
"""

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa
from sqlalchemy import Connection

from core.db.engine import lock
from core.db.tables import audit

CLI = "cli"
"""Stands in `key` for whoever works at the host."""
LONGEST_REASON = 200

_DIGITS = re.compile(r"\d(?:[\s\-–—.()+_/]*\d){6,}")
_MAIL = re.compile(r"\S@\S")


class Outcome(StrEnum):
    ALLOWED = "allowed"
    REFUSED = "refused"


@dataclass(frozen=True)
class Entry:
    """A row of the book."""

    id: int
    at: datetime
    key: str
    action: str
    outcome: str
    shop_id: str
    object_id: str
    purpose: str
    reason: str
    times: int


def personal(reason: str) -> bool:
    """Whether it looks as if it held a phone number, an identity number or an e-mail address, in any width of digits
    and however they are grouped.
    """
    plain = unicodedata.normalize("NFKC", reason)
    return bool(_DIGITS.search(plain) or _MAIL.search(plain))


def write(
    connection: Connection,
    *,
    at: datetime,
    key: str,
    action: str,
    outcome: Outcome = Outcome.ALLOWED,
    shop_id: str = "",
    object_id: str = "",
    purpose: str = "",
    reason: str = "",
) -> int:
    """Adds a row and answers its id. `key` is the caller's id or CLI, `action` a scope or a command.

    Call it last in a transaction: until that ends nobody else can write here, so that rows are committed in the order
    of their ids and a reader that goes on behind the last id misses none. Raises ValueError for a reason that is too
    long or `personal`, so that none gets in whatever the caller forgot.
    """
    if len(reason) > LONGEST_REASON or personal(reason):
        raise ValueError("a reason in the audit log is short and holds no personal data")
    values = {
        "at": at,
        "key": key,
        "action": action,
        "outcome": outcome.value,
        "shop_id": shop_id,
        "object_id": object_id,
        "purpose": purpose,
        "reason": reason,
    }
    lock(connection, "audit")
    row: int = connection.execute(sa.insert(audit).values(**values).returning(audit.c.id)).scalar_one()
    return row


def again(connection: Connection, row: int, times: int) -> None:
    """The same was tried so often more."""
    connection.execute(sa.update(audit).where(audit.c.id == row).values(times=audit.c.times + times))


def page(
    connection: Connection,
    *,
    after: int = 0,
    since: datetime | None = None,
    key: str = "",
    action: str = "",
    shops: Collection[str] = (),
    newest: bool = False,
    limit: int,
) -> list[Entry]:
    """Rows behind `after`, oldest first, or with `newest` the last ones. With shops, only those about one of them."""
    asked = sa.select(audit).where(audit.c.id > after)
    if since is not None:
        asked = asked.where(audit.c.at >= since)
    if key:
        asked = asked.where(audit.c.key == key)
    if action:
        asked = asked.where(audit.c.action == action)
    if shops:
        asked = asked.where(audit.c.shop_id.in_(shops))
    rows = connection.execute(asked.order_by(audit.c.id.desc() if newest else audit.c.id).limit(limit))
    found = [Entry(**row._mapping) for row in rows]
    return found[::-1] if newest else found


def forget(connection: Connection, before: datetime) -> int:
    """Removes what is older; answers how many rows that were."""
    return connection.execute(sa.delete(audit).where(audit.c.at < before)).rowcount
