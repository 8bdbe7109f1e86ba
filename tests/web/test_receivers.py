"""Receivers in plain text over the API, the simulated platforms behind it: audited first, shown once, kept nowhere."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from connectors import CHANNELS as REGISTRY
from core.access import KeyScope
from core.channel import Capability, Support
from core.db import Database, audit, keys
from core.db.keys import Grant
from core.db.tables import metadata
from sandbox.model import Order
from tests.engine import Engine
from tests.engine import engine as running
from tests.web.conftest import client, code_of, serving

CHANNELS = ("pinduoduo", "douyin", "taobao", "jd")
REASON = "the waybill printer asks for it"


@pytest.fixture
def engine(database: Database, redis_url: str, tmp_path: Path) -> Iterator[Engine]:
    with running(database, redis_url, tmp_path, channels=CHANNELS) as started:
        started.settle()
        yield started


@pytest.fixture
def erp(engine: Engine) -> Iterator[httpx.Client]:
    scopes = frozenset({KeyScope.RECEIVERS_REVEAL, KeyScope.RECEIVERS_SEARCH})
    with engine.runtime.database.write() as connection:
        made = keys.create(connection, "warehouse", engine.runtime.clock.now(), Grant(scopes=scopes))
    with serving(engine.runtime) as url, client(url, Authorization=f"Bearer {made.plain}") as opened:
        yield opened


def place(engine: Engine, channel: str) -> Order:
    order = engine.world.place(engine.world.shop(channel), variant="plain", restock=True)
    engine.run(60, step=30)
    return order


def reveal(erp: httpx.Client, engine: Engine, channel: str, order_id: str, **changes: Any) -> httpx.Response:
    body = {"shop": engine.shops[channel], "purpose": "ship", "reason": REASON} | changes
    return erp.post(f"/v1/orders/{order_id}/receiver:reveal", json=body)


def search(erp: httpx.Client, engine: Engine, channel: str, **changes: Any) -> httpx.Response:
    now = engine.runtime.clock.now()
    span = {"since": (now - timedelta(days=1)).isoformat(), "until": now.isoformat()}
    return erp.post("/v1/receivers:search", json={"shop": engine.shops[channel], "reason": REASON} | span | changes)


def book(engine: Engine) -> list[audit.Entry]:
    with engine.runtime.database.read() as connection:
        return audit.page(connection, limit=100)


def test_a_receiver_is_shown_once_and_kept_nowhere(engine: Engine, erp: httpx.Client) -> None:
    for channel in CHANNELS:
        order = place(engine, channel)
        with capture_logs() as logs:
            shown = reveal(erp, engine, channel, order.order_id)
        assert shown.status_code == 200, (channel, shown.text)
        assert shown.headers["cache-control"] == "no-store"
        assert shown.json()["name"] == order.buyer.name, channel
        assert order.buyer.name not in str(logs)
        written = book(engine)[-1]
        assert (written.action, written.shop_id, written.object_id) == (
            "receivers:reveal", engine.shops[channel], order.order_id,
        )  # fmt: skip
        assert (written.purpose, written.reason, written.outcome) == ("ship", REASON, "allowed")
        with engine.runtime.database.read() as connection:
            for table in metadata.sorted_tables:
                assert order.buyer.name not in str(connection.execute(sa.select(table)).all()), table.name


def test_orders_are_found_by_their_receiver(engine: Engine, erp: httpx.Client) -> None:
    for channel in CHANNELS:
        order = place(engine, channel)
        for who in ({"phone": order.buyer.phone}, {"name": order.buyer.name}):
            with capture_logs() as logs:
                found = search(erp, engine, channel, **who)
            assert found.status_code == 200, (channel, found.text)
            assert order.order_id in found.json()["orders"], channel
            assert found.headers["cache-control"] == "no-store"
            [value] = who.values()
            assert value not in str(logs) + str(book(engine))
        assert [row.action for row in book(engine)[-2:]] == ["receivers:search"] * 2


def test_what_is_not_here_is_refused(engine: Engine, erp: httpx.Client) -> None:
    order = place(engine, "douyin")
    assert code_of(reveal(erp, engine, "douyin", "0"), 404) == "unknown_order"
    assert code_of(reveal(erp, engine, "douyin", order.order_id, shop="douyin:0"), 422) == "unknown_shop"
    assert code_of(search(erp, engine, "douyin", phone="13800000000", shop="jd:0"), 422) == "unknown_shop"
    assert book(engine) == [], "nothing was asked of a channel"


def test_what_the_channel_cannot_do_is_said_at_once(
    engine: Engine, erp: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = place(engine, "jd")
    cannot = {Capability.REVEAL: Support.ABSENT, Capability.FIND_ORDERS: Support.ABSENT}
    adapter = REGISTRY["jd"]
    unable = replace(adapter.channel, capabilities={**adapter.channel.capabilities, **cannot})
    monkeypatch.setitem(REGISTRY, "jd", replace(adapter, channel=unable))
    assert code_of(reveal(erp, engine, "jd", order.order_id), 422) == "not_supported_here"
    assert code_of(search(erp, engine, "jd", phone="13800000000"), 422) == "not_supported_here"
    assert book(engine) == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"purpose": "curiosity"}, "invalid_body"),
        ({"reason": ""}, "invalid_body"),
        ({"reason": "call 13800000000"}, "reason_holds_personal_data"),
        ({"more": 1}, "invalid_body"),
    ],
)
def test_a_reveal_says_what_for(engine: Engine, erp: httpx.Client, changes: dict[str, Any], code: str) -> None:
    assert code_of(reveal(erp, engine, "douyin", "1", **changes), 422) == code
    assert book(engine) == []


def test_a_search_is_for_one_value_in_some_time(engine: Engine, erp: httpx.Client) -> None:
    now = engine.runtime.clock.now()
    for changes in ({}, {"name": "n", "phone": "13800000000"}, {"phone": "x"}, {"name": "n", "since": now.isoformat()}):
        assert code_of(search(erp, engine, "douyin", **changes), 422) == "invalid_body"
    assert book(engine) == []


def test_a_used_up_quota_says_when_to_come_again(engine: Engine, erp: httpx.Client) -> None:
    order = place(engine, "douyin")
    engine.world.settings.reveals_a_day["douyin"] = 0
    refused = reveal(erp, engine, "douyin", order.order_id)
    assert code_of(refused, 429) == "channel_throttled"
    assert int(refused.headers["retry-after"]) > 0
    assert len(book(engine)) == 1, "it was asked, and is in the book"


def test_a_channel_that_does_not_open_an_order_is_told_by_its_codes(engine: Engine, erp: httpx.Client) -> None:
    order = place(engine, "pinduoduo")
    engine.world.ship(order, "44", "75300000000001")
    engine.run(60, step=30)
    refused = reveal(erp, engine, "pinduoduo", order.order_id)
    assert code_of(refused, 422) == "channel_refused"
    assert refused.json()["errors"][0]["code"] in ("rejected", "conflict", "invalid", "not_found")
    assert order.buyer.name not in refused.text


def test_a_key_without_the_scope_learns_nothing(engine: Engine, erp: httpx.Client) -> None:
    with engine.runtime.database.write() as connection:
        made = keys.create(
            connection, "viewer", engine.runtime.clock.now(), Grant(scopes=frozenset({KeyScope.ORDERS_READ}))
        )
    erp.headers["Authorization"] = f"Bearer {made.plain}"
    assert code_of(reveal(erp, engine, "douyin", "1"), 403) == "scope_missing"
    assert code_of(search(erp, engine, "douyin", phone="13800000000"), 403) == "scope_missing"
    assert {row.outcome for row in book(engine)} == {"refused"}
