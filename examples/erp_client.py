"""A small ERP that keeps shops on several channels in step through Qudao's /v1. Ordinary HTTP, no import of Qudao.

    QUDAO_KEY=qk_… python erp_client.py http://127.0.0.1:8080

It follows the feed, gives every SKU a stock number and a price when it first meets it, and ships what is ready to ship.
What it does goes to standard output, one JSON object a line. Stop it with Ctrl-C; with --state it goes on where it was.
"""

import argparse
import hashlib
import json
import os
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import httpx

ROUND_SECONDS = 5
"""How often the catalogue is looked at for goods that are new to us."""


class Erp:
    """A warehouse and a price list, in memory; what must outlive a restart is the cursor, see `follow`."""

    def __init__(
        self, url: str, key: str, *, stock: int = 1000, deliveries: int = 0, state: Path | None = None
    ) -> None:
        self.http = httpx.Client(
            base_url=url,
            headers={"Authorization": f"Bearer {key}"},
            timeout=httpx.Timeout(10, read=40),
            trust_env=False,
        )
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
            answer = self.ask("GET", "/v1/feed", params={"after": self.cursor, "wait": ROUND_SECONDS, "limit": 200})
            arrived = time.time()
            for event in answer["events"]:
                why = event["data"].get("code", "")
                self.tell(
                    "event", id=event["id"], type=event["type"], subject=event["subject"], arrived=arrived, why=why
                )
            self.work(answer["events"])
            self.cursor = answer["cursor"]
            if self.state:
                self.state.write_text(self.cursor)
            if time.monotonic() >= self.next_round:
                self.next_round = time.monotonic() + ROUND_SECONDS
                self.publish()
                self.receive_goods()

    def work(self, events: list[dict[str, Any]]) -> None:
        """Answers a batch of events with one command of each kind."""
        ready: dict[tuple[str, str], dict[str, Any]] = {}
        for event in events:
            order = event["data"].get("order")
            if order and order["status"] == "to_ship" and order["after_sale"]["value"] == "none":
                ready[order["shop_id"], order["id"]] = order
        self.ship([order for place, order in ready.items() if place not in self.shipped])

    def publish(self) -> None:
        """Gives every SKU that is new to us its stock, and every listing SKU that is new its price."""
        rows = [row for row in self.pages("/v1/stock") if row["sku"]]
        fresh = sorted({row["sku"] for row in rows} - self.numbers.keys())
        numbers = {sku: self.stock + number(sku, 200) for sku in fresh}
        stock = [{"sku": sku, "quantity": quantity} for sku, quantity in numbers.items()]
        self.command("PUT", "/v1/stock", stock)
        self.numbers |= numbers

        prices = []
        for row in rows:
            place = (row["shop"], row["listing_id"], row["sku_id"])
            if place not in self.priced and row["price"]:
                self.priced.add(place)
                prices.append(dict(zip(("shop", "listing_id", "sku_id"), place, strict=True)) | new_price(row))
        self.command("PUT", "/v1/prices", prices)

    def receive_goods(self) -> None:
        """Now and then a lorry comes, and three SKUs have more."""
        if not self.deliveries or not self.numbers:
            return
        skus = sorted(self.numbers)
        arrived = {skus[(self.deliveries * 3 + n) % len(skus)] for n in range(3)}
        self.deliveries -= 1
        self.numbers |= {sku: self.numbers[sku] + 10 for sku in arrived}
        self.command("PUT", "/v1/stock", [{"sku": sku, "quantity": self.numbers[sku]} for sku in sorted(arrived)])

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
        self.command("POST", "/v1/shipments", shipments)
        self.shipped.update((order["shop_id"], order["id"]) for order in orders)

    def command(self, method: str, path: str, items: list[dict[str, Any]]) -> None:
        """Sends wishes. `ask` repeats with the same Idempotency-Key: a command whose answer was lost is done once."""
        for start in range(0, len(items), 100):
            body = json.dumps({"items": items[start : start + 100]})
            key = str(uuid.uuid4())
            answer = self.ask(
                method, path, content=body, headers={"Idempotency-Key": key, "Content-Type": "application/json"}
            )
            for wish, result in zip(items[start : start + 100], answer["items"], strict=True):
                self.tell(path.rpartition("/")[2], state=result["state"], code=result["code"], **wish)

    def pages(self, path: str) -> list[dict[str, Any]]:
        """Everything a list has."""
        found: list[dict[str, Any]] = []
        after = ""
        while True:
            page = self.ask("GET", path, params={"after": after, "limit": 500})
            found += page["items"]
            after = page["cursor"]
            if not page["more"]:
                return found

    def ask(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        """One request, repeated for as long as the server is away. A refusal in problem details ends the program."""
        wait = 0.2
        while True:
            try:
                answer = self.http.request(method, path, **request)
            except httpx.TransportError as error:
                print(f"waiting for {self.http.base_url}: {type(error).__name__}", file=sys.stderr)
            else:
                if answer.status_code < 500:
                    return self.read(answer)
                print(f"{method} {path}: HTTP {answer.status_code}", file=sys.stderr)
            time.sleep(wait)
            wait = min(5.0, wait * 2)

    @staticmethod
    def read(answer: httpx.Response) -> dict[str, Any]:
        """The answer's JSON. When no item of a command could be taken, each item's refusal instead."""
        body: dict[str, Any] = answer.json()
        if answer.status_code == 422 and "errors" in body:
            count = len(json.loads(answer.request.content)["items"])
            codes = {int(each["pointer"].split("/")[2]): each["code"] for each in body["errors"]}
            return {"items": [{"state": "refused", "code": codes.get(place, body["code"])} for place in range(count)]}
        if answer.status_code >= 400:
            raise SystemExit(f"{answer.request.method} {answer.request.url.path}: {body['code']}: {body['detail']}")
        return body

    @staticmethod
    def tell(what: str, **words: Any) -> None:
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
        Erp(options.url, key, stock=options.stock, deliveries=options.deliveries, state=options.state).follow()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
