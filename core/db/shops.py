"""Shops, apps and their sealed credentials."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType

import sqlalchemy as sa
from pydantic import SecretStr
from sqlalchemy import Connection

from core.channel import Credentials
from core.crypto import Vault
from core.db.tables import app, credential, shop
from core.db.upsert import upsert
from core.errors import ConfigurationError


@dataclass(frozen=True)
class ShopRow:
    """A connected shop. `state` is active or paused; `reason` says why in words."""

    id: str
    channel: str
    account: str
    name: str
    app_key: str
    state: str
    reason: str
    created_at: datetime
    options: dict[str, str] = field(default_factory=dict)

    @property
    def active(self) -> bool:
        return self.state == "active"


@dataclass(frozen=True)
class Held:
    """A shop's credentials with the version they were read at."""

    credentials: Credentials
    version: int


# Made once: making a statement costs more than running it, and these run for every batch and every push.
_GET = sa.select(shop).where(shop.c.id == sa.bindparam("identity"))
_APPS = sa.select(app).where(app.c.channel == sa.bindparam("of_channel"))
_CREDENTIALS = sa.select(credential).where(credential.c.shop_id == sa.bindparam("of_shop"))


def shop_id(channel: str, account: str) -> str:
    """The one way to name a shop."""
    return f"{channel}:{account}"


def add(
    connection: Connection,
    vault: Vault,
    *,
    channel: str,
    account: str,
    name: str,
    credentials: Credentials,
    now: datetime,
    options: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """Connects a shop, or renews the app, tokens and given options of a known one. Answers its id."""
    identity = shop_id(channel, account)
    secret = credentials.app_secret.get_secret_value().encode()
    sealed = vault.seal(secret, "app", "secret", f"{channel}/{credentials.app_key}")
    upsert(connection, app, [{"channel": channel, "app_key": credentials.app_key, "secret": sealed}])
    known = connection.execute(sa.select(shop).where(shop.c.id == identity)).one_or_none()
    told = {"name": name, "app_key": credentials.app_key}
    if known is None:
        first = {"id": identity, "channel": channel, "account": account, "options": json.dumps(dict(options))}
        connection.execute(sa.insert(shop).values(**first, **told, created_at=now))
    else:
        merged = json.dumps({**json.loads(known.options), **options})
        connection.execute(sa.update(shop).where(shop.c.id == identity).values(**told, options=merged))
    store_tokens(connection, vault, identity, credentials)
    return identity


def get(connection: Connection, identity: str) -> ShopRow:
    """Raises ConfigurationError for a shop that was never added."""
    row = connection.execute(_GET, {"identity": identity}).one_or_none()
    if row is None:
        raise ConfigurationError(f"no shop {identity}; `qudao shop list` shows them")
    return _row(row)


def all_shops(connection: Connection) -> list[ShopRow]:
    return [_row(row) for row in connection.execute(sa.select(shop).order_by(shop.c.id))]


def pause(connection: Connection, identity: str, reason: str) -> int:
    """The revision of the shop's new state; 0 when it was paused already."""
    return _change(connection, identity, "active", "paused", reason)


def resume(connection: Connection, identity: str) -> int:
    """The revision of the shop's new state; 0 when it was active already."""
    return _change(connection, identity, "paused", "active", "")


def _change(connection: Connection, identity: str, old: str, new: str, reason: str) -> int:
    changed = connection.execute(
        sa.update(shop)
        .where(shop.c.id == identity, shop.c.state == old)
        .values(state=new, state_reason=reason, state_revision=shop.c.state_revision + 1)
        .returning(shop.c.state_revision)
    )
    return changed.scalar_one_or_none() or 0


def app_secrets(connection: Connection, vault: Vault, channel: str) -> dict[str, SecretStr]:
    """The secret of every app of a channel, by its key."""
    rows = connection.execute(_APPS, {"of_channel": channel})
    return {
        row.app_key: SecretStr(vault.open(row.secret, "app", "secret", f"{channel}/{row.app_key}").decode())
        for row in rows
    }


def push_cursor(connection: Connection, channel: str, app_key: str) -> str:
    """How far the app's polled source of notices was read; empty at first."""
    return (
        connection.scalar(sa.select(app.c.push_cursor).where(app.c.channel == channel, app.c.app_key == app_key)) or ""
    )


def keep_push_cursor(connection: Connection, channel: str, app_key: str, cursor: str) -> None:
    connection.execute(
        sa.update(app).where(app.c.channel == channel, app.c.app_key == app_key).values(push_cursor=cursor)
    )


def credentials(connection: Connection, vault: Vault, row: ShopRow) -> Held:
    """What this shop's calls are signed with."""
    stored = connection.execute(_CREDENTIALS, {"of_shop": row.id}).one()
    tokens = json.loads(vault.open(stored.tokens, "credential", "tokens", row.id))
    secret = app_secrets(connection, vault, row.channel)[row.app_key]
    return Held(
        Credentials(
            app_key=row.app_key,
            app_secret=secret,
            access_token=SecretStr(tokens["access"]),
            refresh_token=SecretStr(tokens["refresh"]),
            access_expires_at=stored.access_expires_at,
            refresh_expires_at=stored.refresh_expires_at,
        ),
        stored.version,
    )


def lease_refresh(
    connection: Connection, identity: str, owner: str, version: int, now: datetime, ttl: timedelta
) -> bool:
    """Takes the right to refresh the tokens read at `version`. False when another has it or has done it already."""
    taken = connection.execute(
        sa.update(credential)
        .where(
            credential.c.shop_id == identity,
            credential.c.version == version,
            sa.or_(credential.c.owner == "", credential.c.expires_at < now),
        )
        .values(owner=owner, expires_at=now + ttl)
    )
    return taken.rowcount == 1


def release_refresh(connection: Connection, identity: str, owner: str) -> None:
    connection.execute(
        sa.update(credential)
        .where(credential.c.shop_id == identity, credential.c.owner == owner)
        .values(owner="", expires_at=None)
    )


def token_version(connection: Connection, identity: str) -> int:
    return connection.scalar(sa.select(credential.c.version).where(credential.c.shop_id == identity)) or 0


def store_tokens(
    connection: Connection, vault: Vault, identity: str, fresh: Credentials, *, instead_of: int | None = None
) -> bool:
    """Puts tokens in place of the old ones, raises their version and ends a refresh under way.

    With `instead_of` only in place of that version; False when others are there.
    """
    text = json.dumps(
        {"access": fresh.access_token.get_secret_value(), "refresh": fresh.refresh_token.get_secret_value()}
    )
    values = {
        "tokens": vault.seal(text.encode(), "credential", "tokens", identity),
        "access_expires_at": fresh.access_expires_at,
        "refresh_expires_at": fresh.refresh_expires_at,
        "owner": "",
        "expires_at": None,
    }
    replaced = credential.c.shop_id == identity
    if instead_of is not None:
        replaced &= credential.c.version == instead_of
    changed = connection.execute(
        sa.update(credential).where(replaced).values(version=credential.c.version + 1, **values)
    )
    if changed.rowcount == 0 and instead_of is None:
        connection.execute(sa.insert(credential).values(shop_id=identity, version=1, **values))
    return changed.rowcount == 1 or instead_of is None


def _row(row: sa.Row[tuple[object, ...]]) -> ShopRow:
    values = row._mapping
    return ShopRow(
        id=values["id"],
        channel=values["channel"],
        account=values["account"],
        name=values["name"],
        app_key=values["app_key"],
        state=values["state"],
        reason=values["state_reason"],
        created_at=values["created_at"],
        options=json.loads(values["options"]),
    )
