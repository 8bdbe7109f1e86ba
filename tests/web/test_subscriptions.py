"""Subscriptions over HTTP: made, shown, changed, tried, recovered; and what is refused."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis
from standardwebhooks.webhooks import Webhook

from core.access import KeyScope
from core.db import Database, feed, keys, subscriptions
from core.db.feed import Event
from core.db.keys import Grant
from core.settings import Settings
from sync import webhooks
from sync.runtime import Runtime
from tests.sync.webhook_target import OK, Answer, Target, target
from tests.vault import VAULT
from tests.web.conftest import DOUYIN, PINDUODUO, client, code_of, connect, eventually

SUBSCRIPTIONS = "/v1/subscriptions"
LOCAL: Any = "127.0.0.0/8"


@pytest.fixture
def runtime(database: Database, redis_url: str, tmp_path: Path) -> Iterator[Runtime]:
    settings = Settings(data_dir=tmp_path, redis_url=redis_url, webhook_allow_networks=LOCAL)
    opened = Runtime(settings, database, VAULT, redis.Redis.from_url(redis_url))
    yield opened
    opened.redis.close()


@pytest.fixture
def there() -> Iterator[Target]:
    with target() as running:
        yield running


def happen(runtime: Runtime, *names: str, shop: str = DOUYIN) -> None:
    now = runtime.clock.now()
    with runtime.database.write() as connection:
        head = feed.head(connection)
        events = [Event("order.updated", shop, name, head + 1 + n, now, "{}") for n, name in enumerate(names)]
        feed.append(connection, events)


def send(runtime: Runtime) -> None:
    with runtime.database.read() as connection:
        due = subscriptions.needing_work(connection, runtime.clock.now(), feed.head(connection))
    for identity in due:
        asyncio.run(webhooks.drain(runtime, identity))


def make(erp: httpx.Client, url: str, **filters: Any) -> Any:
    response = erp.post(SUBSCRIPTIONS, json={"url": url, **filters})
    assert response.status_code == 201, response.text
    return response.json()


def deliveries(erp: httpx.Client, identity: str, **params: Any) -> Any:
    response = erp.get(f"{SUBSCRIPTIONS}/{identity}/deliveries", params=params)
    assert response.status_code == 200, response.text
    return response.json()


def test_a_subscription_is_made_and_its_secret_shown_once(erp: httpx.Client, runtime: Runtime, there: Target) -> None:
    connect(runtime, DOUYIN)
    made = make(erp, there.url, type=["order.*", "qudao.price.accepted"], shop=[DOUYIN], channel=["douyin"])
    assert made["secret"].startswith("whsec_")
    shown = erp.get(f"{SUBSCRIPTIONS}/{made['id']}").json()
    assert shown == {name: value for name, value in made.items() if name != "secret"}
    assert shown["type"] == ["qudao.order.*", "qudao.price.accepted"]
    assert (shown["state"], shown["waiting"], shown["behind"]) == ("active", 0, 0)
    assert erp.get(SUBSCRIPTIONS).json() == {"items": [shown]}
    assert made["secret"] not in erp.get(SUBSCRIPTIONS).text


def test_events_arrive_and_the_log_tells(erp: httpx.Client, runtime: Runtime, there: Target) -> None:
    made = make(erp, there.url)
    happen(runtime, "o1", "o2", "o3")
    there.decide = lambda got: Answer(500, b"no shelf for o2") if got.object == "o2" else OK
    send(runtime)
    for got in there.got:
        Webhook(made["secret"]).verify(got.body, dict(got.headers))
    page = deliveries(erp, made["id"], limit=2)
    assert page["more"]
    rest = deliveries(erp, made["id"], limit=2, after=page["cursor"])
    assert not rest["more"]
    assert deliveries(erp, made["id"], after=rest["cursor"])["items"] == []
    found = page["items"] + rest["items"]
    assert [each["state"] for each in found] == ["delivered", "due", "delivered"]
    stuck = found[1]
    assert (stuck["event_id"].split("/")[2], stuck["tries"]) == ("o2", 1)
    assert [(each["status"], each["error"], each["response"]) for each in stuck["attempts"]] == [
        (500, "status", "no shelf for o2")
    ]
    assert [each["id"] for each in deliveries(erp, made["id"], state="due")["items"]] == [stuck["id"]]
    there.decide = lambda _: OK
    resent = erp.post(f"{SUBSCRIPTIONS}/{made['id']}/deliveries/{stuck['id']}:resend")
    assert (resent.status_code, resent.json()["state"]) == (200, "due")
    send(runtime)
    assert deliveries(erp, made["id"], state="due")["items"] == []


def test_a_subscription_is_changed_in_part(erp: httpx.Client, runtime: Runtime, there: Target) -> None:
    connect(runtime, DOUYIN)
    made = make(erp, there.url, type=["order.*"])
    path = f"{SUBSCRIPTIONS}/{made['id']}"
    changed = erp.patch(path, json={"shop": [DOUYIN]}).json()
    assert (changed["url"], changed["type"], changed["shop"]) == (there.url, ["qudao.order.*"], [DOUYIN])
    changed = erp.patch(path, json={"url": there.url + "/2", "type": [], "shop": None}).json()
    assert (changed["url"], changed["type"], changed["shop"]) == (there.url + "/2", [], [DOUYIN])


def test_pause_resume_skip_recover_and_test(erp: httpx.Client, runtime: Runtime, there: Target) -> None:
    identity = make(erp, there.url)["id"]
    path = f"{SUBSCRIPTIONS}/{identity}"
    since = datetime.now(UTC) - timedelta(seconds=1)
    assert erp.post(f"{path}:pause").json()["state"] == "paused"
    assert code_of(erp.post(f"{path}/test"), 409) == "subscription_inactive"
    happen(runtime, "o1")
    send(runtime)
    resumed = erp.post(f"{path}:resume", params={"skip": True}).json()
    assert (resumed["state"], resumed["behind"]) == ("active", 0)
    tested = erp.post(f"{path}/test").json()["event_id"]
    send(runtime)
    assert [got.event["id"] for got in there.got] == [tested]
    assert erp.post(f"{path}:recover", json={"since": since.isoformat()}).json() == {"again": 0}
    send(runtime)
    assert [got.object for got in there.got] == [identity, "o1"]


def test_a_rotated_secret_is_shown_once_and_both_sign(erp: httpx.Client, runtime: Runtime, there: Target) -> None:
    made = make(erp, there.url)
    path = f"{SUBSCRIPTIONS}/{made['id']}"
    rotated = erp.post(f"{path}/secret:rotate", params={"keep_hours": 2}).json()
    shown = erp.get(path).json()
    assert shown["previous_secret_until"] == rotated["previous_secret_until"]
    happen(runtime, "o1")
    send(runtime)
    for secret in (made["secret"], rotated["secret"]):
        Webhook(secret).verify(there.got[0].body, dict(there.got[0].headers))


def test_a_removed_one_is_gone_with_its_log(erp: httpx.Client, runtime: Runtime, there: Target) -> None:
    identity = make(erp, there.url)["id"]
    happen(runtime, "o1")
    send(runtime)
    path = f"{SUBSCRIPTIONS}/{identity}"
    assert erp.delete(path).status_code == 204
    for answer in (
        erp.get(path),
        erp.delete(path),
        erp.patch(path, json={}),
        erp.get(f"{path}/deliveries"),
        erp.post(f"{path}:pause"),
        erp.post(f"{path}:resume"),
        erp.post(f"{path}/test"),
        erp.post(f"{path}/secret:rotate"),
        erp.post(f"{path}:recover", json={"since": datetime.now(UTC).isoformat()}),
        erp.post(f"{path}/deliveries/1:resend"),
    ):
        assert code_of(answer, 404) == "unknown_subscription", answer.request.url
    with runtime.database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM delivery").scalar_one() == 0


INSIDE = (
    "https://10.0.0.1/hook",
    "https://169.254.169.254/latest/meta-data",
    "https://[::1]/hook",
    "https://[::ffff:10.0.0.1]/hook",
    "https://224.0.0.1/hook",
    "https://0.0.0.0/hook",
    "https://192.168.1.1:8443/hook",
    "http://8.8.8.8/hook",
    "https://user:word@8.8.8.8/hook",
    "https://8.8.8.8:22/hook",
    "https://8.8.8.8/hook#part",
    "https://8.8.8.8:99999/hook",
    "https://8.8.8.8:0/hook",
)


def test_a_target_inside_is_refused(erp: httpx.Client, there: Target) -> None:
    identity = make(erp, there.url)["id"]
    for url in INSIDE:
        assert code_of(erp.post(SUBSCRIPTIONS, json={"url": url}), 422) == "target_refused", url
        assert code_of(erp.patch(f"{SUBSCRIPTIONS}/{identity}", json={"url": url}), 422) == "target_refused", url


def test_what_does_not_exist_cannot_be_asked_for(erp: httpx.Client, there: Target) -> None:
    for body, status, code in (
        ({"type": ["orders.created"]}, 422, "unknown_event_type"),
        ({"type": ["order.nope"]}, 422, "unknown_event_type"),
        ({"shop": ["douyin:none"]}, 422, "unknown_shop"),
        ({"channel": ["amazon"]}, 422, "unknown_channel"),
        ({"types": []}, 422, "invalid_body"),
        ({"url": "ftp://erp.example"}, 422, "invalid_body"),
        ({"url": None}, 422, "invalid_body"),
        ({"shop": "douyin:1"}, 422, "invalid_body"),
    ):
        assert code_of(erp.post(SUBSCRIPTIONS, json={"url": there.url, **body}), status) == code, body
    identity = make(erp, there.url)["id"]
    path = f"{SUBSCRIPTIONS}/{identity}"
    for answer, status, code in (
        (erp.post(f"{path}:recover", json={"since": "2020-01-01T00:00:00Z"}), 422, "too_long_ago"),
        (erp.post(f"{path}:recover", json={"since": "yesterday"}), 422, "invalid_body"),
        (erp.post(f"{path}:recover", json={"since": "9999-12-31T23:59:59-12:00"}), 200, ""),
        (erp.post(f"{path}:recover"), 415, "unsupported_media_type"),
        (erp.post(f"{path}/deliveries/99:resend"), 404, "unknown_delivery"),
        (erp.post(f"{path}/deliveries/x:resend"), 400, "invalid_parameter"),
        (erp.get(f"{path}/deliveries", params={"state": "lost"}), 400, "invalid_parameter"),
        (erp.get(f"{path}/deliveries", params={"after": "x"}), 422, "cursor_invalid"),
        (erp.post(f"{path}/secret:rotate", params={"keep_hours": 169}), 400, "invalid_parameter"),
        (erp.get(f"{SUBSCRIPTIONS}/sub~1"), 404, "not_found"),
        (erp.patch(f"{path}:pause", json={}), 405, "method_not_allowed"),
    ):
        assert answer.status_code == status
        assert not code or code_of(answer, status) == code, answer.request.url


def test_a_key_of_some_shops_has_subscriptions_of_its_own(
    erp: httpx.Client, server: str, runtime: Runtime, there: Target
) -> None:
    connect(runtime, DOUYIN)
    connect(runtime, PINDUODUO)
    wide = make(erp, there.url)["id"]
    with runtime.database.write() as connection:
        grant = Grant(frozenset({KeyScope.SUBSCRIPTIONS_WRITE}), frozenset({PINDUODUO}))
        narrow = keys.create(connection, "warehouse", runtime.clock.now(), grant).plain
    with client(server, Authorization=f"Bearer {narrow}") as theirs:
        assert theirs.get(SUBSCRIPTIONS).json() == {"items": []}
        assert code_of(theirs.get(f"{SUBSCRIPTIONS}/{wide}"), 404) == "unknown_subscription"
        body = {"url": there.url, "shop": [DOUYIN]}
        assert code_of(theirs.post(SUBSCRIPTIONS, json=body), 422) == "unknown_shop"
        own = make(theirs, there.url + "/own")["id"]
        happen(runtime, "o1")
        happen(runtime, "o2", shop=PINDUODUO)
        erp.delete(f"{SUBSCRIPTIONS}/{wide}")
        send(runtime)
        assert [got.object for got in there.got] == ["o2"]
        assert [each["id"] for each in theirs.get(SUBSCRIPTIONS).json()["items"]] == [own]


def test_a_key_without_the_scope_is_refused(server: str, runtime: Runtime) -> None:
    with runtime.database.write() as connection:
        grant = Grant(frozenset({KeyScope.FEED_READ}))
        other = keys.create(connection, "reader", runtime.clock.now(), grant).plain
    with client(server, Authorization=f"Bearer {other}") as reader:
        assert code_of(reader.get(SUBSCRIPTIONS), 403) == "scope_missing"
        assert code_of(reader.post(SUBSCRIPTIONS, json={"url": "https://erp.example/"}), 403) == "scope_missing"


def test_a_name_that_does_not_resolve_yet_is_taken(erp: httpx.Client) -> None:
    assert make(erp, "https://erp.invalid/hook")["state"] == "active"
    assert eventually(lambda: len(erp.get(SUBSCRIPTIONS).json()["items"]) == 1)
