"""Pure: what one version of a canonical value changed in the one before, in the words of the feed."""

from collections.abc import Mapping
from typing import Any

from core.model import Canonical, Change

KEYED = {"lines": "id", "skus": "sku_id"}
"""Lists whose members are told one by one, and what names them."""
_FACT = {"value", "raw", "at"}


def changes_of(before: Canonical, after: Canonical, fields: tuple[str, ...]) -> list[Change]:
    """The fields named, and the computed status where there is one. Of a part what differs, of a status its word."""
    old, new = (_shown(value, fields) for value in (before, after))
    found: list[Change] = []
    for name in new:
        if old[name] != new[name]:
            found += (
                _of_list(name, old[name], new[name]) if name in KEYED else [Change(field=name, **_both(old, new, name))]
            )
    return found


def _shown(value: Canonical, fields: tuple[str, ...]) -> dict[str, Any]:
    computed = {"status"} & set(type(value).model_computed_fields)
    dumped = value.model_dump(mode="json", include={*computed, *fields})
    return {name: dumped[name] for name in (*sorted(computed), *fields)}


def _both(old: Mapping[str, Any], new: Mapping[str, Any], name: str) -> dict[str, Any]:
    before, after = _parts(old.get(name), new.get(name))
    return {"before": before, "after": after}


def _parts(old: Any, new: Any) -> tuple[Any, Any]:
    """What differs between two values that differ."""
    words = _word(old), _word(new)
    fact = words != (old, new)
    if (fact and words[0] != words[1]) or not isinstance(old, dict) or not isinstance(new, dict):
        return words
    differing = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    parts = {name: _parts(old.get(name), new.get(name)) for name in differing}
    return {name: part[0] for name, part in parts.items()}, {name: part[1] for name, part in parts.items()}


def _word(value: Any) -> Any:
    """The word of a status; anything else as it is."""
    return value["value"] if isinstance(value, dict) and value.keys() == _FACT else value


def _of_list(field: str, old: list[dict[str, Any]], new: list[dict[str, Any]]) -> list[Change]:
    key = KEYED[field]
    was, now = ({each[key]: each for each in several} for several in (old, new))
    found = [
        Change(field=field, id=identity, **_both(was, now, identity))
        for identity in {**now, **was}
        if was.get(identity) != now.get(identity)
    ]
    return found or [Change(field=field, before=list(was), after=list(now))]
