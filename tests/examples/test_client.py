"""The client to copy does what it says, on the real server; what that cannot be made to do, on a fake."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

import httpx
import pytest
from standardwebhooks.webhooks import Webhook

from core.access import ROLES
from core.db import keys
from core.db.keys import Grant
from examples.erp_client import Qudao, Refused, verified
from tests.engine import Engine


def order(running: Engine) -> str:
    placed = running.world.place(running.world.shop("douyin"), variant="plain", restock=True)
    running.settle()
    return placed.order_id


def clerk(running: Engine, qudao: Qudao) -> Qudao:
    """Somebody who prints waybills."""
    with running.runtime.database.write() as connection:
        key = keys.create(connection, "clerk", running.runtime.clock.now(), Grant(scopes=ROLES["warehouse"])).plain
    return Qudao(str(qudao.http.base_url), key)


def test_every_way_to_follow_gives_the_same_events(running: Engine, qudao: Qudao) -> None:
    order(running)
    pages = qudao.feed(limit=1000, wait=0)
    lines = list(qudao.feed_lines())
    assert lines[:-1] == pages["events"]
    assert lines[-1]["cursor"] == pages["cursor"]
    qudao.put_consumer("test")
    assert next(qudao.consume("test", wait=0, limit=1000))["events"] == pages["events"]


def test_what_a_crash_cuts_short_comes_again(running: Engine, qudao: Qudao) -> None:
    number = order(running)
    qudao.put_consumer("test", type=["order.*"])
    batches = qudao.consume("test", wait=0)
    first = next(batches)
    assert [event["subject"] for event in first["events"]] == [number]
    batches.close()
    again = qudao.consume("test", wait=0)
    assert next(again) == first
    assert next(again)["events"] == []
    assert [each["lag"] for each in qudao.consumers()] == [0]


def test_the_feed_goes_on_behind_a_snapshot(running: Engine, qudao: Qudao) -> None:
    known = order(running)
    (page,) = qudao.snapshot("order", status=["open"])
    assert [item["order"]["id"] for item in page["items"]] == [known]
    news = order(running)
    assert {event["subject"] for event in qudao.feed(page["feed"], type=["order.*"])["events"]} == {news}


def test_lists_are_read_to_their_end(running: Engine, qudao: Qudao, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("examples.erp_client.PAGE", 2)
    numbers = {order(running) for _ in range(3)}
    assert {item["order"]["id"] for item in qudao.orders()} == numbers
    assert len(list(qudao.stock())) == len(list(qudao.mappings())) > 2
    assert [shop["channel"] for shop in qudao.shops()] == ["douyin", "pinduoduo"]
    assert list(qudao.after_sales()) == []
    assert next(qudao.listings())["listing"]["skus"]
    number = min(numbers)
    assert qudao.order(running.shops["douyin"], number)["order"]["id"] == number


def test_a_command_is_answered_item_by_item_and_has_an_outcome(running: Engine, qudao: Qudao) -> None:
    sku = next(row["sku"] for row in qudao.stock() if row["sku"])
    good, bad = qudao.set_stock({sku: 7, "no such": 1})
    assert (good["state"], bad["state"], bad["code"]) == ("queued", "refused", "unknown_sku")
    running.settle()
    assert good["command"] is not None
    outcome = qudao.outcome(good["command"])
    assert outcome["settled"]
    assert outcome["items"][good["index"]]["state"] == "accepted"


def test_when_nothing_is_taken_each_item_says_why(qudao: Qudao) -> None:
    assert [taken["code"] for taken in qudao.set_stock({"no such": 1, "nor this": 2})] == ["unknown_sku"] * 2
    (taken,) = qudao.set_memo("douyin:0", "1", "Pack as a gift")
    assert (taken["state"], taken["command"]) == ("refused", None)
    assert taken["code"]
    mixed = qudao.set_mappings([{"shop": "douyin:0", "listing_id": "1", "sku_id": "2", "sku": "A"}, {"shop": 3}])
    assert [taken["state"] for taken in mixed] == ["refused"] * 2
    assert mixed[0]["code"] != mixed[1]["code"]


def test_acts_on_one_order_and_one_listing(running: Engine, qudao: Qudao) -> None:
    shop, number = running.shops["douyin"], order(running)
    listing = next(qudao.listings(shop=[shop]))["listing"]["id"]
    parcels = [{"carrier": "ZTO", "tracking_no": "75312345678901"}]
    with clerk(running, qudao) as printer:
        revealed = printer.reveal(shop, number, "ship", "waybill printer is broken")
    taken = [
        *qudao.set_memo(shop, number, "Pack as a gift", "red"),
        *qudao.ship([{"shop": shop, "order_id": number, "parcels": parcels}]),
        *qudao.set_shelf(shop, listing, on=False),
    ]
    assert [each["state"] for each in taken] == ["queued"] * 3
    assert revealed["name"]
    running.settle()
    truth = running.world.order(number)
    assert (truth.memo, [package.tracking_no for package in truth.packages]) == ("Pack as a gift", ["75312345678901"])
    (nobody_asked,) = qudao.answer_address(shop, number, approve=True)
    running.settle()
    assert qudao.outcome(str(nobody_asked["command"]))["items"][0]["state"] == "parked"


def test_a_refusal_has_its_code(qudao: Qudao) -> None:
    with pytest.raises(Refused, match="cursor_invalid") as refused:
        qudao.feed("no cursor")
    assert (refused.value.status, refused.value.code) == (422, "cursor_invalid")
    with pytest.raises(Refused):
        list(qudao.feed_lines("no cursor"))


def fake(answer: Callable[[httpx.Request], httpx.Response], patience: float = 5) -> Qudao:
    client = Qudao("http://qudao.example", "a key", patience=patience)
    client.http = httpx.Client(base_url="http://qudao.example", transport=httpx.MockTransport(answer))
    return client


def test_a_command_is_repeated_with_its_own_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer was lost, the server was busy, then it was there: one command."""
    monkeypatch.setattr("time.sleep", lambda _: None)
    told: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        told.append(request.headers["Idempotency-Key"])
        match len(told):
            case 1:
                raise httpx.ReadTimeout("no answer", request=request)
            case 2:
                return httpx.Response(429, headers={"Retry-After": "0"})
            case 3:
                return httpx.Response(503, text="<html>")
        items = [{"index": 0, "state": "queued", "code": "", "detail": "", "warnings": []}]
        return httpx.Response(202, json={"id": "cmd_1", "items": items})

    (taken,) = fake(answer).set_stock({"TEA": 1})
    assert taken["command"] == "cmd_1"
    assert len(told) == 4
    assert len(set(told)) == 1


def test_patience_ends() -> None:
    def away(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("nobody there", request=request)

    with pytest.raises(httpx.ConnectError):
        fake(away, patience=0).feed()
    with pytest.raises(Refused, match="503"):
        fake(lambda _: httpx.Response(503, text="<html>"), patience=0).feed()


def test_what_would_be_two_of_it_is_asked_for_once() -> None:
    asked: list[str] = []

    def lost(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        raise httpx.ReadTimeout("no answer", request=request)

    with pytest.raises(httpx.ReadTimeout):
        fake(lost).subscribe("https://erp.example/hooks/qudao")
    with pytest.raises(httpx.ReadTimeout):
        fake(lost).reveal("douyin:1", "2", "ship", "waybill printer is broken")
    assert asked == ["/v1/subscriptions", "/v1/orders/2/receiver:reveal"]


def test_more_items_than_a_command_may_have_become_several() -> None:
    sizes: list[int] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sizes.append(len(json.loads(request.content)["items"]))
        items = [{"index": n, "state": "queued", "code": "", "detail": "", "warnings": []} for n in range(sizes[-1])]
        return httpx.Response(202, json={"id": f"cmd_{len(sizes)}", "items": items})

    taken = fake(answer).set_stock({f"SKU-{n}": n for n in range(2100)})
    assert sizes == [1000, 1000, 100]
    assert (taken[1999]["command"], taken[1999]["index"]) == ("cmd_2", 999)


SECRET, OTHER = "whsec_" + "A" * 32, "whsec_" + "B" * 32


def signed(body: str, secret: str = SECRET, at: datetime | None = None) -> dict[str, str]:
    at = at or datetime.now(UTC)
    signature = Webhook(secret).sign("msg_1", at, body)
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": f"v1,bm8= {signature}",
    }


def test_a_webhook_is_believed_when_one_of_the_secrets_signed_it_lately() -> None:
    body = '{"id":"order.updated/douyin:1/2/3"}'
    assert verified([OTHER, SECRET], signed(body), body.encode()) == json.loads(body)
    assert verified([OTHER], signed(body), body.encode()) is None
    assert verified([SECRET], signed(body), body.encode() + b" ") is None
    assert verified([SECRET], signed(body, at=datetime(2026, 1, 1, tzinfo=UTC)), body.encode()) is None
    assert verified([SECRET], {}, body.encode()) is None
