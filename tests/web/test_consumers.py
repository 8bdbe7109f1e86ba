"""Named readers: their place moves by acknowledgement, forward only, and belongs to the shops of their key."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from core.db import Database, feed, feed_end, keys
from core.db.feed import Event
from core.db.keys import Grant
from sync.runtime import Runtime
from tests.web.conftest import DOUYIN, NOW, PINDUODUO, client, code_of, connect
from web import cursor


def append(database: Database, *numbers: int, shop: str = DOUYIN, kind: str = "order.created") -> None:
    with database.write() as connection:
        feed.append(connection, [Event(kind, shop, f"o{number}", 1, NOW, "{}") for number in numbers])


def put(erp: httpx.Client, name: str = "erp", **body: Any) -> Any:
    answer = erp.put(f"/v1/consumers/{name}", json=body)
    assert answer.status_code in (200, 201), answer.text
    return answer.json()


def read(erp: httpx.Client, name: str = "erp", **params: Any) -> Any:
    answer = erp.get(f"/v1/consumers/{name}/events", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def ack(erp: httpx.Client, text: str, name: str = "erp") -> httpx.Response:
    return erp.post(f"/v1/consumers/{name}/ack", json={"cursor": text})


def subjects(answer: Any) -> list[str]:
    return [event["subject"] for event in answer["events"]]


@pytest.fixture
def shops(runtime: Runtime) -> None:
    connect(runtime, DOUYIN)
    connect(runtime, PINDUODUO, app_key="another")


def test_nothing_is_passed_before_it_is_acknowledged(erp: httpx.Client, database: Database) -> None:
    append(database, 1, 2, 3)
    assert put(erp)["lag"] == 3
    first = read(erp, limit=2)
    assert (subjects(first), first["more"]) == (["o1", "o2"], True)
    assert read(erp, limit=2) == first
    assert ack(erp, first["cursor"]).json() == {"cursor": first["cursor"], "moved": True}
    rest = read(erp)
    assert (subjects(rest), rest["more"]) == (["o3"], False)
    assert ack(erp, rest["cursor"]).json()["moved"]
    assert (read(erp)["events"], erp.get("/v1/consumers/erp").json()["lag"]) == ([], 0)


def test_an_acknowledgement_moves_forward_only_and_may_be_repeated(erp: httpx.Client, database: Database) -> None:
    append(database, 1, 2)
    put(erp)
    early, late = read(erp, limit=1)["cursor"], read(erp)["cursor"]
    assert ack(erp, late).json() == {"cursor": late, "moved": True}
    assert ack(erp, late).json() == {"cursor": late, "moved": False}
    assert ack(erp, early).json() == {"cursor": late, "moved": False}


def test_a_cursor_that_was_never_given_is_refused(erp: httpx.Client, database: Database) -> None:
    append(database, 1)
    put(erp)
    put(erp, "other")
    given = read(erp)["cursor"]
    strange = [read(erp, "other")["cursor"], erp.get("/v1/feed").json()["cursor"], given[:-3], "now", "x"]
    for text in strange:
        assert code_of(ack(erp, text), 422) == "cursor_invalid", text
    name, epoch, position = cursor.decode("consumer", given)
    assert isinstance(position, int)
    assert code_of(ack(erp, cursor.encode("consumer", name, epoch, position + 1)), 422) == "cursor_ahead"
    erp.delete("/v1/consumers/erp")
    put(erp)
    assert code_of(ack(erp, given), 422) == "cursor_invalid", "it was another consumer's of the same name"


def test_it_begins_where_it_was_asked_to(erp: httpx.Client, database: Database) -> None:
    append(database, 1)
    here = erp.get("/v1/feed").json()["cursor"]
    with database.write() as connection:
        later = NOW + timedelta(hours=1)
        feed.append(connection, [Event("order.created", DOUYIN, f"o{number}", 1, later, "{}") for number in (2, 3)])
    starts = {"beginning": ["o1", "o2", "o3"], "now": [], here: ["o2", "o3"], later.isoformat(): ["o2", "o3"]}
    for number, (start, expected) in enumerate(starts.items()):
        put(erp, f"c{number}", start=start)
        assert subjects(read(erp, f"c{number}")) == expected, start
    for start in ("", "yesterday", "2026-01-01", "\0", cursor.encode("feed", -1)):
        assert code_of(erp.put("/v1/consumers/x", json={"start": start}), 422) == "cursor_invalid", start
    ahead = erp.put("/v1/consumers/x", json={"start": cursor.encode("feed", 99)})
    assert code_of(ahead, 422) == "cursor_ahead"


def test_making_it_twice_keeps_its_place(erp: httpx.Client, database: Database, shops: None) -> None:
    append(database, 1)
    assert erp.put("/v1/consumers/erp", json={"start": "now"}).status_code == 201
    append(database, 2)
    again = erp.put("/v1/consumers/erp", json={"start": "now", "shop": [DOUYIN]})
    assert (again.status_code, again.json()["shop"]) == (200, [DOUYIN])
    assert subjects(read(erp)) == ["o2"]
    assert code_of(erp.put("/v1/consumers/erp", json={"start": "beginning"}), 409) == "consumer_exists"


def test_it_reads_what_it_chose(erp: httpx.Client, database: Database, shops: None) -> None:
    append(database, 1)
    append(database, 2, shop=PINDUODUO)
    append(database, 3, kind="price.accepted")
    put(erp, "types", type=["price.*"])
    put(erp, "shops", shop=[PINDUODUO])
    put(erp, "channels", channel=["douyin"])
    assert [subjects(read(erp, name)) for name in ("types", "shops", "channels")] == [["o3"], ["o2"], ["o1", "o3"]]
    listed = {each["name"]: each["lag"] for each in erp.get("/v1/consumers").json()["items"]}
    assert listed == {"types": 1, "shops": 1, "channels": 2}


def test_bad_bodies_and_names_have_their_codes(erp: httpx.Client, shops: None) -> None:
    for body, status, code in (
        ({"start": 1}, 422, "invalid_body"),
        ({"limit": 1}, 422, "invalid_body"),
        ({"type": ["order"]}, 422, "unknown_event_type"),
        ({"channel": ["ebay"]}, 422, "unknown_channel"),
        ({"shop": ["douyin:1"]}, 422, "unknown_shop"),
    ):
        assert code_of(erp.put("/v1/consumers/x", json=body), status) == code, body
    assert code_of(erp.put("/v1/consumers/a%20b", json={}), 400) == "invalid_parameter"
    for response in (erp.get("/v1/consumers/x"), erp.get("/v1/consumers/x/events"), erp.delete("/v1/consumers/x")):
        assert code_of(response, 404) == "unknown_consumer"
    assert code_of(ack(erp, "x", "x"), 404) == "unknown_consumer"


def test_a_key_of_one_shop_knows_only_its_consumers(
    erp: httpx.Client, server: str, database: Database, shops: None
) -> None:
    append(database, 1)
    append(database, 2, shop=PINDUODUO)
    put(erp, "all")
    with database.write() as connection:
        narrow = keys.create(connection, "narrow", NOW, Grant(shops=frozenset({DOUYIN}))).plain
    with client(server, Authorization=f"Bearer {narrow}") as other:
        assert code_of(other.get("/v1/consumers/all"), 404) == "unknown_consumer"
        assert code_of(other.put("/v1/consumers/all", json={}), 409) == "consumer_exists"
        assert code_of(other.put("/v1/consumers/x", json={"shop": [PINDUODUO]}), 422) == "unknown_shop"
        assert put(other, "own")["shop"] == [DOUYIN]
        assert subjects(read(other, "own")) == ["o1"]
        assert [each["name"] for each in other.get("/v1/consumers").json()["items"]] == ["own"]
        for path in ("/v1/feed", f"/v1/feed?shop={PINDUODUO}&shop={DOUYIN}"):
            assert subjects(other.get(path).json()) == ["o1"]
        answer = other.get("/v1/feed", params={"shop": PINDUODUO}).json()
        assert (answer["events"], answer["complete_through"]) == ([], {})


def test_one_that_was_left_behind_says_so(erp: httpx.Client, database: Database) -> None:
    append(database, 1, 2, 3)
    put(erp)
    with database.write() as connection:
        assert feed_end.expire(connection, NOW + timedelta(days=1), 2) == 2
    assert erp.get("/v1/consumers/erp").json()["expired"]
    assert code_of(erp.get("/v1/consumers/erp/events"), 410) == "cursor_expired"
    put(erp, "new")
    assert subjects(read(erp, "new")) == ["o3"]
