"""Joins Tryton and Qudao: orders become sales, free stock goes out, shipments are told.

    python -m examples.tryton.integration FOLDER QUDAO-URL      (QUDAO_KEY in the environment)

Three rounds, each of which may be cut off anywhere and done again: the feed is acknowledged after Tryton has committed,
stock is compared with what Qudao was last told, and a shipment's state in Tryton says whether the channel knows of it.
"""

import argparse
import os
import signal
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from examples.erp_client import Page, Qudao, Taken
from examples.tryton.books import Books, Sent
from examples.tryton.decisions import Action, Mapped, decide, mapping

CONSUMER = "tryton"
EVENTS = ["order.*", "listing.mapped", "stock.adopted"]
CARRIER = "ZTO"
"""The company has a contract with one carrier."""
WAIT_SECONDS = 1.0
"""How long an answer of the feed may wait for news; then it is the turn of shipments and stock."""
DONE = ("accepted", "unchanged", "superseded")
"""States of an item after which the channel has what it should."""


class Integration:
    """Holds nothing that a restart would miss."""

    def __init__(self, qudao: Qudao, books: Books) -> None:
        self.qudao, self.books = qudao, books
        self.mapped: Mapped = {}
        self.touched: set[str] = set()
        """SKUs of the orders in this batch, which is acknowledged after their numbers were told."""
        self.asked: dict[int, Taken] = {}
        """Shipment → how it was taken."""

    def run(self, *, die_before_ack: bool = False) -> None:
        """For ever. `die_before_ack`: be killed at the worst moment, between the sales and their acknowledgement."""
        self.qudao.put_consumer(CONSUMER, type=EVENTS)
        self.books.finish_tasks()
        for page in self.qudao.consume(CONSUMER, wait=WAIT_SECONDS):
            sold = self.take_orders(page)
            if sold and die_before_ack:
                os.kill(os.getpid(), signal.SIGKILL)
            self.tell_shipments()
            self.tell_stock()

    def take_orders(self, page: Page) -> int:
        """Makes Tryton agree with the newest state of every order in the batch; says how many were sold."""
        newest = {(e["source"], e["subject"]): e["data"]["order"] for e in page["events"] if "order" in e["data"]}
        orders = list(newest.values())
        if any(event["type"] == "qudao.listing.mapped" for event in page["events"]):
            self.mapped = {}
            orders += [self.qudao.order(shop, number)["order"] for shop, number in self.books.drafts()]
        if self._unknown_goods(orders):
            self.mapped = mapping(list(self.qudao.stock()))
        sold = sum(self._take(order) == "sold" for order in orders)
        for event in page["events"]:
            if event["type"] == "qudao.stock.adopted":  # the channel shows another number: ours is said again
                place = (event["source"].removeprefix("/shops/"), event["data"]["listing_id"], event["data"]["sku_id"])
                self.touched |= {sku for sku, _ in self.mapped.get(place, ())}
        self.books.finish_tasks()
        return sold

    def _take(self, order: Mapping[str, Any]) -> str:
        self.touched |= {sku for place in _places(order) for sku, _ in self.mapped.get(place, ())}
        decision = decide(order, self.mapped)
        done = self.books.take(order["shop_id"], order["id"], decision)
        if done or decision.action is Action.LEAVE:
            say(f"{done or 'left the house without us'}: {order['shop_id']} {order['id']}")
        return done

    def _unknown_goods(self, orders: Iterable[Mapping[str, Any]]) -> bool:
        """Whether something is asked for that was not mapped when we last looked."""
        return any(place not in self.mapped for order in orders for place in _places(order))

    def tell_shipments(self) -> None:
        """Sends the parcels of what left the house, and closes the shipments whose channel has them. Asking twice, as
        after a crash, is harmless: the same parcels again change nothing.
        """
        sent = self.books.sent()
        fresh = [each for each in sent if each.id not in self.asked]
        for each, taken in zip(fresh, self.qudao.ship([shipment(each) for each in fresh]), strict=True):
            self.asked[each.id] = taken
            if taken["state"] == "refused":
                say(f"shipment refused: {each.shop} {each.order}: {taken['code']}: {taken['detail']}")
        commands = {taken["command"] for each in sent if (taken := self.asked[each.id])["command"]}
        stands = {command: self.qudao.outcome(command)["items"] for command in commands if command}
        arrived = []
        for each in sent:
            taken = self.asked[each.id]
            if taken["command"] and stands[taken["command"]][taken["index"]]["state"] in DONE:
                arrived.append(each.id)
        if arrived:
            self.books.told(arrived)
            self.books.finish_tasks()

    def tell_stock(self) -> None:
        """Sends the numbers that are not what Qudao was last told. What is free here is free in every shop.

        The number of goods that an order touched is sent though it be the same: the channel counts its own sales up and
        down, and may have done so while an earlier number was on its way.
        """
        told = {row["sku"]: row["quantity"] for row in self.qudao.stock() if row["sku"]}
        free = self.books.free_stock()
        again = self.touched & told.keys()
        changed = {sku: pieces for sku, pieces in free.items() if sku in again or told.get(sku, pieces) != pieces}
        for sku, taken in zip(changed, self.qudao.set_stock(changed), strict=True):
            if taken["state"] == "refused":
                say(f"stock of {sku} refused: {taken['code']}: {taken['detail']}")
        self.touched.clear()


def _places(order: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Which listing SKUs an order names."""
    return [(order["shop_id"], line["listing_id"], line["sku_id"]) for line in order["lines"]]


def shipment(sent: Sent) -> dict[str, Any]:
    """A shipment as Qudao wants it: lines only where the order does not leave in one parcel."""
    parcels: list[dict[str, Any]] = []
    for each in sent.parcels:
        lines = [{"line_id": line, "quantity": quantity} for line, quantity in each.lines.items()]
        parcels.append({"carrier": CARRIER, "tracking_no": each.tracking_no} | ({} if sent.whole else {"lines": lines}))
    return {"shop": sent.shop, "order_id": sent.order, "parcels": parcels}


def say(words: str) -> None:
    print(words, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description="Orders become sales, free stock goes out, shipments are told.")
    parser.add_argument("folder", type=Path, help="where founding.py made the Tryton database")
    parser.add_argument("url", help="where Qudao is")
    parser.add_argument("--die-before-ack", action="store_true", help="be killed after the first sales")
    options = parser.parse_args()
    with Qudao(options.url, os.environ["QUDAO_KEY"]) as qudao:
        Integration(qudao, Books(options.folder.absolute())).run(die_before_ack=options.die_before_ack)


if __name__ == "__main__":
    main()
