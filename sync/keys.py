"""Keys to /v1 as an operator makes, changes and revokes them, and the audit log; each change is written into it."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from core.access import ROLES, KeyScope
from core.db import audit, keys, shops
from core.db.audit import CLI, Entry
from core.db.keys import Grant, KeyRow, NewKey
from core.errors import ConfigurationError
from sync.runtime import Runtime

PER_MINUTE = 6000
"""What a key may send unless it is said otherwise: no honest ERP gets there, a loop without a pause does."""


def granted(
    role: str = "", scopes: Collection[str] = (), shop_ids: Collection[str] = (), per_minute: int = PER_MINUTE
) -> Grant:
    """A role's scopes and those named beside it; without either, the role `erp`."""
    if not role and not scopes:
        role = "erp"
    if role and role not in ROLES:
        raise ConfigurationError(f"there is no role {role}; there are {', '.join(ROLES)}")
    if strange := sorted(set(scopes) - {scope.value for scope in KeyScope}):
        raise ConfigurationError(f"there is no scope {strange[0]}; see `qudao key roles`")
    named = frozenset(KeyScope(scope) for scope in scopes)
    return Grant(ROLES.get(role, frozenset()) | named, frozenset(shop_ids), role, None, per_minute)


def create(runtime: Runtime, label: str, grant: Grant | None = None, *, by: str = CLI) -> NewKey:
    """A key to /v1. Its plain text exists in this answer only."""
    grant = grant or granted()
    now = runtime.clock.now()
    with runtime.database.write() as connection:
        _check(connection, grant, now)
        made = keys.create(connection, label, now, grant)
        _note(connection, now, by, "key:create", made.id, grant)
    return made


def change(
    runtime: Runtime,
    identity: str,
    *,
    rights: Grant | None = None,
    shop_ids: Collection[str] | None = None,
    expires_at: datetime | None = None,
    per_minute: int | None = None,
    by: str = CLI,
) -> KeyRow | None:
    """Gives the key other rights; what is None stays, of `rights` only role and scopes count. None when there is no
    such valid key.
    """
    now = runtime.clock.now()
    with runtime.database.write() as connection:
        row = keys.get(connection, identity)
        if row is None or row.revoked_at is not None:
            return None
        grant = Grant(
            rights.scopes if rights else row.scopes,
            row.shops if shop_ids is None else frozenset(shop_ids),
            rights.role if rights else row.role,
            expires_at or row.expires_at,
            row.per_minute if per_minute is None else per_minute,
        )
        _check(connection, grant, now if expires_at else None)
        keys.change(connection, identity, grant)
        _note(connection, now, by, "key:change", identity, grant)
        return replace(
            row,
            scopes=grant.scopes,
            shops=grant.shops,
            role=grant.role,
            expires_at=grant.expires_at,
            per_minute=grant.per_minute,
        )


def rotate(runtime: Runtime, identity: str, keep: timedelta, *, by: str = CLI) -> NewKey | None:
    """Another key with the same rights and no end; the old one ends after `keep`. None when there is no such good
    key.
    """
    now = runtime.clock.now()
    with runtime.database.write() as connection:
        row = keys.get(connection, identity)
        if row is None or not row.good(now):
            return None
        grant = Grant(row.scopes, row.shops, row.role, None, row.per_minute)
        made = keys.create(connection, row.label, now, grant)
        _note(connection, now, by, "key:create", made.id, grant)
        ends = min(filter(None, (row.expires_at, now + keep)))
        keys.change(connection, identity, replace(grant, expires_at=ends))
        _note(connection, now, by, "key:change", identity, grant)
    return made


def revoke(runtime: Runtime, identity: str, *, by: str = CLI) -> bool:
    """False when there is no such valid key."""
    now = runtime.clock.now()
    with runtime.database.write() as connection:
        done = keys.revoke(connection, identity, now)
        if done:
            audit.write(connection, at=now, key=by, action="key:revoke", object_id=identity)
    return done


def every(runtime: Runtime) -> list[KeyRow]:
    with runtime.database.read() as connection:
        return keys.all_keys(connection)


def get(runtime: Runtime, identity: str) -> KeyRow | None:
    with runtime.database.read() as connection:
        return keys.get(connection, identity)


def used(runtime: Runtime, *, since: datetime | None, key: str, action: str, limit: int) -> list[Entry]:
    """The newest rows of the audit log, oldest first."""
    with runtime.database.read() as connection:
        return audit.page(connection, since=since, key=key, action=action, newest=True, limit=limit)


def _check(connection: Connection, grant: Grant, now: datetime | None) -> None:
    known = {row.id for row in shops.all_shops(connection)}
    if strange := sorted(grant.shops - known):
        raise ConfigurationError(f"there is no shop {strange[0]}; see `qudao shop list`")
    if now and grant.expires_at and grant.expires_at <= now:
        raise ConfigurationError("a key must end later than now")


def _note(connection: Connection, now: datetime, by: str, action: str, identity: str, grant: Grant) -> None:
    """What the key may do now is in `purpose`: the role, the scopes it has beside it or lacks, and its shops."""
    usual = ROLES.get(grant.role, frozenset())
    beside = [f"+{scope}" for scope in sorted(grant.scopes - usual)]
    lacking = [f"-{scope}" for scope in sorted(usual - grant.scopes)]
    places = ["in", *sorted(grant.shops)] if grant.shops else []
    words = " ".join(filter(None, (grant.role, *beside, *lacking, *places)))
    audit.write(connection, at=now, key=by, action=action, object_id=identity, purpose=words)
