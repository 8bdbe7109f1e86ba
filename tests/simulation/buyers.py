"""Buyers, and the seller at his desk as far as he disturbs nobody: he decides after-sales and holds orders back."""

from collections.abc import Callable

from sandbox.model import Order, Refund, RefundKind, RefundState, State
from sandbox.world import Refused
from tests.simulation.day import BEFORE_SECONDS, Day

EVERY = 6.0
VARIANTS = ("plain",) * 6 + ("coupons", "gift", "presale", "risk", "several", "several", "group", "emoji")


class Buyers:
    """Everything that happens on the platforms by itself."""

    def __init__(self, day: Day) -> None:
        self._day = day
        self._dice = day.dice
        self._world = day.world
        self._steps: list[Callable[[Order], object]] = [
            self._world.receive,
            self._world.receive,
            self._world.finish,
            self._world.cancel,
            self._world.pay,
            self._world.pay,
            self._world.urge,
            self._world.release,
            self._ask_back,
            self._ask_back,
            self._withdraw,
            self._return,
            lambda order: self._world.set_buyer_note(order, "请尽快"),
            self._other_address,
        ]

    def yesterday(self, count: int) -> None:
        """Orders from before the shop was connected, some of them far in their life."""
        now = self._world.now()
        for channel in self._day.channels:
            for n in range(count):
                at = now - BEFORE_SECONDS * 0.97 * (1 - n / count)
                self._try(self._place, channel, at)
            for order in list(self._world.all_orders(channel))[: count // 3]:
                self._try(self._world.cancel, order)

    def act(self) -> float:
        channel = self._dice.choice(self._day.channels)
        if self._dice.random() < 0.4:
            for _ in range(self._dice.choice((1, 1, 1, 2, 4))):
                self._try(self._place, channel, None)
        else:
            orders = list(self._world.all_orders(channel))
            if orders:
                order = self._dice.choice(orders[-25:] if self._dice.random() < 0.7 else orders)
                self._try(self._dice.choice(self._steps), order)
        return self._dice.expovariate(1 / EVERY)

    def sell(self) -> float:
        """The seller looks at one order."""
        orders = list(self._world.all_orders(self._dice.choice(self._day.channels)))
        if orders:
            order = self._dice.choice(orders)
            refund = order.open_refund
            if refund is not None:
                self._try(self._decide, refund)
            elif order.state is State.TO_SHIP and self._dice.random() < 0.1:
                self._try(self._world.hold, order)
        return self._dice.expovariate(1 / (EVERY * 3))

    def end(self) -> None:
        """Everybody goes home: open questions are answered, so that no order waits for a person for ever."""
        for channel in self._day.channels:
            for order in list(self._world.all_orders(channel)):
                self._try(self._world.release, order)
                if (refund := order.open_refund) is not None:
                    for step in (self._world.agree_refund, self._world.refund_paid, self._world.close_refund):
                        self._try(step, refund)

    def _place(self, channel: str, at: float | None) -> None:
        variant = self._dice.choice(VARIANTS)
        paid = variant != "plain" or self._dice.random() < 0.8
        self._world.place(self._world.shop(channel), variant=variant, paid=paid, at=at)

    def _ask_back(self, order: Order) -> None:
        line = self._dice.choice(order.lines)
        kind = (
            RefundKind.REFUND_ONLY
            if line.shipped == 0
            else self._dice.choice((RefundKind.RETURN, RefundKind.REFUND_ONLY))
        )
        self._world.request_refund(order, line=line, kind=kind)

    def _withdraw(self, order: Order) -> None:
        if (refund := order.open_refund) is not None:
            self._world.withdraw_refund(refund)

    def _return(self, order: Order) -> None:
        if (refund := order.open_refund) is not None:
            self._world.return_goods(refund, "SF", f"SF{self._dice.randrange(10**12, 10**13)}")

    def _other_address(self, order: Order) -> None:
        other = next(iter(self._world.all_orders(order.channel)))
        self._world.change_address(order, other.buyer)

    def _decide(self, refund: Refund) -> None:
        if refund.state is RefundState.REFUNDING:
            self._world.refund_paid(refund)
        elif refund.kind is RefundKind.RETURN and refund.state is RefundState.REQUESTED:
            self._world.agree_return(refund)
        elif self._dice.random() < 0.25:
            self._world.refuse_refund(refund)
        else:
            self._world.agree_refund(refund)

    def _try(self, step: Callable[..., object], *arguments: object) -> None:
        try:
            step(*arguments)
        except Refused:
            return
