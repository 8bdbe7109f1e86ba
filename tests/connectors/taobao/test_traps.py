"""What has cost others orders, stock or money on this platform, one test each."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from connectors.taobao import client, goods, mapping, wire
from connectors.taobao.mapping import TRADE_TYPES
from core import errors
from core.channel import BadRow, PriceWrite, StockDelta, StockWrite
from core.model import Flag, Memo, Packed, Parcel, ParcelDraft, ParcelKind, Price, Shipment, SkuKey
from core.status import AfterSaleState, Closing, Fulfilment, Payment
from tests.connectors.taobao.kit import (
    NOW,
    SESSION,
    TID,
    WINDOW,
    Playback,
    line_rows,
    quiet,
    refused,
    sample,
    shop,
    trade_answer,
    trade_row,
)

ITEM = "610000000001"
RED = SkuKey(listing_id=ITEM, sku_id="5100000000001")
LARGE = SkuKey(listing_id=ITEM, sku_id="5100000000002")
SWEATER, SOCKS, GIFT = "2150000000000000002", "2150000000000000003", "2150000000000000004"
SENT = sample("logistics.offline_send.response")


def items(**changes: Any) -> dict[str, Any]:
    """The sample's item with changes."""
    answer: dict[str, Any] = sample("item.batch_detail.response")
    row = answer["items_seller_list_get_response"]["items"]["item"][0]
    row.update(changes)
    return answer


def skus(*changes: dict[str, Any]) -> dict[str, Any]:
    rows = sample("item.batch_detail.response")["items_seller_list_get_response"]["items"]["item"][0]["skus"]["sku"]
    return {"sku": [{**row, **change} for row, change in zip(rows, changes, strict=True)]}


def parcel(*line_ids: str, number: str = "YT0000000000001", quantity: int = 1) -> ParcelDraft:
    lines = tuple(Packed(line_id=line_id, quantity=quantity) for line_id in line_ids)
    return ParcelDraft(carrier="YTO", tracking_no=number, lines=lines)


def ship(transport: Playback, *parcels: ParcelDraft, refuse_refund: bool = False) -> errors.ChannelError | None:
    shipment = Shipment(order_id=TID, parcels=parcels or (parcel(),), refuse_refund=refuse_refund)
    return shop(transport).ship(shipment, "key").error


class Lists:
    """A shop's trades, newest change first, as the list API pages them; `between` runs before each page."""

    def __init__(self, count: int, between: Any = None) -> None:
        self.tids = [str(n) for n in range(count, 0, -1)]
        self.between = between
        self.pages: list[tuple[str, str]] = []

    def __call__(self, form: dict[str, str]) -> Any:
        if self.between and self.pages:
            self.between(self)
        self.pages.append((form["page_no"], form["use_has_next"]))
        start = (int(form["page_no"]) - 1) * int(form["page_size"])
        rows = [{"tid": int(tid), "status": "x"} for tid in self.tids[start : start + int(form["page_size"])]]
        body: dict[str, Any] = {"trades": {"trade": rows}} if rows else {}
        counted = form["use_has_next"] == "false"
        body |= {"total_results": len(self.tids)} if counted else {"has_next": True}
        return {"trades_sold_increment_get_response": body}

    @staticmethod
    def detail(form: dict[str, str]) -> Any:
        return trade_answer(trade_row("order.detail.single", tid=int(form["tid"])))


def walk(lists: Lists) -> tuple[list[str], int | None]:
    transport = Playback(trades_sold_increment_get=lists, trade_fullinfo_get=lists.detail)
    pages = list(shop(transport).orders(WINDOW))
    return [fetched.value.id for page in pages for fetched in page.items], pages[-1].expected


def test_pages_are_read_from_the_last_to_the_first_and_counted_as_seldom_as_may_be(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(client, "PAGE", 4)
    lists = Lists(10)
    found, expected = walk(lists)
    assert lists.pages == [("1", "false"), ("3", "true"), ("2", "true"), ("1", "true"), ("1", "false")]
    assert (sorted(found, key=int), expected) == ([str(n) for n in range(1, 11)], 10)


@pytest.mark.parametrize("seed", range(8))
def test_an_order_that_changes_while_pages_are_read_hides_no_other(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "PAGE", 4)

    def leaves(lists: Lists) -> None:
        lists.tids.pop((seed * 5) % len(lists.tids))

    lists = Lists(17, leaves)
    found, expected = walk(lists)
    assert set(lists.tids) <= set(found)
    assert expected is not None
    assert expected <= len(set(found))


def test_an_order_that_comes_in_while_pages_are_read_shows_in_the_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "PAGE", 4)
    lists = Lists(10, lambda lists: lists.tids.insert(0, str(100 + len(lists.tids))))
    found, expected = walk(lists)
    assert expected is not None
    assert expected > len(set(found))


def test_a_short_list_costs_one_call() -> None:
    lists = Lists(3)
    assert walk(lists) == (["3", "2", "1"], 3)
    assert lists.pages == [("1", "false")]


def test_an_empty_list_has_no_list() -> None:
    transport = Playback(trades_sold_increment_get=sample("order.list.empty.response"))
    [page] = shop(transport).orders(WINDOW)
    assert (page.items, page.bad, page.expected) == ((), (), 0)
    refunds = {"refunds_receive_get_response": {"total_results": 0, "request_id": "1"}}
    [page_of_refunds] = shop(Playback(refunds_receive_get=refunds)).after_sales(WINDOW)
    assert page_of_refunds.expected == 0
    none = {"items_onsale_get_response": {"total_results": 0}}, {"items_inventory_get_response": {"total_results": 0}}
    pages = list(shop(Playback(items_onsale_get=none[0], items_inventory_get=none[1])).listings())
    assert [len(page.items) for page in pages] == [0, 0, 0, 0]


def test_trades_of_types_beyond_the_default_are_asked_for() -> None:
    assert {"tmall_i18n", "nopaid", "eticket", "super_market_trade", "instant_trade", "pre_auth_type"} <= set(
        TRADE_TYPES
    )
    assert {"guarantee_trade", "auto_delivery", "ec", "cod", "step", "o2o_offlinetrade"} <= set(TRADE_TYPES)


def test_an_order_that_is_only_in_the_list_is_put_aside_and_counts() -> None:
    """Three months after it was placed an order has no detail any more, but may still change."""
    transport = Playback(
        trades_sold_increment_get=Lists(1), trade_fullinfo_get=sample("error.order_not_found.response")
    )
    [page] = shop(transport).orders(WINDOW)
    assert page.items == ()
    assert page.bad == (BadRow("1", "the list names it, the detail does not know it", b'{"tid":1,"status":"x"}'),)
    assert page.expected == 1


def test_an_error_page_says_nothing_about_the_order_it_stands_for() -> None:
    transport = Playback(trades_sold_increment_get=Lists(1), trade_fullinfo_get=b"<html>busy</html>")
    with pytest.raises(errors.Garbled):
        list(shop(transport).orders(WINDOW))


def test_an_order_without_an_oaid_is_still_an_order() -> None:
    answers = [sample("error.oaid_field_miss.response"), trade_answer(trade_row(oaid=None))]
    transport = Playback(trade_fullinfo_get=answers)
    assert shop(transport).order(TID).value.receiver.oaid == ""
    assert [asked.get("include_oaid") for asked in transport.asked] == ["true", None]


def test_ids_of_64_bits_survive() -> None:
    big = 9_223_372_036_854_775_807
    raw = json.dumps(trade_answer(trade_row("order.detail.single", tid=big))).encode()
    order = shop(Playback(trade_fullinfo_get=raw)).order(str(big))
    assert order.value.id == str(big)
    assert f'"tid":{big}'.encode() in order.raw


def test_the_payment_of_a_single_line_holds_the_postage() -> None:
    order = mapping.order("s", wire.Trade.model_validate(trade_row("order.detail.single")))
    assert (order.money.pay, order.lines[0].money.pay, order.money.postage) == (6400, 5800, 600)


def test_a_refunded_lines_payment_stays_and_says_nothing() -> None:
    changed = line_rows({}, {"status": "TRADE_CLOSED", "refund_status": "SUCCESS"}, {})
    order = mapping.order("s", wire.Trade.model_validate(trade_row(orders=changed)))
    socks = order.lines[1]
    assert socks.money.pay == 11235
    assert (socks.after_sale.value, socks.closing and socks.closing.value) == (
        AfterSaleState.REFUNDED,
        Closing.CLOSED_REFUNDED,
    )
    assert order.after_sale.value is AfterSaleState.NONE


def test_a_line_closed_before_payment_is_neither_shipped_nor_paid() -> None:
    changed = line_rows({}, {"status": "TRADE_CLOSED_BY_TAOBAO", "refund_status": "NO_REFUND"}, {})
    row = trade_row(orders=changed, total_fee="199.00", discount_fee="10.00", payment="177.00")
    order = mapping.order("s", wire.Trade.model_validate(row))
    assert order.lines[1].closing is not None
    assert (order.lines[1].closing.value, order.warnings) == (Closing.CLOSED_UNPAID, ())
    transport = Playback(trade_fullinfo_get=trade_answer(row), logistics_offline_send=SENT)
    assert ship(transport) is None
    assert "sub_tid" not in transport.asked[1], "the other lines are the whole order"
    assert isinstance(ship(transport, parcel(SOCKS, quantity=2)), errors.Conflict)


def test_a_cancelled_order_was_never_paid_and_a_closed_one_was() -> None:
    unpaid = trade_row(status="TRADE_CLOSED_BY_TAOBAO", pay_time=None)
    order = mapping.order("s", wire.Trade.model_validate(unpaid))
    assert (order.payment.value, order.closing.value) == (Payment.UNPAID, Closing.CLOSED_UNPAID)
    closed = trade_row(status="TRADE_CLOSED", consign_time="2024-03-15 18:00:00")
    order = mapping.order("s", wire.Trade.model_validate(closed))
    assert (order.payment.value, order.closing.value) == (Payment.PAID, Closing.CLOSED_REFUNDED)
    assert order.fulfilment.value is Fulfilment.SHIPPED


def test_cash_on_delivery_may_ship_without_payment() -> None:
    row = trade_row(type="cod", pay_time=None)
    order = mapping.order("s", wire.Trade.model_validate(row))
    assert (order.payment.value, order.paid_at, order.kind) == (Payment.PAID, None, "cod")
    assert "cash_on_delivery" in order.tags
    refused_at_the_door = mapping.order(
        "s",
        wire.Trade.model_validate(
            {**row, "cod_status": "REJECTED_BY_OTHER_SIDE", "status": "WAIT_BUYER_CONFIRM_GOODS"}
        ),
    )
    assert refused_at_the_door.fulfilment.value is Fulfilment.REJECTED


def test_free_text_where_a_date_may_stand_is_no_bad_row() -> None:
    row = trade_row("order.detail.presale", send_time="付尾款后7天内")
    order = mapping.order("s", wire.Trade.model_validate(row))
    assert order.presale is not None
    assert (order.presale.ship_from, order.ship_by) == (None, None)


def test_the_promised_hours_count_from_payment_where_no_date_is_told() -> None:
    row = trade_row(delivery_time=None, consign_interval=None)
    order = mapping.order("s", wire.Trade.model_validate(row))
    assert order.paid_at is not None
    assert order.ship_by == order.paid_at + timedelta(hours=48), "from the service tag"


def test_a_receivers_city_right_under_its_province() -> None:
    row = trade_row(receiver_city=None, receiver_district="仙桃市")
    assert mapping.order("s", wire.Trade.model_validate(row)).receiver.city == "仙桃市"


def test_an_address_that_changed_is_told_with_its_new_oaid() -> None:
    row = trade_row(lm="1", oaid="1new")
    order = mapping.order("s", wire.Trade.model_validate(row))
    assert "address_changed" in order.tags
    assert order.receiver.oaid == "1new"


def test_the_lists_of_equal_oaids_are_what_the_platform_would_merge() -> None:
    """Equal says the same receiver; the platform itself merges no others of one week."""
    asked = json.loads(sample("oaid.merge.request")["form"]["merge_list"])
    groups: dict[str, list[str]] = {}
    for row in asked:
        order = mapping.order("s", wire.Trade.model_validate(trade_row(tid=row["tid"], oaid=row["oaid"])))
        groups.setdefault(order.receiver.oaid, []).append(order.id)
    merged = sample("oaid.merge.response")["top_oaid_merge_response"]["tid_list"]["string"]
    assert [",".join(group) for group in groups.values()] == merged


def test_no_personal_value_shows_in_an_order() -> None:
    row = trade_row(receiver_name="张三丰", receiver_mobile="13800001234", receiver_address="某某路一号二幢三零三室")
    order = mapping.order("s", wire.Trade.model_validate(row))
    text = repr(order) + repr(wire.Trade.model_validate(row))
    assert not [value for value in ("张三丰", "13800001234", "二幢", "请尽快发货") if value in text]
    assert "13800001234" not in order.model_dump_json()


# Stock


def test_stock_of_unpaid_orders_is_added_where_payment_takes_it_off() -> None:
    told = items(sub_stock=2, skus=skus({"with_hold_quantity": 3}, {"with_hold_quantity": 0}))
    transport = Playback(items_seller_list_get=told, skus_quantity_update=sample("stock.skus.response"))
    shop(transport, write_api="taobao").set_stock([StockWrite(RED, 5), StockWrite(LARGE, 0)])
    assert transport.business()[1]["skuid_quantities"] == "5100000000001:8;5100000000002:0"


def test_a_taobao_delta_below_zero_is_refused_instead_of_clamped() -> None:
    told = items(sub_stock=2, skus=skus({"with_hold_quantity": 3}, {}))
    transport = Playback(items_seller_list_get=told, skus_quantity_update=sample("stock.skus.response"))
    batch = [StockDelta(RED, -9, "a"), StockDelta(RED, -1, "b"), StockDelta(LARGE, -26, "c"), StockDelta(RED, 1, "d")]
    outcomes = shop(transport, write_api="taobao").adjust_stock(batch)
    assert [type(outcome.error) for outcome in outcomes] == [type(None), errors.Conflict, errors.Conflict, type(None)]
    assert [asked["skuid_quantities"] for asked in transport.business()[1:]] == ["5100000000001:-9", "5100000000001:1"]


def test_a_tmall_delta_below_zero_is_the_platforms_refusal() -> None:
    for sub_code in ("isv.invalid-parameter:quantity-tmall", "isv.error-inventory-invalid-item-quantity-tmall"):
        transport = Playback(tmall_item_quantity_update=refused(15, sub_code))
        [told] = shop(transport, write_api="tmall").adjust_stock([StockDelta(RED, -9, "a")])
        assert type(told.error) is errors.Conflict


def test_a_tmall_delta_repeats_under_its_key_and_the_key_is_hexadecimal() -> None:
    transport = Playback(tmall_item_quantity_update=sample("stock.tmall.response"))
    connector = shop(transport, write_api="tmall")
    for key in ("仓库/1 ", "仓库/1 ", "仓库/2 "):
        connector.adjust_stock([StockDelta(RED, 1, key)])
    keys = [json.loads(asked["options"])["outer_biz_key"] for asked in transport.business()]
    assert keys[0] == keys[1] != keys[2]
    assert all(int(key, 16) >= 0 for key in keys)


def test_a_bad_sku_never_fails_its_neighbours() -> None:
    def answer(form: dict[str, str]) -> Any:
        if LARGE.sku_id in form["skuid_quantities"]:
            return refused(15, "isv.item-quantity-sku-update-service-error", "该商品为#活动商品")
        return sample("stock.skus.response")

    transport = Playback(items_seller_list_get=items(), skus_quantity_update=answer)
    strangers = [SkuKey(listing_id=ITEM, sku_id="9"), SkuKey(listing_id="7", sku_id="9")]
    batch = [StockWrite(key, 5) for key in (RED, LARGE, *strangers)] + [StockWrite(RED, -1)]
    outcomes = shop(transport, write_api="taobao").set_stock(batch)
    assert [outcome.item for outcome in outcomes] == batch
    assert [type(outcome.error) for outcome in outcomes] == [
        type(None),
        errors.Conflict,
        errors.NotFound,
        errors.NotFound,
        errors.Invalid,
    ]


def test_two_numbers_for_one_sku_go_in_their_order() -> None:
    transport = Playback(items_seller_list_get=items(), skus_quantity_update=sample("stock.skus.response"))
    shop(transport, write_api="taobao").set_stock([StockWrite(RED, 1), StockWrite(LARGE, 2), StockWrite(RED, 3)])
    sent = [asked["skuid_quantities"] for asked in transport.business()[1:]]
    assert sent == ["5100000000001:1;5100000000002:2", "5100000000001:3"]


def test_twenty_skus_a_call() -> None:
    many = {"sku": [{"sku_id": n, "quantity": 1} for n in range(1, 46)]}
    accepted = {"skus_quantity_update_response": {"request_id": "1"}}
    transport = Playback(items_seller_list_get=items(skus=many), skus_quantity_update=accepted)
    batch = [StockWrite(SkuKey(listing_id=ITEM, sku_id=str(n)), n) for n in range(1, 46)]
    outcomes = shop(transport, write_api="taobao").set_stock(batch)
    assert [outcome.error for outcome in outcomes] == [None] * 45
    assert [asked["skuid_quantities"].count(":") for asked in transport.business()[1:]] == [20, 20, 5]


def test_a_presale_item_takes_the_difference() -> None:
    def answer(form: dict[str, str]) -> Any:
        if form["type"] == "1":
            return refused(15, "isv.item-is-presale:invalid-presale-tags-id")
        return sample("stock.skus.response")

    told = items(sub_stock=2, skus=skus({"with_hold_quantity": 3}, {}))
    transport = Playback(items_seller_list_get=told, skus_quantity_update=answer)
    [outcome] = shop(transport, write_api="taobao").set_stock([StockWrite(RED, 20)])
    assert outcome.error is None
    sent = [asked["skuid_quantities"] for asked in transport.business() if "skuid_quantities" in asked]
    assert sent == ["5100000000001:23", "5100000000001:11"]


def test_a_duplicated_merchant_code_is_never_what_stock_is_sent_to() -> None:
    told = items(skus=skus({"outer_id": "A;B:C"}, {"outer_id": "A;B:C"}))
    transport = Playback(items_seller_list_get=told, skus_quantity_update=sample("stock.skus.response"))
    shop(transport, write_api="taobao").set_stock([StockWrite(RED, 1)])
    assert transport.business()[1] == {"num_iid": ITEM, "skuid_quantities": "5100000000001:1", "type": "1"}


def test_a_sku_that_the_answer_leaves_out_is_unknown() -> None:
    answer = sample("stock.skus.response")
    answer["skus_quantity_update_response"]["item"]["skus"]["sku"].pop()
    transport = Playback(items_seller_list_get=items(), skus_quantity_update=answer)
    connector = shop(transport, write_api="taobao")
    outcomes = connector.set_stock([StockWrite(RED, 1), StockWrite(LARGE, 2)])
    assert [type(outcome.error) for outcome in outcomes] == [type(None), errors.OutcomeUnknown]
    [delta] = connector.adjust_stock([StockDelta(LARGE, 1, "a")])
    assert type(delta.error) is errors.OutcomeUnknown


def test_a_list_is_found_beside_what_nobody_knows() -> None:
    lines = line_rows({}, {}, {})
    row = trade_row(orders={"brand_new": ["x"], **lines, "later": [1]})
    assert len(wire.Trade.model_validate(row).orders) == 3
    assert len(wire.Trade.model_validate(trade_row(orders={"order": lines["order"][0]})).orders) == 1


def test_a_lost_answer_leaves_every_sku_of_the_call_unknown() -> None:
    lost = errors.OutcomeUnknown("no answer")
    transport = Playback(items_seller_list_get=items(), skus_quantity_update=lost)
    outcomes = shop(transport, write_api="taobao").set_stock([StockWrite(RED, 1), StockWrite(LARGE, 2)])
    assert [type(outcome.error) for outcome in outcomes] == [errors.OutcomeUnknown] * 2
    assert transport.methods().count("skus.quantity.update") == 1


def test_an_exhausted_app_is_left_alone() -> None:
    ban = refused(7, "accesscontrol.limited-by-app-access-count", "This ban will last for 99 more seconds")
    two = [items()["items_seller_list_get_response"]["items"]["item"][0] | {"num_iid": n} for n in (1, 2)]
    told = {"items_seller_list_get_response": {"items": {"item": two}}}
    transport = Playback(items_seller_list_get=told, skus_quantity_update=ban)
    batch = [StockWrite(SkuKey(listing_id=str(n), sku_id=RED.sku_id), 1) for n in (1, 2)]
    outcomes = shop(transport, write_api="taobao").set_stock(batch)
    assert [outcome.error and outcome.error.retry_after for outcome in outcomes] == [99.0, 99.0]
    assert transport.methods().count("skus.quantity.update") == 1


def test_the_items_price_moves_along_with_its_skus() -> None:
    transport = Playback(items_seller_list_get=items(), item_sku_price_update=sample("price.sku.response"))
    batch = [PriceWrite(RED, Price(sale=9900)), PriceWrite(LARGE, Price(sale=8900)), PriceWrite(RED, Price(sale=0))]
    outcomes = shop(transport, write_api="taobao").set_price(batch)
    assert [type(outcome.error) for outcome in outcomes] == [type(None), type(None), errors.Invalid]
    assert [(asked["price"], asked["item_price"]) for asked in transport.business()[1:]] == [
        ("99.00", "189.00"),
        ("89.00", "99.00"),
    ]


def test_a_taobao_item_without_skus_cannot_be_priced() -> None:
    plain = {"items_seller_list_get_response": {"items": {"item": [{"num_iid": 5, "num": 3, "price": "9.00"}]}}}
    key = SkuKey(listing_id="5", sku_id="5")
    transport = Playback(items_seller_list_get=plain, tmall_item_price_update=sample("price.tmall.response"))
    [refusal] = shop(transport, write_api="taobao").set_price([PriceWrite(key, Price(sale=800))])
    assert type(refusal.error) is errors.Unsupported
    [done] = shop(transport, write_api="tmall").set_price([PriceWrite(key, Price(sale=800))])
    assert done.error is None
    assert transport.business()[-1]["item_price"] == "8.00"


# Listings


def test_items_are_walked_by_their_change_and_never_by_deep_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(goods, "ITEM_PAGE", 2)
    rows = [{"num_iid": n, "modified": f"2024-03-14 18:00:0{min(n, 3)}"} for n in range(1, 7)]
    asked: list[tuple[str, str]] = []

    def page(form: dict[str, str]) -> Any:
        since = form.get("start_modified", "")
        asked.append((since[-1:], form["page_no"]))
        found = [row for row in rows if str(row["modified"]) >= since]
        start = (int(form["page_no"]) - 1) * 2
        body: dict[str, Any] = {"total_results": len(found)}
        if found[start : start + 2]:
            body["items"] = {"item": found[start : start + 2]}
        return {"items_onsale_get_response": body}

    def details(form: dict[str, str]) -> Any:
        return {
            "items_seller_list_get_response": {"items": {"item": [{"num_iid": n} for n in form["num_iids"].split(",")]}}
        }

    none = {"items_inventory_get_response": {"total_results": 0}}
    transport = Playback(items_onsale_get=page, items_inventory_get=none, items_seller_list_get=details)
    pages = list(shop(transport).listings())
    assert [fetched.value.id for page in pages for fetched in page.items] == ["1", "2", "3", "4", "5", "6"]
    assert asked == [("", "1"), ("2", "1"), ("3", "1"), ("3", "2"), ("3", "3")]
    assert pages[-1].expected == 6


def test_sold_out_items_are_a_list_of_their_own() -> None:
    assert set(goods.OFF_SHELF) == {"for_shelved", "sold_out", "violation_off_shelf"}


def test_an_item_that_is_gone_by_the_second_look_is_not_missed() -> None:
    gone = {"items_seller_list_get_response": {"request_id": "1"}}
    none = {"items_inventory_get_response": {"total_results": 0}}
    onsale = sample("item.onsale.response")
    transport = Playback(items_onsale_get=onsale, items_inventory_get=none, items_seller_list_get=gone)
    assert list(shop(transport).listings())[-1].expected == 0


# Shipping


def test_a_repeated_shipment_is_done_already() -> None:
    sent = line_rows(*({"invoice_no": "YT0000000000001", "status": "WAIT_BUYER_CONFIRM_GOODS"} for _ in range(3)))
    row = quiet(status="WAIT_BUYER_CONFIRM_GOODS", orders=sent)
    assert type(ship(Playback(trade_fullinfo_get=trade_answer(row)))) is errors.AlreadyDone


def test_already_shipped_is_to_be_read_back() -> None:
    transport = Playback(
        trade_fullinfo_get=trade_answer(quiet()), logistics_offline_send=sample("error.already_shipped.response")
    )
    assert type(ship(transport)) is errors.AlreadyDone


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"status": "WAIT_BUYER_PAY"}, errors.NotYet),
        ({"status": "PAID_FORBID_CONSIGN"}, errors.NotYet),
        ({"team_buy_hold": 1}, errors.NotYet),
        ({"type": "step", "step_trade_status": "FRONT_PAID_FINAL_NOPAID"}, errors.NotYet),
        ({"is_force_wlb": True, "is_brand_sale": True}, errors.NotYet),
        ({"status": "TRADE_CLOSED"}, errors.Conflict),
        ({"status": "TRADE_CLOSED_BY_TAOBAO"}, errors.Conflict),
        ({"status": "TRADE_FINISHED"}, errors.Conflict),
    ],
)
def test_what_must_not_be_shipped_is_not(changes: dict[str, Any], kind: type[errors.ChannelError]) -> None:
    transport = Playback(trade_fullinfo_get=trade_answer(quiet(**changes)))
    assert type(ship(transport)) is kind
    assert transport.methods() == ["trade.fullinfo.get"]


def test_an_open_refund_stops_its_own_line_only() -> None:
    transport = Playback(trade_fullinfo_get=sample("order.detail.response"), logistics_offline_send=SENT)
    assert type(ship(transport)) is errors.Conflict
    assert type(ship(transport, parcel(SOCKS, quantity=2))) is errors.Conflict
    assert ship(transport, parcel(SWEATER)) is None
    assert ship(transport, refuse_refund=True) is None


def test_part_of_a_lines_quantity_cannot_be_told() -> None:
    transport = Playback(trade_fullinfo_get=trade_answer(quiet()), logistics_offline_send=SENT)
    assert type(ship(transport, parcel(SOCKS, quantity=1))) is errors.Invalid
    twice = (parcel(SOCKS, quantity=2), parcel(SOCKS, quantity=2, number="YT0000000000002"))
    assert type(ship(transport, *twice)) is errors.Invalid
    assert type(ship(transport, parcel("7"))) is errors.Invalid
    assert type(ship(transport, parcel(), parcel(number="YT0000000000002"))) is errors.Invalid
    assert "logistics.offline.send" not in transport.methods()


def test_a_split_names_the_lines_of_every_parcel_and_an_unsplit_order_never_does() -> None:
    transport = Playback(trade_fullinfo_get=trade_answer(quiet()), logistics_offline_send=SENT)
    assert ship(transport, parcel(SWEATER, GIFT), parcel(number="YT0000000000002")) is None
    assert [(asked["sub_tid"], asked["is_split"], asked["out_sid"]) for asked in transport.business()[1:]] == [
        (f"{SWEATER},{GIFT}", "1", "YT0000000000001"),
        (SOCKS, "1", "YT0000000000002"),
    ]
    whole = Playback(trade_fullinfo_get=trade_answer(quiet()), logistics_offline_send=SENT)
    lines = tuple(Packed(line_id=line, quantity=n) for line, n in ((SWEATER, 1), (SOCKS, 2), (GIFT, 1)))
    assert ship(whole, parcel().model_copy(update={"lines": lines})) is None
    assert not {"sub_tid", "is_split"} & set(whole.asked[1])


def begun() -> dict[str, Any]:
    shipped = {"invoice_no": "YT0000000000001", "status": "WAIT_BUYER_CONFIRM_GOODS", "logistics_company": "圆通速递"}
    lines = line_rows(shipped, {"refund_status": "NO_REFUND"}, shipped)
    return trade_row(status="SELLER_CONSIGNED_PART", orders=lines)


def test_once_split_the_rest_names_its_lines_too() -> None:
    transport = Playback(trade_fullinfo_get=trade_answer(begun()), logistics_offline_send=SENT)
    assert ship(transport, parcel(number="YT0000000000002")) is None
    assert (transport.business()[1]["sub_tid"], transport.business()[1]["is_split"]) == (SOCKS, "1")


def test_a_half_done_shipment_sends_only_what_is_missing() -> None:
    transport = Playback(trade_fullinfo_get=trade_answer(begun()), logistics_offline_send=SENT)
    assert ship(transport, parcel(SWEATER, GIFT), parcel(number="YT0000000000002")) is None
    assert [asked.get("out_sid") for asked in transport.business()] == [None, "YT0000000000002"]
    assert type(ship(transport, parcel(SWEATER, GIFT))) is errors.AlreadyDone
    assert type(ship(transport, parcel(SWEATER, GIFT, number="YT9"))) is errors.AlreadyDone


def test_the_parcels_of_a_split_order_tell_their_lines() -> None:
    [sent] = mapping.order("s", wire.Trade.model_validate(begun())).parcels
    assert (sent.kind, sent.carrier, sent.tracking_no) == (ParcelKind.SPLIT, "YTO", "YT0000000000001")
    assert [packed.line_id for packed in sent.lines] == [SWEATER, GIFT]


def test_an_order_that_may_not_be_split_is_not() -> None:
    row = quiet(logistics_agreement={"no_detail_part_consign": "1"})
    transport = Playback(trade_fullinfo_get=trade_answer(row), logistics_offline_send=SENT)
    assert type(ship(transport, parcel(SWEATER))) is errors.Invalid
    assert ship(transport) is None


def test_bound_lines_travel_together() -> None:
    bound = line_rows({"bind_oids": f"{SWEATER},{GIFT}"}, {"refund_status": "NO_REFUND"}, {"bind_oid": int(SWEATER)})
    transport = Playback(trade_fullinfo_get=trade_answer(trade_row(orders=bound)), logistics_offline_send=SENT)
    assert type(ship(transport, parcel(SWEATER))) is errors.Invalid
    assert type(ship(transport, parcel(GIFT))) is errors.Invalid
    assert ship(transport, parcel(SWEATER, GIFT)) is None


@pytest.mark.parametrize(("kind", "most"), [("fixed", 50), ("cod", 20)])
def test_a_parcel_names_only_so_many_lines(kind: str, most: int) -> None:
    line = line_rows({}, {}, {})["order"][0]
    lines = {"order": [{**line, "oid": str(n)} for n in range(most + 2)]}
    transport = Playback(
        trade_fullinfo_get=trade_answer(trade_row(orders=lines, type=kind)),
        logistics_offline_send=SENT,
        logistics_online_send=sample("logistics.online_send.response"),
    )
    assert type(ship(transport, parcel(*(str(n) for n in range(most + 1))))) is errors.Invalid
    assert ship(transport, parcel(*(str(n) for n in range(most)))) is None


def test_a_gift_without_a_line_goes_along() -> None:
    gift = {"promotion_detail": [{"id": 1, "gift_item_id": "77", "gift_item_num": "1"}]}
    transport = Playback(trade_fullinfo_get=trade_answer(quiet(promotion_details=gift)), logistics_offline_send=SENT)
    lines = tuple(Packed(line_id=line, quantity=n) for line, n in ((SWEATER, 1), (SOCKS, 2), (GIFT, 1)))
    packed = (*lines, Packed(line_id=f"{TID}:77:1", quantity=1))
    assert ship(transport, parcel().model_copy(update={"lines": packed})) is None
    assert "sub_tid" not in transport.asked[1]


def test_an_unknown_carrier_is_named_before_anything_is_sent() -> None:
    transport = Playback(logistics_companies_get=sample("logistics.companies.response"))
    shipment = Shipment(order_id=TID, parcels=(ParcelDraft(carrier="NOBODY", tracking_no="1"),))
    assert type(shop(transport).ship(shipment, "key").error) is errors.UnknownCarrier
    assert transport.methods() == ["logistics.companies.get"]


def test_jt_is_found_by_its_name() -> None:
    companies = {"logistics_company": [{"id": 1, "code": "HTKY", "name": "极兔速递"}]}
    transport = Playback(
        logistics_companies_get={"logistics_companies_get_response": {"logistics_companies": companies}},
        logistics_consign_resend=sample("logistics.resend.response"),
    )
    old = Parcel(carrier_code="YTO", tracking_no="YT0000000000001")
    connector = shop(transport)
    for carrier in ("JT", "HTKY"):
        assert connector.change_tracking(TID, old, carrier, "JT0000000000001").error is None
    assert [asked.get("company_code") for asked in transport.business()] == [None, "HTKY", "HTKY"]


def test_a_number_that_is_so_already_is_no_error() -> None:
    answer = refused(15, "isv.logistics-update-company-or-mailno-error:P07")
    old = Parcel(carrier_code="YTO", tracking_no="YT0000000000001")
    told = shop(Playback(logistics_consign_resend=answer)).change_tracking(TID, old, "ZTO", "78000000000002")
    assert told.error is None


def test_an_offline_parcel_says_signed_at_once_and_is_not_believed() -> None:
    status = sample("logistics.trace.response")["logistics_trace_search_response"]["status"]
    assert status == "对方已签收"
    [row] = sample("logistics.orders.response")["logistics_orders_get_response"]["shippings"]["shipping"]
    assert row["status"] == "ACCEPTED_BY_RECEIVER"
    order = mapping.order("s", wire.Trade.model_validate(quiet(status="WAIT_BUYER_CONFIRM_GOODS")))
    assert order.fulfilment.value is Fulfilment.SHIPPED


# Memo and tokens


def test_an_empty_memo_is_a_reset_because_an_empty_text_is_not_sent() -> None:
    transport = Playback(trade_memo_update=sample("order.memo_update.response"))
    shop(transport).memo(TID, Memo(text="", flag=Flag.RED))
    assert transport.business() == [{"tid": TID, "flag": "1", "reset": "true"}]


@pytest.mark.parametrize("text", ["@张三 请发货", "A&B=C+D 100% 😀", "第一行\n第二行"])
def test_a_memo_is_sent_as_it_is(text: str) -> None:
    transport = Playback(trade_memo_update=sample("order.memo_update.response"))
    assert shop(transport).memo(TID, Memo(text=text)).error is None
    assert transport.asked[0]["memo"] == text


def test_a_memo_that_cannot_be_is_invalid() -> None:
    connector = shop(Playback())
    assert type(connector.memo(TID, Memo(text="备" * 334)).error) is errors.Invalid
    assert type(connector.memo(TID, Memo(text="x", flag=Flag.ORANGE)).error) is errors.Invalid


@pytest.fixture
def unrefreshable() -> Playback:
    return Playback(top_auth_token_refresh=sample("auth.token_refresh.response"))


def test_a_token_that_cannot_be_refreshed_says_so_without_a_call(unrefreshable: Playback) -> None:
    connector = shop(unrefreshable)
    connector.credentials = connector.refresh()
    with pytest.raises(errors.Reauthorize, match="seller must authorize the app again"):
        connector.refresh()
    assert len(unrefreshable.asked) == 1
    connector.credentials = replace(connector.credentials, refresh_expires_at=NOW + timedelta(seconds=1))
    connector.refresh()
    assert len(unrefreshable.asked) == 2


def test_a_refused_refresh_is_a_dead_authorization() -> None:
    answer = refused(15, "isv.refresh-token-invalid", "refresh token is invalid")
    with pytest.raises(errors.Reauthorize, match="refresh token is invalid") as raised:
        shop(Playback(top_auth_token_refresh=answer)).refresh()
    assert SESSION not in str(raised.value)


def test_the_wall_clock_is_shanghais_whatever_the_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    transport = Playback(trades_sold_increment_get=sample("order.list.empty.response"))
    list(shop(transport).orders(WINDOW))
    [sent] = transport.asked
    assert sent["timestamp"] == "2024-03-15 10:30:00"
    assert (sent["start_modified"], sent["end_modified"]) == ("2024-03-15 10:00:00", "2024-03-15 10:30:00")
