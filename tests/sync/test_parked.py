"""A bad row never blocks its lane; what is parked says why and what to do; a person's note is kept."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from core import errors
from core.db import Database, history
from core.errors import ChannelError
from core.model import ParcelDraft
from sandbox.transport import mock_transport
from sync import gaps, ops, policy
from sync.advice import ADVICE, UNKNOWN, advise
from sync.shipments import ShipmentItem
from tests.contract.channel import ChannelUnderTest
from tests.contract.channels import CHANNELS
from tests.engine import Engine
from tests.engine import engine as running

NAMES = ("pinduoduo", "douyin", "taobao", "jd")


@pytest.fixture
def engine(database: Database, redis_url: str, tmp_path: Path) -> Iterator[Engine]:
    with running(database, redis_url, tmp_path) as started:
        started.settle()
        yield started


class Spoiling(httpx.BaseTransport):
    """The way to the sandbox, on which one row of a list loses its values, and, if asked so, its id."""

    def __init__(self, engine: Engine, channel: ChannelUnderTest, order_id: str, *, nameless: bool = False) -> None:
        self._inner = mock_transport(engine.sandbox)
        self._channel = channel
        self._order_id = order_id
        self._nameless = nameless
        self.spoils = True

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self._inner.handle_request(request)
        if not self.spoils or self._order_id.encode() not in response.content:
            return response
        answer = json.loads(response.content)
        self._spoil(answer)
        return httpx.Response(response.status_code, json=answer, request=request)

    def _spoil(self, answer: Any) -> None:
        if isinstance(answer, dict):
            if str(answer.get(self._channel.row_id)) == self._order_id:
                answer |= {name: "nonsense" for name in self._channel.row_fields if name in answer}
                if self._nameless:
                    del answer[self._channel.row_id]
            answer = list(answer.values())
        if isinstance(answer, list):
            for value in answer:
                self._spoil(value)


def under_test(name: str) -> ChannelUnderTest:
    return next(each for each in CHANNELS if each.name == name)


@pytest.mark.parametrize("name", NAMES)
def test_a_bad_row_never_blocks_its_lane(database: Database, redis_url: str, tmp_path: Path, name: str) -> None:
    with running(database, redis_url, tmp_path, channels=(name,)) as engine:
        engine.settle()
        shop = engine.shops[name]
        bad, good = (engine.world.place(engine.world.shop(name), variant="plain", restock=True).order_id for _ in "12")
        way = Spoiling(engine, under_test(name), bad)
        engine.runtime.wire = way
        engine.runtime.__dict__.pop("http", None)
        engine.run(600, step=120)
        assert engine.order(shop, good) is not None
        assert engine.order(shop, bad) is None
        later = engine.world.place(engine.world.shop(name), variant="plain", restock=True).order_id
        engine.run(900, step=180)
        assert engine.order(shop, later) is not None, "the watermark goes on behind it"
        assert gaps.find(engine.runtime) == ([], [])
        rows = [item for item in ops.list_parked(engine.runtime) if item.ref.startswith("row-")]
        assert {(item.object_id, item.code) for item in rows} == {(bad, "malformed")}
        assert "nonsense" not in rows[0].reason
        assert advise(rows[0]) is ADVICE["malformed"]
        way.spoils = False
        ops.retry(engine.runtime, rows[0].ref)
        assert engine.order(shop, bad) is not None
        assert not [item for item in ops.list_parked(engine.runtime) if item.ref.startswith("row-")]


@pytest.mark.parametrize("name", ["pinduoduo", "taobao"])
def test_a_row_without_an_id_does_not_either(database: Database, redis_url: str, tmp_path: Path, name: str) -> None:
    with running(database, redis_url, tmp_path, channels=(name,)) as engine:
        engine.settle()
        bad = engine.world.place(engine.world.shop(name), variant="plain", restock=True).order_id
        engine.runtime.wire = Spoiling(engine, under_test(name), bad, nameless=True)
        engine.runtime.__dict__.pop("http", None)
        engine.run(600, step=120)
        later = engine.world.place(engine.world.shop(name), variant="plain", restock=True).order_id
        engine.run(900, step=180)
        assert engine.order(engine.shops[name], later) is not None
        assert gaps.find(engine.runtime) == ([], [])
        [row] = [item for item in ops.list_parked(engine.runtime) if item.ref.startswith("row-")]
        assert row.object_id == ""
        assert advise(row) is ADVICE["nameless_row"]


def test_every_reason_has_advice_in_both_languages() -> None:
    def kinds(of: type[ChannelError]) -> Iterator[type[ChannelError]]:
        yield of
        for each in of.__subclasses__():
            yield from kinds(each)

    named = {policy.code(kind()) for kind in kinds(ChannelError)} - {"channel_error"}
    assert named >= {policy.code(errors.Conflict()), policy.code(errors.Garbled())}
    shipping = {"order_closed", "refund_open", "shipped_otherwise", "unknown_shop"}
    assert (named | shipping) - set(ADVICE) == set()
    for advice in ADVICE.values():
        assert advice.english.isascii()
        assert not advice.chinese.isascii()


def parked_shipment(engine: Engine, number: int) -> str:
    placed = engine.world.place(engine.world.shop("douyin"), variant="plain", restock=True).order_id
    engine.settle()
    engine.world.request_refund(engine.world.order(placed))
    parcel = ParcelDraft(carrier="SF", tracking_no=f"SF{10**12 + number}")
    engine.ship(ShipmentItem(shop=engine.shops["douyin"], order_id=placed, parcels=(parcel,)))
    engine.settle()
    return placed


def test_what_is_parked_is_chosen_by_shop_kind_code_and_age(engine: Engine) -> None:
    old = parked_shipment(engine, 1)
    engine.world.advance(3600)
    new = parked_shipment(engine, 2)
    shop, runtime = engine.shops["douyin"], engine.runtime

    def ids(**chosen: Any) -> set[str]:
        return {item.object_id for item in ops.list_parked(runtime, **chosen)}

    assert ids() == ids(shop=shop) == ids(kind="ship") == ids(code="refund_open") == {old, new}
    assert ids(shop="douyin:1") == ids(kind="stock") == ids(code="invalid") == set()
    [first] = ops.list_parked(runtime, kind="ship", before=ops.list_parked(runtime)[0].at)
    assert first.object_id == old
    assert advise(first) is ADVICE["refund_open"]


def test_a_note_and_the_reason_stay_whatever_becomes_of_the_row(engine: Engine) -> None:
    placed = parked_shipment(engine, 3)
    [stopped] = ops.list_parked(engine.runtime)
    ops.retry(engine.runtime, stopped.ref)
    engine.settle()
    again, done = ops.show_parked(engine.runtime, stopped.ref)
    assert again.code == "refund_open"
    assert [(each.action, each.code) for each in done] == [("retried", "refund_open")]
    ops.dismiss(engine.runtime, stopped.ref, "refunded by phone")
    with engine.runtime.database.read() as connection:
        kept = history.interventions(connection, engine.shops["douyin"], [placed])
    assert [(each.action, each.note) for each in kept] == [("retried", ""), ("dismissed", "refunded by phone")]
    assert kept[1].reason.startswith("the buyer asks for a refund")


def test_a_notice_tells_the_code_of_the_error_it_stopped_with(engine: Engine) -> None:
    placed = engine.world.place(engine.world.shop("douyin"), variant="plain", restock=True).order_id
    engine.settle()
    reasons = {"NotFound: douyin: no order [1]": "not_found", "this shop is not connected": "unknown_shop", "so": ""}
    for reason, code in reasons.items():
        with engine.runtime.database.write() as connection:
            connection.exec_driver_sql(f"UPDATE receipt SET state = 'parked', reason = '{reason}'")  # noqa: S608
        found = [item for item in ops.list_parked(engine.runtime) if item.object_id == placed]
        assert {item.code for item in found} == {code}
        assert advise(found[0]) is ADVICE[code or UNKNOWN]
        assert ops.show_parked(engine.runtime, found[0].ref)[0] == found[0]
