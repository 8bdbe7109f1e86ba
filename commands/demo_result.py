"""What the demo proves: the platforms' truth against what an ordinary ERP saw and asked for. Pure; no engine is asked.

The journal is what `examples/demo_erp.py` printed: every event that arrived and every command with its answer.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from itertools import accumulate
from statistics import quantiles
from typing import Any

NEVER_SHIPPED = ("unpaid", "deposit_paid", "cancelled")
"""States of orders that nobody has to ship."""
BETWEEN_SECONDS = 10.0
"""Longer than from the reading that a channel's stock number is made of to its write, with the tries of both."""


@dataclass
class Journal:
    """What the ERP saw and did, per shop where it matters."""

    events: Counter[str] = field(default_factory=Counter)
    """Event id → how many times it arrived."""
    created: dict[tuple[str, str], float] = field(default_factory=dict)
    """(shop, order) → when its first event arrived."""
    shipped: dict[tuple[str, str], str] = field(default_factory=dict)
    """(shop, order) → the tracking number the ERP gave."""
    numbers: dict[str, int] = field(default_factory=dict)
    prices: dict[tuple[str, str], int] = field(default_factory=dict)
    """(shop, channel's SKU id) → the sale price."""
    unpriceable: dict[tuple[str, str], str] = field(default_factory=dict)
    """(shop, channel's SKU id) → the listing, where the channel has no way to set a price."""
    refused: list[str] = field(default_factory=list)

    def read(self, lines: Iterable[str]) -> None:
        """Takes further lines of the ERP's output."""
        for line in lines:
            entry = json.loads(line)
            what = entry["what"]
            if what == "event":
                self._event(entry)
            elif entry["state"] == "refused":
                self.refused.append(f"{what}: {entry['code']}")
            elif what == "shipments":
                self.shipped[entry["shop"], entry["order_id"]] = entry["parcels"][0]["tracking_no"]
            elif what == "stock":
                self.numbers[entry["sku"]] = entry["quantity"]
            elif what == "prices":
                self.prices[entry["shop"], entry["sku_id"]] = entry["sale"]

    def _event(self, entry: Mapping[str, Any]) -> None:
        self.events[entry["id"]] += 1
        shop = entry["id"].split("/", 2)[1]
        if entry["type"] == "qudao.order.created":
            self.created.setdefault((shop, entry["subject"]), entry["arrived"])
        if entry["type"] == "qudao.price.parked" and entry["why"] == "unsupported":
            listing_id, _, sku_id = entry["subject"].partition("/")
            self.unpriceable[shop, sku_id] = listing_id


@dataclass
class ChannelResult:
    """One channel's row of the final table."""

    placed: int = 0
    in_feed: int = 0
    missing: int = 0
    duplicated: int = 0
    shipped: int = 0
    accepted: int = 0
    stock_agreed: bool = False
    price_agreed: bool = False
    p50_ms: float | None = None
    p99_ms: float | None = None


@dataclass
class Result:
    """All rows; `reasons` says in words what does not agree, `notes` what a reader should know of the rest."""

    channels: dict[str, ChannelResult]
    reasons: list[str]
    notes: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.reasons

    def as_json(self) -> dict[str, Any]:
        channels = {name: asdict(row) for name, row in self.channels.items()}
        return {"channels": channels, "ok": self.ok, "notes": self.notes}


def compare(truth: Mapping[str, Any], journal: Journal, channels: Iterable[str]) -> Result:
    """Whether everything agrees, channel by channel."""
    result = Result({}, [f"{what} refused" for what in sorted(set(journal.refused))])
    for name in channels:
        row = ChannelResult()
        result.channels[name] = row
        stock_reasons: list[str] = []
        price_reasons: list[str] = []
        for account, shop in truth["channels"][name]["shops"].items():
            identity = f"{name}:{account}"
            result.reasons += _orders(row, identity, shop["orders"], journal)
            stock_reasons += _stock(identity, shop, journal)
            price_reasons += _prices(identity, shop["skus"], journal)
        row.stock_agreed, row.price_agreed = not stock_reasons, not price_reasons
        row.p50_ms, row.p99_ms = _percentiles(_push_waits(name, truth["channels"][name]["pushes"], journal))
        if row.p50_ms is None:
            row.p50_ms, row.p99_ms = _percentiles(_order_waits(name, truth["channels"][name]["shops"], journal))
            result.notes.append(f"{name} sends no pushes; its p50 and p99 count from the placing of an order")
        result.reasons += stock_reasons + price_reasons
        result.notes += [
            f"{shop} has no way to set the price of listing {listing_id}; the wish is parked"
            for (shop, _), listing_id in sorted(journal.unpriceable.items())
            if shop.startswith(f"{name}:")
        ]
    lags = ", ".join(f"{name} {truth['channels'][name]['index_lag']:g} s" for name in result.channels)
    result.notes.append(f"the platforms' lists lag behind by: {lags} (index_lag of the sandbox)")
    return result


def _orders(row: ChannelResult, shop: str, orders: Mapping[str, Any], journal: Journal) -> list[str]:
    reasons = []
    repeated = {name for name, times in journal.events.items() if times > 1 and name.split("/", 2)[1] == shop}
    row.duplicated += len(repeated)
    reasons += [f"{name} arrived more than once" for name in sorted(repeated)]
    for order_id, order in orders.items():
        place = (shop, order_id)
        row.placed += 1
        row.in_feed += place in journal.created
        row.shipped += place in journal.shipped
        if place not in journal.created:
            row.missing += 1
            reasons.append(f"{shop} order {order_id} is not in the feed")
        if order["ship_accepts"] > 1:
            row.duplicated += 1
            reasons.append(f"{shop} order {order_id} was shipped {order['ship_accepts']} times")
        numbers = [package["tracking_no"] for package in order["packages"]]
        if order["ship_accepts"] == 1 and numbers == [journal.shipped.get(place)]:
            row.accepted += 1
        elif order["state"] not in NEVER_SHIPPED:
            reasons.append(f"{shop} order {order_id} is {order['state']}, parcels {numbers}")
    known = {order for at, order in journal.created if at == shop}
    reasons += [f"{shop} order {order_id} is in the feed only" for order_id in sorted(known - orders.keys())]
    return reasons


def _stock(shop: str, facts: Mapping[str, Any], journal: Journal) -> list[str]:
    """sellable = the last accepted number − sold since + given back, and that number is the ERP's last one, or less by
    just what was sold while it was made and written.
    """
    reasons = []
    for sku_id, sku, wanted in _by_code(facts["skus"], journal.numbers):
        shown = sku["sellable"]
        last = sku["last_set"]
        if wanted is None:
            if last["kind"] != "initial":
                reasons.append(f"{shop} SKU {sku_id} is not mapped and yet was written")
        elif wanted - last["quantity"] not in _sold_before(facts["orders"], sku_id, last["at"]):
            reasons.append(f"{shop} SKU {sku_id} was last set to {last['quantity']}, wanted {wanted}")
        elif shown != last["quantity"] - sku["sold_since"] + sku["given_back_since"]:
            reasons.append(f"{shop} SKU {sku_id} shows {shown}, which its sales do not explain")
    return reasons


def _sold_before(orders: Mapping[str, Any], sku_id: str, at: float) -> list[int]:
    """What may have been sold between a reading and the write at this time: nothing, the last order, the last two …"""
    placed = sorted(
        (order["placed_at"], line["quantity"])
        for order in orders.values()
        if not order["parent_id"] and at - BETWEEN_SECONDS <= order["placed_at"] <= at
        for line in order["lines"]
        if line["sku_id"] == sku_id
    )
    return list(accumulate((pieces for _, pieces in reversed(placed)), initial=0))


def _by_code(skus: Mapping[str, Any], numbers: Mapping[str, int]) -> Iterable[tuple[str, Any, int | None]]:
    """Every SKU with the number it should have: only a code that is unique in the shop maps it."""
    times = Counter(sku["code"] for sku in skus.values())
    for sku_id, sku in skus.items():
        mapped = bool(sku["code"]) and times[sku["code"]] == 1
        yield sku_id, sku, numbers.get(sku["code"], -1) if mapped else None


def _prices(shop: str, skus: Mapping[str, Any], journal: Journal) -> list[str]:
    reasons = []
    wanted = {
        sku_id: sale
        for (at, sku_id), sale in journal.prices.items()
        if at == shop and (at, sku_id) not in journal.unpriceable
    }
    if not wanted:
        reasons.append(f"{shop} has no price from the ERP yet")
    for sku_id, sale in wanted.items():
        shown = skus[sku_id]["price"]["sale"]
        if skus[sku_id]["pending_price"] is not None:
            reasons.append(f"{shop} SKU {sku_id} has a price in review")
        elif shown != sale:
            reasons.append(f"{shop} SKU {sku_id} costs {shown}, wanted {sale}")
    return reasons


def _push_waits(channel: str, pushes: Iterable[Mapping[str, Any]], journal: Journal) -> list[float]:
    """From an order's first push to its first event at the ERP, over orders whose first push no fault touched."""
    first: dict[tuple[str, str], Mapping[str, Any]] = {}
    for push in sorted(pushes, key=lambda push: push["created_at"]):
        first.setdefault((f"{channel}:{push['shop_id']}", push["object_id"]), push)
    return [
        journal.created[place] - push["first_sent_at"]
        for place, push in first.items()
        if place in journal.created and push["first_sent_at"] is not None and not push["touched"]
    ]


def _order_waits(channel: str, shops: Mapping[str, Any], journal: Journal) -> list[float]:
    """From the placing of an order to its first event at the ERP, for a channel that can only be polled."""
    return [
        journal.created[place] - order["placed_at"]
        for account, shop in shops.items()
        for order_id, order in shop["orders"].items()
        if (place := (f"{channel}:{account}", order_id)) in journal.created
    ]


def _percentiles(seconds: Iterable[float]) -> tuple[float | None, float | None]:
    """The 50th and the 99th, in milliseconds."""
    waits = sorted(max(0.0, each * 1000) for each in seconds)
    if len(waits) < 2:
        return (waits[0], waits[0]) if waits else (None, None)
    cuts = quantiles(waits, n=100, method="inclusive")
    return round(cuts[49], 1), round(cuts[98], 1)
