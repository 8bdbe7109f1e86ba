"""The life of an after-sale and what it does to the order and the stock. The layer above `orders.py`."""

from .ground import Refused
from .model import Line, Order, Refund, RefundKind, RefundState, State
from .orders import OrderLife

DECISION_TIME = 172_800.0
_REPLACING = frozenset({RefundKind.EXCHANGE, RefundKind.RESEND, RefundKind.REPAIR})


class RefundLife(OrderLife):
    """Rules of after-sales. Refused(wrong_state) when a step does not fit the state."""

    def request_refund(
        self,
        order: Order,
        *,
        line: Line | None = None,
        kind: RefundKind | str = RefundKind.REFUND_ONLY,
        amount: int | None = None,
        quantity: int | None = None,
        reason: str = "不想要了",
        note: str = "拍错了",
    ) -> Refund:
        """The buyer applies, for one line (None = the first) and by default all its money.

        Where the profile says `refunds_orders`, a refund without return that is asked for before the goods were
        received is for the whole order.
        Refused(wrong_state | refund_open | bad_price).
        """
        line = line or order.lines[0]
        kind = RefundKind(kind)
        if order.paid is None or order.state is State.CANCELLED:
            raise Refused("wrong_state", "the order is not paid" if order.paid is None else "the order is cancelled")
        profile = self.profiles[order.channel]
        whole_order = profile.refunds_orders and kind is RefundKind.REFUND_ONLY and order.received is None
        if any(refund.open and (whole_order or refund.line_id == line.line_id) for refund in order.refunds):
            raise Refused("refund_open", "an after-sale of this line is running")
        before = line.shipped == 0
        if before and kind is not RefundKind.REFUND_ONLY:
            raise Refused("wrong_state", "before shipping only a refund is possible")
        postage = order.postage if before and len(order.lines) == 1 else 0
        whole = line.pay_amount + postage
        if whole_order:
            postage, whole = order.postage, order.pay_amount
        amount = whole if amount is None else amount
        if not 0 <= amount <= whole:
            raise Refused("bad_price", f"the refund must be between 0 and {whole}")
        now = self.now()
        refund = Refund(
            self._refund_id(order, whole_order=whole_order),
            order.order_id,
            order.shop_id,
            line.line_id,
            kind,
            quantity or line.quantity,
            amount,
            postage if amount == whole else 0,
            reason,
            note,
            now,
            now,
            before,
            deadline=now + DECISION_TIME,
            whole_order=whole_order,
        )
        self.add_refund(order, refund)
        self._step(refund, RefundState.REQUESTED, "refund.requested")
        return refund

    def _refund_id(self, order: Order, *, whole_order: bool) -> str:
        return self.profiles[order.channel].refund_id(self.number(), whole_order)

    def _step(self, refund: Refund, state: RefundState, kind: str) -> None:
        """New state, then the order is touched (its own after-sale marks changed), then the after-sale."""
        refund.state = state
        self.touch_order(self.order(refund.order_id), "order.changed")
        self.touch_refund(refund, kind)

    def _expect(self, refund: Refund, *states: RefundState) -> None:
        if refund.state not in states:
            raise Refused("wrong_state", f"after-sale is {refund.state}")

    def modify_refund(self, refund: Refund, *, amount: int | None = None, reason: str | None = None) -> None:
        """The buyer edits the application; the merchant must decide (again)."""
        self._expect(refund, RefundState.REQUESTED, RefundState.REFUSED)
        refund.amount = refund.amount if amount is None else amount
        refund.reason = reason or refund.reason
        refund.deadline = self.now() + DECISION_TIME
        self._step(refund, RefundState.REQUESTED, "refund.modified")

    def agree_refund(self, refund: Refund, *, by_platform: bool = False) -> None:
        """Money will go back (refund only, or a return that came back). `refund_paid` completes it."""
        states = [RefundState.REQUESTED, RefundState.RETURNED, RefundState.REFUSED, RefundState.ARBITRATION]
        if refund.kind is RefundKind.RETURN:
            states += [RefundState.RETURN_AGREED, RefundState.RETURN_REFUSED]
        self._expect(refund, *states)
        refund.agreed, refund.deadline, refund.by_platform = self.now(), None, by_platform
        self._step(refund, RefundState.REFUNDING, "refund.refunding")

    def agree_return(self, refund: Refund, address_id: str = "") -> None:
        """The merchant lets the goods come back (return, exchange, repair)."""
        self._expect(refund, RefundState.REQUESTED, RefundState.REFUSED)
        if refund.kind in (RefundKind.REFUND_ONLY, RefundKind.RESEND):
            raise Refused("wrong_state", f"a {refund.kind} needs no return")
        refund.agreed, refund.return_address_id, refund.deadline = self.now(), address_id, self.now() + 7 * 86_400
        self._step(refund, RefundState.RETURN_AGREED, "refund.return_agreed")

    def agree_resend(self, refund: Refund) -> None:
        """The merchant agrees to send again without a return (resend, repair) or after it (exchange)."""
        self._expect(refund, RefundState.REQUESTED, RefundState.RETURNED, RefundState.REFUSED)
        if refund.kind not in _REPLACING:
            raise Refused("wrong_state", f"a {refund.kind} sends nothing")
        refund.agreed = self.now()
        self._step(refund, RefundState.SENDING, "refund.sending")

    def turn_into_refund(self, refund: Refund) -> None:
        """A return, exchange or repair becomes a plain refund (state unchanged)."""
        self._expect(refund, RefundState.REQUESTED, RefundState.REFUSED, RefundState.RETURNED)
        refund.kind = RefundKind.REFUND_ONLY
        self._step(refund, refund.state, "refund.modified")

    def return_goods(self, refund: Refund, carrier: str, tracking_no: str) -> None:
        """The buyer sent the goods back."""
        self._expect(refund, RefundState.RETURN_AGREED)
        refund.parcel_back, refund.deadline = (carrier, tracking_no), self.now() + 7 * 86_400
        self._step(refund, RefundState.RETURNED, "refund.returned")

    def register_return(self, refund: Refund) -> None:
        """The merchant unpacked the goods that came back, with or without a number from the buyer (JD)."""
        self._expect(refund, RefundState.RETURN_AGREED, RefundState.RETURNED)
        if refund.registered is not None:
            raise Refused("wrong_state", "the goods are registered")
        refund.registered, refund.deadline = self.now(), None
        self._step(refund, RefundState.RETURNED, "refund.modified")

    def send_replacement(self, refund: Refund, carrier: str, tracking_no: str) -> None:
        """The merchant ships the exchange, resend or repaired goods."""
        self._expect(refund, RefundState.RETURNED, RefundState.SENDING, RefundState.REQUESTED)
        if refund.kind not in _REPLACING:
            raise Refused("wrong_state", f"a {refund.kind} sends nothing")
        refund.parcel_out, refund.deadline = (carrier, tracking_no), None
        self._step(refund, RefundState.SENT, "refund.sent")

    def recall_replacement(self, refund: Refund) -> None:
        """The merchant takes back what he said he sent."""
        self._expect(refund, RefundState.SENT)
        refund.parcel_out = None
        self._step(refund, RefundState.RETURNED, "refund.modified")

    def confirm_replacement(self, refund: Refund) -> None:
        """The buyer got the replacement."""
        self._expect(refund, RefundState.SENT)
        self._close(refund, RefundState.DONE, "refund.done")

    def refund_paid(self, refund: Refund) -> None:
        """The money is back. Refunded before shipping, the line is cancelled and its stock returns."""
        self._expect(refund, RefundState.REFUNDING)
        refund.refunded = self.now()
        order = self.order(refund.order_id)
        line = order.line(refund.line_id)
        if refund.whole_order:
            self._undo_order(order, refund)
        elif refund.before_shipping and line.shipped == 0 and refund.amount >= line.pay_amount:
            self.cancel_line(order, line)
            for gift in order.lines:
                if gift.gift and gift.shipped == 0 and all(each.cancelled for each in order.lines if not each.gift):
                    self.cancel_line(order, gift)
        self._close(refund, RefundState.REFUNDED, "refund.refunded")
        if all(each.cancelled for each in order.lines) and order.state is not State.CANCELLED:
            self.close_cancelled(order, "refunded")
        elif order.state is State.PART_SHIPPED and all(
            each.cancelled or each.shipped >= each.quantity for each in order.lines
        ):
            order.state, order.shipped = State.SHIPPED, self.now()
            self.touch_order(order, "order.shipped")

    def _undo_order(self, order: Order, refund: Refund) -> None:
        """All the money of the order went back: what is in the house is given back, and the order is over."""
        if refund.amount < order.pay_amount:
            return
        for each in order.lines:
            self.cancel_line(order, each)
        if any(each.shipped for each in order.lines):
            self.close_cancelled(order, "refunded")

    def pay_back(self, refund: Refund) -> None:
        """`refund_paid` after `settings.refund_delay` (at once when 0)."""
        delay = self.settings.refund_delay
        if not delay:
            self.refund_paid(refund)
            return
        self.at(self.now() + delay, lambda: self.refund_paid(refund) if refund.state is RefundState.REFUNDING else None)

    def refuse_refund(self, refund: Refund, reason: str = "") -> None:
        """The merchant refuses the application, or the refund after the goods came back."""
        self._expect(refund, RefundState.REQUESTED, RefundState.RETURNED)
        refund.refuse_reason, refund.deadline = reason, self.now() + 7 * 86_400
        if refund.state is RefundState.RETURNED:
            self._step(refund, RefundState.RETURN_REFUSED, "refund.return_refused")
        else:
            self._step(refund, RefundState.REFUSED, "refund.refused")

    def arbitrate(self, refund: Refund) -> None:
        """The buyer calls the platform in."""
        self._expect(refund, RefundState.REFUSED, RefundState.RETURN_REFUSED, RefundState.REQUESTED)
        self._step(refund, RefundState.ARBITRATION, "refund.arbitration")

    def withdraw_refund(self, refund: Refund) -> None:
        """The buyer takes it back."""
        if not refund.open or refund.state is RefundState.REFUNDING:
            raise Refused("wrong_state", f"after-sale is {refund.state}")
        self._close(refund, RefundState.WITHDRAWN, "refund.withdrawn")

    def close_refund(self, refund: Refund) -> None:
        """Closed by time or by the platform without money."""
        if not refund.open:
            raise Refused("wrong_state", f"after-sale is {refund.state}")
        self._close(refund, RefundState.CLOSED, "refund.closed")

    def force_code(self, refund: Refund, code: int) -> None:
        """Show a platform status the world has no rule for (control API only)."""
        refund.code = code
        self._step(refund, refund.state, "refund.modified")

    def show_refund(self, refund: Refund, word: str) -> None:
        """Show a platform status word the world has no rule for; an empty one ends that (control API only)."""
        refund.shown = word
        self._step(refund, refund.state, "refund.modified")

    def reject_for_shipping(self, order: Order) -> None:
        """The goods are sent: every running application before shipping is refused and closed."""
        for refund in order.refunds:
            if refund.open:
                refund.refuse_reason = "商家已发货"
                self._close(refund, RefundState.CLOSED, "refund.closed")

    def _close(self, refund: Refund, state: RefundState, kind: str) -> None:
        refund.closed, refund.deadline = self.now(), None
        self._step(refund, state, kind)
