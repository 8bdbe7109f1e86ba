"""A Taobao or Tmall shop's quantities, written through whichever calls its kind of shop has.

An order that is paid or cancelled between the reading and the write takes its units along and leaves more for sale than
was wished, so such a quantity is read back and written again. An order placed in between leaves less, which is right:
it was sold since.
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from connectors.taobao import CHANNEL, mapping, wire
from connectors.taobao.batch import Batch, Sent, invalid, left_out, no_such_sku, number, send_all
from connectors.taobao.client import TaobaoClient
from connectors.taobao.goods import Goods
from connectors.taobao.signing import Param
from core.channel import Outcome, StockDelta, StockWrite, one_by_one
from core.errors import ChannelError, Conflict, Invalid
from core.model import SkuKey

AHEAD = 5
"""Writes of quantities for which the items are read together. Fewer leave less time in which an order can be paid
unseen; five cost three readings more for each twenty writes.
"""
ROUNDS = 3
"""Writes of one quantity in a row, before it is left to be read back and tried later."""
FULL, CHANGE = 1, 2
"""`type` of a quantity: what it is to be, or by how much it changes."""
PRESALE = "isv.item-is-presale"
"""Refuses everything but a change."""
NEGATIVE = "isv.invalid-parameter:quantity"
BIZ_KEY_LENGTH = 32
"""Hexadecimal digits of `outer_biz_key`, as in the documentation's sample; the limit is not documented."""


class Stock:
    """Writes the quantities of one shop. `tmall` answers whether the shop is one of Tmall; it may ask the platform."""

    def __init__(self, client: TaobaoClient, goods: Goods, tmall: Callable[[], bool]) -> None:
        self._client = client
        self._goods = goods
        self._tmall = tmall

    def set_stock(self, batch: Sequence[StockWrite]) -> list[Outcome[StockWrite]]:
        """What was accepted and may yet leave more for sale than was wished is OutcomeUnknown."""
        run = Batch(batch)
        for place, write in enumerate(batch):
            if write.quantity < 0:
                run.settle([place], invalid("a stock must not be negative"))
        places = run.unsettled()
        for _ in range(ROUNDS):
            withheld: set[SkuKey] = set()
            send_all(self._goods, run, places, partial(self._set_quantities, withheld), AHEAD)
            places = self._too_many(run, places, withheld)
        return run.done()

    def adjust_stock(self, batch: Sequence[StockDelta]) -> list[Outcome[StockDelta]]:
        """Tmall takes a key that makes a repetition harmless and refuses to go below zero by itself."""
        try:
            if self._tmall():
                return one_by_one(batch, self._adjust_tmall)
            items = self._goods.read(delta.key.listing_id for delta in batch)
        except ChannelError as error:
            return [Outcome(delta, error, request_id=error.request_id) for delta in batch]
        left = {
            (listing_id, stock.sku_id): stock.sellable
            for listing_id, item in items.items()
            for stock in mapping.stocks(item)
        }

        def adjust(delta: StockDelta) -> Outcome[StockDelta]:
            name = (delta.key.listing_id, delta.key.sku_id)
            if name not in left:
                raise no_such_sku()
            if left[name] + delta.change < 0:
                raise Conflict("the stock would go below zero", channel=CHANNEL.code)
            sent = self._send_quantities(delta.key.listing_id, {delta.key.sku_id: delta.change}, CHANGE)
            left[name] += delta.change
            return Outcome(delta, left_out() if sent.unseen else None, request_id=sent.request_id)

        return one_by_one(batch, adjust)

    def _too_many(self, run: Batch[StockWrite], places: Iterable[int], withheld: set[SkuKey]) -> list[int]:
        """Reads back what was accepted of the SKUs that had units withheld, and answers the places of those of which
        more can be sold than wished. Of a SKU that was written twice the last wish counts.
        """
        accepted = (place for place in places if run.outcomes[place].error is None)
        last = {run.items[place].key: place for place in accepted if run.items[place].key in withheld}
        try:
            levels = {level.key: level.sellable for level in self._goods.stock_levels(list(last))}
        except ChannelError:
            levels = {}
        found = []
        for key, place in last.items():
            if key not in levels:
                run.doubt(place, "it was accepted, and could not be read back")
            elif levels[key] > run.items[place].quantity:
                run.doubt(place, "it was accepted, but orders paid or cancelled meanwhile leave more for sale")
                found.append(place)
        return found

    def _set_quantities(self, withheld: set[SkuKey], item: wire.Item, writes: Sequence[StockWrite]) -> Sent:
        """Notes the SKUs of which units were withheld."""
        told = {stock.sku_id: stock for stock in mapping.stocks(item)}
        withheld.update(write.key for write in writes if told[write.key.sku_id].withheld)
        wanted = {write.key.sku_id: write.quantity + told[write.key.sku_id].withheld for write in writes}
        try:
            return self._send_quantities(item.num_iid, wanted, FULL)
        except Conflict as refusal:
            if not refusal.sub_code.startswith(PRESALE):
                raise
            now = {sku_id: told[sku_id].sellable + told[sku_id].withheld for sku_id in wanted}
            changes = {sku_id: quantity - now[sku_id] for sku_id, quantity in wanted.items()}
            return self._send_quantities(item.num_iid, changes, CHANGE)

    def _send_quantities(self, listing_id: str, quantities: dict[str, int], kind: int) -> Sent:
        """Quantities by SKU id; an item without SKUs is named by its own id."""
        if self._tmall():
            return self._send_tmall(listing_id, quantities, {"type": kind})
        if listing_id in quantities:
            params: dict[str, Param] = {"num_iid": listing_id, "quantity": quantities[listing_id], "type": kind}
            return Sent(self._client.call(wire.SET_ITEM_QUANTITY, params).request_id)
        pairs = ";".join(f"{sku_id}:{quantity}" for sku_id, quantity in quantities.items())
        params = {"num_iid": listing_id, "skuid_quantities": pairs, "type": kind}
        answer = self._client.call(wire.SET_SKU_QUANTITIES, params)
        return Sent(answer.request_id, answer.unseen(quantities))

    def _send_tmall(self, listing_id: str, quantities: dict[str, int], options: dict[str, object]) -> Sent:
        params: dict[str, Param] = {"item_id": listing_id}
        if listing_id in quantities:
            params["item_quantity"] = quantities[listing_id]
        else:
            rows = [{"sku_id": number(sku_id), "quantity": quantity} for sku_id, quantity in quantities.items()]
            params["sku_quantities"] = rows
        return Sent(self._client.call(wire.TMALL_QUANTITIES, {**params, "options": options}).request_id)

    def _adjust_tmall(self, delta: StockDelta) -> Outcome[StockDelta]:
        key = hashlib.sha256(delta.idempotency_key.encode()).hexdigest()[:BIZ_KEY_LENGTH]
        options: dict[str, object] = {"type": CHANGE, "outer_biz_key": key}
        try:
            sent = self._send_tmall(delta.key.listing_id, {delta.key.sku_id: delta.change}, options)
        except Invalid as refusal:
            if not refusal.sub_code.startswith(NEGATIVE):
                raise
            raise refusal.renamed(Conflict) from None
        return Outcome(delta, request_id=sent.request_id)
