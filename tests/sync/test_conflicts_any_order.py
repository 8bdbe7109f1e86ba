"""Any interleaving of both sides: it ends agreed or asked, nothing is lost, nothing that was seen is overwritten
without a decision, no more stays on sale than the ERP said, and a message that comes again changes nothing.
"""

import json
import shutil
import tempfile
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

import hypothesis.strategies as st
import pytest
import redis
from hypothesis import settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from core.channel import Fetched
from core.conflict import GIVEN_BACK, Field, Policy, same
from core.db import conflicts, intents, shops
from core.db.conflicts import DecisionRow
from core.model import Price
from core.sold import COUNTED
from sandbox.ground import Refused
from sandbox.model import Order
from sync import ops, push, resolve
from sync.accept import accept
from sync.push import PriceItem
from tests.conftest import Kept
from tests.engine import Engine

CHANNELS = ("pinduoduo", "douyin", "taobao", "jd")
APART = 40.0
"""Seconds between two doings: far enough for it to be clear what came first."""
LAG = 15 * 60
QUANTITIES = st.integers(5, 60)
PRICES = st.sampled_from([1100, 1150, 1200])


class BothSides(RuleBasedStateMachine):
    """One listing SKU of one shop: the ERP, the seller in the backend, buyers, and whatever the engine does."""

    migrated: Path
    redis_url: str
    edits: bool
    seen: ClassVar[int] = 0
    """Edits that were surely seen, over all examples."""
    held: ClassVar[int] = 0
    """Examples that ended with the ERP's number."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        with redis.Redis.from_url(self.redis_url) as client:
            client.flushall()
        path = shutil.copy(self.migrated, Path(self.folder.name) / "qudao.db")
        self.database = Kept.lend(f"sqlite:///{path}")
        self.orders: list[Order] = []
        self.cancelled: list[Order] = []
        self.said_at = 0.0
        self.heard: list[tuple[Fetched[Any], datetime]] = []
        self.ours: dict[Field, Any] = {}
        self.should_be: int | None = None
        """What the shop has if nobody edited it since a reading was last compared; None while that is not known."""
        self.to_decide: list[int] = []

    @initialize(channel=st.sampled_from(CHANNELS), first=QUANTITIES)
    def begin(self, channel: str, first: int) -> None:
        folder = Path(self.folder.name)
        self.engine = Engine(self.database, self.redis_url, folder, channels=(channel,))
        self.engine.settle()
        self.world, self.shop_id, self.shop = (
            self.engine.world,
            self.engine.shops[channel],
            self.engine.world.shop(channel),
        )
        row = next(row for row in ops.list_mappings(self.engine.runtime, shop=self.shop_id) if row.sku and row.price)
        self.code, self.object_id = row.sku, f"{row.key.listing_id}/{row.key.sku_id}"
        self.sku = self.world.sku(self.shop, row.key.sku_id)
        self.set_at = self.sku.last_set
        self.erp_wants(first)
        self.time_passes()

    def _apart(self) -> None:
        self.world.advance(APART)

    def _drain(self) -> None:
        """Our own writes begin the count anew."""
        self.engine.settle()
        if self.sku.last_set is not self.set_at and self.sku.last_set.kind != "seller":
            self.set_at = self.sku.last_set
            self.should_be = self.sku.sellable

    @rule(quantity=QUANTITIES)
    def erp_wants(self, quantity: int) -> None:
        self._apart()
        self.ours[Field.STOCK], self.said_at = quantity, self.world.now()
        self.engine.set_stock(**{self.code: quantity})

    @rule(sale=PRICES)
    def erp_prices(self, sale: int) -> None:
        self._apart()
        listing_id, sku_id = self.object_id.split("/")
        item = PriceItem(shop=self.shop_id, listing_id=listing_id, sku_id=sku_id, sale=sale)
        with self.database.write() as connection:
            push.set_prices(connection, [item], self.engine.runtime.clock.now())
        self.ours[Field.PRICE] = sale

    @precondition(lambda self: self.edits)
    @rule(quantity=QUANTITIES, read=st.booleans())
    def seller_edits(self, quantity: int, read: bool) -> None:
        self._apart()
        self.world.set_stock(self.shop, self.sku, quantity, "seller")
        if read:
            self.stock_is_read()

    @precondition(lambda self: self.edits)
    @rule(sale=PRICES)
    def seller_prices(self, sale: int) -> None:
        self._apart()
        old = self.sku.price
        self.sku.price, self.sku.pending_price = type(old)(sale, old.single, old.market), None
        self.world.touch_item(self.shop, self.world.item(self.shop, self.sku.item_id))

    @rule(quantity=st.integers(1, 3))
    def buyer_buys(self, quantity: int) -> None:
        self._apart()
        with suppress(Refused):
            self.orders.append(self.world.place(self.shop, sku=self.sku, quantity=quantity, variant="plain"))
            self.should_be = self.should_be - quantity if self.should_be is not None else None

    @precondition(lambda self: self.orders)
    @rule()
    def buyer_cancels(self) -> None:
        self._apart()
        self._cancel(self.orders.pop())

    def _cancel(self, order: Order) -> None:
        with suppress(Refused):
            self.world.cancel(order)
            self.cancelled.append(order)
        self.should_be = None

    @rule(quantity=st.integers(1, 3), sold_since=st.booleans())
    def a_number_passes_an_order(self, quantity: int, sold_since: bool) -> None:
        """It is said and sent while the ERP does not know of the order, which ends before it does."""
        self._apart()
        with suppress(Refused):
            order = self.world.place(self.shop, sku=self.sku, quantity=quantity, variant="plain")
            self.erp_wants(self.ours[Field.STOCK])
            self._drain()
            if sold_since:
                self.buyer_buys(1)
            self._apart()
            self._cancel(order)

    @rule()
    def work_is_done(self) -> None:
        self._apart()
        self._drain()

    @rule()
    def time_passes(self) -> None:
        for _ in range(5):
            self.world.advance(LAG / 5)
            self._drain()
        self._may_be_read()

    def _may_be_read(self) -> None:
        """Listings were read meanwhile: what an edit is measured from next is not known here."""
        if self.sku.sellable != self.should_be:
            self.should_be = None

    @rule()
    def stock_is_read(self) -> None:
        self._apart()
        shown, waits = self.sku.sellable, self._base(Field.STOCK).seen is not None
        for _ in ops.resync_stock(self.engine.runtime, self.shop_id):
            pass
        edited = self.should_be is not None and self.should_be != shown != self.ours[Field.STOCK]
        if edited and not waits:
            self.to_decide.append(shown)
            type(self).seen += 1
        self.should_be = None if waits or self.should_be is None else shown

    @rule()
    def the_listing_is_read(self) -> None:
        self._apart()
        connector = self.engine.runtime.connector(self._shop())[0]
        asked_at = self.engine.runtime.clock.now()
        heard = connector.listing(self.sku.item_id)
        self._take(heard, asked_at)
        self.heard.append((heard, asked_at))
        self._may_be_read()

    @precondition(lambda self: self.heard)
    @rule(data=st.data())
    def a_message_comes_again(self, data: st.DataObject) -> None:
        before = self._told()
        self._take(*data.draw(st.sampled_from(self.heard)))
        for order in self.orders:
            connector = self.engine.runtime.connector(self._shop())[0]
            heard, now = connector.order(order.order_id), self.engine.runtime.clock.now()
            self._take(heard, now)
            once = self._told()
            self._take(heard, now)
            assert self._told() == once
        assert self._told() == before

    def _take(self, heard: Fetched[Any], asked_at: datetime) -> None:
        runtime = self.engine.runtime
        with self.database.write() as connection:
            accept(connection, runtime.vault, self.shop_id, [heard], runtime.clock.now(), asked_at=asked_at)

    def _told(self) -> tuple[list[str], list[DecisionRow]]:
        events = [e.id for e in self.engine.events() if not e.type.startswith("order")]
        return events, self._decisions()

    @rule(field=st.sampled_from([Field.STOCK, Field.PRICE]), policy=st.sampled_from(list(Policy)))
    def policy_changes(self, field: Field, policy: Policy) -> None:
        resolve.set_policy(self.engine.runtime, self.shop_id, field, policy)

    @precondition(lambda self: self._open())
    @rule(data=st.data(), word=st.sampled_from(["ours", "theirs", "value"]))
    def a_person_decides(self, data: st.DataObject, word: str) -> None:
        self._apart()
        row = data.draw(st.sampled_from(self._open()))
        resolve.resolve(self.engine.runtime, row.id, word, value="1175" if word == "value" else "")
        assert resolve.show_conflict(self.engine.runtime, row.id).state == "resolved"

    @invariant()
    def each_opened_conflict_is_open_or_resolved(self) -> None:
        if not hasattr(self, "engine"):
            return
        events = self.engine.events("conflict")
        opened = {json.loads(e.data)["decision"] for e in events if e.type == "conflict.opened"}
        closed = [json.loads(e.data)["decision"] for e in events if e.type == "conflict.resolved"]
        assert len(closed) == len(set(closed))
        assert opened - set(closed) == {row.id for row in self._open()}

    def teardown(self) -> None:
        if hasattr(self, "engine"):
            self._settle_down()
            self._ends_agreed_or_asked()
            self._no_more_is_on_sale_than_was_said()
            self._what_was_seen_was_decided()
            self.engine.runtime.http.close()
            self.engine.runtime.redis.close()
        self.database.close()
        self.folder.cleanup()

    def _settle_down(self) -> None:
        for _ in range(2):
            self.time_passes()
            self.the_listing_is_read()
            for _ in ops.resync_stock(self.engine.runtime, self.shop_id):
                pass
        self.time_passes()

    def _no_more_is_on_sale_than_was_said(self) -> None:
        """Where the ERP's number stands, the channel has it less what was sold since, plus what comes back of orders
        that it had surely counted.
        """
        [item] = self.engine.intents("stock", self.shop_id, self.object_id)
        given_up = item.state != "done" or item.reason_code == intents.ADOPTED
        if given_up or self.sku.last_set.kind == "seller":
            return
        sold = sum(order.lines[0].quantity for order in self.orders if order.created > self.sku.last_set.at)
        counted = self.said_at - COUNTED.total_seconds()
        back = sum(order.lines[0].quantity for order in self.cancelled if (order.paid or counted) < counted)
        assert self.sku.sellable <= self.ours[Field.STOCK] - sold + back
        type(self).held += 1

    def _ends_agreed_or_asked(self) -> None:
        opened = {row.field: row for row in self._open()}
        for field, shown in ((Field.STOCK, str(self.sku.sellable)), (Field.PRICE, _price(self.sku.price.sale))):
            if field not in self.ours or field in opened:
                continue
            base = self._base(field)
            assert base.seen is None
            with self.database.read() as connection:
                work = intents.of_object(connection, field.value, self.shop_id, self.object_id)
            assert all(item.state in ("done", "dismissed") for item in work), work
            given_up = [item for item in work if item.state == "dismissed"]
            assert all(item.reason_code == intents.ADOPTED for item in given_up)
            assert same(field, base.value, shown), (base, shown)
        for row in opened.values():
            assert row.intent_id is not None
            with self.database.read() as connection:
                held = intents.find(connection, row.intent_id)
            assert (held.state, held.reason_code) == ("parked", intents.CONFLICT)
        if not self.edits:
            assert {row.rule for row in self._decisions()} <= {GIVEN_BACK}

    def _what_was_seen_was_decided(self) -> None:
        theirs = [row.theirs for row in self._decisions() if row.field == Field.STOCK]
        assert {str(shown) for shown in self.to_decide} <= set(theirs)

    def _base(self, field: Field) -> conflicts.Agreed:
        with self.database.read() as connection:
            return conflicts.bases(connection, self.shop_id, field, [self.object_id])[self.object_id]

    def _decisions(self) -> list[DecisionRow]:
        with self.database.read() as connection:
            return conflicts.listed(connection, shop_id=self.shop_id)

    def _open(self) -> list[DecisionRow]:
        return [row for row in self._decisions() if row.state == "open"] if hasattr(self, "engine") else []

    def _shop(self) -> shops.ShopRow:
        with self.database.read() as connection:
            return shops.get(connection, self.shop_id)


def _price(sale: int) -> str:
    return Price(sale=sale).model_dump_json(exclude_none=True)


@pytest.mark.parametrize("edits", [True, False], ids=["both sides", "nobody edits"])
def test_any_order_ends_agreed_or_asked(migrated_sqlite: Path, redis_url: str, edits: bool) -> None:
    machine: type[BothSides] = type(
        "Machine", (BothSides,), {"migrated": migrated_sqlite, "redis_url": redis_url, "edits": edits}
    )
    run_state_machine_as_test(
        machine, settings=settings(max_examples=8, stateful_step_count=15, deadline=None, derandomize=True)
    )
    assert (machine.seen > 0) is edits
    assert machine.held > 0
