"""Which SKU or bundle a listing SKU is, and the numbers that follow from it."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from pydantic import ValidationError
from sqlalchemy import Connection

from core.conflict import Field, Policy
from core.db import Database, catalog, feed, intents, mappings
from core.db.catalog import CatalogRow
from core.db.intents import Intent
from core.db.mappings import AUTO, match_codes
from core.model import Listing, ListingSku
from core.status import Fact, Shelf
from core.stock import Part, published
from sync import ops, push, resolve, story
from sync.mappings import ComponentItem, MappingItem, publish, set_mappings
from sync.push import StockItem
from sync.wishes import ItemResult
from tests.canonical import START, at
from tests.engine import Engine
from tests.engine import engine as running
from tests.shops import connect

SHOP = "douyin:7001"
"""A shop that is only a name: nothing here reaches a channel."""
LISTING_SKUS = ("S1", "S2", "S3", "S4")
SKUS = ("TEA", "CUP", "POT", "BOX")


def listing(codes: dict[str, str]) -> Listing:
    skus = tuple(ListingSku(sku_id=sku_id, merchant_code=code, sellable=1) for sku_id, code in codes.items())
    return Listing(shop_id=SHOP, id="L1", title="Tea", shelf=Fact[Shelf](value=Shelf.ON), skus=skus)


def mapped(sku_id: str, *parts: Part, sku: str | None = None) -> MappingItem:
    components = tuple(ComponentItem(sku=part.sku, quantity=part.quantity) for part in parts) or None
    return MappingItem(shop=SHOP, listing_id="L1", sku_id=sku_id, sku=sku, components=components)


def rows(connection: Connection) -> dict[str, CatalogRow]:
    return {row.key.sku_id: row for row in catalog.rows_of(connection, shop_id=SHOP)}


def wanted(connection: Connection) -> dict[str, Intent]:
    return {item.object_id.partition("/")[2]: item for item in intents.of_shop(connection, "stock", SHOP)}


@pytest.fixture
def shop(database: Database) -> Database:
    """Four listing SKUs without a merchant code, nothing mapped."""
    connect(database, SHOP)
    with database.write() as connection:
        catalog.record(connection, SHOP, [listing(dict.fromkeys(LISTING_SKUS, ""))], START)
    return database


def numbers(connection: Connection, **quantities: int) -> list[ItemResult]:
    return push.set_stock(connection, [StockItem(sku=sku, quantity=n) for sku, n in quantities.items()], START).items


def remap(connection: Connection, *items: MappingItem) -> list[ItemResult]:
    return set_mappings(connection, items, START, by="operator").items


@pytest.mark.parametrize(
    "wrong",
    [
        {"sku": "TEA", "components": [{"sku": "TEA", "quantity": 1}]},
        {"components": []},
        {"components": [{"sku": "TEA", "quantity": 0}]},
        {"components": [{"sku": "TEA", "quantity": 1}, {"sku": "TEA", "quantity": 2}]},
        {"components": [{"sku": f"S{n}", "quantity": 1} for n in range(51)]},
    ],
    ids=["both", "none", "zero", "twice", "51"],
)
def test_what_is_no_bundle_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        MappingItem.model_validate({"shop": SHOP, "listing_id": "L1", "sku_id": "S1"} | wrong)


def test_a_bundle_gets_as_many_as_its_scarcest_part_allows(shop: Database) -> None:
    with shop.write() as connection:
        remap(connection, mapped("S1", Part("TEA", 2), Part("CUP", 3)), mapped("S2", sku="TEA"))
        [tea] = numbers(connection, TEA=10)
        assert (tea.state, len(tea.intents), [each.code for each in tea.warnings]) == ("queued", 1, ["number_unknown"])
        assert "CUP" in tea.warnings[0].message
        assert {sku: item.wanted for sku, item in wanted(connection).items()} == {"S2": "10"}
        [cup] = numbers(connection, CUP=7)
        assert (cup.state, cup.warnings) == ("queued", ())
        assert wanted(connection)["S1"].wanted == "2", "of 10 // 2 and 7 // 3"
        numbers(connection, TEA=3, CUP=100)
        assert {sku: item.wanted for sku, item in wanted(connection).items()} == {"S1": "1", "S2": "3"}


def test_two_of_one_sku_are_a_bundle_and_one_of_it_is_not(shop: Database) -> None:
    with shop.write() as connection:
        remap(connection, mapped("S1", Part("TEA", 2)), mapped("S2", Part("TEA", 1)))
        found = rows(connection)
        assert (found["S1"].sku, found["S1"].components) == ("", (Part("TEA", 2),))
        assert (found["S2"].sku, found["S2"].components) == ("TEA", ())
        assert catalog.targets(connection, ["TEA"]).keys() == {"TEA"}
        assert len(catalog.targets(connection, ["TEA"])["TEA"]) == 1, "a price of a SKU is none of a pack of two"
        assert [row.key.sku_id for row in catalog.rows_of(connection, sku="TEA")] == ["S1", "S2"]
        assert [row.key.sku_id for row in catalog.rows_of(connection, unmapped=True)] == ["S3", "S4"]


def test_a_bundle_of_something_unknown_takes_back_the_number_on_its_way(shop: Database) -> None:
    with shop.write() as connection:
        remap(connection, mapped("S1", sku="TEA"))
        numbers(connection, TEA=5)
        [answer] = remap(connection, mapped("S1", Part("TEA"), Part("POT")))
        assert (answer.state, [each.code for each in answer.warnings]) == ("queued", ["number_unknown"])
        item = wanted(connection)["S1"]
        assert (item.state, item.reason_code) == ("dismissed", "unmapped")


def test_of_a_listing_sku_named_twice_the_last_word_counts(shop: Database) -> None:
    with shop.write() as connection:
        remap(connection, mapped("S1", sku="TEA"), mapped("S2", sku="CUP"))
        numbers(connection, TEA=5, CUP=6)
        answers = remap(connection, mapped("S1", sku="CUP"), mapped("S1", sku="TEA"))
        assert [each.state for each in answers] == ["unchanged", "unchanged"]
        assert wanted(connection)["S1"].wanted == "5"
        remap(connection, mapped("S1", sku="CUP"), mapped("S1"))
        assert wanted(connection)["S1"].state == "dismissed"


def test_every_change_is_kept_and_told_once(shop: Database) -> None:
    with shop.write() as connection:
        for item in (mapped("S1", sku="TEA"), mapped("S1", sku="TEA"), mapped("S1", Part("TEA", 2)), mapped("S1")):
            feed.append(connection, set_mappings(connection, [item], START, by="qk_1").events)
    with shop.read() as connection:
        kept = mappings.history(connection)
        told = feed.read(connection, 0, 10)
    tea = {"origin": "manual", "sku": "TEA", "components": []}
    pack = {"origin": "manual", "sku": None, "components": [{"sku": "TEA", "quantity": 2}]}
    none: dict[str, Any] = {"origin": "manual", "sku": None, "components": []}
    assert [(change.before, change.after) for change in kept] == [(None, tea), (tea, pack), (pack, none)]
    assert {(change.by, change.listing_id, change.sku_id, change.at) for change in kept} == {
        ("qk_1", "L1", "S1", START)
    }
    assert [event.id for event in told] == [f"listing.mapped/{SHOP}/L1/S1/{change.id}" for change in kept]


def test_merchant_codes_are_kept_and_told_as_well(shop: Database) -> None:
    with shop.write() as connection:
        remap(connection, mapped("S3", Part("TEA", 2)))
        catalog.record(connection, SHOP, [listing({"S1": "TEA", "S2": "CUP", "S3": "POT", "S4": "CUP"})], START)
        first = match_codes(connection, SHOP, START)
        assert [(target.key.sku_id) for target in first.fresh] == ["S1"], "S3 is a bundle by hand, CUP is on two"
        catalog.record(connection, SHOP, [listing({"S1": "BOX", "S2": "CUP", "S3": "POT", "S4": ""})], START)
        assert [each.key.sku_id for each in match_codes(connection, SHOP, at(1)).fresh] == ["S1", "S2"]
        assert match_codes(connection, SHOP, at(2)).events == []
        changes = mappings.history(connection, sku_id="S1")
    assert [(each.by, each.before and each.before["sku"], each.after and each.after["sku"]) for each in changes] == [
        ("auto", None, "TEA"),
        ("auto", "TEA", "BOX"),
    ]


class Model:
    """What the numbers should be, reckoned the long way."""

    def __init__(self) -> None:
        self.codes = dict.fromkeys(LISTING_SKUS, "")
        self.parts: dict[str, tuple[Part, ...]] = {}
        self.by_hand: set[str] = set()
        self.numbers: dict[str, int] = {}

    def check(self, connection: Connection) -> None:
        shown, due = rows(connection), wanted(connection)
        for sku_id in LISTING_SKUS:
            parts = self.parts.get(sku_id, ())
            assert shown[sku_id].parts == tuple(sorted(parts, key=lambda part: part.sku))
            number = self._reckoned(parts)
            assert published(parts, self.numbers) == number
            if number is None:
                assert sku_id not in due or due[sku_id].state == "dismissed"
            else:
                assert (due[sku_id].state, due[sku_id].wanted) == ("due", str(number))

    def _reckoned(self, parts: Sequence[Part]) -> int | None:
        """Takes one bundle after the other away until a part runs out."""
        if not parts or any(part.sku not in self.numbers for part in parts):
            return None
        left, made = dict(self.numbers), 0
        while all(left[part.sku] >= part.quantity for part in parts):
            for part in parts:
                left[part.sku] -= part.quantity
            made += 1
        return made

    def match(self) -> None:
        used = list(self.codes.values())
        for sku_id, code in self.codes.items():
            if sku_id not in self.by_hand:
                self.parts[sku_id] = (Part(code),) if code and used.count(code) == 1 else ()


PARTS = st.lists(st.builds(Part, st.sampled_from(SKUS), st.integers(1, 4)), max_size=4, unique_by=lambda p: p.sku)
MAPPED = st.lists(st.tuples(st.sampled_from(LISTING_SKUS), PARTS), min_size=1, max_size=4)
NUMBERS = st.lists(st.tuples(st.sampled_from(SKUS), st.integers(0, 12)), min_size=1, max_size=4)
CODES = st.fixed_dictionaries({sku_id: st.sampled_from(("", *SKUS)) for sku_id in LISTING_SKUS})
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("map"), MAPPED), st.tuples(st.just("number"), NUMBERS), st.tuples(st.just("codes"), CODES)
    ),
    max_size=12,
)


@given(steps=STEPS)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_numbers_follow_from_mappings_in_any_order(shop: Database, steps: list[tuple[str, Any]]) -> None:
    model = Model()
    with shop.write() as connection:
        trial = connection.begin_nested()
        for what, values in steps:
            _STEPS[what](connection, model, values)
            model.check(connection)
        trial.rollback()


def _map(connection: Connection, model: Model, values: list[tuple[str, list[Part]]]) -> None:
    remap(connection, *(mapped(sku_id, *parts) for sku_id, parts in values))
    for sku_id, parts in values:
        model.parts[sku_id] = tuple(parts)
        model.by_hand.add(sku_id)


def _number(connection: Connection, model: Model, values: list[tuple[str, int]]) -> None:
    known = {part.sku for parts in model.parts.values() for part in parts}
    answers = push.set_stock(connection, [StockItem(sku=sku, quantity=n) for sku, n in values], START).items
    for (sku, quantity), answer in zip(values, answers, strict=True):
        assert (answer.state == "refused") == (sku not in known)
        if sku in known:
            model.numbers[sku] = quantity


def _codes(connection: Connection, model: Model, codes: dict[str, str]) -> None:
    model.codes = codes
    catalog.record(connection, SHOP, [listing(codes)], START)
    publish(connection, SHOP, match_codes(connection, SHOP, START).fresh, START)
    model.match()


_STEPS: dict[str, Callable[[Connection, Model, Any], None]] = {"map": _map, "number": _number, "codes": _codes}


def test_numbers_of_two_parts_at_the_same_moment_end_agreed(shop: Database) -> None:
    """Each of the two knows the other's old number only, unless one waits."""
    with shop.write() as connection:
        remap(connection, mapped("S1", Part("TEA"), Part("CUP")))
        numbers(connection, TEA=9, CUP=9)

    def second() -> None:
        with shop.write() as connection:
            numbers(connection, CUP=5)

    with ThreadPoolExecutor(1) as pool:
        with shop.write() as connection:
            numbers(connection, TEA=1)
            begun = pool.submit(second)
            with contextlib.suppress(TimeoutError):
                begun.result(timeout=0.5)
        begun.result(timeout=10)
    with shop.read() as connection:
        assert wanted(connection)["S1"].wanted == "1"


@pytest.fixture
def engine(database: Database, redis_url: str, tmp_path: Path) -> Iterator[Engine]:
    with running(database, redis_url, tmp_path) as started:
        started.settle()
        yield started


def bundle(engine: Engine) -> tuple[CatalogRow, Any]:
    """A mapped Douyin listing SKU becomes two of its own SKU and one of another; what the channel shows of it."""
    shop_id = engine.shops["douyin"]
    with engine.runtime.database.write() as connection:
        found = [row for row in catalog.rows_of(connection, shop_id=shop_id) if row.origin == AUTO]
        one, other = found[0], found[1]
        item = MappingItem(
            shop=shop_id,
            listing_id=one.key.listing_id,
            sku_id=one.key.sku_id,
            components=(ComponentItem(sku=one.sku, quantity=2), ComponentItem(sku=other.sku, quantity=1)),
        )
        feed.append(connection, set_mappings(connection, [item], engine.runtime.clock.now(), by="operator").events)
        [row] = [each for each in catalog.rows_of(connection, shop_id=shop_id) if each.key == one.key]
    return row, engine.world.sku(engine.world.shop("douyin"), one.key.sku_id)


def set_numbers(engine: Engine, row: CatalogRow, *quantities: int) -> None:
    with engine.runtime.database.write() as connection:
        items = [StockItem(sku=p.sku, quantity=n) for p, n in zip(sorted_parts(row), quantities, strict=True)]
        queued = push.set_stock(connection, items, engine.runtime.clock.now())
    engine.runtime.bells.ring(queued.lanes)


def sorted_parts(row: CatalogRow) -> list[Part]:
    """The part of which two are needed first."""
    return sorted(row.components, key=lambda part: -part.quantity)


def test_the_channel_shows_a_bundles_number(engine: Engine) -> None:
    row, shown = bundle(engine)
    set_numbers(engine, row, 41, 33)
    engine.run(10)
    assert shown.sellable == 20
    set_numbers(engine, row, 41, 7)
    engine.run(10)
    assert shown.sellable == 7
    two, one = sorted_parts(row)
    for sku in (two.sku, one.sku):
        told = [step.words for step in story.of_sku(engine.runtime, sku, row.shop_id)]
        named = f"{row.key.listing_id}/{row.key.sku_id} is mapped to"
        assert f"{named} {two.sku} by its merchant code, unique in the shop" in told
        assert any(words.startswith(f"{named} ") and f"2 × {two.sku}" in words for words in told)
        assert {f"the ERP's number of {two.sku} is 41", f"the ERP's number of {one.sku} is 7"} <= set(told)


@pytest.mark.parametrize("policy", [Policy.CHANNEL, Policy.NEWEST])
def test_ours_counts_when_both_changed_a_bundles_number(engine: Engine, policy: Policy) -> None:
    """The channel's number cannot be put down to the parts."""
    row, shown = bundle(engine)
    resolve.set_policy(engine.runtime, row.shop_id, Field.STOCK, policy)
    set_numbers(engine, row, 40, 40)
    engine.run(60, step=30)
    set_numbers(engine, row, 30, 40)
    engine.world.set_stock(engine.world.shop("douyin"), shown, 3, "seller")
    for _ in ops.resync_stock(engine.runtime, row.shop_id):
        pass
    engine.run(600, step=60)
    assert shown.sellable == 15
    [made] = resolve.list_conflicts(engine.runtime, shop=row.shop_id, field="stock", state="")
    assert (made.policy, made.ours, made.theirs, made.outcome) == ("erp", "15", "3", "push")


def test_a_bundle_that_only_the_channel_changed_is_told_and_stands_until_a_part_moves(engine: Engine) -> None:
    row, shown = bundle(engine)
    set_numbers(engine, row, 40, 40)
    engine.run(400, step=20)
    engine.world.set_stock(engine.world.shop("douyin"), shown, 3, "seller")
    engine.run(7300, step=1825)
    assert shown.sellable == 3
    named = f"{row.key.listing_id}/{row.key.sku_id}"
    assert named in [event.object_id for event in engine.events("stock.adopted")]
    set_numbers(engine, row, 30, 40)
    engine.run(30)
    assert shown.sellable == 15
    with engine.runtime.database.read() as connection:
        assert catalog.numbers(connection, [part.sku for part in row.components]) == {
            part.sku: quantity for part, quantity in zip(sorted_parts(row), (30, 40), strict=True)
        }
