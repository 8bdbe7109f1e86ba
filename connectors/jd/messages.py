"""JD's pushes: rows that the platform writes into a MySQL table of the app's owner (数据同步). There is no other push.

A row is the latest version of an order, not an event, and it is never believed: it names an order, which is then read
from the gateway. The table holds all shops that were bound to it. Reading needs nothing but SELECT.
"""

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from pydantic import SecretStr

from core.channel import ObjectKind
from core.clock import SHANGHAI, Clock
from core.errors import ConfigurationError, Malformed, Unavailable
from core.notices import AppAccess, Notice, Polled

EVERY_SECONDS = 10.0
LAG = timedelta(seconds=10)
"""Rows younger than this are left for the next look: JD may still be writing rows of the same second."""
OVERLAP = timedelta(seconds=60)
"""How far each look reaches back for rows that were written late, or by a clock that is behind ours (inferred)."""
FIRST_REACH = timedelta(minutes=10)
"""Where the first look begins; what is older comes in by polling the gateway."""
BATCH = 500
CONNECT_SECONDS = 10
READ_SECONDS = 60

TOPIC = "yd_pop_order"
ORDERS = sa.table(
    TOPIC,
    sa.column("orderId"),
    sa.column("venderId"),
    sa.column("state", sa.String),
    sa.column("pushModified", sa.DateTime),
    sa.column("responseJson", sa.String),
)
"""The columns that are known for certain. Ids may be numbers or text."""

SETTING = "QUDAO_JD_PUSH_DATABASE_URL"
REFUSED = {
    1044: "refused this account the database",
    1045: "refused the login",
    1049: "has no database of that name",
    1054: f"has a table {TOPIC} without the documented columns",
    1142: f"refused this account the table {TOPIC}",
    1146: f"has no table {TOPIC}",
    1698: "refused the login",
}
"""MySQL's errors that only the operator can end."""


def jd_source(access: AppAccess) -> "JdSource | None":
    """The app's push table; None where no database is set. Connects at the first look."""
    if access.push_database is None:
        return None
    return JdSource(access.app_key, access.push_database, access.clock)


class JdSource:
    """Looks at the push table. The cursor is where the next look begins: a time or, amid a long read, a row.

    Each read goes to the table's end less `LAG`; the one after it begins `OVERLAP` before that end. What was told and
    confirmed is remembered for as long as it can come again, so only a restart repeats anything.
    """

    every = EVERY_SECONDS

    def __init__(self, app_key: str, database: SecretStr, clock: Clock) -> None:
        self._app_key = app_key
        self._database = database
        self._clock = clock
        self._engine: sa.Engine | None = None
        self._confirmed: dict[str, datetime] = {}

    def poll(self, cursor: str) -> Polled:
        """Up to `BATCH` rows as notices. Raises Unavailable, or ConfigurationError with what the operator must do."""
        end = _local(self._clock.now() - LAG)
        since, after = _position(cursor) or (end - FIRST_REACH, None)
        rows = self._read(_query(since, after, end))
        told = {notice.dedup_key: notice for notice in map(self._notice, rows)}
        fresh = {key: notice for key, notice in told.items() if key not in self._confirmed}
        more = len(rows) == BATCH
        position = (rows[-1].pushModified, rows[-1].orderId) if more else (end - OVERLAP, None)
        self._forget(_instant(min(since, end - OVERLAP)))
        return Polled(tuple(fresh.values()), _cursor(*position), tuple(fresh), more)

    def confirm(self, acks: Sequence[str]) -> None:
        """These notices are durable: while they stay within the overlap they are not told again."""
        now = self._clock.now()
        self._confirmed.update(dict.fromkeys(acks, now))

    def close(self) -> None:
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    def _read(self, query: sa.Select[Any]) -> Sequence[sa.Row[Any]]:
        try:
            with self._connect() as connection:
                return connection.execute(query).all()
        except sa.exc.DBAPIError as error:
            number = _number(error)
            if why := REFUSED.get(number):
                raise ConfigurationError(f"JD's push database {why} (error {number}); see {SETTING}") from None
            raise Unavailable("the push database does not answer", channel="jd", code=str(number or "")) from None

    def _connect(self) -> sa.Connection:
        if self._engine is None:
            self._engine = _engine(self._database)
        try:
            return self._engine.connect()
        except (AttributeError, LookupError, TypeError, ValueError):  # the URL's options go to the driver as they are
            raise ConfigurationError(f"{SETTING} has an option that the driver does not take") from None

    def _notice(self, row: sa.Row[Any]) -> Notice:
        raw = (row.responseJson or "").encode()
        # The content tells versions apart, also within one second; a row that is written again says the same.
        version = hashlib.blake2b(raw, digest_size=8).hexdigest() if raw else row.pushModified
        return Notice(
            channel="jd",
            app_key=self._app_key,
            account=str(row.venderId),
            topic=TOPIC,
            kind=ObjectKind.ORDER,
            object_id=str(row.orderId),
            dedup_key=f"{row.orderId}:{row.state}:{version}",
            source_at=_instant(row.pushModified),
            raw=raw,
        )

    def _forget(self, before: datetime) -> None:
        """Rows from before this instant are behind every later look."""
        self._confirmed = {key: at for key, at in self._confirmed.items() if at >= before}


def _query(since: datetime, after: object, end: datetime) -> sa.Select[Any]:
    """Rows of [since, end), or from behind row `after` of the second `since`; oldest first."""
    pushed, order = ORDERS.c.pushModified, ORDERS.c.orderId
    query = sa.select(ORDERS).where(pushed >= since, pushed < end).order_by(pushed, order).limit(BATCH)
    return query if after is None else query.where(sa.or_(pushed > since, order > after))


def _engine(database: SecretStr) -> sa.Engine:
    """One connection, proven before each use. JD's own is MySQL; a simulated one may be whatever SQLAlchemy knows.

    Raises ConfigurationError for a URL that cannot work.
    """
    try:
        url = sa.make_url(database.get_secret_value())
        mysql = url.get_backend_name() in ("mysql", "mariadb")
        if mysql:
            url = url.set(drivername=f"{url.get_backend_name()}+pymysql")
        timeouts = {"connect_timeout": CONNECT_SECONDS, "read_timeout": READ_SECONDS} if mysql else {}
        return sa.create_engine(url, connect_args=timeouts, pool_size=1, max_overflow=0, pool_pre_ping=True)
    except (sa.exc.ArgumentError, ValueError):  # ValueError: the port is no number
        raise ConfigurationError(f"{SETTING} is not a database URL; JD's begins with mysql://") from None
    except ModuleNotFoundError as error:
        how = ": pip install 'qudao[jd-push]'" if error.name == "pymysql" else ""
        raise ConfigurationError(f"the push database of {SETTING} needs the driver {error.name}{how}") from None


def _number(error: sa.exc.DBAPIError) -> int:
    """MySQL's number of the error; 0 when the driver gives none."""
    told = error.orig.args[0] if error.orig is not None and error.orig.args else 0
    return told if isinstance(told, int) else 0


def _cursor(since: datetime, after: object) -> str:
    return json.dumps([since.isoformat(" "), after])


def _position(cursor: str) -> tuple[datetime, object] | None:
    """None at first. An id keeps its type, so that the database compares what it sorted."""
    if not cursor:
        return None
    try:
        since, after = json.loads(cursor)
        return datetime.fromisoformat(since), after
    except (ValueError, TypeError):
        raise Malformed("the stored cursor is none of the push table's", channel="jd") from None


def _local(at: datetime) -> datetime:
    """As the table spells it: Beijing, without a zone."""
    return at.astimezone(SHANGHAI).replace(tzinfo=None)


def _instant(local: datetime) -> datetime:
    return local.replace(tzinfo=SHANGHAI).astimezone(UTC)
