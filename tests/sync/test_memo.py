"""The ERP's memos on the four simulated platforms: written once, read back, and never over the seller's own unseen."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from core.channel import Connector, ObjectKind, Outcome
from core.conflict import Field, Policy
from core.db import Database, feed, intents, shops
from core.db.conflicts import DecisionRow
from core.db.intents import Attempt, Intent
from core.db.lanes import Kind, Lane
from core.db.tables import agreed, attempt, decision, intent
from core.errors import ConfigurationError
from core.model import Flag, Memo
from sandbox.faults import FaultRule
from sandbox.model import Order
from sandbox.steps import STEPS
from sync import drain, memos, ops, policy, resolve, story
from sync.advice import ADVICE
from sync.memos import MemoItem
from sync.wishes import ItemResult
from tests.engine import Engine
from tests.engine import engine as running

CHANNELS = ("pinduoduo", "douyin", "taobao", "jd")
WRITE = {
    "pinduoduo": "pdd.order.note.update",
    "douyin": "order.addOrderRemark",
    "taobao": "taobao.trade.memo.update",
    "jd": "jingdong.pop.order.modifyVenderRemark",
}
OURS, THEIRS = "call 13800000000 before delivery", "wrap as a gift"


@pytest.fixture
def engine(database: Database, redis_url: str, tmp_path: Path) -> Iterator[Engine]:
    with running(database, redis_url, tmp_path, channels=CHANNELS) as started:
        started.settle()
        yield started


def place(engine: Engine) -> dict[str, Order]:
    """A plain order in each shop, known here."""
    placed = {channel: engine.world.place(engine.world.shop(channel), variant="plain") for channel in CHANNELS}
    engine.run(60, step=30)
    return placed


def want(engine: Engine, channel: str, order: Order, text: str = OURS, flag: Flag = Flag.RED) -> ItemResult:
    item = MemoItem(shop=engine.shops[channel], order_id=order.order_id, text=text, flag=flag)
    with engine.runtime.database.write() as connection:
        [result] = memos.set_memos(connection, engine.runtime.vault, [item], engine.runtime.clock.now()).items
    return result


def edit(engine: Engine, order: Order, text: str = THEIRS) -> None:
    """The seller writes a memo in the backend."""
    STEPS["memo"](engine.world, order, memo=text)


def fault(engine: Engine, kind: str, channel: str, **options: object) -> None:
    rule = {"kind": kind, "channel": channel, "method": WRITE[channel], "times": 1, **options}
    engine.world.faults.add(FaultRule.model_validate(rule))


def calls(engine: Engine, channel: str) -> int:
    return int(engine.world.calls[channel].get(WRITE[channel], {"count": 0})["count"])


def wish(engine: Engine, channel: str, order: Order) -> Intent:
    [found] = engine.intents("memo", engine.shops[channel], order.order_id)
    return found


def attempts(engine: Engine, channel: str, order: Order) -> list[Attempt]:
    with engine.runtime.database.read() as connection:
        return intents.attempts(connection, wish(engine, channel, order).id)


def decisions(engine: Engine, channel: str, state: str = "") -> list[DecisionRow]:
    return resolve.list_conflicts(engine.runtime, shop=engine.shops[channel], field="memo", state=state)


def told(engine: Engine, channel: str) -> list[str]:
    families = ("memo.", "conflict.")
    return [e.type for e in engine.events() if e.shop_id == engine.shops[channel] and e.type.startswith(families)]


def stored(engine: Engine, channel: str, order: Order) -> Memo:
    found = engine.order(engine.shops[channel], order.order_id)
    assert found is not None
    return found.memo


Write = Callable[[Connector, str, Memo], Outcome[str]]


def kind_of(engine: Engine, channel: str) -> type[Connector]:
    """The connector's class."""
    with engine.runtime.database.read() as connection:
        row = shops.get(connection, engine.shops[channel])
    return type(engine.runtime.connector(row)[0])


def test_a_memo_is_written_once_and_its_echo_is_no_edit(engine: Engine) -> None:
    orders = place(engine)
    for channel, order in orders.items():
        assert want(engine, channel, order).state == "queued"
    engine.run(600, step=60)
    for channel, order in orders.items():
        assert order.memo == OURS, channel
        assert stored(engine, channel, order) == Memo(text=OURS, flag=Flag.RED), channel
        assert (wish(engine, channel, order).state, calls(engine, channel)) == ("done", 1), channel
        assert [row.state for row in attempts(engine, channel, order)] == ["accepted"], channel
        assert (told(engine, channel), decisions(engine, channel)) == (["memo.accepted"], []), channel
    [event, *_] = engine.events("memo.accepted")
    data = json.loads(event.data)
    assert (event.object_id, data["order_id"]) == (data["order_id"], data["order_id"])
    assert (data["version"], data["outcome"], data["code"]) == (1, "accepted", "")
    for channel, order in orders.items():
        assert want(engine, channel, order, text=OURS, flag=Flag.NONE).state == "queued"
    engine.run(600, step=60)
    for channel, order in orders.items():
        assert stored(engine, channel, order) == Memo(text=OURS), channel
        assert decisions(engine, channel) == [], channel


def test_the_text_is_sealed_wherever_it_is_kept_for_us(engine: Engine) -> None:
    orders = place(engine)
    for channel, order in orders.items():
        want(engine, channel, order)
        edit(engine, order)
    resolve.set_policy(engine.runtime, "", Field.MEMO, Policy.ASK)
    engine.run(60, step=20)
    for channel in CHANNELS:
        [row] = decisions(engine, channel, "open")
        resolve.resolve(engine.runtime, row.id, "ours")
    engine.run(60, step=20)
    for channel, order in orders.items():
        steps = story.of_order(engine.runtime, engine.shops[channel], order.order_id)
        steps += story.of_intent(engine.runtime, wish(engine, channel, order).id)
        assert {"wish", "call", "answer", "decision"} <= {step.what for step in steps}, channel
        assert OURS not in repr(steps) + repr(wish(engine, channel, order)), channel
    with engine.runtime.database.read() as connection:
        kept = {table.name: str(connection.execute(sa.select(table)).all()) for table in (intent, attempt, agreed)}
        kept["decision"] = str(connection.execute(sa.select(decision)).all())
        kept["feed"] = str(feed.read(connection, 0, 1000, types=["memo.*", "conflict.*"]))
    assert [name for name, text in kept.items() if "13800000000" in text or THEIRS in text] == []
    assert all(len(text) > 2 for text in kept.values())


def test_the_last_wish_counts(engine: Engine) -> None:
    orders = place(engine)
    first = {channel: want(engine, channel, order, "older") for channel, order in orders.items()}
    for channel, order in orders.items():
        want(engine, channel, order)
    engine.run(60, step=20)
    for channel, order in orders.items():
        assert (order.memo, calls(engine, channel)) == (OURS, 1), channel
        with engine.runtime.database.read() as connection:
            [(state, *_)] = intents.states(connection, first[channel].intents).values()
        assert state == "superseded", channel


def test_a_memo_that_stands_already_is_not_written_again(engine: Engine) -> None:
    orders = place(engine)
    for channel, order in orders.items():
        edit(engine, order)
        engine.run(30, step=10)
        want(engine, channel, order, f" {THEIRS}\n", Flag.NONE)
    engine.run(60, step=20)
    for channel, order in orders.items():
        assert (wish(engine, channel, order).state, calls(engine, channel)) == ("done", 0), channel


@pytest.mark.parametrize(
    ("kind", "states"), [("timeout_after", ["accepted"]), ("timeout_before", ["not_sent", "accepted"])]
)
def test_a_lost_answer_is_looked_up_before_anything_is_sent_again(engine: Engine, kind: str, states: list[str]) -> None:
    orders = place(engine)
    for channel, order in orders.items():
        fault(engine, kind, channel)
        want(engine, channel, order)
    engine.run(60, step=5)
    for channel, order in orders.items():
        made = attempts(engine, channel, order)
        assert [row.state for row in made] == states, channel
        assert made[0].resolution in ("the channel shows our memo", "the channel shows another memo")
        assert (order.memo, calls(engine, channel)) == (OURS, len(states)), channel
        assert (told(engine, channel), decisions(engine, channel)) == (["memo.accepted"], []), channel


def test_a_newer_wish_waits_until_an_unanswered_one_has_had_time_to_land(engine: Engine) -> None:
    orders = place(engine)
    for channel, order in orders.items():
        fault(engine, "timeout_after", channel)
        want(engine, channel, order, "older")
    engine.settle()
    for channel, order in orders.items():
        want(engine, channel, order)
    engine.settle()
    assert [calls(engine, channel) for channel in CHANNELS] == [1, 1, 1, 1]
    engine.run(60, step=5)
    for channel, order in orders.items():
        assert order.memo == OURS, channel
        assert [row.state for row in attempts(engine, channel, order)] == ["accepted", "accepted"], channel
        assert (told(engine, channel), decisions(engine, channel)) == (["memo.accepted"] * 2, []), channel


def test_a_refused_call_over_the_limit_is_made_later(engine: Engine) -> None:
    orders = place(engine)
    for channel, order in orders.items():
        fault(engine, "throttle", channel)
        want(engine, channel, order)
    engine.run(600, step=30)
    for channel, order in orders.items():
        assert order.memo == OURS, channel
        assert [row.state for row in attempts(engine, channel, order)] == ["not_sent", "accepted"], channel


class Killed(BaseException):
    """The process dies."""


def test_a_worker_that_dies_after_the_call_leaves_it_to_be_looked_up(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = place(engine)
    for channel, order in orders.items():
        shop, write = engine.shops[channel], kind_of(engine, channel).memo
        want(engine, channel, order)

        def dies(connector: Connector, order_id: str, memo: Memo, write: Write = write) -> None:
            assert write(connector, order_id, memo).error is None
            raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(kind_of(engine, channel), "memo", dies)
            with pytest.raises(Killed):
                drain.drain(engine.runtime, Lane(shop, Kind.MEMO))
        assert [row.state for row in attempts(engine, channel, order)] == ["open"], channel
    engine.run(120, step=10)
    for channel, order in orders.items():
        assert (order.memo, calls(engine, channel)) == (OURS, 1), channel
        [made] = attempts(engine, channel, order)
        assert (made.state, made.resolution) == ("accepted", "the channel shows our memo"), channel


def test_what_kills_its_worker_again_and_again_is_shown_to_a_person(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy, "UNSETTLED_TRIES", 3)
    order = place(engine)["douyin"]

    def dies(*_: object) -> None:
        raise Killed

    monkeypatch.setattr(kind_of(engine, "douyin"), "memo", dies)
    want(engine, "douyin", order)
    deaths = 0
    for _ in range(10):
        try:
            drain.drain(engine.runtime, Lane(engine.shops["douyin"], Kind.MEMO))
        except Killed:
            deaths += 1
        engine.world.advance(policy.LONGEST_WAIT_SECONDS)
    assert deaths == policy.UNSETTLED_TRIES + 1
    found = wish(engine, "douyin", order)
    assert (found.state, found.reason_code) == ("parked", "outcome_unknown")


@pytest.mark.parametrize("seen_first", [False, True], ids=["read by us", "read before"])
@pytest.mark.parametrize(
    ("rule", "resolution", "shown"),
    [
        (Policy.ERP, "", OURS),
        (Policy.CHANNEL, "", THEIRS),
        (Policy.ASK, "", THEIRS),
        (Policy.ASK, "ours", OURS),
        (Policy.ASK, "theirs", THEIRS),
    ],
)
def test_a_memo_that_both_wrote_is_decided_by_policy(
    engine: Engine, rule: Policy, resolution: str, shown: str, seen_first: bool
) -> None:
    resolve.set_policy(engine.runtime, "", Field.MEMO, rule)
    orders = place(engine)
    for channel, order in orders.items():
        want(engine, channel, order)
        edit(engine, order)
        if seen_first:
            ops.reread(engine.runtime, engine.shops[channel], ObjectKind.ORDER, order.order_id)
    engine.run(60, step=20)
    for channel, order in orders.items():
        [row] = decisions(engine, channel)
        assert (row.outcome, row.policy) == ({"erp": "push", "channel": "adopt", "ask": "ask"}[rule], rule), channel
        plain = resolve.show_conflict(engine.runtime, row.id)
        assert [json.loads(value)["text"] for value in (plain.ours, plain.theirs)] == [OURS, THEIRS], channel
        if rule is Policy.ASK:
            found = wish(engine, channel, order)
            assert (found.state, found.reason_code, order.memo) == ("parked", "conflict", THEIRS), channel
        if resolution:
            resolve.resolve(engine.runtime, row.id, resolution, by="li")
    engine.run(120, step=20)
    for channel, order in orders.items():
        assert (order.memo, stored(engine, channel, order).text) == (shown, shown), channel
        assert len(decisions(engine, channel)) == 1, channel
        ends = {
            (Policy.ERP, ""): ("done", ["memo.accepted"]),
            (Policy.CHANNEL, ""): ("dismissed", ["memo.adopted"]),
            (Policy.ASK, ""): ("parked", ["conflict.opened"]),
            (Policy.ASK, "ours"): ("done", ["conflict.opened", "conflict.resolved", "memo.accepted"]),
            (Policy.ASK, "theirs"): ("dismissed", ["conflict.opened", "conflict.resolved", "memo.adopted"]),
        }[rule, resolution]
        assert (wish(engine, channel, order).state, sorted(told(engine, channel))) == ends, channel


def test_by_default_who_wrote_last_is_right(engine: Engine) -> None:
    theirs_last, ours_last = place(engine), place(engine)
    for channel in CHANNELS:
        edit(engine, ours_last[channel])
        want(engine, channel, theirs_last[channel])
    engine.world.advance(5)
    for channel in CHANNELS:
        want(engine, channel, ours_last[channel])
        edit(engine, theirs_last[channel])
    engine.run(120, step=20)
    for channel in CHANNELS:
        assert (theirs_last[channel].memo, ours_last[channel].memo) == (THEIRS, OURS), channel
        rules = {row.object_id: (row.outcome, row.rule) for row in decisions(engine, channel)}
        assert rules == {
            theirs_last[channel].order_id: ("adopt", "policy_newest"),
            ours_last[channel].order_id: ("push", "policy_newest"),
        }, channel


def test_an_edit_that_is_read_beside_an_unanswered_call_is_decided_once_that_is_settled(engine: Engine) -> None:
    resolve.set_policy(engine.runtime, "", Field.MEMO, Policy.ASK)
    orders = place(engine)
    for channel, order in orders.items():
        fault(engine, "timeout_before", channel)
        want(engine, channel, order)
    engine.settle()
    engine.world.advance(1)
    for channel, order in orders.items():
        edit(engine, order)
        ops.reread(engine.runtime, engine.shops[channel], ObjectKind.ORDER, order.order_id)
        assert (stored(engine, channel, order).text, decisions(engine, channel)) == (THEIRS, []), channel
    engine.run(60, step=10)
    for channel, order in orders.items():
        assert len(decisions(engine, channel, "open")) == 1, channel
        assert (order.memo, calls(engine, channel)) == (THEIRS, 1), channel
        assert [row.state for row in attempts(engine, channel, order)] == ["not_sent"], channel


def test_a_newer_wish_does_not_get_past_an_open_conflict(engine: Engine) -> None:
    resolve.set_policy(engine.runtime, "", Field.MEMO, Policy.ASK)
    orders = place(engine)
    for channel, order in orders.items():
        want(engine, channel, order, "older")
        edit(engine, order)
    engine.run(60, step=20)
    for channel, order in orders.items():
        want(engine, channel, order)
    engine.run(60, step=20)
    for channel, order in orders.items():
        assert order.memo == THEIRS, channel
        [row] = decisions(engine, channel, "open")
        assert json.loads(resolve.show_conflict(engine.runtime, row.id).ours)["text"] == OURS, channel
        with pytest.raises(ConfigurationError, match="only stock and prices"):
            resolve.resolve(engine.runtime, row.id, "value", value="9")
    for channel, order in orders.items():
        want(engine, channel, order, THEIRS, Flag.NONE)
    engine.run(60, step=20)
    for channel, order in orders.items():
        assert [row.state for row in decisions(engine, channel)] == ["superseded"], "both sides have the same now"
        assert (wish(engine, channel, order).state, calls(engine, channel)) == ("done", 0), channel


def test_a_memo_edited_after_ours_was_taken_stands(engine: Engine) -> None:
    orders = place(engine)
    for channel, order in orders.items():
        want(engine, channel, order)
    engine.run(120, step=20)
    for order in orders.values():
        edit(engine, order)
    engine.run(900, step=60)
    for channel, order in orders.items():
        [row] = decisions(engine, channel)
        assert (row.outcome, row.rule, order.memo) == ("adopt", "only_theirs", THEIRS), channel
        assert told(engine, channel) == ["memo.accepted"], channel
    for channel, order in orders.items():
        want(engine, channel, order, "newer")
    engine.run(60, step=20)
    for channel, order in orders.items():
        assert (order.memo, len(decisions(engine, channel))) == ("newer", 1), channel


def test_an_edit_that_crosses_our_call_is_looked_at_again(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    orders = place(engine)
    for channel, order in orders.items():
        shop, write = engine.shops[channel], kind_of(engine, channel).memo
        want(engine, channel, order)

        def crossed(connector: Connector, order_id: str, memo: Memo, write: Write = write) -> Outcome[str]:
            outcome = write(connector, order_id, memo)
            engine.world.advance(2)
            edit(engine, orders[connector.channel.code])
            ops.reread(engine.runtime, connector.shop_id, ObjectKind.ORDER, order_id)
            return outcome

        with monkeypatch.context() as patch:
            patch.setattr(kind_of(engine, channel), "memo", crossed)
            drain.drain(engine.runtime, Lane(shop, Kind.MEMO))
    engine.run(120, step=10)
    for channel, order in orders.items():
        assert (order.memo, stored(engine, channel, order).text, calls(engine, channel)) == (THEIRS, THEIRS, 1), channel
        assert [(row.outcome, row.rule) for row in decisions(engine, channel)] == [("adopt", "only_theirs")], channel
        assert told(engine, channel) == ["memo.adopted"], channel


def test_a_channel_that_takes_no_memo_parks_it_with_words(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    orders = place(engine)
    for channel, order in orders.items():
        monkeypatch.setattr(kind_of(engine, channel), "memo", Connector.memo)
        want(engine, channel, order)
    engine.run(30, step=10)
    waiting = {item.shop_id: item for item in ops.list_parked(engine.runtime, kind="memo")}
    for channel in CHANNELS:
        item = waiting[engine.shops[channel]]
        assert (item.code, item.code in ADVICE) == ("unsupported", True), channel
        assert "Unsupported" in item.reason, channel
        assert told(engine, channel) == ["memo.parked"], channel


def test_a_flag_that_the_channel_does_not_have_is_shown_to_a_person(engine: Engine) -> None:
    order = place(engine)["taobao"]
    want(engine, "taobao", order, flag=Flag.ORANGE)
    engine.run(30, step=10)
    found = wish(engine, "taobao", order)
    assert (found.state, found.reason_code, calls(engine, "taobao")) == ("parked", "invalid", 0)
    assert OURS not in found.reason
    want(engine, "taobao", order)
    engine.run(30, step=10)
    assert (wish(engine, "taobao", order).state, order.memo) == ("done", OURS)


def test_a_memo_for_nobody_is_refused(engine: Engine) -> None:
    order = place(engine)["jd"]
    item = MemoItem(shop=engine.shops["jd"], order_id=order.order_id, text=OURS)
    strange = [item.model_copy(update={"shop": "jd:0"}), item.model_copy(update={"order_id": "0"}), item]
    with engine.runtime.database.write() as connection:
        queued = memos.set_memos(connection, engine.runtime.vault, strange, engine.runtime.clock.now())
    assert [each.code or each.state for each in queued.items] == ["unknown_shop", "unknown_order", "queued"]
    assert queued.lanes == {Lane(engine.shops["jd"], Kind.MEMO)}
