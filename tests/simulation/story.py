"""The course of a day: the shops' morning, hours in which everything breaks, an evening in which all must agree."""

import hashlib
import math
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from core.db import Database, feed, shops
from core.db.tables import attempt, intent, receipt
from sync import given_back, ops
from sync.runtime import Runtime
from tests.simulation import invariants
from tests.simulation.buyers import Buyers
from tests.simulation.chaos import Chaos
from tests.simulation.day import ALL, MINUTES, Actor, Day, opened
from tests.simulation.erp import Erp
from tests.simulation.invariants import Violation
from tests.simulation.listening import Listening

YESTERDAY = 6
QUIET_SECONDS = 250.0
QUIET_TIMES = 3
PATIENCE_TIMES = 12


class Story:
    """One day with everybody in it."""

    def __init__(self, day: Day) -> None:
        self.day = day
        self.buyers = Buyers(day)
        self.erp = Erp(day)
        self.chaos = Chaos(day)
        self.listening = Listening(day)

    def play(self) -> list[Violation]:
        """Everything from the opening to the judgement."""
        self._morning()
        self.day.run(MINUTES * 60)
        found = self._evening()
        return found + invariants.broken(self.day, self.erp, self.chaos)

    def _morning(self) -> None:
        day = self.day
        self.buyers.yesterday(YESTERDAY)
        for channel in day.channels:
            day.connect(channel)
        for name, act in (
            ("buyers", self.buyers.act),
            ("seller", self.buyers.sell),
            ("erp", self.erp.act),
            ("commands", self.erp.send),
            ("listener", self.listening.act),
            ("callbacks", self.listening.call_back),
            ("chaos", self.chaos.act),
            ("operator", self._operate),
        ):
            day.actors.append(Actor(name, act, day.world.now() + day.dice.uniform(0, 20)))
        self.chaos.begin()
        day.fates.on = True

    def _operate(self) -> float:
        """A person looks at paused shops: the seller consents again, the operator enters the tokens."""
        with self.day.database.read() as connection:
            paused = [row for row in shops.all_shops(connection) if not row.active]
        for row in paused:
            self.day.world.renew(self.day.world.shop(row.channel))
            self.day.connect(row.channel)
            ops.resume_shop(self.day.runtime(self.day.web), row.id)
        return 240.0

    def _evening(self) -> list[Violation]:
        """Faults are over; buyers go home; the ERP says once more what some things are to be."""
        day = self.day
        day.peace()
        gone = ("buyers", "seller", "chaos", "erp")
        day.actors = [actor for actor in day.actors if actor.name not in gone]
        self.buyers.end()
        self.erp.want_stock(3)
        self._quiet(QUIET_TIMES * QUIET_SECONDS)
        if found := self._done():
            return found
        day.looked_at = day.world.now()
        day.start(day.web, "reads stock", self._look)
        self._quiet(given_back.ANSWER.total_seconds() + QUIET_SECONDS)
        return self._done()

    def _quiet(self, seconds: float) -> None:
        """Nobody wants anything for so long at least."""
        for _ in range(math.ceil(seconds / QUIET_SECONDS)):
            self.day.run(40.0)
            self.day.world.advance(QUIET_SECONDS)

    def _look(self, runtime: Runtime) -> None:
        for channel in self.day.channels:
            for _ in ops.resync_stock(runtime, self.day.shop_id(channel)):
                pass

    def _done(self) -> list[Violation]:
        """Waits until nothing is left to do."""
        day = self.day
        for _ in range(PATIENCE_TIMES):
            day.run(60.0)
            waiting = self._waiting()
            if not waiting and not day.busy():
                return []
            day.world.advance(QUIET_SECONDS)
        return [Violation("work that is due is never done", thing) for thing in waiting or ["a process is still busy"]]

    def _waiting(self) -> list[str]:
        """What is still to be done, in words; the ERP's own outbox as well."""
        now = datetime.fromtimestamp(self.day.world.now(), UTC)
        with self.day.database.read() as connection:
            found = [
                f"notice {row.id} about {row.kind} {row.object_id} ({row.channel}): {row.reason}"
                for row in connection.execute(sa.select(receipt).where(receipt.c.state == "due"))
            ]
            found += [
                f"intent {row.id} {row.kind} {row.object_id}: {row.reason_code} {row.reason}"
                for row in connection.execute(
                    sa.select(intent).where(intent.c.state == "due", intent.c.not_before <= now)
                )
            ]
            found += [
                f"attempt {row.id} of intent {row.intent_id} is {row.state}"
                for row in connection.execute(sa.select(attempt).where(attempt.c.state.in_(("open", "unknown"))))
            ]
        return found + [f"the ERP's command {asked.key} was never answered" for asked in self.erp.outbox]


def channels_of(seed: int) -> tuple[str, ...]:
    """Which two channels a seed plays; in four seeds all of them, in twelve all pairs."""
    pairs = [(a, b) for n, a in enumerate(ALL) for b in ALL[n + 1 :]]
    return pairs[seed % len(pairs)]


def play(seed: int, database: Database, redis_url: str, folder: Path) -> tuple[list[Violation], str]:
    """Plays a seed on an empty database and an empty Redis. Answers what was violated, and a digest of the feed."""
    with opened(seed, database, redis_url, folder, channels_of(seed)) as day:
        return Story(day).play(), _digest(database)


def _digest(database: Database) -> str:
    """The same for the same day."""
    digest = hashlib.blake2b(digest_size=16)
    with database.read() as connection:
        for row in feed.read(connection, 0, 1_000_000):
            digest.update(f"{row.id} {row.at.isoformat()} {row.data}\n".encode())
    return digest.hexdigest()
