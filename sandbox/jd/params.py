"""Business parameters as JD reads them: one JSON object; scalars may be numbers or texts, `@type` hints are ignored.

Readers raise Refusal (which shape it takes is the family's business).
"""

import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from . import errors

SHANGHAI = timezone(timedelta(hours=8))
_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")


def instant(text: str) -> int | None:
    """Epoch seconds of `yyyy-MM-dd HH:mm:ss` in Shanghai; None when it is no such time."""
    if not _TIME.fullmatch(text):
        return None
    try:
        return int(datetime.fromisoformat(text).replace(tzinfo=SHANGHAI).timestamp())
    except ValueError:
        return None


def day(at: float) -> int:
    """A number of the day in Shanghai."""
    return datetime.fromtimestamp(at, SHANGHAI).toordinal()


class Params:
    """The members of one JSON object; a member that is null counts as absent."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = {name: value for name, value in values.items() if value is not None and name != "@type"}

    @classmethod
    def parse(cls, text: str) -> "Params":
        """From the text of `360buy_param_json`; ValueError when it is not an object."""
        values = json.loads(text or "{}", parse_float=str)
        if "\\ud" in text.lower():
            json.dumps(values, ensure_ascii=False).encode()  # half a surrogate pair is no text
        if not isinstance(values, dict):
            raise ValueError("not an object")  # noqa: TRY004 - bad text, not a bad argument
        return cls(values)

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def text(self, name: str, default: str | None = None) -> str:
        """A text or number as text; required unless there is a default. An empty text counts as given."""
        value = self.values.get(name, default)
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise errors.invalid(name)
        return str(value)

    def required(self, name: str) -> str:
        """A text that must not be empty."""
        value = self.text(name)
        if not value:
            raise errors.invalid(name)
        return value

    def integer(self, name: str, default: int | None = None, *, low: int | None = None, high: int | None = None) -> int:
        """An integer, also as text, between `low` and `high`; required unless there is a default."""
        text = self.text(name, "" if default is None else str(default)).strip()
        try:
            value = int(text)
        except ValueError:
            raise errors.invalid(name) from None
        if (low is not None and value < low) or (high is not None and value > high):
            raise errors.invalid(name)
        return value

    def flag(self, name: str, default: bool = False) -> bool:
        """A boolean, also as text."""
        value = self.values.get(name, default)
        if value not in (True, False, "true", "false"):
            raise errors.invalid(name)
        return value in (True, "true")

    def words(self, name: str) -> list[str]:
        """A comma list; empty when absent."""
        return [word.strip() for word in self.text(name, "").split(",") if word.strip()]

    def when(self, name: str) -> int:
        """`yyyy-MM-dd HH:mm:ss` in Shanghai as epoch seconds."""
        at = instant(self.required(name))
        if at is None:
            raise errors.invalid(name)
        return at

    def object(self, name: str) -> "Params":
        """A nested object."""
        value = self.values.get(name)
        if not isinstance(value, dict):
            raise errors.invalid(name)
        return Params(value)

    def array(self, name: str) -> list[Any]:
        """A nested array; empty when absent."""
        value = self.values.get(name, [])
        if not isinstance(value, list):
            raise errors.invalid(name)
        return value

    def objects(self, name: str) -> list["Params"]:
        """A nested array of objects; empty when absent."""
        rows = self.array(name)
        if not all(isinstance(row, dict) for row in rows):
            raise errors.invalid(name)
        return [Params(row) for row in rows]
