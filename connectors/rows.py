"""What every connector makes of a channel's rows and refusals: the base of its wire models, a page that one bad row
does not spoil, a wrong value as Malformed, an outcome for a write, and the walk over a list from its end.

No I/O and no platform: how a list is asked and what a row means is the channel's own.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from math import ceil
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import to_json

from core.channel import BadRow, Fetched, Outcome, Page
from core.errors import ChannelError, Denied, Garbled, Malformed, NotFound, Reauthorize, Throttled, Unavailable
from core.text import visible

TAKES_NO_MORE = (Throttled, Unavailable, Reauthorize, Denied)
"""After these the rest of a batch is not sent."""

_WRONG_VALUE = (ValueError, OverflowError, OSError)
"""What a text, number or time of a wrong form raises; the last two come from times beyond the calendar."""

T = TypeVar("T")
R = TypeVar("R")


class Wire(BaseModel):
    """Base of all wire models: a number serves for text, since platforms send ids as either; fields that it does not
    declare are left alone.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", coerce_numbers_to_str=True)


def page(
    rows: Iterable[R], read: Callable[[R], Fetched[T]], name: Callable[[R], str], expected: int | None = None
) -> Page[T]:
    """Each row on its own: a bad one is put aside under its name, one that is gone by now (NotFound) is left out.
    `read` may call the channel; Garbled says nothing about the row and passes, as does every other refusal.
    """
    items: list[Fetched[T]] = []
    bad: list[BadRow] = []
    for row in rows:
        try:
            items.append(read(row))
        except NotFound:
            continue
        except Garbled:
            raise
        except (*_WRONG_VALUE, Malformed) as error:
            bad.append(BadRow(name(row), _reason(error), to_json(row)))
    return Page(tuple(items), tuple(bad), expected)


def text_of(row: object, field: str) -> str:
    """What stands in a field of a raw row; empty where there is nothing that could be an id."""
    value = row.get(field) if isinstance(row, dict) else None
    return visible(str(value)) if isinstance(value, str | int) else ""


def named(field: str) -> Callable[[object], str]:
    """The name of a row is what stands in this field of it."""
    return partial(text_of, field=field)


def sound(make: Callable[[], T], *, channel: str, shop: str = "", operation: str = "") -> T:
    """What `make` makes of an answer. Raises Malformed, without the value itself, where its form is not the documented
    one.
    """
    try:
        return make()
    except _WRONG_VALUE as error:
        raise Malformed(_reason(error), channel=channel, shop=shop, operation=operation) from None


def described(error: ValidationError) -> str:
    """Which fields are wrong and how, without their values, which may be personal."""
    details = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, detail['loc']))}: {detail['type']}" for detail in details[:5])


@contextmanager
def unsaid(*texts: str) -> Iterator[None]:
    """Keeps texts that were asked with out of what the channel says when it refuses."""
    try:
        yield
    except ChannelError as error:
        for text in filter(None, texts):
            error.message = error.message.replace(text, "***")
        error.args = (error.message,)
        raise


def outcome(item: T, write: Callable[[], str | None]) -> Outcome[T]:
    """Makes a write and says what became of it. `write` answers the channel's id of the request, if it has one."""
    try:
        return Outcome(item, request_id=write() or "")
    except ChannelError as error:
        return Outcome(item, error, request_id=error.request_id)


def backwards(
    ask: Callable[[int], tuple[list[R], int]], size: int, deepest: int | None = None
) -> Iterator[tuple[list[R], int]]:
    """Pages of a list with its newest total, last page first: a row that leaves the list, or goes to its front, moves
    others into pages that are still to come. One page is its own proof. Pages behind `deepest` are left out.

    `ask` answers a page, counted from 1, of at most `size` rows, and how many the whole list holds.
    """
    rows, total = ask(1)
    if total <= size:
        yield rows, total
        return
    last = ceil(total / size)
    for number in range(last if deepest is None else min(last, deepest), 0, -1):
        yield ask(number)


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        return described(error)
    return error.message if isinstance(error, Malformed) else "a time or number that is none"
