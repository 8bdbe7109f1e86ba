"""The simulated platform opens receivers by an allowance and keeps who asked, and counts searches for people."""

from typing import Any

from sandbox.model import Order
from tests.sandbox.douyin_kit import NOW, Shop

DAY = 86_400


def ciphers(shop: Shop, order: Order) -> list[dict[str, Any]]:
    """Phone, name and address of an order, as a call opens them."""
    row = shop.data("order.orderDetail", shop_order_id=order.order_id)["shop_order_detail"]
    texts = [row["encrypt_post_tel"], row["encrypt_post_receiver"], row["post_addr"]["encrypt_detail"]]
    return [{"auth_id": order.order_id, "cipher_text": text} for text in texts]


def opened(shop: Shop, infos: list[dict[str, Any]], **more: Any) -> list[int]:
    """The number of every row's refusal, 0 for none."""
    rows = shop.data("order.batchDecrypt", cipher_infos=infos, **more)["decrypt_infos"]
    assert all(bool(row["decrypt_text"]) is (row["err_no"] == 0) for row in rows)
    return [row["err_no"] for row in rows]


def test_what_is_opened_is_kept_with_who_asked() -> None:
    shop = Shop()
    order = shop.order()
    opened(shop, ciphers(shop, order)[:1], account_id="keeper-3", account_type="sub_account")
    [entry] = shop.platform.memory.opened
    assert (entry.account_id, entry.order_id, entry.shop_id, entry.at) == (
        "keeper-3", order.order_id, shop.shop.shop_id, NOW,
    )  # fmt: skip


def test_the_days_allowance_ends_in_the_middle_of_a_call_and_is_new_on_the_next_day() -> None:
    shop = Shop(reveals_a_day={"douyin": 4})
    infos = ciphers(shop, shop.order())
    assert opened(shop, infos) == [0, 0, 0]
    assert opened(shop, infos) == [0, 300011, 300011]
    assert len(shop.platform.memory.opened) == 4
    shop.world.advance(DAY)
    assert opened(shop, infos) == [0, 0, 0]


def test_every_shop_has_an_allowance_of_its_own() -> None:
    shop = Shop(shops=2, reveals_a_day={"douyin": 1})
    assert opened(shop, ciphers(shop, shop.order())[:1] * 2) == [0, 300011]
    shop.shop = list(shop.world.shops["douyin"].values())[1]
    assert opened(shop, ciphers(shop, shop.order())[:1]) == [0]


def test_what_is_refused_costs_nothing() -> None:
    shop = Shop(reveals_a_day={"douyin": 1})
    infos = ciphers(shop, shop.order())
    assert opened(shop, [{**infos[0], "cipher_text": "#bad#cipher#1##"}, infos[0]]) == [300003, 0]


def test_a_cancelled_order_stays_closed() -> None:
    shop = Shop()
    order = shop.order()
    infos = ciphers(shop, order)
    shop.world.cancel(order)
    assert opened(shop, infos) == [300007] * 3


def search(shop: Shop, **more: Any) -> dict[str, Any]:
    return {"post_type": 0, "page": 0, "size": 100, "post_receiver": "17000000001"} | more


def test_a_search_is_bounded_by_time() -> None:
    shop = Shop()
    orders = [shop.order(at=NOW - days * DAY) for days in (1, 10, 80)]
    buyer = orders[0].buyer
    for order in orders:
        order.buyer = buyer

    def found(**more: Any) -> list[str]:
        data = shop.data("order.searchByReceiver", **search(shop, post_receiver=buyer.phone, **more))
        assert data["total"] == len(data["shop_order_list"])
        return [row["order_id"] for row in data["shop_order_list"]]

    ids = [order.order_id for order in orders]
    assert found() == ids
    assert found(create_time_start=int(NOW) - 11 * DAY, create_time_end=int(NOW) - 2 * DAY) == ids[1:2]
    exact = int(orders[1].created)
    assert found(create_time_start=exact, create_time_end=exact) == ids[1:2]
    assert found(post_type=1) == []


def test_a_wrong_search_is_refused_as_documented() -> None:
    shop = Shop(searches_a_day={"douyin": 1})
    wrongs: dict[int, dict[str, Any]] = {
        20051: {"post_type": 2},
        20052: {"post_receiver": ""},
        20053: {"post_receiver": "张三"},
        20022: {"create_time_start": int(NOW) - 91 * DAY},
        20048: {"create_time_start": int(NOW), "create_time_end": int(NOW) - 1},
        20008: {"size": 101},
        10035: {"page": -1},
        20013: {"page": 10},
    }
    for number, wrong in wrongs.items():
        told = shop.refused("order.searchByReceiver", **search(shop, **wrong))
        assert told == (40004, f"isv.parameter-invalid:{number}")
    assert shop.data("order.searchByReceiver", **search(shop, page=9))["total"] == 0
    risky = (80000, "isv.risk-control-failed:20047")
    assert shop.refused("order.searchByReceiver", **search(shop)) == risky
    shop.world.advance(DAY)
    shop.data("order.searchByReceiver", **search(shop))
