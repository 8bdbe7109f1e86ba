"""Buyers who ask for another address, on simulated Douyin: told once, shipments wait, the answer is given once."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.channel import ObjectKind, Refusal
from core.db import Database, intents, requests
from core.db.intents import Attempt, Intent
from core.model import ParcelDraft
from core.notices import Notice
from sandbox.faults import FaultRule
from sandbox.model import Order
from sandbox.steps import STEPS
from sync import story
from sync.address import ASKED, AnswerItem, answer
from sync.shipments import ShipmentItem
from sync.wishes import ItemResult
from tests.engine import Engine
from tests.engine import engine as running

CHANNELS = ("douyin", "jd")
METHOD = "order.addressConfirm"


@pytest.fixture
def engine(database: Database, redis_url: str, tmp_path: Path) -> Iterator[Engine]:
    with running(database, redis_url, tmp_path, channels=CHANNELS) as started:
        started.settle()
        yield started


def place(engine: Engine, channel: str = "douyin") -> Order:
    order = engine.world.place(engine.world.shop(channel), variant="plain", restock=True)
    engine.run(60, step=30)
    return order


def asks(engine: Engine, order: Order) -> None:
    STEPS["want_address"](engine.world, order)
    engine.run(10)


def ship(engine: Engine, order: Order) -> ItemResult:
    parcel = ParcelDraft(carrier="SF", tracking_no="SF1234567890123")
    wanted = ShipmentItem(shop=engine.shops["douyin"], order_id=order.order_id, parcels=(parcel,))
    [result] = engine.ship(wanted).items
    return result


def give(
    engine: Engine, order: Order, *, approve: bool, refusal: Refusal | None = None, channel: str = "douyin"
) -> ItemResult:
    item = AnswerItem(shop=engine.shops[channel], order_id=order.order_id, approve=approve, refusal=refusal)
    with engine.runtime.database.write() as connection:
        [result] = answer(connection, [item], engine.runtime.clock.now()).items
    return result


def wishes(engine: Engine, order: Order, kind: str = "address") -> list[Intent]:
    return engine.intents(kind, engine.shops["douyin"], order.order_id)


def attempts(engine: Engine, item: Intent) -> list[Attempt]:
    with engine.runtime.database.read() as connection:
        return intents.attempts(connection, item.id)


def states(engine: Engine, order: Order) -> list[str]:
    with engine.runtime.database.read() as connection:
        return [each.state for each in requests.of_order(connection, engine.shops["douyin"], order.order_id)]


def told(engine: Engine) -> list[str]:
    return [event.type for event in engine.events() if event.type.startswith(("address.", "order.address"))]


def calls(engine: Engine) -> int:
    return int(engine.world.calls["douyin"].get(METHOD, {"count": 0})["count"])


def fault(engine: Engine, kind: str, times: int | None = 1) -> None:
    rule = {"kind": kind, "channel": "douyin", "method": METHOD, "times": times}
    engine.world.faults.add(FaultRule.model_validate(rule))


def test_a_request_is_told_once_and_holds_the_shipment_until_it_is_granted(engine: Engine) -> None:
    engine.world.faults.add(FaultRule.model_validate({"kind": "duplicate_push", "channel": "douyin", "times": None}))
    order = place(engine)
    asks(engine, order)
    [event] = engine.events("order.address_requested")
    assert (event.object_id, event.revision, json.loads(event.data)["order_id"]) == (order.order_id, 1, order.order_id)
    taken = ship(engine, order)
    assert (taken.state, [each.code for each in taken.warnings]) == ("queued", [ASKED])
    engine.run(600, step=60)
    [waiting] = wishes(engine, order, "ship")
    assert (waiting.state, waiting.reason_code, order.packages) == ("due", ASKED, [])
    wanted = order.wanted_address
    assert give(engine, order, approve=True).state == "queued"
    engine.run(30)
    assert (order.buyer, states(engine, order)) == (wanted, ["granted"])
    assert [package.tracking_no for package in order.packages] == ["SF1234567890123"]
    assert told(engine) == ["order.address_requested", "address.accepted"]
    [accepted] = engine.events("address.accepted")
    assert json.loads(accepted.data)["wanted"] == {"approve": True, "refusal": None}
    steps = story.of_order(engine.runtime, engine.shops["douyin"], order.order_id)
    assert any("asks for another address" in step.words for step in steps)
    assert any("ended: granted" in step.words for step in steps)


def test_a_refusal_lets_the_shipment_go_to_the_old_address(engine: Engine) -> None:
    order = place(engine)
    before = order.buyer
    asks(engine, order)
    ship(engine, order)
    give(engine, order, approve=False, refusal=Refusal.PACKED)
    engine.run(60)
    assert (order.buyer, states(engine, order), len(order.packages)) == (before, ["refused"], 1)
    assert told(engine)[-1] == "address.accepted"


def test_the_same_answer_is_one_and_another_takes_its_place_before_it_is_given(engine: Engine) -> None:
    order = place(engine)
    asks(engine, order)
    assert give(engine, order, approve=True).state == "queued"
    assert give(engine, order, approve=True).state == "unchanged"
    assert give(engine, order, approve=False).state == "queued"
    engine.run(30)
    [only] = wishes(engine, order)
    assert (only.version, only.state, calls(engine), states(engine, order)) == (2, "done", 1, ["refused"])


def test_a_second_request_is_answered_by_itself(engine: Engine) -> None:
    order = place(engine)
    for approve in (False, True):
        asks(engine, order)
        assert give(engine, order, approve=approve).state == "queued"
        engine.run(60)
    assert states(engine, order) == ["refused", "granted"]
    assert told(engine) == ["order.address_requested", "address.accepted"] * 2
    assert len(wishes(engine, order)) == 2


def test_an_answer_ends_no_request_that_came_after_it(engine: Engine) -> None:
    order = place(engine)
    asks(engine, order)
    give(engine, order, approve=False)
    told = Notice(
        "douyin", "app", engine.shops["douyin"].partition(":")[2], "111", ObjectKind.ORDER, order.order_id, "later",
        engine.runtime.clock.now(), asks="address",
    )  # fmt: skip
    engine.store((told,))
    engine.run(60)
    assert states(engine, order) == ["replaced", "open"], "the second one waits for its own answer"
    assert [event.revision for event in engine.events("order.address_requested")] == [1, 2]


def test_an_answer_without_an_outcome_is_given_again(engine: Engine) -> None:
    order = place(engine)
    asks(engine, order)
    wanted = order.wanted_address
    fault(engine, "timeout_after")
    give(engine, order, approve=True)
    engine.run(60)
    [only] = wishes(engine, order)
    assert (only.state, order.buyer) == ("done", wanted)
    assert [each.state for each in attempts(engine, only)] == ["not_sent", "accepted"]
    assert told(engine)[-1] == "address.accepted"
    assert states(engine, order) == ["elsewhere"], "the new address was seen before the answer was known"


def test_what_was_answered_in_the_backend_is_seen(engine: Engine) -> None:
    order = place(engine)
    asks(engine, order)
    ship(engine, order)
    STEPS["answer_address"](engine.world, order, approve=True)
    engine.run(300, step=30)
    assert (states(engine, order), len(order.packages)) == (["elsewhere"], 1)


def test_an_answer_that_the_channel_does_not_take_is_for_a_person(engine: Engine) -> None:
    order = place(engine)
    asks(engine, order)
    ship(engine, order)
    STEPS["answer_address"](engine.world, order, approve=False)
    engine.run(300, step=60)
    assert states(engine, order) == ["open"], "no push tells of a refusal in the backend"
    give(engine, order, approve=True)
    engine.run(900, step=60)
    [parked] = wishes(engine, order)
    assert (parked.state, told(engine)[-1]) == ("parked", "address.parked")
    assert states(engine, order)[0] in ("elsewhere", "withdrawn")
    assert len(order.packages) == 1, "the shipment waits no longer"


def test_where_nobody_asked_the_answer_says_so(engine: Engine) -> None:
    order = place(engine)
    taken = give(engine, order, approve=True)
    assert (taken.state, [each.code for each in taken.warnings]) == ("queued", ["nobody_asked"])
    engine.run(60)
    [parked] = wishes(engine, order)
    assert (parked.state, parked.reason_code) == ("parked", "not_found")


def test_a_channel_without_such_requests_refuses_at_once(engine: Engine) -> None:
    order = place(engine, "jd")
    refused = give(engine, order, approve=True, channel="jd")
    assert (refused.state, refused.code) == ("refused", "not_supported_here")
    assert "takes effect" in refused.message
