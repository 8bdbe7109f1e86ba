"""Putting a Taobao or Tmall shop's items on sale and taking them off."""

from collections.abc import Callable, Sequence

from connectors.rows import outcome
from connectors.taobao import CHANNEL, mapping, wire
from connectors.taobao.client import TaobaoClient
from connectors.taobao.goods import Goods
from core.channel import Outcome, StockWrite
from core.errors import Conflict, NotFound, OutcomeUnknown
from core.model import SkuKey

ON_SALE = "onsale"
"""`approve_status` of what buyers find."""


class Shelf:
    """Moves the items of one shop. `tmall` answers whether the shop is one of Tmall; `set_stock` writes quantities."""

    def __init__(
        self,
        client: TaobaoClient,
        goods: Goods,
        set_stock: Callable[[Sequence[StockWrite]], list[Outcome[StockWrite]]],
        tmall: Callable[[], bool],
    ) -> None:
        self._client = client
        self._goods = goods
        self._set_stock = set_stock
        self._tmall = tmall

    def set_shelf(self, listing_id: str, *, on: bool) -> Outcome[str]:
        """What is on sale is not put there again, as that sets the stock of an item without SKUs."""

        def write() -> str:
            item = self._goods.read([listing_id]).get(listing_id)
            if item is None:
                raise NotFound("there is no such item", channel=CHANNEL.code)
            if not on:
                method = wire.TMALL_TAKE_OFF_SALE if self._tmall() else wire.TAKE_OFF_SALE
                return self._client.call(method, {"num_iid": listing_id}).request_id
            return "" if item.approve_status == ON_SALE else self._put_on_sale(item)

        return outcome(listing_id, write)

    def _put_on_sale(self, item: wire.Item) -> str:
        """With the quantity that it shows. Of an item without SKUs that number is set anew, so it is written again as
        what was for sale, should it hold units of unpaid orders, which may be paid meanwhile.
        """
        if not item.num:
            raise Conflict("an item without stock cannot be put on sale: set its stock first", channel=CHANNEL.code)
        method = wire.TMALL_PUT_ON_SALE if self._tmall() else wire.PUT_ON_SALE
        request_id = self._client.call(method, {"num_iid": item.num_iid, "num": item.num}).request_id
        [*_, last] = mapping.stocks(item)
        if not item.skus and last.withheld:
            key = SkuKey(listing_id=item.num_iid, sku_id=item.num_iid)
            [written] = self._set_stock([StockWrite(key, last.sellable)])
            if written.error:
                raise OutcomeUnknown("it is on sale, and its stock could not be read back", channel=CHANNEL.code)
        return request_id
