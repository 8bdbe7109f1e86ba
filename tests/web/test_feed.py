"""The feed over HTTP: in order, without gaps, at once when something happens, and readable by others."""

import asyncio
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent

from core.db import Database, feed, feed_end, keys
from core.db.feed import Event
from core.db.tables import watermark
from sync.runtime import Runtime
from tests.web.conftest import DOUYIN, NOW, PINDUODUO, client, code_of, eventually, serving
from web import cursor


def append(database: Database, *numbers: int, shop: str = DOUYIN, kind: str = "order.created") -> None:
    data = json.dumps({"order": {"note": "陶瓷杯 🍵"}}, ensure_ascii=False)
    with database.write() as connection:
        feed.append(connection, [Event(kind, shop, f"o{number}", 1, NOW, data) for number in numbers])


def read(erp: httpx.Client, after: str = "", **params: Any) -> Any:
    response = erp.get("/v1/feed", params={"after": after, **params})
    assert response.status_code == 200, response.text
    return response.json()


def subjects(answer: Any) -> list[str]:
    return [event["subject"] for event in answer["events"]]


def test_pages_follow_one_another_to_the_end(erp: httpx.Client, database: Database) -> None:
    append(database, *range(5))
    seen, after, more = [], "", True
    while more:
        answer = read(erp, after, limit=2)
        seen += subjects(answer)
        after, more = answer["cursor"], answer["more"]
    assert seen == ["o0", "o1", "o2", "o3", "o4"]
    assert read(erp, after)["events"] == []
    append(database, 5)
    assert subjects(read(erp, after)) == ["o5"]


def test_now_begins_with_what_comes(erp: httpx.Client, database: Database) -> None:
    append(database, 1)
    answer = read(erp, "now")
    assert answer["events"] == []
    append(database, 2)
    assert subjects(read(erp, answer["cursor"])) == ["o2"]


def test_the_cloudevents_package_reads_our_events(erp: httpx.Client, database: Database) -> None:
    append(database, 1)
    [sent] = read(erp)["events"]
    event = JSONFormat().read(CloudEvent, json.dumps(sent))
    assert event.get_id() == "order.created/douyin:7001/o1/1"
    assert (event.get_type(), event.get_source()) == ("qudao.order.created", "/shops/douyin:7001")
    assert (event.get_subject(), event.get_time()) == ("o1", NOW)
    assert event.get_dataschema() == "urn:qudao:schema:order-event:1.2"
    assert (event.get_extension("position"), event.get_extension("revision")) == ("1", "1")
    assert event.get_data() == {"order": {"note": "陶瓷杯 🍵"}}


def test_filters_pass_over_the_rest_and_the_cursor_moves_on(erp: httpx.Client, database: Database) -> None:
    append(database, 1)
    append(database, 2, kind="shipment.accepted")
    append(database, 3, shop=PINDUODUO)
    assert subjects(read(erp, type="order.*")) == ["o1", "o3"]
    assert subjects(read(erp, type="qudao.shipment.accepted")) == ["o2"]
    assert subjects(read(erp, type=["order.created", "shipment.*"], shop=DOUYIN)) == ["o1", "o2"]
    nothing = read(erp, type="price.*")
    assert nothing["events"] == []
    assert nothing["cursor"] == read(erp)["cursor"]


def test_channels_choose_too(erp: httpx.Client, database: Database) -> None:
    append(database, 1)
    append(database, 2, shop=PINDUODUO)
    append(database, 3, shop="douyin_2:1")
    assert subjects(read(erp, channel="douyin")) == ["o1"]
    assert subjects(read(erp, channel=["douyin", "pinduoduo"])) == ["o1", "o2"]
    assert code_of(erp.get("/v1/feed", params={"channel": "douyin_2"}), 422) == "unknown_channel"


def test_a_time_is_a_beginning_too(erp: httpx.Client, database: Database) -> None:
    append(database, 1)
    with database.write() as connection:
        feed.append(connection, [Event("order.created", DOUYIN, "o2", 1, NOW + timedelta(hours=1), "{}")])
    assert subjects(read(erp, since="2026-01-01T12:00:00+08:00")) == ["o1", "o2"]
    assert subjects(read(erp, since="2026-01-01T04:00:00.000001Z")) == ["o2"]
    assert subjects(read(erp, since="0001-01-01T00:00:00+14:00")) == ["o1", "o2"]
    assert subjects(read(erp, since="9999-12-31T23:59:59-12:00")) == []
    assert (
        code_of(erp.get("/v1/feed", params={"since": "2026-01-01T00:00:00Z", "after": "now"}), 422)
        == "cursor_and_since"
    )
    for wrong in ("2026-01-01", "2026-01-01T00:00:00", "yesterday"):
        assert code_of(erp.get("/v1/feed", params={"since": wrong}), 400) == "invalid_parameter", wrong


def test_what_is_not_kept_any_more_is_told(erp: httpx.Client, database: Database) -> None:
    append(database, 1, 2, 3)
    early, late = (read(erp, limit=number)["cursor"] for number in (1, 2))
    with database.write() as connection:
        assert feed_end.expire(connection, NOW + timedelta(days=1), 2) == 2
    assert subjects(read(erp)) == subjects(read(erp, late)) == ["o3"]
    assert code_of(erp.get("/v1/feed", params={"after": early}), 410) == "cursor_expired"
    assert code_of(erp.get("/v1/feed", params={"since": NOW.isoformat()}), 410) == "cursor_expired"
    assert code_of(erp.get("/v1/feed/stream", headers={"Last-Event-ID": early}), 410) == "cursor_expired"


def lines(erp: httpx.Client, after: str = "", **params: Any) -> tuple[list[Any], Any]:
    """Events and the line that ends them."""
    headers = {"Accept": "application/x-ndjson"}
    response = erp.get("/v1/feed", params={"after": after, **params}, headers=headers)
    assert (response.status_code, response.headers["content-type"]) == (200, "application/x-ndjson"), response.text
    *events, control = [json.loads(line) for line in response.iter_lines()]
    return events, control


def test_lines_tell_the_same_as_pages(erp: httpx.Client, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.feed.CHUNK", 7)
    append(database, *range(20))
    whole = read(erp)
    events, control = lines(erp)
    assert events == whole["events"]
    assert control == {name: whole[name] for name in ("cursor", "complete_through", "more")}
    events, control = lines(erp, limit=10)
    assert ([event["subject"] for event in events], control["more"]) == ([f"o{number}" for number in range(10)], True)
    rest, control = lines(erp, control["cursor"], limit=10)
    assert ([event["subject"] for event in rest], control["more"]) == (
        [f"o{number}" for number in range(10, 20)],
        False,
    )
    assert lines(erp, control["cursor"]) == ([], control)
    refused = erp.get("/v1/feed", params={"after": "x"}, headers={"Accept": "application/x-ndjson"})
    assert code_of(refused, 422) == "cursor_invalid"


def test_lines_wait_too(erp: httpx.Client, database: Database) -> None:
    threading.Timer(0.3, append, (database, 1)).start()
    events, _ = lines(erp, wait=10)
    assert [event["subject"] for event in events] == ["o1"]


def test_a_line_is_one_whatever_stands_in_it(erp: httpx.Client, database: Database) -> None:
    note = "one\u2028two\u2029three\x85four"
    with database.write() as connection:
        data = json.dumps({"note": note}, ensure_ascii=False)
        feed.append(connection, [Event("order.created", DOUYIN, "o\u2028", 1, NOW, data)])
    [event], _ = lines(erp)
    assert (event["data"]["note"], event["subject"]) == (note, "o\u2028")


@dataclass
class Sent:
    """One server-sent event."""

    id: str = ""
    event: str = ""
    data: Any = None


def follow(erp: httpx.Client, number: int, headers: dict[str, str] | None = None, **params: Any) -> list[Sent]:
    """The next few server-sent events."""
    found, sent = [], Sent()
    with erp.stream("GET", "/v1/feed/stream", params=params, headers=headers) as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        for line in response.iter_lines():
            field, _, value = line.partition(": ")
            if field in ("id", "event"):
                setattr(sent, field, value)
            elif field == "data":
                sent.data = json.loads(value)
            elif not line and sent.data is not None:
                found.append(sent)
                sent = Sent()
            if len(found) == number:
                break
    return found


def test_a_stream_tells_each_event_with_its_cursor(erp: httpx.Client, database: Database) -> None:
    append(database, 1, 2)
    threading.Timer(0.5, append, (database, 3)).start()
    first, second, mark, third = follow(erp, 4)
    assert [each.data["subject"] for each in (first, second, third)] == ["o1", "o2", "o3"]
    assert (first.event, mark.event, mark.data) == ("qudao.order.created", "watermark", {"complete_through": {}})
    assert subjects(read(erp, second.id)) == subjects(read(erp, mark.id)) == ["o3"]


def test_a_stream_goes_on_where_its_reader_was(erp: httpx.Client, database: Database) -> None:
    append(database, 1, 2, 3)
    [first] = follow(erp, 1)
    assert [each.data["subject"] for each in follow(erp, 2, {"Last-Event-ID": first.id})] == ["o2", "o3"]
    assert follow(erp, 1, {"Last-Event-ID": first.id}, after="now", shop=DOUYIN)[0].data["subject"] == "o2"
    assert follow(erp, 1, type="price.*")[0].event == "watermark"
    assert code_of(erp.get("/v1/feed/stream", headers={"Last-Event-ID": "x"}), 422) == "cursor_invalid"


def test_a_silent_stream_is_kept_alive(erp: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.stream.KEEP_ALIVE_SECONDS", 0.2)
    assert [each.event for each in follow(erp, 3)] == ["watermark"] * 3


def test_a_stream_ends_with_the_server(runtime: Runtime, key: str) -> None:
    with ThreadPoolExecutor(1) as pool, ExitStack() as kept:
        with serving(runtime) as url:
            erp = kept.enter_context(client(url, Authorization=f"Bearer {key}"))
            reading = pool.submit(everything_of_a_stream, erp)
            assert not wait([reading], 0.5).done
            began = time.monotonic()
        assert "watermark" in reading.result()
        assert time.monotonic() - began < 3


def everything_of_a_stream(erp: httpx.Client) -> str:
    """Until it ends as it should; one that is cut raises."""
    with erp.stream("GET", "/v1/feed/stream") as response:
        return "".join(response.iter_text())


def test_a_stream_and_a_waiting_reader_end_with_their_key(erp: httpx.Client, key: str, database: Database) -> None:
    def revoke() -> None:
        with database.write() as connection:
            assert keys.revoke(connection, key[:11], NOW)

    threading.Timer(0.5, revoke).start()
    began = time.monotonic()
    assert "watermark" in everything_of_a_stream(erp)
    assert 0.4 < time.monotonic() - began < 3
    assert code_of(erp.get("/v1/feed", params={"wait": 10}), 401) == "key_invalid"


def test_how_far_every_shop_is_complete(erp: httpx.Client, database: Database) -> None:
    with database.write() as connection:
        for shop in (DOUYIN, PINDUODUO):
            row = {"shop_id": shop, "stream": "orders", "complete_through": NOW, "next_at": NOW}
            connection.execute(sa.insert(watermark).values(row))
    assert read(erp)["complete_through"] == {DOUYIN: "2026-01-01T04:00:00Z", PINDUODUO: "2026-01-01T04:00:00Z"}
    assert set(read(erp, shop=DOUYIN)["complete_through"]) == {DOUYIN}


def test_a_cursor_from_the_future_is_refused(erp: httpx.Client, database: Database) -> None:
    append(database, 1)
    for position in (2, 2**80):
        ahead = erp.get("/v1/feed", params={"after": cursor.encode("feed", position)})
        assert code_of(ahead, 422) == "cursor_ahead"


def test_what_is_no_cursor_is_refused(erp: httpx.Client) -> None:
    own = cursor.encode("feed", 1)
    strange = [cursor.encode("orders", "a", "b", "c"), *(cursor.encode("feed", place) for place in (-1, "1", True))]
    for after in ("1", "garbage", "游标", own[:-2], own[:-1] + "!", own + "A", *strange):
        assert code_of(erp.get("/v1/feed", params={"after": after}), 422) == "cursor_invalid", after


def test_bad_questions_have_their_codes(erp: httpx.Client) -> None:
    for params in (
        {"limit": 0},
        {"limit": 10_001},
        {"limit": "x"},
        {"wait": 31},
        {"wait": "nan"},
        {"since": "1"},
        {"until": "1"},
    ):
        refused = erp.get("/v1/feed", params=params)
        assert code_of(refused, 400) == "invalid_parameter"
        assert refused.json()["errors"][0]["pointer"] == next(iter(params))
    for kind in ("orders.created", "order", "order.", "order.nope", "*", "order.*.*"):
        assert code_of(erp.get("/v1/feed", params={"type": kind}), 422) == "unknown_event_type"


def test_waiting_ends_with_an_empty_answer(erp: httpx.Client) -> None:
    began = time.monotonic()
    assert read(erp, wait=0.3)["events"] == []
    assert 0.3 <= time.monotonic() - began < 2


def test_an_announced_event_reaches_a_waiting_reader_at_once(
    erp: httpx.Client, database: Database, runtime: Runtime
) -> None:
    assert eventually(lambda: erp.get("/readyz").json()["redis"] == "ok")
    began = 0.0

    def happen() -> None:
        nonlocal began
        append(database, 1)
        runtime.bells.announce_feed()
        began = time.monotonic()

    threading.Timer(0.3, happen).start()
    assert subjects(read(erp, wait=10)) == ["o1"]
    assert time.monotonic() - began < 0.5


def test_an_event_whose_announcement_is_lost_is_seen_soon(erp: httpx.Client, database: Database) -> None:
    threading.Timer(0.3, append, (database, 1)).start()
    began = time.monotonic()
    assert subjects(read(erp, wait=10)) == ["o1"]
    assert time.monotonic() - began < 3


def test_a_waiting_reader_passes_over_what_it_did_not_ask_for(erp: httpx.Client, database: Database) -> None:
    threading.Timer(0.2, append, (database, 1)).start()
    threading.Timer(0.6, append, (database, 2), {"kind": "price.accepted"}).start()
    assert subjects(read(erp, wait=10, type="price.*")) == ["o2"]


def test_many_waiting_readers_get_the_same_answer(server: str, key: str, database: Database, runtime: Runtime) -> None:
    async def all_of_them(count: int) -> set[bytes]:
        limits = httpx.Limits(max_connections=count)
        headers = {"Authorization": f"Bearer {key}"}
        async with httpx.AsyncClient(base_url=server, headers=headers, limits=limits, timeout=30) as client:
            waiting = [asyncio.create_task(client.get("/v1/feed", params={"wait": 20})) for _ in range(count)]
            await asyncio.sleep(1)
            append(database, 1)
            runtime.bells.announce_feed()
            return {answer.content for answer in await asyncio.gather(*waiting)}

    [answer] = asyncio.run(all_of_them(100))
    assert subjects(json.loads(answer)) == ["o1"]


def test_readers_see_every_event_once_and_in_order_while_others_write(
    erp: httpx.Client, database: Database, runtime: Runtime
) -> None:
    writers, events = 4, 25

    def write(writer: int) -> None:
        for number in range(events):
            append(database, writer * 1000 + number)
            runtime.bells.announce_feed()

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(writers)]
    for thread in threads:
        thread.start()
    seen: list[str] = []
    after = ""
    while len(seen) < writers * events:
        answer = read(erp, after, wait=5, limit=7)
        assert answer["events"], "events are missing"
        seen += subjects(answer)
        after = answer["cursor"]
    for thread in threads:
        thread.join()
    assert len(set(seen)) == writers * events
    for writer in range(writers):
        own = [int(name[1:]) % 1000 for name in seen if int(name[1:]) // 1000 == writer]
        assert own == list(range(events))


def test_instants_are_rfc_3339_in_utc(erp: httpx.Client, database: Database) -> None:
    with database.write() as connection:
        later = NOW + timedelta(microseconds=1500)
        feed.append(connection, [Event("shop.paused", DOUYIN, DOUYIN, 1, later, "{}")])
    [event] = read(erp)["events"]
    assert event["time"] == "2026-01-01T04:00:00.001500Z"
    assert "dataschema" not in event
