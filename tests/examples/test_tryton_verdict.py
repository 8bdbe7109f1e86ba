"""The table of the Tryton example finds whatever does not agree."""

from typing import Any

import pytest

from examples.tryton.verdict import Verdict, compare

GOODS = {("jd:1", "S1"): "TEA"}


def an_order(**changes: Any) -> dict[str, Any]:
    shipped: dict[str, Any] = {
        "state": "shipped",
        "paid_at": 1.0,
        "split_into": [],
        "lines": [{"sku_id": "S1", "quantity": 2}],
        "packages": [{"tracking_no": "1"}],
        "refunds": [],
        "ship_accepts": 1,
    }
    return shipped | changes


def a_sale(**changes: Any) -> dict[str, Any]:
    done: dict[str, Any] = {
        "shop": "jd:1",
        "order": "o1",
        "state": "done",
        "ordered": {"TEA": 2},
        "bound": {},
        "delivered": {"TEA": 2},
    }
    return done | changes


def judged(order: dict[str, Any], *sales: dict[str, Any], shown: int = 5, free: int = 5) -> Verdict:
    shop = {"orders": {"o1": order}, "skus": {"S1": {"sellable": shown}}}
    return compare({"channels": {"jd": {"shops": {"1": shop}}}}, sales, {"TEA": free}, GOODS)


def test_all_agree() -> None:
    verdict = judged(an_order(), a_sale())
    assert verdict.ok
    assert (verdict.rows["jd"].sales, verdict.rows["jd"].delivered) == (1, 1)


UNSHIPPED: dict[str, Any] = {"packages": []}
CANCELLED: dict[str, Any] = {"state": "cancelled", "packages": []}
NOTHING: dict[str, Any] = {"delivered": {}}


@pytest.mark.parametrize(
    ("order", "sales"),
    [
        (an_order(**CANCELLED), [a_sale(**NOTHING)]),
        (an_order(**CANCELLED), []),
        (an_order(**CANCELLED, paid_at=None), []),
        (an_order(state="unpaid", paid_at=None, packages=[]), []),
        (an_order(state="to_ship", packages=[], split_into=["o2", "o3"]), [a_sale(**NOTHING)]),
    ],
)
def test_what_came_to_nothing_agrees(order: dict[str, Any], sales: list[dict[str, Any]]) -> None:
    assert judged(order, *sales).reasons == []


@pytest.mark.parametrize(
    ("order", "sales", "column"),
    [
        (an_order(), [], "missing"),
        (an_order(), [a_sale(), a_sale()], "doubled"),
        (an_order(ship_accepts=2), [a_sale()], "doubled"),
        (an_order(), [a_sale(ordered={"TEA": 1})], "wrong"),
        (an_order(), [a_sale(ordered={"TEA": 2, "CUP": 1})], "wrong"),
        (an_order(**CANCELLED, paid_at=None), [a_sale(**NOTHING)], "wrong"),
        (an_order(), [a_sale(delivered={"TEA": 1})], "undone"),
        (an_order(**UNSHIPPED, state="to_ship"), [a_sale()], "undone"),
        (an_order(**UNSHIPPED, state="to_ship"), [a_sale(**NOTHING, bound={"TEA": 2})], "undone"),
        (an_order(**UNSHIPPED, state="to_ship"), [a_sale(**NOTHING)], "undone"),
        (an_order(**CANCELLED), [a_sale(**NOTHING, bound={"TEA": 2})], "undone"),
    ],
)
def test_what_differs_is_found(order: dict[str, Any], sales: list[dict[str, Any]], column: str) -> None:
    verdict = judged(order, *sales)
    assert not verdict.ok
    assert getattr(verdict.rows["jd"], column) == 1


def test_stock_that_differs_is_found() -> None:
    verdict = judged(an_order(), a_sale(), shown=4)
    assert verdict.rows["jd"].stock_differs == 1
    assert verdict.reasons == ["jd:1 shows 4 of S1, in Tryton 5 are free"]


def test_a_sale_of_nobodys_order_is_found() -> None:
    assert judged(an_order(), a_sale(), a_sale(order="o9")).reasons == ["jd:1 o9 is sold in Tryton only"]
