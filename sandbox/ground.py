"""The ground everything in the world stands on: clock, seed, settings, apps, shops, tokens, indexes, timers, events.

What may happen to stock, orders and after-sales is in `stock.py`, `orders.py` and `refunds.py`, layers on this one.
"""

import heapq
import itertools
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Mapping, Sequence
from random import Random
from threading import RLock
from typing import Any

from .catalog import starting_items
from .clock import Clock, RealClock
from .model import App, Buyer, Event, Grant, Item, Order, Package, Refund, Review, Shop, Sku
from .people import invent_buyer
from .profile import Profile
from .settings import BY_CHANNEL, Settings


class Refused(Exception):
    """The world does not allow this. `reason` is a stable word platforms map to their codes; the text is for people.

    Reasons: unknown_shop, unknown_order, unknown_line, unknown_refund, unknown_item, unknown_sku, no_stock, off_shelf,
    wrong_state, held, refund_open, already_shipped, bad_quantity, bad_price, promoted, in_review, deleted,
    bad_argument, unknown_path, unknown_step.
    """

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class TimeIndex:
    """Ids in order of a time that changes: O(log n) look-up, cheap moves. Equal times are ordered by id."""

    def __init__(self) -> None:
        self._rows: list[tuple[float, str]] = []
        self._at: dict[str, float] = {}
        self._version = 0
        self._filtered: tuple[tuple[object, ...], list[str]] = ((), [])

    def put(self, key: str, at: float) -> None:
        """Place `key` at `at`, wherever it was before."""
        self._version += 1
        before = self._at.get(key)
        if before == at:
            return
        if before is not None:
            del self._rows[bisect_left(self._rows, (before, key))]
        self._at[key] = at
        row = (at, key)
        if not self._rows or self._rows[-1] < row:
            self._rows.append(row)
        else:
            insort(self._rows, row)

    def span(self, start: float, end: float) -> tuple[int, int]:
        """Positions [low, high) of the rows with start <= time <= end."""
        return bisect_left(self._rows, (start, "")), bisect_right(self._rows, (end, "\U0010ffff"))

    def keys(self, low: int, high: int, newest_first: bool = False) -> list[str]:
        """The ids at positions [low, high), ascending by time unless `newest_first`."""
        rows = self._rows[low:high]
        return [key for _, key in (reversed(rows) if newest_first else rows)]

    def filtered(self, low: int, high: int, name: tuple[object, ...], passes: Callable[[str], bool]) -> list[str]:
        """The ids at [low, high) that pass, newest first. The last answer is kept until anything is put: the pages of
        one query cost one scan. `name` tells filters apart."""
        asked = (self._version, low, high, *name)
        if self._filtered[0] != asked:
            self._filtered = (asked, [key for key in self.keys(low, high, newest_first=True) if passes(key)])
        return self._filtered[1]

    def __len__(self) -> int:
        return len(self._rows)


class ShopBook:
    """What one shop has: orders and after-sales with their time indexes."""

    def __init__(self) -> None:
        self.orders: dict[str, Order] = {}
        self.refunds: dict[str, Refund] = {}
        self.by_updated = TimeIndex()
        self.by_created = TimeIndex()
        self.by_confirmed = TimeIndex()
        self.confirmed_by_updated = TimeIndex()
        """Only orders that were confirmed (Pinduoduo's lists know no others)."""
        self.refunds_by_updated = TimeIndex()
        self.refunds_by_created = TimeIndex()


class Ground:
    """Shared state. One lock: whoever touches the world from several threads holds `world.lock`."""

    def __init__(
        self,
        profiles: Sequence[Profile],
        seed: int = 1,
        clock: Clock | None = None,
        *,
        shops: int = 1,
        stock: tuple[int, int] = (50, 500),
        settings: Settings | None = None,
    ) -> None:
        self.seed = seed
        self.clock: Clock = clock or RealClock()
        self.random = Random(seed)
        self._randoms: dict[str, Random] = {}
        self.lock = RLock()
        self.profiles: Mapping[str, Profile] = {profile.channel: profile for profile in profiles}
        self.settings = self._complete(settings or Settings())
        self.apps: Mapping[str, App] = {profile.channel: profile.app for profile in profiles}
        self.shops: dict[str, dict[str, Shop]] = {channel: {} for channel in self.profiles}
        self.books: dict[tuple[str, str], ShopBook] = {}
        self.calls: dict[str, dict[str, dict[str, int]]] = {channel: {} for channel in self.profiles}
        self._spent: dict[tuple[str, str, str, int], int] = {}
        """(what, channel, shop, day) -> how much of a day's allowance is used up."""
        self.reviews: dict[str, Review] = {}
        """Item edits that went to review, by edit id."""
        self._orders: dict[str, Order] = {}
        self._refunds: dict[str, Refund] = {}
        self._by_token: dict[tuple[str, str], Shop] = {}
        self._by_refresh: dict[tuple[str, str], Shop] = {}
        self._codes: dict[tuple[str, str], tuple[Shop, float]] = {}
        self._subscribers: list[Callable[[Event], None]] = []
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._counter = itertools.count(1)
        self._buyers: list[Buyer] = []
        for profile in profiles:
            for number in range(shops):
                self._open_shop(profile, number, stock)

    def now(self) -> float:
        """Epoch seconds of the world."""
        return self.clock.now()

    def change_settings(self, changes: Mapping[str, Any]) -> Settings:
        """Replace some settings; unknown names or bad values raise pydantic's ValidationError and change nothing."""
        self.settings = self._complete(Settings.model_validate(self.settings.model_dump() | dict(changes)))
        return self.settings

    def _complete(self, settings: Settings) -> Settings:
        """With the platforms' own numbers wherever the settings leave a channel out."""
        filled = {}
        for name in BY_CHANNEL:
            own = {channel: getattr(profile, name) for channel, profile in self.profiles.items()}
            filled[name] = {channel: number for channel, number in own.items() if number is not None}
            filled[name] |= getattr(settings, name)
        return Settings.model_validate(settings.model_dump() | filled)

    # Shops and tokens

    def _open_shop(self, profile: Profile, number: int, stock: tuple[int, int]) -> None:
        channel, shop_id = profile.channel, str(profile.first_shop + number)
        shop = Shop(channel, shop_id, f"{profile.shop_name}{number + 1}", self._new_grant(channel, shop_id))
        kinds = profile.shop_kinds(self.settings)
        shop.kind = kinds[number % len(kinds)]
        shop.items = starting_items(profile, number, self.now(), self.seed, stock)
        self.shops[channel][shop_id] = shop
        self.books[channel, shop_id] = ShopBook()
        self._remember_tokens(shop)

    def shop(self, channel: str, shop_id: str | None = None) -> Shop:
        """The shop, or the channel's first one; Refused(unknown_shop)."""
        shops = self.shops.get(channel)
        if not shops:
            raise Refused("unknown_shop", f"no channel {channel!r}; there are {', '.join(self.profiles)}")
        if shop_id is None:
            return next(iter(shops.values()))
        if shop_id not in shops:
            raise Refused("unknown_shop", f"no shop {shop_id} on {channel}")
        return shops[shop_id]

    def book(self, shop: Shop) -> ShopBook:
        """Orders and after-sales of the shop."""
        return self.books[shop.channel, shop.shop_id]

    def _new_grant(self, channel: str, shop_id: str) -> Grant:
        now, settings = self.now(), self.settings
        return Grant(
            self._token(channel, shop_id),
            now + settings.token_life[channel],
            self._token(channel, shop_id),
            now + settings.refresh_life[channel],
        )

    def _token(self, channel: str, shop_id: str) -> str:
        return self.profiles[channel].token(self._dice(channel), shop_id)

    def _dice(self, channel: str) -> Random:
        """The channel's own: what it draws changes nothing on the other channels."""
        if self.profiles[channel].world_dice:
            return self.random
        if channel not in self._randoms:
            self._randoms[channel] = Random(f"{self.seed}:{channel}")
        return self._randoms[channel]

    def _remember_tokens(self, shop: Shop) -> None:
        self._by_token[shop.channel, shop.grant.access_token] = shop
        self._by_refresh[shop.channel, shop.grant.refresh_token] = shop

    def shop_of_token(self, channel: str, token: str) -> tuple[Shop, float] | None:
        """The shop of an access token and when it expires; None when unknown, replaced for good or revoked."""
        shop = self._by_token.get((channel, token))
        if shop is None:
            return None
        if token == shop.grant.access_token:
            return shop, shop.grant.access_expires
        if token in shop.grant.older:
            return shop, shop.grant.older[token]
        return None

    def shop_of_refresh_token(self, channel: str, token: str) -> Shop | None:
        """The shop whose current refresh token this is (expiry not checked)."""
        shop = self._by_refresh.get((channel, token))
        return shop if shop is not None and shop.grant.refresh_token == token else None

    def is_authorised(self, shop: Shop) -> bool:
        """Whether the merchant's grant stands and its access token has not run out."""
        return shop.authorised and shop.grant.access_expires > self.now()

    def renew(self, shop: Shop, *, keep_old_for: float | None = None) -> Grant:
        """Give the shop new tokens. The old access token works for `keep_old_for` more seconds (0 = it counts as
        expired); None voids it as if it had never been."""
        old = shop.grant
        shop.grant = self._new_grant(shop.channel, shop.shop_id)
        if keep_old_for is not None:
            shop.grant.older = {old.access_token: self.now() + keep_old_for}
        if not self.settings.rotate_refresh_token:
            shop.grant.refresh_token = old.refresh_token
        self._remember_tokens(shop)
        return shop.grant

    def prolong(self, shop: Shop) -> Grant:
        """The tokens keep their values and live as long as new ones."""
        fresh, settings = self.now(), self.settings
        shop.grant.access_expires = fresh + settings.token_life[shop.channel]
        shop.grant.refresh_expires = fresh + settings.refresh_life[shop.channel]
        return shop.grant

    def set_tokens(self, shop: Shop, access_token: str, refresh_token: str) -> None:
        """Fixed tokens instead of seeded ones; expiries as they were."""
        shop.grant.access_token, shop.grant.refresh_token = access_token, refresh_token
        self._remember_tokens(shop)

    def issue_code(self, shop: Shop) -> str:
        """The merchant authorises the app: a code for one use, valid as long as the platform says."""
        profile = self.profiles[shop.channel]
        code = profile.code(self._dice(shop.channel))
        self._codes[shop.channel, code] = (shop, self.now() + profile.code_life(self.settings))
        shop.authorised = True
        return code

    def use_code(self, channel: str, code: str) -> Shop | None:
        """The shop that issued the code, which is spent by this; None when unknown, spent or too old."""
        found = self._codes.pop((channel, code), None)
        return found[0] if found and found[1] >= self.now() else None

    # Look-ups

    def order(self, order_id: str) -> Order:
        """Any shop's order; Refused(unknown_order)."""
        found = self._orders.get(order_id)
        if found is None:
            raise Refused("unknown_order", f"no order {order_id}")
        return found

    def refund(self, refund_id: str) -> Refund:
        """Any shop's after-sale; Refused(unknown_refund)."""
        found = self._refunds.get(refund_id)
        if found is None:
            raise Refused("unknown_refund", f"no after-sale {refund_id}")
        return found

    def item(self, shop: Shop, item_id: str) -> Item:
        """The shop's item; Refused(unknown_item)."""
        if item_id not in shop.items:
            raise Refused("unknown_item", f"no item {item_id} in shop {shop.shop_id}")
        return shop.items[item_id]

    def sku(self, shop: Shop, sku_id: str) -> Sku:
        """The shop's SKU; Refused(unknown_sku)."""
        for item in shop.items.values():
            if sku_id in item.skus:
                return item.skus[sku_id]
        raise Refused("unknown_sku", f"no SKU {sku_id} in shop {shop.shop_id}")

    def skus_by_code(self, shop: Shop, code: str) -> list[Sku]:
        """All SKUs of the shop with this merchant code (codes repeat)."""
        return [sku for item in shop.items.values() for sku in item.skus.values() if sku.code == code]

    def some_buyer(self) -> Buyer:
        """A buyer from a growing pool, so that some people order twice."""
        if not self._buyers or (len(self._buyers) < 2000 and self.random.random() < 0.7):
            self._buyers.append(invent_buyer(self.random, len(self._buyers)))
            return self._buyers[-1]
        return self.random.choice(self._buyers)

    # Ids

    def number(self) -> int:
        """1, 2, 3 … unique in this world."""
        return next(self._counter)

    # Time and events

    def at(self, when: float, action: Callable[[], None]) -> None:
        """Run `action` when the world reaches `when` (see `run_due`)."""
        heapq.heappush(self._timers, (when, self.number(), action))

    def run_due(self) -> None:
        """Run the timers that are due, in order. Called before every request and after every clock change."""
        while self._timers and self._timers[0][0] <= self.now():
            heapq.heappop(self._timers)[2]()

    def advance(self, seconds: float) -> None:
        """Move the clock and run what became due."""
        self.clock.advance(seconds)
        self.run_due()

    def subscribe(self, listener: Callable[[Event], None]) -> None:
        """`listener` is called with every event, inside the change."""
        self._subscribers.append(listener)

    def emit(self, event: Event) -> None:
        """Tell every subscriber."""
        for listener in self._subscribers:
            listener(event)

    def note_call(self, channel: str, method: str, *, throttled: bool = False) -> None:
        """Count a request of a known method."""
        counts = self.calls[channel].setdefault(method, {"count": 0, "throttled": 0})
        counts["count"] += 1
        counts["throttled"] += throttled

    def spend(self, what: str, shop: Shop, allowed: int | None) -> bool:
        """Use up one of today's `allowed` (a day ends at midnight in Shanghai; None = no end); False: none is left."""
        day = int((self.now() + 8 * 3600) // 86_400)
        used = self._spent.get((what, shop.channel, shop.shop_id, day), 0)
        if allowed is not None and used >= allowed:
            return False
        self._spent[what, shop.channel, shop.shop_id, day] = used + 1
        return True

    def touch_order(self, order: Order, kind: str, at: float | None = None, package: Package | None = None) -> None:
        """The order changed: bump its update time and revision, re-index, emit `kind`.

        Where versions are told by whole seconds, no two share one: quick changes run ahead of the clock.
        """
        when = at if at is not None else self.now()
        if order.revision:
            when = max(when, order.updated)
            if self.profiles[order.channel].whole_seconds and int(when) == int(order.updated):
                when = float(int(order.updated) + 1)
        order.updated = when
        order.revision += 1
        shop = self.shops[order.channel][order.shop_id]
        book = self.book(shop)
        book.by_updated.put(order.order_id, order.updated)
        if order.confirmed is not None:
            book.confirmed_by_updated.put(order.order_id, order.updated)
            book.by_confirmed.put(order.order_id, order.confirmed)
        self.emit(Event(kind, order.updated, shop, order=order, package=package))

    def touch_refund(self, refund: Refund, kind: str) -> None:
        """The after-sale changed: bump update time and revision, re-index, emit `kind` (the order is not touched)."""
        refund.updated = self.now()
        refund.revision += 1
        order = self.order(refund.order_id)
        shop = self.shops[order.channel][order.shop_id]
        self.book(shop).refunds_by_updated.put(refund.refund_id, refund.updated)
        self.emit(Event(kind, refund.updated, shop, order=order, refund=refund))

    def touch_item(self, shop: Shop, item: Item, kind: str = "item.changed") -> None:
        """The item changed: bump its update time, emit `kind`."""
        item.updated = self.now()
        self.emit(Event(kind, item.updated, shop, item=item))

    def add_order(self, order: Order) -> None:
        """Enter a new order into the books (no event)."""
        book = self.books[order.channel, order.shop_id]
        self._orders[order.order_id] = book.orders[order.order_id] = order
        book.by_created.put(order.order_id, order.created)

    def add_refund(self, order: Order, refund: Refund) -> None:
        """Enter a new after-sale into the books (no event)."""
        book = self.books[order.channel, order.shop_id]
        self._refunds[refund.refund_id] = book.refunds[refund.refund_id] = refund
        book.refunds_by_created.put(refund.refund_id, refund.created)
        order.refunds.append(refund)

    def all_orders(self, channel: str) -> Iterable[Order]:
        """Every order of the channel."""
        for shop in self.shops[channel].values():
            yield from self.book(shop).orders.values()
