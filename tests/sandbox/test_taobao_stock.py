"""Taobao stock and prices: what quantities count, totals and changes, withheld pieces, replays, every refusal."""

from typing import Any

import pytest

from sandbox.faults import FaultRule
from sandbox.model import Item, Sku
from tests.sandbox.taobao_goods_kit import FIXTURES, Keeper, same_shape, sample

SAMPLES = [
    *sorted(FIXTURES.glob("stock.*.request.json")),
    *sorted(FIXTURES.glob("price.*.request.json")),
]
ONE, MANY, TMALL = "taobao.item.quantity.update", "taobao.skus.quantity.update", "tmall.item.quantity.update"


def _first(keeper: Keeper) -> tuple[Item, Sku, Sku]:
    item = next(iter(keeper.shop.items.values()))
    first, second = item.skus.values()
    return item, first, second


def _shown(keeper: Keeper, sku: Sku) -> tuple[int, int]:
    """(quantity, with_hold_quantity) on the wire."""
    row = keeper.call("taobao.item.sku.get", sku_id=sku.sku_id, fields="quantity,with_hold_quantity")["sku"]
    return row["quantity"], row["with_hold_quantity"]


def _identity(sku: Sku) -> bool:
    return sku.sellable == sku.last_set.quantity - sku.sold_since + sku.given_back_since


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name.removesuffix(".request.json"))
def test_samples_are_accepted_and_answered_as_sampled(path: Any) -> None:
    """The sample ids are those of the first shop's first items; the sampled merchant code is given to its SKU."""
    keeper = Keeper()
    _, first, _ = _first(keeper)
    first.code = "SKU-1001-RED-XL"
    name = path.name.removesuffix(".request.json")
    form = sample(f"{name}.request")["form"]
    if name == "price.sku":
        item, *_ = _first(keeper)
        params = {"num_iid": item.item_id, "properties": "1627207:28326;20509:28317", "price": "59.50"}
        answer = keeper.answer(form["method"], item_price="59.50", **params)
    else:
        answer = keeper.post(form)
    response = "stock.tmall" if name == "stock.tmall.incremental" else name
    assert same_shape(answer, sample(f"{response}.response")) == []


def test_totals_replace_and_changes_add() -> None:
    keeper = Keeper("taobao")
    item, first, second = _first(keeper)
    answer = keeper.call(ONE, num_iid=item.item_id, sku_id=first.sku_id, quantity="12")
    assert first.last_set.kind == "set"
    assert answer["item"]["num"] == 12 + second.sellable
    assert answer["item"]["skus"]["sku"][0]["quantity"] == 12
    keeper.call(ONE, num_iid=item.item_id, outer_id=first.code, sku_id="", quantity="-2", type="2")
    assert (first.sellable, first.last_set.kind) == (10, "delta")
    keeper.call(MANY, num_iid=item.item_id, skuid_quantities=f"{first.sku_id}:7;{second.sku_id}:8;")
    keeper.call(MANY, num_iid=item.item_id, outerid_quantities=f"{first.code}:1;{second.code}:1", type="2")
    assert (first.sellable, second.sellable) == (8, 9)
    assert _identity(first)
    assert _identity(second)


def test_below_zero_is_an_error_in_one_call_and_zero_in_the_other() -> None:
    keeper = Keeper()
    item, first, second = _first(keeper)
    keeper.call(MANY, num_iid=item.item_id, skuid_quantities=f"{first.sku_id}:5;{second.sku_id}:5")
    negative = (15, "isv.invalid-parameter:quantity-tmall")
    assert keeper.refused(ONE, num_iid=item.item_id, sku_id=first.sku_id, quantity="-1") == negative
    assert keeper.refused(ONE, num_iid=item.item_id, sku_id=first.sku_id, quantity="-6", type="2") == negative
    assert keeper.refused(MANY, num_iid=item.item_id, skuid_quantities=f"{first.sku_id}:-1") == negative
    rows = [{"sku_id": int(second.sku_id), "quantity": 9}, {"sku_id": int(first.sku_id), "quantity": -6}]
    assert keeper.refused(TMALL, item_id=item.item_id, sku_quantities=rows, options={"type": 2}) == negative
    assert (first.sellable, second.sellable) == (5, 5)
    answer = keeper.call(MANY, num_iid=item.item_id, skuid_quantities=f"{first.sku_id}:-6;{second.sku_id}:-1", type="2")
    assert [row["quantity"] for row in answer["item"]["skus"]["sku"]] == [0, 4]
    assert (first.sellable, second.sellable) == (0, 4)


def test_at_payment_unpaid_pieces_are_withheld_and_inside_the_quantity() -> None:
    keeper = Keeper()
    item, first, _ = _first(keeper)
    keeper.call(ONE, num_iid=item.item_id, sku_id=first.sku_id, quantity="10")
    unpaid = keeper.order(sku=first, quantity=3, paid=False)
    assert _shown(keeper, first) == (10, 3)
    error = keeper.answer(ONE, num_iid=item.item_id, sku_id=first.sku_id, quantity="2")["error_response"]
    wanted = sample("error.stock_below_withhold.response")["error_response"]
    assert error | {"request_id": ""} == wanted | {"request_id": ""}
    keeper.call(ONE, num_iid=item.item_id, sku_id=first.sku_id, quantity="3")
    assert (first.sellable, _shown(keeper, first)) == (0, (3, 3))
    low = (15, "isv.error-inventory-invalid-item-quantity-tmall")
    assert keeper.refused(MANY, num_iid=item.item_id, skuid_quantities=f"{first.sku_id}:-9", type="2") == low
    keeper.call(ONE, num_iid=item.item_id, sku_id=first.sku_id, quantity="20")
    keeper.world.pay(unpaid)
    assert _shown(keeper, first) == (17, 0)
    keeper.world.cancel(keeper.order(sku=first, quantity=2, paid=False))
    assert _shown(keeper, first) == (17, 0)
    assert _identity(first)
    row = keeper.call("taobao.item.seller.get", num_iid=item.item_id, fields="sub_stock,with_hold_quantity")["item"]
    assert row == {"sub_stock": 2, "with_hold_quantity": 0}


def test_at_order_nothing_is_withheld() -> None:
    keeper = Keeper("taobao")
    item, first, _ = _first(keeper)
    keeper.call(ONE, num_iid=item.item_id, sku_id=first.sku_id, quantity="10")
    keeper.order(sku=first, quantity=3, paid=False)
    assert _shown(keeper, first) == (7, 0)
    keeper.call(ONE, num_iid=item.item_id, sku_id=first.sku_id, quantity="0")
    keeper.world.change_settings({"taobao_sub_stock": 2})
    assert _shown(keeper, first) == (3, 3)


def test_a_repeated_business_key_changes_nothing_twice() -> None:
    keeper = Keeper()
    item, first, _ = _first(keeper)
    keeper.call(ONE, num_iid=item.item_id, sku_id=first.sku_id, quantity="10")
    change = {"item_id": item.item_id, "sku_quantities": [{"sku_id": int(first.sku_id), "quantity": -2}]}
    for _ in range(2):
        done = keeper.call(TMALL, **change, options={"type": 2, "outer_biz_key": "5f2e1a"})
        assert done["quantity_update_result"] == item.item_id
    assert first.sellable == 8
    keeper.call(TMALL, **change, options={"type": 2, "outer_biz_key": "5f2e1b"})
    keeper.call(TMALL, **change, options={"type": 2})
    assert first.sellable == 4
    assert keeper.refused(TMALL, **change, options={"type": 2, "outer_biz_key": "not-hex"}) == (41, "options")


def test_addressing() -> None:
    keeper = Keeper()
    item, first, second = _first(keeper)
    keeper.call(TMALL, item_id=item.item_id, sku_quantities=[{"outer_id": second.code, "quantity": 6}])
    keeper.call(
        TMALL, item_id=item.item_id, sku_quantities=[{"properties": "20509:28317;1627207:28326", "quantity": 4}]
    )
    assert (first.sellable, second.sellable) == (4, 6)
    second.code = first.code
    keeper.call(TMALL, item_id=item.item_id, sku_quantities=[{"outer_id": first.code, "quantity": 3}])
    assert (first.sellable, second.sellable) == (3, 3)
    mixed = [{"sku_id": int(first.sku_id), "quantity": 1}, {"outer_id": second.code, "quantity": 1}]
    assert keeper.refused(TMALL, item_id=item.item_id, sku_quantities=mixed) == (41, "sku_id")
    unknown = (15, "isv.invalid-parameter:sku-properties-tmall")
    for row in ({"sku_id": 1}, {"outer_id": "none"}, {"properties": "1:2"}):
        assert keeper.refused(TMALL, item_id=item.item_id, sku_quantities=[row | {"quantity": 1}]) == unknown
    assert keeper.refused(ONE, num_iid=item.item_id, sku_id="1", quantity="1") == unknown
    keeper.call(MANY, num_iid=item.item_id, skuid_quantities=f"{first.sku_id}:2", outerid_quantities="none:5")
    assert first.sellable == 2


def test_at_most_twenty_skus_and_readable_pairs() -> None:
    keeper = Keeper()
    item, first, _ = _first(keeper)
    many = ";".join(f"{first.sku_id}:1" for _ in range(21))
    assert keeper.refused(MANY, num_iid=item.item_id, skuid_quantities=many) == (41, "skuid_quantities")
    assert keeper.refused(MANY, num_iid=item.item_id, skuid_quantities="1:x") == (41, "skuid_quantities")
    assert keeper.refused(MANY, num_iid=item.item_id) == (40, "outerid_quantities")
    rows = [{"sku_id": int(first.sku_id), "quantity": 1}] * 21
    assert keeper.refused(TMALL, item_id=item.item_id, sku_quantities=rows) == (41, "sku_quantities")
    assert keeper.refused(ONE, num_iid=item.item_id, sku_id=first.sku_id, quantity="1", type="3") == (41, "type")


@pytest.mark.parametrize(
    ("kind", "sub_code"),
    [
        ("unknown", "isv.item-not-exist:invalid-numIid-or-iid"),
        ("deleted", "isv.item-is-delete:invalid-numIid-or-iid"),
        ("presale", "isv.item-is-presale:invalid-presale-tags-id"),
        ("promoted", "isv.item-quantity-sku-update-service-error"),
    ],
)
@pytest.mark.parametrize("shop", ["taobao", "tmall"])
def test_items_that_take_no_stock(kind: str, sub_code: str, shop: str) -> None:
    keeper = Keeper(shop)
    item, first, _ = _first(keeper)
    before = first.sellable
    if kind == "deleted":
        keeper.world.delete_item(keeper.shop, item)
    item.presale, item.promoted = kind == "presale", kind == "promoted"
    item_id = "1" if kind == "unknown" else item.item_id
    wanted = (15, sub_code + ("-tmall" if shop == "tmall" else ""))
    assert keeper.refused(ONE, num_iid=item_id, sku_id=first.sku_id, quantity="1") == wanted
    assert keeper.refused(MANY, num_iid=item_id, skuid_quantities=f"{first.sku_id}:1") == wanted
    if shop == "tmall":
        rows = [{"sku_id": int(first.sku_id), "quantity": 1}]
        assert keeper.refused(TMALL, item_id=item_id, sku_quantities=rows) == wanted
    assert first.sellable == before
    if kind == "presale":
        keeper.call(ONE, num_iid=item_id, sku_id=first.sku_id, quantity="-1", type="2")
        assert first.sellable == before - 1
    if kind == "promoted":
        text = keeper.answer(ONE, num_iid=item_id, sku_id=first.sku_id, quantity="1")["error_response"]["sub_msg"]
        assert text.startswith("该商品为#")
        keeper.call(ONE, num_iid=item_id, sku_id=first.sku_id, quantity=str(before + 1))


def test_an_item_with_skus_takes_no_number_of_its_own() -> None:
    keeper = Keeper()
    item, *_ = _first(keeper)
    wanted = (15, "isv.item-quantity-item-update-service-error-tmall")
    assert keeper.refused(ONE, num_iid=item.item_id, quantity="1") == wanted
    assert keeper.refused(TMALL, item_id=item.item_id, item_quantity="1") == wanted


def test_an_item_without_skus_has_its_own_number_and_price() -> None:
    keeper = Keeper()
    plain = next(item for item in keeper.shop.items.values() if len(item.skus) == 1)
    (sku,) = plain.skus.values()
    answer = keeper.call(ONE, num_iid=plain.item_id, quantity="12")["item"]
    assert (answer["num"], "skus" in answer, sku.sellable) == (12, False, 12)
    keeper.call(TMALL, item_id=plain.item_id, item_quantity="-2", options={"type": 2})
    assert sku.sellable == 10
    keeper.call("tmall.item.price.update", item_id=plain.item_id, item_price="12.30")
    assert sku.price.sale == 1230
    unknown = (15, "isv.invalid-parameter:sku-properties-tmall")
    assert keeper.refused(ONE, num_iid=plain.item_id, sku_id=plain.item_id, quantity="1") == unknown
    assert keeper.refused(ONE, num_iid=plain.item_id, quantity="-1")[1] == "isv.invalid-parameter:quantity-tmall"


def test_a_busy_stock_centre_and_a_row_that_fails() -> None:
    keeper = Keeper()
    item, first, second = _first(keeper)
    before = first.sellable
    for method in (ONE, MANY, TMALL):
        rule = FaultRule(kind="partial_failure", channel="taobao", method=method, times=1)
        keeper.world.faults.add(rule)
    error = keeper.answer(ONE, num_iid=item.item_id, sku_id=first.sku_id, quantity="1")["error_response"]
    assert error["sub_code"] == "isv.item-quantity-sku-update-service-error-tmall"
    assert error["sub_msg"].startswith("库存中心服务正忙")
    rows = [{"sku_id": int(first.sku_id), "quantity": 1}]
    assert keeper.refused(TMALL, item_id=item.item_id, sku_quantities=rows) == (15, error["sub_code"])
    assert first.sellable == before
    pairs = f"{first.sku_id}:1;{second.sku_id}:2"
    answer = keeper.call(MANY, num_iid=item.item_id, skuid_quantities=pairs)
    assert [row["sku_id"] for row in answer["item"]["skus"]["sku"]] == [int(second.sku_id)]
    assert (first.sellable, second.sellable) == (before, 2)


def test_tmall_stock_and_price_calls_are_not_for_taobao_shops() -> None:
    keeper = Keeper("taobao")
    item, *_ = _first(keeper)
    refused = (15, "isv.invalid-permission")
    assert keeper.refused(TMALL, item_id=item.item_id, item_quantity="1") == refused
    assert keeper.refused("tmall.item.price.update", item_id=item.item_id, item_price="1.00") == refused


def test_tmall_prices() -> None:
    keeper = Keeper()
    item, first, second = _first(keeper)
    rows = [{"sku_id": int(first.sku_id), "price": "199.00"}, {"sku_id": int(second.sku_id), "price": "189"}]
    options = {"ignore_fake_credit": False}
    keeper.call("tmall.item.price.update", item_id=item.item_id, item_price="189.00", sku_prices=rows, options=options)
    assert (first.price.sale, second.price.sale, item.price) == (19900, 18900, 18900)
    row = keeper.call("taobao.item.seller.get", num_iid=item.item_id, fields="price,sku")["item"]
    assert (row["price"], [sku["price"] for sku in row["skus"]["sku"]]) == ("189.00", ["199.00", "189.00"])
    keeper.call(
        "tmall.item.price.update", item_id=item.item_id, sku_prices=[{"outer_id": second.code, "price": "190.5"}]
    )
    assert (second.price.sale, item.price) == (19050, 19050)
    bad = (15, "isv.invalid-parameter:price-tmall")
    for price in ("0", "1.234", "-1", "100000000.01", "x"):
        rows = [{"sku_id": int(first.sku_id), "price": price}]
        assert keeper.refused("tmall.item.price.update", item_id=item.item_id, sku_prices=rows) == bad
    assert keeper.refused("tmall.item.price.update", item_id=item.item_id, item_price="500.00") == bad
    assert keeper.refused("tmall.item.price.update", item_id=item.item_id) == (40, "item_price")
    assert (first.price.sale, item.price) == (19900, 19050)


def test_the_items_price_stays_within_its_skus_prices() -> None:
    keeper = Keeper("taobao")
    item, first, second = _first(keeper)
    ids = {"num_iid": item.item_id, "properties": "20509:28317;1627207:28326"}
    method, bad = "taobao.item.sku.price.update", (15, "isv.invalid-parameter:price")
    high = f"{second.price.sale // 100 + 10}.00"
    assert keeper.refused(method, **ids, price=high) == bad
    keeper.call(method, **ids, price=high, item_price=high, quantity="9", outer_id="NEW")
    assert (first.price.sale, first.sellable, first.code) == (int(high[:-3]) * 100, 9, "NEW")
    assert keeper.refused(method, **ids, price=high, item_price="1.00") == bad
    refusal = keeper.refused(method, num_iid=item.item_id, properties="1:1", price="1.00")
    assert refusal == (15, "isv.invalid-parameter:sku-properties")
