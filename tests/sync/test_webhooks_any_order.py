"""Whatever the target answers, whoever dies and whatever is asked for meanwhile: the order and the schedule hold."""

import itertools
from collections.abc import Iterator
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.db import lanes
from core.db.deliveries import Delivery
from core.db.lanes import Kind, Lane
from core.db.tables import delivery
from core.db.tables import feed as feed_table
from sync import subscriptions as asked
from sync import webhooks
from sync.webhook_calls import SPREAD, STEPS
from tests.conftest import new_database
from tests.sync.webhook_ground import Ground, ground

OBJECTS = ("a", "b", "c")
LOST = "lost"
"""The call arrives, and the sender loses its lane before it can write that down."""
ANSWERS = (200, 200, 204, 500, 503, 429, 302, LOST)
numbers = itertools.count(1)

steps = st.one_of(
    st.tuples(st.just("happen"), st.lists(st.sampled_from(OBJECTS), min_size=2, max_size=6)),
    st.tuples(st.just("answer"), st.lists(st.sampled_from(ANSWERS), min_size=3, max_size=3)),
    st.tuples(st.just("wait"), st.sampled_from((1, 7, 400, 2200, 9000, 30_000, 110_000))),
    st.tuples(st.just("pause")),
    st.tuples(st.just("resume"), st.booleans()),
    st.tuples(st.just("resend"), st.integers(0, 30)),
    st.tuples(st.just("recover"), st.integers(0, 10_000)),
)
"""What happens between two times of sending."""


@pytest.fixture
def here(request: pytest.FixtureRequest, tmp_path: Path, redis_url: str) -> Iterator[Ground]:
    with new_database(request, tmp_path, "sqlite") as database, ground(database, redis_url, tmp_path) as made:
        yield made


class Play:
    """One subscription, its target, and the rules that must hold at every call."""

    def __init__(self, here: Ground) -> None:
        self.here = here
        for view in asked.every(here.runtime):  # of an example that failed
            asked.remove(here.runtime, view.row.id)
        here.clock.advance(86_400)  # what another example told is older than any recovery goes
        self.began = here.clock.now()
        self.prefix = f"{next(numbers)}-"
        self.identity, _ = here.subscribe("https://erp.example/")
        self.answers: dict[str, Any] = dict.fromkeys(OBJECTS, 200)
        self.arrived: list[int] = []

    def target(self, request: httpx.Request) -> httpx.Response:
        event = httpx.Response(200, content=request.content).json()
        self.arrived.append(int(event["position"]))
        self.judge_call(int(event["position"]))
        name = event["subject"].removeprefix(self.prefix)
        answer = self.answers[name]
        if answer == LOST:
            self.answers[name] = 200  # else it would be lost again and again
            self.steal()
            return httpx.Response(200, stream=httpx.ByteStream(b""))
        hours = format_datetime(self.here.clock.now() + timedelta(hours=3), usegmt=True)
        headers = {"Retry-After": hours} if answer == 429 else {}
        return httpx.Response(answer, headers=headers, stream=httpx.ByteStream(b""))

    def judge_call(self, position: int) -> None:
        """The one that is sent is due, its time has come, and nothing before it of its object is due."""
        found = {each.position: each for each in self.here.deliveries(self.identity)}
        sent = found[position]
        assert sent.state.value == "due"
        assert sent.not_before is not None
        assert sent.not_before <= self.here.clock.now()
        assert not [
            each
            for each in found.values()
            if each.object_key == sent.object_key and each.state.value == "due" and each.position < position
        ]

    def steal(self) -> None:
        with self.here.runtime.database.write() as connection:
            later = self.here.clock.now() + timedelta(minutes=5)
            taken = lanes.take(connection, Lane(self.identity, Kind.WEBHOOK), "thief", later, timedelta(seconds=1))
            assert taken is not None
            lanes.abandon(connection, taken)

    def step(self, what: str, *how: Any) -> None:
        runtime, identity = self.here.runtime, self.identity
        if what == "happen":
            self.here.happen(*[self.prefix + name for name in how[0]])
        elif what == "answer":
            self.answers = dict(zip(OBJECTS, how[0], strict=True))
        elif what == "wait":
            self.here.clock.advance(how[0])
        elif what == "pause":
            asked.pause(runtime, identity)
        elif what == "resume":
            asked.resume(runtime, identity, skip=how[0])
        elif what == "resend":
            rows = self.here.deliveries(identity)
            if rows:
                asked.resend(runtime, identity, rows[how[0] % len(rows)].id)
        elif what == "recover":
            asked.recover(runtime, identity, self.here.clock.now() - timedelta(seconds=how[0]))
        self.judge_rows()

    def send(self) -> None:
        before = {each.id: each for each in self.here.deliveries(self.identity)}
        lost = LOST in self.answers.values()
        self.here.send()
        if not lost:
            self.judge_waits(before)

    def judge_waits(self, before: dict[int, Delivery]) -> None:
        now = self.here.clock.now()
        for each in self.here.deliveries(self.identity):
            known = before.get(each.id)
            if each.state.value != "due" or each.not_before is None or not each.tries:
                continue
            if known is not None and known.tries == each.tries:
                continue
            wait, step = (each.not_before - now).total_seconds(), STEPS[each.tries]
            least = 3 * 3600 - 1 if each.status == 429 else 0
            assert max(least, step * (1 - SPREAD)) <= wait <= max(3 * 3600, step * (1 + SPREAD))

    def judge_rows(self) -> None:
        """Of each object the first that is due has a time, and no other has."""
        first = set()
        for each in self.here.deliveries(self.identity):
            if each.state.value == "due":
                assert (each.not_before is not None) is (each.object_key not in first)
                first.add(each.object_key)
            else:
                assert each.not_before is None

    def end(self) -> None:
        """The target is well again: everything is settled, and after a recovery everything is delivered."""
        self.answers = dict.fromkeys(OBJECTS, 200)
        asked.resume(self.here.runtime, self.identity)
        asked.recover(self.here.runtime, self.identity, self.began)
        for _ in range(100):
            self.here.send()
            due = [each.not_before for each in self.here.deliveries(self.identity) if each.not_before]
            if not due:
                break
            self.here.clock.at = max(self.here.clock.at, min(due))
        with self.here.runtime.database.read() as connection:
            mine = feed_table.c.object_id.startswith(self.prefix)
            every = set(connection.scalars(sa.select(feed_table.c.position).where(mine)))
            rows = connection.execute(
                sa.select(delivery.c.position, delivery.c.state).where(delivery.c.subscription_id == self.identity)
            ).all()
        assert sorted(row.position for row in rows) == sorted(every)
        assert {row.state for row in rows} <= {"delivered"}
        assert every <= set(self.arrived)
        asked.remove(self.here.runtime, self.identity)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(played=st.lists(st.tuples(steps, st.booleans()), min_size=12, max_size=30))
def test_order_and_schedule_hold_whatever_happens(here: Ground, played: list[tuple[tuple[Any, ...], bool]]) -> None:
    play = Play(here)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(webhooks, "Transport", lambda *_, **__: httpx.MockTransport(play.target))
        play.step("happen", [*OBJECTS, *OBJECTS])
        for step, send in played:
            play.step(*step)
            if send:
                play.send()
                play.judge_rows()
        play.end()
