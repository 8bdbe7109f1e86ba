"""Jobs that died, ran twice, or were never picked up again.

OCA/queue#306 let a job be put back while it ran: two workers. rq#2015 lost a job whose worker was killed, rq#2424
called a job that had succeeded abandoned. convoy#1667 planned the next attempt in the past and never looked there,
convoy#1833 tried for ever, because the count of tries was not saved.
"""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from core.db.lanes import Kind
from core.db.tables import intent, lane
from sandbox.model import Sku
from sync import drain, policy
from tests.field.ground import Ground, Killed

LEASE = 31.0
"""Longer than the lease of a worker that died."""


@pytest.mark.parametrize("landed", [False, True], ids=["before", "after"])
def test_rq_2015_the_worker_is_killed_in_the_middle_of_a_job(ground: Ground, landed: bool) -> None:
    ground.settle()
    order = ground.taken()
    ground.send(order)
    with ground.killed(ground.channel.ship_write, landed=landed), pytest.raises(Killed):
        ground.drain(Kind.SHIP)
    assert ground.ledger(ground.shipped(order)) == ["open"]
    ground.drain(Kind.SHIP)
    assert order.ship_accepts == int(landed), "the dead worker's lease still runs"
    ground.world.advance(LEASE)
    ground.run(10)
    assert order.ship_accepts == 1
    assert ground.shipped(order).state == "done"
    assert ground.ledger(ground.shipped(order)) == (["accepted"] if landed else ["not_sent", "accepted"])
    assert [event.type for event in ground.events("shipment.")] == ["shipment.accepted"]


def test_oca_queue_306_a_job_put_back_while_it_runs(ground: Ground) -> None:
    ground.settle()
    order = ground.taken()
    ground.send(order)
    begun: list[str] = []

    def again(method: str, _: object) -> None:
        if method == ground.channel.ship_write and not begun:
            begun.append(method)
            ground.runtime.redis.flushall()
            ground.runtime.bells.ring([ground.lane(Kind.SHIP)])
            ground.drain(Kind.SHIP)

    ground.wire.before = again
    ground.drain(Kind.SHIP)
    ground.run(10)
    assert begun
    assert order.ship_accepts == 1
    assert ground.ledger(ground.shipped(order)) == ["accepted"]


def test_rq_2424_a_job_that_succeeded_is_called_abandoned(ground: Ground) -> None:
    ground.settle()
    order, sku = ground.taken(), ground.mapped()
    ground.send(order)
    ground.set_stock(**{sku.code: 77})
    ground.settle()
    calls = {method: row["count"] for method, row in ground.world.calls[ground.code].items()}
    for kind in (Kind.SHIP, Kind.STOCK, Kind.NOTICES):
        for _ in range(2):
            drain.drain(ground.runtime, ground.lane(kind))
    assert {method: row["count"] for method, row in ground.world.calls[ground.code].items()} == calls
    assert (order.ship_accepts, sku.sellable) == (1, 77)
    assert ground.ledger(ground.shipped(order)) == ["accepted"]


def test_convoy_1667_the_next_attempt_lies_in_the_past(ground: Ground) -> None:
    ground.settle()
    order = ground.taken()
    ground.fault("http_5xx", ground.channel.order_detail, times=10)
    ground.send(order)
    ground.settle()
    assert ground.shipped(order).state == "due"
    ground.world.faults.clear()
    yesterday = ground.runtime.clock.now() - timedelta(days=1)
    with ground.runtime.database.write() as connection:
        connection.execute(sa.update(intent).values(not_before=yesterday))
        connection.execute(sa.update(lane).values(not_before=yesterday))
    ground.runtime.redis.flushall()
    ground.run(10)
    assert ground.shipped(order).state == "done"
    assert order.ship_accepts == 1


@pytest.mark.parametrize("kind", [Kind.SHIP, Kind.STOCK], ids=["ship", "stock"])
def test_convoy_1833_the_worker_dies_before_it_counts_the_try(
    ground: Ground, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policy, "UNSETTLED_TRIES", 3)
    ground.settle()
    order, sku = ground.taken(), ground.mapped()
    if kind is Kind.SHIP:
        ground.send(order)
    else:
        ground.set_stock(**{sku.code: 77})
    deaths = 0
    method = ground.channel.ship_write if kind is Kind.SHIP else ground.channel.stock_write
    with ground.killed(method, landed=False):
        for _ in range(3 * policy.UNSETTLED_TRIES):
            try:
                ground.drain(kind)
            except Killed:
                deaths += 1
            ground.world.advance(LEASE + policy.LONGEST_WAIT_SECONDS)
    assert deaths == policy.UNSETTLED_TRIES + 1, "the first and as many tries again"
    [parked] = ground.intents(kind.value, ground.shop_id, order.order_id if kind is Kind.SHIP else _object(sku))
    assert (parked.state, parked.reason_code) == ("parked", "outcome_unknown")
    assert ground.ledger(parked) == ["not_sent"] * deaths


def _object(sku: Sku) -> str:
    return f"{sku.item_id}/{sku.sku_id}"
