"""Each operation sends exactly what the samples of the documentation send, signature included."""

from datetime import UTC, datetime

import pytest

from connectors.pinduoduo import wire
from core.channel import PriceWrite, StockDelta, StockWrite, Window
from core.model import Flag, Memo, Parcel, ParcelDraft, ParcelKind, Price, Shipment, SkuKey
from tests.connectors.pinduoduo.kit import ORDER_SN, Playback, order_answer, sample, shop

KEY = SkuKey(listing_id="700100200300", sku_id="900100200301")
WINDOW = Window(datetime.fromtimestamp(1767232800, UTC), datetime.fromtimestamp(1767234300, UTC))
REFUNDS = {"refund_increment_get_response": {"total_count": 0, "refund_list": []}}


def test_a_call_posts_json_to_the_router_and_says_whether_it_writes() -> None:
    transport = Playback(
        order_information_get=sample("order.information.response"),
        goods_quantity_update=sample("goods.quantity.update.response"),
    )
    shop(transport).order(ORDER_SN)
    shop(transport).set_stock([StockWrite(KEY, 118)])
    read, write = transport.requests
    assert read.url == "https://gw-api.pinduoduo.com/api/router"
    assert read.headers["content-type"].startswith("application/json")
    assert (read.http_method, read.write, write.write) == ("POST", False, True)
    assert (read.call.channel, read.call.app_key) == ("pinduoduo", "0d6f3c1a9b7e4f52a8c0e1d2b3a49586")
    assert (read.call.shop, read.call.method) == ("pinduoduo:100200300", "pdd.order.information.get")


def test_order() -> None:
    transport = Playback(order_information_get=sample("order.information.response"))
    shop(transport).order(ORDER_SN)
    assert transport.asked == [sample("order.information.request")]


def test_orders() -> None:
    transport = Playback(order_number_list_increment_get=sample("order.number.list.increment.response"))
    list(shop(transport).orders(WINDOW))
    assert transport.asked == [sample("order.number.list.increment.request")]


def test_after_sales() -> None:
    transport = Playback(refund_list_increment_get=REFUNDS)
    list(shop(transport).after_sales(WINDOW))
    assert transport.asked[0] == sample("refund.list.increment.request")


def test_after_sale() -> None:
    transport = Playback(refund_information_get=sample("refund.information.response"))
    shop(transport).after_sale("987654321012", ORDER_SN)
    assert transport.asked == [sample("refund.information.request")]


def test_listing() -> None:
    transport = Playback(goods_detail_get=sample("goods.detail.response"))
    shop(transport).listing("700100200300")
    assert transport.asked == [sample("goods.detail.request")]


def test_listings_ask_for_both_sides_of_the_shelf() -> None:
    transport = Playback(goods_list_get=sample("goods.list.response"), goods_detail_get=sample("goods.detail.response"))
    list(shop(transport).listings())
    wanted = sample("goods.list.request")
    assert {name: wanted[name] for name in ("type", "page", "page_size")}.items() <= transport.asked[0].items()
    assert "is_onsale" not in transport.asked[0]


def test_set_stock() -> None:
    transport = Playback(goods_quantity_update=sample("goods.quantity.update.response"))
    [outcome] = shop(transport).set_stock([StockWrite(KEY, 118)])
    assert (outcome.error, outcome.request_id) == (None, "17672256001230456")
    assert transport.asked == [sample("goods.quantity.update.request")]


def test_adjust_stock() -> None:
    vector = sample("sign-vectors")[8]["body"]
    transport = Playback(goods_quantity_update=sample("goods.quantity.update.response"))
    key = SkuKey(listing_id=vector["goods_id"], sku_id=vector["sku_id"])
    [outcome] = shop(transport).adjust_stock([StockDelta(key, -3, "key")])
    assert outcome.error is None
    assert transport.asked == [vector]


def test_set_shelf() -> None:
    transport = Playback(goods_sale_status_set=sample("goods.sale.status.set.response"))
    outcome = shop(transport).set_shelf("700100200300", on=False)
    assert (outcome.item, outcome.error, outcome.request_id) == ("700100200300", None, "17672256001230456")
    assert transport.asked == [sample("goods.sale.status.set.request")]
    shop(transport).set_shelf("700100200300", on=True)
    assert transport.asked[1]["is_onsale"] == "1"


def test_set_price() -> None:
    transport = Playback(
        goods_detail_get=sample("goods.detail.response"),
        goods_sku_price_update=sample("goods.sku.price.update.response"),
    )
    [outcome] = shop(transport).set_price([PriceWrite(KEY, Price(sale=5790, single=6790, market=9900))])
    assert (outcome.error, outcome.pending, outcome.request_id) == (None, True, "880000000001")
    assert transport.asked[1] == sample("goods.sku.price.update.request")


def test_ship() -> None:
    transport = Playback(
        order_information_get=sample("order.information.response"),
        refund_status_check={"refund_status_check_response": {"order_sns_exists_refund": []}},
        logistics_online_send=sample("logistics.online.send.response"),
    )
    draft = ParcelDraft(carrier="YTO", tracking_no="YT0000000000002")
    outcome = shop(transport).ship(Shipment(order_id=ORDER_SN, parcels=(draft,)), "key")
    assert outcome.error is None
    assert transport.methods() == ["order.information.get", "refund.status.check", "logistics.online.send"]
    wanted = sample("logistics.online.send.request")
    business = ("order_sn", "logistics_id", "tracking_number")
    assert {name: transport.asked[2][name] for name in business} == {name: wanted[name] for name in business}
    assert transport.asked[2]["redelivery_type"] == "1"


def test_further_parcels_are_uploaded_as_extra_numbers() -> None:
    extra = sample("order.upload.extra.logistics.request")
    order_id = extra["order_sn"]
    transport = Playback(
        order_information_get=order_answer(order_sn=order_id),
        refund_status_check={"refund_status_check_response": {"order_sns_exists_refund": []}},
        logistics_online_send=sample("logistics.online.send.response"),
        order_upload_extra_logistics=sample("order.upload.extra.logistics.response"),
    )
    parcels = (
        ParcelDraft(carrier="YTO", tracking_no="YT0000000000002"),
        ParcelDraft(carrier="ZTO", tracking_no="75000000000001"),
    )
    outcome = shop(transport).ship(Shipment(order_id=order_id, parcels=parcels), "key")
    assert outcome.error is None
    assert transport.asked[3] == extra


def test_change_tracking() -> None:
    transport = Playback(logistics_online_send=sample("logistics.online.send.change.response"))
    old = Parcel(carrier="YTO", carrier_code="85", tracking_no="YT0000000000001", kind=ParcelKind.ORDER)
    outcome = shop(transport).change_tracking("260101-223456789012346", old, "ZTO", "75000000000002")
    assert outcome.error is None
    assert transport.asked == [sample("logistics.online.send.change.request")]


def test_memo() -> None:
    transport = Playback(order_note_update=sample("order.note.update.response"))
    outcome = shop(transport).memo(ORDER_SN, Memo(text="加急，周三前发货", flag=Flag.RED))
    wanted = sample("order.note.update.request")
    assert outcome.error is None
    assert {name: transport.asked[0][name] for name in ("order_sn", "note", "tag")} == {
        name: wanted[name] for name in ("order_sn", "note", "tag")
    }
    assert transport.asked[0]["tag_name"] == "红色"


def test_carriers_need_no_token() -> None:
    transport = Playback(logistics_companies_get=sample("logistics.companies.response"))
    rows = shop(transport).carriers()
    assert transport.asked == [sample("logistics.companies.request")]
    assert len(rows) == 27
    assert [(row.code, row.carrier, row.available) for row in rows if row.carrier == "YTO"] == [("85", "YTO", True)]
    assert next(row for row in rows if row.code == "340").carrier == ""


def test_refresh() -> None:
    transport = Playback(pop_auth_token_refresh=sample("pop.auth.token.refresh.response"))
    fresh = shop(transport).refresh()
    assert transport.asked == [sample("pop.auth.token.refresh.request")]
    assert fresh.access_token.get_secret_value() == "a1b2c3d4e5f60718293a4b5c6d7e8f9011223344"
    assert fresh.access_expires_at == datetime.fromtimestamp(1767312000, UTC)
    assert fresh.refresh_expires_at == datetime.fromtimestamp(1769817600, UTC)


def test_subscribe_asks_for_every_topic_of_the_app() -> None:
    transport = Playback(pmc_user_permit=sample("pmc.user.permit.response"))
    shop(transport).subscribe()
    assert transport.asked[0]["type"] == sample("pmc.user.permit.request")["type"]
    assert "topics" not in transport.asked[0]


@pytest.mark.parametrize("name", ["refund.agree", "refund.returngoods.agree", "erp.order.sync", "order.note.update"])
def test_every_documented_acknowledgement_reads_as_done(name: str) -> None:
    body = sample(f"{name}.response")
    assert wire.Ack.model_validate(body.get("response", body)).accepted()
