"""Any interleaving of an ERP and a seller who write memos on one order: it ends agreed or asked, and nothing of the
seller's that was read is written over without a decision.
"""

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import redis
from hypothesis import given, settings

from core.channel import ObjectKind
from core.conflict import Field, Policy, same
from core.db import Database, conflicts, intents
from core.db.conflicts import DecisionRow
from core.db.intents import Intent
from core.model import Memo
from sandbox.faults import FaultRule
from sandbox.model import Order
from sync import memos, ops, resolve
from sync.decisions import unsealed
from sync.memos import MemoItem
from tests.engine import Engine
from tests.engine import engine as running
from tests.vault import VAULT

WRITE = {
    "pinduoduo": "pdd.order.note.update",
    "douyin": "order.addOrderRemark",
    "taobao": "taobao.trade.memo.update",
    "jd": "jingdong.pop.order.modifyVenderRemark",
}
SECONDS = st.sampled_from([0, 1, 40])
DOINGS = st.one_of(
    st.tuples(st.just("erp_writes"), SECONDS),
    st.tuples(st.just("seller_writes"), SECONDS, st.booleans()),
    st.tuples(st.just("work_is_done"), SECONDS),
    st.tuples(st.just("the_next_write_goes_wrong"), st.sampled_from(["timeout_before", "timeout_after", "throttle"])),
    st.tuples(st.just("policy_changes"), st.sampled_from(list(Policy))),
    st.tuples(st.just("a_person_decides"), st.sampled_from(["ours", "theirs"])),
)


class BothWrite:
    """One order of one shop. Each memo has a text of its own, so that it is known whose it is."""

    def __init__(self, engine: Engine, channel: str) -> None:
        self.engine, self.channel = engine, channel
        self.world, self.shop_id = engine.world, engine.shops[channel]
        self.texts = 0
        self.wanted = False
        self.written_over: list[str] = []
        engine.settle()
        self.order = self.world.place(self.world.shop(channel), variant="plain")
        engine.run(30, step=30)
        self.set_memo, self.world.set_memo = self.world.set_memo, self._called  # type: ignore[method-assign]

    def _called(self, order: Order, memo: str, flag: int | None, flag_name: str = "") -> None:
        """Our own write: it may take the place of what the seller wrote and we have read."""
        if order.memo.startswith("seller") and self._stored().text == order.memo != memo:
            self.written_over.append(order.memo)
        self.set_memo(order, memo, flag, flag_name)

    def _text(self, who: str) -> str:
        self.texts += 1
        return f"{who} {self.texts}"

    def erp_writes(self, later: float) -> None:
        self.world.advance(later)
        self.wanted = True
        item = MemoItem(shop=self.shop_id, order_id=self.order.order_id, text=self._text("erp"))
        runtime = self.engine.runtime
        with runtime.database.write() as connection:
            memos.set_memos(connection, runtime.vault, [item], runtime.clock.now())

    def seller_writes(self, later: float, read: bool) -> None:
        self.world.advance(later)
        self.set_memo(self.order, self._text("seller"), None)
        if read:
            self.the_order_is_read()

    def the_next_write_goes_wrong(self, kind: str) -> None:
        fault = {"kind": kind, "channel": self.channel, "method": WRITE[self.channel], "times": 1}
        self.world.faults.add(FaultRule.model_validate(fault))

    def the_order_is_read(self) -> None:
        ops.reread(self.engine.runtime, self.shop_id, ObjectKind.ORDER, self.order.order_id)

    def work_is_done(self, seconds: float) -> None:
        self.world.advance(seconds)
        self.engine.settle()

    def policy_changes(self, policy: Policy) -> None:
        resolve.set_policy(self.engine.runtime, self.shop_id, Field.MEMO, policy)

    def a_person_decides(self, word: str) -> None:
        for row in self._open():
            resolve.resolve(self.engine.runtime, row.id, word)

    def ends_well(self) -> None:
        self.engine.run(240, step=20)
        self.the_order_is_read()
        self.engine.run(60, step=20)
        self._ends_agreed_or_asked()
        plain = (resolve.show_conflict(self.engine.runtime, row.id) for row in self._decisions())
        assert set(self.written_over) <= {json.loads(row.theirs)["text"] for row in plain}

    def _ends_agreed_or_asked(self) -> None:
        assert self._stored().text == self.order.memo
        if not self.wanted:
            return
        [wish], opened = self._wishes(), self._open()
        if opened:
            assert (wish.state, wish.reason_code, opened[0].intent_id) == ("parked", intents.CONFLICT, wish.id)
            return
        assert wish.state == "done" or (wish.state, wish.reason_code) == ("dismissed", intents.ADOPTED)
        with self.engine.runtime.database.read() as connection:
            base = conflicts.bases(connection, self.shop_id, Field.MEMO, [self.order.order_id])[self.order.order_id]
        stood = unsealed(self.engine.runtime.vault, Field.MEMO, self.shop_id, self.order.order_id, base.value)
        assert same(Field.MEMO, stood, self._stored().model_dump_json())
        assert self.order.memo.startswith("seller") or wish.state == "done"

    def _stored(self) -> Memo:
        found = self.engine.order(self.shop_id, self.order.order_id)
        assert found is not None
        return found.memo

    def _wishes(self) -> list[Intent]:
        return self.engine.intents("memo", self.shop_id, self.order.order_id)

    def _decisions(self) -> list[DecisionRow]:
        with self.engine.runtime.database.read() as connection:
            return conflicts.listed(connection, shop_id=self.shop_id, field=Field.MEMO)

    def _open(self) -> list[DecisionRow]:
        return [row for row in self._decisions() if row.state == "open"]


def test_any_order_of_memos_ends_agreed_or_asked(migrated_sqlite: Path, redis_url: str) -> None:
    decided = 0

    @settings(max_examples=25, deadline=None, derandomize=True)
    @given(channel=st.sampled_from(sorted(WRITE)), doings=st.lists(DOINGS, min_size=6, max_size=14))
    def any_order(channel: str, doings: list[tuple[Any, ...]]) -> None:
        nonlocal decided
        with redis.Redis.from_url(redis_url) as client:
            client.flushall()
        with tempfile.TemporaryDirectory() as folder:
            path = shutil.copy(migrated_sqlite, Path(folder) / "qudao.db")
            database = Database(f"sqlite:///{path}", VAULT)
            with running(database, redis_url, Path(folder), channels=(channel,)) as engine:
                both = BothWrite(engine, channel)
                for name, *given_to_it in doings:
                    getattr(both, name)(*given_to_it)
                both.ends_well()
            database.close()
        decided += len(both.written_over)

    any_order()
    assert decided > 0
