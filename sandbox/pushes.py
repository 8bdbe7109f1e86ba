"""The outbox of push messages of one app: what is to be sent when, what was sent, what was acknowledged.

Platforms publish into it (`Outbox.publish`) and render the payload; whoever owns the transport takes what is due
(`Outbox.due`), reports each attempt (`sent`) and its outcome (`acked`, `failed`). Delivery is at least once: an attempt
without an ack is repeated after the channel's retry delays. Disturbances (drop, delay, duplicate, reorder)
are decided here. An app may have several queues (Taobao's message groups); each is taken from on its own.
"""

import heapq
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from .faults import Faults
from .ground import Ground
from .model import Shop
from .profile import Profile

_Attempt = tuple[float, int, "Push", bool]


@dataclass(slots=True)
class Push:
    """One message. `payload` is the platform's business content; `touched` = delivery was disturbed on purpose.

    `wire_id` is the id the receiver sees (may change on redelivery, see settings).
    """

    push_id: str
    channel: str
    shop_id: str
    topic: str
    object_id: str
    payload: dict[str, Any] = field(repr=False)
    created: float
    wire_id: str
    queue: str = ""
    deliveries: list[float] = field(default_factory=list)
    acked_at: float | None = None
    dropped: bool = False
    touched: bool = False
    late: bool = False
    """Touched by a delay."""
    attempts: int = 0


class Outbox:
    """Messages of one channel's app, in order of their next attempt. Not thread-safe: hold the world's lock."""

    def __init__(self, world: Ground, faults: Faults, profile: Profile) -> None:
        self._world, self._faults, self.channel = world, faults, profile.channel
        self._next_id = profile.first_message
        self._repeats = profile.push_repeats
        self._waiting: defaultdict[str, list[_Attempt]] = defaultdict(list)
        self._by_wire_id: dict[str, Push] = {}
        self.queues: dict[str, float] = {}
        """Queues beside the default one, by name, and when they were opened."""
        self.queue_of: dict[str, str] = {}
        """Shop id to the queue its messages go to; others go to the default one, whose name is empty."""
        self.pushes: list[Push] = []
        self.wake: list[Any] = []
        """Callables run after every publish (transports that sleep until then)."""

    def _new_wire_id(self, push: Push | None = None) -> str:
        self._next_id += 1
        wire_id = str(self._next_id)
        if push is not None:
            self._by_wire_id[wire_id] = push
        return wire_id

    def publish(self, shop: Shop, topic: str, object_id: str, payload: dict[str, Any]) -> Push:
        """Queue a message for its first attempt: now, unless settings or a fault disturb it."""
        world, settings = self._world, self._world.settings
        now, chance = world.now(), world.random.random
        wire_id = self._new_wire_id()
        queue = self.queue_of.get(shop.shop_id, "")
        push = Push(wire_id, self.channel, shop.shop_id, topic, object_id, payload, now, wire_id, queue)
        self._by_wire_id[wire_id] = push
        self.pushes.append(push)
        times = [now]
        if self._faults.take("drop_push", self.channel, topic, shop.shop_id):
            push.dropped, times = True, []
        late = self._faults.take("delay_push", self.channel, topic, shop.shop_id)
        if late is not None or (settings.push_delay_probability and chance() < settings.push_delay_probability):
            times = [now + (late.seconds if late is not None and late.seconds else settings.push_delay) for _ in times]
            push.late = True
        swapped = self._faults.take("reorder_push", self.channel, topic, shop.shop_id)
        if swapped or (settings.push_reorder_probability and chance() < settings.push_reorder_probability):
            times = [at + 0.2 + 2 * chance() for at in times]
        doubled = self._faults.take("duplicate_push", self.channel, topic, shop.shop_id)
        if doubled or (settings.push_duplicate_probability and chance() < settings.push_duplicate_probability):
            times += [at + chance() for at in times]
        push.touched = times != [now]
        for at in times:
            self._plan(push, at)
        for wake in self.wake:
            wake()
        return push

    def _plan(self, push: Push, at: float, *, repetition: bool = False) -> None:
        heapq.heappush(self._waiting[push.queue], (at, self._world.number(), push, repetition))

    def due(self, limit: int = 100, queue: str = "") -> list[Push]:
        """Take up to `limit` messages of the queue whose next attempt is due; each one must be reported with `sent`.

        A deliberate duplicate is delivered even when the first copy was acknowledged.
        """
        now = self._world.now()
        taken: list[Push] = []
        keep = self._world.settings.push_keep[self.channel]
        waiting = self._waiting[queue]
        while waiting and waiting[0][0] <= now and len(taken) < limit:
            _, _, push, repetition = heapq.heappop(waiting)
            if now - push.created > keep or (push.acked_at is not None and repetition):
                continue
            taken.append(push)
        return taken

    def next_at(self, queue: str = "") -> float | None:
        """When the queue's next attempt is due; None when nothing waits."""
        waiting = self._waiting[queue]
        return waiting[0][0] if waiting else None

    def sent(self, push: Push) -> str:
        """An attempt starts now: returns the id to send. Plans the repetition for the case that no ack comes."""
        if push.deliveries and self._world.settings.push_new_id_on_redelivery:
            push.wire_id = self._new_wire_id(push)
        push.deliveries.append(self._world.now())
        delays = self._world.settings.push_retry[self.channel]
        push.attempts += 1
        if push.acked_at is None and delays:
            again = push.attempts - 1
            if again < len(delays) or self._repeats:
                self._plan(push, self._world.now() + delays[min(again, len(delays) - 1)], repetition=True)
        return push.wire_id

    def acked(self, wire_id: str) -> bool:
        """The receiver confirmed; False when the id is unknown. A second ack changes nothing."""
        push = self._by_wire_id.get(wire_id)
        if push is None:
            return False
        if push.acked_at is None:
            push.acked_at = self._world.now()
        return True

    def failed(self, wire_id: str) -> bool:
        """The receiver refused: the planned repetition stands; False when the id is unknown."""
        return wire_id in self._by_wire_id

    def backlog(self) -> int:
        """Messages kept and not acknowledged."""
        oldest = self._world.now() - self._world.settings.push_keep[self.channel]
        return sum(push.acked_at is None and not push.dropped and push.created >= oldest for push in self.pushes)
