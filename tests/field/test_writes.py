"""What an ERP wanted, and other systems did twice, did where they should not, or tried for ever.

plentymarkets-shopware-connector#126: the ERP had the order, its payment step failed, and every ten minutes the order
was made again. OCA/connector-prestashop#53: no location was flagged, so the stock of all of them was sent. odoo#213908:
a shipment without a known carrier blocked the shipments behind it and was tried again and again.
"""

import json
from types import SimpleNamespace
from typing import Any, cast

import pytest

from core.access import Caller
from core.carriers import CODES
from core.db import catalog, feed
from core.db.feed import FeedRow
from core.db.lanes import Kind
from sync import mappings
from sync.mappings import MappingItem
from tests.field.ground import NUMBER, Ground
from web import command_routes, commands
from web.problems import Problem
from web.state import State


class PaymentFailed(Exception):
    """The ERP's own later step."""


class Erp:
    """Keeps orders by the ids that the feed gives, and its cursor only after a whole batch."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.cursor = 0
        self.orders: dict[tuple[str, str], list[str]] = {}

    def read(self, *, payment_works: bool) -> None:
        with self.ground.runtime.database.read() as connection:
            rows = feed.read(connection, self.cursor, 100, types=["order.*"])
        for row in rows:
            self._accept(row)
            if not payment_works:
                raise PaymentFailed
        self.cursor = rows[-1].position

    def _accept(self, row: FeedRow) -> None:
        self.orders.setdefault((row.shop_id, row.object_id), []).append(row.id)


def asked(ground: Ground, command: commands.Command[Any], key: str, *items: dict[str, Any]) -> str:
    """The answer to a command; raises Problem when nothing of it was taken."""
    state = cast("State", SimpleNamespace(runtime=ground.runtime))
    body = json.dumps({"items": items}).encode()
    return commands.run(state, command, commands.Asked(Caller("erp"), key, False), body).body


def test_plentymarkets_126_the_order_is_accepted_and_a_later_step_fails(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    ground.settle()
    appended = feed.append

    def fails_once(*_: object) -> None:
        monkeypatch.setattr(feed, "append", appended)
        raise PaymentFailed

    order = ground.place()
    ground.wait_for_pushes()
    monkeypatch.setattr(feed, "append", fails_once)
    with pytest.raises(PaymentFailed):
        ground.settle()
    ground.run(20, step=10)
    erp = Erp(ground)
    for _ in range(5):
        with pytest.raises(PaymentFailed):
            erp.read(payment_works=False)
    erp.read(payment_works=True)
    [(place, taken)] = erp.orders.items()
    assert place == (ground.shop_id, order.order_id)
    assert set(taken) == {f"order.created/{ground.shop_id}/{order.order_id}/1"}
    parcel = {"carrier": "SF", "tracking_no": NUMBER}
    shipment = {"shop": ground.shop_id, "order_id": order.order_id, "parcels": [parcel]}
    answers = {asked(ground, command_routes.SHIPMENTS, "ship-1", shipment) for _ in range(3)}
    assert len(answers) == 1
    ground.run(30, step=10)
    asked(ground, command_routes.SHIPMENTS, "another-key", shipment)
    ground.run(10)
    assert order.ship_accepts == 1
    assert ground.shipped(order).state == "done"


def test_connector_prestashop_53_an_empty_mapping_publishes_nothing(ground: Ground) -> None:
    ground.settle()
    with ground.runtime.database.write() as connection:
        rows = [row for row in catalog.rows_of(connection, shop_id=ground.shop_id) if row.sku]
        nothing = [
            MappingItem(shop=ground.shop_id, listing_id=row.key.listing_id, sku_id=row.key.sku_id, sku=None)
            for row in rows
        ]
        mappings.set_mappings(connection, nothing, ground.runtime.clock.now(), by="operator")
    before = {sku.sku_id: sku.sellable for item in ground.shop.items.values() for sku in item.skus.values()}
    numbers = [{"sku": sku, "quantity": 7} for sku in sorted({row.sku for row in rows})]
    with pytest.raises(Problem) as refused:
        asked(ground, command_routes.STOCK, "stock-1", *numbers)
    assert {error.code for error in refused.value.errors} == {"unknown_sku"}
    assert len(refused.value.errors) == len(numbers)
    ground.run(3700, step=1850)
    assert ground.calls(ground.channel.stock_write) == 0
    after = {sku.sku_id: sku.sellable for item in ground.shop.items.values() for sku in item.skus.values()}
    assert after == before


def test_odoo_213908_a_carrier_that_the_channel_does_not_know(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    ground.settle()
    stuck, fine = ground.taken(), ground.taken()
    refused = ground.ship(ground.shipment(stuck, carrier="PIGEON")).items[0]
    assert (refused.state, refused.code) == ("refused", "unknown_carrier")
    unknown = _unknown(ground)
    if unknown is None:
        pytest.skip(f"{ground.channel.channel.label} takes every carrier that we know")
    ground.ship(ground.shipment(stuck, carrier=unknown))
    ground.send(fine, "SF1234567890999")
    ground.run(20, step=10)
    parked = ground.shipped(stuck)
    assert (parked.state, parked.reason_code) == ("parked", "unknown_carrier")
    assert parked.reason
    assert fine.ship_accepts == 1
    calls = ground.calls(ground.channel.ship_write), ground.calls(ground.channel.order_detail)
    for _ in range(30):
        ground.drain(Kind.SHIP)
        ground.world.advance(60)
    assert (ground.calls(ground.channel.ship_write), ground.calls(ground.channel.order_detail)) == calls, "tried again"
    assert len(ground.ledger(parked)) == 1
    assert [event.type for event in ground.events("shipment.") if event.object_id == stuck.order_id] == [
        "shipment.parked"
    ]


def _unknown(ground: Ground) -> str | None:
    """A carrier of ours that the channel has no code for."""
    known = {row.carrier for row in ground.connector().carriers()}
    return min(CODES - known, default=None)
