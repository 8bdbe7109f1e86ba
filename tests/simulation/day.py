"""One seeded promotion day: the platforms, our processes, and whose turn it is.

Time is the sandbox's virtual clock. The day has no idea what an order is: actors (`buyers.py`, `erp.py`,
`listening.py`, `chaos.py`) say when they want to act, and act either at once or as the work of a process, which can be
stopped and killed. After the day faults stop, everything is drained to quiescence, and `invariants.py` looks at what is
left.
"""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any
from unittest import mock

import redis
from pydantic import SecretStr
from sqlalchemy.exc import DBAPIError

from connectors import CHANNELS
from core.channel import Credentials, Limit, Scope
from core.db import Database
from core.settings import Settings
from sandbox.clock import VirtualClock
from sandbox.jd.push_table import PushTable, open_table
from sandbox.sandbox import Sandbox
from sync import beat, drain, ops
from sync.limits import RedisGate
from sync.runtime import Runtime
from tests.simulation.bells import Ringing, SimulatedBells
from tests.simulation.boundaries import LIMIT_SECONDS, REDIS, Boundaries, Fates, Valkey, Wire
from tests.simulation.fibers import Baton, Fiber, Process
from tests.vault import SECRET, VAULT

MINUTES = 8
ITEMS = 4
"""How many of its goods each shop keeps: few enough that buyers, the ERP and the seller meet at the same ones."""
BEFORE_SECONDS = 3600.0
"""How long the shops were open before they were connected: the first pull has something to find, in several windows."""
WORKERS = 3
BEAT_EVERY = 9.0
MOST_TURNS = 200_000
CALLS_A_SECOND = 8
"""Tighter than any channel's own limits, so that a day of this size meets it; the platforms count each method alone."""
ALL = tuple(CHANNELS)
_TIGHT = Limit(CALLS_A_SECOND, LIMIT_SECONDS, Scope.APP)


class Crashed(AssertionError):
    """A process ended with an error that neither a broken connection nor a killer explains."""


class _ProcessClock:
    """The world's time as one process's machine shows it."""

    def __init__(self, process: Process, now: Callable[[], float]) -> None:
        self._process = process
        self._now = now

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._now() + self._process.skew, UTC)


@dataclass
class Actor:
    """Somebody who does something now and then. `act` answers seconds until the next time."""

    name: str
    act: Callable[[], float]
    next_at: float


class Day:
    """Everything of one seed."""

    def __init__(self, seed: int, database: Database, redis_url: str, folder: Path, channels: tuple[str, ...]) -> None:
        self.seed = seed
        self.dice = Random(f"day:{seed}")
        random.seed(seed)  # tenacity's jitter asks the module's own dice
        self.channels = channels
        self.sandbox = Sandbox(seed, VirtualClock(), stock=(5, 60))
        self.world = self.sandbox.world
        limit = {"app": (CALLS_A_SECOND, LIMIT_SECONDS)}
        self.world.change_settings({"rate_limits": {channel: {"*": limit} for channel in channels}})
        for channel in channels:
            items = self.world.shop(channel).items
            for name in list(items)[ITEMS:]:
                del items[name]
        self.database = database
        self.folder = folder
        self.baton = Baton()
        self.fates = Fates(Random(f"fates:{seed}"))
        self.boundaries = Boundaries(self.baton, self.fates, self.world.now)
        self.wire = Wire(self.boundaries, self.sandbox, Random(f"wire:{seed}"))
        self.ringing = Ringing(self.world.now)
        self.valkey = Valkey(redis_url, self.boundaries, self.world.now)
        self.valkey.lose_everything()
        self.push_url = f"sqlite:///{folder}/push.db"
        self.push_table: PushTable | None = open_table(self.world, self.push_url) if "jd" in channels else None
        self.settings = _settings(folder, redis_url, self.push_url if "jd" in channels else "")
        self.vault = VAULT
        self.workers = [Process(f"worker-{number}") for number in range(1, WORKERS + 1)]
        self.beat, self.listen, self.web, self.erp = (Process(name) for name in ("beat", "listen", "web", "erp"))
        self.actors: list[Actor] = [Actor("beat", self._beat, 0.0)]
        self.killed = 0
        self.looked_at = 0.0
        """When the evening's look at all stock began."""
        self.log: list[str] = []

    @property
    def processes(self) -> list[Process]:
        return [*self.workers, self.beat, self.listen, self.web, self.erp]

    def shop_id(self, channel: str) -> str:
        return f"{channel}:{self.world.shop(channel).shop_id}"

    # Processes

    def runtime(self, process: Process) -> Runtime:
        """What the process holds in memory; a new one after it was killed."""
        held = process.memory.get("runtime")
        if isinstance(held, Runtime):
            return held
        made = Runtime(
            self.settings,
            self.database,
            self.vault,
            self.valkey,
            clock=_ProcessClock(process, self.world.now),
            wire=self.wire,
            sleep=self.boundaries.sleep,
            monotonic=self.world.now,
        )
        limits = {code: (*CHANNELS[code].channel.limits, _TIGHT) for code in self.channels}
        wait, clock = self.settings.longest_wait_seconds, _ProcessClock(Process("redis"), self.world.now)
        made.__dict__["gate"] = RedisGate(
            self.valkey, limits, longest_wait=wait, clock=clock, sleep=self.boundaries.sleep
        )
        made.__dict__["bells"] = SimulatedBells(self.ringing, lambda: self.boundaries.cross(REDIS))
        process.memory["runtime"] = made
        return made

    def start(self, process: Process, title: str, work: Callable[[Runtime], object]) -> Fiber:
        """Begins work in an idle process; it goes on at its turns."""
        runtime = self.runtime(process)
        return Fiber(self.baton, process, f"{process.name}: {title}", lambda: work(runtime))

    def kill(self, process: Process) -> None:
        """SIGKILL: memory and open connections are gone, leases live on."""
        self.killed += 1
        if process.fiber is not None and not process.fiber.done:
            process.fiber.kill()
        self._buried(process)

    def _buried(self, process: Process) -> None:
        held = process.memory.get("runtime")
        if isinstance(held, Runtime):
            held.http.close()
        process.memory.clear()
        process.fiber = None

    def _beat(self) -> float:
        if self.beat.idle:
            self.start(self.beat, "beat", beat.beat)
        return self.dice.uniform(0.5, 1.5) * BEAT_EVERY

    # Turns

    def run(self, seconds: float) -> None:
        """Lets the world go on for so long."""
        end = self.world.now() + seconds
        for _ in range(MOST_TURNS):
            if self.world.now() >= end:
                return
            self.turn(end)
        raise Crashed(f"after {MOST_TURNS} turns it is still not {seconds:.0f} s later")

    def turn(self, end: float) -> None:
        """One step of somebody, or time passes until somebody can take one."""
        now = self.world.now()
        fibers = [each.fiber for each in self.processes if each.fiber is not None]
        ready = [fiber for fiber in fibers if not fiber.done and fiber.wake_at <= now]
        idle = [worker for worker in self.workers if worker.idle] if self.ringing.jobs else []
        due = [actor for actor in self.actors if actor.next_at <= now]
        count = len(ready) + (1 if idle else 0) + len(due)
        if not count:
            sleepers = [fiber.wake_at for fiber in fibers if not fiber.done]
            self.world.advance(max(0.001, min([end, *sleepers, *(actor.next_at for actor in self.actors)]) - now))
            return
        chosen = self.dice.randrange(count)
        if chosen < len(ready):
            self.go_on(ready[chosen])
        elif chosen < len(ready) + len(due):
            actor = due[chosen - len(ready)]
            actor.next_at = now + actor.act()
        else:
            self._take_job(idle[0])

    def go_on(self, fiber: Fiber) -> None:
        fiber.go_on()
        if not fiber.done:
            return
        if fiber.dead:
            self.killed += 1
            self._buried(fiber.process)
        elif fiber.error is not None and not isinstance(fiber.error, (DBAPIError, redis.RedisError)):
            raise Crashed(f"{fiber.title} ended with {type(fiber.error).__name__}: {fiber.error}") from fiber.error

    def _take_job(self, worker: Process) -> None:
        lane = self.ringing.jobs.pop(0)
        self.start(worker, str(lane), lambda runtime: drain.drain(runtime, lane))

    # The evening

    def peace(self) -> None:
        """Nothing breaks any more, clocks agree, and whoever stood still goes on."""
        self.fates.on = False
        self.world.faults.clear()
        self.wire.down = self.ringing.down = self.valkey.down = False
        self.world.change_settings(
            {
                "index_lag": {},
                "push_delay_probability": 0,
                "push_duplicate_probability": 0,
                "push_reorder_probability": 0,
            }
        )
        for process in self.processes:
            process.skew = 0.0

    def redis_flushed(self) -> None:
        """Everything in Redis is gone, its scripts as well."""
        self.ringing.flush()
        self.valkey.lose_everything()

    def busy(self) -> bool:
        return bool(self.ringing.jobs) or any(not process.idle for process in self.processes)

    def connect(self, channel: str) -> None:
        """The operator connects the shop, or gives it the tokens the seller's new consent gave."""
        shop, app = self.world.shop(channel), self.world.apps[channel]
        credentials = Credentials(
            app.key,
            SecretStr(app.secret),
            SecretStr(shop.grant.access_token),
            SecretStr(shop.grant.refresh_token),
        )
        ops.connect_shop(
            self.runtime(self.web), channel=channel, account=shop.shop_id, name=shop.name, credentials=credentials
        )

    def close(self) -> None:
        """Ends every thread and connection of the day."""
        self.fates.on = False
        for process in self.processes:
            if process.fiber is not None and not process.fiber.done:
                process.fiber.kill()
            self._buried(process)
        self.valkey.close()
        if self.push_table is not None:
            self.push_table._engine.dispose()


def _settings(folder: Path, redis_url: str, push_url: str) -> Settings:
    databases: dict[str, Any] = {"push_databases": {"jd": SecretStr(push_url)}} if push_url else {}
    return Settings(
        data_dir=folder,
        secret_key=SecretStr(SECRET),
        redis_url=redis_url,
        first_pull_days=timedelta(seconds=BEFORE_SECONDS) / timedelta(days=1),
        read_ahead=False,
        poll_orders_seconds=120,
        poll_after_sales_seconds=240,
        poll_listings_seconds=7200,
        **databases,
    )


@contextmanager
def opened(seed: int, database: Database, redis_url: str, folder: Path, channels: tuple[str, ...]) -> Iterator[Day]:
    tickets = Random(f"tickets:{seed}")
    day = Day(seed, database, redis_url, folder, channels)
    try:
        with (
            mock.patch("secrets.token_hex", lambda size=16: f"{tickets.getrandbits(8 * size):0{2 * size}x}"),
            day.boundaries.watching(database),
        ):
            yield day
    finally:
        day.close()
