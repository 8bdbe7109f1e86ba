"""A buyer asks for another address: the request is told in the feed, holds the order's shipments, and is answered once.

No reading of a channel shows a request, only a notice does. Giving the same answer twice is harmless (the port says
so), which is how an answer without an outcome is read back.
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Self

from pydantic import Field, model_validator
from sqlalchemy import Connection

from connectors import CHANNELS
from core.channel import Capability, Connector, Outcome, Refusal
from core.db import feed, intents, items, lanes, outcomes, requests
from core.db.engine import lock
from core.db.intents import Attempt, Intent, Wish
from core.db.lanes import Claim, Kind, Lane
from core.db.outcomes import Ending
from core.errors import ChannelError, NotFound, Rejected
from core.model import Canonical
from core.notices import Notice
from core.packing import Remark
from sync import acts, deliver, ledger
from sync.ledger import SHOW_AGAIN
from sync.runtime import Runtime
from sync.wishes import ItemResult, Name, Plan, Queued, channels, no, not_here, queue

ASKED = "address_requested"
"""Reason code of a shipment that waits for the answer."""
WAIT_FOR_ANSWER = timedelta(minutes=2)


class NewAnswer(Canonical):
    """The answer to a buyer who asks for another address: granted, or refused with a reason."""

    shop: Name
    approve: bool
    refusal: Refusal | None = Field(None, description="Why it is refused; `other` when that is left out.")

    @model_validator(mode="after")
    def _a_reason_to_refuse(self) -> Self:
        if self.approve and self.refusal is not None:
            raise ValueError("what is granted has no refusal")
        return self


class AnswerItem(NewAnswer):
    """The answer about one order."""

    order_id: Name

    @property
    def wanted(self) -> str:
        return json.dumps({"approve": self.approve, "refusal": _reason(approve=self.approve, refusal=self.refusal)})


def _reason(*, approve: bool, refusal: Refusal | None) -> str | None:
    return None if approve else (refusal or Refusal.OTHER).value


def asked(connection: Connection, shop_id: str, notice: Notice, now: datetime) -> list[feed.Event]:
    """Keeps what a notice asks for, and tells it once."""
    lock(connection, f"addresses/{shop_id}")
    request = requests.note(connection, shop_id, notice.object_id, notice.dedup_key, notice.source_at or now, now)
    if request is None:
        return []
    data = {"order_id": request.order_id, "number": request.number, "asked_at": request.asked_at.isoformat()}
    return [feed.Event("order.address_requested", shop_id, request.order_id, request.number, now, json.dumps(data))]


def answer(connection: Connection, wanted: Sequence[AnswerItem], now: datetime) -> Queued:
    """Refuses `unknown_shop`, `unknown_order` and `not_supported_here`.

    The same answer again is `unchanged`; another one takes its place while it is not given yet.
    """
    shops = channels(connection, (item.shop for item in wanted))
    lock(connection, *(f"addresses/{identity}" for identity in sorted(shops)))

    def plan(item: AnswerItem) -> Plan:
        if item.shop not in shops:
            return no("unknown_shop", f"there is no shop {item.shop}")
        if refused := not_here(CHANNELS[shops[item.shop]].channel, Capability.CONFIRM_ADDRESS):
            return refused
        if items.find(connection, "order", item.shop, item.order_id) is None:
            return no("unknown_order", f"the shop {item.shop} has no order {item.order_id} here yet")
        return _plan(connection, item)

    return queue(connection, wanted, plan, now)


def _plan(connection: Connection, item: AnswerItem) -> Plan:
    told = requests.of_order(connection, item.shop, item.order_id)
    warnings = () if told else (Remark("nobody_asked", "no request of the buyer is known here; the channel decides"),)
    key = f"{Kind.ADDRESS.value}/{item.shop}/{item.order_id}/{told[-1].number if told else 0}"
    before = intents.of_object(connection, Kind.ADDRESS.value, item.shop, item.order_id)
    last = before[-1] if before else None
    if last is not None and last.key == key and last.wanted == item.wanted and last.state in ("due", "done"):
        return Plan(refused=ItemResult("unchanged", warnings=warnings, intents=((last.id, last.version),)))
    return Plan((Wish(Kind.ADDRESS.value, key, item.shop, item.order_id, item.wanted),), warnings=warnings)


def holds(connection: Connection, item: Intent, now: datetime) -> bool:
    """Lets a shipment wait while the buyer's request is open."""
    if not requests.asking(connection, item.shop_id, [item.object_id]):
        return False
    words = "the buyer asks for another address; the shipment waits for the answer"
    intents.later(connection, item, now + WAIT_FOR_ANSWER, ASKED, words, failed=False)
    return True


def drain(runtime: Runtime, connector: Connector, claim: Claim) -> bool:
    """Gives one batch of answers, each alone, or what of it there is time for. True when there may be more."""
    return acts.drain(runtime, connector, claim, _step)


def _step(runtime: Runtime, connector: Connector, claim: Claim, due: Intent) -> None:
    now = runtime.clock.now()
    with runtime.database.write() as connection:
        lanes.hold(connection, claim, now, acts.lease(runtime))
        item = intents.find(connection, due.id)
        events = _settle(connection, item, intents.unsettled(connection, [item.id]).get(item.id), now)
        begun = intents.begin(connection, [item], claim.fence, now) if events is None else {}
        feed.append(connection, events or [])
    if begun:
        _give(runtime, connector, claim, item, begun[item.id])


def _settle(connection: Connection, item: Intent, attempt: Attempt | None, now: datetime) -> list[feed.Event] | None:
    """Makes way for a call: None when it may be made now. An attempt without an answer has had its time to land; it is
    settled by giving the answer again.
    """
    if item.state != "due":
        return []
    if attempt is None:
        return None
    if (until := (attempt.ended_at or attempt.started_at) + SHOW_AGAIN) > now:
        intents.later(connection, item, until, "", "", failed=False)
        return []
    again = Ending(attempt.id, "not_sent", message="given again, which the channel takes as the same answer")
    outcomes.read_back(connection, [again], now)
    counted = ledger.died(item, attempt, now)
    return None if counted is None else ledger.write(connection, [counted], now)


def _give(runtime: Runtime, connector: Connector, claim: Claim, item: Intent, attempt: int) -> None:
    wanted = json.loads(item.wanted)
    refusal = None if wanted["approve"] else Refusal(wanted["refusal"])
    try:
        outcome = connector.confirm_address(item.object_id, refusal)
    except ChannelError as error:
        outcome = Outcome(item.object_id, error)
    now = runtime.clock.now()
    with runtime.database.write() as connection:
        lanes.hold(connection, claim, now, acts.lease(runtime))
        ended, number = _ended(outcome.error, approve=wanted["approve"]), int(item.key.rpartition("/")[2])
        place = item.shop_id, item.object_id
        released = bool(ended) and requests.end(connection, *place, ended, now, number=number)
        if released:
            intents.wake(connection, Kind.SHIP.value, item.shop_id, item.object_id, ASKED, now)
        feed.append(connection, ledger.write(connection, [ledger.answered(item, attempt, outcome, now)], now))
    runtime.bells.announce_feed()
    if released:
        runtime.bells.ring([Lane(item.shop_id, Kind.SHIP)])
    if (lane_error := deliver.for_the_lane(outcome.error)) is not None:
        raise lane_error


def _ended(error: ChannelError | None, *, approve: bool) -> str:
    """How the request ended, if it did: a channel that says no to an answer has none open."""
    if error is None:
        return "granted" if approve else "refused"
    if isinstance(error, NotFound):
        return "withdrawn"
    return "elsewhere" if isinstance(error, Rejected) else ""
