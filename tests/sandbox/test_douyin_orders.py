"""Orders of the simulated Douyin shop: lists and windows, amounts, privacy, memo, address decisions, states."""

import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.model import Discounts
from sandbox.orders import VARIANTS
from tests.sandbox.douyin_kit import NOW, Shop

DAY = 86_400


def ids(data: Any) -> list[str]:
    return [row["order_id"] for row in data["shop_order_list"]]


def window(shop: Shop, **more: Any) -> dict[str, Any]:
    now = int(shop.world.now())
    return {
        "update_time_start": now - 30 * DAY,
        "update_time_end": now,
        "order_by": "update_time",
        "order_asc": True,
    } | more


@pytest.mark.parametrize(
    ("params", "number"),
    [
        ({"page": -1}, 10035),
        ({"size": 101}, 20008),
        ({"size": 0}, 20008),
        ({"page": 501, "size": 100}, 20013),
        ({"update_time_start": None}, 20011),
        ({"create_time_start": int(NOW) - 90 * DAY - 1}, 20022),
        ({"combine_status": [{"order_status": "2"}, {"order_status": "3"}]}, 20012),
    ],
)
def test_documented_refusals_of_the_list(params: dict[str, Any], number: int) -> None:
    shop = Shop()
    wanted = {"update_time_start": int(NOW) - 60} | params
    assert shop.refused("order.searchList", **wanted) == (40004, f"isv.parameter-invalid:{number}")


def test_pages_from_zero_in_both_directions() -> None:
    shop = Shop()
    placed = []
    for _ in range(7):
        placed.append(shop.order().order_id)
        shop.world.advance(10)
    pages = [shop.data("order.searchList", **window(shop, page=page, size=3)) for page in range(4)]
    assert [len(ids(page)) for page in pages] == [3, 3, 1, 0]
    assert [each for page in pages for each in ids(page)] == placed
    assert {page["total"] for page in pages} == {7}
    newest = shop.data("order.searchList", create_time_start=int(NOW), page=1, size=3)
    assert ids(newest) == placed[::-1][3:6]


def test_window_ends_are_inclusive_in_whole_seconds() -> None:
    shop = Shop()
    shop.world.advance(0.7)
    order = shop.order()
    at = int(shop.world.now())
    for start, end, found in ((at, at, True), (at + 1, at + 9, False), (at - 9, at - 1, False)):
        data = shop.data("order.searchList", update_time_start=start, update_time_end=end)
        assert ids(data) == ([order.order_id] if found else [])


def test_an_update_moves_an_order_out_of_the_pages_behind() -> None:
    shop = Shop()
    orders = [shop.order() for _ in range(4)]
    first = shop.data("order.searchList", **window(shop, size=2, page=0))
    shop.world.advance(5)
    shop.world.set_memo(orders[0], "x", 1)
    second = shop.data("order.searchList", **window(shop, size=2, page=1, update_time_end=int(NOW)))
    assert len(ids(second)) == 1
    assert len(set(ids(first)) | set(ids(second))) == 3


def test_filters() -> None:
    shop = Shop()
    to_ship, risk = shop.order(), shop.order(variant="risk")
    unpaid = shop.order(paid=False)
    shipped = shop.order()
    shop.world.ship(shipped, "shunfeng", "SF1234567890123")
    refund = shop.world.request_refund(to_ship)

    def found(**more: Any) -> set[str]:
        return set(ids(shop.data("order.searchList", **window(shop, size=100, **more))))

    assert found(combine_status=[{"order_status": "1,105"}]) == {unpaid.order_id, risk.order_id}
    assert found(tracking_no="SF1234567890123") == {shipped.order_id}
    assert found(abnormal_order=2) == {risk.order_id}
    assert found(after_sale_status_desc="in_aftersale") == {to_ship.order_id}
    assert found(product=to_ship.lines[0].item_id) >= {to_ship.order_id}
    shop.world.withdraw_refund(refund)
    assert found(after_sale_status_desc="aftersale_close") == {to_ship.order_id}
    assert found(order_type=4) == set()
    assert found(after_sale_status_desc="in_aftersale") == set()


def test_a_lagging_index_hides_fresh_orders() -> None:
    shop = Shop()
    order = shop.order()
    shop.world.change_settings({"index_lag": {"douyin": 10}})
    shop.world.advance(9)
    assert ids(shop.data("order.searchList", **window(shop))) == []
    assert shop.refused("order.orderDetail", shop_order_id=order.order_id)[1] == "isv.parameter-invalid:20014"
    shop.world.advance(2)
    assert ids(shop.data("order.searchList", **window(shop))) == [order.order_id]


def test_detail_of_old_ids_and_of_other_shops() -> None:
    shop = Shop(shops=2)
    order = shop.order()
    detail = shop.data("order.orderDetail", shop_order_id=order.order_id + "A")["shop_order_detail"]
    assert detail["order_id"] == order.order_id == detail["sku_order_list"][0]["order_id"]
    shop.shop = shop.world.shop("douyin", "12345679")
    assert shop.refused("order.orderDetail", shop_order_id=order.order_id) == (50002, "isv.business-failed:20015")


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(VARIANTS),
    st.lists(st.integers(0, 300), min_size=5, max_size=5),
    st.integers(-50, 50),
)
def test_amounts_add_up(variant: str, off: list[int], change: int) -> None:
    shop = Shop()
    order = shop.order(variant=variant, paid=False)
    for line in order.lines:
        if not line.gift:
            line.discounts = Discounts(*off)
    shop.world.change_amount(order, change)
    row = shop.data("order.orderDetail", shop_order_id=order.order_id)["shop_order_detail"]
    lines = row["sku_order_list"]
    for each in lines:
        assert each["pay_amount"] == each["order_amount"] - each["promotion_amount"]
        assert each["promotion_amount"] == each["shop_cost_amount"] + each["platform_cost_amount"]
        assert each["platform_cost_amount"] == each["only_platform_cost_amount"] + each["author_cost_amount"]
        assert each["sum_amount"] == each["origin_amount"] * each["item_num"]
        detail = each["promotion_detail"].values()
        assert sum(part["total_amount"] for part in detail) == each["promotion_amount"]
    assert row["pay_amount"] == sum(each["pay_amount"] for each in lines) + row["post_amount"] == order.pay_amount
    assert row["post_origin_amount"] == row["post_amount"] + row["post_promotion_amount"]
    assert row["total_promotion_amount"] == row["promotion_amount"] + row["post_promotion_amount"]


def test_every_documented_order_status_is_reachable() -> None:
    shop = Shop()
    world = shop.world
    deposit = shop.order(variant="deposit")
    several = shop.order(variant="several")
    world.ship(several, "shunfeng", "SF1234567890123", {several.lines[0].line_id: 1})
    shipped, received, finished = (shop.order() for _ in range(3))
    for order in (shipped, received, finished):
        world.ship(order, "shunfeng", f"SF{order.order_id[-12:]}")
    world.receive(received)
    world.finish(finished)
    cancelled = shop.order()
    world.cancel(cancelled)
    wanted = [
        (shop.order(paid=False), 1), (deposit, 103), (shop.order(variant="risk"), 105), (shop.order(), 2),
        (several, 101), (shipped, 3), (received, 3), (finished, 5), (cancelled, 4),
    ]  # fmt: skip
    for order, status in wanted:
        detail = shop.data("order.orderDetail", shop_order_id=order.order_id)["shop_order_detail"]
        assert detail["order_status"] == status
    phases = shop.data("order.orderDetail", shop_order_id=deposit.order_id)["shop_order_detail"]["order_phase_list"]
    assert [phase["pay_success"] for phase in phases] == [True, False]
    assert sum(phase["phase_order_amount"] for phase in phases) == deposit.pay_amount


def test_a_risk_hold_ends_by_itself() -> None:
    shop = Shop()
    order = shop.order(variant="risk")
    shop.world.advance(3601)
    assert shop.data("order.orderDetail", shop_order_id=order.order_id)["shop_order_detail"]["order_status"] == 2


def test_a_gift_points_at_its_master() -> None:
    shop = Shop()
    order = shop.order(variant="gift")
    master, gift = shop.data("order.orderDetail", shop_order_id=order.order_id)["shop_order_detail"]["sku_order_list"]
    assert (master["given_product_type"], gift["given_product_type"]) == ("MASTER", "FREE")
    assert (gift["master_sku_order_id"], gift["pay_amount"]) == (master["order_id"], 0)


def test_memo_and_star() -> None:
    shop = Shop()
    order = shop.order()
    shop.data("order.addOrderRemark", order_id=order.order_id, remark="加急", is_add_star="true", star="5")
    shop.data("order.addOrderRemark", order_id=order.order_id, remark="不急", is_add_star="false", star="1")
    row = shop.data("order.orderDetail", shop_order_id=order.order_id)["shop_order_detail"]
    assert (row["seller_words"], row["seller_remark_stars"]) == ("不急", 5)
    for params, number in (
        ({"order_id": "x", "remark": "a"}, "isv.parameter-invalid:50001"),
        ({"order_id": "123", "remark": "a"}, "isv.parameter-invalid:20002"),
        ({"order_id": order.order_id}, "isv.parameter-invalid:50002"),
        ({"order_id": order.order_id, "remark": "字" * 501}, "isv.business-failed:50056"),
    ):
        assert shop.refused("order.addOrderRemark", **params)[1] == number


def test_address_decision() -> None:
    shop = Shop()
    order, wanted = shop.order(), shop.world.some_buyer()
    assert shop.refused("order.addressConfirm", order_id=order.order_id, is_approved=0)[1].endswith(":50039")
    shop.world.want_address(order, wanted)
    shop.data("order.addressConfirm", order_id=order.order_id, is_approved=0)
    assert order.buyer == wanted
    assert shop.refused("order.addressConfirm", order_id=order.order_id, is_approved=0)[1].endswith(":50040")
    shop.world.want_address(order, shop.world.some_buyer())
    shop.data("order.addressConfirm", order_id=order.order_id, is_approved=1003)
    assert order.buyer == wanted
    shop.data("order.AddressAppliedSwitch", is_allowed=0)
    assert shop.data("order.addresSwitchConfig") == {"is_allowed": 0}
    assert shop.refused("order.addressConfirm", order_id=order.order_id, is_approved=0)[1].endswith(":50038")


def test_ciphertexts_open_only_with_their_order() -> None:
    shop = Shop()
    order, other = shop.order(), shop.order()
    row = shop.data("order.orderDetail", shop_order_id=order.order_id)["shop_order_detail"]
    assert row["post_receiver"] == row["post_tel"] == row["post_addr"]["detail"] == ""
    text = str(row)
    assert order.buyer.name not in text
    assert order.buyer.phone not in text
    texts = [row["encrypt_post_tel"], row["encrypt_post_receiver"], row["post_addr"]["encrypt_detail"]]
    infos = [{"auth_id": order.order_id, "cipher_text": text} for text in texts]
    shop.world.change_settings({"douyin_virtual_phone": False})
    plain = shop.data("order.batchDecrypt", cipher_infos=infos, need_virtual_phone=1)
    assert [info["decrypt_text"] for info in plain["decrypt_infos"]] == [
        order.buyer.phone, order.buyer.name, order.buyer.address.detail,
    ]  # fmt: skip
    shop.world.change_settings({"douyin_virtual_phone": True})
    virtual = shop.data("order.batchDecrypt", cipher_infos=infos[:1])["decrypt_infos"][0]
    assert virtual["decrypt_text"] == f"{virtual['phone_no_a']}-{virtual['phone_no_b']}"
    stolen = shop.data("order.batchDecrypt", cipher_infos=[{"auth_id": other.order_id, "cipher_text": texts[0]}])
    assert (stolen["custom_err"]["err_code"], stolen["decrypt_infos"][0]["err_no"]) == (300001, 300003)
    assert shop.refused("order.batchDecrypt", cipher_infos=infos * 17) == (40004, "isv.parameter-invalid:100000")
    index = shop.data("order.BatchSearchIndex", plain_text_list=[{"plain_text": order.buyer.phone, "encrypt_type": 3}])
    assert index["plain_to_encrypt_index_list"][0]["search_index"] == texts[0].split("$")[1]
    found = shop.data("order.searchByReceiver", post_type=0, post_receiver=order.buyer.phone)
    assert order.order_id in ids(found)
    for _ in range(199):
        shop.data("order.searchByReceiver", post_type=1, post_receiver=order.buyer.name)
    risky = shop.refused("order.searchByReceiver", post_type=1, post_receiver=order.buyer.name)
    assert risky == (80000, "isv.risk-control-failed:20047")


def test_paging_through_many_orders_touches_only_the_page() -> None:
    shop = Shop()
    for _ in range(3000):
        shop.order()
        shop.world.advance(1)
    started = time.perf_counter()
    for page in (0, 15, 29):
        assert len(ids(shop.data("order.searchList", **window(shop, page=page, size=100)))) == 100
    assert time.perf_counter() - started < 1.0
