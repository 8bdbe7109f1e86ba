"""After-sales of one Pinduoduo shop: the list takes one status a call, and what it tells is less than the detail."""

from collections.abc import Callable, Iterator

from pydantic_core import to_json

from connectors.pinduoduo import CHANNEL, mapping, wire
from connectors.pinduoduo.client import PAGE, PinduoduoClient, changed_in
from connectors.pinduoduo.signing import Param
from connectors.rows import backwards, named, page, sound
from core.channel import Fetched, Page, Window
from core.errors import Garbled, Invalid, Malformed, NotFound
from core.model import AfterSale


class AfterSales:
    """Reads them."""

    def __init__(self, shop_id: str, client: PinduoduoClient) -> None:
        self._shop_id = shop_id
        self._client = client

    def changed(self, window: Window) -> Iterator[Page[AfterSale]]:
        """Those of every documented status; another one is told by a push only."""
        done = 0
        for status in mapping.STATUSES:
            total = 0
            for rows, total in backwards(self._list(window, status), PAGE):
                if rows:
                    yield page(rows, self._listed, named("id"), done + total)
            done += total
        yield Page(items=(), expected=done)

    def one(self, after_sale_id: str, order_id: str) -> Fetched[AfterSale]:
        """Raises NotFound, and Invalid without the order's id."""
        if not order_id:
            raise Invalid("an after-sale is found by its order and its id together", channel=CHANNEL.code)
        row = self._client.one(wire.REFUND, {"order_sn": order_id, "after_sales_id": after_sale_id})
        detail = self._client.model(wire.REFUND, row)
        return sound(lambda: Fetched(mapping.after_sale(self._shop_id, detail), to_json(row)), channel=CHANNEL.code)

    def _list(self, window: Window, status: str) -> Callable[[int], tuple[list[wire.Row], int]]:
        asked: dict[str, Param] = {**changed_in(window), "after_sales_type": 1, "after_sales_status": status}

        def ask(number: int) -> tuple[list[wire.Row], int]:
            answer = self._client.call(wire.REFUNDS, {**asked, "page": number, "page_size": PAGE})
            return answer.refund_list, answer.total_count

        return ask

    def _listed(self, row: wire.Row) -> Fetched[AfterSale]:
        """The detail, so that polling and pushes tell the same; the row itself only where there is none to read."""
        listed = wire.RefundRow.model_validate(row)
        try:
            return self.one(listed.id, listed.order_sn)
        except Garbled:
            raise
        except (NotFound, Malformed):
            return Fetched(mapping.listed_after_sale(self._shop_id, listed), to_json(row))
