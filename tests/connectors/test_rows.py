"""What connectors share about rows, refusals and walks."""

from collections.abc import Callable
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from connectors.rows import backwards, named, outcome, page, sound, text_of, unsaid
from core.channel import BadRow, Fetched, Outcome, Page
from core.clock import SHANGHAI
from core.errors import Garbled, Malformed, NotFound, Rejected, Unavailable


class Phone(BaseModel):
    number: int


def phone(row: object) -> Fetched[int]:
    return Fetched(Phone.model_validate(row).number, b"")


def raising(error: Exception) -> Callable[[object], Fetched[int]]:
    def read(_: object) -> Fetched[int]:
        raise error

    return read


def test_a_bad_row_is_put_aside_under_its_name_and_without_its_value() -> None:
    rows = [{"id": 1, "number": 2}, {"id": 3, "number": "张三"}, {"number": 4}]
    assert page(rows, phone, named("id"), 3) == Page(
        items=(Fetched(2, b""), Fetched(4, b"")),
        bad=(BadRow("3", "number: int_parsing", '{"id":3,"number":"张三"}'.encode()),),
        expected=3,
    )


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError("李四"), "a time or number that is none"),
        (OverflowError("李四"), "a time or number that is none"),
        (OSError(75, "李四"), "a time or number that is none"),
        (Malformed("the detail has no lines"), "the detail has no lines"),
    ],
)
def test_whatever_a_wrong_value_raises_costs_only_its_row(error: Exception, reason: str) -> None:
    assert page([{"id": "7"}], raising(error), named("id")).bad == (BadRow("7", reason, b'{"id":"7"}'),)


def test_a_row_that_is_gone_by_now_is_left_out() -> None:
    assert page([{}], raising(NotFound()), named("id")) == Page(items=())


@pytest.mark.parametrize("error", [Garbled("an error page"), Unavailable("busy"), Rejected("no")])
def test_what_says_nothing_about_the_row_is_no_bad_row(error: Exception) -> None:
    with pytest.raises(type(error)):
        page([{}], raising(error), named("id"))


@pytest.mark.parametrize("row", [{}, {"id": None}, {"id": ["1"]}, "id", None])
def test_a_row_without_an_id_has_no_name(row: object) -> None:
    assert text_of(row, "id") == ""


def test_a_wrong_value_is_malformed_and_says_where() -> None:
    def later() -> datetime:
        return datetime.fromtimestamp(10**17, SHANGHAI)

    with pytest.raises(Malformed) as caught:
        sound(later, channel="toy", shop="toy:1", operation="order")
    assert str(caught.value) == "Malformed: toy toy:1 order: a time or number that is none"
    assert sound(lambda: 5, channel="toy") == 5


def test_a_write_has_one_outcome() -> None:
    error = Rejected("no", request_id="r2")

    def refused() -> str:
        raise error

    assert outcome("item", lambda: "r1") == Outcome("item", request_id="r1")
    assert outcome("item", lambda: None) == Outcome("item")
    assert outcome("item", refused) == Outcome("item", error, request_id="r2")


@given(held=st.integers(0, 23), leaving=st.lists(st.integers(0, 22), max_size=5), size=st.integers(1, 6))
def test_a_walk_from_the_end_never_jumps_over_a_row_that_stays(held: int, leaving: list[int], size: int) -> None:
    rows = list(range(held))
    going = list(leaving)

    def ask(number: int) -> tuple[list[int], int]:
        told = rows[(number - 1) * size : number * size], len(rows)
        if going and (gone := going.pop()) in rows:
            rows.remove(gone)
        return told

    seen = [row for told, _ in backwards(ask, size) for row in told]
    assert set(range(held)) - set(leaving) <= set(seen)


def test_a_walk_from_the_end_tells_the_newest_total_and_stops_at_the_deepest_page() -> None:
    asked: list[int] = []

    def ask(number: int) -> tuple[list[int], int]:
        asked.append(number)
        return [number], 9

    assert list(backwards(ask, 2, deepest=3)) == [([3], 9), ([2], 9), ([1], 9)]
    assert asked == [1, 3, 2, 1]


def test_what_was_asked_with_is_not_repeated() -> None:
    with pytest.raises(Rejected) as caught, unsaid("赵一", "", "057180000000"):
        raise Rejected("no order goes to 赵一, 057180000000", code="15")
    assert (str(caught.value), caught.value.args) == (
        "Rejected: no order goes to ***, *** [15]",
        ("no order goes to ***, ***",),
    )


def test_a_list_of_one_page_is_asked_once() -> None:
    asked: list[int] = []

    def ask(number: int) -> tuple[list[int], int]:
        asked.append(number)
        return [8, 9], 2

    assert list(backwards(ask, 2)) == [([8, 9], 2)]
    assert asked == [1]
