"""Field by field: every documented answer about trades, refunds, logistics, receivers and the seller against ours.

Goods, stock, prices and messages have tests of their own.
"""

from typing import Any

import pytest

from sandbox.model import Order
from tests.sandbox.taobao_kit import FIXTURES, TYPES, Seller, differences, fixture

MINE = ("logistics.", "oaid.", "order.", "refund.", "time.", "user.", "waybill.")
NAMES = sorted(path.name for path in FIXTURES.glob("*.response.json") if path.name.startswith(MINE))
OAID = "receiver_name,receiver_address,created,receiver_mobile,receiver_phone,oaid"


def _names(row: dict[str, Any]) -> str:
    """`fields` that ask for exactly what a sample trade or refund has."""
    lines = row.get("orders", {"order": [{}]})["order"]
    inner = [f"orders.{name}" for name in {name: None for line in lines[:1] for name in line}]
    return ",".join([name for name in row if name != "orders"] + inner)


def _inner(name: str, *path: str) -> Any:
    """Inside a sample."""
    found = next(iter(fixture(name).values()))
    for step in path:
        found = found[step]
    return found


def _rich_order(seller: Seller) -> Order:
    """Two lines, one of them a gift, with coupons, a price cut, a memo and a note."""
    order = seller.order("gift", sku=seller.sku, buyer=seller.stranger())
    order.lines[0].discounts.seller, order.lines[0].discounts.platform = 2000, 100
    order.buyer_note, order.postage = "请尽快发货 😀", 800
    seller.world.set_memo(order, "VIP", 3)
    return order


def trade_answers() -> dict[str, Any]:
    """Lists and details."""
    seller = Seller(kind="tmall")
    order = _rich_order(seller)
    detail = "taobao.trade.fullinfo.get"
    said = {
        "order.detail": seller.answer(
            detail,
            tid=order.order_id,
            fields=_names(_inner("order.detail.response.json", "trade")),
            include_oaid="true",
        )
    }
    fields = _names(_inner("order.list.response.json", "trades", "trade")[0])
    listing = {"fields": fields, "type": TYPES} | seller.window()
    increment = "taobao.trades.sold.increment.get"
    said["order.list"] = seller.answer(increment, **listing)
    said["order.list.has_next"] = seller.answer(increment, **listing, use_has_next="true")
    said["order.list.simplify"] = seller.answer(increment, **listing, simplify="true")
    said["order.list.empty"] = seller.answer(increment, **listing | {"type": "cod"})
    amounts = fixture("order.amount.request.json")["form"]["fields"].replace(",promotion_details", "")
    said["order.amount"] = seller.answer("taobao.trade.amount.get", tid=order.order_id, fields=amounts)
    said["order.memo_update"] = seller.answer("taobao.trade.memo.update", tid=order.order_id, memo="x", flag="3")
    step = seller.order("deposit", paid=False)
    seller.world.pay(step)
    presale = _names(_inner("order.detail.presale.response.json", "trade"))
    said["order.detail.presale"] = seller.answer(detail, tid=step.order_id, fields=presale)
    done = seller.order(quantity=1, sku=seller.sku)
    seller.world.ship(done, "YTO", "YT0000000000009")
    seller.world.finish(done)
    single = _names(_inner("order.detail.single.response.json", "trade"))
    said["order.detail.single"] = seller.answer(detail, tid=done.order_id, fields=single)
    unpaid = seller.order(paid=False)
    seller.world.advance(10)
    said["order.close"] = seller.answer("taobao.trade.close", tid=unpaid.order_id, close_reason="缺货")
    said["time"] = seller.answer("taobao.time.get", session=None)
    said["user.seller"] = seller.answer("taobao.user.seller.get", fields="user_id,nick,type,status,has_shop")
    return said


def logistics_answers() -> dict[str, Any]:
    """Parcels sent every way, and receivers."""
    seller = Seller()
    orders = [seller.order("several"), seller.order(), seller.order(), seller.order("virtual")]
    first, online, announced, virtual = orders
    oaid = seller.detail(first, OAID)["oaid"]
    query = {"tid": first.order_id, "scene": "1006"}
    decrypt = "taobao.top.oaid.decrypt"
    said = {
        "oaid.decrypt": seller.answer(decrypt, query_list=[query | {"oaid": oaid}]),
        "oaid.decrypt.mismatch": seller.answer(decrypt, query_list=[query | {"oaid": "1stale"}]),
        "oaid.merge": seller.answer("taobao.top.oaid.merge", merge_list=[{"oaid": oaid, "tid": first.order_id}]),
    }
    split = {"is_split": "1", "sub_tid": first.lines[0].line_id}
    said["logistics.offline_send"] = seller.answer("taobao.logistics.offline.send", **seller.ship(first), **split)
    said["logistics.online_send"] = seller.answer(
        "taobao.logistics.online.send", **seller.ship(online, "YT0000000000002")
    )
    seller.call("taobao.logistics.online.send", tid=announced.order_id, company_code="YTO")
    said["logistics.online_confirm"] = seller.answer(
        "taobao.logistics.online.confirm", tid=announced.order_id, out_sid="YT0000000000003"
    )
    said["logistics.dummy_send"] = seller.answer("taobao.logistics.dummy.send", tid=virtual.order_id)
    changed = seller.ship(first, "YT0000000000004") | split
    said["logistics.resend"] = seller.answer("taobao.logistics.consign.resend", **changed)
    fields = fixture("logistics.orders.request.json")["form"]["fields"]
    said["logistics.orders"] = seller.answer("taobao.logistics.orders.get", tid=first.order_id, fields=fields)
    said["logistics.trace"] = seller.answer("taobao.logistics.trace.search", tid=first.order_id)
    companies = fixture("logistics.companies.request.json")["form"]["fields"]
    said["logistics.companies"] = seller.answer("taobao.logistics.companies.get", session=None, fields=companies)
    said["logistics.address"] = seller.answer("taobao.logistics.address.search", rdef="get_def")
    draw = fixture("waybill.get.request.json")["form"]["param_waybill_cloud_print_apply_new_request"]
    draw = draw.replace("1exampleOaidExampleOaidExampleOaidExampleOaid01ab", oaid)
    draw = draw.replace("2150000000000000001", first.order_id)
    said["waybill.get"] = seller.answer("cainiao.waybill.ii.get", param_waybill_cloud_print_apply_new_request=draw)
    said["waybill.search"] = seller.answer("cainiao.waybill.ii.search", cp_code="YTO")
    said["waybill.cancel"] = seller.answer("cainiao.waybill.ii.cancel", cp_code="YTO", waybill_code="YT0")
    return said


def refund_answers() -> dict[str, Any]:
    """A refund before shipping, one after, and a return on its way."""
    seller = Seller()
    refund = seller.world.request_refund(seller.order(quantity=1, sku=seller.sku))
    get = "taobao.refund.get"
    fields = _names(_inner("refund.list.response.json", "refunds", "refund")[0])
    said = {"refund.list": seller.answer("taobao.refunds.receive.get", fields=fields)}
    fields = _names(_inner("refund.detail.response.json", "refund"))
    said["refund.detail"] = seller.answer(get, refund_id=refund.refund_id, fields=fields)
    reasons = fixture("refund.refuse_reason.request.json")["form"]["fields"]
    said["refund.refuse_reason"] = seller.answer(
        "taobao.refund.refusereason.get", refund_id=refund.refund_id, refund_phase="onsale", fields=reasons
    )
    version = seller.call(get, refund_id=refund.refund_id, fields="refund_version")["refund"]["refund_version"]
    info = f"{refund.refund_id}|{refund.amount}|{version}|onsale"
    said["refund.agree"] = seller.answer("taobao.rp.refunds.agree", refund_infos=info)
    order = seller.order(sku=seller.sku)
    seller.world.ship(order, "YTO", "YT0000000000001")
    refund = seller.world.request_refund(order)
    said["refund.refuse"] = seller.answer(
        "taobao.refund.refuse", refund_id=refund.refund_id, refuse_message="已发货，请勿退款"
    )
    seller.world.withdraw_refund(refund)
    back = seller.world.request_refund(order, kind="return")
    said["refund.return_agree"] = seller.answer(
        "taobao.rp.returngoods.agree", refund_id=back.refund_id, seller_address_id="900001"
    )
    seller.world.return_goods(back, "ZTO", "780000000001")
    fields = _names(_inner("refund.detail.return.response.json", "refund"))
    said["refund.detail.return"] = seller.answer(get, refund_id=back.refund_id, fields=fields)
    return said


ANSWERS = trade_answers() | logistics_answers() | refund_answers()


@pytest.mark.parametrize("name", NAMES)
def test_answers_have_the_samples_fields_and_types(name: str) -> None:
    assert differences(fixture(name), ANSWERS[name.removesuffix(".response.json")]) == []


def test_a_gift_has_the_samples_fields_too() -> None:
    sample = _inner("order.detail.response.json", "trade")["orders"]["order"][2]
    gift = ANSWERS["order.detail"]["trade_fullinfo_get_response"]["trade"]["orders"]["order"][1]
    missing = {each for each in differences(sample, gift) if not each.endswith("is extra")}
    assert missing == {".is_free_gift is missing", ".need_return is missing"}, "these two were not asked for"
