"""The seller's memos as the ERP wishes them."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from pydantic import Field
from sqlalchemy import Connection

from core import conflict
from core.crypto import Vault
from core.db import conflicts, items
from core.db.conflicts import Reading
from core.db.intents import Wish
from core.db.lanes import Kind
from core.model import Canonical, Flag, Memo
from sync.conflicts import alone
from sync.decisions import sealed
from sync.wishes import Name, Plan, Queued, channels, no, queue

LONGEST_MEMO = 2000
"""Characters; every channel takes fewer, and says so."""


class NewMemo(Canonical):
    """A memo as it shall read: it takes the place of text and flag."""

    shop: Name
    text: Annotated[str, Field(max_length=LONGEST_MEMO, repr=False)]
    flag: Flag = Flag.NONE


class MemoItem(NewMemo):
    """The seller's memo on one order."""

    order_id: Name


def set_memos(connection: Connection, vault: Vault, wanted: Sequence[MemoItem], now: datetime) -> Queued:
    """Refuses `unknown_shop` and `unknown_order`. Of an order named twice, the last memo counts.

    What is stored now is what both sides stand on, unless they stand on another memo already.
    """
    shops = channels(connection, (item.shop for item in wanted))
    for identity in sorted(shops):
        alone(connection, identity)

    def plan(item: MemoItem) -> Plan:
        if item.shop not in shops:
            return no("unknown_shop", f"there is no shop {item.shop}")
        stored = items.find(connection, "order", item.shop, item.order_id)
        if stored is None:
            return no("unknown_order", f"the shop {item.shop} has no order {item.order_id} here yet")

        def kept(memo: Memo) -> str:
            return sealed(vault, conflict.Field.MEMO, item.shop, item.order_id, memo.model_dump_json())

        shown = Reading(item.order_id, kept(items.order(stored).memo), stored.source_at, stored.source_at)
        conflicts.first_seen(connection, item.shop, conflict.Field.MEMO, [shown])
        body = json.dumps(kept(Memo(text=item.text, flag=item.flag)))
        key = f"{Kind.MEMO.value}/{item.shop}/{item.order_id}"
        return Plan((Wish(Kind.MEMO.value, key, item.shop, item.order_id, body),))

    return queue(connection, wanted, plan, now)
