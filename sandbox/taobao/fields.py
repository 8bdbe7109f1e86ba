"""The `fields` parameter: which fields of an object are answered. Unknown names are ignored (inferred)."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from .params import Params


class Fields:
    """`tid,status,orders` or `tid,orders.oid,orders.status`; a name without dot means everything inside."""

    def __init__(self, words: list[str]) -> None:
        self._inner: dict[str, set[str] | None] = {}
        for word in words:
            name, _, rest = word.partition(".")
            if not rest:
                self._inner[name] = None
            else:
                chosen = self._inner.setdefault(name, set())
                if chosen is not None:
                    chosen.add(rest)

    def __contains__(self, name: str) -> bool:
        return name in self._inner

    def inside(self, name: str) -> set[str] | None:
        """The chosen names inside `name`; None = all."""
        return self._inner[name]

    def select(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The chosen entries of a flat row."""
        return {name: value for name, value in row.items() if name in self._inner}


def asked(params: Params) -> Fields:
    """The call's required `fields`."""
    return Fields(params.words("fields"))


View = TypeVar("View")


def chosen(table: Mapping[str, Callable[[View], Any]], view: View, names: set[str] | None) -> dict[str, Any]:
    """The named entries of a table of fields, in its order; None = all."""
    return {name: read(view) for name, read in table.items() if names is None or name in names}
