"""After-sales of one Taobao shop: the list names those that changed, each is read whole."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from pydantic_core import to_json

from connectors.rows import sound
from connectors.taobao import CHANNEL, mapping, wire
from connectors.taobao.client import TaobaoClient, changed_in, read_whole
from connectors.taobao.signing import Param
from core.channel import Fetched, Page, Window
from core.model import AfterSale


class AfterSales:
    """Reads them."""

    def __init__(self, shop_id: str, client: TaobaoClient) -> None:
        self._shop_id = shop_id
        self._client = client

    def changed(self, window: Window, known: Callable[[Mapping[str, datetime]], set[str]]) -> Iterator[Page[AfterSale]]:
        """Every one that changed in the window and is not known."""
        asked: dict[str, Param] = {**changed_in(window), "fields": "refund_id,tid,modified"}
        for rows, expected in self._client.changes(wire.REFUNDS, asked):
            yield read_whole(rows, "refund_id", self.one, known, expected)

    def one(self, after_sale_id: str) -> Fetched[AfterSale]:
        """Raises NotFound."""
        row = self._client.call(wire.REFUND, {"refund_id": after_sale_id, "fields": wire.REFUND_FIELDS}).refund
        return sound(lambda: self._fetched(row), channel=CHANNEL.code)

    def _fetched(self, row: wire.Row) -> Fetched[AfterSale]:
        return Fetched(mapping.after_sale(self._shop_id, wire.Refund.model_validate(row)), to_json(row))
