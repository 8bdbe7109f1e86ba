"""Pure: what is different between two versions of a canonical value, field by field, with nothing personal in it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

HIDDEN = {"cipher", "oaid", "buyer_id", "buyer_note", "text"}
"""Names whose values are never shown: ciphertexts, pseudonyms, free words of buyers and sellers."""
WITHHELD = "(withheld)"
IGNORED = {"updated_at"}


@dataclass(frozen=True)
class Difference:
    """One field that differs. `field` is a path: `lines[0].fulfilment.value`; None says that it is not there."""

    field: str
    before: Any
    after: Any


def differences(before: str | None, after: str) -> tuple[Difference, ...]:
    """Between two bodies as they are stored (canonical JSON). What was not known before differs in its status alone."""
    new = json.loads(after)
    if before is None:
        return (Difference("status", None, new.get("status") or _stage(new)),)
    old = json.loads(before)
    return tuple(_between("", _without(old), _without(new)))


def _stage(body: dict[str, Any]) -> Any:
    """The one word of a value that has no status field."""
    axis = body.get("stage") or body.get("shelf") or {}
    return axis.get("value")


def _without(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in IGNORED}


def _between(path: str, old: Any, new: Any) -> Iterator[Difference]:
    if old == new:
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for name in [*old, *(name for name in new if name not in old)]:
            yield from _between(f"{path}.{name}" if path else name, old.get(name), new.get(name))
    elif isinstance(old, list) and isinstance(new, list) and not (_plain(old) and _plain(new)):
        for place in range(max(len(old), len(new))):
            left, right = (each[place] if place < len(each) else None for each in (old, new))
            yield from _between(f"{path}[{place}]", left, right)
    else:
        hidden = path.rpartition(".")[2] in HIDDEN
        yield Difference(path, *((WITHHELD if each else None) if hidden else _shown(each) for each in (old, new)))


def _plain(values: list[Any]) -> bool:
    return not any(isinstance(each, dict | list) for each in values)


def _shown(value: Any) -> Any:
    """A whole part that came or went, without what is hidden in it."""
    if isinstance(value, dict):
        return {name: WITHHELD if name in HIDDEN and each else _shown(each) for name, each in value.items()}
    return [_shown(each) for each in value] if isinstance(value, list) else value
