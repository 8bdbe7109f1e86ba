"""Two hosts on one PostgreSQL and one Valkey, real processes, one of them cut off in the middle of work and healed.

What must hold: leadership, lanes and listeners move with a higher fence; the one that was away writes nothing in the
name of what it lost; and at the end the platforms, the ERP and every reader of the feed agree on everything.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis
import sqlalchemy as sa
from pydantic import SecretStr

from bench._servers import played
from commands.demo_result import Journal, Result, compare
from commands.supervisor import Part, child, command, program
from core.crypto import Vault
from core.db import Database
from core.db.migrations import upgrade
from core.db.tables import feed, lane, receipt, watermark
from core.settings import Settings
from examples.sandbox_control import SandboxControl
from sync import keys, ops
from sync.beat import LEADER_KEY
from sync.runtime import Runtime
from tests import servers
from tests.scale.exclusion import overlaps
from tests.scale.hosts import Data, Host, Network, NotHere, data, groups, namespaces

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
CHANNELS = ["pinduoduo", "douyin", "taobao"]
SECRET = "only for this test"
LEASE = 4.0
SECONDS_WORKERS = 2
FIRST_PULL_DAYS = 0.002
SANDBOX_PORT, WEB_PORT = 29700, 28080
NOTICED = ("lane lost", "beat missed", "another process listens now", "database does not answer", "cannot listen")
Place = tuple[str, str]
Held = dict[Place, tuple[str, int, datetime]]


@dataclass
class Stage:
    """Everything that plays, and what was seen."""

    folder: Path
    network: Network
    data: Data
    database: Database
    sandbox: SandboxControl
    valkey: redis.Redis
    journal: Journal = field(default_factory=Journal)
    read_to: int = 0

    def held(self) -> Held:
        """Lanes that somebody owns: owner, fence and the end of the lease."""
        with self.database.read() as connection:
            rows = connection.execute(sa.select(lane).where(lane.c.owner != ""))
            return {(row.shop_id, row.kind): (row.owner, row.fence, row.expires_at) for row in rows}

    def fences(self) -> dict[Place, int]:
        with self.database.read() as connection:
            return {(row.shop_id, row.kind): row.fence for row in connection.execute(sa.select(lane))}

    def state(self) -> list[str]:
        """For whoever looks into a failure: lanes, and how far each stream is."""
        with self.database.read() as connection:
            rows = [*connection.execute(sa.select(lane)), *connection.execute(sa.select(watermark))]
            rows += connection.execute(
                sa.select(
                    receipt.c.channel, receipt.c.state, sa.func.count(), sa.func.min(receipt.c.not_before)
                ).group_by(receipt.c.channel, receipt.c.state)
            )
        return [str(tuple(map(str, row))) for row in rows]

    def leader(self) -> bytes | None:
        found = self.valkey.get(LEADER_KEY)
        return found if isinstance(found, bytes) else None

    def result(self) -> Result:
        path = self.folder / "erp.jsonl"
        whole = path.read_bytes()[self.read_to :].rpartition(b"\n")[0] if path.exists() else b""
        if whole:
            self.read_to += len(whole) + 1
            self.journal.read(whole.decode().splitlines())
        return compare(self.sandbox.truth(), self.journal, CHANNELS)


def until(reached: Callable[[], Any], seconds: float, what: str) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := reached()):
        assert time.monotonic() < deadline, what
        time.sleep(0.05)
    return found


def agree(seen: Stage, seconds: float) -> None:
    """Returns when platforms and ERP agree on everything."""
    deadline = time.monotonic() + seconds
    while not (result := seen.result()).ok:
        assert time.monotonic() < deadline, "\n".join([*result.reasons[:20], *seen.state()])
        time.sleep(0.5)


@contextmanager
def stage(folder: Path, net: Network) -> Iterator[tuple[Stage, list[Host]]]:
    """Platforms, data and two hosts, none of which runs yet."""
    with ExitStack() as stack:
        around = stack.enter_context(data(net))
        database = Database(around.database, Vault(SECRET))
        stack.callback(database.close)
        upgrade(database)
        gateway = f"http://{net.platforms}:{SANDBOX_PORT}"
        words = command("sandbox", "--host", net.platforms, "--port", str(SANDBOX_PORT), "--seed", "3")
        stack.enter_context(played([child("sandbox", words, {}, log=folder / "sandbox.log")]))
        sandbox = stack.enter_context(SandboxControl(gateway))
        settings = {
            **around.surroundings,
            "QUDAO_SECRET_KEY": SECRET,
            "QUDAO_LEASE_SECONDS": str(LEASE),
            "QUDAO_POLL_ORDERS_SECONDS": "4",
            "QUDAO_POLL_AFTER_SALES_SECONDS": "60",
            "QUDAO_FIRST_PULL_DAYS": str(FIRST_PULL_DAYS),
            "QUDAO_DRAIN_SECONDS": "3",
            "QUDAO_LONGEST_WAIT_SECONDS": "0.3",
            **{f"QUDAO_{code.upper()}_GATEWAY": gateway for code in CHANNELS},
        }
        valkey = stack.enter_context(redis.Redis.from_url(around.redis))
        seen = Stage(folder, net, around, database, sandbox, valkey)
        hosts = [
            Host(n, net, folder / name, settings, workers, WEB_PORT + n)
            for n, (name, workers) in enumerate((("first", 3), ("second", SECONDS_WORKERS)))
        ]
        until(sandbox.answers, 30, "the sandbox does not answer")
        yield seen, hosts


def open_shops(seen: Stage, callbacks: str) -> str:
    """Connects the shops of three channels; the key of an ERP."""
    address = {"database_url": seen.data.database, "redis_url": seen.data.redis, "secret_key": SecretStr(SECRET)}
    runtime = Runtime.open(Settings(data_dir=seen.folder, first_pull_days=FIRST_PULL_DAYS).model_copy(update=address))
    found = seen.sandbox.credentials()["channels"]
    for code in CHANNELS:
        for shop in found[code]["shops"]:
            tokens = shop["access_token"], shop["refresh_token"]
            credentials = ops.credentials(found[code]["app_key"], found[code]["app_secret"], *tokens)
            ops.connect_shop(runtime, channel=code, account=shop["shop_id"], name=code, credentials=credentials)
    seen.sandbox.callback("douyin", f"{callbacks}/hooks/douyin")
    seen.sandbox.settings(risk_hold=4)
    key = keys.create(runtime, "erp", keys.granted(per_minute=0)).plain
    runtime.close()
    return key


def erp(folder: Path, url: str, key: str) -> Part:
    words = program(ROOT / "examples" / "demo_erp.py", url, "--deliveries", "4")
    return child("erp", words, {"QUDAO_KEY": key}, log=folder / "erp.log", output=folder / "erp.jsonl")


class Follower:
    """A reader of the feed through the web server of the host that is cut off; it keeps its cursor and goes on."""

    def __init__(self, url: str, key: str) -> None:
        self.ids: list[str] = []
        self._over = threading.Event()
        self._client = httpx.Client(
            base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=3, trust_env=False
        )
        self._thread = threading.Thread(target=self._follow)

    @contextmanager
    def reading(self) -> Iterator["Follower"]:
        self._thread.start()
        try:
            yield self
        finally:
            self._over.set()
            self._thread.join()
            self._client.close()

    def _follow(self) -> None:
        cursor = ""
        while not self._over.wait(0.05):
            try:
                answer = self._client.get("/v1/feed", params={"after": cursor, "wait": 1, "limit": 50})
            except httpx.TransportError:
                continue
            if answer.status_code == 200:
                self.ids += [each["id"] for each in answer.json()["events"]]
                cursor = answer.json()["cursor"]


def buy(seen: Stage, count: int) -> None:
    for number in range(count):
        seen.sandbox.place(CHANNELS[number % len(CHANNELS)], variant="plain")


def working(seen: Stage) -> Held:
    """More lanes held than the second host has workers, so that some are the first one's, in the middle of leases."""
    soon = datetime.now(UTC) + timedelta(seconds=LEASE / 4)
    held = {place: row for place, row in seen.held().items() if place[1] != "listen" and row[2] > soon}
    return held if len(held) > SECONDS_WORKERS else {}


@pytest.fixture(params=[namespaces, groups], ids=["cut_link", "frozen"])
def net(request: pytest.FixtureRequest) -> Iterator[Network]:
    """A network for two hosts: namespaces, else frozen process groups; both when QUDAO_TEST_HOSTS=all asks for it."""
    try:
        servers.postgres_binaries()
        if request.param is groups and os.environ.get("QUDAO_TEST_HOSTS") != "all":
            with namespaces(1):
                pytest.skip("network namespaces can be had; QUDAO_TEST_HOSTS=all runs frozen process groups too")
    except servers.ServerMissing as missing:
        if os.environ.get("QUDAO_TEST_REQUIRE_POSTGRES") == "1":
            pytest.fail(str(missing))
        pytest.skip(str(missing))
    except NotHere:
        pass  # process groups it is
    try:
        with request.param(2) as made:
            yield made
    except NotHere as reason:
        pytest.skip(str(reason))


def test_a_host_is_cut_off_and_comes_back(tmp_path: Path, net: Network) -> None:
    with stage(tmp_path, net) as (seen, (first, second)), ExitStack() as running:
        key = open_shops(seen, first.url)
        running.enter_context(first.running())
        until(lambda: seen.leader() and len(listening(seen)) == 2, 60, "the first host does not listen")
        led, listened = seen.leader(), listening(seen)
        running.enter_context(second.running())
        until(lambda: seen.valkey.scard("rq:workers") == 3 + SECONDS_WORKERS, 60, "the workers do not come up")
        follower = running.enter_context(Follower(first.url, key).reading())
        running.enter_context(played([erp(tmp_path, second.url, key)]))
        until(lambda: seen.result().reasons and len(seen.journal.numbers) > 5, 60, "the ERP knows no goods")
        assert listening(seen) == listened, "one owner per app, also with two hosts"

        seen.sandbox.settings(answer_delay=0.15)  # so that calls are under way when the link goes down
        buy(seen, 9)
        until(lambda: working(seen), 20, "nobody works")
        first.cut()
        lost = outlived(seen)
        assert {kind for _, kind in lost} > {"listen"}, "the first host owned only its listeners when it was cut off"
        buy(seen, 6)
        until(lambda: taken_over(seen, lost), 30, "nobody took over")
        until(lambda: seen.leader() not in (None, led), 20, "nobody leads instead")
        until(lambda: moved(listened, listening(seen)), 30, "nobody listens instead")
        after = listening(seen)
        first.heal()
        seen.sandbox.settings(answer_delay=0)
        buy(seen, 6)
        until(lambda: any(word in first.said() for word in NOTICED), 30, "the first host noticed nothing")
        agree(seen, 60)
        assert all(seen.fences()[place] >= fence for place, fence in lost.items())
        assert listening(seen) == after, "who came back does not take what works"
        until(lambda: len(follower.ids) >= len(events(seen)), 15, "the reader is behind")
        assert follower.ids == events(seen)
        running.close()
        assert overlaps(seen.database) == []


def listening(seen: Stage) -> dict[Place, int]:
    """Apps with an owner whose lease runs, and its fence."""
    now = datetime.now(UTC)
    return {place: row[1] for place, row in seen.held().items() if place[1] == "listen" and row[2] > now}


def moved(before: dict[Place, int], after: dict[Place, int]) -> bool:
    return before.keys() == after.keys() and all(after[place] > fence for place, fence in before.items())


def outlived(seen: Stage) -> dict[Place, int]:
    """Lanes whose owner says nothing more until its lease runs out: those of the host that is away, and their fence."""
    time.sleep(0.2)  # what was on its way has arrived
    silent = {place: row for place, row in seen.held().items() if row[2] > datetime.now(UTC)}
    end = max(row[2] for row in silent.values())
    while (now := datetime.now(UTC)) < end:
        held = seen.held()
        silent = {place: row for place, row in silent.items() if held.get(place) == row or now >= row[2]}
        time.sleep(0.05)
    return {place: row[1] for place, row in silent.items()}


def taken_over(seen: Stage, lost: dict[Place, int]) -> bool:
    """Whether work goes on in one of the lanes; the others' turn comes when there is something to do."""
    fences = seen.fences()
    return any(place[1] != "listen" and fences[place] > fence for place, fence in lost.items())


def events(seen: Stage) -> list[str]:
    with seen.database.read() as connection:
        return list(connection.scalars(sa.select(feed.c.id).order_by(feed.c.position)))
