"""The traps of the platform's documents, each by name."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.pinduoduo import CHANNEL, mapping, wire
from core import errors
from core.channel import Capability, PriceWrite, StockDelta, StockWrite, Support, Window
from core.model import Flag, Memo, Packed, Parcel, ParcelDraft, ParcelKind, Price, Shipment, SkuKey
from core.status import AfterSaleKind, Closing
from tests.connectors.pinduoduo.kit import NOW, ORDER_SN, SECRET, Playback, order_answer, order_row, sample, shop

WINDOW = Window(datetime.fromtimestamp(NOW - 1800, UTC), datetime.fromtimestamp(NOW, UTC))
SKU = SkuKey(listing_id="700100200300", sku_id="900100200301")
NO_REFUND: dict[str, Any] = {"refund_status_check_response": {"order_sns_exists_refund": []}}
SENT = sample("logistics.online.send.response")
YTO = ParcelDraft(carrier="YTO", tracking_no="YT1")


class Ledger:
    """An increment list newest first, in which an order may change between two pages."""

    def __init__(self, count: int) -> None:
        self.rows = [f"260101-{number:015d}" for number in range(count)]
        self.asked: list[tuple[str, str, str]] = []
        self.leave_after: dict[int, str] = {}

    def __call__(self, body: dict[str, str]) -> Any:
        page, size, has_next = int(body["page"]), int(body["page_size"]), body["use_has_next"] == "true"
        self.asked.append((body["page"], body["page_size"], body["use_has_next"]))
        rows = [order_row(order_sn=order_sn) for order_sn in self.rows[(page - 1) * size : page * size]]
        head = {"has_next": page * size < len(self.rows)} if has_next else {"total_count": len(self.rows)}
        if gone := self.leave_after.get(len(self.asked)):
            self.rows.remove(gone)  # it was updated and is in a later window now
        return {"order_sn_increment_get_response": {**head, "order_sn_list": rows}}


def walk(ledger: Ledger) -> tuple[set[str], int | None]:
    pages = list(shop(Playback(order_number_list_increment_get=ledger)).orders(WINDOW))
    return {item.value.id for page in pages for item in page.items}, pages[-1].expected


def test_trap_1_pages_are_walked_from_the_last_to_the_first() -> None:
    ledger = Ledger(250)
    found, expected = walk(ledger)
    assert (len(found), expected) == (250, 250)
    assert ledger.asked == [
        ("1", "100", "false"),
        ("3", "100", "true"),
        ("2", "100", "true"),
        ("1", "100", "true"),
        ("1", "1", "false"),
    ]


@pytest.mark.parametrize("call", [1, 2, 3, 4])
def test_trap_1_an_order_that_changes_during_the_walk_hides_no_other(call: int) -> None:
    ledger = Ledger(250)
    everyone = set(ledger.rows)
    gone = ledger.rows[120]
    ledger.leave_after = {call: gone}
    found, expected = walk(ledger)
    assert found >= everyone - {gone}
    assert expected == 249


def test_trap_1_a_row_that_comes_late_shows_in_the_expected_number() -> None:
    ledger = Ledger(250)
    transport = Playback(order_number_list_increment_get=ledger)
    pages = []
    for page in shop(transport).orders(WINDOW):
        pages.append(page)
        if len(pages) == 1:
            ledger.rows.insert(0, "260101-999999999999999")
    received = {item.value.id for page in pages for item in page.items}
    assert pages[-1].expected == 251
    assert len(received) < 251


def test_trap_2_windows_end_three_minutes_ago_and_overlap() -> None:
    assert CHANNEL.orders is not None
    assert CHANNEL.orders.lag >= timedelta(minutes=3)
    assert CHANNEL.orders.overlap > timedelta(0)
    assert CHANNEL.orders.window == timedelta(minutes=30)


def test_trap_2_thirty_minutes_with_fractions_stay_thirty_minutes() -> None:
    transport = Playback(order_number_list_increment_get=Ledger(0))
    since = datetime.fromtimestamp(NOW, UTC) + timedelta(milliseconds=900)
    list(shop(transport).orders(Window(since, since + timedelta(minutes=30))))
    assert int(transport.asked[0]["end_updated_at"]) - int(transport.asked[0]["start_updated_at"]) == 1800


def test_trap_3_an_order_the_index_does_not_have_yet_is_not_found() -> None:
    with pytest.raises(errors.NotFound):
        shop(Playback(order_information_get=sample("error.order_not_found"))).order(ORDER_SN)
    assert CHANNEL.notice_patience == timedelta(minutes=10)


def test_trap_4_vanished_receiver_ciphers_stay_empty() -> None:
    found = mapping.order("s", wire.OrderRow.model_validate(order_row(receiver_name="", receiver_phone=None)))
    assert (found.receiver.name.cipher, found.receiver.phone.cipher) == ("", "")
    assert found.receiver.name.mask == "张**"


def test_contact_mobile_takes_the_place_of_an_empty_phone() -> None:
    cipher = "$RXhhbXBs$AgAAAAE=$1$$"
    row = order_row(receiver_phone="", receiver_phone_mask=None, contact_mobile=cipher)
    assert mapping.order("s", wire.OrderRow.model_validate(row)).receiver.phone.cipher == cipher


def test_plain_text_in_a_ciphers_place_is_never_kept() -> None:
    row = order_row(receiver_phone="", receiver_phone_mask="", contact_mobile="17000001234", receiver_name="张三丰")
    receiver = mapping.order("s", wire.OrderRow.model_validate(row)).receiver
    assert "17000001234" not in receiver.model_dump_json()
    assert (receiver.phone.mask, receiver.name.cipher) == ("170****1234", "")


def shipping(**changes: Any) -> Playback:
    return Playback(
        order_information_get=order_answer(**changes),
        refund_status_check=NO_REFUND,
        logistics_online_send=SENT,
        order_upload_extra_logistics=sample("order.upload.extra.logistics.response"),
    )


def ship(transport: Playback, *parcels: ParcelDraft, **wish: Any) -> errors.ChannelError | None:
    shipment = Shipment(order_id=ORDER_SN, parcels=parcels or (YTO,), **wish)
    return shop(transport).ship(shipment, "key").error


def test_trap_5_a_refund_that_is_newer_than_the_order_stops_the_parcel() -> None:
    transport = shipping()
    transport.answers["refund.status.check"] = sample("refund.status.check.response")
    assert type(ship(transport)) is errors.Conflict
    assert "logistics.online.send" not in transport.methods()


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"risk_control_status": 1}, errors.NotYet),
        ({"group_status": 0, "confirm_status": 0}, errors.NotYet),
        ({"gift_order_status": 0}, errors.NotYet),
        ({"trade_type": 1, "step_order_info": {"step_trade_status": 1}}, errors.NotYet),
        ({"order_tag_list": [{"name": "ship_hold", "value": 1}]}, errors.Conflict),
        ({"refund_status": 2, "after_sales_status": 2}, errors.Conflict),
        ({"refund_status": 4}, errors.Conflict),
        ({"confirm_status": 2}, errors.Conflict),
    ],
)
def test_nothing_is_shipped_under_a_hold_or_a_refund(changes: dict[str, Any], kind: Any) -> None:
    transport = shipping(**changes)
    assert type(ship(transport)) is kind
    assert "logistics.online.send" not in transport.methods()


def test_the_sellers_word_ships_despite_a_refund() -> None:
    transport = shipping(refund_status=2, after_sales_status=2)
    assert ship(transport, refuse_refund=True) is None
    assert transport.methods()[-1] == "logistics.online.send"


def test_shipping_twice_is_already_done() -> None:
    transport = shipping(order_status=2, logistics_id=85, tracking_number="YT1")
    assert type(ship(transport)) is errors.AlreadyDone
    assert type(ship(shipping(order_status=2, logistics_id=85, tracking_number="OTHER"))) is errors.AlreadyDone
    assert transport.methods() == ["order.information.get"]


def test_a_shipment_that_broke_off_is_completed_with_what_is_missing() -> None:
    extra = {"logistics_id": 115, "tracking_number": "Z1"}
    transport = shipping(order_status=2, logistics_id=85, tracking_number="YT1", extra_delivery_list=[extra])
    drafts = [ParcelDraft(carrier="ZTO", tracking_no=number) for number in ("Z1", "Z2")]
    assert ship(transport, YTO, *drafts) is None
    assert transport.methods() == ["order.information.get", "order.upload.extra.logistics"]
    assert json.loads(transport.asked[1]["extra_track_list"]) == [{"shipping_id": 115, "tracking_number": "Z2"}]


LINE = f"{ORDER_SN}:900100200301:1"


def packed(number: str, quantity: int, line: str = LINE) -> ParcelDraft:
    return ParcelDraft(carrier="YTO", tracking_no=number, lines=(Packed(line_id=line, quantity=quantity),))


def test_parcels_that_leave_something_out_are_refused_before_the_order_counts_as_shipped() -> None:
    for parcels in ((packed("A", 1),), (packed("A", 3),), (packed("A", 2, "other"),)):
        transport = shipping()
        assert type(ship(transport, *parcels)) is errors.Invalid
        assert transport.methods() == ["order.information.get"]
    assert ship(shipping(), packed("A", 1), packed("B", 1)) is None
    assert not CHANNEL.supports(Capability.SHIP_LINES)


@pytest.mark.parametrize(
    ("carrier", "number", "kind"),
    [
        ("NOBODY", "1", errors.UnknownCarrier),
        ("", "1", errors.UnknownCarrier),
        ("YTO", " ", errors.Invalid),
    ],
)
def test_an_unknown_carrier_or_no_number_is_refused_before_any_call(carrier: str, number: str, kind: Any) -> None:
    transport = Playback()
    assert type(ship(transport, ParcelDraft(carrier=carrier, tracking_no=number))) is kind
    assert transport.asked == []


def test_trap_14_a_carriers_other_service_is_named_by_its_own_id() -> None:
    transport = shipping()
    transport.answers["logistics.companies.get"] = sample("logistics.companies.response")
    assert ship(transport, ParcelDraft(carrier="340", tracking_no="J1")) is None
    assert transport.asked[-1]["logistics_id"] == "340"
    assert type(ship(transport, ParcelDraft(carrier="9999", tracking_no="J1"))) is errors.UnknownCarrier


def test_an_unavailable_carrier_is_refused() -> None:
    companies = sample("logistics.companies.response")
    companies["logistics_companies_get_response"]["logistics_companies"][0]["available"] = 0
    transport = shipping()
    transport.answers["logistics.companies.get"] = companies
    assert type(ship(transport, ParcelDraft(carrier="1", tracking_no="S1"))) is errors.UnknownCarrier


def test_only_the_main_parcels_number_can_change() -> None:
    old = Parcel(carrier_code="115", tracking_no="Z1", kind=ParcelKind.SPLIT)
    outcome = shop(Playback()).change_tracking(ORDER_SN, old, "YTO", "YT1")
    assert type(outcome.error) is errors.Unsupported


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (1, AfterSaleKind.REFUND_ONLY),
        (2, AfterSaleKind.RETURN),
        (3, AfterSaleKind.EXCHANGE),
        (4, AfterSaleKind.RESEND),
        (5, AfterSaleKind.REPAIR),
        (9, AfterSaleKind.UNKNOWN),
    ],
)
def test_trap_6_list_and_detail_number_the_types_differently(number: Any, kind: Any) -> None:
    listed = sample("refund.list.increment.response")["refund_increment_get_response"]["refund_list"][0]
    row = wire.RefundRow.model_validate({**listed, "after_sales_type": number + 1})
    detail = wire.RefundDetail.model_validate({**sample("refund.information.response"), "after_sales_type": number})
    found = mapping.listed_after_sale("s", row), mapping.after_sale("s", detail)
    assert [each.kind for each in found] == [kind, kind]
    assert [each.kind_raw for each in found] == [str(number), str(number)]


def test_trap_6_list_and_detail_count_money_in_different_units() -> None:
    listed = sample("refund.list.increment.response")["refund_increment_get_response"]["refund_list"][0]
    assert listed["refund_amount"] == "104.80"
    assert mapping.listed_after_sale("s", wire.RefundRow.model_validate(listed)).refund == 10480
    detail = wire.RefundDetail.model_validate(sample("refund.information.response"))
    assert mapping.after_sale("s", detail).refund == 10480


def test_trap_7_orders_speak_yuan_and_listings_fen() -> None:
    assert mapping.order("s", wire.OrderRow.model_validate(order_row())).lines[0].unit_price == 5990
    goods = wire.Goods.model_validate(sample("goods.detail.response")["goods_detail_get_response"])
    price = mapping.listing("s", goods).skus[0].price
    assert price is not None
    assert price.sale == 5990


@pytest.mark.parametrize("as_text", [True, False])
def test_traps_8_and_9_ids_are_exact_whether_number_or_text(as_text: bool) -> None:
    big = 9007199254740993
    item = {**order_row()["item_list"][0], "sku_id": str(big) if as_text else big}
    answer = order_answer(item_list=[item])
    found = shop(Playback(order_information_get=answer)).order(ORDER_SN)
    assert found.value.lines[0].sku_id == "9007199254740993"
    assert b"9007199254740993" in found.raw


def test_trap_10_an_answer_without_root_is_read() -> None:
    found = shop(Playback(refund_information_get=sample("refund.information.response"))).after_sale(
        "987654321012", ORDER_SN
    )
    assert found.value.id == "987654321012"
    assert b"request_id" not in found.raw


def priced(*writes: PriceWrite, **answers: Any) -> tuple[Playback, list[Any]]:
    transport = Playback(
        goods_detail_get=answers.pop("detail", sample("goods.detail.response")),
        goods_sku_price_update=answers.pop("update", sample("goods.sku.price.update.response")),
    )
    return transport, shop(transport).set_price(writes)


def two_skus(**changes: Any) -> Any:
    detail = sample("goods.detail.response")
    skus = detail["goods_detail_get_response"]["sku_list"]
    skus.append({**skus[0], "sku_id": 900100200302, **changes})
    return detail


OTHER = SkuKey(listing_id="700100200300", sku_id="900100200302")


def test_trap_11_a_price_never_puts_a_listing_on_sale() -> None:
    transport, [outcome] = priced(PriceWrite(SKU, Price(sale=5000)), detail=two_skus())
    assert outcome.error is None
    assert transport.asked[1]["sync_goods_operate"] == "1"


def test_trap_11_a_sku_that_is_off_the_shelf_stays_off() -> None:
    transport, _ = priced(PriceWrite(OTHER, Price(sale=5000)), detail=two_skus(is_onsale=0))
    assert json.loads(transport.asked[1]["sku_price_list"])[0]["is_onsale"] == 0


def test_missing_prices_are_read_from_the_channel_and_one_listing_is_one_call() -> None:
    writes = PriceWrite(SKU, Price(sale=5000)), PriceWrite(OTHER, Price(sale=4000, single=4500))
    transport, outcomes = priced(*writes, detail=two_skus())
    assert transport.methods() == ["goods.detail.get", "goods.sku.price.update"]
    assert transport.asked[1]["market_price"] == "9900"
    assert [(row["group_price"], row["single_price"]) for row in json.loads(transport.asked[1]["sku_price_list"])] == [
        (5000, 6990),
        (4000, 4500),
    ]
    assert [(outcome.item, outcome.pending) for outcome in outcomes] == [(writes[0], True), (writes[1], True)]


@pytest.mark.parametrize(
    "price",
    [
        Price(sale=0),
        Price(sale=6990),
        Price(sale=5000, single=5000),
        Price(sale=5000, single=9901),
        Price(sale=5000, single=6000, market=5999),
        Price(sale=5000, market=6000),
    ],
)
def test_a_broken_price_relation_is_refused_before_the_call(price: Price) -> None:
    transport, [outcome] = priced(PriceWrite(SKU, price))
    assert type(outcome.error) is errors.Invalid
    assert transport.methods() == ["goods.detail.get"]


def test_a_market_price_below_another_skus_single_price_is_refused() -> None:
    _, [outcome] = priced(PriceWrite(SKU, Price(sale=4000, single=5000, market=6000)), detail=two_skus())
    assert type(outcome.error) is errors.Invalid


def test_one_listing_cannot_have_two_market_prices() -> None:
    _, outcomes = priced(
        PriceWrite(SKU, Price(sale=5000, market=9000)),
        PriceWrite(OTHER, Price(sale=5000, market=9100)),
        detail=two_skus(),
    )
    assert [type(outcome.error) for outcome in outcomes] == [errors.Invalid, errors.Invalid]


def test_one_bad_sku_does_not_fail_its_neighbours() -> None:
    refusal = {"error_response": {"error_code": 50001, "error_msg": "x", "sub_code": None, "sub_msg": "x"}}

    def update(body: dict[str, str]) -> Any:
        bad = "900100200302" in body["sku_price_list"]
        return refusal if bad else sample("goods.sku.price.update.response")

    transport, outcomes = priced(
        PriceWrite(SKU, Price(sale=5000)), PriceWrite(OTHER, Price(sale=5000)), detail=two_skus(), update=update
    )
    assert [type(outcome.error) for outcome in outcomes] == [type(None), errors.Rejected]
    assert transport.methods().count("goods.sku.price.update") == 3


def test_an_unknown_sku_of_a_listing_is_not_found() -> None:
    _, [outcome] = priced(PriceWrite(SkuKey(listing_id="700100200300", sku_id="1"), Price(sale=5000)))
    assert type(outcome.error) is errors.NotFound


def test_trap_12_a_lost_stock_change_stays_unknown_and_is_declared_unsafe_to_repeat() -> None:
    lost = errors.OutcomeUnknown("no answer")
    [outcome] = shop(Playback(goods_quantity_update=lost)).adjust_stock([StockDelta(SKU, -1, "key")])
    assert type(outcome.error) is errors.OutcomeUnknown
    assert CHANNEL.supports(Capability.ADJUST_ONCE) is Support.ABSENT


def test_a_stock_change_below_zero_or_under_a_promotion_is_a_conflict() -> None:
    refusal = {"error_response": {"error_code": 50001, "error_msg": "x", "sub_code": None, "sub_msg": "库存不足"}}
    connector = shop(Playback(goods_quantity_update=refusal))
    assert type(connector.adjust_stock([StockDelta(SKU, -999, "key")])[0].error) is errors.Conflict
    assert type(connector.set_stock([StockWrite(SKU, 1)])[0].error) is errors.Conflict


def test_negative_stock_is_refused_before_the_call() -> None:
    transport = Playback(goods_quantity_update=sample("goods.quantity.update.response"))
    outcomes = shop(transport).set_stock([StockWrite(SKU, -1), StockWrite(SKU, 0)])
    assert [type(outcome.error) for outcome in outcomes] == [errors.Invalid, type(None)]
    assert [asked["quantity"] for asked in transport.asked] == ["0"]


def test_trap_13_the_timestamp_is_in_seconds() -> None:
    transport = Playback(order_information_get=sample("order.information.response"))
    shop(transport).order(ORDER_SN)
    assert transport.asked[0]["timestamp"] == str(NOW)


def test_trap_15_an_order_without_merchant_code_is_read() -> None:
    item = {**order_row()["item_list"][0], "outer_id": None, "outer_goods_id": ""}
    [line] = mapping.order("s", wire.OrderRow.model_validate(order_row(item_list=[item]))).lines
    assert (line.merchant_code, line.listing_code) == ("", "")


def test_trap_16_emoji_in_a_memo_travel_unescaped() -> None:
    transport = Playback(order_note_update=sample("order.note.update.response"))
    assert shop(transport).memo(ORDER_SN, Memo(text="加急😀")).error is None
    assert "加急😀".encode() in transport.requests[0].body


def test_traps_17_and_18_what_is_signed_is_what_is_sent() -> None:
    transport, _ = priced(PriceWrite(SKU, Price(sale=5000)))
    for body in transport.asked:
        joined = "".join(name + body[name] for name in sorted(body) if name != "sign")
        digest = hashlib.md5((SECRET + joined + SECRET).encode()).hexdigest()  # noqa: S324  # the platform's method
        assert body["sign"] == digest.upper()
        assert all(value != "" for value in body.values())


def test_trap_19_the_tightest_quota_is_declared() -> None:
    tight = [limit for limit in CHANNEL.limits if limit.method == "pdd.refund.list.increment.get"]
    assert (100, 10) in [(limit.calls, limit.seconds) for limit in tight]


def test_trap_19_one_walk_over_all_statuses_is_one_call_each() -> None:
    transport = Playback(refund_list_increment_get={"refund_increment_get_response": {"total_count": 0}})
    [page] = list(shop(transport).after_sales(WINDOW))
    assert (page.items, page.expected) == ((), 0)
    assert len(transport.asked) == 25


def test_trap_20_a_closed_order_shows_in_the_refund_only() -> None:
    found = mapping.order("s", wire.OrderRow.model_validate(order_row(order_status=1, refund_status=4)))
    assert found.closing.value is Closing.CLOSED_REFUNDED
    assert found.status.value == "closed"


def test_trap_21_a_permission_that_lapses_first_ends_the_token() -> None:
    answer = sample("pop.auth.token.refresh.response")
    answer["pop_auth_token_refresh_response"] |= {"w1_expires_at": NOW + 60, "w2_expires_at": 0}
    fresh = shop(Playback(pop_auth_token_refresh=answer)).refresh()
    assert fresh.access_expires_at == datetime.fromtimestamp(NOW + 60, UTC)


def test_a_refused_refresh_asks_for_the_seller() -> None:
    refusal = {"error_response": {"error_code": 50001, "error_msg": "x", "sub_code": None, "sub_msg": "x"}}
    with pytest.raises(errors.Reauthorize):
        shop(Playback(pop_auth_token_refresh=refusal)).refresh()


def test_trap_22_double_artefacts_are_rounded_to_the_fen() -> None:
    found = mapping.order("s", wire.OrderRow.model_validate(order_row(pay_amount=104.80000000000001)))
    assert found.money.pay == 10480


def test_equal_skus_keep_their_line_numbers_however_they_are_listed() -> None:
    item = order_row()["item_list"][0]
    items = [{**item, "goods_price": 20.0}, {**item, "goods_price": 10.0}]
    forward, backward = (
        mapping.order("s", wire.OrderRow.model_validate(order_row(item_list=listed))).lines
        for listed in (items, items[::-1])
    )
    assert [line.id for line in forward] == [LINE, f"{ORDER_SN}:900100200301:2"]
    assert forward == backward


def test_a_bad_row_does_not_cost_its_page() -> None:
    rows = [order_row(), order_row(order_sn="260101-2", updated_at="yesterday"), order_row(item_list=None)]
    answer = {"order_sn_increment_get_response": {"total_count": 3, "order_sn_list": rows}}
    [page] = shop(Playback(order_number_list_increment_get=answer)).orders(WINDOW)
    assert [item.value.id for item in page.items] == [ORDER_SN]
    assert [bad.id for bad in page.bad] == ["260101-2", ORDER_SN]
    assert [bad.reason for bad in page.bad] == ["a time or number that is none", "item_list: list_type"]
    assert all("张" not in bad.reason for bad in page.bad)


def test_the_raw_row_keeps_what_nobody_declared() -> None:
    found = shop(Playback(order_information_get=order_answer(brand_new_field={"a": [1.5]}))).order(ORDER_SN)
    assert json.loads(found.raw) == order_row(brand_new_field={"a": [1.5]})


def test_a_listed_after_sale_without_readable_detail_is_still_told() -> None:
    listed = sample("refund.list.increment.response")

    def rows(body: dict[str, str]) -> Any:
        empty = {"refund_increment_get_response": {"total_count": 0, "refund_list": []}}
        return listed if body["after_sales_status"] == "2" else empty

    for detail, deadline in ((sample("refund.information.response"), True), (sample("error.order_not_found"), False)):
        transport = Playback(refund_list_increment_get=rows, refund_information_get=detail)
        pages = list(shop(transport).after_sales(WINDOW))
        [found] = [item.value for page in pages for item in page.items]
        assert (found.id, found.refund, bool(found.deadline)) == ("987654321012", 10480, deadline)
        assert pages[-1].expected == 1


def test_an_after_sale_cannot_be_read_without_its_order() -> None:
    with pytest.raises(errors.Invalid):
        shop(Playback()).after_sale("987654321012")


def test_a_listing_that_is_refused_with_a_sentence_is_missing() -> None:
    refusal = {"error_response": {"error_code": 50001, "error_msg": "x", "sub_code": None, "sub_msg": "商品不存在"}}
    connector = shop(Playback(goods_detail_get=refusal))
    with pytest.raises(errors.NotFound):
        connector.listing("1")
    assert connector.stock_levels([SKU]) == []


def test_stock_is_read_once_per_listing() -> None:
    transport = Playback(goods_detail_get=two_skus(quantity=0))
    levels = shop(transport).stock_levels([OTHER, SKU, SkuKey(listing_id="700100200300", sku_id="1")])
    assert [(level.key, level.sellable, level.held) for level in levels] == [(OTHER, 0, 2), (SKU, 120, 2)]
    assert len(transport.asked) == 1


@pytest.mark.parametrize("flag", [Flag.ORANGE, Flag.CYAN, Flag.GREY])
def test_a_flag_the_channel_does_not_have_is_refused(flag: Flag) -> None:
    assert type(shop(Playback()).memo(ORDER_SN, Memo(text="x", flag=flag)).error) is errors.Invalid


def test_an_empty_memo_is_sent_as_a_blank_because_empty_values_cannot_be_signed_alike() -> None:
    transport = Playback(order_note_update=sample("order.note.update.response"))
    assert shop(transport).memo(ORDER_SN, Memo()).error is None
    assert transport.asked[0]["note"] == " "


def test_every_capability_that_is_not_native_says_why() -> None:
    for capability in Capability:
        if CHANNEL.supports(capability) is not Support.NATIVE:
            assert CHANNEL.notes[capability]
