"""JD's two lists of after-sales read as one: refund applications, then service orders.

How their rows become after-sales is in mapping/after_sales.py. Ids are `refund:<id>` and `service:<serviceId>`.
"""

from collections.abc import Callable, Generator, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from math import ceil

from pydantic_core import to_json

from connectors import rows as listed
from connectors.jd import mapping, wire
from connectors.jd.client import JdClient
from core.channel import Fetched, Page, Window
from core.errors import Invalid, NotFound
from core.model import AfterSale

REFUND, SERVICE = "refund", "service"
"""What an id begins with."""
PAGE = 50
"""Rows of a page: the most that both lists take."""
DEEPEST = 100
"""The last page that is served; documented for applications, inferred for service orders."""
PASSES = 5

MODIFIED = ("modifiedStart", "modifiedEnd")
APPLIED = ("applyTimeStart", "applyTimeEnd")
APPLICATION_TIMES = MODIFIED
"""The range that applications are asked for. `MODIFIED` is documented since 2024; where it is not served, `APPLIED`
finds each application by the time it was made only, so that the range must reach back for what changed later."""
APPLIED_REACH = timedelta(days=30)

Ask = Callable[[datetime, datetime, int], tuple[list[wire.Row], int]]
"""Asks for a page of a range: its rows, and how many the range holds."""
Read = Callable[[wire.Row], Fetched[AfterSale]]


class AfterSales:
    """The after-sales of one shop. `operator` is who JD notes as having looked."""

    def __init__(self, shop_id: str, account: str, operator: str, client: JdClient) -> None:
        self._shop_id = shop_id
        self._operator = {"buId": account, "operatePin": operator, "operateNick": operator}
        self._client = client

    def changed(self, window: Window) -> Iterator[Page[AfterSale]]:
        """Of both families. Raises Invalid for a range that ends before it begins: JD would answer it with nothing."""
        if window.until < window.since:
            raise Invalid("the range ends before it begins").at(**self._client.place("after_sales"))
        expected = 0
        for page in self._pages(self._applications, self._application, REFUND, "id", window):
            expected = page.expected or 0
            yield page
        for page in self._pages(self._services, self._service, SERVICE, "serviceId", window):
            yield replace(page, expected=expected + (page.expected or 0))

    def one(self, after_sale_id: str, order_id: str) -> Fetched[AfterSale]:
        """Service orders need their order's id too. Raises NotFound."""
        place = self._client.place("after_sale")
        family, _, number = after_sale_id.partition(":")
        if family not in (REFUND, SERVICE) or not _is_number(number):
            raise Invalid("an after-sale of JD is refund:<number> or service:<number>").at(**place)
        if family == SERVICE and not _is_number(order_id):
            raise Invalid("a service order is found by its order and its id together").at(**place)

        def read() -> Fetched[AfterSale]:
            if family == REFUND:
                return self._application_of(int(number))
            return self._service({"serviceId": number, "orderId": order_id})

        return listed.sound(read, **place)

    def _pages(self, ask: Ask, read: Read, family: str, id_field: str, window: Window) -> Iterator[Page[AfterSale]]:
        """A service order has a row per SKU, so its ids are counted, and the rows that did not come."""
        ids: set[str] = set()
        # Whether the end belongs to the range is not documented, so a second is added.
        for rows, missing in _walk(ask, window.since, window.until + timedelta(seconds=1)):
            page = _page(rows, family, id_field, read)
            ids.update(item.value.id for item in page.items)
            ids.update(row.id for row in page.bad if row.id)
            yield replace(page, expected=len(ids) + missing)

    def _applications(self, since: datetime, until: datetime, page: int) -> tuple[list[wire.Row], int]:
        begin, end = APPLICATION_TIMES
        reach = APPLIED_REACH if APPLICATION_TIMES is APPLIED else timedelta()
        times = {begin: mapping.wall_clock(since - reach), end: mapping.wall_clock(until)}
        params = {**times, "pageIndex": page, "pageSize": PAGE, "showSku": True}
        answer = self._client.call(wire.APPLICATIONS, params)
        return answer.result or [], answer.totalCount

    def _services(self, since: datetime, until: datetime, page: int) -> tuple[list[wire.Row], int]:
        times = {"updateTimeBegin": mapping.wall_clock(since), "updateTimeEnd": mapping.wall_clock(until)}
        params = {**self._operator, **times, "pageNumber": str(page), "pageSize": str(PAGE)}
        answer = self._client.call(wire.SERVICES, params)
        return answer.data or [], answer.totalCount

    def _application_of(self, number: int) -> Fetched[AfterSale]:
        rows = self._client.call(wire.APPLICATION, {"id": number}).result or []
        if not rows:
            raise NotFound("no such refund application").at(**self._client.place(wire.APPLICATION.name))
        return self._application(rows[0])

    def _application(self, row: wire.Row) -> Fetched[AfterSale]:
        value = mapping.application(self._shop_id, wire.Application.model_validate(row))
        return Fetched(value, to_json(row))

    def _service(self, row: wire.Row) -> Fetched[AfterSale]:
        """The list names one SKU a row and other amounts than the detail, so only the detail is mapped."""
        named = wire.ServiceRow.model_validate(row)
        params = {**self._operator, "serviceId": int(named.serviceId), "orderId": int(named.orderId)}
        bill = self._client.call(wire.SERVICE, params).data
        if not bill:
            raise NotFound("no such service order").at(**self._client.place(wire.SERVICE.name))
        detail = wire.ServiceBill.model_validate(bill)
        refunds = self._refunds(named.orderId) if mapping.ask_for_refunds(detail) else []
        value = mapping.service(self._shop_id, detail, [wire.ServiceRefund.model_validate(each) for each in refunds])
        return Fetched(value, to_json({**bill, "refunds": refunds} if refunds else bill))

    def _refunds(self, order_id: str) -> list[wire.Row]:
        """The money that went back for service orders of this order."""
        params = {"buId": self._operator["buId"], "orderId": int(order_id), "pageNumber": 1, "pageSize": PAGE}
        return self._client.call(wire.SERVICE_REFUNDS, params).data or []


def _walk(
    ask: Ask, since: datetime, until: datetime, missing: int = 0
) -> Generator[tuple[list[wire.Row], int], None, int]:
    """Every row of the range, each with how many did not come so far; answers that number.

    Pages are read from the last to the first: a row that changes leaves the range and moves later ones up, past the
    reader never. One that enters may move another past him, so several pages are read again until nothing is new. A
    range with more pages than are served is halved.
    """
    rows, total = ask(since, until, 1)
    if total <= PAGE:
        missing += max(0, total - len(rows))
        yield rows, missing
        return missing
    if total > PAGE * DEEPEST and until - since >= timedelta(seconds=2):
        middle = since + (until - since) / 2
        missing = yield from _walk(ask, since, middle, missing)
        return (yield from _walk(ask, middle, until, missing))
    seen: set[bytes] = set()
    for _ in range(PASSES):
        known, came = len(seen), 0
        for page in range(ceil(total / PAGE), 0, -1):
            rows, total = ask(since, until, page)
            came += len(rows)
            fresh = {name: row for row in rows if (name := to_json(row)) not in seen}
            seen.update(fresh)
            yield list(fresh.values()), missing + max(0, total - came)
        if len(seen) == known:
            break
    return missing + max(0, total - came)


def _page(rows: list[wire.Row], family: str, id_field: str, read: Read) -> Page[AfterSale]:
    """Each after-sale once: a service order has a row per SKU."""
    unique = {listed.text_of(row, id_field) or f"#{place}": row for place, row in enumerate(rows)}

    def name(row: wire.Row) -> str:
        number = listed.text_of(row, id_field)
        return f"{family}:{number}" if number else ""

    return listed.page(unique.values(), read, name)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()
