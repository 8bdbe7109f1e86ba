"""Webhooks: what is sent, in which order, when again, and when no more."""

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
import svix.webhooks
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from core.db import Database, deliveries
from core.db.subscriptions import Wanted
from core.db.tables import delivery_attempt, subscription
from core.db.tables import feed as feed_table
from examples.erp_client import verified
from sync import subscriptions as asked
from sync import webhooks
from sync.envelope import event_text
from sync.webhook_calls import SPREAD, STEPS
from tests.sync.webhook_ground import OTHER, SHOP, Ground, ground
from tests.sync.webhook_target import OK, Answer, Got, Target, target
from tests.web.conftest import connect as connect_shop


@pytest.fixture
def here(database: Database, redis_url: str, tmp_path: Path) -> Iterator[Ground]:
    with ground(database, redis_url, tmp_path) as made:
        yield made


@pytest.fixture
def there() -> Iterator[Target]:
    with target() as running:
        yield running


def test_other_peoples_packages_verify_and_read_what_is_sent(here: Ground, there: Target) -> None:
    identity, secret = here.subscribe(there.url)
    here.happen("o1")
    here.send()
    [got] = there.got
    Webhook(secret).verify(got.body, dict(got.headers))
    svix.webhooks.Webhook(secret).verify(got.body, dict(got.headers))
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(got.body + b" ", dict(got.headers))
    assert verified([secret], httpx.Headers(got.headers), got.body) == got.event
    headers = {name.lower(): value for name, value in got.headers.items()}
    assert headers["content-type"] == "application/cloudevents+json"
    event = JSONFormat().read(CloudEvent, got.body)
    assert (event.get_id(), event.get_type()) == (f"order.updated/{SHOP}/o1/1", "qudao.order.updated")
    assert event.get_data() == {"order": {"note": "陶瓷杯 1"}}
    [row] = here.events("order")
    assert got.body.decode() == event_text(row)
    assert here.states(identity) == ["delivered"]


def test_a_secret_has_32_random_bytes_and_is_sealed(here: Ground, there: Target) -> None:
    identity, secret = here.subscribe(there.url)
    assert secret.startswith("whsec_")
    assert len(Webhook(secret)._whsecret) == 32
    with here.runtime.database.read() as connection:
        stored = connection.scalar(sa.select(subscription.c.secret))
    assert secret.encode() not in (stored or b"")
    assert secret not in repr(here.row(identity))


def test_two_secrets_are_valid_after_a_rotation_until_the_old_one_ends(here: Ground, there: Target) -> None:
    identity, first = here.subscribe(there.url)
    second, until = asked.rotate(here.runtime, identity, timedelta(hours=24))
    assert until == here.clock.now() + timedelta(hours=24)
    here.happen("o1")
    here.send()
    for secret in (first, second.plain):
        Webhook(secret).verify(there.got[0].body, dict(there.got[0].headers))
    third, _ = asked.rotate(here.runtime, identity, timedelta(minutes=4))
    here.happen("o1")
    here.send()
    for secret in (second.plain, third.plain):
        Webhook(secret).verify(there.got[1].body, dict(there.got[1].headers))
    with pytest.raises(WebhookVerificationError):
        Webhook(first).verify(there.got[1].body, dict(there.got[1].headers))
    here.clock.advance(4 * 60)
    here.happen("o1")
    here.send()
    Webhook(third.plain).verify(there.got[2].body, dict(there.got[2].headers))
    with pytest.raises(WebhookVerificationError):
        Webhook(second.plain).verify(there.got[2].body, dict(there.got[2].headers))


def test_the_same_event_has_the_same_message_id_whenever_it_is_sent(here: Ground, there: Target) -> None:
    identity, _ = here.subscribe(there.url)
    here.happen("o1", "o2")
    here.send()
    number = here.deliveries(identity)[0].id
    asked.resend(here.runtime, identity, number)
    here.send()
    ids = {got.object: set[str]() for got in there.got}
    for got in there.got:
        ids[got.object].add(got.headers["webhook-id"])
    assert len(there.got) == 3
    assert all(len(each) == 1 for each in ids.values())
    assert len(set.union(*ids.values())) == 2
    assert "." not in there.got[0].headers["webhook-id"]


def test_only_what_was_asked_for_is_sent(here: Ground, there: Target) -> None:
    connect(here, SHOP, OTHER)
    cases: tuple[tuple[dict[str, Any], set[str]], ...] = (
        ({}, {"o1", "o2", "o3"}),
        ({"types": ["order.*"]}, {"o1", "o2"}),
        ({"types": ["qudao.order.created", "price.*"]}, {"o1", "o3"}),
        ({"shops": [OTHER]}, {"o2"}),
        ({"channels": ["douyin"]}, {"o1", "o3"}),
        ({"channels": ["douyin"], "types": ["order.*"]}, {"o1"}),
    )
    for filters, wanted in cases:
        there.got.clear()
        identity, _ = here.subscribe(there.url, **filters)
        here.happen("o1", kind="order.created")
        here.happen("o2", shop=OTHER)
        here.happen("o3", kind="price.accepted")
        here.send()
        assert {got.object for got in there.got} == wanted, filters
        asked.remove(here.runtime, identity)


def test_a_key_for_some_shops_gets_and_sees_only_theirs(here: Ground, there: Target) -> None:
    connect(here, SHOP, OTHER)
    narrow, _ = here.subscribe(there.url, of=(OTHER,))
    wide, _ = here.subscribe("http://127.0.0.1:9/none")
    here.happen("o1")
    here.happen("o2", shop=OTHER)
    asked.pause(here.runtime, wide)
    here.send()
    assert [got.object for got in there.got] == ["o2"]
    assert [view.row.id for view in asked.every(here.runtime, (OTHER,))] == [narrow]
    assert asked.every(here.runtime, (SHOP,)) == []
    assert len(asked.every(here.runtime)) == 2
    for identity, of in ((wide, (OTHER,)), (narrow, (SHOP,)), ("sub_none", ())):
        with pytest.raises(asked.UnknownSubscription):
            asked.show(here.runtime, identity, of)
    with pytest.raises(asked.UnknownFilter):
        here.subscribe(there.url, of=(OTHER,), shops=[SHOP])
    changed = asked.change(here.runtime, narrow, Wanted(there.url))
    assert changed.row.reach == (OTHER,)


def test_a_stuck_object_stops_no_other_and_keeps_its_own_order(here: Ground, there: Target) -> None:
    identity, _ = here.subscribe(there.url)
    there.decide = lambda got: Answer(500) if got.object == "stuck" else OK
    here.happen(*["stuck", "o1", "o2"] * 20)
    here.send()
    for name in ("o1", "o2"):
        assert [number for got, number in there.sequence() if got == name] == list(range(1, 21))
    assert [number for got, number in there.sequence() if got == "stuck"] == [1]
    here.clock.advance(6)
    here.send()
    there.decide = lambda _: OK
    here.clock.advance(400)
    here.send()
    assert [number for got, number in there.sequence() if got == "stuck"] == [1, 1, *range(1, 21)]
    assert set(here.states(identity)) == {"delivered"}


def test_objects_of_different_shops_are_not_one(here: Ground, there: Target) -> None:
    here.subscribe(there.url)
    there.decide = lambda got: Answer(500) if got.event["source"].endswith(SHOP) else OK
    here.happen("o1")
    here.happen("o1", "o1", shop=OTHER)
    here.send()
    assert [got.event["source"] for got in there.got].count(f"/shops/{OTHER}") == 2


def test_many_objects_are_sent_at_once_and_no_more_than_sixteen(here: Ground, there: Target) -> None:
    here.subscribe(there.url)
    together, most = 0, 0
    full, lock = threading.Event(), threading.Lock()

    def wait(_: Got) -> Answer:
        nonlocal together, most
        with lock:
            together += 1
            most = max(most, together)
            if together >= webhooks.AT_ONCE:
                full.set()
        assert full.wait(10)
        with lock:
            together -= 1
        return OK

    there.decide = wait
    here.happen(*[f"o{number}" for number in range(40)])
    here.send()
    assert most == webhooks.AT_ONCE
    assert len(there.got) == 40


def test_the_schedule_to_its_end(here: Ground, there: Target) -> None:
    identity, _ = here.subscribe(there.url)
    there.decide = lambda _: Answer(503, b"busy")
    here.happen("o1", "o1")
    waits = []
    for _ in range(len(STEPS)):
        before = here.clock.now()
        here.send()
        first = here.deliveries(identity)[0]
        if first.not_before is None:
            break
        waits.append((first.not_before - before).total_seconds())
        here.clock.at = first.not_before - timedelta(microseconds=1)
        calls = len(there.got)
        here.send()
        assert len(there.got) == calls
        here.clock.at = first.not_before
    assert len(waits) == 9
    for wait, step in zip(waits, STEPS[1:], strict=True):
        assert step * (1 - SPREAD) <= wait <= step * (1 + SPREAD)
    assert waits != list(STEPS[1:])
    assert here.states(identity) == ["failed", "due"]
    assert [number for _, number in there.sequence()] == [1] * 10 + [2]
    [shown, _] = asked.show_deliveries(here.runtime, identity)[::-1]
    assert [each.number for each in shown.attempts] == list(range(1, 11))
    assert {(each.status, each.error, each.response) for each in shown.attempts} == {(503, "status", b"busy")}


def test_retry_after_is_kept_within_the_step_and_a_day(here: Ground, there: Target) -> None:
    identity, _ = here.subscribe(there.url)
    now = here.clock.now()
    date = format_datetime(now + timedelta(hours=2), usegmt=True)
    for asked_for, least, most in (
        ("120", 120, 120),
        ("1", 4, 6),
        ("99999999999999", 86_400, 86_400),
        (date, 7200, 7200),
        ("nonsense", 4, 6),
        ("-5", 4, 6),
        ("Mon, 99 Foo 2026 25:61:61 GMT", 4, 6),
        ("", 4, 6),
    ):
        there.decide = lambda _, value=asked_for: Answer(429, headers={"Retry-After": value})  # type: ignore[misc]
        here.happen(f"after-{asked_for}")
        here.send()
        wait = here.deliveries(identity)[-1].not_before
        assert wait is not None
        assert least <= (wait - now).total_seconds() <= most, asked_for


def test_410_disables_at_once_and_says_so(here: Ground, there: Target) -> None:
    connect(here, SHOP)
    identity, _ = here.subscribe(there.url)
    there.decide = lambda _: Answer(410)
    here.happen("o1", "o1")
    here.send()
    assert len(there.got) == 1
    assert (here.row(identity).state.value, here.row(identity).reason) == ("disabled", webhooks.GONE)
    [event] = here.events("subscription")
    assert (event.type, event.object_id) == ("subscription.disabled", identity)
    assert json.loads(event.data) == {"subscription": identity, "reason": webhooks.GONE}
    here.clock.advance(100_000)
    here.happen("o1")
    here.send()
    assert len(there.got) == 1
    with pytest.raises(asked.Inactive):
        asked.send_test(here.runtime, identity)
    there.decide = lambda _: OK
    asked.resume(here.runtime, identity)
    here.send()
    assert [number for name, number in there.sequence()[1:] if name == "o1"] == [1, 2, 3]


def test_five_days_of_only_failures_disable(here: Ground, there: Target) -> None:
    identity, _ = here.subscribe(there.url)
    there.decide = lambda _: Answer(500)
    began = here.clock.now()
    while here.row(identity).active:
        assert here.clock.now() - began < timedelta(days=6)
        here.happen(f"o{len(there.got)}")
        here.send()
        here.clock.advance(6 * 3600)
    assert here.row(identity).reason == webhooks.FAILING
    assert here.clock.now() - began >= timedelta(days=5)
    assert len(here.events("subscription.disabled")) == 1
    asked.resume(here.runtime, identity)
    assert here.row(identity).failing_since is None
    here.happen("fresh")
    here.send()
    assert here.row(identity).active


def test_one_success_ends_a_run_of_failures(here: Ground, there: Target) -> None:
    identity, _ = here.subscribe(there.url)
    for day in range(12):
        there.decide = lambda _, good=day % 4 == 3: OK if good else Answer(500)  # type: ignore[misc]
        here.happen(f"o{day}")
        here.send()
        here.clock.advance(86_400)
    assert here.row(identity).active


def test_a_failure_after_a_quiet_week_is_no_run(here: Ground, there: Target) -> None:
    identity, _ = here.subscribe(there.url)
    there.decide = lambda _: Answer(500)
    here.happen("o1")
    here.send()
    with here.runtime.database.write() as connection:
        deliveries.skip_all(connection, identity, here.clock.now())
    here.clock.advance(7 * 86_400)
    here.happen("o2")
    here.send()
    assert here.row(identity).active
    assert here.row(identity).failing_since == here.clock.now()


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_a_failure_and_not_followed(here: Ground, there: Target, status: int) -> None:
    identity, _ = here.subscribe(there.url)
    there.decide = lambda _: Answer(status, headers={"Location": there.url + "/elsewhere"})
    here.happen("o1")
    here.send()
    assert len(there.got) == 1
    [found] = here.deliveries(identity)
    assert (found.state.value, found.status, found.error) == ("due", status, "redirect")


def test_a_target_that_is_not_there_is_tried_again(here: Ground, there: Target) -> None:
    identity, _ = here.subscribe("http://127.0.0.1:9999/none")
    here.happen("o1")
    here.send()
    [found] = here.deliveries(identity)
    assert (found.state.value, found.status, found.error, found.tries) == ("due", None, "unreachable", 1)


def test_a_slow_target_is_given_up_in_time(here: Ground, there: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sync.webhook_calls.TIMEOUT_SECONDS", 0.3)
    released = threading.Event()
    there.decide = lambda _: (released.wait(10), OK)[1]
    identity, _ = here.subscribe(there.url)
    here.happen("o1")
    here.send()
    released.set()
    [found] = here.deliveries(identity)
    assert (found.state.value, found.error) == ("due", "timeout")


def test_the_answer_is_kept_short_and_sealed(here: Ground, there: Target) -> None:
    identity, _ = here.subscribe(there.url)
    there.decide = lambda _: Answer(400, ("收件人" * 1000).encode())
    here.happen("o1")
    here.send()
    [shown] = asked.show_deliveries(here.runtime, identity)
    assert shown.attempts[0].response == ("收件人" * 1000).encode()[:1024]
    with here.runtime.database.read() as connection:
        stored = connection.scalar(sa.select(delivery_attempt.c.response))
    assert stored is not None
    assert "收件人".encode() not in stored
    assert "收件人" not in repr(shown)


def test_pausing_loses_nothing(here: Ground, there: Target) -> None:
    identity, _ = here.subscribe(there.url)
    here.happen("o1")
    asked.pause(here.runtime, identity)
    here.happen("o1")
    here.send()
    assert there.got == []
    asked.resume(here.runtime, identity)
    here.send()
    assert there.sequence() == [("o1", 1), ("o1", 2)]


def test_what_was_skipped_can_be_recovered_in_order(here: Ground, there: Target) -> None:
    identity, _ = here.subscribe(there.url)
    since = here.clock.now()
    here.happen("before")
    here.send()
    there.decide = lambda _: Answer(500)
    here.happen("o1", "o2")
    here.send()
    asked.pause(here.runtime, identity)
    here.happen("o1", "o3")
    there.decide = lambda _: OK
    asked.resume(here.runtime, identity, skip=True)
    here.happen("o1")
    there.got.clear()
    here.send()
    assert there.sequence() == [("o1", 3)]
    assert asked.show(here.runtime, identity).waiting == 0
    there.got.clear()
    assert asked.recover(here.runtime, identity, since) == 2
    here.send()
    assert [number for name, number in there.sequence() if name == "o1"] == [1, 2]
    assert sorted(there.sequence()) == [("o1", 1), ("o1", 2), ("o2", 1), ("o3", 1)]
    assert len(here.deliveries(identity)) == 6


def test_recovering_further_back_than_deliveries_are_kept_is_refused(here: Ground, there: Target) -> None:
    identity, _ = here.subscribe(there.url)
    with pytest.raises(asked.TooLongAgo):
        asked.recover(here.runtime, identity, here.clock.now() - timedelta(days=31))


def test_failed_ones_are_recovered_before_later_ones_that_wait(here: Ground, there: Target) -> None:
    identity, _ = here.subscribe(there.url)
    there.decide = lambda _: Answer(500)
    here.happen("o1", "o1")
    for _ in range(10):
        here.send()
        here.clock.at = here.next_turn(identity)
    assert here.states(identity) == ["failed", "due"]
    asked.recover(here.runtime, identity, here.clock.now() - timedelta(days=10))
    there.decide, there.got = lambda _: OK, []
    here.send()
    assert there.sequence() == [("o1", 1), ("o1", 2)]


def test_one_that_waits_is_resent_at_once_and_keeps_its_count(here: Ground, there: Target) -> None:
    identity, _ = here.subscribe(there.url)
    there.decide = lambda _: Answer(500)
    here.happen("o1")
    here.send()
    number = here.deliveries(identity)[0].id
    asked.resend(here.runtime, identity, number)
    here.send()
    assert (len(there.got), here.deliveries(identity)[0].tries) == (2, 2)
    other, _ = here.subscribe(there.url)
    with pytest.raises(asked.UnknownDelivery):
        asked.resend(here.runtime, other, number)


def test_a_test_event_goes_its_one_way(here: Ground, there: Target) -> None:
    identity, secret = here.subscribe(there.url, types=["price.*"])
    other, _ = here.subscribe(there.url)
    ids = [asked.send_test(here.runtime, identity) for _ in range(2)]
    here.send()
    assert [got.event["id"] for got in there.got] == ids
    assert {got.event["subject"] for got in there.got} == {identity}
    JSONFormat().read(CloudEvent, there.got[0].body)
    Webhook(secret).verify(there.got[0].body, dict(there.got[0].headers))
    assert here.deliveries(other) == []


def test_an_event_that_the_feed_keeps_no_more_is_skipped(here: Ground, there: Target) -> None:
    identity, _ = here.subscribe(there.url)
    there.decide = lambda _: Answer(500)
    here.happen("o1", "o1")
    here.send()
    with here.runtime.database.write() as connection:
        connection.execute(sa.delete(feed_table).where(feed_table.c.revision == 1))
    there.decide = lambda _: OK
    here.clock.advance(10)
    here.send()
    assert here.states(identity) == ["skipped", "delivered"]
    assert here.deliveries(identity)[0].error == webhooks.KEPT_NO_MORE


def test_old_deliveries_are_forgotten_once_they_are_settled(here: Ground, there: Target) -> None:
    identity, _ = here.subscribe(there.url)
    there.decide = lambda got: OK if got.object == "good" else Answer(500)
    here.happen("good", "bad")
    here.send()
    here.clock.advance(29 * 86_400)
    asked.forget(here.runtime)
    assert len(here.deliveries(identity)) == 2
    here.clock.advance(2 * 86_400)
    asked.forget(here.runtime)
    assert here.states(identity) == ["due"]


def test_one_who_lost_the_lane_writes_nothing_and_sends_no_more(here: Ground, there: Target) -> None:
    """A sender that was cut off for longer than its lease: another has sent meanwhile."""
    identity, _ = here.subscribe(there.url)
    here.happen("o1", "o1")

    def freeze(_: Got) -> Answer:
        here.clock.advance(31)
        there.decide = lambda _: OK
        here.send()
        return Answer(500)

    there.decide = freeze
    here.send()
    assert there.sequence() == [("o1", 1), ("o1", 1), ("o1", 2)]
    assert [(each.state.value, each.attempts) for each in here.deliveries(identity)] == [("delivered", 1)] * 2


def test_removing_one_while_it_is_sent_harms_nobody(here: Ground, there: Target) -> None:
    identity, _ = here.subscribe(there.url)
    here.happen("o1")

    def remove(_: Got) -> Answer:
        asked.remove(here.runtime, identity)
        return OK

    there.decide = remove
    here.send()
    assert asked.every(here.runtime) == []


def connect(here: Ground, *shops: str) -> None:
    for shop in shops:
        connect_shop(here.runtime, shop)
