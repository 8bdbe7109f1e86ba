"""Keys to /v1. Only a key's SHA-256 is stored: keys carry 256 random bits, so a slow hash would add nothing."""

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy import Connection

from core.db.tables import api_key

PREFIX = "qk_"
_SHOWN = len(PREFIX) + 8


@dataclass(frozen=True)
class NewKey:
    """A key just made. `plain` is shown to its owner once and is nowhere else."""

    id: str
    plain: str = field(repr=False)


@dataclass(frozen=True)
class KeyRow:
    """A stored key, without anything that opens a door. `id` is its visible beginning."""

    id: str
    label: str
    created_at: datetime
    revoked_at: datetime | None


def create(connection: Connection, label: str, now: datetime) -> NewKey:
    """Makes and stores a key."""
    plain = PREFIX + secrets.token_urlsafe(32)
    key = NewKey(plain[:_SHOWN], plain)
    connection.execute(sa.insert(api_key).values(id=key.id, label=label, digest=digest(plain), created_at=now))
    return key


def verify(connection: Connection, plain: str) -> str | None:
    """The id of the key, or None when it is unknown or revoked."""
    found: str | None = connection.scalar(
        sa.select(api_key.c.id).where(api_key.c.digest == digest(plain), api_key.c.revoked_at.is_(None))
    )
    return found


def revoke(connection: Connection, identity: str, now: datetime) -> bool:
    """True when it was valid until now."""
    changed = connection.execute(
        sa.update(api_key).where(api_key.c.id == identity, api_key.c.revoked_at.is_(None)).values(revoked_at=now)
    )
    return changed.rowcount == 1


def all_keys(connection: Connection) -> list[KeyRow]:
    """Every key, revoked ones included, oldest first."""
    columns = (api_key.c.id, api_key.c.label, api_key.c.created_at, api_key.c.revoked_at)
    rows = connection.execute(sa.select(*columns).order_by(api_key.c.created_at, api_key.c.id))
    return [KeyRow(*row) for row in rows]


def digest(plain: str) -> bytes:
    """What is stored of a key."""
    return hashlib.sha256(plain.encode()).digest()
