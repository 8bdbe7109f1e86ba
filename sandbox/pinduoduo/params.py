"""Business parameters as Pinduoduo reads them: every value is a text; nested values are JSON in a text."""

import json
from collections.abc import Mapping
from typing import Any

from . import errors


class Params:
    """The parameters of one call. Readers raise PddError 21002 (empty), 10000 (wrong type) or 21001 (out of range)."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values

    def __contains__(self, name: str) -> bool:
        return bool(self._values.get(name))

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
        text = self._values.get(name)
        if not text:
            if default is None:
                raise errors.missing(name)
            return default
        return _ranged(name, text, low, high)

    def optional_integer(self, name: str) -> int | None:
        """An integer or None."""
        return self.integer(name) if name in self else None

    def choice(self, name: str, allowed: tuple[int, ...], default: int | None = None) -> int:
        """One of some integers."""
        value = self.integer(name, default)
        if value not in allowed:
            raise errors.invalid(name)
        return value

    def flag(self, name: str) -> bool:
        """`true` or `false` (absent = false); `True` is refused as the platform does."""
        text = self._values.get(name) or "false"
        if text not in ("true", "false"):
            raise errors.malformed(name)
        return text == "true"

    def words(self, name: str, limit: int) -> list[str]:
        """A comma list of 1 to `limit` entries."""
        entries = [entry.strip() for entry in self.required(name).split(",") if entry.strip()]
        if not entries or len(entries) > limit:
            raise errors.invalid(name)
        return entries

    def rows(self, name: str, limit: int) -> list[Any]:
        """A JSON array of 1 to `limit` entries."""
        value = self._json(name)
        if not isinstance(value, list):
            raise errors.malformed(name)
        if not 0 < len(value) <= limit:
            raise errors.invalid(name)
        return value

    def objects(self, name: str, limit: int) -> list["Params"]:
        """A JSON array of objects."""
        return [_inner(name, row) for row in self.rows(name, limit)]

    def object(self, name: str) -> "Params":
        """A JSON object."""
        return _inner(name, self._json(name))

    def _json(self, name: str) -> Any:
        try:
            return json.loads(self.required(name))
        except ValueError:
            raise errors.malformed(name) from None


def _ranged(name: str, text: str, low: int | None, high: int | None) -> int:
    try:
        value = int(text)
    except ValueError:
        raise errors.malformed(name) from None
    if (low is not None and value < low) or (high is not None and value > high):
        raise errors.invalid(name)
    return value


def _inner(name: str, value: object) -> Params:
    if not isinstance(value, dict):
        raise errors.malformed(name)
    return Params(
        {
            key: entry if isinstance(entry, str) else json.dumps(entry, ensure_ascii=False)
            for key, entry in value.items()
            if entry is not None
        }
    )
