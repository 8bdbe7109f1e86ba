"""The simulated platform opens receivers of orders to ship only, by an allowance; a search names a hundred orders."""

from typing import Any

import pytest

from sandbox.model import Order
from tests.sandbox.pdd_kit import START, Shopkeeper

DAY = 86_400


def keeper(**settings: Any) -> Shopkeeper:
    return Shopkeeper(rate_limits_on=False, token_life={"pinduoduo": 10 * DAY}, **settings)


def ciphers(shop: Shopkeeper, order: Order) -> list[dict[str, str]]:
    """Name, phone and address of an order, as a call opens them."""
    row = shop.call("pdd.order.information.get", order_sn=order.order_id)["order_info"]
    return [
        {"data_tag": order.order_id, "encrypted_data": row[name]}
        for name in ("receiver_name", "receiver_phone", "receiver_address")
    ]


def opened(shop: Shopkeeper, rows: list[dict[str, str]]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = shop.call("pdd.open.decrypt.batch", data_list=rows)["data_decrypt_list"]
    assert all(bool(row["decrypted_data"]) is (row["error_code"] == 0) for row in found)
    return found


def test_the_days_allowance_ends_in_the_middle_of_a_call_and_is_new_on_the_next_day() -> None:
    shop = keeper(reveals_a_day={"pinduoduo": 4})
    rows = ciphers(shop, shop.place())
    assert [row["error_code"] for row in opened(shop, rows)] == [0, 0, 0]
    assert [row["error_code"] for row in opened(shop, rows)] == [0, 50003, 50003]
    assert all(row["error_code"] == 0 for row in shop.call("pdd.open.decrypt.mask.batch", data_list=rows)[
        "data_decrypt_list"
    ])  # fmt: skip
    shop.world.advance(DAY)
    assert [row["error_code"] for row in opened(shop, rows)] == [0, 0, 0]


def held(shop: Shopkeeper, order: Order) -> None:
    shop.world.hold(order)


def shipped(shop: Shopkeeper, order: Order) -> None:
    shop.ship(order)


def cancelled(shop: Shopkeeper, order: Order) -> None:
    shop.world.cancel(order)


@pytest.mark.parametrize("leave", [held, shipped, cancelled])
def test_an_order_that_does_not_wait_to_be_shipped_stays_closed(leave: Any) -> None:
    shop = keeper()
    order = shop.place()
    rows = ciphers(shop, order)
    leave(shop, order)
    assert [row["error_code"] for row in opened(shop, rows)] == [50002] * 3
    assert {row["encrypted_data"] for row in ciphers(shop, order)} == {""}


def test_a_virtual_number_has_an_extension() -> None:
    shop = keeper(pinduoduo_virtual_phone=True)
    order = shop.place()
    name, phone, _ = opened(shop, ciphers(shop, order))
    assert (name["decrypted_data"], name["virtual_number_type"]) == (order.buyer.name, 0)
    assert phone["decrypted_data"] != order.buyer.phone
    assert (phone["virtual_number_type"], phone["virtual_identify_number"]) == (1, order.buyer.phone[-4:])


def test_a_search_names_the_newest_hundred_of_the_last_ninety_days() -> None:
    shop = keeper()
    orders = [
        shop.world.place(shop.shop, variant="plain", restock=True, at=START - days * DAY) for days in (*range(105), 0)
    ]
    for order in orders[1:]:
        order.buyer = orders[0].buyer
    phone = orders[0].buyer.phone

    def found(since: int, until: int) -> list[str]:
        span = {"start_created_at": str(int(START) - since), "end_created_at": str(int(START) - until)}
        answer: list[str] = shop.call("pdd.order.search.order", receiver_phone=phone, **span)["order_sn_list"]
        return answer

    newest = [order.order_id for order in sorted(orders, key=lambda order: -order.created)]
    assert set(found(90 * DAY, 0)) == set(newest[:92])
    assert found(104 * DAY, 95 * DAY) == []
    for order in orders:
        order.created = START
        shop.world.book(shop.shop).by_created.put(order.order_id, START)
    assert len(found(10, 0)) == 100
    asked = {"start_created_at": "1", "end_created_at": str(int(START)), "receiver_phone": phone}
    assert shop.code("pdd.order.search.order", **asked) == 21001


def test_searching_too_often_is_refused() -> None:
    shop = keeper(searches_a_day={"pinduoduo": 1})
    asked = {"start_created_at": str(int(START) - DAY), "end_created_at": str(int(START)), "receiver_name": "张三"}
    shop.call("pdd.order.search.order", **asked)
    assert shop.code("pdd.order.search.order", **asked) == 70031
