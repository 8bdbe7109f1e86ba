"""The world: stock identity under any life of orders, determinism, the catalogue's traps, the control API."""

import json
import time
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.model import Order, Sku
from sandbox.orders import VARIANTS
from sandbox.platforms import PLATFORMS, profiles
from sandbox.sandbox import Sandbox
from sandbox.steps import STEPS
from sandbox.transport import mock_transport
from sandbox.world import Refused, VirtualClock, World

CHANNELS = list(PLATFORMS)


def _skus(world: World) -> list[Sku]:
    return [
        sku
        for channel in CHANNELS
        for shop in world.shops[channel].values()
        for item in shop.items.values()
        for sku in item.skus.values()
    ]


def _unsent(world: World) -> dict[tuple[str, str], int]:
    """Pieces ordered and neither sent nor cancelled, per channel and SKU."""
    held: dict[tuple[str, str], int] = {}
    for channel in CHANNELS:
        for order in world.all_orders(channel):
            for line in order.lines:
                key = (channel, line.sku_id)
                held[key] = held.get(key, 0) + (0 if line.cancelled else line.quantity - line.shipped)
    return held


_MOVES = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "place",
                "set",
                "add",
                "ship",
                "ship_one",
                "cancel",
                "pay",
                "refund",
                "agree",
                "paid_back",
                "withdraw",
                "advance",
            ]
        ),
        st.integers(0, 40),
    ),
    max_size=60,
)


def _step(world: World, order: Order, name: str, n: int) -> None:
    line = order.lines[n % len(order.lines)]
    if name == "ship":
        world.ship(order, "85", "YT1")
    elif name == "ship_one":
        world.ship(order, "85", "YT1", {line.line_id: 1})
    elif name == "cancel":
        world.cancel(order)
    elif name == "pay":
        world.pay(order)
    elif name == "refund":
        world.request_refund(order, line=line)
    elif order.refunds:
        newest = order.refunds[-1]
        {"agree": world.agree_refund, "paid_back": world.refund_paid, "withdraw": world.withdraw_refund}[name](newest)


def _move(world: World, orders: list[Order], name: str, n: int) -> None:
    shop = world.shop(CHANNELS[n % len(CHANNELS)])
    order = orders[n % len(orders)] if orders else None
    skus = _skus(world)
    if name == "place":
        orders.append(world.place(shop, variant=VARIANTS[n % len(VARIANTS)], paid=n % 3 > 0, quantity=1 + n % 3))
    elif name in ("set", "add"):
        sku = next(iter(next(iter(shop.items.values())).skus.values())) if n % 2 else skus[n % len(skus)]
        owner = next(each for ch in CHANNELS for each in world.shops[ch].values() if sku.item_id in each.items)
        if name == "set":
            world.set_stock(owner, sku, n)
        else:
            world.add_stock(owner, sku, n - 20)
    elif name == "advance":
        world.advance(n * 200)
    elif order is not None:
        _step(world, order, name, n)


@given(_MOVES)
@settings(max_examples=60, deadline=None)
def test_stock_identity(moves: list[tuple[str, int]]) -> None:
    world = World(profiles(), 1, VirtualClock(), stock=(3, 9))
    orders: list[Order] = []
    for name, n in moves:
        try:
            _move(world, orders, name, n)
        except Refused:
            continue
    for sku in _skus(world):
        assert sku.sellable == sku.last_set.quantity - sku.sold_since + sku.given_back_since >= 0
    held = _unsent(world)
    for channel in CHANNELS:
        for item in world.shop(channel).items.values():
            for sku in item.skus.values():
                assert sku.held == held.get((channel, sku.sku_id), 0)


def test_same_seed_same_world() -> None:
    def tell(seed: int) -> str:
        sandbox = Sandbox(seed, VirtualClock())
        for channel in CHANNELS:
            for _ in range(20):
                sandbox.world.place(sandbox.world.shop(channel))
        client = _client(sandbox)
        return client.get("/_sandbox/truth").text + client.get("/_sandbox/credentials").text

    assert tell(1) == tell(1)
    assert tell(1) != tell(2)


def test_codes_agree_across_channels_and_hold_the_traps() -> None:
    world = World(profiles(), 1, VirtualClock())
    codes = [[sku.code for item in world.shop(ch).items.values() for sku in item.skus.values()] for ch in CHANNELS]
    assert codes[0] == codes[1]
    assert codes[0].count("SKU-0001") == 2
    assert "" in codes[0]
    assert any(int(sku.sku_id) > 2**53 for sku in _skus(world))
    assert sum(not item.on_shelf for item in world.shop("pinduoduo").items.values()) == 1


def test_many_orders_quickly() -> None:
    world = World(profiles(), 1, VirtualClock(), stock=(10**6, 10**6))
    started = time.perf_counter()
    for n in range(5000):
        world.place(world.shop("pinduoduo"), at=world.now() - n % 1700)
    assert time.perf_counter() - started < 3, "100,000 orders would take a minute"


def test_update_times_never_go_back() -> None:
    world = World(profiles(), 1, VirtualClock())
    order = world.place(world.shop("douyin"), at=world.now() + 5)
    world.urge(order)
    assert order.updated == world.now() + 5


# The control API


def _client(sandbox: Sandbox) -> httpx.Client:
    return httpx.Client(transport=mock_transport(sandbox), base_url="http://sandbox")


def test_every_state_can_be_reached_through_the_control_api() -> None:
    sandbox = Sandbox(1, VirtualClock())
    client = _client(sandbox)
    seen = set()

    def step(order_id: str, name: str, **arguments: Any) -> None:
        answer = client.post(f"/_sandbox/orders/{order_id}/{name}", json=arguments)
        assert answer.status_code == 200, answer.text
        order = answer.json()["order"]
        seen.update({order["state"], *(refund["state"] for refund in order["refunds"])})

    def place(channel: str, **wishes: Any) -> str:
        body = {"channel": channel, "variant": "plain", "quantity": 2} | wishes
        order_id: str = client.post("/_sandbox/orders", json=body).json()["order_ids"][0]
        seen.add(client.get(f"/_sandbox/orders/{order_id}").json()["state"])
        return order_id

    deposit = place("douyin", variant="deposit", paid=False)
    step(deposit, "pay")
    step(deposit, "pay")
    step(place("douyin", variant="risk"), "release")
    life = place("douyin")
    line = client.get(f"/_sandbox/orders/{life}").json()["lines"][0]["line_id"]
    step(life, "ship", carrier="yuantong", tracking_no="YT1", contents={line: 1})
    step(life, "ship", carrier="yuantong", tracking_no="YT2")
    step(life, "receive")
    step(life, "finish")
    after_sales: dict[str, list[str | tuple[str, dict[str, str]]]] = {
        "return": [
            "agree_return",
            ("return_goods", {"carrier": "sf", "tracking_no": "1"}),
            "refuse_refund",
            "arbitrate",
            "agree_refund",
            "refund_paid",
        ],
        "exchange": [
            "agree_return",
            ("return_goods", {"carrier": "sf", "tracking_no": "1"}),
            "agree_resend",
            ("send_replacement", {"carrier": "sf", "tracking_no": "2"}),
            "confirm_replacement",
        ],
        "refund_only": ["refuse_refund", "withdraw_refund"],
        "repair": ["close_refund"],
    }
    for kind, steps in after_sales.items():
        step(life, "request_refund", kind=kind, line_id=line)
        for each in steps:
            name, arguments = each if isinstance(each, tuple) else (each, {})
            step(life, name, **arguments)
    step(place("pinduoduo"), "cancel")
    assert seen == {
        "unpaid",
        "deposit_paid",
        "waiting",
        "to_ship",
        "part_shipped",
        "shipped",
        "received",
        "finished",
        "cancelled",
        "requested",
        "return_agreed",
        "returned",
        "return_refused",
        "arbitration",
        "refunding",
        "refunded",
        "sending",
        "sent",
        "done",
        "refused",
        "withdrawn",
        "closed",
    }


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "words"),
    [
        ("POST", "orders", {"channel": "nowhere"}, 404, "no channel"),
        ("POST", "orders", {"channel": "douyin", "colour": 1}, 400, "colour"),
        ("POST", "orders", {"channel": "douyin", "variant": "odd"}, 400, "no variant"),
        ("POST", "orders", {"channel": "douyin", "quantity": 10**9}, 409, "left"),
        ("POST", "orders/1/ship", {}, 404, "no order"),
        ("POST", "faults", {"kind": "rain", "channel": "douyin"}, 400, "kind"),
        ("POST", "clock", {"advance": -1}, 400, "advance"),
        ("POST", "settings", {"no_such": 1}, 400, "no_such"),
        ("POST", "stock", {"channel": "douyin", "sku_id": "1", "quantity": 1}, 404, "no SKU"),
        ("POST", "callback", {"channel": "douyin", "url": "ftp://x"}, 400, "URL"),
        ("POST", "callback", {"channel": "pinduoduo", "url": "http://x"}, 400, "channel"),
        ("GET", "nothing", None, 404, "there is"),
    ],
)
def test_bad_control_input_is_answered_in_words(method: str, path: str, body: Any, status: int, words: str) -> None:
    answer = _client(Sandbox(1, VirtualClock())).request(method, f"/_sandbox/{path}", json=body)
    assert answer.status_code == status
    assert words in answer.json()["error"]


def test_wrong_step_names_and_arguments() -> None:
    sandbox = Sandbox(1, VirtualClock())
    client = _client(sandbox)
    order_id = client.post("/_sandbox/orders", json={"channel": "pinduoduo"}).json()["order_ids"][0]
    assert client.post(f"/_sandbox/orders/{order_id}/fly").status_code == 404
    assert client.post(f"/_sandbox/orders/{order_id}/ship", json={"carrier": "85"}).status_code == 400
    assert client.post(f"/_sandbox/orders/{order_id}/pay", json={"cash": True}).status_code == 400
    assert client.post(f"/_sandbox/orders/{order_id}/receive").status_code == 409
    assert client.post(f"/_sandbox/orders/{order_id}/pay", content=b"[1]").status_code == 400
    assert {"pay", "ship", "request_refund", "force_code"} <= set(STEPS)


def test_edits_in_the_sellers_backend() -> None:
    sandbox = Sandbox(1, VirtualClock())
    client = _client(sandbox)
    sku = next(iter(next(iter(sandbox.world.shop("pinduoduo").items.values())).skus.values()))
    key = {"channel": "pinduoduo", "sku_id": sku.sku_id}
    assert client.post("/_sandbox/stock", json=key | {"quantity": 4}).json()["last_set"]["kind"] == "seller"
    assert client.post("/_sandbox/stock", json=key | {"delta": -1}).json()["sellable"] == 3
    assert client.post("/_sandbox/stock", json=key).status_code == 400
    assert client.post("/_sandbox/price", json=key | {"sale": 123}).json()["price"]["sale"] == 123
    assert (
        client.post("/_sandbox/item", json={"channel": "pinduoduo", "item_id": sku.item_id, "on_shelf": False}).json()[
            "on_shelf"
        ]
        is False
    )


def test_faults_are_listed_and_removed() -> None:
    client = _client(Sandbox(1, VirtualClock()))
    ids = [client.post("/_sandbox/faults", json={"kind": "html", "channel": "douyin"}).json()["id"] for _ in range(3)]
    assert [fault["id"] for fault in client.get("/_sandbox/faults").json()["faults"]] == ids
    assert client.delete(f"/_sandbox/faults/{ids[0]}").json() == {"removed": 1}
    assert client.delete("/_sandbox/faults").json() == {"removed": 2}


def test_truth_names_no_buyer() -> None:
    sandbox = Sandbox(1, VirtualClock())
    order = sandbox.world.place(sandbox.world.shop("pinduoduo"))
    text = json.dumps(_client(sandbox).get("/_sandbox/truth").json(), ensure_ascii=False)
    assert order.order_id in text
    assert order.buyer.phone not in text
    assert order.buyer.name not in text


def test_unknown_paths_are_not_found() -> None:
    assert _client(Sandbox(1, VirtualClock())).get("/nothing").status_code == 404
