"""JD's stock in the sandbox: booked goods count, bulk writes fail row by row, increments happen once."""

from typing import Any

import pytest

from sandbox.gateway import NoAnswer
from sandbox.model import Sku
from sandbox.world import FaultRule
from tests.sandbox.jd_kit import Keeper, differences, sample

SET_ONE = "jingdong.stock.write.updateSkuStock"
SET_MANY = "jingdong.ware.stock.sku.set"
ADD = "jingdong.stock.write.increaseSkuStock"
FIND = "jingdong.stock.read.findSkuStock"


@pytest.fixture
def shop() -> Keeper:
    return Keeper()


def skus(shop: Keeper) -> list[Sku]:
    return [sku for item in shop.shop.items.values() for sku in item.skus.values()]


def set_many(shop: Keeper, *rows: dict[str, Any], rf_id: str = "rf-1") -> list[tuple[bool, str | None]]:
    result = shop.call(SET_MANY, req={"stockRfId": rf_id, "skuStocks": list(rows)})["returnType"]
    assert result["success"]
    return [(row["success"], row["message"]) for row in result["obj"]["updateStockResult"]]


def add(shop: Keeper, sku: Sku, number: int, rf_id: str) -> dict[str, Any]:
    business = {"skuId": int(sku.sku_id), "stockNum": number, "storeId": 0, "stockRfId": rf_id}
    result: dict[str, Any] = shop.call(ADD, **business)["result"]
    return result


def stock_num(shop: Keeper, sku: Sku) -> int:
    [row] = shop.call(FIND, skuId=int(sku.sku_id))["skuStocks"]
    found: int = row["stockNum"]
    return found


def identity_holds(sku: Sku) -> bool:
    return sku.sellable == sku.last_set.quantity - sku.sold_since + sku.given_back_since


def test_answers_have_the_samples_fields_and_types(shop: Keeper) -> None:
    sku = skus(shop)[0]
    number = int(sku.sku_id)
    assert shop.answer(SET_ONE, skuId=number, stockNum=25) == sample("stock.update_legacy.response")
    assert differences(sample("stock.get.response"), shop.answer(FIND, skuId=number)) == []
    rows = [{"skuId": number, "storeId": 0, "stockNum": 25}, {"skuId": 1, "storeId": 0, "stockNum": 0}]
    answer = shop.answer(SET_MANY, req={"stockRfId": "rf", "skuStocks": rows})
    wanted = sample("stock.set.response")
    assert differences(wanted, answer) == []
    results = answer["jingdong_ware_stock_sku_set_responce"]["returnType"]["obj"]["updateStockResult"]
    assert results[1] == {"data": 1, "storeId": 0, "success": False, "message": "SKU不存在"}
    business = {"skuId": number, "stockNum": 5, "storeId": 0, "stockRfId": "erp-stk-20260315-000002"}
    assert differences(sample("stock.increase.response"), shop.answer(ADD, **business)) == []


def test_stock_num_counts_what_orders_have_booked(shop: Keeper) -> None:
    sku = skus(shop)[0]
    order = shop.order(sku=sku, quantity=3)
    assert stock_num(shop, sku) == sku.sellable + 3
    assert shop.call(SET_ONE, skuId=int(sku.sku_id), stockNum=10)["success"]
    assert (sku.sellable, sku.held, stock_num(shop, sku)) == (7, 3, 10)
    shop.world.ship(order, "467", "SF1234567890123")
    assert (sku.sellable, stock_num(shop, sku)) == (7, 7)
    assert identity_holds(sku)


def test_bookings_can_be_read_and_numbers_below_them_are_refused(shop: Keeper) -> None:
    sku = skus(shop)[0]
    number = int(sku.sku_id)
    shop.order(sku=sku, quantity=3)
    before = sku.sellable
    refused = shop.call(SET_ONE, skuId=number, stockNum=2)
    assert refused["success"] is False
    assert sku.sellable == before
    assert set_many(shop, {"skuId": number, "stockNum": 2}) == [(False, "数量不合法")]
    assert set_many(shop, {"skuId": number, "stockNum": 3}) == [(True, None)]
    [row] = shop.call("jingdong.ware.stock.sku.query", skuId=number)["returnType"]["obj"]["skuStockInfos"]
    assert (row["stockNum"], row["orderBookingNum"], row["storeId"]) == (3, 3, 0)
    site = shop.call("jingdong.stock.read.findSkuSiteStock", skuId=number)["app_params"]
    assert site["canUsedNum"] == site["stockNum"] - site["orderBookingNum"] - site["appBookingNum"] == 0
    assert identity_holds(sku)


def test_bulk_rows_succeed_and_fail_on_their_own(shop: Keeper) -> None:
    first, second, third = skus(shop)[:3]
    outcome = set_many(
        shop,
        {"skuId": int(first.sku_id), "storeId": 0, "stockNum": 25},
        {"skuId": 999, "stockNum": 1},
        {"skuId": int(second.sku_id), "storeId": 7, "stockNum": 1},
        {"skuId": int(second.sku_id), "stockNum": -1},
        {"skuId": int(second.sku_id)},
        {"skuId": int(third.sku_id), "stockNum": "0"},
    )
    assert [success for success, _ in outcome] == [True, False, False, False, False, True]
    assert (first.sellable, third.sellable) == (25, 0)
    assert outcome[1] == (False, "SKU不存在")


def test_a_fault_can_strike_single_rows(shop: Keeper) -> None:
    shop.world.faults.add(FaultRule(kind="partial_failure", channel="jd", method=SET_MANY, times=1))
    rows = [{"skuId": int(sku.sku_id), "stockNum": 5} for sku in skus(shop)[:3]]
    assert [success for success, _ in set_many(shop, *rows)] == [False, True, True]


def test_bulk_writes_have_a_size(shop: Keeper) -> None:
    row = {"skuId": int(skus(shop)[0].sku_id), "stockNum": 1}
    for count in (0, 51):
        result = shop.call(SET_MANY, req={"skuStocks": [row] * count})["returnType"]
        assert (result["success"], result["obj"]) == (False, None)
    assert shop.call(SET_MANY)["returnType"]["success"] is False


def test_an_increment_happens_once_under_its_number(shop: Keeper) -> None:
    sku, other = skus(shop)[:2]
    before = sku.sellable
    first = add(shop, sku, 5, "rf-1")
    assert add(shop, sku, 5, "rf-1") == first
    assert sku.sellable == before + 5
    assert add(shop, sku, 5, "rf-2")["detailCode"] == "0"
    assert add(shop, sku, -4, "rf-3")["detailCode"] == "0"
    assert sku.sellable == before + 6
    untouched = other.sellable
    add(shop, other, 1, "rf-1")
    assert other.sellable == untouched + 1
    shop.world.advance(86_401)
    add(shop, sku, 5, "rf-1")
    assert sku.sellable == before + 11
    assert identity_holds(sku)


def test_an_increment_whose_answer_got_lost_can_be_repeated(shop: Keeper) -> None:
    sku = skus(shop)[0]
    before = sku.sellable
    shop.world.faults.add(FaultRule(kind="timeout_after", channel="jd", method=ADD, times=1))
    with pytest.raises(NoAnswer):
        add(shop, sku, 5, "rf-1")
    assert add(shop, sku, 5, "rf-1")["detailCode"] == "0"
    assert sku.sellable == before + 5


def test_bulk_increments_happen_once_and_need_a_number(shop: Keeper) -> None:
    sku = skus(shop)[0]
    before = sku.sellable
    row = {"skuId": int(sku.sku_id), "incrStockNum": 5}
    assert set_many(shop, row) == set_many(shop, row) == [(True, None)]
    assert sku.sellable == before + 5
    assert [success for success, _ in set_many(shop, row, rf_id="")] == [False]
    assert [success for success, _ in set_many(shop, row | {"stockNum": 1}, rf_id="rf-2")] == [False]


def test_wrong_increments_are_refused(shop: Keeper) -> None:
    sku = skus(shop)[0]
    before = sku.sellable
    whole = {"skuId": int(sku.sku_id), "stockNum": 5, "storeId": 0, "stockRfId": "rf"}
    for name in whole:
        result = shop.call(ADD, **{key: value for key, value in whole.items() if key != name})["result"]
        assert result["detailCode"] != "0"
    assert add(shop, sku, -before - 1, "rf-too-low")["detailCode"] != "0"
    assert sku.sellable == before
    assert add(shop, sku, 1, "rf-too-low")["detailCode"] == "0"


def test_reading_stock(shop: Keeper) -> None:
    sku = skus(shop)[0]
    assert shop.call(FIND, skuId=int(sku.sku_id), field="stockNum")["skuStocks"] == [{"stockNum": sku.sellable}]
    assert shop.call(FIND, skuId=1)["skuStocks"] == []
    assert shop.call("jingdong.ware.stock.sku.query", skuId=1)["returnType"]["success"] is False


def test_the_identity_of_stock_holds_through_lives_of_orders(shop: Keeper) -> None:
    sku = skus(shop)[0]
    set_many(shop, {"skuId": int(sku.sku_id), "stockNum": 50})
    orders = [shop.order(sku=sku, quantity=2) for _ in range(4)]
    shop.world.cancel(orders[0])
    shop.world.ship(orders[1], "467", "SF1234567890123")
    refund = shop.world.request_refund(orders[2])
    answer = shop.call(
        "jingdong.pop.afs.soa.refundapply.replyRefund", id=int(refund.refund_id), status=1, remark="同意"
    )
    assert answer["replyResult"]["success"]
    assert (sku.sellable, sku.held, stock_num(shop, sku)) == (46, 2, 48)
    assert identity_holds(sku)
