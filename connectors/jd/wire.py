"""The JSON of JD as it is sent: its methods with the key of their result, and the fields this connector reads.

Field names are the platform's, misspellings included. Ids, codes and flags are read as text, because the same one is a
number in one API and text in the next. A page's rows stay plain JSON objects until each is validated on its own: one
bad row must not cost its page, and what is not declared here is kept by writing the object out again.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

Row = dict[str, Any]
"""A JSON object as it came."""

Yuan = Annotated[Decimal | Literal[""] | None, Field(union_mode="left_to_right")]
"""An amount in yuan; empty text where there is none."""


class Wire(BaseModel):
    """Base of all wire models: lenient in types, silent about fields it does not declare."""

    model_config = ConfigDict(frozen=True, extra="ignore", coerce_numbers_to_str=True)


W = TypeVar("W", bound=Wire)


@dataclass(frozen=True)
class Method(Generic[W]):
    """An API: its name, the key its result hangs under inside the wrapper (empty: the wrapper itself), the result."""

    name: str
    result: str
    answer: type[W]
    write: bool = False


class Ack(Wire):
    """What a write answers beyond yes, which the client has checked: nothing."""


class Token(Wire):
    """Tokens; `time` is when they were issued (epoch milliseconds)."""

    access_token: str = Field(repr=False)
    expires_in: int
    refresh_token: str = Field(repr=False)
    time: int | None = None
