"""Douyin's push messages: signed arrays of up to 20 messages.

Saving a URL sends the verification message (tag 0) until it is acknowledged; messages follow. The platform's time limit
is 2 or 5 s by source; here 5.
"""

import json
from typing import Any

from ..callbacks import Batch, Callbacks
from ..model import App, Shop
from ..pushes import Push
from ..world import World
from . import signing
from .envelope import rfc3339

VERIFY_AGAIN = 5.0


class DouyinCallbacks(Callbacks):
    """The app's callback URL, verified before anything is sent to it."""

    def __init__(self, world: World, app: App) -> None:
        super().__init__(world, app)
        self.verified = False
        self.tags: frozenset[str] | None = None
        """Subscribed tags; None = all."""
        self._verify_at = 0.0

    def set_url(self, url: str | None) -> None:
        """Verification is due at once."""
        super().set_url(url)
        self.verified, self._verify_at = False, 0.0

    def publish(self, shop: Shop, topic: str, object_id: str, data: dict[str, Any]) -> None:
        """Queue a message when its tag is subscribed."""
        if self.tags is None or topic in self.tags:
            super().publish(shop, topic, object_id, data)

    def take(self) -> Batch | None:
        """First the verification, every VERIFY_AGAIN seconds, then messages."""
        if self.url is None or self.verified:
            return super().take()
        if self._world.now() < self._verify_at:
            return None
        self._verify_at = self._world.now() + VERIFY_AGAIN
        return self._signed(self.url, [{"tag": "0", "msg_id": "0", "data": rfc3339(self._world.now())}], ())

    def request(self, url: str, messages: list[tuple[str, Push]]) -> Batch:
        """The array of messages, signed over its own bytes."""
        told = [{"tag": push.topic, "msg_id": wire_id, "data": _text(push.payload)} for wire_id, push in messages]
        return self._signed(url, told, tuple(wire_id for wire_id, _ in messages))

    def _signed(self, url: str, messages: list[dict[str, str]], wire_ids: tuple[str, ...]) -> Batch:
        text = _text(messages)
        sign = signing.sign_push(self._app.secret, self._app.key, text, self._world.settings.push_sign_method)
        headers = {"content-type": "application/json; charset=utf-8", "app-id": self._app.key, "event-sign": sign}
        return Batch(url, headers, text.encode(), wire_ids)

    def accepted(self, status: int | None, body: bytes) -> bool:
        """HTTP 200 and code 0."""
        return status == 200 and _code(body) == 0

    def settle(self, batch: Batch, status: int | None, body: bytes = b"") -> bool:
        """An acknowledged verification opens the URL it was sent to."""
        good = super().settle(batch, status, body)
        if not batch.wire_ids and batch.url == self.url:
            self.verified = self.verified or good
        return good

    def next_at(self) -> float | None:
        """The next verification, or the next message."""
        return super().next_at() if self.verified or self.url is None else self._verify_at


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _code(body: bytes) -> Any:
    try:
        answer = json.loads(body)
    except ValueError:
        return None
    code = answer.get("code") if isinstance(answer, dict) else None
    return None if isinstance(code, bool) else code
