"""After-sales of one Taobao shop: the list names those that changed, each is read whole."""

from collections.abc import Iterator

from pydantic_core import to_json

from connectors.rows import named, page, sound
from connectors.taobao import CHANNEL, mapping, wire
from connectors.taobao.client import TaobaoClient, changed_in, detail
from connectors.taobao.signing import Param
from core.channel import Fetched, Page, Window
from core.model import AfterSale


class AfterSales:
    """Reads them."""

    def __init__(self, shop_id: str, client: TaobaoClient) -> None:
        self._shop_id = shop_id
        self._client = client

    def changed(self, window: Window) -> Iterator[Page[AfterSale]]:
        """Every one that changed in the window."""
        asked: dict[str, Param] = {**changed_in(window), "fields": "refund_id,tid,modified"}
        for rows, expected in self._client.changes(wire.REFUNDS, asked):
            yield page(rows, lambda row: detail(row, "refund_id", self.one), named("refund_id"), expected)

    def one(self, after_sale_id: str) -> Fetched[AfterSale]:
        """Raises NotFound."""
        row = self._client.call(wire.REFUND, {"refund_id": after_sale_id, "fields": wire.REFUND_FIELDS}).refund
        return sound(lambda: self._fetched(row), channel=CHANNEL.code)

    def _fetched(self, row: wire.Row) -> Fetched[AfterSale]:
        return Fetched(mapping.after_sale(self._shop_id, wire.Refund.model_validate(row)), to_json(row))
