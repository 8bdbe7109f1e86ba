"""Each operation sends what the samples of the documentation send, but for the list of fields it needs."""

from datetime import timedelta
from typing import Any

import pytest

from connectors.taobao import signing
from connectors.taobao.mapping import TRADE_TYPES
from core.channel import PriceWrite, StockDelta, StockWrite
from core.model import Flag, Memo, Packed, Parcel, ParcelDraft, ParcelKind, Price, Shipment, SkuKey
from tests.connectors.taobao.kit import NOW, SECRET, TID, WINDOW, Playback, quiet, sample, shop, trade_answer, trade_row

RED = SkuKey(listing_id="610000000001", sku_id="5100000000001")
LARGE = SkuKey(listing_id="610000000001", sku_id="5100000000002")
ITEMS = sample("item.batch_detail.response")


def form(name: str, **changes: str) -> dict[str, str]:
    told: dict[str, str] = {**sample(f"{name}.request")["form"], **changes}
    return told


def business(told: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in told.items() if name not in ("fields", "sign")}


def ship(transport: Playback, *parcels: ParcelDraft, **options: Any) -> Any:
    shipment = Shipment(order_id=TID, parcels=parcels or (ParcelDraft(carrier="YTO", tracking_no="YT0000000000001"),))
    return shop(transport, sign_method="md5").ship(shipment.model_copy(update=options), "key")


def test_a_call_posts_a_form_to_the_router_and_says_whether_it_writes() -> None:
    transport = Playback(
        trade_fullinfo_get=sample("order.detail.response"), trade_memo_update=sample("order.memo_update.response")
    )
    shop(transport).order(TID)
    shop(transport).memo(TID, Memo(text="x"))
    read, write = transport.requests
    assert read.url == "https://eco.taobao.com/router/rest"
    assert read.headers["content-type"] == "application/x-www-form-urlencoded;charset=utf-8"
    assert (read.http_method, read.write, write.write) == ("POST", False, True)
    assert (read.call.channel, read.call.app_key) == ("taobao", "23000001")
    assert (read.call.shop, read.call.method) == ("taobao:2200112233", "taobao.trade.fullinfo.get")


@pytest.mark.parametrize("method", signing.METHODS)
def test_every_sign_method_signs_what_is_sent(method: str) -> None:
    transport = Playback(trade_memo_update=sample("order.memo_update.response"))
    shop(transport, sign_method=method).memo(TID, Memo(text="客户要求周一发货 A&B=C+D 100% 😀", flag=Flag.GREEN))
    [sent] = transport.asked
    assert sent["sign_method"] == method
    assert sent["memo"] == "客户要求周一发货 A&B=C+D 100% 😀"
    assert sent["sign"] == signing.sign(sent, SECRET, method)


def test_the_strongest_sign_method_is_the_default() -> None:
    transport = Playback(trade_memo_update=sample("order.memo_update.response"))
    shop(transport).memo(TID, Memo(text="x"))
    assert transport.asked[0]["sign_method"] == "hmac-sha256"


def test_order() -> None:
    transport = Playback(trade_fullinfo_get=sample("order.detail.response"))
    shop(transport, sign_method="md5").order(TID)
    [sent] = transport.asked
    assert business(sent) == business(form("order.detail"))
    needed = {"receiver_name", "receiver_address", "created", "receiver_mobile", "receiver_phone", "oaid", "orders"}
    assert needed <= set(sent["fields"].split(","))


def test_orders() -> None:
    transport = Playback(
        trades_sold_increment_get=sample("order.list.empty.response"), trade_fullinfo_get=trade_answer()
    )
    list(shop(transport, sign_method="md5").orders(WINDOW))
    [sent] = transport.asked
    assert business(sent) == business(form("order.list", type=",".join(TRADE_TYPES)))
    assert set(form("order.list")["type"].split(",")) <= set(TRADE_TYPES)


def test_after_sales() -> None:
    transport = Playback(
        refunds_receive_get=sample("refund.list.response"), refund_get=sample("refund.detail.response")
    )
    list(shop(transport, sign_method="md5").after_sales(WINDOW))
    assert business(transport.asked[0]) == business(form("refund.list", page_size="50"))


def test_after_sale() -> None:
    transport = Playback(refund_get=sample("refund.detail.response"))
    shop(transport, sign_method="md5").after_sale("160000000000000001", TID)
    assert business(transport.asked[0]) == business(form("refund.detail"))


def test_listing() -> None:
    transport = Playback(item_seller_get=sample("item.detail.response"))
    shop(transport, sign_method="md5").listing(RED.listing_id)
    [sent] = transport.asked
    assert business(sent) == business(form("item.detail"))
    assert "sku" in sent["fields"].split(",")
    assert "skus" not in sent["fields"].split(",")


def test_listings() -> None:
    transport = Playback(
        items_onsale_get=sample("item.onsale.response"),
        items_inventory_get=sample("item.inventory.response"),
        items_seller_list_get=ITEMS,
    )
    list(shop(transport, sign_method="md5").listings())
    on_sale = business(form("item.onsale"))
    del on_sale["start_modified"], on_sale["end_modified"]
    assert business(transport.asked[0]) == on_sale
    in_stock = [business(asked) for asked in transport.asked if asked["method"] == "taobao.items.inventory.get"]
    assert in_stock[0] == business(form("item.inventory")) | {"order_by": "modified:asc"}
    assert [asked["banner"] for asked in in_stock] == ["for_shelved", "sold_out", "violation_off_shelf"]


def test_stock_levels() -> None:
    transport = Playback(items_seller_list_get=ITEMS)
    shop(transport, sign_method="md5").stock_levels([RED, SkuKey(listing_id="610000000002", sku_id="1"), LARGE])
    assert [business(asked) for asked in transport.asked] == [business(form("item.batch_detail"))]


def test_set_stock_of_a_taobao_shop() -> None:
    transport = Playback(items_seller_list_get=ITEMS, skus_quantity_update=sample("stock.skus.response"))
    told = shop(transport, sign_method="md5", write_api="taobao").set_stock(
        [StockWrite(RED, 12), StockWrite(LARGE, 25)]
    )
    assert [outcome.error for outcome in told] == [None, None]
    assert [outcome.request_id for outcome in told] == ["15ra1b2c3d4e5"] * 2
    assert transport.asked[1] == form("stock.skus")


def test_set_stock_of_a_tmall_shop() -> None:
    transport = Playback(
        items_seller_list_get=ITEMS,
        user_seller_get=sample("user.seller.response"),
        tmall_item_quantity_update=sample("stock.tmall.response"),
    )
    connector = shop(transport, sign_method="md5")
    for _ in range(2):
        told = connector.set_stock([StockWrite(RED, 12), StockWrite(LARGE, 25)])
    assert [outcome.error for outcome in told] == [None, None]
    sent = [asked for asked in transport.asked if asked["method"] == "tmall.item.quantity.update"]
    assert sent == [form("stock.tmall")] * 2
    asked = [business(each) for each in transport.asked if each["method"] == "taobao.user.seller.get"]
    assert asked == [business(form("user.seller"))], "the kind of shop is asked for once"


def test_set_stock_of_an_item_without_skus() -> None:
    plain = {"items_seller_list_get_response": {"items": {"item": [{"num_iid": 610000000005, "num": 3}]}}}
    key = SkuKey(listing_id="610000000005", sku_id="610000000005")
    transport = Playback(
        items_seller_list_get=plain,
        item_quantity_update=sample("stock.item.response"),
        tmall_item_quantity_update=sample("stock.tmall.response"),
    )
    for api in ("taobao", "tmall"):
        [told] = shop(transport, write_api=api).set_stock([StockWrite(key, 7)])
        assert (told.error, told.request_id) == (None, "15ra1b2c3d4e5")
    taobao, tmall = transport.business()[1], transport.business()[3]
    assert taobao == {"num_iid": "610000000005", "quantity": "7", "type": "1"}
    assert tmall == {"item_id": "610000000005", "item_quantity": "7", "options": '{"type":1}'}


def test_adjust_stock_of_a_tmall_shop() -> None:
    transport = Playback(tmall_item_quantity_update=sample("stock.tmall.response"))
    [told] = shop(transport, sign_method="md5", write_api="tmall").adjust_stock([StockDelta(RED, -2, "one")])
    assert told.error is None
    [sent] = transport.asked
    key = "7692c3ad3540bb803c020b3aee66cd88"
    options = f'{{"type":2,"outer_biz_key":"{key}"}}'
    rows = '[{"sku_id":5100000000001,"quantity":-2}]'
    assert business(sent) == business(form("stock.tmall.incremental", sku_quantities=rows, options=options))


def test_adjust_stock_of_a_taobao_shop() -> None:
    transport = Playback(items_seller_list_get=ITEMS, skus_quantity_update=sample("stock.skus.response"))
    [told] = shop(transport, write_api="taobao").adjust_stock([StockDelta(RED, -2, "one")])
    assert told.error is None
    assert transport.business()[1] == {
        "num_iid": "610000000001",
        "skuid_quantities": "5100000000001:-2",
        "type": "2",
    }


def test_set_price_of_a_tmall_shop() -> None:
    items = sample("item.batch_detail.response")
    items["items_seller_list_get_response"]["items"]["item"][0]["price"] = "189.00"
    transport = Playback(items_seller_list_get=items, tmall_item_price_update=sample("price.tmall.response"))
    writes = [PriceWrite(RED, Price(sale=19900)), PriceWrite(LARGE, Price(sale=18900))]
    told = shop(transport, sign_method="md5", write_api="tmall").set_price(writes)
    assert [(outcome.error, outcome.request_id) for outcome in told] == [(None, "15ra1b2c3d4e5")] * 2
    assert business(transport.asked[1]) == business(form("price.tmall"))


def test_set_price_of_a_taobao_shop() -> None:
    items = {
        "items_seller_list_get_response": {
            "items": {
                "item": [
                    {
                        "num_iid": 610000000002,
                        "price": "60.00",
                        "skus": {"sku": [{"sku_id": 5100000000012, "properties": "20509:28317", "price": "60.00"}]},
                    }
                ]
            }
        }
    }
    transport = Playback(items_seller_list_get=items, item_sku_price_update=sample("price.sku.response"))
    key = SkuKey(listing_id="610000000002", sku_id="5100000000012")
    [told] = shop(transport, sign_method="md5", write_api="taobao").set_price([PriceWrite(key, Price(sale=5950))])
    assert (told.error, told.request_id, told.pending) == (None, "15ra1b2c3d4e5", False)
    assert transport.asked[1] == form("price.sku")


def test_ship() -> None:
    transport = Playback(
        trade_fullinfo_get=trade_answer(quiet()), logistics_offline_send=sample("logistics.offline_send.response")
    )
    told = ship(transport)
    assert (told.error, told.request_id) == (None, "15ra1b2c3d4e5")
    assert transport.asked[1] == form("logistics.offline_send")


def test_ship_lines() -> None:
    transport = Playback(
        trade_fullinfo_get=sample("order.detail.response"),
        logistics_offline_send=sample("logistics.offline_send.response"),
    )
    lines = tuple(Packed(line_id=f"215000000000000000{n}", quantity=1) for n in (2, 4))
    assert ship(transport, ParcelDraft(carrier="YTO", tracking_no="YT0000000000001", lines=lines)).error is None
    assert transport.asked[1] == form("logistics.offline_send.split")


def test_ship_cash_on_delivery() -> None:
    transport = Playback(
        trade_fullinfo_get=trade_answer(quiet(type="cod")),
        logistics_online_send=sample("logistics.online_send.response"),
    )
    done = ship(transport)
    assert (done.error, done.request_id) == (None, "15ra1b2c3d4e5")
    told = form("logistics.online_send")
    del told["sender_id"], told["cancel_id"]  # the seller's own addresses, which the platform knows
    assert business(transport.asked[1]) == business(told)


def test_ship_what_has_no_parcel() -> None:
    transport = Playback(
        trade_fullinfo_get=trade_answer(quiet(shipping_type="virtual")),
        logistics_dummy_send=sample("logistics.dummy_send.response"),
    )
    told = ship(transport)
    assert (told.error, told.request_id) == (None, "15ra1b2c3d4e5")
    assert transport.asked[1] == form("logistics.dummy_send")


def test_change_tracking() -> None:
    transport = Playback(logistics_consign_resend=sample("logistics.resend.response"))
    old = Parcel(carrier_code="YTO", tracking_no="YT0000000000001")
    told = shop(transport, sign_method="md5").change_tracking(TID, old, "ZTO", "78000000000002")
    assert (told.error, told.request_id) == (None, "15ra1b2c3d4e5")
    assert transport.asked == [form("logistics.resend")]


def test_change_tracking_of_one_of_several_parcels() -> None:
    transport = Playback(logistics_consign_resend=sample("logistics.resend.response"))
    lines = (Packed(line_id="2150000000000000002", quantity=1), Packed(line_id="2150000000000000004", quantity=1))
    old = Parcel(carrier_code="YTO", tracking_no="YT0000000000001", kind=ParcelKind.SPLIT, lines=lines)
    shop(transport).change_tracking(TID, old, "ZTO", "78000000000002")
    [sent] = transport.business()
    assert (sent["sub_tid"], sent["is_split"]) == ("2150000000000000002,2150000000000000004", "1")


def test_memo() -> None:
    transport = Playback(trade_memo_update=sample("order.memo_update.response"))
    told = shop(transport, sign_method="md5").memo(TID, Memo(text="ERP单号 SO-0001", flag=Flag.GREEN))
    assert (told.error, told.request_id) == (None, "15ra1b2c3d4e5")
    assert transport.asked == [form("order.memo_update")]


def test_carriers() -> None:
    transport = Playback(logistics_companies_get=sample("logistics.companies.response"))
    told = shop(transport, sign_method="md5").carriers()
    assert [(row.code, row.name, row.carrier) for row in told] == [
        ("SF", "顺丰速运", "SF"),
        ("YTO", "圆通速递", "YTO"),
        ("ZTO", "中通快递", "ZTO"),
    ]
    assert transport.asked == [form("logistics.companies")]


def test_refresh() -> None:
    transport = Playback(top_auth_token_refresh=sample("auth.token_refresh.response"))
    told = shop(transport, sign_method="md5").refresh()
    assert transport.asked == [form("auth.token_refresh")]
    assert told.access_token.get_secret_value().startswith("6200f1f2")
    assert told.access_expires_at == NOW + timedelta(days=1)
    assert told.refresh_expires_at == NOW, "re_expires_in 0: not a second time"


def test_subscribe() -> None:
    transport = Playback(tmc_user_permit=sample("tmc.permit.response"))
    shop(transport, sign_method="md5").subscribe()
    assert transport.asked == [form("tmc.permit")]


def test_the_kind_of_shop_is_not_asked_for_when_it_was_chosen() -> None:
    transport = Playback(items_seller_list_get=ITEMS, skus_quantity_update=sample("stock.skus.response"))
    shop(transport, write_api="taobao").set_stock([StockWrite(RED, 1)])
    assert "user.seller.get" not in transport.methods()


def test_trade_fields_are_asked_for_once() -> None:
    transport = Playback(trade_fullinfo_get=trade_answer(trade_row()))
    shop(transport).order(TID)
    fields = transport.asked[0]["fields"].split(",")
    assert len(fields) == len(set(fields))
