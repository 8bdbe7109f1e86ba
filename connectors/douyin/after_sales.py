"""After-sales of one Douyin shop: which calls read them."""

from collections.abc import Iterator

from pydantic_core import to_json

from connectors.douyin import mapping, wire
from connectors.douyin.client import PAGE, DouyinClient, seconds, updated_at, walk
from connectors.rows import page, sound, text_of
from core.channel import Fetched, Page, Window
from core.errors import NotFound
from core.model import AfterSale


class AfterSales:
    """Reads them."""

    def __init__(self, shop_id: str, client: DouyinClient) -> None:
        self._shop_id = shop_id
        self._client = client

    def changed(self, window: Window) -> Iterator[Page[AfterSale]]:
        """Every one that changed in the window."""

        def ask(since: int, until: int, number: int) -> wire.AfterSalePage:
            params = {
                "update_start_time": since,
                "update_end_time": until + 1,  # the end of the application time is documented as exclusive
                "order_by": ["update_time asc"],
                "page": number,
                "size": PAGE,
            }
            try:
                return self._client.call("afterSale.List", params, wire.AfterSalePage).data
            except NotFound:  # 11003: no data
                return wire.AfterSalePage(total=0)

        for rows, expected in walk(*seconds(window), ask, _key):
            yield page(rows, self._listed, lambda row: _key(row)[0], expected)

    def one(self, after_sale_id: str) -> Fetched[AfterSale]:
        """Raises NotFound."""
        params = {"after_sale_id": after_sale_id, "need_operation_record": False}
        row = self._client.call("afterSale.Detail", params, wire.Verbatim).data.root
        return sound(lambda: self._detailed(row), **self._client.place("afterSale.Detail"))

    def _listed(self, row: object) -> Fetched[AfterSale]:
        value = mapping.listed_after_sale(self._shop_id, wire.read_row(wire.AfterSaleRow, row))
        return Fetched(value, to_json(row))

    def _detailed(self, row: object) -> Fetched[AfterSale]:
        value = mapping.after_sale(self._shop_id, wire.read_row(wire.AfterSaleDetail, row))
        return Fetched(value, to_json(row))


def _key(row: object) -> tuple[str, int]:
    info = row.get("aftersale_info") if isinstance(row, dict) else None
    return text_of(info, "aftersale_id"), updated_at(info)
