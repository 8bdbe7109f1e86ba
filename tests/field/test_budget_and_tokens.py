"""A budget and a token that many share.

OpenLinker's ADR-038: throttles at each place of calling leaked, and a host blocked a shop; mws-api#99: a throttle
crashed the process. pipeshub#2736: a dead token failed in silence, job after job; airbyte#22995: two workers refreshed
at once, and the second refresh used a token that the first had just spent.
"""

import dataclasses
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from pydantic import SecretStr

from core.channel import Call, Capability, Credentials, ObjectKind, Scope
from core.db import shops, watermarks
from core.db.lanes import Kind
from core.db.shops import ShopRow
from core.notices import Notice
from sandbox.model import Shop
from sync import drain, pull, tokens
from sync.runtime import Runtime
from tests.field.ground import Ground

SHOPS = 50
STORM = 12
LANES = (Kind.NOTICES, Kind.PULL, Kind.SHIP, Kind.STOCK)


def connect(ground: Ground, number: int) -> Shop:
    """One more shop of the same app; nothing is pulled from it."""
    world, channel = ground.world, ground.code
    world._open_shop(world.profiles[channel], number, (5, 5))
    shop = list(world.shops[channel].values())[-1]
    app, now = world.apps[channel], ground.runtime.clock.now()
    held = Credentials(
        app.key, SecretStr(app.secret), SecretStr(shop.grant.access_token), SecretStr(shop.grant.refresh_token)
    )
    with ground.runtime.database.write() as connection:
        identity = shops.add(
            connection,
            ground.runtime.vault,
            channel=channel,
            account=shop.shop_id,
            name=shop.name,
            credentials=held,
            now=now,
        )
        watermarks.begin(connection, identity, dict.fromkeys(pull.LANES, now), now + timedelta(days=1))
    return shop


def test_openlinker_adr_038_a_storm_of_429_over_fifty_shops_of_one_app(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Which is also mws-api#99: a throttle ends in a wait of a row, not of a process."""
    ground.settle()
    orders = {}
    for number in range(1, SHOPS):
        shop = connect(ground, number)
        order = ground.world.place(shop, variant="plain", restock=True)
        orders[shop.shop_id] = order
        notice = Notice(
            channel=ground.code,
            app_key=ground.world.apps[ground.code].key,
            account=shop.shop_id,
            topic="order",
            kind=ObjectKind.ORDER,
            object_id=order.order_id,
            dedup_key=order.order_id,
        )
        ground.store((notice,))
    refused: list[Call] = []
    keep = ground.runtime.gate.refused

    def note(call: Call, retry_after: float | None, scope: Scope = Scope.SHOP, *, every_method: bool = False) -> None:
        refused.append(call)
        keep(call, retry_after, scope, every_method=every_method)

    monkeypatch.setattr(ground.runtime.gate, "refused", note)
    ground.fault("throttle", ground.channel.order_detail, times=STORM)
    begun, made = ground.world.now(), ground.calls(ground.channel.order_detail)
    ground.run(300, step=60)
    told = {event.object_id: event.at.timestamp() for event in ground.events("order.created")}
    assert {order.order_id for order in orders.values()} <= told.keys()
    assert len(refused) == STORM, "the platform refused what it was not told to refuse"
    assert ground.calls(ground.channel.order_detail) - made <= len(orders) + STORM + 4
    waited = sorted(told[order.order_id] - begun for order in orders.values())
    assert waited[-1] <= waited[len(waited) // 2] + 120, "one shop waits for the end of the storm"


def at_once(ground: Ground) -> None:
    """Four workers on four lanes of the shop, each in a thread that really waits."""
    waiting = dataclasses.replace(ground.runtime, sleep=time.sleep)
    with ThreadPoolExecutor(len(LANES)) as pool:
        list(pool.map(lambda kind: drain.drain(waiting, ground.lane(kind)), LANES))


def work_on_every_lane(ground: Ground) -> None:
    order, sku = ground.taken(), ground.mapped()
    ground.send(order)
    ground.set_stock(**{sku.code: 77})
    ground.store(tuple(dataclasses.replace(each, dedup_key="again") for each in ground.heard[-1:]))
    with ground.runtime.database.write() as connection:
        watermarks.look_now(connection, ground.shop_id, pull.ORDERS, ground.runtime.clock.now())


def test_airbyte_22995_two_workers_refresh_at_once(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    if not ground.channel.channel.supports(Capability.REFRESH):
        pytest.skip(ground.channel.channel.notes[Capability.REFRESH])
    ground.settle()
    work_on_every_lane(ground)
    ground.shop.grant.access_expires = ground.world.now() - 1
    refreshed: list[Credentials] = []
    fresh = tokens._fresh

    def slow(runtime: Runtime, row: ShopRow) -> Credentials:
        time.sleep(0.05)
        refreshed.append(fresh(runtime, row))
        return refreshed[-1]

    monkeypatch.setattr(tokens, "_fresh", slow)
    at_once(ground)
    ground.run(30, step=10)
    assert len(refreshed) == 1
    assert ground.shop.grant.access_expires > ground.world.now()
    [sku] = [sku for item in ground.shop.items.values() for sku in item.skus.values() if sku.sellable == 77][:1]
    assert sku.last_set is not None
    assert ground.events("shop.paused") == []


def test_pipeshub_2736_the_refresh_token_is_dead(ground: Ground) -> None:
    ground.settle()
    work_on_every_lane(ground)
    ground.shop.authorised = False
    ground.shop.grant.access_expires = ground.shop.grant.refresh_expires = ground.world.now() - 1
    at_once(ground)
    ground.run(30, step=10)
    assert len(ground.events("shop.paused")) == 1
    with ground.runtime.database.read() as connection:
        row = shops.get(connection, ground.shop_id)
    assert not row.active
    assert "authorise" in row.reason
    calls = {method: each["count"] for method, each in ground.world.calls[ground.code].items()}
    ground.run(7200, step=3600)
    assert {method: each["count"] for method, each in ground.world.calls[ground.code].items()} == calls
    assert len(ground.events("shop.paused")) == 1
