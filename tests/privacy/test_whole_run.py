"""Nobody's name, phone or street is anywhere in plain text after a whole run: not in logs, Redis, the database, jobs,
refusals or metrics, wherever people and platforms wrote it and whoever asked to see it.
"""

import uuid
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors import CHANNELS
from core.channel import Capability
from core.db import Database
from sandbox.faults import FaultRule
from sandbox.model import Order
from tests.privacy.spelling import found_in
from tests.privacy.whole_run import Run, echo, running, sentence, step, to_json

pytestmark = pytest.mark.slow
DAY = 86_400


def test_nobody_is_found(database_url: str, tmp_path: Path) -> None:
    with closing(Database(database_url)) as database, echo() as subscriber, running(database, tmp_path / "data") as run:
        subscribe(run, subscriber)
        for code in CHANNELS:
            run.sandbox.world.faults.add(FaultRule.model_validate({"kind": "html", "channel": code, "times": 2}))
        placed = {code: [place(run, code) for _ in range(2)] for code in CHANNELS}
        run.until("an order does not come", lambda: all(known(run, code, each[-1]) for code, each in placed.items()))
        for code, (order, _) in placed.items():
            people_write(run, code, order)
        people_are_looked_at(run, placed)
        strangers_send(run, placed["douyin"][0])
        run.until("a memo does not arrive", lambda: all(arrived(run, code, each[0]) for code, each in placed.items()))
        run.until("nobody is answered", lambda: answered(run))
        left, people = run.places(), run.people()
    assert len(people) > 3 * 6
    assert len(left["redis"]) > 10_000
    assert {"parts.log", "refusals", "table orders", "table feed", "table receipt", "table delivery_attempt"} <= {
        name for name, content in left.items() if content
    }
    assert found_in(left, people) == []


def place(run: Run, code: str) -> Order:
    with run.sandbox.world.lock:
        return run.sandbox.world.place(run.sandbox.world.shop(code), variant="plain", restock=True)


def shop(run: Run, code: str) -> str:
    return f"{code}:{run.sandbox.world.shop(code).shop_id}"


def known(run: Run, code: str, order: Order) -> bool:
    return run.erp.get(f"/v1/orders/{shop(run, code)}/{order.order_id}").status_code == 200


def subscribe(run: Run, subscriber: str) -> None:
    body = {"url": subscriber, "type": ["order.*", "after_sale.*"]}
    assert run.ask("POST", "/v1/subscriptions", json=body).status_code == 201


def people_write(run: Run, code: str, order: Order) -> None:
    """Names, numbers and streets where they do not belong: notes, memos of both sides, reasons, another address."""
    words = sentence(order.buyer)
    step(run, order, "note", note=words)
    step(run, order, "memo", memo=f"theirs: {words}")
    if code == "douyin":
        step(run, order, "want_address")
    run.command("PUT", f"/v1/orders/{order.order_id}/memo", {"shop": shop(run, code), "text": f"ours: {words}"})
    step(run, order, "request_refund")


def people_are_looked_at(run: Run, placed: dict[str, list[Order]]) -> None:
    """Every receiver that a channel opens is opened, searched for, and not opened: each answer goes to the asker."""
    for code, (_, order) in placed.items():
        supports = CHANNELS[code].channel.supports
        wanted = {"shop": shop(run, code), "purpose": "ship", "reason": "the courier cannot read the label"}
        answer = run.ask("POST", f"/v1/orders/{order.order_id}/receiver:reveal", json=wanted)
        if supports(Capability.REVEAL):
            assert answer.status_code == 200, answer.text
            assert order.buyer.name in answer.text
        search = {
            "shop": shop(run, code),
            "since": at(order.created - DAY),
            "until": at(order.created + DAY),
            "reason": "the caller asks where the parcel is",
        }
        for sought in ({"phone": order.buyer.phone}, {"name": order.buyer.name}):
            answer = run.ask("POST", "/v1/receivers:search", json={**search, **sought})
            if supports(Capability.FIND_ORDERS):
                assert answer.status_code == 200, answer.text
                assert order.order_id in answer.text
        refused = {**wanted, "reason": f"call {order.buyer.phone}"}
        assert run.ask("POST", f"/v1/orders/{order.order_id}/receiver:reveal", json=refused).status_code == 422


def strangers_send(run: Run, order: Order) -> None:
    """What is no order, no command and no push, with people in it, wherever bytes are taken in."""
    person = order.buyer
    words = sentence(person)
    assert run.ask("GET", "/v1/orders", params={"number": person.phone}).status_code == 200
    assert run.ask("GET", f"/v1/orders/{person.name}/{person.phone}").status_code == 404
    assert run.ask("GET", f"/{person.phone}/{person.address.detail}").status_code == 404
    assert run.ask("GET", "/v1/feed", params={"type": person.phone}).status_code == 400
    assert run.ask("GET", "/v1/feed", params={"after": words}).status_code == 422
    for body in ({"items": [{"sku": person.phone, "quantity": words}]}, {"items": words}, {words: words}, [words]):
        assert run.command("PUT", "/v1/stock", body).status_code == 422
    assert run.command("PUT", "/v1/stock", {"items": [{"sku": person.phone, "quantity": 1}]}).status_code == 422
    assert run.ask("PUT", "/v1/stock", content=words, headers=headers("text/plain")).status_code == 415
    assert run.ask("PUT", "/v1/stock", content=f'{{"{words}', headers=headers()).status_code == 400
    memo = {"shop": person.phone, "text": words, "flag": words}
    assert run.command("PUT", f"/v1/orders/{person.phone}/memo", memo).status_code == 422
    push = [{"tag": "100", "msg_id": "1", "data": {"p_id": order.order_id, "buyer": words}}]
    for signed in ({}, {"event-sign": person.phone, "app-id": person.phone}):
        assert run.ask("POST", "/hooks/douyin", content=to_json(push), headers=signed).status_code >= 400
    assert run.ask("POST", f"/hooks/{person.phone}", content=words.encode()).status_code == 404


def arrived(run: Run, code: str, order: Order) -> bool:
    """The order is known with what the buyer wrote, and a memo as the last of both sides wrote it."""
    told = run.erp.get(f"/v1/orders/{shop(run, code)}/{order.order_id}").json()["order"]
    return order.buyer.phone in told["buyer_note"] and order.buyer.phone in told["memo"]["text"]


def answered(run: Run) -> bool:
    """The subscriber has answered with what it was sent, and that is kept."""
    [subscription] = run.erp.get("/v1/subscriptions").json()["items"]
    deliveries = run.erp.get(f"/v1/subscriptions/{subscription['id']}/deliveries").json()["items"]
    return any(order.buyer.phone in str(deliveries) for order in run.orders())


def headers(media_type: str = "application/json") -> dict[str, str]:
    return {"Idempotency-Key": str(uuid.uuid4()), "Content-Type": media_type}


def at(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()
