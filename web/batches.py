"""The body of a command: `{"items": [...]}`, read strictly; a bad item is refused alone and stops no neighbour.

A command about the one thing that its path names has the item itself as its body.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from fastapi import Request
from pydantic import BaseModel, Field, ValidationError
from pydantic_core import ErrorDetails, from_json, to_json

from core.model import Canonical
from web.problems import ItemError, Problem, detail_zh

MOST_ITEMS = 1000
JSON = "application/json"

T = TypeVar("T", bound=Canonical)


@dataclass(frozen=True)
class Batch(Generic[T]):
    """The items that can be read, by place in the body, and what is wrong with the others. `total` counts both.
    `pointer` is where an item stands in the body, with its place for `{}`.
    """

    good: dict[int, T]
    bad: dict[int, list[ItemError]]
    total: int
    pointer: str = "/items/{}"


class Body(BaseModel, Generic[T]):
    """The shape of every command."""

    items: list[T] = Field(min_length=1, max_length=MOST_ITEMS)


async def read_json(request: Request) -> bytes:
    """The body of a request that says it is JSON. Raises `unsupported_media_type`."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != JSON:
        raise Problem("unsupported_media_type", headers={"Accept": JSON})
    return await request.body()


def read_batch(model: type[Body[T]], body: bytes) -> Batch[T]:
    """Raises `malformed_json`, `too_many_items` and `invalid_body`; an item that cannot be read is only put aside."""
    try:
        items = _items(model, body)
        return Batch(dict(enumerate(items)), {}, len(items))
    except ValidationError as error:
        bad = _by_item(error.errors(include_url=False, include_input=False, include_context=False))
    raw = from_json(body)["items"]
    readable = [place for place in range(len(raw)) if place not in bad]
    good = _items(model, to_json({"items": [raw[place] for place in readable]})) if readable else []
    return Batch(dict(zip(readable, good, strict=True)), bad, len(raw))


def read_one(model: type[T], body: bytes) -> Batch[T]:
    """A body that is one item. Raises `malformed_json` and `invalid_body`."""
    try:
        return Batch({0: model.model_validate_json(body, strict=True, extra="forbid")}, {}, 1, pointer="")
    except ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
    if found[0]["type"] == "json_invalid":
        raise Problem("malformed_json")
    raise Problem("invalid_body", errors=[error_at(each, "invalid_body") for each in found])


def _items(model: type[Body[T]], body: bytes) -> list[T]:
    return model.model_validate_json(body, strict=True, extra="forbid").items


def _by_item(errors: Iterable[ErrorDetails]) -> dict[int, list[ItemError]]:
    """Errors inside items, by item. Raises the problem for anything wrong around them."""
    bad: dict[int, list[ItemError]] = {}
    found = list(errors)
    for error in found:
        if error["type"] == "too_short" and any(_inside(other, error) for other in found):
            continue  # what is wrong inside a tuple is counted as missing from it
        match error["loc"]:
            case ("items", int(place), *_):
                bad.setdefault(place, []).append(_item_error(error))
            case _:
                raise _around(error)
    return bad


def _inside(one: ErrorDetails, other: ErrorDetails) -> bool:
    return one is not other and one["loc"][: len(other["loc"])] == other["loc"]


def _around(error: ErrorDetails) -> Problem:
    if error["type"] == "json_invalid":
        return Problem("malformed_json")
    if error["type"] == "too_long":
        return Problem("too_many_items", values={"limit": MOST_ITEMS})
    return Problem("invalid_body", errors=[error_at(error, "invalid_body")])


def _item_error(error: ErrorDetails) -> ItemError:
    field = error["loc"][-1] if len(error["loc"]) > 2 else ""
    return error_at(error, _FIELD_CODES.get(str(field), "invalid_item"))


_FIELD_CODES = {
    "quantity": "invalid_quantity",
    "sale": "invalid_price",
    "single": "invalid_price",
    "market": "invalid_price",
}
"""Field of an item → the code for a value that cannot be one."""


def error_at(error: ErrorDetails, code: str) -> ItemError:
    """A validation error as an entry of `errors`. It says what was expected and never repeats what came."""
    pointer = "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in error["loc"])
    return ItemError(pointer=pointer, code=code, detail=error["msg"], detail_zh=detail_zh(code))
