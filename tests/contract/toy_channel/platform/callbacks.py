"""The toy's pushes: signed POSTs of up to 20 messages that name what changed."""

import hashlib
import hmac
import json

from sandbox.callbacks import Batch, Callbacks
from sandbox.model import Event
from sandbox.pushes import Push


class ToyCallbacks(Callbacks):
    """The app's callback URL."""

    def on_event(self, event: Event) -> None:
        """Subscriber of the world."""
        if event.shop.channel != self.outbox.channel or not event.shop.authorised or event.refund is not None:
            return
        if event.order is not None:
            self.publish(event.shop, "order.changed", event.order.order_id, {})
        elif event.item is not None:
            self.publish(event.shop, "item.changed", event.item.item_id, {})

    def request(self, url: str, messages: list[tuple[str, Push]]) -> Batch:
        told = [_message(wire_id, push) for wire_id, push in messages]
        body, at = json.dumps({"messages": told}).encode(), str(int(self._world.now()))
        sign = hmac.new(self._app.secret.encode(), f"{at}\n".encode() + body, hashlib.sha256).hexdigest()
        headers = {"x-toy-app": self._app.key, "x-toy-time": at, "x-toy-sign": sign}
        return Batch(url, headers, body, tuple(wire_id for wire_id, _ in messages))

    def accepted(self, status: int | None, body: bytes) -> bool:
        return status == 200 and body == b'{"ok":true}'


def _message(wire_id: str, push: Push) -> dict[str, object]:
    about = {"shop": push.shop_id, "object": push.object_id, "at": int(push.created)}
    return {"id": wire_id, "topic": push.topic, **about}
