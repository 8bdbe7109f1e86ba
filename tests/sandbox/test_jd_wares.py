"""JD's wares, SKUs, shelf and prices in the sandbox."""

from typing import Any

import pytest

from sandbox.model import Item
from tests.sandbox.jd_kit import Keeper, differences, sample

WARES = "jingdong.ware.read.searchWare4Valid"
SKUS = "jingdong.sku.read.searchSkuList"
WARE_FIELDS = (
    "wareId,title,categoryId,brandId,wareStatus,outerId,itemNum,barCode,modified,created,onlineTime,offlineTime,logo,"
    "marketPrice,costPrice,jdPrice,stockNum"
)
SKU_FIELDS = "wareId,skuId,status,saleAttrs,jdPrice,outerId,barCode,logo,skuName,stockNum,wareTitle,modified,created"


@pytest.fixture
def shop() -> Keeper:
    return Keeper()


def item(shop: Keeper, index: int = 0) -> Item:
    return list(shop.shop.items.values())[index]


def wares(shop: Keeper, **wanted: Any) -> list[dict[str, Any]]:
    usual = {"field": WARE_FIELDS.split(","), "pageNo": 1, "pageSize": 50}
    found: list[dict[str, Any]] = shop.call(WARES, **(usual | wanted))["page"]["data"]
    return found


def skus(shop: Keeper, **wanted: Any) -> list[dict[str, Any]]:
    usual = {"field": SKU_FIELDS, "pageNo": 1, "page_size": 50}
    found: list[dict[str, Any]] = shop.call(SKUS, **(usual | wanted))["page"]["data"]
    return found


def status(shop: Keeper, ware: Item) -> int:
    found: int = shop.call("jingdong.ware.read.findWareById", wareId=int(ware.item_id), field="wareStatus")["ware"][
        "wareStatus"
    ]
    return found


def test_answers_have_the_samples_fields_and_types(shop: Keeper) -> None:
    found = shop.answer(WARES, field=WARE_FIELDS.split(","), pageNo=1, pageSize=50)
    assert differences(sample("item.list.response"), found) == []
    found = shop.answer(SKUS, field=SKU_FIELDS, pageNo=1, page_size=50)
    assert differences(sample("sku.list.response"), found) == []
    ware = int(item(shop).item_id)
    assert shop.answer("jingdong.ware.write.upOrDown", wareId=ware, opType=2) == sample("item.up_down.response")
    sku = int(next(iter(item(shop).skus)))
    answer = shop.answer("jingdong.price.write.updateSkuJdPrice", skuId=sku, jdPrice="89.00")
    assert answer == sample("price.update.response")


def test_only_fields_asked_for_come_back(shop: Keeper) -> None:
    asked = ["wareId", "stockNum", "nonsense"]
    assert all(row.keys() == {"wareId", "stockNum"} for row in wares(shop, field=asked))
    assert all(row.keys() == {"skuId"} for row in skus(shop, field="skuId"))
    assert all(row.keys() == {"wareId", "skuId"} for row in skus(shop, field=""))
    ware, sku = item(shop), next(iter(item(shop).skus))
    one = shop.call("jingdong.ware.read.findWareById", wareId=int(ware.item_id), field="title,jdPrice")["ware"]
    assert one == {"title": ware.title, "jdPrice": ware.skus[sku].price.sale / 100}
    other = shop.call("jingdong.sku.read.findSkuById", skuId=int(sku), field="outerId")["sku"]
    assert other == {"outerId": ware.skus[sku].code}


def test_pages_count_live_and_nothing_is_lost(shop: Keeper) -> None:
    pages = [shop.call(SKUS, field="skuId", pageNo=n, page_size=7)["page"] for n in range(1, 6)]
    seen = [row["skuId"] for page in pages for row in page["data"]]
    every = sorted(int(sku) for each in shop.shop.items.values() for sku in each.skus)
    assert seen == every
    assert {page["totalItem"] for page in pages} == {len(every)}
    assert shop.call(SKUS, pageNo=101, page_size=1)["page"]["data"] == []
    for wrong in ({"pageSize": 101}, {"pageNo": 0}, {"wareId": list(range(21))}, {"orderField": ["nonsense"]}):
        assert shop.call(WARES, **wrong)["success"] is False


def test_filters_of_wares(shop: Keeper) -> None:
    ware = item(shop, 4)
    number = int(ware.item_id)
    assert [row["wareId"] for row in wares(shop, wareId=[number, 1])] == [number]
    assert [row["wareId"] for row in wares(shop, itemNum=ware.code)] == [number]
    assert [row["wareId"] for row in wares(shop, searchKey=ware.title[:5], searchField=["title"])] == [number]
    assert {row["wareStatus"] for row in wares(shop, wareStatusValue=[1])} == {1}
    price = next(iter(ware.skus.values())).price.sale / 100
    same = wares(shop, startJdPrice=f"{price:.2f}", endJdPrice=f"{price:.2f}")
    assert number in [row["wareId"] for row in same]
    assert {row["jdPrice"] for row in same} == {price}


def test_windows_are_half_open_and_rows_come_in_the_order_asked_for(shop: Keeper) -> None:
    first, second = item(shop, 1), item(shop, 2)
    for each in (second, first):
        shop.world.advance(60)
        shop.world.touch_item(shop.shop, each)
    window = {"startModifiedTime": "2026-03-15 10:21:30", "endModifiedTime": "2026-03-15 10:22:31"}
    ids = [int(second.item_id), int(first.item_id)]
    rising = wares(shop, **window, orderField=["modified"], orderType=["asc"])
    falling = wares(shop, **window, orderField=["modified"], orderType=["desc"])
    assert [row["wareId"] for row in rising] == ids
    assert [row["wareId"] for row in falling] == ids[::-1]
    assert [row["wareId"] for row in wares(shop, **(window | {"endModifiedTime": "2026-03-15 10:22:30"}))] == ids[:1]
    found = skus(shop, **window, orderFiled=["modified"], orderType=["desc"])
    assert found[0]["wareId"] == int(first.item_id)


def test_merchant_codes_repeat_and_may_be_empty(shop: Keeper) -> None:
    assert len(skus(shop, outId=["SKU-0001"])) == 2
    assert len(skus(shop, outId=[""])) == 1


def test_a_number_of_a_channel_without_big_ids_fits_a_double(shop: Keeper) -> None:
    assert all(0 < row["skuId"] < 2**53 and 0 < row["wareId"] < 2**53 for row in skus(shop))


def test_statuses_of_wares(shop: Keeper) -> None:
    ware = item(shop)
    assert status(shop, item(shop, 10)) == 1
    assert status(shop, ware) == 8
    for operation, wanted in ((2, 2), (2, 2), (1, 8)):
        assert shop.call("jingdong.ware.write.upOrDown", wareId=int(ware.item_id), opType=operation)["success"]
        assert status(shop, ware) == wanted
    for review, wanted in (("pending", 520), ("rejected", 1028), ("banned", 4)):
        ware.review = review
        assert status(shop, ware) == wanted
    shop.world.set_shelf(shop.shop, ware, False)
    refused = shop.call("jingdong.ware.write.upOrDown", wareId=int(ware.item_id), opType=1)
    assert (refused["success"], refused["errorMessage"]) == (False, "商品审核中")
    shop.world.delete_item(shop.shop, ware)
    assert status(shop, ware) == -1
    assert int(ware.item_id) not in [row["wareId"] for row in wares(shop)]
    assert int(ware.item_id) not in [row["wareId"] for row in skus(shop)]
    assert {row["status"] for row in skus(shop, skuStatuValue=[4])} == {4}


@pytest.mark.parametrize("price", ["89.00", 89, 89.5, "0.01"])
def test_prices_are_yuan_as_text_or_number(shop: Keeper, price: Any) -> None:
    sku = next(iter(item(shop).skus.values()))
    assert shop.call("jingdong.price.write.updateSkuJdPrice", skuId=int(sku.sku_id), jdPrice=price)["success"]
    assert sku.price.sale == round(float(price) * 100)
    [row] = skus(shop, skuId=[int(sku.sku_id)])
    assert row["jdPrice"] == float(price)


@pytest.mark.parametrize("price", ["0", "-1", "1.234", "", "x", "１", "1e3", None])
def test_wrong_prices_are_refused_and_change_nothing(shop: Keeper, price: Any) -> None:
    sku = next(iter(item(shop).skus.values()))
    before = sku.price
    assert not shop.call("jingdong.price.write.updateSkuJdPrice", skuId=int(sku.sku_id), jdPrice=price)["success"]
    assert sku.price == before


def test_market_and_cost_prices_are_the_wares(shop: Keeper) -> None:
    number = int(item(shop).item_id)
    assert shop.call("jingdong.price.write.updateWareMarketPrice", wareId=number, marketPrice="299.00")["success"]
    assert shop.call("jingdong.price.write.updateWareCostPrice", wareId=number, costPrice="40.50")["success"]
    [row] = wares(shop, wareId=[number])
    assert (row["marketPrice"], row["costPrice"]) == (299.0, 40.5)


def test_unknown_goods_are_refused(shop: Keeper) -> None:
    for method, params in (
        ("jingdong.ware.read.findWareById", {"wareId": 1}),
        ("jingdong.sku.read.findSkuById", {"skuId": 1}),
        ("jingdong.ware.write.upOrDown", {"wareId": 1, "opType": 1}),
        ("jingdong.price.write.updateSkuJdPrice", {"skuId": 1, "jdPrice": "1.00"}),
    ):
        assert shop.call(method, **params)["success"] is False
