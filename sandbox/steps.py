"""The steps of an order's and an after-sale's life under their control API names, with typed arguments.

After-sale steps work on `refund_id`, or on the order's newest after-sale.
"""

from collections.abc import Callable
from typing import Any

from .model import Buyer, Order, Refund, RefundKind
from .people import invent_buyer
from .world import Refused, World


def _refund(world: World, order: Order, refund_id: str | None) -> Refund:
    if refund_id is not None:
        return world.refund(refund_id)
    if not order.refunds:
        raise Refused("unknown_refund", f"order {order.order_id} has no after-sale")
    return order.refunds[-1]


def _other_receiver(world: World, order: Order) -> Buyer:
    """The same buyer at an invented other place."""
    other = invent_buyer(world.random, world.random.randrange(5000, 10_000))
    return Buyer(order.buyer.buyer_id, other.name, other.phone, other.address)


def _ship(
    world: World,
    order: Order,
    carrier: str,
    tracking_no: str,
    contents: dict[str, int] | None = None,
    reject_refund: bool = False,
) -> str:
    return world.ship(order, carrier, tracking_no, contents, reject_refund=reject_refund).pack_id


def _change_tracking(world: World, order: Order, carrier: str, tracking_no: str, pack_id: str | None = None) -> None:
    world.change_tracking(order, carrier, tracking_no, pack_id)


def _cancel(world: World, order: Order, reason: str = "buyer") -> None:
    world.cancel(order, reason)


def _change_amount(world: World, order: Order, delta: int) -> None:
    world.change_amount(order, delta)


def _want_address(world: World, order: Order) -> None:
    world.want_address(order, _other_receiver(world, order))


def _answer_address(world: World, order: Order, approve: bool) -> None:
    world.answer_address(order, approve)


def _change_address(world: World, order: Order) -> None:
    world.change_address(order, _other_receiver(world, order))


def _memo(world: World, order: Order, memo: str, flag: int | None = None, flag_name: str = "") -> None:
    world.set_memo(order, memo, flag, flag_name)


def _note(world: World, order: Order, note: str) -> None:
    world.set_buyer_note(order, note)


def _deadline(world: World, order: Order, ship_by: float) -> None:
    world.set_deadline(order, ship_by)


def _mark(
    world: World,
    order: Order,
    stock_out: bool | None = None,
    ship_hold: bool | None = None,
    invoice: bool | None = None,
) -> None:
    world.mark(order, stock_out=stock_out, ship_hold=ship_hold, invoice=invoice)


def _force_state(world: World, order: Order, state: str = "") -> None:
    world.force_state(order, state)


def _request_refund(
    world: World,
    order: Order,
    line_id: str | None = None,
    kind: RefundKind = RefundKind.REFUND_ONLY,
    amount: int | None = None,
    quantity: int | None = None,
    reason: str = "不想要了",
) -> str:
    try:
        line = order.line(line_id) if line_id is not None else None
    except KeyError:
        raise Refused("unknown_line", f"no line {line_id}") from None
    return world.request_refund(order, line=line, kind=kind, amount=amount, quantity=quantity, reason=reason).refund_id


def _modify_refund(
    world: World, order: Order, refund_id: str | None = None, amount: int | None = None, reason: str | None = None
) -> None:
    world.modify_refund(_refund(world, order, refund_id), amount=amount, reason=reason)


def _agree_refund(world: World, order: Order, refund_id: str | None = None, by_platform: bool = False) -> None:
    world.agree_refund(_refund(world, order, refund_id), by_platform=by_platform)


def _return_goods(world: World, order: Order, carrier: str, tracking_no: str, refund_id: str | None = None) -> None:
    world.return_goods(_refund(world, order, refund_id), carrier, tracking_no)


def _send_replacement(world: World, order: Order, carrier: str, tracking_no: str, refund_id: str | None = None) -> None:
    world.send_replacement(_refund(world, order, refund_id), carrier, tracking_no)


def _refuse_refund(world: World, order: Order, refund_id: str | None = None, reason: str = "") -> None:
    world.refuse_refund(_refund(world, order, refund_id), reason)


def _force_code(world: World, order: Order, code: int, refund_id: str | None = None) -> None:
    world.force_code(_refund(world, order, refund_id), code)


def _show(world: World, order: Order, name: str, word: str) -> None:
    world.show(order, name, word)


def _show_refund(world: World, order: Order, word: str, refund_id: str | None = None) -> None:
    world.show_refund(_refund(world, order, refund_id), word)


def _drop_line(world: World, order: Order, line_id: str) -> None:
    try:
        line = order.line(line_id)
    except KeyError:
        raise Refused("unknown_line", f"no line {line_id}") from None
    world.drop_line(order, line)


def _plain(step: Callable[[World, Order], None]) -> Callable[[World, Order], None]:
    """A step without arguments, as a function pydantic can check."""

    def run(world: World, order: Order) -> None:
        step(world, order)

    return run


def _on_refund(step: Callable[[World, Refund], None]) -> Callable[..., None]:
    """An after-sale step without arguments of its own."""

    def run(world: World, order: Order, refund_id: str | None = None) -> None:
        step(world, _refund(world, order, refund_id))

    return run


STEPS: dict[str, Callable[..., Any]] = {
    "pay": _plain(lambda world, order: world.pay(order)),
    "hold": _plain(lambda world, order: world.hold(order)),
    "release": _plain(lambda world, order: world.release(order)),
    "ship": _ship,
    "change_tracking": _change_tracking,
    "receive": _plain(lambda world, order: world.receive(order)),
    "finish": _plain(lambda world, order: world.finish(order)),
    "cancel": _cancel,
    "change_amount": _change_amount,
    "want_address": _want_address,
    "answer_address": _answer_address,
    "change_address": _change_address,
    "memo": _memo,
    "note": _note,
    "urge": _plain(lambda world, order: world.urge(order)),
    "deadline": _deadline,
    "mark": _mark,
    "force_state": _force_state,
    "request_refund": _request_refund,
    "modify_refund": _modify_refund,
    "agree_refund": _agree_refund,
    "agree_return": _on_refund(lambda world, refund: world.agree_return(refund)),
    "agree_resend": _on_refund(lambda world, refund: world.agree_resend(refund)),
    "turn_into_refund": _on_refund(lambda world, refund: world.turn_into_refund(refund)),
    "return_goods": _return_goods,
    "register_return": _on_refund(lambda world, refund: world.register_return(refund)),
    "send_replacement": _send_replacement,
    "confirm_replacement": _on_refund(lambda world, refund: world.confirm_replacement(refund)),
    "refund_paid": _on_refund(lambda world, refund: world.refund_paid(refund)),
    "refuse_refund": _refuse_refund,
    "arbitrate": _on_refund(lambda world, refund: world.arbitrate(refund)),
    "withdraw_refund": _on_refund(lambda world, refund: world.withdraw_refund(refund)),
    "close_refund": _on_refund(lambda world, refund: world.close_refund(refund)),
    "force_code": _force_code,
    "drop_line": _drop_line,
    "show": _show,
    "show_refund": _show_refund,
}
