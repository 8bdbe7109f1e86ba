"""Items on and off sale: which call is made with which quantity, and what is never called."""

from typing import Any

import pytest

from core import errors
from sandbox.model import Item
from tests.connectors.taobao.kit import Playback, refused, sample, shop
from tests.connectors.taobao.test_sandbox import Kind, Meanwhile, World

NUM_IID = "610000000005"
USER = {"user_seller_get_response": {"user": {"user_id": 1, "type": "C"}}}


def item(**changes: Any) -> dict[str, Any]:
    row = {"num_iid": int(NUM_IID), "num": 10, "approve_status": "instock", "sub_stock": 1}
    return {"items_seller_list_get_response": {"items": {"item": [row | changes]}}}


def playback(row: dict[str, Any] | None = None, **answers: Any) -> Playback:
    listing, delisting = sample("item.listing.response"), sample("item.delisting.response")
    told = {"item_update_listing": listing, "item_update_delisting": delisting, "user_seller_get": USER}
    return Playback(items_seller_list_get=row or item(), **{**told, **answers})


@pytest.mark.parametrize(("on", "name"), [(True, "item.listing"), (False, "item.delisting")])
def test_the_documented_call(on: bool, name: str) -> None:
    transport = playback()
    outcome = shop(transport).set_shelf(NUM_IID, on=on)
    assert (outcome.item, outcome.error, outcome.request_id) == (NUM_IID, None, "15ra1b2c3d4e5")
    form = sample(f"{name}.request")["form"]
    assert transport.asked[-1]["method"] == form["method"]
    assert transport.business()[-1] == {field: form[field] for field in ("num_iid", "num") if field in form}
    assert transport.requests[-1].call.method == form["method"]
    assert transport.requests[-1].write


@pytest.mark.parametrize("num", [0, None])
def test_an_item_without_stock_is_refused_before_any_write(num: int | None) -> None:
    transport = playback(item(num=num))
    error = shop(transport).set_shelf(NUM_IID, on=True).error
    assert isinstance(error, errors.Rejected)
    assert "stock" in error.message
    assert not any(request.write for request in transport.requests)


def test_an_item_on_sale_is_not_put_there_again_and_one_sold_out_is_taken_off() -> None:
    transport = playback(item(approve_status="onsale"))
    assert shop(transport).set_shelf(NUM_IID, on=True).error is None
    assert transport.methods() == ["items.seller.list.get"]
    transport = playback(item(num=0))
    assert shop(transport).set_shelf(NUM_IID, on=False).error is None
    assert transport.methods()[-1] == "item.update.delisting"


def test_an_item_that_is_not_there() -> None:
    gone = {"items_seller_list_get_response": {"request_id": "1"}}
    for listing_id in (NUM_IID, "x"):
        assert isinstance(shop(playback(gone)).set_shelf(listing_id, on=True).error, errors.NotFound)


def test_a_refused_listing_is_a_conflict() -> None:
    answer = refused(15, "isv.item-listing-service-error:ITEM_ILLEGAL", "商品违规，不能上架")
    error = shop(playback(item_update_listing=answer)).set_shelf(NUM_IID, on=True).error
    assert isinstance(error, errors.Conflict)
    assert error.message == "商品违规，不能上架"


def plain(here: World) -> Item:
    """The shop's item without SKUs."""
    return next(item for item in here.shop.items.values() if list(item.skus) == [item.item_id])


@pytest.mark.parametrize("kind", ["taobao", "tmall"])
def test_units_of_unpaid_orders_do_not_come_on_sale(kind: Kind) -> None:
    here = World(kind, taobao_sub_stock=2)
    found = plain(here)
    [sku] = found.skus.values()
    here.world.set_stock(here.shop, sku, 10)
    order = here.world.place(here.shop, sku=sku, quantity=3, variant="plain", paid=False)
    assert here.connector.set_shelf(found.item_id, on=False).error is None
    listing = f"taobao.item.update.listing{'.tmall' if kind == 'tmall' else ''}"
    transport = Meanwhile(here, lambda: here.world.pay(order), method=listing)
    assert here.connect(transport).set_shelf(found.item_id, on=True).error is None
    assert here.world.calls["taobao"][listing]["count"] == 1
    assert (found.on_shelf, sku.sellable, sku.unpaid) == (True, 7, 0)
