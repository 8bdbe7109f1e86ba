"""The final table: it says yes only when the platforms' truth is what the ERP saw and asked for."""

import json
from copy import deepcopy
from typing import Any

import pytest

from commands.demo_result import Journal, compare

SHOP = "douyin:1"
ORDER: dict[str, Any] = {
    "state": "shipped",
    "ship_accepts": 1,
    "placed_at": 50.0,
    "parent_id": "",
    "lines": [{"sku_id": "s1", "quantity": 2}],
    "packages": [{"carrier": "zto", "tracking_no": "75"}],
}
WAITING: dict[str, Any] = {**ORDER, "state": "to_ship", "ship_accepts": 0, "packages": []}
SKU: dict[str, Any] = {
    "code": "A",
    "sellable": 9,
    "last_set": {"quantity": 10, "at": 1.0, "kind": "set"},
    "sold_since": 2,
    "given_back_since": 1,
    "price": {"sale": 990, "single": 1000, "market": 2000},
    "pending_price": None,
}
UNMAPPED = {**SKU, "code": "", "last_set": {"quantity": 10, "at": 0.0, "kind": "initial"}}


def push(order: str, **changed: Any) -> dict[str, Any]:
    return {
        "shop_id": "1",
        "object_id": order,
        "topic": "100",
        "created_at": 100.0,
        "first_sent_at": 100.0,
        "touched": False,
        **changed,
    }


def truth() -> dict[str, Any]:
    shop = {"orders": {"7": deepcopy(ORDER)}, "skus": {"s1": deepcopy(SKU), "s2": deepcopy(UNMAPPED)}}
    return {"channels": {"douyin": {"shops": {"1": shop}, "pushes": [push("7")], "index_lag": 2.5}}}


def journal() -> Journal:
    found = Journal()
    found.read(
        json.dumps(entry)
        for entry in (
            {"what": "stock", "state": "queued", "code": "", "sku": "A", "quantity": 5},
            {"what": "stock", "state": "queued", "code": "", "sku": "A", "quantity": 10},
            {
                "what": "prices",
                "state": "queued",
                "code": "",
                "shop": SHOP,
                "listing_id": "l",
                "sku_id": "s1",
                "sale": 990,
            },
            event("qudao.order.created", "7", 1, 100.25),
            {
                "what": "shipments",
                "state": "queued",
                "code": "",
                "shop": SHOP,
                "order_id": "7",
                "parcels": [{"carrier": "ZTO", "tracking_no": "75"}],
            },
        )
    )
    return found


def event(kind: str, subject: str, revision: int, arrived: float) -> dict[str, Any]:
    name = f"{kind.removeprefix('qudao.')}/{SHOP}/{subject}/{revision}"
    return {"what": "event", "id": name, "type": kind, "subject": subject, "arrived": arrived, "why": ""}


LAG = "the platforms' lists lag behind by: douyin 2.5 s (index_lag of the sandbox)"


def test_agreement() -> None:
    result = compare(truth(), journal(), ["douyin"])
    assert result.reasons == []
    assert result.as_json() == {
        "channels": {
            "douyin": {
                "placed": 1,
                "in_feed": 1,
                "missing": 0,
                "duplicated": 0,
                "shipped": 1,
                "accepted": 1,
                "stock_agreed": True,
                "price_agreed": True,
                "p50_ms": 250.0,
                "p99_ms": 250.0,
            }
        },
        "ok": True,
        "notes": [LAG],
    }


@pytest.mark.parametrize(
    ("where", "value", "reason"),
    [
        (("orders", "8"), WAITING, "order 8 is not in the feed"),
        (("orders", "7", "ship_accepts"), 2, "was shipped 2 times"),
        (("orders", "7", "packages"), [{"carrier": "zto", "tracking_no": "76"}], "parcels ['76']"),
        (("orders", "7", "state"), "to_ship", None),
        (("skus", "s1", "last_set", "quantity"), 5, "last set to 5, wanted 10"),
        (("skus", "s1", "sellable"), 8, "its sales do not explain"),
        (("skus", "s2", "last_set", "kind"), "set", "not mapped and yet was written"),
        (("skus", "s3"), {**SKU, "code": "B"}, "wanted -1"),
        (("skus", "s1", "price", "sale"), 1000, "costs 1000, wanted 990"),
        (("skus", "s1", "pending_price"), {"sale": 990}, "price in review"),
    ],
)
def test_disagreement(where: tuple[str, ...], value: Any, reason: str | None) -> None:
    facts = truth()
    place = facts["channels"]["douyin"]["shops"]["1"]
    for name in where[:-1]:
        place = place[name]
    place[where[-1]] = value
    result = compare(facts, journal(), ["douyin"])
    assert result.ok is (reason is None)
    assert reason is None or any(reason in each for each in result.reasons)


LATER = {**ORDER, "placed_at": 99.0, "lines": [{"sku_id": "s1", "quantity": 3}, {"sku_id": "s2", "quantity": 1}]}
EARLIER = {**ORDER, "placed_at": 80.0}
AFTER = {**ORDER, "placed_at": 100.5}
CHILD = {**LATER, "parent_id": "8"}


@pytest.mark.parametrize("channel", ["douyin", "jd"])
@pytest.mark.parametrize(
    ("orders", "set_to", "agreed"),
    [
        ([LATER], 10, True),
        ([LATER], 7, True),
        ([LATER], 8, False),
        ([LATER], 9, False),
        ([LATER], 13, False),
        ([{**LATER, "placed_at": 97.0}, {**ORDER, "placed_at": 98.0}], 8, True),
        ([{**LATER, "placed_at": 97.0}, {**ORDER, "placed_at": 98.0}], 5, True),
        ([{**LATER, "placed_at": 97.0}, {**ORDER, "placed_at": 98.0}], 7, False),
        ([EARLIER], 8, False),
        ([AFTER], 8, False),
        ([LATER, CHILD], 7, True),
        ([LATER, CHILD], 4, False),
    ],
)
def test_less_than_wanted_is_what_was_sold_while_it_was_written(
    channel: str, orders: list[dict[str, Any]], set_to: int, agreed: bool
) -> None:
    facts = truth()["channels"]["douyin"]
    shop = facts["shops"]["1"]
    shop["orders"] |= {f"1{n}": order for n, order in enumerate(orders)}
    shop["skus"]["s1"] |= {
        "sellable": set_to,
        "last_set": {"quantity": set_to, "at": 100.0, "kind": "set"},
        "sold_since": 0,
        "given_back_since": 0,
    }
    seen = Journal(numbers={"A": 10}, prices={(f"{channel}:1", "s1"): 990})
    result = compare({"channels": {channel: facts}}, seen, [channel])
    assert result.channels[channel].stock_agreed is agreed
    assert any("last set to" in reason for reason in result.reasons) is not agreed


def test_an_order_that_nobody_has_to_ship() -> None:
    facts = truth()
    facts["channels"]["douyin"]["shops"]["1"]["orders"]["8"] = {**WAITING, "state": "cancelled"}
    seen = journal()
    seen.read([json.dumps(event("qudao.order.created", "8", 1, 101))])
    assert compare(facts, seen, ["douyin"]).reasons == []


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (event("qudao.order.created", "7", 1, 102), "arrived more than once"),
        (event("qudao.order.created", "9", 1, 102), "in the feed only"),
        (
            {"what": "stock", "state": "refused", "code": "unknown_sku", "sku": "X", "quantity": 1},
            "unknown_sku refused",
        ),
    ],
)
def test_what_the_erp_saw_too_much(entry: dict[str, Any], reason: str) -> None:
    seen = journal()
    seen.read([json.dumps(entry)])
    assert any(reason in each for each in compare(truth(), seen, ["douyin"]).reasons)


def test_latency_counts_only_pushes_that_no_fault_touched() -> None:
    facts = truth()
    facts["channels"]["douyin"]["pushes"] = [push("7", touched=True), push("7", created_at=100.1)]
    facts["channels"]["douyin"]["shops"]["1"]["orders"]["7"]["placed_at"] = 99.0
    result = compare(facts, journal(), ["douyin"])
    assert result.channels["douyin"].p50_ms == 1250.0, "without such a push, the order's own placing counts"
    assert result.notes == [
        "douyin sends no pushes; its p50 and p99 count from the placing of an order",
        LAG,
    ]


def test_percentiles() -> None:
    facts, seen = truth(), journal()
    facts["channels"]["douyin"]["pushes"] = [push(str(n)) for n in range(1, 101)]
    seen.created = {(SHOP, str(n)): 100 + n / 1000 for n in range(1, 101)}
    row = compare(facts, seen, ["douyin"]).channels["douyin"]
    assert row.p50_ms == pytest.approx(50.5, abs=0.1)
    assert row.p99_ms == pytest.approx(99.0, abs=0.2)


def test_a_price_that_the_channel_cannot_set_is_told_and_not_held_against_it() -> None:
    facts, seen = truth(), journal()
    facts["channels"]["douyin"]["shops"]["1"]["skus"]["s1"]["price"]["sale"] = 1000
    seen.read([json.dumps({**event("qudao.price.parked", "l/s1", 1, 101), "why": "rejected"})])
    assert any("costs 1000" in each for each in compare(facts, seen, ["douyin"]).reasons)
    seen.prices["douyin:1", "s3"] = 5
    facts["channels"]["douyin"]["shops"]["1"]["skus"]["s3"] = {**UNMAPPED, "price": {"sale": 5}}
    seen.read([json.dumps({**event("qudao.price.parked", "l/s1", 2, 101), "why": "unsupported"})])
    result = compare(facts, seen, ["douyin"])
    assert result.reasons == []
    assert result.notes[0] == "douyin:1 has no way to set the price of listing l; the wish is parked"
