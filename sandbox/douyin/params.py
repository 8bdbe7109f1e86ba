"""Reading business parameters the way the platform does: numbers as strings, "true"/"false", null as absent.

A `Params` is a view of one JSON object. A missing or malformed value raises the API's own refusal; the business
number of that refusal is set once per API (`number`).
"""

from collections.abc import Iterator, Mapping
from typing import Any

from . import errors

INT64 = 2**63


class Params:
    """One JSON object of a request. `number` is the business number used in 40002/40004 answers."""

    def __init__(self, values: Mapping[str, Any], number: int = 1) -> None:
        self._values = {name: value for name, value in values.items() if value is not None}
        self.number = number

    def numbered(self, number: int) -> "Params":
        """The same object with another business number."""
        return Params(self._values, number)

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def everything(self) -> dict[str, Any]:
        """All values as parsed, nulls left out."""
        return dict(self._values)

    def raw(self, name: str) -> Any:
        """The value as parsed, or None."""
        return self._values.get(name)

    def invalid(self, name: str) -> errors.Refused:
        """The refusal for a malformed `name`."""
        return errors.invalid(self.number, f"参数{name}不合法")

    def missing(self, name: str) -> errors.Refused:
        """The refusal for an absent `name`."""
        return errors.missing(self.number, f"缺少参数{name}")

    def text(self, name: str, default: str = "") -> str:
        """A string; numbers become their digits."""
        value = self._values.get(name, default)
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise self.invalid(name)
        return str(value)

    def required(self, name: str) -> str:
        """A non-empty string."""
        value = self.text(name)
        if not value:
            raise self.missing(name)
        return value

    def optional_integer(self, name: str) -> int | None:
        """An int, also from digits in a string; None when absent or empty."""
        value = self._values.get(name)
        if value is None or value == "":
            return None
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise self.invalid(name)
        try:
            number = int(value)
        except ValueError:
            raise self.invalid(name) from None
        if not -INT64 <= number < INT64:
            raise self.invalid(name)
        return number

    def integer(self, name: str, default: int) -> int:
        """An int with a default."""
        value = self.optional_integer(name)
        return default if value is None else value

    def required_integer(self, name: str) -> int:
        """An int that must be there."""
        value = self.optional_integer(name)
        if value is None:
            raise self.missing(name)
        return value

    def flag(self, name: str, default: bool = False) -> bool:
        """A bool, also "true"/"false" and 0/1 (the gateway is lenient about types)."""
        value = self._values.get(name, default)
        if isinstance(value, bool):
            return value
        word = str(value).lower()
        if word in ("true", "1"):
            return True
        if word in ("false", "0", ""):
            return False
        raise self.invalid(name)

    def items(self, name: str) -> list["Params"]:
        """A list of objects; [] when absent."""
        return [Params(item, self.number) for item in self._list(name, dict)]

    def texts(self, name: str) -> list[str]:
        """A list of strings or numbers, as strings; [] when absent."""
        return [str(item) for item in self._list(name, str | int)]

    def sub(self, name: str) -> "Params":
        """A nested object; an empty one when absent."""
        value = self._values.get(name, {})
        if not isinstance(value, dict):
            raise self.invalid(name)
        return Params(value, self.number)

    def _list(self, name: str, kind: Any) -> Iterator[Any]:
        value = self._values.get(name, [])
        if not isinstance(value, list):
            raise self.invalid(name)
        for item in value:
            if not isinstance(item, kind) or isinstance(item, bool):
                raise self.invalid(name)
            yield item
