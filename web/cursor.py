"""Opaque cursors: where a reader stands, as a word it only keeps and sends back."""

import base64
import json
import zlib
from collections.abc import Sequence

from web.problems import Problem

_CHECK = 4


def encode(listing: str, *place: str | int) -> str:
    """A cursor of the named list."""
    body = _text([listing, *place])
    return base64.urlsafe_b64encode(zlib.crc32(body).to_bytes(_CHECK, "big") + body).rstrip(b"=").decode()


def decode(listing: str, cursor: str) -> list[str | int]:
    """The place in the named list. Raises the problem `cursor_invalid` for anything `encode` did not make."""
    try:
        raw = base64.b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        check, body = raw[:_CHECK], raw[_CHECK:]
        found = json.loads(body)
        whole = isinstance(found, list) and all(type(part) in (str, int) for part in found) and _text(found) == body
    except ValueError:
        raise Problem("cursor_invalid") from None
    if zlib.crc32(body).to_bytes(_CHECK, "big") != check or not whole or found[:1] != [listing]:
        raise Problem("cursor_invalid")
    place: list[str | int] = found[1:]
    return place


def number(listing: str, cursor: str) -> int:
    """A place that is one number which a database can hold. Raises `cursor_invalid`."""
    match decode(listing, cursor):
        case [int(place)] if 0 <= place < 2**63:
            return place
    raise Problem("cursor_invalid")


def _text(parts: Sequence[str | int]) -> bytes:
    return json.dumps(parts, ensure_ascii=False, separators=(",", ":")).encode()
