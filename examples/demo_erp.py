"""A small ERP that keeps shops on several channels in step through Qudao's /v1, with the client of `erp_client.py`.

    QUDAO_KEY=qk_… python -m examples.demo_erp http://127.0.0.1:8080

It follows the feed, gives every SKU a stock number and a price when it first meets it, and ships what is ready to ship.
What it does goes to standard output, one JSON object a line. Stop it with Ctrl-C; with --state it goes on where it was.
"""

import argparse
import hashlib
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from examples.erp_client import Event, Qudao, Taken

ROUND_SECONDS = 5
"""How often the catalogue is looked at for goods that are new to us."""


class Erp:
    """A warehouse and a price list, in memory; what must outlive a restart is the cursor, see `follow`."""

    def __init__(self, qudao: Qudao, *, stock: int = 1000, deliveries: int = 0, state: Path | None = None) -> None:
        self.qudao = qudao
        self.stock = stock
        self.state = state
        self.cursor = state.read_text() if state and state.exists() else ""
        self.numbers: dict[str, int] = {}
        self.priced: set[tuple[str, str, str]] = set()
        self.shipped: set[tuple[str, str]] = set()
        self.deliveries = deliveries
        self.next_round = 0.0

    def follow(self) -> None:
        """Reads the feed for ever. Events are worked off before the cursor moves: a crash repeats some, skips none."""
        while True:
            page = self.qudao.feed(self.cursor, wait=ROUND_SECONDS)
            self.note(page["events"])
            self.work(page["events"])
            self.cursor = page["cursor"]
            if self.state:
                self.state.write_text(self.cursor)
            if time.monotonic() >= self.next_round:
                self.next_round = time.monotonic() + ROUND_SECONDS
                self.publish()
                self.receive_goods()

    def work(self, events: list[Event]) -> None:
        """Answers a batch of events with one command of each kind."""
        ready: dict[tuple[str, str], dict[str, Any]] = {}
        for event in events:
            order = event["data"].get("order")
            if order and order["status"] == "to_ship" and order["after_sale"]["value"] == "none":
                ready[order["shop_id"], order["id"]] = order
        self.ship([order for place, order in ready.items() if place not in self.shipped])

    def ship(self, orders: list[dict[str, Any]]) -> None:
        """Sends each order in one parcel. Asking twice is harmless: the same parcels again change nothing."""
        shipments = [
            {
                "shop": order["shop_id"],
                "order_id": order["id"],
                "parcels": [{"carrier": "ZTO", "tracking_no": f"7537{number(order['id'], 10**10):010d}"}],
            }
            for order in orders
        ]
        self.tell("shipments", shipments, self.qudao.ship(shipments))
        self.shipped.update((order["shop_id"], order["id"]) for order in orders)

    def publish(self) -> None:
        """Gives every SKU that is new to us its stock, and every listing SKU that is new its price."""
        rows = [row for row in self.qudao.stock() if row["sku"]]
        fresh = sorted({row["sku"] for row in rows} - self.numbers.keys())
        self.set_stock({sku: self.stock + number(sku, 200) for sku in fresh})

        prices = []
        for row in rows:
            place = (row["shop"], row["listing_id"], row["sku_id"])
            if place not in self.priced and row["price"]:
                self.priced.add(place)
                prices.append(dict(zip(("shop", "listing_id", "sku_id"), place, strict=True)) | new_price(row))
        self.tell("prices", prices, self.qudao.set_prices(prices))

    def receive_goods(self) -> None:
        """Now and then a lorry comes, and three SKUs have more."""
        if not self.deliveries or not self.numbers:
            return
        skus = sorted(self.numbers)
        arrived = {skus[(self.deliveries * 3 + n) % len(skus)] for n in range(3)}
        self.deliveries -= 1
        self.set_stock({sku: self.numbers[sku] + 10 for sku in sorted(arrived)})

    def set_stock(self, numbers: dict[str, int]) -> None:
        wishes = [{"sku": sku, "quantity": quantity} for sku, quantity in numbers.items()]
        self.tell("stock", wishes, self.qudao.set_stock(numbers))
        self.numbers |= numbers

    def note(self, events: list[Event]) -> None:
        """Writes down what arrived."""
        arrived = time.time()
        for event in events:
            why = event["data"].get("code", "")
            say("event", id=event["id"], type=event["type"], subject=event["subject"], arrived=arrived, why=why)

    @staticmethod
    def tell(what: str, wishes: Sequence[Mapping[str, Any]], taken: list[Taken]) -> None:
        """Writes down what was asked for, with the answer."""
        for wish, result in zip(wishes, taken, strict=True):
            say(what, state=result["state"], code=result["code"], **wish)


def say(what: str, **words: Any) -> None:
    print(json.dumps({"at": time.time(), "what": what, **words}, ensure_ascii=False), flush=True)


def number(text: str, below: int) -> int:
    """A number that follows from a text: the same goods get the same number every time."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") % below


def new_price(row: dict[str, Any]) -> dict[str, int]:
    """One yuan below what the channel shows; the channel's other prices stay as they are."""
    return {"sale": max(1, row["price"]["sale"] - 100)}


def main() -> None:
    parser = argparse.ArgumentParser(description="Follow the feed, set stock and prices, ship.")
    parser.add_argument("url", help="where Qudao is, e.g. http://127.0.0.1:8080")
    parser.add_argument("--stock", type=int, default=1000, help="how many of each SKU there are, about")
    parser.add_argument("--deliveries", type=int, default=0, help="how many times goods arrive while we watch")
    parser.add_argument("--state", type=Path, help="file that keeps the cursor")
    options = parser.parse_args()
    key = os.environ.get("QUDAO_KEY") or parser.error("set QUDAO_KEY; `qudao key create` makes one")
    try:
        with Qudao(options.url, key) as qudao:
            Erp(qudao, stock=options.stock, deliveries=options.deliveries, state=options.state).follow()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
