"""What a doctor looks at: database, Redis, clocks, the key, shops, tokens, gateways, and how far behind we are.

Every finding says what to do. Looking changes nothing; the gateways are asked for one small list per shop.
"""

from collections.abc import Generator, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import redis
import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from core.channel import Capability
from core.db import migrations, parked, shops, watermarks
from core.db.shops import ShopRow
from core.db.subscriptions import State as Subscribed
from core.db.tables import intent, receipt
from core.errors import ChannelError, ConfigurationError, Reauthorize, Throttled
from sync import pull, subscriptions
from sync.beat import LEADER_KEY
from sync.runtime import Runtime

CLOCK_WARNING = timedelta(seconds=2)
CLOCK_LIMIT = timedelta(seconds=60)
"""Platforms refuse a timestamp that is some minutes off; this leaves room."""
TOKEN_WARNING = timedelta(hours=12)
BEHIND = timedelta(minutes=15)
WAITING = timedelta(minutes=2)
"""Due work that waits longer than this means that no worker is there, or that all have too much to do."""


class State(StrEnum):
    """How bad it is. BAD makes the doctor's answer no."""

    OK = "ok"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `advice` says what to do, in both languages; empty when all is well."""

    what: str
    state: State
    detail: str
    advice: str = ""
    advice_zh: str = ""


def examine(runtime: Runtime, *, gateways: bool = True) -> Iterator[Finding]:
    """Everything, the foundations first; what cannot be looked at without them is left out."""
    database = _database(runtime)
    yield database
    redis_there = yield from _redis(runtime)
    if database.state is State.BAD:
        return
    if runtime.database.postgresql:
        yield _clock("database clock", _database_time(runtime), runtime.clock.now())
    yield _key(runtime)
    yield from _work(runtime, redis_there)
    yield from _subscriptions(runtime)
    with runtime.database.read() as connection:
        rows = shops.all_shops(connection)
    if not rows:
        yield Finding("shops", State.WARN, "none connected", "qudao shop add", "用 qudao shop add 接入店铺")
    for row in rows:
        yield from _shop(runtime, row, ask=gateways and redis_there)


def _key(runtime: Runtime) -> Finding:
    if runtime.settings.secret_key is not None:
        return Finding("key", State.OK, "from QUDAO_SECRET_KEY")
    path = runtime.settings.data_dir / "secret.key"
    if path.stat().st_mode & 0o077:
        return Finding("key", State.BAD, f"others can read {path}", f"chmod 600 {path}", "请收紧密钥文件权限")
    return Finding("key", State.OK, f"in {path}; without it the credentials are lost, so back it up")


def _database(runtime: Runtime) -> Finding:
    kind = "PostgreSQL" if runtime.database.postgresql else "SQLite"
    try:
        present = migrations.present(runtime.database)
    except SQLAlchemyError as error:
        words = type(error).__name__
        return Finding(
            "database", State.BAD, f"{kind}: {words}", "check QUDAO_DATABASE_URL", "请检查 QUDAO_DATABASE_URL"
        )
    if present != migrations.newest():
        detail = f"{kind} at {present or 'nothing'}, this version needs {migrations.newest()}"
        return Finding("database", State.BAD, detail, "qudao migrate", "请运行 qudao migrate")
    return Finding("database", State.OK, f"{kind} at {present}")


def _redis(runtime: Runtime) -> Generator[Finding, None, bool]:
    """Answers whether it is there."""
    try:
        seconds, micros = runtime.redis.time()
        leader = runtime.redis.exists(LEADER_KEY)
    except redis.RedisError as error:
        detail = f"{type(error).__name__}; rows are kept, nothing moves"
        yield Finding(
            "redis", State.BAD, detail, "qudao up, or check QUDAO_REDIS_URL", "运行 qudao up 或检查 QUDAO_REDIS_URL"
        )
        return False
    yield Finding("redis", State.OK, "answers")
    yield _clock(
        "redis clock",
        datetime.fromtimestamp(seconds + micros / 1e6, tz=runtime.clock.now().tzinfo),
        runtime.clock.now(),
    )
    if leader:
        yield Finding("beat", State.OK, "beats")
    else:
        yield Finding("beat", State.BAD, "no beat leads", "qudao up, or qudao beat", "运行 qudao up 或 qudao beat")
    return True


def _database_time(runtime: Runtime) -> datetime:
    with runtime.database.read() as connection:
        return connection.execute(sa.select(sa.func.clock_timestamp(type_=sa.DateTime(timezone=True)))).scalar_one()


def _clock(what: str, theirs: datetime, ours: datetime) -> Finding:
    off = abs(theirs - ours)
    detail = f"{off.total_seconds():.1f} s apart from ours"
    if off <= CLOCK_WARNING:
        return Finding(what, State.OK, detail)
    state = State.BAD if off > CLOCK_LIMIT else State.WARN
    return Finding(what, state, detail, "synchronise the clocks (NTP)", "请用 NTP 校时")


def _work(runtime: Runtime, redis_there: bool) -> Iterator[Finding]:
    now = runtime.clock.now()
    with runtime.database.read() as connection:
        oldest = [
            connection.scalar(sa.select(sa.func.min(table.c.not_before)).where(table.c.state == "due"))
            for table in (receipt, intent)
        ]
        waiting = sum(parked.counts(connection).values())
    late = max((now - at for at in oldest if at is not None), default=timedelta(0))
    if late > WAITING:
        advice = "start workers: qudao up, or qudao worker" if redis_there else "start Redis and workers: qudao up"
        yield Finding("work", State.BAD, f"due for {_span(late)}", advice, "请启动工作进程")
    else:
        yield Finding("work", State.OK, "nothing is late")
    if waiting:
        yield Finding(
            "parked", State.WARN, f"{waiting} wait for a person", "qudao parked list", "用 qudao parked list 处理"
        )


def _subscriptions(runtime: Runtime) -> Iterator[Finding]:
    for view in subscriptions.every(runtime):
        row, now = view.row, runtime.clock.now()
        late = subscriptions.late(runtime, row)
        if row.state is Subscribed.DISABLED:
            advice = f"mend the target, then qudao subscription resume {row.id}"
            yield Finding(row.id, State.BAD, f"disabled: {row.reason}", advice, "修复接收端后恢复订阅")
        elif row.failing_since is not None:
            detail = f"every try has failed for {_span(now - row.failing_since)}"
            yield Finding(row.id, State.WARN, detail, f"qudao subscription deliveries {row.id}", "请查看投递记录")
        elif late > WAITING:
            yield Finding(
                row.id, State.BAD, f"due for {_span(late)}", "qudao up, or qudao webhooks", "请启动 qudao webhooks"
            )
        else:
            yield Finding(row.id, State.OK, f"{row.state.value}, {view.waiting} wait to be sent")


def _shop(runtime: Runtime, row: ShopRow, *, ask: bool) -> Iterator[Finding]:
    if not row.active:
        yield Finding(row.id, State.WARN, f"paused: {row.reason}", f"qudao shop resume {row.id}", "确认原因后恢复店铺")
        return
    now = runtime.clock.now()
    try:
        with runtime.database.read() as connection:
            held = shops.credentials(connection, runtime.vault, row).credentials
            mark = watermarks.of_shop(connection, row.id).get(pull.ORDERS)
    except ConfigurationError as error:
        yield Finding(
            row.id, State.BAD, str(error), "set the QUDAO_SECRET_KEY the shop was added with", "请使用原来的密钥"
        )
        return
    yield _token(row, held.access_expires_at, held.refresh_expires_at, now)
    if mark is None or now - mark.complete_through > BEHIND:
        detail = (
            "not pulled yet"
            if mark is None
            else f"orders are {_span(now - mark.complete_through)} behind {mark.reason}"
        )
        yield Finding(
            row.id,
            State.WARN,
            detail,
            "the first pull takes a while; else see the log",
            "首次拉取需要时间，否则请看日志",
        )
    else:
        yield Finding(row.id, State.OK, f"orders complete through {mark.complete_through:%H:%M:%S} UTC")
    if ask:
        yield _gateway(runtime, row)


def _token(row: ShopRow, access: datetime | None, refresh: datetime | None, now: datetime) -> Finding:
    if refresh is not None and refresh <= now:
        advice = "the seller authorises again, then qudao shop add"
        return Finding(row.id, State.BAD, "both tokens have ended", advice, "需卖家重新授权后再 qudao shop add")
    if access is None:
        return Finding(row.id, State.OK, "the channel did not say when the token ends")
    if access <= now and refresh is None:
        return Finding(
            row.id, State.WARN, f"the access token ended {_span(now - access)} ago", "watch the refresh", "留意令牌刷新"
        )
    if refresh is not None and refresh - now < TOKEN_WARNING:
        detail = f"the refresh token ends in {_span(refresh - now)}"
        return Finding(row.id, State.WARN, detail, "have the seller authorise again soon", "请卖家尽快重新授权")
    return Finding(row.id, State.OK, f"token for {_span(max(access - now, timedelta(0)))}, refreshed by itself")


def _gateway(runtime: Runtime, row: ShopRow) -> Finding:
    """Asks for the carriers: small, harmless, and only answered to a live token."""
    try:
        connector, _ = runtime.connector(row)
        if not connector.channel.supports(Capability.CARRIERS):
            return Finding(row.id, State.OK, "gateway not asked: this channel has nothing small to ask for")
        known = connector.carriers()
    except Throttled:
        return Finding(row.id, State.OK, "the gateway answers, and is busy with us")
    except Reauthorize as error:
        return Finding(row.id, State.WARN, str(error), "the next call refreshes the token", "下次调用会刷新令牌")
    except (ChannelError, ConfigurationError) as error:
        return Finding(
            row.id,
            State.BAD,
            str(error),
            "check the network, the gateway and the app's rights",
            "请检查网络、网关和应用权限",
        )
    return Finding(row.id, State.OK, f"the gateway answers ({len(known)} carriers)")


def _span(time: timedelta) -> str:
    seconds = int(time.total_seconds())
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
