"""Taobao items and SKUs: the two lists and their banners, details, look-ups by code, the shelf, merchant codes."""

from typing import Any

import pytest

from sandbox.model import Item
from tests.sandbox.taobao_goods_kit import FIXTURES, Keeper, same_shape, sample

BY_CODE = {"fields": sample("item.sku_by_outer_id.request")["form"]["fields"], "outer_id": "SKU-0002"}
BANNERS = ("for_shelved", "never_on_shelf", "off_shelf", "regular_shelved", "sold_out", "violation_off_shelf")
CASES = [
    ("item.onsale", {"fields": sample("item.onsale.request")["form"]["fields"], "page_size": "1"}),
    ("item.inventory", {"fields": "approve_status,num_iid,title,num,price,modified,outer_id"}),
    ("item.detail", None),
    ("item.batch_detail", None),
    ("item.sku_by_outer_id", BY_CODE),
    ("item.listing", None),
    ("item.delisting", None),
    ("item.outer_id_update", None),
]


def _items(keeper: Keeper) -> list[Item]:
    return list(keeper.shop.items.values())


def _ids(fields: Any) -> list[str]:
    return [str(row["num_iid"]) for row in fields.get("items", {}).get("item", [])]


@pytest.mark.parametrize(("name", "params"), CASES, ids=[name for name, _ in CASES])
def test_answers_have_the_fields_and_types_of_the_samples(name: str, params: dict[str, str] | None) -> None:
    """Asked with the sample's own parameters wherever its ids exist in this world."""
    keeper = Keeper()
    if name == "item.inventory":
        keeper.world.set_shelf(keeper.shop, _items(keeper)[1], False)
    form = sample(f"{name}.request")["form"]
    system = {"method", "app_key", "timestamp", "format", "v", "sign_method", "session", "sign"}
    given = {key: value for key, value in form.items() if key not in system} if params is None else params
    if name in ("item.listing", "item.delisting"):
        given["num_iid"] = _items(keeper)[1].item_id
    answer = keeper.answer(form["method"], **given)
    assert same_shape(answer, sample(f"{name}.response")) == []


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("item.*.request.json")), ids=lambda path: path.name)
def test_request_samples_pass_the_gateway(path: Any) -> None:
    keeper = Keeper()
    form = sample(path.name.removesuffix(".json"))["form"]
    error = keeper.post(form).get("error_response")
    assert error is None or error["sub_code"] == "isv.item-not-exist:invalid-numIid-or-iid-tmall"


def test_only_what_is_asked_for_is_told_and_an_empty_list_is_left_out() -> None:
    keeper = Keeper()
    row = keeper.call("taobao.item.seller.get", num_iid=_items(keeper)[0].item_id, fields="num_iid,skus,nonsense")
    assert row["item"] == {"num_iid": 610000000001}
    listed = keeper.call("taobao.items.onsale.get", fields="num_iid,sub_stock,sku", page_size="1")
    assert listed["items"]["item"] == [{"num_iid": int(_ids(listed)[0])}]
    nothing = keeper.call("taobao.items.inventory.get", fields="num_iid", banner="violation_off_shelf")
    assert nothing["total_results"] == 0
    assert "items" not in nothing
    assert keeper.refused("taobao.items.onsale.get") == (40, "fields")


def test_every_item_is_in_one_list_and_sold_out_ones_only_under_their_banner() -> None:
    keeper = Keeper()
    items, world = _items(keeper), keeper.world
    world.set_shelf(keeper.shop, items[0], False)
    for sku in items[1].skus.values():
        world.set_stock(keeper.shop, sku, 0)
    items[2].review = "banned"
    world.delete_item(keeper.shop, items[3])
    banners = {
        banner: _ids(keeper.call("taobao.items.inventory.get", fields="num_iid", banner=banner, page_size="200"))
        for banner in BANNERS
    }
    assert banners == {
        "for_shelved": [items[10].item_id, items[0].item_id],
        "never_on_shelf": [items[10].item_id],
        "off_shelf": [items[0].item_id],
        "regular_shelved": [],
        "sold_out": [items[1].item_id],
        "violation_off_shelf": [items[2].item_id],
    }
    assert _ids(keeper.call("taobao.items.inventory.get", fields="num_iid")) == banners["for_shelved"]
    on_sale = _ids(keeper.call("taobao.items.onsale.get", fields="num_iid", page_size="200"))
    gone = {items[n].item_id for n in (0, 1, 2, 3, 10)}
    assert set(on_sale) == {item.item_id for item in items} - gone
    row = keeper.call("taobao.item.seller.get", num_iid=items[1].item_id, fields="approve_status,num")["item"]
    assert row == {"approve_status": "instock", "num": 0}


def test_pages_windows_sorting_and_depth() -> None:
    keeper = Keeper()
    items, world = _items(keeper), keeper.world
    world.advance(60)
    world.touch_item(keeper.shop, items[4])
    now = "2024-03-15 10:31:00"
    recent = keeper.call("taobao.items.onsale.get", fields="num_iid", start_modified=now, end_modified=now)
    assert (_ids(recent), recent["total_results"]) == ([items[4].item_id], 1)
    ascending = {"fields": "num_iid", "order_by": "modified:asc", "page_size": "4"}
    pages = [_ids(keeper.call("taobao.items.onsale.get", page_no=str(page), **ascending)) for page in (1, 2, 3, 4)]
    assert [len(page) for page in pages] == [4, 4, 3, 0]
    assert pages[2][-1] == items[4].item_id
    assert len({each for page in pages for each in page}) == 11
    deep = {"fields": "num_iid", "page_no": "101", "page_size": "200"}
    assert keeper.refused("taobao.items.onsale.get", **deep) == (41, "page_no")
    assert keeper.refused("taobao.items.onsale.get", fields="num_iid", page_size="201") == (41, "page_size")
    assert keeper.refused("taobao.items.onsale.get", fields="num_iid", order_by="price:asc") == (41, "order_by")
    assert keeper.refused("taobao.items.inventory.get", fields="num_iid", page_no="102") == (41, "page_no")
    assert keeper.refused("taobao.items.inventory.get", fields="num_iid", banner="else") == (41, "banner")


def test_unknown_foreign_and_deleted_items() -> None:
    keeper = Keeper(shops=2)
    other = next(iter(keeper.world.shop("taobao", "2200112234").items))
    first, second, *_ = _items(keeper)
    keeper.world.delete_item(keeper.shop, second)
    for item_id in ("1", other):
        refusal = keeper.refused("taobao.item.seller.get", num_iid=item_id, fields="num_iid")
        assert refusal == (15, "isv.item-not-exist:invalid-numIid-or-iid-tmall")
    error = keeper.answer("taobao.item.seller.get", num_iid=second.item_id, fields="num_iid")["error_response"]
    wanted = sample("error.item_deleted.response")["error_response"]
    assert error | {"request_id": ""} == wanted | {"request_id": ""}
    ids = f"1,{other},{second.item_id},{first.item_id}"
    assert _ids(keeper.call("taobao.items.seller.list.get", num_iids=ids, fields="num_iid")) == [first.item_id]
    many = ",".join(str(n) for n in range(1, 22))
    assert keeper.refused("taobao.items.seller.list.get", num_iids=many, fields="num_iid") == (41, "num_iids")
    plain = Keeper("taobao")
    refusal = plain.refused("taobao.item.seller.get", num_iid="1", fields="num_iid")
    assert refusal == (15, "isv.item-not-exist:invalid-numIid-or-iid")


def test_skus_by_item_id_and_code() -> None:
    keeper = Keeper()
    first, second = _items(keeper)[0], _items(keeper)[1]
    both = f"{first.item_id},{second.item_id}"
    rows = keeper.call("taobao.item.skus.get", num_iids=both, fields="sku_id,num_iid,quantity")["skus"]["sku"]
    assert {(str(row["num_iid"]), str(row["sku_id"])) for row in rows} == {
        (item.item_id, sku_id) for item in (first, second) for sku_id in item.skus
    }
    repeated = keeper.call("taobao.skus.custom.get", outer_id="SKU-0001", fields="sku_id,num_iid")["skus"]["sku"]
    assert [str(row["num_iid"]) for row in repeated] == [first.item_id, _items(keeper)[3].item_id]
    assert "skus" not in keeper.call("taobao.skus.custom.get", outer_id="nobody", fields="sku_id")
    sku_id = next(iter(second.skus))
    row = keeper.call("taobao.item.sku.get", sku_id=sku_id, fields="sku_id,status,properties_name")["sku"]
    assert (row["sku_id"], row["status"]) == (int(sku_id), "normal")
    assert row["properties_name"].startswith("1627207:28326:颜色分类:红色;20509:28317:尺码:")
    refusal = keeper.refused("taobao.item.sku.get", sku_id=sku_id, num_iid=first.item_id, fields="sku_id")
    assert refusal == (15, "isv.invalid-parameter:sku_id")
    found = keeper.call("taobao.items.custom.get", outer_id="ITEM-0001,ITEM-0002,none", fields="num_iid")
    assert _ids(found) == [first.item_id, second.item_id]


def test_ids_beyond_a_double_are_numbers() -> None:
    keeper = Keeper(seed=2)
    big = _items(keeper)[7].item_id
    assert int(big) > 2**53
    row = keeper.call("taobao.item.seller.get", num_iid=big, fields="num_iid,sku")["item"]
    assert row["num_iid"] == int(big)
    assert [str(sku["sku_id"]) for sku in row["skus"]["sku"]] == list(_items(keeper)[7].skus)


def test_an_item_of_one_kind_has_no_skus() -> None:
    keeper = Keeper()
    plain = next(item for item in _items(keeper) if len(item.skus) == 1)
    (sku,) = plain.skus.values()
    fields = "num_iid,num,price,outer_id,props_name,sku,prop_img"
    row = keeper.call("taobao.item.seller.get", num_iid=plain.item_id, fields=fields)["item"]
    assert row == {
        "num_iid": int(plain.item_id),
        "num": sku.sellable,
        "price": f"{sku.price.sale // 100}.{sku.price.sale % 100:02d}",
        "outer_id": sku.code,
        "props_name": "",
    }
    assert "skus" not in keeper.call("taobao.item.skus.get", num_iids=plain.item_id, fields="sku_id")
    assert "skus" not in keeper.call("taobao.skus.custom.get", outer_id=sku.code, fields="sku_id")
    assert _ids(keeper.call("taobao.items.custom.get", outer_id=sku.code, fields="num_iid")) == [plain.item_id]
    keeper.call("tmall.item.outerid.update", item_id=plain.item_id, outer_id="NEW")
    assert (plain.code, sku.code) == ("NEW", "NEW")
    keeper.call("taobao.item.update.listing", num_iid=plain.item_id, num="77")
    assert sku.sellable == 77
    refusal = keeper.refused("taobao.item.update.listing", num_iid=plain.item_id, num="1000001")
    assert refusal == (15, "isv.item-listing-service-error:QUANTITY_ITEM_CAT_TOO_LARGE-tmall")


@pytest.mark.parametrize("suffix", ["", ".tmall"])
def test_the_shelf(suffix: str) -> None:
    keeper = Keeper()
    item = _items(keeper)[0]
    for _ in range(2):
        keeper.world.advance(1)
        keeper.call(f"taobao.item.update.delisting{suffix}", num_iid=item.item_id)
        assert not item.on_shelf
    row = keeper.answer(f"taobao.item.update.listing{suffix}", num_iid=item.item_id, num="10")
    (root,) = row
    assert root == f"item_update_listing{suffix.replace('.', '_')}_response"
    assert item.on_shelf
    assert keeper.refused(f"taobao.item.update.listing{suffix}", num_iid=item.item_id, num="0") == (41, "num")
    item.review = "banned"
    code, sub_code = keeper.refused(f"taobao.item.update.listing{suffix}", num_iid=item.item_id, num="10")
    assert (code, sub_code.partition(":")[0]) == (15, "isv.item-listing-service-error")


def test_tmall_calls_are_not_for_taobao_shops() -> None:
    keeper = Keeper("taobao")
    item = _items(keeper)[0]
    for method in ("taobao.item.update.listing.tmall", "taobao.item.update.delisting.tmall"):
        assert keeper.refused(method, num_iid=item.item_id, num="1") == (15, "isv.invalid-permission")
    refusal = keeper.refused("tmall.item.outerid.update", item_id=item.item_id, outer_id="X")
    assert refusal == (15, "isv.invalid-permission")
    keeper.call("taobao.item.update.delisting", num_iid=item.item_id)


def test_merchant_codes_are_written_and_cleared() -> None:
    keeper = Keeper()
    item = _items(keeper)[0]
    first, second = item.skus.values()
    rows = [{"sku_id": int(first.sku_id), "outer_id": "红-1"}, {"sku_id": int(second.sku_id), "outer_id": ""}]
    keeper.call("tmall.item.outerid.update", item_id=item.item_id, sku_outers=rows)
    assert (item.code, first.code, second.code) == ("ITEM-0001", "红-1", "")
    keeper.call("tmall.item.outerid.update", item_id=item.item_id, outer_id="")
    assert item.code == ""
    by_property = [{"properties": "20509:28317;1627207:28338", "outer_id": "B"}]
    keeper.call("tmall.item.outerid.update", item_id=item.item_id, sku_outers=by_property)
    assert second.code == "B"
    mixed = [{"sku_id": 1, "outer_id": "a"}, {"properties": "1:1", "outer_id": "b"}]
    assert keeper.refused("tmall.item.outerid.update", item_id=item.item_id, sku_outers=mixed) == (41, "sku_id")
