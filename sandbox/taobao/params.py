"""Business parameters as TOP reads them: every value is a text; structs are JSON in a text; lists are comma lists."""

import json
from collections.abc import Mapping
from typing import Any

from . import errors
from .values import instant


class Params:
    """The parameters of one call. Readers raise 40 for what is missing or empty and 41 for what is wrong."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values

    def __contains__(self, name: str) -> bool:
        return bool(self._values.get(name))

    def given(self, name: str) -> bool:
        """Whether the parameter was sent, be it empty."""
        return name in self._values

    def text(self, name: str, default: str = "") -> str:
        """A text, or `default` when absent or empty."""
        return self._values.get(name) or default

    def required(self, name: str) -> str:
        """A text that must be there."""
        value = self._values.get(name)
        if not value:
            raise errors.missing(name)
        return value

    def integer(self, name: str, default: int | None = None, *, low: int | None = None, high: int | None = None) -> int:
        """An integer between `low` and `high`; required unless there is a default."""
        if name not in self:
            if default is None:
                raise errors.missing(name)
            return default
        try:
            value = int(self._values[name])
        except ValueError:
            raise errors.invalid(name) from None
        if (low is not None and value < low) or (high is not None and value > high):
            raise errors.invalid(name)
        return value

    def choice(self, name: str, allowed: tuple[int, ...], default: int | None = None) -> int:
        """One of some integers."""
        value = self.integer(name, default)
        if value not in allowed:
            raise errors.invalid(name)
        return value

    def flag(self, name: str) -> bool:
        """`true` or `false` (absent = false)."""
        value = self._values.get(name) or "false"
        if value not in ("true", "false"):
            raise errors.invalid(name)
        return value == "true"

    def instant(self, name: str) -> float | None:
        """Epoch seconds of `yyyy-MM-dd HH:mm:ss` GMT+8; None when absent."""
        if name not in self:
            return None
        try:
            return instant(self._values[name])
        except ValueError:
            raise errors.invalid(name) from None

    def words(self, name: str, limit: int | None = None) -> list[str]:
        """A comma list of at least one and at most `limit` entries."""
        entries = [entry.strip() for entry in self.required(name).split(",") if entry.strip()]
        if not entries or (limit is not None and len(entries) > limit):
            raise errors.invalid(name)
        return entries

    def objects(self, name: str, limit: int) -> list["Params"]:
        """A JSON array of 1 to `limit` objects."""
        value = self._json(name)
        if not isinstance(value, list) or not 0 < len(value) <= limit:
            raise errors.invalid(name)
        return [_inner(name, row) for row in value]

    def object(self, name: str) -> "Params":
        """A JSON object."""
        return _inner(name, self._json(name))

    def _json(self, name: str) -> Any:
        try:
            return json.loads(self.required(name))
        except ValueError:
            raise errors.invalid(name) from None


def _inner(name: str, value: object) -> Params:
    if not isinstance(value, dict):
        raise errors.invalid(name)
    return Params(
        {
            key: entry if isinstance(entry, str) else json.dumps(entry, ensure_ascii=False)
            for key, entry in value.items()
            if entry is not None
        }
    )
