"""What an update says it changed: names people know, only what differs, members of lists by their id."""

from datetime import UTC, datetime
from typing import Any

from core.changes import changes_of
from core.model import Canonical, Flag, Listing, ListingSku, Masked, Memo, Order, Receiver
from core.status import AfterSaleState, Closing, Fact, Hold, Shelf
from tests.canonical import line, order


def told(before: Canonical, after: Canonical) -> list[dict[str, Any]]:
    fields = tuple(name for name in type(after).model_fields if getattr(before, name) != getattr(after, name))
    return [each.model_dump(exclude_none=True) for each in changes_of(before, after, fields)]


def test_of_an_object_only_what_differs() -> None:
    here = Receiver(name=Masked(mask="张**"), province="浙江省", city="杭州市")
    there = here.model_copy(update={"city": "宁波市", "name": Masked(mask="李**")})
    assert told(order(receiver=here), order(receiver=there)) == [
        {
            "field": "receiver",
            "before": {"name": {"mask": "张**"}, "city": "杭州市", "gb_code": "330100"},
            "after": {"name": {"mask": "李**"}, "city": "宁波市", "gb_code": "330200"},
        }
    ]
    assert told(order(), order(memo=Memo(text="gift", flag=Flag.RED))) == [
        {"field": "memo", "before": {"text": "", "flag": "none"}, "after": {"text": "gift", "flag": "red"}}
    ]


def test_of_a_status_its_word_and_of_a_new_code_the_code() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    risk = Fact[Hold](value=Hold.RISK, raw="7", at=at)
    assert told(order(), order(hold=risk)) == [
        {"field": "status", "before": "to_ship", "after": "on_hold"},
        {"field": "hold", "before": "none", "after": "risk"},
    ]
    assert told(order(hold=risk), order(hold=risk.model_copy(update={"raw": "8"}))) == [
        {"field": "hold", "before": {"raw": "7"}, "after": {"raw": "8"}}
    ]


def test_lines_are_told_one_by_one() -> None:
    refunding = Fact[AfterSaleState](value=AfterSaleState.REFUNDING)
    before = order(lines=(line(1), line(2), line(3)))
    after = order(lines=(line(1), line(2, after_sale=refunding, quantity=2), line(4)))
    changed, added, removed = told(before, after)
    assert changed == {
        "field": "lines",
        "id": "o1-2",
        "before": {"after_sale": "none", "quantity": 1},
        "after": {"after_sale": "refunding", "quantity": 2},
    }
    assert (added["id"], added["after"]["sku_id"], "before" in added) == ("o1-4", "S4", False)
    assert (removed["id"], removed["before"]["sku_id"], "after" in removed) == ("o1-3", "S3", False)


def test_another_order_of_the_same_lines_is_told_by_their_ids() -> None:
    assert told(order(lines=(line(1), line(2))), order(lines=(line(2), line(1)))) == [
        {"field": "lines", "before": ["o1-1", "o1-2"], "after": ["o1-2", "o1-1"]}
    ]


def test_a_fact_that_came_and_one_that_was_never_there() -> None:
    ended = line(1, closing=Fact[Closing](value=Closing.CLOSED_REFUNDED))
    [change] = told(order(), order(lines=(ended,)))
    assert change["after"] == {"closing": "closed_refunded"}


def test_skus_of_a_listing_too() -> None:
    def listing(sellable: int) -> Listing:
        skus = (ListingSku(sku_id="S1", sellable=sellable), ListingSku(sku_id="S2"))
        return Listing(shop_id="douyin:1", id="L1", title="Tea", shelf=Fact[Shelf](value=Shelf.ON), skus=skus)

    assert told(listing(3), listing(5)) == [
        {"field": "skus", "id": "S1", "before": {"sellable": 3}, "after": {"sellable": 5}}
    ]


def test_every_changed_field_is_named() -> None:
    for name in Order.model_fields:
        before, after = order(), order().model_copy(update={name: None})
        if getattr(before, name) is not None and name not in ("payment", "fulfilment", "closing", "hold", "lines"):
            assert name in [each.field for each in changes_of(before, after, (name,))], name
