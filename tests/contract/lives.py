"""The lives an order can lead, by name, in the sandbox's own steps; and a strategy that makes up any other."""

from collections.abc import Callable, Mapping
from typing import Any

from hypothesis import strategies as st

from core.channel import Capability
from sandbox.model import Order, RefundKind
from sandbox.orders import VARIANTS
from sandbox.steps import STEPS
from sandbox.world import Refused
from tests.contract.bench import Bench
from tests.contract.channel import ChannelUnderTest


def _shipped(bench: Bench, carrier: str) -> Order:
    order = bench.place()
    bench.world.ship(order, carrier, "SF1234567890123")
    return order


def _part_shipped(bench: Bench, carrier: str) -> Order:
    order = bench.place(quantity=2)
    bench.world.ship(order, carrier, "SF1234567890123", {order.lines[0].line_id: 1})
    return order


def _received(bench: Bench, carrier: str) -> Order:
    order = _shipped(bench, carrier)
    bench.world.receive(order)
    return order


def _finished(bench: Bench, carrier: str) -> Order:
    order = _received(bench, carrier)
    bench.world.finish(order)
    return order


def _deposit_paid(bench: Bench, carrier: str) -> Order:
    return bench.place("deposit")


def _cancelled(bench: Bench, order: Order) -> Order:
    bench.world.cancel(order)
    return order


def _refunded(bench: Bench, order: Order) -> Order:
    refund = bench.world.request_refund(order)
    bench.world.agree_refund(refund)
    bench.world.refund_paid(refund)
    return order


LIVES: Mapping[str, Callable[[Bench, str], Order]] = {
    "unpaid": lambda bench, _: bench.place(paid=False),
    "deposit_paid": _deposit_paid,
    "group": lambda bench, _: bench.place("group"),
    "risk": lambda bench, _: bench.place("risk"),
    "to_ship": lambda bench, _: bench.place(),
    "part_shipped": _part_shipped,
    "shipped": _shipped,
    "received": _received,
    "finished": _finished,
    "cancelled_unpaid": lambda bench, _: _cancelled(bench, bench.place(paid=False)),
    "cancelled_paid": lambda bench, _: _cancelled(bench, bench.place()),
    "refunded_unshipped": lambda bench, _: _refunded(bench, bench.place()),
    "refunded_shipped": lambda bench, carrier: _refunded(bench, _shipped(bench, carrier)),
    "refunded_received": lambda bench, carrier: _refunded(bench, _finished(bench, carrier)),
}
"""What the world can be made to show, by name. The text is the channel's own code of a carrier."""

TEXTS = ("加急😀", "@客服 周末再送", "", 'a&b<c>"\\/+=%', "👨‍👩‍👧‍👦é\u200b", "纯文本")

_STEP = st.one_of(
    *(
        st.tuples(st.just(name), st.just({}))
        for name in (
            "pay",
            "hold",
            "release",
            "receive",
            "finish",
            "cancel",
            "change_address",
            "urge",
            "agree_refund",
            "agree_return",
            "agree_resend",
            "refund_paid",
            "refuse_refund",
            "withdraw_refund",
            "arbitrate",
            "confirm_replacement",
            "close_refund",
            "turn_into_refund",
        )
    ),
    st.tuples(st.just("ship"), st.just({"carrier": "", "tracking_no": "SF1234567890123"})),
    st.tuples(st.just("ship"), st.just({"carrier": "", "tracking_no": "SF0000000000001", "contents": {"": 1}})),
    st.tuples(st.just("return_goods"), st.just({"carrier": "", "tracking_no": "SF9876543210987"})),
    st.tuples(st.just("send_replacement"), st.just({"carrier": "", "tracking_no": "SF5555555555555"})),
    st.tuples(st.just("change_tracking"), st.just({"carrier": "", "tracking_no": "SF7777777777777"})),
    st.tuples(st.just("drop_line"), st.fixed_dictionaries({"line": st.sampled_from((0, -1))})),
    st.tuples(st.just("change_amount"), st.fixed_dictionaries({"delta": st.integers(-500, 500)})),
    st.tuples(
        st.just("memo"),
        st.fixed_dictionaries(
            {"memo": st.sampled_from(TEXTS), "flag": st.sampled_from((None, 1, 5)), "flag_name": st.just("红色")}
        ),
    ),
    st.tuples(st.just("note"), st.fixed_dictionaries({"note": st.sampled_from(TEXTS)})),
    st.tuples(
        st.just("mark"),
        st.fixed_dictionaries({"stock_out": st.booleans(), "ship_hold": st.booleans(), "invoice": st.booleans()}),
    ),
    st.tuples(
        st.just("request_refund"),
        st.fixed_dictionaries(
            {
                "line": st.sampled_from((0, -1)),
                "kind": st.sampled_from(list(RefundKind)),
                "amount": st.sampled_from((None, 1, 100)),
            }
        ),
    ),
)


def live(bench: Bench, channel: ChannelUnderTest, life: str) -> Order:
    """An order that led the life."""
    return {**LIVES, **channel.own_lives}[life](bench, channel.own_carrier)


Plan = tuple[str, int, bool, list[tuple[str, dict[str, Any]]]]
PLANS: st.SearchStrategy[Plan] = st.tuples(
    st.sampled_from(VARIANTS), st.integers(1, 3), st.booleans(), st.lists(_STEP, max_size=8)
)
"""(variant, quantity, paid at once, steps): any order that the sandbox can hold."""


def lead(bench: Bench, channel: ChannelUnderTest, plan: Plan) -> Order:
    """An order that went through the plan; a step that its state forbids is left out."""
    variant, quantity, paid, steps = plan
    order = bench.place(variant, quantity=quantity, paid=paid)
    for name, wanted in steps:
        bench.world.advance(1)
        if name == "drop_line" and not (channel.drops_lines and sum(not line.cancelled for line in order.lines) > 1):
            continue  # without its last line it would be cancelled, which is a step of its own
        if name == "cancel" and order.paid is None and any(line.dropped for line in order.lines):
            continue  # once all lines are closed, nothing tells which of them left earlier
        arguments = wanted | {"carrier": channel.own_carrier} if "carrier" in wanted else wanted
        if "line" in wanted:
            line_id = order.lines[wanted["line"]].line_id
            arguments = {key: value for key, value in wanted.items() if key != "line"} | {"line_id": line_id}
        if "contents" in wanted:
            if not channel.channel.supports(Capability.SHIP_LINES):
                continue
            first = order.lines[0]
            arguments |= {"contents": {first.line_id: first.quantity if channel.whole_lines else 1}}
        try:
            STEPS[name](bench.world, order, **arguments)
        except Refused:
            continue
    return order
