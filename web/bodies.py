"""How much of a request is read: at most LIMIT bytes, whatever its headers say."""

from starlette.requests import ClientDisconnect
from starlette.types import Receive

LIMIT = 1_000_000


class BodyTooLarge(Exception):
    """The request has more than LIMIT bytes."""


async def read_body(receive: Receive) -> bytes:
    """The whole body. Raises BodyTooLarge, or ClientDisconnect."""
    message = await receive()
    body: bytes = message.get("body", b"")
    if not message.get("more_body") and message["type"] == "http.request" and len(body) <= LIMIT:
        return body
    parts, size = [], 0
    while True:
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body = message.get("body", b"")
        parts.append(body)
        size += len(body)
        if size > LIMIT:
            raise BodyTooLarge
        if not message.get("more_body"):
            return b"".join(parts)
        message = await receive()
