"""Run by Tryton's own Python: what `take` makes of decisions one after the other, in a new database of the folder."""

import sys
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, cast

from examples.erp_client import Page, Qudao
from examples.tryton import founding, warehouse
from examples.tryton.books import Books, opened
from examples.tryton.decisions import Action, Address, Decision, Wanted
from examples.tryton.integration import Integration

SHOP, OTHER = "douyin:1", "jd:2"
TEA = Wanted("l1", "TEA", "Tea", 2, Decimal("9.9"))
CUP = Wanted("l2", "CUP", "Cup", 1, Decimal(5))
POT = Wanted("l3", "", "A pot that nobody mapped", 1, Decimal(5))
PARTS = (Wanted("l4", "TEA", "Set", 4, Decimal(5), 2), Wanted("l4", "CUP", "Set", 2, Decimal(5), 1))
HOME, AWAY = Address("张*", "梅花巷***", "浙江省 杭州市"), Address("张*", "竹子路***", "四川省 成都市")
CANCEL = Decision(Action.CANCEL)


def sell(*lines: Wanted, held: bool = False, address: Address = HOME) -> Decision:
    return Decision(Action.SELL, lines, held, address)


def main() -> None:
    folder = Path(sys.argv[1])
    founding.install(folder)
    founding.found_company(opened(folder))
    books = Books(folder)
    for shop in (SHOP, OTHER):
        books.transact(partial(founding.open_shop, shop=shop))
    books.transact(partial(founding.stock_shelves, goods={"TEA": "Tea", "CUP": "Cup"}))
    for test in (one_order, a_draft, a_bundle_in_a_parcel, a_late_cancellation, a_mapping_that_comes_later):
        free = books.free_stock()
        test(books, free["TEA"], free["CUP"])
        sys.stdout.write(f"{test.__name__}\n")


def expect(books: Books, order: str, decision: Decision, done: str, tea: int, cup: int, shop: str = SHOP) -> None:
    """What `take` says, what is free then; and that asking again changes nothing."""
    for said in (done, ""):
        assert books.take(shop, order, decision) == said, said
        books.finish_tasks()
        assert books.free_stock() == {"TEA": tea, "CUP": cup}, books.free_stock()


def one_order(books: Books, tea: int, cup: int) -> None:
    expect(books, "o1", Decision(Action.WAIT), "", tea, cup)
    expect(books, "o1", CANCEL, "", tea, cup)
    expect(books, "o1", sell(TEA, CUP, held=True), "sold", tea - 2, cup - 1)
    assert books.transact(warehouse.send_all) == 0
    expect(books, "o1", sell(TEA, CUP), "released", tea - 2, cup - 1)
    expect(books, "o1", sell(TEA, CUP, address=AWAY), "readdressed", tea - 2, cup - 1)
    expect(books, "o1", sell(TEA, CUP, address=AWAY, held=True), "held", tea - 2, cup - 1)
    expect(books, "o1", sell(TEA, address=AWAY), "reduced", tea - 2, cup)
    assert books.transact(warehouse.send_all) == 1
    (sent,) = books.sent()
    assert (sent.order, [dict(each.lines) for each in sent.parcels], sent.whole) == ("o1", [{"l1": 2}], True)
    expect(books, "o1", sell(TEA), "", tea - 2, cup)
    books.told([sent.id])
    books.finish_tasks()
    assert books.sent() == []
    expect(books, "o1", sell(TEA), "", tea - 2, cup)


def a_draft(books: Books, tea: int, cup: int) -> None:
    """The same id in another shop is another order."""
    expect(books, "o1", Decision(Action.ASK, (TEA, POT), address=HOME), "drafted", tea, cup, OTHER)
    expect(books, "o1", sell(TEA, CUP), "sold", tea - 2, cup - 1, OTHER)
    expect(books, "o1", CANCEL, "cancelled", tea, cup, OTHER)
    expect(books, "o2", Decision(Action.ASK, (POT,), address=HOME), "drafted", tea, cup, OTHER)
    expect(books, "o2", CANCEL, "cancelled", tea, cup, OTHER)


def a_bundle_in_a_parcel(books: Books, tea: int, cup: int) -> None:
    expect(books, "o3", sell(*PARTS), "sold", tea - 4, cup - 2)
    books.transact(warehouse.send_all)
    (sent,) = books.sent()
    assert [dict(each.lines) for each in sent.parcels] == [{"l4": 2}]
    books.told([sent.id])


def a_late_cancellation(books: Books, tea: int, cup: int) -> None:
    """It has left: the parcel is told and comes back as a return, or not at all."""
    expect(books, "o4", sell(TEA), "sold", tea - 2, cup)
    books.transact(warehouse.send_all)
    expect(books, "o4", CANCEL, "", tea - 2, cup)


class Mapped:
    """Qudao as far as a mapping is concerned: one order, whose goods are mapped when `rows` says so."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    def stock(self) -> list[dict[str, Any]]:
        return self.rows

    def order(self, shop: str, number: str) -> dict[str, Any]:
        none, paid = {"value": "none"}, {"value": "paid"}
        masked = {"mask": "*"}
        line = {
            "id": "l1",
            "listing_id": "L",
            "sku_id": "S",
            "title": "Tea",
            "quantity": 3,
            "money": {"receivable": 300},
            "after_sale": none,
        }
        places = dict.fromkeys(("province", "city", "district", "town"), "")
        axes = {"payment": paid, "fulfilment": {"value": "to_ship"}, "closing": {"value": "open"}}
        receiver = {"name": masked, "detail": masked, **places}
        order = {"shop_id": shop, "id": number, "lines": [line], "hold": none, "after_sale": none, "receiver": receiver}
        return {"order": order | axes}


def a_mapping_that_comes_later(books: Books, tea: int, cup: int) -> None:
    qudao = Mapped()
    integration = Integration(cast("Qudao", qudao), books)
    order = {"type": "qudao.order.created", "source": SHOP, "subject": "o5", "data": qudao.order(SHOP, "o5")}
    mapped = {"type": "qudao.listing.mapped", "source": SHOP, "subject": "L", "data": {}}
    assert integration.take_orders(cast("Page", {"events": [order]})) == 0
    assert books.drafts() == [(SHOP, "o5")]
    qudao.rows = [{"shop": SHOP, "listing_id": "L", "sku_id": "S", "sku": "TEA", "components": []}]
    assert integration.take_orders(cast("Page", {"events": [mapped]})) == 1
    assert books.drafts() == []
    assert books.free_stock() == {"TEA": tea - 3, "CUP": cup}
    assert integration.touched == {"TEA"}


if __name__ == "__main__":
    main()
