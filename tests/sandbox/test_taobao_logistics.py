"""Taobao shipping: numbers, carriers, split rules, the online way, changing a number; parcels, traces, receivers."""

import json
import re
from typing import Any

import pytest

from sandbox.faults import FaultRule
from sandbox.taobao.carriers import CARRIERS
from tests.sandbox.taobao_kit import Seller, fixture

SEND, RESEND = "taobao.logistics.offline.send", "taobao.logistics.consign.resend"
ONLINE, CONFIRM = "taobao.logistics.online.send", "taobao.logistics.online.confirm"
PREFIX = {
    SEND: "15 isv.logistics-offline-service-error:",
    ONLINE: "15 isv.logistics-online-service-error:",
    CONFIRM: "15 isv.logistics-confirm-service-error:",
    RESEND: "15 isv.logistics-update-company-or-mailno-error:",
    "taobao.logistics.dummy.send": "15 isv.logistics-dummy-service-error:",
    "taobao.logistics.online.cancel": "15 isv.logistics-order-cancel-service-error:",
}


def _no(seller: Seller, method: str, params: dict[str, str]) -> str:
    """The suffix of a refusal."""
    refusal = seller.refused(method, **params)
    assert refusal.startswith(PREFIX[method]), refusal
    return refusal.removeprefix(PREFIX[method])


def test_shipping_once_and_only_once() -> None:
    seller = Seller()
    order = seller.order()
    assert seller.call(SEND, **seller.ship(order))["shipping"] == {"is_success": True}
    assert _no(seller, SEND, seller.ship(order)) == "B04"
    assert order.packages[0].tracking_no == "YT0000000000001"
    assert (order.packages[0].carrier, order.ship_accepts) == ("YTO", 1)


@pytest.mark.parametrize(
    ("changes", "suffix"),
    [
        ({"tid": "2150000000000000001"}, "B01"),
        ({"tid": "one"}, "P01"),
        ({"company_code": "NONE"}, "B56"),
        ({"company_code": "LE10576340"}, "B57"),
        ({"out_sid": "12"}, "B60"),
        ({"out_sid": "YT12 34567890"}, "B60"),
        ({"sender_id": "5"}, "B101"),
        ({"is_split": "1"}, "CD25"),
        ({"sub_tid": "1"}, "CD26"),
        ({"is_split": "2"}, "P38"),
        ({"is_split": "1", "sub_tid": "1"}, "CD24"),
        ({"is_split": "1", "sub_tid": ",".join(map(str, range(51)))}, "CD31"),
    ],
)
def test_refused_shipments(changes: dict[str, str], suffix: str) -> None:
    seller = Seller()
    order = seller.order()
    assert _no(seller, SEND, seller.ship(order) | changes) == suffix
    assert not order.packages


@pytest.mark.parametrize("name", ["tid", "out_sid", "company_code"])
def test_required_parameters(name: str) -> None:
    seller = Seller()
    params = seller.ship(seller.order()) | {name: ""}
    assert seller.refused(SEND, **params) == f"40:Missing required arguments:{name}"


@pytest.mark.parametrize(
    ("variant", "paid", "suffix"), [("plain", False, "B02"), ("cod", True, "CD01"), ("virtual", True, "CD01")]
)
def test_orders_that_do_not_ship_this_way(variant: str, paid: bool, suffix: str) -> None:
    seller = Seller()
    assert _no(seller, SEND, seller.ship(seller.order(variant, paid=paid))) == suffix


def test_a_closed_order_is_never_shipped() -> None:
    seller = Seller()
    order = seller.order()
    seller.world.cancel(order)
    assert _no(seller, SEND, seller.ship(order)) == "B04"


def test_another_sellers_order() -> None:
    seller = Seller(shops=2)
    other = seller.world.place(seller.world.shops["taobao"]["2200112234"], restock=True)
    assert seller.refused(SEND, **seller.ship(other)) == "15 isv.invalid-parameter:seller_nick:P17"


def test_a_number_serves_one_receiver() -> None:
    seller = Seller()
    first = seller.order()
    same = seller.order(buyer=first.buyer)
    other = seller.order(buyer=seller.stranger())
    seller.call(SEND, **seller.ship(first))
    seller.call(SEND, **seller.ship(same))
    assert _no(seller, SEND, seller.ship(other)) == "B60"


def test_split_shipping() -> None:
    seller = Seller()
    order = seller.order("several")
    first, second = (line.line_id for line in order.lines)
    part = {"is_split": "1", "sub_tid": first}
    seller.call(SEND, **seller.ship(order) | part)
    row = seller.detail(order, "status,is_part_consign,orders.status,orders.invoice_no")
    assert (row["status"], row["is_part_consign"]) == ("SELLER_CONSIGNED_PART", True)
    statuses = [line["status"] for line in row["orders"]["order"]]
    assert statuses == ["WAIT_BUYER_CONFIRM_GOODS", "WAIT_SELLER_SEND_GOODS"]
    assert _no(seller, SEND, seller.ship(order)) == "CD22", "once split, always split"
    assert _no(seller, SEND, seller.ship(order) | part) == "B04", "a repetition is told as one"
    assert _no(seller, SEND, seller.ship(order) | {"is_split": "1", "sub_tid": f"{first},{second}"}) == "CD27"
    seller.call(SEND, **seller.ship(order, "YT0000000000002") | {"is_split": "1", "sub_tid": second})
    rows = seller.call(
        "taobao.logistics.orders.get", tid=order.order_id, fields="tid,out_sid,sub_tids,is_split,status"
    )["shippings"]["shipping"]
    assert [row["sub_tids"]["number"] for row in rows] == [[int(first)], [int(second)]]
    assert {row["is_split"] for row in rows} == {1}


@pytest.mark.parametrize(("word", "suffix"), [("no_detail_part_consign", "CD28"), ("bind", "CD30")])
def test_lines_that_must_stay_together(word: str, suffix: str) -> None:
    seller = Seller()
    order = seller.order("several")
    seller.world.show(order, word, "1")
    part = {"is_split": "1", "sub_tid": order.lines[0].line_id}
    assert _no(seller, SEND, seller.ship(order) | part) == suffix
    row = seller.detail(order, "logistics_agreement,orders.bind_oids")
    if word == "bind":
        assert row["orders"]["order"][0]["bind_oids"] == order.lines[1].line_id
    else:
        assert row["logistics_agreement"]["no_detail_part_consign"] == "1"
    seller.call(SEND, **seller.ship(order))


def test_wait_and_retry() -> None:
    seller = Seller()
    order = seller.order()
    seller.world.faults.add(FaultRule(kind="partial_failure", channel="taobao", times=1))
    assert _no(seller, SEND, seller.ship(order)) == "B150"
    seller.call(SEND, **seller.ship(order))


def test_an_open_refund_does_not_stop_a_shipment() -> None:
    seller = Seller()
    order = seller.order()
    seller.world.request_refund(order)
    seller.call(SEND, **seller.ship(order))
    assert seller.detail(order, "orders")["orders"]["order"][0]["refund_status"] == "WAIT_SELLER_AGREE"


def test_online_shipping_waits_for_its_number() -> None:
    seller = Seller()
    order = seller.order()
    announce = {"tid": order.order_id, "company_code": "YTO", "sender_id": "900001"}
    number = {"tid": order.order_id, "out_sid": "YT0000000000001"}
    assert _no(seller, CONFIRM, number) == "B05"
    seller.call(ONLINE, **announce)
    assert seller.detail(order, "status")["status"] == "WAIT_SELLER_SEND_GOODS"
    row = seller.call("taobao.logistics.orders.get", tid=order.order_id, fields="status")["shippings"]["shipping"]
    assert row == [{"status": "CREATED"}]
    cancelled = seller.call("taobao.logistics.online.cancel", tid=order.order_id)
    assert cancelled["recreated_order_id"] > 0
    assert _no(seller, "taobao.logistics.online.cancel", {"tid": order.order_id}) == "B05"
    seller.call(ONLINE, **announce)
    assert _no(seller, CONFIRM, number | {"out_sid": "1"}) == "B60"
    seller.call(CONFIRM, **number)
    assert seller.detail(order, "status")["status"] == "WAIT_BUYER_CONFIRM_GOODS"
    assert _no(seller, RESEND, seller.ship(order, "YT0000000000009")) == "P05"


@pytest.mark.parametrize(("variant", "code", "suffix"), [("plain", "DBKD", None), ("plain", "SNWL", None),
                                                         ("plain", "POST", "B52"), ("cod", "ZTO", "B86")])  # fmt: skip
def test_what_carriers_can_do_online(variant: str, code: str, suffix: str | None) -> None:
    seller = Seller()
    params = seller.ship(seller.order(variant), "780000000000") | {"company_code": code}
    if suffix is None:
        seller.call(ONLINE, **params)
    else:
        assert _no(seller, ONLINE, params) == suffix


def test_virtual_goods() -> None:
    seller = Seller()
    dummy = "taobao.logistics.dummy.send"
    assert _no(seller, dummy, {"tid": seller.order().order_id}) == "CD01"
    order = seller.order("virtual")
    seller.call(dummy, tid=order.order_id)
    assert seller.detail(order, "status,shipping_type") == {
        "status": "WAIT_BUYER_CONFIRM_GOODS",
        "shipping_type": "virtual",
    }
    assert _no(seller, dummy, {"tid": order.order_id}) == "B04"


def test_changing_a_number() -> None:
    seller = Seller()
    order = seller.order("several")
    assert _no(seller, RESEND, seller.ship(order)) == "CD19"
    seller.call(SEND, **seller.ship(order))
    assert _no(seller, RESEND, seller.ship(order)) == "P07"
    assert _no(seller, RESEND, seller.ship(order, "1")) == "P10"
    assert _no(seller, RESEND, seller.ship(order, is_split="1", sub_tid=order.lines[0].line_id)) == "CD29"
    seller.call(RESEND, **seller.ship(order, "780000000002") | {"company_code": "ZTO"})
    assert (order.packages[0].carrier, order.packages[0].tracking_no) == ("ZTO", "780000000002")
    seller.world.advance(50 * 86_400 + 1)
    assert _no(seller, RESEND, seller.ship(order, "YT0000000000003")) == "P08"


def test_changing_the_number_of_one_parcel_of_several() -> None:
    seller = Seller()
    order = seller.order("several")
    for n, line in enumerate(order.lines):
        seller.call(SEND, **seller.ship(order, f"YT000000000000{n}", is_split="1", sub_tid=line.line_id))
    new = seller.ship(order, "YT0000000000009")
    assert _no(seller, RESEND, new) == "CD23"
    both = ",".join(line.line_id for line in order.lines)
    assert _no(seller, RESEND, new | {"is_split": "1", "sub_tid": both}) == "B06"
    seller.call(RESEND, **new | {"is_split": "1", "sub_tid": order.lines[1].line_id})
    assert [package.tracking_no for package in order.packages] == ["YT0000000000000", "YT0000000000009"]


def test_carriers_and_their_rules() -> None:
    seller = Seller()
    companies = "taobao.logistics.companies.get"
    rows = seller.call(companies, session=None, fields="id,code,name,reg_mail_no")["logistics_companies"]
    known = {row["code"]: row for row in rows["logistics_company"]}
    sample = fixture("logistics.companies.response.json")["logistics_companies_get_response"]["logistics_companies"]
    for row in sample["logistics_company"]:
        assert known[row["code"]] == row
    assert len({row["id"] for row in known.values()}) == len(known) == len(CARRIERS)
    assert all(re.compile(row["reg_mail_no"]) for row in known.values())
    online = seller.call(companies, session=None, fields="code", order_mode="online")["logistics_companies"]
    assert {"code": "POST"} not in online["logistics_company"]


def test_an_offline_parcel_seems_signed_at_once() -> None:
    seller = Seller()
    order = seller.order()
    trace = "taobao.logistics.trace.search"
    assert seller.refused(trace, tid=order.order_id).startswith("15 isv.logistics-trace")
    seller.call(SEND, **seller.ship(order))
    first = seller.call(trace, tid=order.order_id)
    assert first["status"] == "对方已签收"
    assert [step["action"] for step in first["trace_list"]["transit_step_info"]] == ["CONSIGN"]
    seller.world.advance(2 * 86_400)
    seller.world.receive(order)
    steps = seller.call(trace, tid=order.order_id)["trace_list"]["transit_step_info"]
    assert [step["action"] for step in steps] == ["CONSIGN", "GOT", "SENT_SCAN", "SIGNED"]


def _oaid(seller: Seller, order: Any) -> str:
    fields = "receiver_name,receiver_address,created,receiver_mobile,receiver_phone,oaid"
    found: str = seller.detail(order, fields)["oaid"]
    return found


def test_an_oaid_is_one_receiver_of_one_shop_and_week() -> None:
    seller = Seller(shops=2)
    first = seller.order()
    same = seller.order(buyer=first.buyer)
    assert _oaid(seller, first) == _oaid(seller, same)
    assert len(_oaid(seller, first)) <= 128
    assert "oaid" not in seller.detail(first, "oaid,receiver_name"), "it needs four more fields"
    seller.world.advance(7 * 86_400)
    assert _oaid(seller, seller.order(buyer=first.buyer)) != _oaid(seller, first)
    before = _oaid(seller, first)
    seller.world.change_address(first, seller.stranger())
    assert _oaid(seller, first) != before
    assert seller.detail(first, "lm") == {"lm": "1"}


def test_merging() -> None:
    seller = Seller()
    first = seller.order()
    orders = [first, seller.order(buyer=first.buyer), seller.order()]
    rows = [{"oaid": _oaid(seller, order), "tid": order.order_id} for order in orders]
    found = seller.call("taobao.top.oaid.merge", merge_list=rows)["tid_list"]["string"]
    assert found[0] == f"{orders[0].order_id},{orders[1].order_id}"
    assert found[1:] == [orders[2].order_id]
    assert seller.refused("taobao.top.oaid.merge", merge_list=rows * 34).startswith("41")


@pytest.mark.parametrize("private", [True, False])
def test_decrypting(private: bool) -> None:
    seller = Seller(taobao_privacy_protection=private)
    order = seller.order()
    query = {"oaid": _oaid(seller, order), "tid": order.order_id, "scene": "1006"}

    def opened() -> Any:
        return seller.call("taobao.top.oaid.decrypt", query_list=[query])["receiver_list"]["receiver"][0]

    row = opened()
    assert (row["name"], row["address_detail"]) == (order.buyer.name, order.buyer.address.detail)
    assert (row["mobile"] != order.buyer.phone) is row["privacy_protection"] is private
    assert row["matched"] is True
    seller.world.change_address(order, seller.stranger())
    assert opened()["matched"] is False
    seller.world.cancel(order)
    closed = opened()
    assert closed["desensitize_rule"] == "DECRYPTION_DISABLED_BY_ORDERCLOSED"
    assert order.buyer.name not in json.dumps(closed, ensure_ascii=False)
    refused = seller.refused("taobao.top.oaid.decrypt", query_list=[query | {"scene": "9"}])
    assert refused == "41:Invalid arguments:query_list"


def _draw(seller: Seller, order: Any, **changes: Any) -> dict[str, Any]:
    form = fixture("waybill.get.request.json")["form"]
    request = json.loads(form["param_waybill_cloud_print_apply_new_request"])
    row = request["trade_order_info_dtos"][0]
    row["order_info"]["trade_order_list"] = [order.order_id]
    row["recipient"] |= {"tid": order.order_id, "oaid": _oaid(seller, order)} | changes
    return {"param_waybill_cloud_print_apply_new_request": request}


def test_waybills() -> None:
    seller = Seller()
    order = seller.order()
    get, cancel = "cainiao.waybill.ii.get", "cainiao.waybill.ii.cancel"
    row = seller.call(get, **_draw(seller, order))["modules"]["waybill_cloud_print_response"][0]
    again = seller.call(get, **_draw(seller, order))["modules"]["waybill_cloud_print_response"][0]
    assert row["waybill_code"] == again["waybill_code"]
    assert json.loads(row["print_data"])["ver"]
    assert seller.refused(get, **_draw(seller, order, oaid="stale")).startswith("15 isv.waybill")
    seller.call(SEND, **seller.ship(order, row["waybill_code"]))
    spare = {"cp_code": "YTO", "waybill_code": row["waybill_code"]}
    assert seller.call(cancel, **spare)["cancel_result"] is True
    assert seller.call(cancel, **spare)["cancel_result"] is False
    stand = seller.call("cainiao.waybill.ii.search", cp_code="YTO")["waybill_apply_subscription_cols"]
    branch = stand["waybill_apply_subscription_info"][0]["branch_account_cols"]["waybill_branch_account"][0]
    assert (branch["allocated_quantity"], branch["cancel_quantity"], branch["quantity"]) == (1, 1, 999)
