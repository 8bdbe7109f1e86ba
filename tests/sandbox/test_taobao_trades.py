"""Taobao trades: windows, paging and its race, types that go missing, money, states, fields, memos, closing."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.faults import FaultRule
from sandbox.model import Order
from sandbox.orders import VARIANTS
from sandbox.taobao.states import STATUSES
from sandbox.taobao.values import when
from tests.sandbox.taobao_kit import TYPES, Seller

LIST, SOLD = "taobao.trades.sold.increment.get", "taobao.trades.sold.get"
MONEY = "payment,post_fee,total_fee,discount_fee,adjust_fee,platform_subsidy_fee,orders"


def _tids(rows: list[Any]) -> list[str]:
    return [row["tid_str"] for row in rows]


def test_newest_first_with_both_ends_included() -> None:
    seller = Seller()
    orders = []
    for _ in range(3):
        orders.append(seller.order())
        seller.world.advance(60)
    ids = [order.order_id for order in orders]
    assert _tids(seller.listed()) == ids[::-1]
    middle = when(orders[1].updated)
    assert _tids(seller.listed(start_modified=middle, end_modified=middle)) == [ids[1]]


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [
        ({"start_modified": "2024-03-14 10:29:59"}, "41:Invalid arguments:end_modified"),
        ({"end_modified": "2024-03-15 09:00:00"}, "41:Invalid arguments:end_modified"),
        ({"start_modified": "yesterday"}, "41:Invalid arguments:start_modified"),
        ({"end_modified": ""}, "40:Missing required arguments:end_modified"),
        ({"page_size": "0"}, "41:Invalid arguments:page_size"),
        ({"page_no": "0"}, "41:Invalid arguments:page_no"),
        ({"status": "SENT"}, "41:Invalid arguments:status"),
        ({"use_has_next": "yes"}, "41:Invalid arguments:use_has_next"),
        ({"fields": ""}, "40:Missing required arguments:fields"),
    ],
)
def test_refused_arguments(changes: dict[str, str], refusal: str) -> None:
    seller = Seller()
    assert seller.refused(LIST, **({"fields": "tid"} | seller.window() | changes)) == refusal


def test_a_whole_day_is_allowed() -> None:
    seller = Seller()
    seller.call(LIST, fields="tid", **seller.window(86_400))


def test_totals_and_next_pages_exclude_each_other() -> None:
    seller = Seller()
    for _ in range(5):
        seller.order()
    asked = seller.window() | {"fields": "tid", "page_size": "2", "type": TYPES}
    counted = seller.call(LIST, **asked)
    assert counted["total_results"] == 5
    assert "has_next" not in counted
    pages = [seller.call(LIST, **asked, use_has_next="true", page_no=str(n)) for n in (1, 2, 3, 4)]
    assert [page["has_next"] for page in pages] == [True, True, False, False]
    assert all("total_results" not in page for page in pages)
    assert "trades" not in pages[3], "an empty list is left out"


@pytest.mark.parametrize("backwards", [True, False])
def test_a_change_between_pages_hides_an_order_only_from_forward_paging(backwards: bool) -> None:
    seller = Seller()
    ids = set()
    for _ in range(4):
        ids.add(seller.order().order_id)
        seller.world.advance(1)
    window = seller.window()
    seller.world.advance(60)
    seller.world.faults.add(FaultRule(kind="modify_between_pages", channel="taobao", times=1))
    seen: set[str] = set()
    for page in (2, 1) if backwards else (1, 2):
        seen |= set(_tids(seller.listed(**window, page_no=str(page), page_size="2", use_has_next="true")))
    moved = {order.order_id for order in seller.world.all_orders("taobao") if order.urged}
    assert len(moved) == 1
    if backwards:
        assert seen | moved == ids
    later = set(_tids(seller.listed()))
    assert seen | later == ids or not backwards


def test_forward_paging_loses_the_order_that_moves_up() -> None:
    seller = Seller()
    orders = []
    for _ in range(4):
        orders.append(seller.order())
        seller.world.advance(1)
    window = seller.window()
    seller.world.advance(60)
    asked = window | {"page_size": "2", "use_has_next": "true"}
    seen = _tids(seller.listed(**asked, page_no="1"))
    seller.world.set_memo(orders[3], "later", None)
    seen += _tids(seller.listed(**asked, page_no="2"))
    assert orders[1].order_id not in seen


def test_types_not_asked_for_are_silently_missing() -> None:
    seller = Seller()
    abroad, normal = seller.order("overseas"), seller.order()
    default = seller.call(LIST, fields="tid", **seller.window())
    assert default["total_results"] == 1
    assert _tids(seller.listed()) == [normal.order_id, abroad.order_id]
    assert _tids(seller.listed(type="tmall_i18n")) == [abroad.order_id]


def test_the_horizon_is_three_months() -> None:
    seller = Seller()
    order = seller.order()
    seller.world.advance(91 * 86_400)
    seller.world.renew(seller.shop)
    seller.world.set_memo(order, "old", None)
    assert seller.listed() == []
    assert "trades" not in seller.call(SOLD, fields="tid")
    assert seller.refused("taobao.trade.get", fields="tid", tid=order.order_id) == "15 isv.trade-not-exist"


def test_created_list_does_not_move() -> None:
    seller = Seller()
    first = seller.order()
    seller.world.advance(5)
    second = seller.order()
    seller.world.set_memo(first, "x", None)
    assert _tids(seller.call(SOLD, fields="tid")["trades"]["trade"]) == [second.order_id, first.order_id]
    seller.world.cancel(second)
    closed = seller.call(SOLD, fields="tid", status="ALL_CLOSED")["trades"]["trade"]
    assert _tids(closed) == [second.order_id], "the filter sees states that changed since the last page"


def test_a_lagging_index_and_the_list_by_arrival() -> None:
    seller = Seller(index_lag={"taobao": 600})
    order = seller.order()
    assert seller.listed() == []
    assert seller.refused("taobao.trade.get", fields="tid", tid=order.order_id) == "15 isv.trade-not-exist"
    seller.world.advance(601)
    assert len(seller.listed()) == 1
    at = {"start_create": when(seller.world.now() - 5), "end_create": when(seller.world.now())}
    arrived = seller.call("taobao.trades.sold.incrementv.get", fields="tid,async_modified", **at)
    assert arrived["total_results"] == 1, "it arrived just now, though it changed ten minutes ago"


def test_only_the_asked_fields_come() -> None:
    seller = Seller()
    order = seller.order("several")
    row = seller.detail(order, "status,orders.oid,orders.num,nonsense,orders.nonsense")
    assert set(row) == {"status", "orders"}
    assert set(row["orders"]["order"][0]) == {"oid", "oid_str", "num"}
    short = seller.call("taobao.trade.get", fields="tid,receiver_name,receiver_mobile", tid=order.order_id)["trade"]
    assert set(short) == {"tid", "tid_str"}
    assert set(seller.listed("tid,seller_memo,buyer_message")[0]) == {"tid", "tid_str"}


def test_simplified_answers_are_flat() -> None:
    seller = Seller()
    order = seller.order("several")
    answer = seller.answer(LIST, fields="tid,orders.oid", simplify="true", **seller.window())
    assert answer["trades"][0]["tid"] == int(order.order_id)
    assert [line["oid"] for line in answer["trades"][0]["orders"]] == [int(line.line_id) for line in order.lines]
    assert seller.answer(LIST, simplify="true", **seller.window())["error_response"]["code"] == 40


def test_ids_are_numbers_beyond_doubles_and_an_only_line_shares_the_trades() -> None:
    seller = Seller()
    single, several = seller.order(quantity=1), seller.order("several")
    one = seller.detail(single, "tid,num,orders")
    assert one["tid"] == one["orders"]["order"][0]["oid"] == int(single.order_id) > 2**53
    assert one["num"] == 1
    many = seller.detail(several, "tid,num,orders")
    assert many["tid"] not in [line["oid"] for line in many["orders"]["order"]]
    assert many["num"] == 0


def _fen(text: str) -> int:
    return int(Decimal(text) * 100)


def _check_money(trade: dict[str, Any]) -> None:
    lines = [line for line in trade["orders"]["order"] if line["status"] != "TRADE_CLOSED_BY_TAOBAO"]
    postage, payment = _fen(trade["post_fee"]), _fen(trade["payment"])
    for line in lines:
        price, number = _fen(line["price"]), line["num"]
        total = price * number + _fen(line["adjust_fee"]) - _fen(line["discount_fee"])
        assert _fen(line["total_fee"]) == total
        assert _fen(line["divide_order_fee"]) == total - _fen(line.get("part_mjz_discount", "0"))
    assert sum(_fen(line["divide_order_fee"]) for line in lines) + postage == payment
    assert sum(_fen(line.get("part_mjz_discount", "0")) for line in lines) == _fen(trade["discount_fee"])
    assert sum(_fen(line["price"]) * line["num"] for line in lines) == _fen(trade["total_fee"])
    if len(trade["orders"]["order"]) == 1:
        assert lines[0]["payment"] == trade["payment"]
    else:
        assert sum(_fen(line["payment"]) for line in lines) + postage - _fen(trade["discount_fee"]) == payment
        assert trade["adjust_fee"] == "0.00"


@settings(max_examples=40, deadline=None)
@given(
    variant=st.sampled_from(["plain", "several", "gift", "coupons"]),
    change=st.integers(-500, 500),
    sellers=st.integers(0, 300),
    platforms=st.integers(0, 200),
    drop=st.booleans(),
)
def test_money_adds_up(variant: str, change: int, sellers: int, platforms: int, drop: bool) -> None:
    seller = Seller()
    order = seller.order(variant, paid=False, quantity=2)
    order.lines[0].discounts.seller, order.lines[0].discounts.platform = sellers, platforms
    order.lines[-1].discounts.seller = sellers // 3 if not order.lines[-1].gift else 0
    seller.world.change_amount(order, change)
    if drop and variant == "several":
        seller.world.drop_line(order, order.lines[1])
    seller.world.pay(order)
    trade = seller.detail(order, MONEY)
    _check_money(trade)
    assert _fen(trade["payment"]) == order.pay_amount


def test_amounts_alone() -> None:
    seller = Seller()
    order = seller.order("coupons", quantity=2)
    found = seller.call("taobao.trade.amount.get", tid=order.order_id, fields="tid,payment,order_amounts")
    assert set(found["trade_amount"]) == {"tid", "payment", "order_amounts"}
    row = found["trade_amount"]["order_amounts"]["order_amount"][0]
    assert row["payment"] == found["trade_amount"]["payment"]


def test_life_of_a_trade() -> None:
    seller = Seller()
    world = seller.world
    order = seller.order(paid=False)

    def status() -> str:
        word: str = seller.detail(order, "status")["status"]
        return word

    assert status() == "WAIT_BUYER_PAY"
    assert "divide_order_fee" not in seller.detail(order, "orders")["orders"]["order"][0]
    world.pay(order)
    assert status() == "WAIT_SELLER_SEND_GOODS"
    world.ship(order, "YTO", "YT0000000000001")
    assert status() == "WAIT_BUYER_CONFIRM_GOODS"
    line = seller.detail(order, "orders")["orders"]["order"][0]
    assert (line["logistics_company"], line["invoice_no"]) == ("圆通速递", "YT0000000000001")
    world.finish(order)
    row = seller.detail(order, "status,payment,received_payment,available_confirm_fee,end_time")
    assert row["status"] == "TRADE_FINISHED"
    assert row["received_payment"] == row["payment"]
    assert row["available_confirm_fee"] == "0.00"
    assert row["end_time"] == when(world.now())


def test_closed_before_and_after_payment() -> None:
    seller = Seller()
    unpaid, paid, returned = seller.order(paid=False), seller.order(), seller.order()
    seller.world.cancel(unpaid)
    seller.world.agree_refund(seller.world.request_refund(paid))
    seller.world.refund_paid(paid.refunds[0])
    seller.world.ship(returned, "YTO", "YT0000000000001")
    seller.world.agree_refund(seller.world.request_refund(returned))
    seller.world.refund_paid(returned.refunds[0])
    found = [seller.detail(order, "status,orders.status") for order in (unpaid, paid, returned)]
    assert [row["status"] for row in found] == ["TRADE_CLOSED_BY_TAOBAO", "TRADE_CLOSED", "TRADE_CLOSED"]
    assert [row["orders"]["order"][0]["status"] for row in found] == [row["status"] for row in found]


def test_a_refunded_line_closes_while_the_trade_goes_on() -> None:
    seller = Seller()
    order = seller.order("several")
    refund = seller.world.request_refund(order, line=order.lines[1])
    seller.world.agree_refund(refund)
    seller.world.refund_paid(refund)
    row = seller.detail(order, "status,orders.status,orders.refund_status,orders.refund_id")
    assert row["status"] == "WAIT_SELLER_SEND_GOODS"
    first, second = row["orders"]["order"]
    assert (first["refund_status"], second["refund_status"]) == ("NO_REFUND", "SUCCESS")
    assert (second["status"], second["refund_id"]) == ("TRADE_CLOSED", refund.refund_id)


def test_deposits() -> None:
    seller = Seller()
    order = seller.order("deposit", paid=False)
    fields = "status,type,step_trade_status,step_paid_fee,new_presell,send_time"
    steps = [seller.detail(order, fields)]
    seller.world.pay(order)
    steps.append(seller.detail(order, fields))
    seller.world.pay(order)
    steps.append(seller.detail(order, fields))
    assert [row["step_trade_status"] for row in steps] == [
        "FRONT_NOPAID_FINAL_NOPAID",
        "FRONT_PAID_FINAL_NOPAID",
        "FRONT_PAID_FINAL_PAID",
    ]
    assert [row["status"] for row in steps] == ["WAIT_BUYER_PAY", "WAIT_BUYER_PAY", "WAIT_SELLER_SEND_GOODS"]
    assert {row["type"] for row in steps} == {"step"}
    forfeited = seller.order("deposit")
    seller.world.cancel(forfeited)
    assert seller.detail(forfeited, fields)["step_trade_status"] == "FRONT_PAID_FRONT_FORFEITED"


@pytest.mark.parametrize(("variant", "hold"), [("risk", "forbid_consign"), ("group", "team_buy_hold")])
def test_held_orders(variant: str, hold: str) -> None:
    seller = Seller()
    order = seller.order(variant)
    assert seller.detail(order, f"status,{hold}") == {"status": "PAID_FORBID_CONSIGN", hold: 1}
    refusal = seller.refused("taobao.logistics.offline.send", **seller.ship(order))
    assert refusal == "15 isv.logistics-offline-service-error:B02"
    seller.world.release(order)
    seller.call("taobao.logistics.offline.send", **seller.ship(order))


@pytest.mark.parametrize("word", sorted(STATUSES))
def test_every_status_can_be_shown(word: str) -> None:
    seller = Seller()
    order = seller.order()
    seller.world.show(order, "status", word)
    assert [row["status"] for row in seller.listed(status=word)] == [word]


def test_cash_on_delivery() -> None:
    seller = Seller()
    order = seller.order("cod", paid=False)
    row = seller.detail(order, "status,type,cod_status,pay_time")
    assert row == {"status": "WAIT_SELLER_SEND_GOODS", "type": "cod", "cod_status": "WAITING_TO_BE_SENT"}
    seller.call("taobao.logistics.online.send", **seller.ship(order))
    seller.world.receive(order)
    assert seller.detail(order, "status,cod_status")["status"] == "TRADE_BUYER_SIGNED"
    seller.world.show(order, "cod_status", "REJECTED_BY_OTHER_SIDE")
    assert seller.detail(order, "cod_status") == {"cod_status": "REJECTED_BY_OTHER_SIDE"}


def test_parts_of_bundles_and_services() -> None:
    seller = Seller()
    bundle = seller.detail(seller.order("bundle", quantity=2), "orders")["orders"]["order"][0]
    (rows,) = bundle["combine_item_info"].values()
    assert [row["quantity"] for row in rows] == [2, 4]
    assert sum(_fen(row["combine_sub_item_fee"]) for row in rows) == _fen(bundle["divide_order_fee"])
    order = seller.order("service")
    services = seller.detail(order, "service_orders")["service_orders"]["service_order"]
    assert services[0]["item_oid"] == int(order.lines[0].line_id)


def test_gifts_name_each_other() -> None:
    seller = Seller()
    goods, gift = seller.detail(seller.order("gift"), "orders")["orders"]["order"]
    assert goods["gift_mids"] == gift["oid_str"]
    assert gift["gift_mids"] == goods["oid_str"]
    assert (gift["is_free_gift"], goods["has_gift"], gift["payment"]) == (True, True, "0.00")


@pytest.mark.parametrize("variant", VARIANTS)
def test_no_buyer_data_in_the_clear(variant: str) -> None:
    seller = Seller()
    order = seller.order(variant)
    body = str(seller.listed("tid,receiver_name,receiver_mobile,receiver_address,buyer_nick,receiver_phone,orders"))
    buyer = order.buyer
    for secret in (buyer.name, buyer.phone, buyer.address.detail, buyer.buyer_id):
        assert secret not in body


def _memo(seller: Seller, order: Order, **changes: str) -> tuple[Any, Any]:
    seller.call("taobao.trade.memo.update", tid=order.order_id, **changes)
    row = seller.detail(order, "seller_memo,seller_flag")
    return row.get("seller_memo"), row["seller_flag"]


def test_memos() -> None:
    seller = Seller()
    order = seller.order()
    assert _memo(seller, order, memo="@值 ERP单号 😀", flag="3") == ("@值 ERP单号 😀", 3)
    assert _memo(seller, order, flag="5") == ("@值 ERP单号 😀", 5), "an empty memo keeps the old one"
    assert _memo(seller, order, memo="x", reset="true") == (None, 5), "reset clears whatever the memo says"
    update, add = "taobao.trade.memo.update", "taobao.trade.memo.add"
    assert seller.refused(update, tid=order.order_id, flag="6").startswith("41")
    assert seller.refused(update, tid=order.order_id, memo="长" * 334) == "15 isv.invalid-parameter:memo"
    assert seller.refused(update, tid="1", memo="x") == "15 isv.trade-not-exist"
    other = seller.order()
    seller.call(add, tid=other.order_id, memo="first")
    assert seller.refused(add, tid=other.order_id, memo="second") == "15 isv.trade-memo-exist"


def test_closing() -> None:
    seller = Seller()
    close = "taobao.trade.close"
    order, paid, several = seller.order(paid=False), seller.order(), seller.order("several", paid=False)
    asked = {"tid": order.order_id, "close_reason": "缺货"}
    assert seller.refused(close, **asked) == "15 CLOSE_TRADE_TOO_FAST"
    seller.world.advance(10)
    assert seller.refused(close, **asked | {"close_reason": "x"}) == "15 isv.invalid-parameter:closereason_wrong"
    assert seller.call(close, **asked)["trade"]["tid"] == int(order.order_id)
    assert seller.detail(order, "status")["status"] == "TRADE_CLOSED_BY_TAOBAO"
    assert seller.refused(close, **asked | {"tid": paid.order_id}) == "15 isv.invalid-parameter:tid"
    seller.call(close, **asked | {"tid": several.lines[1].line_id})
    seller.world.pay(several)
    trade = seller.detail(several, "status," + MONEY)
    assert [line["status"] for line in trade["orders"]["order"]] == ["WAIT_SELLER_SEND_GOODS", "TRADE_CLOSED_BY_TAOBAO"]
    _check_money(trade)
