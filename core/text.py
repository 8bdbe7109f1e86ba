"""U+0000 in what a platform sends: PostgreSQL takes it in no text, and an ERP's database may be PostgreSQL as well."""

from typing import Any, TypeVar

from pydantic import BaseModel

T = TypeVar("T")


def visible(value: T) -> T:
    """The same text, or canonical value, with U+FFFD, the sign for what cannot be shown, for each U+0000 in it."""
    shown: Any = value
    if type(value) is str:  # an enum has none
        shown = shown.replace("\0", "\ufffd")
    elif isinstance(value, BaseModel):
        shown = value.model_copy(update={name: visible(getattr(value, name)) for name in type(value).model_fields})
    elif isinstance(value, tuple):
        shown = tuple(visible(each) for each in value)
    return shown  # type: ignore[no-any-return]  # of the type that came
