"""Taobao refunds: the list, states and versions, agreeing with limits and codes, refusing, returns."""

from typing import Any

import pytest

from sandbox.faults import FaultRule
from sandbox.model import Order, Refund
from sandbox.taobao.refunds import STATUSES
from tests.sandbox.taobao_kit import Seller, fixture

AGREE, REFUSE = "taobao.rp.refunds.agree", "taobao.refund.refuse"
LIST, GET, RETURN = "taobao.refunds.receive.get", "taobao.refund.get", "taobao.rp.returngoods.agree"


def _shipped(seller: Seller, **wanted: Any) -> Order:
    order = seller.order(**wanted)
    seller.world.ship(order, "YTO", f"YT{seller.world.number():013d}")
    return order


def _told(seller: Seller, refund: Refund, fields: str = "status") -> Any:
    return seller.call(GET, refund_id=refund.refund_id, fields=fields)["refund"]


def _info(seller: Seller, refund: Refund, **changes: Any) -> str:
    row = _told(seller, refund, "refund_version,refund_phase")
    values = {"id": refund.refund_id, "fen": refund.amount, "version": row["refund_version"]}
    return "|".join(str(value) for value in (values | {"phase": row["refund_phase"]} | changes).values())


def _rows(seller: Seller, **more: str) -> list[Any]:
    found = seller.call(LIST, fields="refund_id,status,modified", **more)
    rows: list[Any] = found.get("refunds", {"refund": []})["refund"]
    return rows


def test_a_refund_from_wish_to_money() -> None:
    seller = Seller()
    order = seller.order(quantity=1)
    stock = seller.world.sku(seller.shop, order.lines[0].sku_id)
    before = stock.sellable
    refund = seller.world.request_refund(order)
    assert _told(seller, refund, "status,refund_phase,dispute_type,good_status,has_good_return") == {
        "status": "WAIT_SELLER_AGREE",
        "refund_phase": "onsale",
        "dispute_type": "REFUND",
        "good_status": "BUYER_NOT_RECEIVED",
        "has_good_return": False,
    }
    answer = seller.call(AGREE, refund_infos=_info(seller, refund))
    assert (answer["succ"], answer["msg_code"]) == (True, "OP_SUCC")
    assert _told(seller, refund)["status"] == "SUCCESS"
    assert stock.sellable == before + 1
    assert seller.call(AGREE, refund_infos=_info(seller, refund))["msg_code"] == "OP_FAILURE_UE"


def test_a_return() -> None:
    seller = Seller()
    order = _shipped(seller)
    refund = seller.world.request_refund(order, kind="return")
    seller.call(RETURN, refund_id=refund.refund_id, seller_address_id="900001")
    assert _told(seller, refund)["status"] == "WAIT_BUYER_RETURN_GOODS"
    seller.world.return_goods(refund, "ZTO", "780000000001")
    row = _told(seller, refund, "status,company_name,sid,good_status,address")
    assert (row["status"], row["company_name"], row["sid"]) == (
        "WAIT_SELLER_CONFIRM_GOODS",
        "中通快递",
        "780000000001",
    )
    assert row["good_status"] == "BUYER_RETURNED_GOODS"
    assert row["address"]
    seller.call(AGREE, refund_infos=_info(seller, refund))
    assert seller.detail(order, "status")["status"] == "TRADE_CLOSED"
    assert seller.refused(RETURN, refund_id=refund.refund_id, seller_address_id="1").endswith("seller_address_id")
    assert seller.refused(RETURN, refund_id=refund.refund_id, seller_address_id="900001").startswith("15 isv.refund")


def test_after_the_end_of_a_trade_refunds_are_aftersales() -> None:
    seller = Seller()
    order = _shipped(seller)
    seller.world.finish(order)
    refund = seller.world.request_refund(order)
    row = _told(seller, refund, "refund_phase,order_status,good_status")
    assert row == {"order_status": "TRADE_FINISHED", "good_status": "BUYER_RECEIVED", "refund_phase": "aftersale"}
    seller.call(AGREE, refund_infos=_info(seller, refund))
    assert seller.detail(order, "status")["status"] == "TRADE_FINISHED"


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"version": 1}, "变更"),
        ({"phase": "aftersale"}, "阶段"),
        ({"fen": 1}, "金额"),
        ({"id": "5"}, "不存在"),
    ],
)
def test_what_stops_a_payment(changes: dict[str, Any], word: str) -> None:
    seller = Seller()
    refund = seller.world.request_refund(seller.order())
    answer = seller.call(AGREE, refund_infos=_info(seller, refund, **changes))
    assert (answer["succ"], answer["msg_code"]) == (False, "OP_FAILURE_UE")
    assert word in answer["results"]["refund_mapping_result"][0]["message"]
    assert refund.state == "requested"


def test_every_change_moves_the_version() -> None:
    seller = Seller()
    refund = seller.world.request_refund(seller.order())
    old = _info(seller, refund)
    seller.world.modify_refund(refund, reason="七天无理由")
    assert seller.call(AGREE, refund_infos=old)["succ"] is False
    assert seller.call(AGREE, refund_infos=_info(seller, refund))["succ"] is True


def test_several_refunds_have_their_own_outcomes() -> None:
    seller = Seller()
    refunds = [seller.world.request_refund(seller.order(quantity=1)) for _ in range(2)]
    infos = ",".join(_info(seller, refund) for refund in refunds)
    seller.world.faults.add(FaultRule(kind="partial_failure", channel="taobao", times=1))
    answer = seller.call(AGREE, refund_infos=infos, code="123456")
    assert answer["msg_code"] == "SOME_OP_SUCC"
    assert [row["succ"] for row in answer["results"]["refund_mapping_result"]] == [False, True]


def test_limits_and_the_code_for_large_sums() -> None:
    seller = Seller(taobao_refund_code_above=100)
    refund = seller.world.request_refund(seller.order())
    info = _info(seller, refund)
    assert seller.call(AGREE, refund_infos=info)["msg_code"] == "OP_FAILURE_UE"
    assert seller.call(AGREE, refund_infos=info, code="123456")["msg_code"] == "OP_SUCC"
    assert seller.refused(AGREE, refund_infos=",".join([info] * 21)).startswith("41")
    assert seller.refused(AGREE, refund_infos="1|600001|1|onsale").startswith("41")
    assert seller.refused(AGREE, refund_infos="1|600001").startswith("41")


def test_tmall_shops_review_first() -> None:
    seller = Seller(kind="tmall")
    refund = seller.world.request_refund(seller.order())
    assert seller.call(AGREE, refund_infos=_info(seller, refund))["succ"] is False
    version = str(_told(seller, refund, "refund_version")["refund_version"])
    seller.call(
        "taobao.rp.refund.review",
        refund_id=refund.refund_id, refund_phase="onsale", refund_version=version,
        operator="客服", message="同意", result="true",
    )  # fmt: skip
    assert seller.call(AGREE, refund_infos=_info(seller, refund))["succ"] is True


def test_refusing() -> None:
    seller = Seller()
    before = seller.world.request_refund(seller.order())
    assert _told(seller, before, "operation_contraint") == {"operation_contraint": "cannot_refuse"}
    say = {"refuse_message": "已发货，请勿退款"}
    assert seller.refused(REFUSE, refund_id=before.refund_id, **say) == "15 isv.refund-cannot-refuse"
    refund = seller.world.request_refund(_shipped(seller))
    assert seller.refused(REFUSE, refund_id=refund.refund_id, refuse_message="不").startswith("41")
    assert seller.refused(REFUSE, refund_id=refund.refund_id, refund_version="1", **say).endswith("version-changed")
    answer = seller.call(REFUSE, refund_id=refund.refund_id, **say)
    assert answer["refund"]["status"] == "SELLER_REFUSE_BUYER"
    assert seller.refused(REFUSE, refund_id=refund.refund_id, **say).startswith("15 isv.refund-status-error")
    assert seller.refused(REFUSE, refund_id="1", **say) == "15 isv.refund-not-exist"
    seller.world.modify_refund(refund, reason="x")
    assert _told(seller, refund)["status"] == "WAIT_SELLER_AGREE"


def test_tmall_refusals_need_phase_and_version() -> None:
    seller = Seller(kind="tmall")
    refund = seller.world.request_refund(_shipped(seller))
    assert seller.refused(REFUSE, refund_id=refund.refund_id, refuse_message="已发货") == (
        "40:Missing required arguments:refund_phase"
    )


@pytest.mark.parametrize("word", sorted(STATUSES))
def test_every_status_can_be_listed(word: str) -> None:
    seller = Seller()
    refund = seller.world.request_refund(seller.order())
    seller.world.show_refund(refund, word)
    assert [row["status"] for row in _rows(seller, status=word)] == [word]


def test_the_list_follows_changes() -> None:
    seller = Seller()
    refunds = []
    for _ in range(3):
        refunds.append(seller.world.request_refund(seller.order()))
        seller.world.advance(60)
    seller.world.withdraw_refund(refunds[0])
    ids = [row["refund_id"] for row in _rows(seller)]
    assert ids == [refunds[n].refund_id for n in (0, 2, 1)]
    assert [row["refund_id"] for row in _rows(seller, status="CLOSED")] == ids[:1]
    assert [row["refund_id"] for row in _rows(seller, page_size="1", page_no="2")] == ids[1:2]
    again = seller.world.request_refund(seller.world.order(refunds[0].order_id))
    line = seller.detail(seller.world.order(again.order_id), "orders")["orders"]["order"][0]
    assert line["refund_id"] == again.refund_id != refunds[0].refund_id
    assert int(again.refund_id) > 2**53


def test_stopping_a_shipment() -> None:
    seller = Seller()
    refund = seller.world.request_refund(seller.order())
    param = {"refund_id": refund.refund_id, "tid": refund.order_id, "oid": refund.line_id, "status": "FAIL"}
    cancel = "taobao.rdc.aligenius.sendgoods.cancel"
    seller.call(cancel, param=param)
    assert refund.state == "requested"
    assert seller.call(cancel, param=param | {"status": "SUCCESS"})["result"] == {"success": True}
    assert refund.state == "refunded"


def test_reasons() -> None:
    seller = Seller()
    refund = seller.world.request_refund(seller.order())
    answer = seller.call(
        "taobao.refund.refusereason.get",
        refund_id=refund.refund_id, refund_phase="onsale", fields="reason_id,reason_text,reason_tips",
    )  # fmt: skip
    sample = fixture("refund.refuse_reason.response.json")["refund_refusereason_get_response"]
    assert answer["reasons"] == sample["reasons"]
