"""All that knows Tryton: sales of the module `web_shop`, stock, shipments. Runs inside trytond, without its server.

One call is one transaction of Tryton: it happened or it did not. Tryton's own tasks (`ir.queue`) are rows too; those a
crash left behind are run by `finish_tasks`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, TypeVar

from trytond.config import config
from trytond.pool import Pool
from trytond.transaction import Transaction, TransactionError
from trytond.worker import run_task

from examples.tryton.decisions import Action, Address, Decision, Wanted

T = TypeVar("T")
NAME = "tryton"
BEFORE_LEAVING = ("draft", "waiting", "assigned", "picked", "packed")
"""States of a shipment that can still be stopped."""


@dataclass(frozen=True)
class Packed:
    """A parcel: its number, and of each line of the order how many pieces are in it."""

    tracking_no: str
    lines: Mapping[str, int]


@dataclass(frozen=True)
class Sent:
    """A shipment that left the house and that the channel has not been told of."""

    id: int
    shop: str
    order: str
    parcels: tuple[Packed, ...]
    """All of the order until now: what a channel is told of an order replaces what it was told before."""
    whole: bool
    """Whether the one parcel is all that the buyer gets."""


class Books:
    """A company's sales and stock in a Tryton database of the folder."""

    def __init__(self, folder: Path) -> None:
        self.pool = opened(folder)
        with Transaction().start(NAME, 0, readonly=True):
            (company,) = self.pool.get("company.company").search([])
            self.company = company.id

    def transact(self, work: Callable[[Any], T]) -> T:
        """Does the work in one transaction, handing it the pool's `get`: a model by its name. Tryton may ask for a new
        one that begins with locks on what the work turned out to change.
        """
        context = {"company": self.company, "_skip_warnings": True}
        locks: dict[str, Any] = {}
        while True:
            with Transaction().start(NAME, 1, context=context, **locks) as transaction:
                try:
                    return work(self.pool.get)
                except TransactionError as wish:
                    transaction.rollback()
                    wish.fix(locks)

    def finish_tasks(self) -> None:
        """What Tryton put off until after a commit, such as a sale's state after its shipment's."""
        while True:
            with Transaction().start(NAME, 0, readonly=True):
                tasks = [task.id for task in self.pool.get("ir.queue").search([("finished_at", "=", None)])]
            if not tasks:
                return
            for task in tasks:
                run_task(NAME, task)

    def take(self, shop: str, order: str, decision: Decision) -> str:
        """Makes Tryton agree with the decision; says in a word what changed. Asked again, it changes nothing."""

        def work(get: Any) -> str:
            sale = self._sale(get, shop, order)
            if sale is None and decision.action in (Action.SELL, Action.ASK):
                return self._sell(get, shop, order, decision)
            if sale is None or decision.action in (Action.WAIT, Action.LEAVE):
                return ""
            if sale.state == "draft":
                return self._settle_draft(get, sale, decision)
            return self._change(get, sale, decision)

        return self.transact(work)

    def drafts(self) -> list[tuple[str, str]]:
        """Shop and order of what waits for a mapping."""

        def work(get: Any) -> list[tuple[str, str]]:
            found = get("sale.sale").search([("web_shop", "!=", None), ("state", "=", "draft")])
            return [(sale.web_shop.name, sale.web_id) for sale in found]

        return self.transact(work)

    def _sale(self, get: Any, shop: str, order: str) -> Any:
        found = get("sale.sale").search([("web_shop.name", "=", shop), ("web_id", "=", order)])
        return found[0] if found else None

    def _sell(self, get: Any, shop: str, order: str, decision: Decision) -> str:
        """`web_shop` allows a web id once per shop: a second sale of the order is refused.

        Invoices are not made here: they follow the channel's settlement, which tells the seller's true revenue.
        """
        web_shop = get("web.shop").get(shop)
        (party,) = get("party.party").search([("name", "=", buyers_of(shop))])
        address = get("party.address")(party=party, **_place(decision.address))
        address.save()
        sale = web_shop.get_sale(party)
        sale.web_id = order
        sale.invoice_method = "manual"
        sale.shipment_address = address
        sale.lines = [self._line(get, sale, wanted) for wanted in decision.lines]
        sale.save()
        if decision.action is Action.ASK:
            return "drafted"
        self._confirm(get, sale)
        self._hold(get, sale, held=decision.held)
        return "sold"

    def _line(self, get: Any, sale: Any, wanted: Wanted) -> Any:
        line = get("sale.line")(sale=sale, type="line", quantity=wanted.quantity)
        line.note = f"{wanted.line} {wanted.each}"
        line.description = wanted.title
        line.currency = sale.currency
        (line.unit,) = get("product.uom").search([("name", "=", "Unit")])
        if found := get("product.product").search([("code", "=", wanted.sku)] if wanted.sku else [("id", "<", 0)]):
            (line.product,) = found
        line.unit_price = wanted.price
        return line

    def _confirm(self, get: Any, sale: Any) -> None:
        """Quotation, confirmation and shipment in the same transaction, so that the goods are bound at once."""
        Sale = get("sale.sale")  # noqa: N806 - as Tryton writes models
        for step in (Sale.quote, Sale.confirm, Sale.process):
            step([sale])

    def _settle_draft(self, get: Any, sale: Any, decision: Decision) -> str:
        """A draft waited for its mapping: it becomes what it ought to be, or goes."""
        Sale = get("sale.sale")  # noqa: N806
        if decision.action is Action.CANCEL:
            Sale.cancel([sale])
            return "cancelled"
        if decision.action is Action.ASK:
            return ""
        get("sale.line").delete(sale.lines)
        sale.lines = [self._line(get, sale, wanted) for wanted in decision.lines]
        sale.save()
        self._confirm(get, sale)
        self._hold(get, sale, held=decision.held)
        return "sold"

    def _change(self, get: Any, sale: Any, decision: Decision) -> str:
        kept = {wanted.line for wanted in decision.lines} if decision.action is not Action.CANCEL else set()
        words = [self._deliver_only(get, sale, kept)]
        if kept and any(each.state in BEFORE_LEAVING for each in sale.shipments):
            words += [self._hold(get, sale, held=decision.held), _readdress(sale.shipment_address, decision.address)]
        return " ".join(word for word in words if word)

    def _deliver_only(self, get: Any, sale: Any, kept: set[str]) -> str:
        """Stops what has not left the house. Tryton's way: cancel the shipment, then say of each of its moves whether
        it is given up or made anew.
        """
        stopped = [shipment for shipment in sale.shipments if shipment.state in BEFORE_LEAVING]
        if not any(_line_of(line)[0] not in kept for shipment in stopped for line in _lines_in(shipment)):
            return ""
        get("stock.shipment.out").cancel(stopped)
        for line in sale.lines:
            moves = [move.id for move in line.moves if move.state == "cancelled"]
            new = set(moves) - {move.id for move in (*line.moves_ignored, *line.moves_recreated)}
            field = "moves_recreated" if _line_of(line)[0] in kept else "moves_ignored"
            get("sale.line").write([line], {field: [("add", sorted(new))]})
        get("sale.sale").process([sale])
        return "reduced" if kept else "cancelled"

    def _hold(self, get: Any, sale: Any, *, held: bool) -> str:
        """A shipment in draft is none of the warehouse's business yet, but binds its goods."""
        Shipment = get("stock.shipment.out")  # noqa: N806
        if held and (waiting := [each for each in sale.shipments if each.state in ("waiting", "assigned")]):
            Shipment.wait([each for each in waiting if each.state == "assigned"])
            Shipment.draft(waiting)
            return "held"
        if not held and (drafts := [each for each in sale.shipments if each.state == "draft"]):
            Shipment.wait(drafts)
            return "released"
        return ""

    def free_stock(self) -> dict[str, int]:
        """SKU → pieces in the warehouse that nobody has bought: what is there, less all that is still to go out.

        Not Tryton's forecast: that counts what suppliers will bring, and forgets shipments that are overdue.
        """
        return self.transact(self._free)

    def _free(self, get: Any) -> dict[str, int]:
        (warehouse,) = get("stock.location").search([("type", "=", "warehouse")])
        products = get("product.product").search([("type", "=", "goods")])
        with Transaction().set_context(stock_date_end=date.today()):  # noqa: DTZ011 - Tryton's own day
            there = get("product.product").products_by_location([warehouse.id], with_childs=True)
        going = get("stock.move").search(
            [
                ("from_location", "child_of", [warehouse.id], "parent"),
                ("to_location.type", "=", "customer"),
                ("state", "not in", ["done", "cancelled"]),
            ]
        )
        free = {product.id: there.get((warehouse.id, product.id), 0) for product in products}
        for move in going:
            free[move.product.id] -= move.internal_quantity
        return {product.code: max(0, int(free[product.id])) for product in products}

    def sent(self) -> list[Sent]:
        """Shipments that left the house. Their state is the outbox: `told` moves them on."""
        return self.transact(
            lambda get: [_sent(each) for each in get("stock.shipment.out").search([("state", "=", "shipped")])]
        )

    def told(self, shipments: Sequence[int]) -> None:
        """The channel has their numbers."""

        def work(get: Any) -> None:
            found = get("stock.shipment.out").search([("id", "in", list(shipments)), ("state", "=", "shipped")])
            get("stock.shipment.out").do(found)

        self.transact(work)

    def sales(self) -> list[dict[str, Any]]:
        """Every sale, for the comparison."""
        return self.transact(lambda get: [_told(each) for each in get("sale.sale").search([("web_shop", "!=", None)])])


def opened(folder: Path) -> Any:
    """Tryton's models for the database of the folder."""
    config.set("database", "uri", "sqlite://")
    config.set("database", "path", str(folder))
    Pool.start()
    pool = Pool(NAME)
    pool.init()
    return pool


def buyers_of(shop: str) -> str:
    """The one party of a shop's buyers: who they are is the channel's secret."""
    return f"Buyers of {shop}"


def _readdress(address: Any, wanted: Address) -> str:
    changed = {name: value for name, value in _place(wanted).items() if (getattr(address, name) or "") != value}
    if changed:
        type(address).write([address], changed)
    return "readdressed" if changed else ""


def _place(address: Address) -> dict[str, str]:
    return {"party_name": address.name, "street_unstructured": address.street, "city": address.city}


def _lines_in(shipment: Any) -> list[Any]:
    return [move.origin for move in shipment.outgoing_moves if move.state != "cancelled"]


def _sent(shipment: Any) -> Sent:
    sale = shipment.outgoing_moves[0].origin.sale
    left = [each for each in sale.shipments if each.state in ("shipped", "done")]
    parcels = tuple(Packed(each.reference or "", _by_line(each)) for each in left)
    owed = {_line_of(move.origin)[0] for move in sale.moves if move.state != "cancelled"}
    whole = len(parcels) == 1 and parcels[0].lines.keys() == owed
    return Sent(shipment.id, sale.web_shop.name, sale.web_id, parcels, whole)


def _by_line(shipment: Any) -> dict[str, int]:
    """Of each line of the order, how many are in the parcel: of a bundle as many as are whole."""
    lines: dict[str, int] = {}
    for move in shipment.outgoing_moves:
        line, each = _line_of(move.origin)
        whole = int(move.quantity) // each
        lines[line] = min(whole, lines.get(line, whole))
    return lines


def _line_of(line: Any) -> tuple[str, int]:
    """Which line of the channel's order a sale's line is for, and how many pieces of it make one."""
    name, _, each = line.note.rpartition(" ")
    return name, int(each)


def _told(sale: Any) -> dict[str, Any]:
    """Where a sale is from, how far it is, and which pieces were ordered, are still bound, were delivered."""
    states = {move.state for move in sale.moves}
    bound, done = states - {"cancelled", "done", "staging"}, {"done"}
    return {
        "shop": sale.web_shop.name,
        "order": sale.web_id,
        "state": sale.state,
        "ordered": _pieces((line.product, line.quantity) for line in sale.lines),
        "bound": _pieces((move.product, move.quantity) for move in sale.moves if move.state in bound),
        "delivered": _pieces((move.product, move.quantity) for move in sale.moves if move.state in done),
    }


def _pieces(goods: Iterable[tuple[Any, float]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for product, quantity in goods:
        code = product.code if product else ""
        found[code] = found.get(code, 0) + int(quantity)
    return found
