"""A Taobao or Tmall shop's prices, written through whichever calls its kind of shop has."""

from collections.abc import Callable, Sequence

from connectors.taobao import CHANNEL, mapping, wire
from connectors.taobao.batch import Batch, Sent, invalid, number, send_all
from connectors.taobao.client import TaobaoClient
from connectors.taobao.goods import ITEMS, Goods
from connectors.taobao.signing import Param
from core.channel import Capability, Outcome, PriceWrite
from core.errors import Unsupported
from core.money import yuan


class Prices:
    """Writes the prices of one shop. `tmall` answers whether the shop is one of Tmall."""

    def __init__(self, client: TaobaoClient, goods: Goods, tmall: Callable[[], bool]) -> None:
        self._client = client
        self._goods = goods
        self._tmall = tmall

    def set_price(self, batch: Sequence[PriceWrite]) -> list[Outcome[PriceWrite]]:
        run = Batch(batch)
        for place, write in enumerate(batch):
            if write.price.sale <= 0:
                run.settle([place], invalid("a price must be above 0"))
        written: dict[str, dict[str, int]] = {}

        def send(item: wire.Item, writes: Sequence[PriceWrite]) -> Sent:
            return self._set_prices(item, writes, written.setdefault(item.num_iid, {}))

        send_all(self._goods, run, run.unsettled(), send, ITEMS)
        return run.done()

    def _set_prices(self, item: wire.Item, writes: Sequence[PriceWrite], written: dict[str, int]) -> Sent:
        """`written`: what this batch has set so far, which the reading does not show."""
        prices = {write.key.sku_id: write.price.sale for write in writes}
        if self._tmall():
            request_id = self._client.call(wire.TMALL_PRICES, _tmall_prices(item, prices, written)).request_id
            written.update(prices)
            return Sent(request_id)
        if not item.skus:
            raise Unsupported(CHANNEL.notes[Capability.SET_PRICE], channel=CHANNEL.code)
        for sku in item.skus:
            if sku.sku_id in prices:
                price = prices[sku.sku_id]
                params: dict[str, Param] = {
                    "num_iid": item.num_iid,
                    "properties": sku.properties or "",
                    "price": str(yuan(price)),
                    "item_price": str(mapping.item_price(item, {**written, sku.sku_id: price})),
                }
                request_id = self._client.call(wire.SET_SKU_PRICE, params).request_id
                written[sku.sku_id] = price
        return Sent(request_id)


def _tmall_prices(item: wire.Item, prices: dict[str, int], written: dict[str, int]) -> dict[str, Param]:
    params: dict[str, Param] = {"item_id": item.num_iid, "options": {"ignore_fake_credit": False}}
    if not item.skus:
        return {**params, "item_price": str(yuan(prices[item.num_iid]))}
    rows = [{"sku_id": number(sku_id), "price": str(yuan(price))} for sku_id, price in prices.items()]
    item_price = str(mapping.item_price(item, {**written, **prices}))
    return {**params, "item_price": item_price, "sku_prices": rows}
