"""The life of an order, from placing to the end, with its effect on stock. A layer on `stock.py`.

Every step bumps the order's update time and emits one event. A step the state does not allow raises Refused.
`at` (placing and paying) back-dates the step; everything else happens now.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace

from .ground import Refused
from .model import Buyer, Deposit, Discounts, Item, Line, Order, Package, Shop, Sku, State
from .stock import StockBook

VARIANTS = (
    "plain",
    "coupons",
    "gift",
    "presale",
    "deposit",
    "risk",
    "group",
    "emoji",
    "several",
    "lottery",
    "bundle",
    "cod",
    "service",
    "virtual",
    "overseas",
    "split",
    "prepaid",
    "platform_stock",
)
"""The last eight are Taobao's and JD's. Taobao: a bundle of components, paid on delivery, an installation sold along,
nothing to send, abroad. JD: paid on delivery, nothing to send, abroad, split when paid, partly paid with balance and
gift card, shipped by JD's own warehouse. Elsewhere they are plain."""
_WEIGHTS = (50, 20, 5, 3, 0, 5, 0, 10, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0)
SHIPPABLE = frozenset({State.TO_SHIP, State.PART_SHIPPED})
_NOTES = ("", "", "", "请尽快发货😀", "@客服 周末再送", "放门口🚪谢谢")


class OrderLife(StockBook, ABC):
    """Rules of orders."""

    def place(
        self,
        shop: Shop,
        *,
        sku: Sku | None = None,
        quantity: int | None = None,
        variant: str | None = None,
        paid: bool = True,
        at: float | None = None,
        restock: bool = False,
        buyer: Buyer | None = None,
    ) -> Order:
        """A buyer orders. Random where not said; `variant` is one of VARIANTS (None = seeded choice).

        `restock` tops the SKU up when it has too little (a recorded stock write); else Refused(no_stock).
        Refused(off_shelf) for items not on sale. `paid` also pays, which leads to to_ship, or to waiting
        for held variants.
        """
        variant = variant or self.random.choices(VARIANTS, _WEIGHTS)[0]
        if variant not in VARIANTS:
            raise Refused("bad_argument", f"no variant {variant!r}; there are {', '.join(VARIANTS)}")
        quantity = 1 + (self.random.random() < 0.2) if quantity is None else quantity
        if quantity < 1:
            raise Refused("bad_quantity", "quantity must be at least 1")
        when = self.now() if at is None else at
        chosen = [(sku or self._some_sku(shop, quantity, restock), quantity, False)]
        if variant in self.profiles[shop.channel].two_lines:
            chosen.append((self._some_sku(shop, 1, restock), 1, False))
        if variant == "gift":
            chosen.append((self._some_sku(shop, 1, restock), 1, True))
        for each, pieces, _ in chosen:
            self._take(shop, each, pieces, restock)
        order_id, line_id = self._order_id(shop, when), self.profiles[shop.channel].line_id
        order = Order(
            order_id,
            shop.channel,
            shop.shop_id,
            buyer or self.some_buyer(),
            [self._line(shop, line_id(order_id, n, len(chosen)), *entry) for n, entry in enumerate(chosen)],
            when,
            when,
            variant=variant,
            group_id=str(1_200_000_000_000_000_000 + self.random.getrandbits(56)),
            leader=self.random.random() < 0.5,
            buyer_note=self._note(variant),
            postage=self.random.choice((0, 0, 0, 600)),
            presale=variant == "presale",
            lottery=variant == "lottery",
        )
        self._discount(order, variant)
        if variant == "deposit":
            first = order.lines[0].amount // 10
            order.deposit = Deposit(first, first * 3 // 2, when + 3600, when + 7 * 86_400)
        self.add_order(order)
        self.touch_order(order, "order.placed", when)
        if paid or (variant == "cod" and self.profiles[shop.channel].on_delivery):
            self.pay(order, at=when)
        else:
            self._forget_unpaid(order)
        return order

    def _forget_unpaid(self, order: Order) -> None:
        life = self.settings.unpaid_life.get(order.channel)
        if life is not None:
            end = order.created + life
            self.at(end, lambda: self.cancel(order, "unpaid", at=end) if order.state is State.UNPAID else None)

    def _take(self, shop: Shop, sku: Sku, quantity: int, restock: bool) -> None:
        item = self.item(shop, sku.item_id)
        if item.deleted or not item.on_shelf or not sku.on_shelf:
            raise Refused("off_shelf", f"SKU {sku.sku_id} is not on sale")
        if restock and sku.sellable < quantity:
            self.set_stock(shop, sku, quantity + 1000, "restock")
        self.sell(sku, quantity)
        sku.unpaid += quantity

    def _some_sku(self, shop: Shop, quantity: int, restock: bool) -> Sku:
        """A random SKU on sale; only when none of 8 tries has enough, the first that has."""
        on_sale = [
            sku
            for item in shop.items.values()
            if item.on_shelf and not item.deleted
            for sku in item.skus.values()
            if sku.on_shelf
        ]
        for _ in range(8 if on_sale else 0):
            sku = self.random.choice(on_sale)
            if restock or sku.sellable >= quantity:
                return sku
        for sku in on_sale:
            if sku.sellable >= quantity:
                return sku
        raise Refused("no_stock", f"no SKU of shop {shop.shop_id} has {quantity} pieces left")

    def _order_id(self, shop: Shop, when: float) -> str:
        return self.profiles[shop.channel].order_id(self.number(), self.random, when)

    def _line(self, shop: Shop, line_id: str, sku: Sku, quantity: int, gift: bool) -> Line:
        item: Item = shop.items[sku.item_id]
        price = 0 if gift else sku.price.sale
        return Line(
            line_id,
            item.item_id,
            sku.sku_id,
            item.code,
            sku.code,
            item.title,
            sku.spec,
            quantity,
            price,
            sku.price.single,
            Discounts(),
            gift,
        )

    def _note(self, variant: str) -> str:
        return "请发@红色 😺👍 谢谢" if variant == "emoji" else self.random.choice(_NOTES)

    def _discount(self, order: Order, variant: str) -> None:
        if variant != "coupons":
            return
        for line in order.lines:
            part = line.amount // 20
            line.discounts = Discounts(
                seller=part,
                platform=part // 2,
                creator=part // 4 if self.profiles[order.channel].creators_pay else 0,
                channel=self.random.choice((0, 100)),
            )

    # Paying and holding

    def pay(self, order: Order, *, at: float | None = None) -> None:
        """The buyer pays: a deposit first when there is one, else everything. Refused(wrong_state)."""
        when = self.now() if at is None else at
        if order.deposit is not None and order.state is State.UNPAID:
            order.state, order.deposit_paid = State.DEPOSIT_PAID, when
            self.touch_order(order, "order.deposit_paid", when)
            return
        if order.state not in (State.UNPAID, State.DEPOSIT_PAID):
            raise Refused("wrong_state", f"order is {order.state}")
        order.paid = when
        for line in order.lines:
            self._settle(order, line)
        if order.variant == "split" and self.profiles[order.channel].splits:
            self._split(order, when)
            return
        if order.variant in ("risk", "group") and order.hold is None:
            order.hold = order.variant
        if order.hold == "group" or (order.hold == "risk" and self.profiles[order.channel].review_is_state):
            order.state = State.WAITING
            if order.hold == "risk":
                self._release_later(order)
            self.touch_order(order, "order.waiting", when)
            return
        self._ready(order, when)
        if order.hold == "risk":
            self._release_later(order)

    def _settle(self, order: Order, line: Line) -> None:
        """The line's pieces stop being reserved for somebody who has not paid."""
        if not line.cancelled:
            self.shops[order.channel][order.shop_id].items[line.item_id].skus[line.sku_id].unpaid -= line.quantity

    def _split(self, order: Order, when: float) -> None:
        """One order per line takes the place of this one; the postage goes with the first."""
        shop = self.shops[order.channel][order.shop_id]
        for n, line in enumerate(order.lines):
            order_id = self._order_id(shop, when)
            child = replace(
                order,
                order_id=order_id,
                lines=[replace(line, line_id=f"{order_id}:1", discounts=replace(line.discounts))],
                postage=0 if n else order.postage,
                variant="plain",
                parent_id=order.order_id,
                packages=[],
                refunds=[],
                children=[],
                revision=0,
            )
            line.cancelled = True
            order.children.append(order_id)
            self.add_order(child)
            self._ready(child, when)
        self.close_cancelled(order, "split", at=when + 1)

    def _ready(self, order: Order, when: float) -> None:
        order.state, order.confirmed = State.TO_SHIP, when
        order.ship_by = when + self.settings.ship_within
        self.touch_order(order, "order.paid", when)

    def _release_later(self, order: Order) -> None:
        self.at(self.now() + self.settings.risk_hold, lambda: self.release(order) if order.hold == "risk" else None)

    def hold(self, order: Order) -> None:
        """Put under review: on Pinduoduo a mark on the order, else a state of its own. Refused(wrong_state | held)."""
        if order.hold is not None:
            raise Refused("held", f"order is already held ({order.hold})")
        if order.state is not State.TO_SHIP:
            raise Refused("wrong_state", f"order is {order.state}")
        order.hold = "risk"
        if self.profiles[order.channel].review_is_state:
            order.state = State.WAITING
        self._release_later(order)
        self.touch_order(order, "order.held")

    def release(self, order: Order) -> None:
        """End the hold (review passed, group complete). Refused(wrong_state)."""
        if order.hold is None:
            raise Refused("wrong_state", "order is not held")
        order.hold = None
        if order.state is State.WAITING:
            self._ready(order, self.now())
        elif order.state is not State.CANCELLED:
            self.touch_order(order, "order.released")

    # Shipping

    def ship(
        self,
        order: Order,
        carrier: str,
        tracking_no: str,
        contents: Mapping[str, int] | None = None,
        *,
        reject_refund: bool = False,
        allow_open_refund: bool = False,
        more: Sequence[tuple[str, str]] = (),
    ) -> Package:
        """One parcel with `contents` (line id -> pieces; None = all that is left); `more` = carriers and numbers of
        further parcels it was sent in, which the world counts as empty.

        Refused(already_shipped | wrong_state | held | refund_open | unknown_line | bad_quantity). An open refund before
        shipping blocks; `reject_refund` refuses it and ships, `allow_open_refund` ships beside it.
        Carriers and number formats are the platform's business.
        """
        if order.state in (State.SHIPPED, State.RECEIVED, State.FINISHED):
            raise Refused("already_shipped", "order is shipped")
        if order.hold is not None or order.ship_hold:
            raise Refused("held", f"order is held ({order.hold or 'ship_hold'})")
        if order.state not in SHIPPABLE:
            raise Refused("wrong_state", f"order is {order.state}")
        running = order.open_refund
        if running is not None and not (reject_refund or allow_open_refund):
            raise Refused("refund_open", f"after-sale {running.refund_id} is running")
        left = {line.line_id: line.quantity - line.shipped for line in order.lines if not line.cancelled}
        contents = {line_id: n for line_id, n in left.items() if n} if contents is None else dict(contents)
        for line_id, pieces in contents.items():
            if line_id not in left:
                raise Refused("unknown_line", f"no line {line_id} to ship")
            if not 0 < pieces <= left[line_id]:
                raise Refused("bad_quantity", f"line {line_id} has {left[line_id]} left")
        if not contents:
            raise Refused("already_shipped", "nothing left to ship")
        if running is not None and reject_refund:
            self.reject_for_shipping(order)
        package = Package(self._pack_id(), carrier, tracking_no, contents, self.now())
        return self._send(order, package, [Package(self._pack_id(), *each, {}, self.now(), "split") for each in more])

    def _pack_id(self) -> str:
        return str(7_300_000_000_000 + self.number())

    @abstractmethod
    def reject_for_shipping(self, order: Order) -> None:
        """Refuse the running after-sale because the goods are sent. The layer of after-sales says how."""

    def _send(self, order: Order, package: Package, more: Sequence[Package] = ()) -> Package:
        shop = self.shops[order.channel][order.shop_id]
        for line_id, pieces in package.contents.items():
            line = order.line(line_id)
            line.shipped += pieces
            self.send_off(shop.items[line.item_id].skus[line.sku_id], pieces)
        order.packages += [package, *more]
        order.ship_accepts += 1
        done = all(line.cancelled or line.shipped >= line.quantity for line in order.lines)
        order.state = State.SHIPPED if done else State.PART_SHIPPED
        if done:
            order.shipped = self.now()
        self.touch_order(order, "order.shipped" if done else "order.part_shipped", package=package)
        return package

    def change_tracking(self, order: Order, carrier: str, tracking_no: str, pack_id: str | None = None) -> Package:
        """Overwrite carrier and number of a parcel (None = the first). Refused(wrong_state | bad_argument)."""
        if order.state not in (State.SHIPPED, State.PART_SHIPPED):
            raise Refused("wrong_state", f"order is {order.state}")
        mains = [package for package in order.packages if package.kind == "main"]
        for package in mains:
            if pack_id is None or package.pack_id == pack_id:
                package.carrier, package.tracking_no = carrier, tracking_no
                self.touch_order(order, "order.tracking_changed", package=package)
                return package
        raise Refused("bad_argument", f"no parcel {pack_id}")

    def retrack(self, order: Order, parcels: Sequence[tuple[str, str]]) -> None:
        """All parcels get these carriers and numbers, in order; surplus ones are dropped, further ones added empty.

        Refused(wrong_state | bad_argument).
        """
        if order.state not in (State.SHIPPED, State.PART_SHIPPED):
            raise Refused("wrong_state", f"order is {order.state}")
        if not parcels:
            raise Refused("bad_argument", "no parcel")
        while len(order.packages) < len(parcels):
            order.packages.append(Package(self._pack_id(), "", "", {}, self.now(), "split"))
        del order.packages[len(parcels) :]
        for package, (carrier, tracking_no) in zip(order.packages, parcels, strict=True):
            package.carrier, package.tracking_no = carrier, tracking_no
        self.touch_order(order, "order.tracking_changed", package=order.packages[0])

    def add_parcel_notice(self, order: Order, kind: str, parcels: Sequence[tuple[str, str]]) -> None:
        """Tell the buyer about more parcels (Pinduoduo: split, resend, gift); ships nothing. Refused(wrong_state)."""
        if order.state not in (State.SHIPPED, State.RECEIVED, State.FINISHED):
            raise Refused("wrong_state", f"order is {order.state}")
        for carrier, tracking_no in parcels:
            order.packages.append(
                Package(str(7_300_000_000_000 + self.number()), carrier, tracking_no, {}, self.now(), kind)
            )
        self.touch_order(order, "order.changed")

    def receive(self, order: Order) -> None:
        """The buyer signed for it. Refused(wrong_state)."""
        if order.state is not State.SHIPPED:
            raise Refused("wrong_state", f"order is {order.state}")
        order.state, order.received = State.RECEIVED, self.now()
        self.touch_order(order, "order.received")

    def finish(self, order: Order) -> None:
        """Completed by the buyer or by time. Refused(wrong_state)."""
        if order.state not in (State.SHIPPED, State.RECEIVED):
            raise Refused("wrong_state", f"order is {order.state}")
        now = self.now()
        order.received = order.received or now
        order.state, order.finished = State.FINISHED, now
        self.touch_order(order, "order.finished")

    def cancel(self, order: Order, reason: str = "buyer", *, at: float | None = None) -> None:
        """Cancelled before anything was shipped: stock goes back. Refused(wrong_state)."""
        if order.state not in (State.UNPAID, State.DEPOSIT_PAID, State.WAITING, State.TO_SHIP):
            raise Refused("wrong_state", f"order is {order.state}")
        for line in order.lines:
            self.cancel_line(order, line)
        self.close_cancelled(order, reason, at=at)

    def cancel_line(self, order: Order, line: Line) -> None:
        """Drop the unshipped pieces of a line and give them back (no event; callers touch the order)."""
        if line.cancelled:
            return
        if order.paid is None:
            self._settle(order, line)
        line.cancelled = line.shipped == 0
        shop = self.shops[order.channel][order.shop_id]
        self.give_back(shop.items[line.item_id].skus[line.sku_id], line.quantity - line.shipped)

    def drop_line(self, order: Order, line: Line) -> None:
        """One line leaves an order nobody paid yet; nothing is owed for it. Refused(wrong_state)."""
        if order.state is not State.UNPAID or line.cancelled:
            raise Refused("wrong_state", f"order is {order.state}")
        self.cancel_line(order, line)
        line.dropped = True
        if all(each.cancelled for each in order.lines):
            self.close_cancelled(order, "dropped")
        else:
            self.touch_order(order, "order.line_dropped")

    def show(self, order: Order, name: str, word: str) -> None:
        """Show a platform word the world has no rule for, e.g. a rare status; an empty one ends that."""
        if word:
            order.shown[name] = word
        else:
            order.shown.pop(name, None)
        self.touch_order(order, "order.changed")

    def close_cancelled(self, order: Order, reason: str, *, at: float | None = None) -> None:
        """All lines are gone: the order is cancelled."""
        when = self.now() if at is None else at
        order.state, order.cancelled, order.cancel_reason = State.CANCELLED, when, reason
        order.hold = None
        self.touch_order(order, "order.cancelled", when)

    # Everything else people change

    def change_amount(self, order: Order, delta: int) -> None:
        """The merchant changes the price of an unpaid order by `delta` fen. Refused(wrong_state | bad_price)."""
        if order.state is not State.UNPAID:
            raise Refused("wrong_state", f"order is {order.state}")
        if order.pay_amount + delta < 0:
            raise Refused("bad_price", "the buyer cannot owe less than nothing")
        order.change_amount += delta
        self.touch_order(order, "order.amount_changed")

    def want_address(self, order: Order, buyer: Buyer) -> None:
        """The buyer applies for another receiver. Refused(wrong_state)."""
        if order.state not in (State.WAITING, State.TO_SHIP):
            raise Refused("wrong_state", f"order is {order.state}")
        order.wanted_address = buyer
        self.touch_order(order, "order.address_wanted")

    def answer_address(self, order: Order, approve: bool) -> None:
        """Approve or refuse the pending application. Refused(wrong_state) without one."""
        wanted, order.wanted_address = order.wanted_address, None
        if wanted is None:
            raise Refused("wrong_state", "no address change is pending")
        if approve:
            self.change_address(order, wanted)
        else:
            self.touch_order(order, "order.changed")

    def change_address(self, order: Order, buyer: Buyer) -> None:
        """Another receiver, before shipping. Refused(wrong_state)."""
        if order.state not in (State.WAITING, State.TO_SHIP):
            raise Refused("wrong_state", f"order is {order.state}")
        order.buyer = buyer
        self.touch_order(order, "order.address_changed")

    def set_memo(self, order: Order, memo: str, flag: int | None, flag_name: str = "") -> None:
        """The merchant's memo and flag; overwrites."""
        order.memo, order.flag, order.flag_name = memo, flag, flag_name
        order.memo_changed = self.now()
        order.memo_created = order.memo_created or order.memo_changed
        self.touch_order(order, "order.memo_changed")

    def set_buyer_note(self, order: Order, note: str) -> None:
        """The buyer's message."""
        order.buyer_note = note
        self.touch_order(order, "order.buyer_note_changed")

    def set_deadline(self, order: Order, ship_by: float) -> None:
        """Another promised ship-by time."""
        order.ship_by = ship_by
        self.touch_order(order, "order.deadline_changed")

    def force_state(self, order: Order, state: str = "") -> None:
        """Show a platform state the world has no rule for; empty = show the real one again (control API only)."""
        order.forced_state = state
        self.touch_order(order, "order.changed")

    def urge(self, order: Order) -> None:
        """The buyer asks to hurry."""
        order.urged = self.now()
        self.touch_order(order, "order.changed")

    def mark(
        self,
        order: Order,
        *,
        stock_out: bool | None = None,
        ship_hold: bool | None = None,
        invoice: bool | None = None,
        printed: tuple[str, str] | None = None,
    ) -> None:
        """Marks without rules of their own: stock-out, stop-shipping tag, invoice wish, printed waybill."""
        order.stock_out = order.stock_out if stock_out is None else stock_out
        order.ship_hold = order.ship_hold if ship_hold is None else ship_hold
        order.invoice_requested = order.invoice_requested if invoice is None else invoice
        order.printed = printed or order.printed
        self.touch_order(order, "order.changed")
