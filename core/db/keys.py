"""Keys to /v1.

Only a key's SHA-256 is stored. Slow hashes protect what people think up, which can be guessed; a key carries 256 random
bits, which cannot, so a slow hash would only make every request slower.
"""

import hashlib
import json
import secrets
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy import Connection

from core.access import ROLES, KeyScope
from core.db.tables import api_key

PREFIX = "qk_"
_SHOWN = len(PREFIX) + 8
USED_EVERY = timedelta(minutes=1)
"""How exactly `last_used_at` is kept."""


@dataclass(frozen=True)
class NewKey:
    """A key just made. `plain` is shown to its owner once and is nowhere else."""

    id: str
    plain: str = field(repr=False)


@dataclass(frozen=True)
class Grant:
    """What a key may do: `role` is only the name of where the scopes came from, no shops means all."""

    scopes: frozenset[KeyScope] = ROLES["erp"]
    shops: frozenset[str] = frozenset()
    role: str = "erp"
    expires_at: datetime | None = None
    per_minute: int = 0
    """How many requests; 0: as many as it likes."""


@dataclass(frozen=True)
class KeyRow:
    """A stored key, without anything that opens a door. `id` is its visible beginning."""

    id: str
    label: str
    role: str
    scopes: frozenset[KeyScope]
    shops: frozenset[str]
    per_minute: int
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None

    def good(self, now: datetime) -> bool:
        """Whether it opens doors."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


_COLUMNS = [column for column in api_key.c if column.name != "digest"]


def create(connection: Connection, label: str, now: datetime, grant: Grant | None = None) -> NewKey:
    """Makes and stores a key; without a grant it has the role `erp` in all shops."""
    plain = PREFIX + secrets.token_urlsafe(32)
    key = NewKey(plain[:_SHOWN], plain)
    values = _values(grant or Grant())
    connection.execute(
        sa.insert(api_key).values(id=key.id, label=label, digest=digest(plain), created_at=now, **values)
    )
    return key


def change(connection: Connection, identity: str, grant: Grant) -> bool:
    """Gives the key other rights. False when there is no such key, or it was revoked."""
    open_one = sa.update(api_key).where(api_key.c.id == identity, api_key.c.revoked_at.is_(None))
    return connection.execute(open_one.values(**_values(grant))).rowcount == 1


def find(connection: Connection, plain: str) -> KeyRow | None:
    """The key, revoked and expired ones included."""
    row = connection.execute(sa.select(*_COLUMNS).where(api_key.c.digest == digest(plain))).one_or_none()
    return _row(row) if row else None


def get(connection: Connection, identity: str) -> KeyRow | None:
    row = connection.execute(sa.select(*_COLUMNS).where(api_key.c.id == identity)).one_or_none()
    return _row(row) if row else None


def good(connection: Connection, identities: Collection[str], now: datetime) -> set[str]:
    """Those of the keys that still open doors."""
    lasting = sa.or_(api_key.c.expires_at.is_(None), api_key.c.expires_at > now)
    asked = sa.select(api_key.c.id).where(api_key.c.id.in_(identities), api_key.c.revoked_at.is_(None), lasting)
    return set(connection.scalars(asked))


def revoke(connection: Connection, identity: str, now: datetime) -> bool:
    """True when it was not revoked until now."""
    changed = connection.execute(
        sa.update(api_key).where(api_key.c.id == identity, api_key.c.revoked_at.is_(None)).values(revoked_at=now)
    )
    return changed.rowcount == 1


def used(connection: Connection, identities: Iterable[str], now: datetime) -> None:
    """Notes that the keys were in use, unless that was noted less than a minute ago."""
    before = sa.or_(api_key.c.last_used_at.is_(None), api_key.c.last_used_at <= now - USED_EVERY)
    connection.execute(sa.update(api_key).where(api_key.c.id.in_(list(identities)), before).values(last_used_at=now))


def all_keys(connection: Connection) -> list[KeyRow]:
    """Every key, revoked ones included, oldest first."""
    rows = connection.execute(sa.select(*_COLUMNS).order_by(api_key.c.created_at, api_key.c.id))
    return [_row(row) for row in rows]


def digest(plain: str) -> bytes:
    """What is stored of a key."""
    return hashlib.sha256(plain.encode()).digest()


def _values(grant: Grant) -> dict[str, object]:
    return {
        "role": grant.role,
        "scopes": json.dumps(sorted(grant.scopes)),
        "shops": json.dumps(sorted(grant.shops)),
        "per_minute": grant.per_minute,
        "expires_at": grant.expires_at,
    }


def _row(row: sa.Row[tuple[object, ...]]) -> KeyRow:
    """A scope that this version does not know grants nothing."""
    values = dict(row._mapping)
    known = {scope.value: scope for scope in KeyScope}
    values["scopes"] = frozenset(known[name] for name in json.loads(values["scopes"]) if name in known)
    values["shops"] = frozenset(json.loads(values["shops"]))
    return KeyRow(**values)
