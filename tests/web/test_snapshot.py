"""A snapshot and the feed behind it are everything, whatever happens between the pages."""

import json
import random
from typing import Any

import httpx

from core.db import Database, feed_end, items, keys
from core.db.keys import Grant
from core.model import OrderData, schemas
from core.status import Closing, Fact, Fulfilment
from sync.accept import accept
from tests.canonical import at, fetched, order
from tests.vault import VAULT
from tests.web.conftest import NOW, client, code_of

SHOP = "pinduoduo:1"
CLOSED = Fact[Closing](value=Closing.CLOSED_REFUNDED)
SHIPPED = Fact[Fulfilment](value=Fulfilment.SHIPPED)


def take(database: Database, *orders: Any) -> None:
    for each in orders:
        with database.write() as connection:
            accept(connection, VAULT, each.shop_id, [fetched(each)], NOW)


def page(erp: httpx.Client, after: str = "", **params: Any) -> Any:
    answer = erp.get("/v1/snapshot", params={"kind": "order", "after": after, **params})
    assert answer.status_code == 200, answer.text
    return answer.json()


def ids(answer: Any) -> list[str]:
    return [item["order"]["id"] for item in answer["items"]]


def test_everything_once_then_nothing(erp: httpx.Client, database: Database) -> None:
    take(database, *(order(id=f"o{number}") for number in range(5)))
    first = page(erp, limit=3)
    second = page(erp, first["cursor"], limit=3)
    assert (ids(first), ids(second)) == (["o0", "o1", "o2"], ["o3", "o4"])
    assert (first["more"], second["more"], first["feed"]) == (True, False, second["feed"])
    assert page(erp, second["cursor"])["items"] == []
    assert erp.get("/v1/feed", params={"after": first["feed"]}).json()["events"] == []


def test_what_changes_between_the_pages_is_missed_by_nobody(erp: httpx.Client, database: Database) -> None:
    """The ERP keeps open orders by revision: the snapshot's, then the feed's that are newer."""
    chance = random.Random(7)
    names = [f"o{number:02}" for number in range(20)]
    take(database, *(order(id=name) for name in names))
    kept: dict[str, tuple[int, str]] = {}
    after, more, minute = "", True, 1
    while more:
        answer = page(erp, after, status="open", limit=3)
        kept |= {item["order"]["id"]: (item["revision"], item["order"]["status"]) for item in answer["items"]}
        after, more = answer["cursor"], answer["more"]
        for _ in range(4):
            change = chance.choice(({"closing": CLOSED}, {"fulfilment": SHIPPED}, {"out_of_stock": True}))
            name = chance.choice([*names, f"n{minute}", f"z{minute}"])
            take(database, order(id=name, updated_at=at(minute := minute + 1), **change))
    for event in erp.get("/v1/feed", params={"after": answer["feed"], "limit": 1000}).json()["events"]:
        if int(event["revision"]) > kept.get(event["subject"], (0, ""))[0]:
            kept[event["subject"]] = int(event["revision"]), event["data"]["order"]["status"]
    with database.read() as connection:
        stored = [*names, *(f"{letter}{number}" for letter in "nz" for number in range(minute))]
        truth = {
            each.id: (each.revision, each.status)
            for each in items.find_many(connection, "order", SHOP, stored).values()
        }
    assert {name: each for name, each in kept.items() if each[1] != "closed"} == {
        name: each for name, each in truth.items() if each[1] != "closed"
    }


def test_status_and_shop_choose(erp: httpx.Client, database: Database) -> None:
    take(database, order(id="a"), order(id="b", closing=CLOSED), order(id="c", fulfilment=SHIPPED))
    take(database, order(id="d", shop_id="douyin:2"))
    assert ids(page(erp, status="open")) == ["d", "a", "c"]
    assert ids(page(erp, status=["closed", "shipped"])) == ["b", "c"]
    assert ids(page(erp, shop="douyin:2")) == ids(page(erp, channel="douyin")) == ["d"]
    assert ids(page(erp, shop="douyin:9")) == []
    for params in ({"status": "on"}, {"kind": "after_sale", "status": "shipped"}):
        refused = erp.get("/v1/snapshot", params={"kind": "order", **params})
        assert code_of(refused, 422) == "unknown_status", params
    for params in ({"kind": "shop"}, {"limit": "501"}):
        refused = erp.get("/v1/snapshot", params={"kind": "order", **params})
        assert code_of(refused, 400) == "invalid_parameter", params


def test_other_kinds_have_their_own_cursors(erp: httpx.Client, database: Database) -> None:
    take(database, order(id="a"))
    own = page(erp)["cursor"]
    for kind in ("after_sale", "listing"):
        assert erp.get("/v1/snapshot", params={"kind": kind, "status": "open"}).json()["items"] == []
        assert code_of(erp.get("/v1/snapshot", params={"kind": kind, "after": own}), 422) == "cursor_invalid"


def test_a_snapshot_that_took_too_long_is_begun_anew(erp: httpx.Client, database: Database) -> None:
    take(database, order(id="a"))
    first = page(erp, limit=1)
    take(database, order(id="b"), order(id="c"))
    with database.write() as connection:
        feed_end.expire(connection, at(10**6), 2)
    refused = erp.get("/v1/snapshot", params={"kind": "order", "after": first["cursor"]})
    assert code_of(refused, 410) == "cursor_expired"


def test_a_key_of_one_shop_gets_only_its_items(server: str, database: Database) -> None:
    take(database, order(id="a"), order(id="d", shop_id="douyin:2"))
    with database.write() as connection:
        narrow = keys.create(connection, "narrow", NOW, Grant(shops=frozenset({SHOP}))).plain
    with client(server, Authorization=f"Bearer {narrow}") as erp:
        assert ids(page(erp)) == ["a"]
        assert ids(page(erp, shop="douyin:2")) == []


def test_the_schema_of_the_data_is_published(erp: httpx.Client, database: Database) -> None:
    take(database, order(id="a"), order(id="a", updated_at=at(1), closing=CLOSED))
    events = erp.get("/v1/feed").json()["events"]
    published = {schema["$id"] for _, schema in schemas()}
    assert {event["dataschema"] for event in events} <= published
    read = [OrderData.model_validate_json(json.dumps(event["data"])) for event in events]
    assert [[change.field for change in each.changes] for each in read] == [[], ["status", "closing"]]
