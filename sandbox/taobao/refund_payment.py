"""taobao.rp.refunds.agree: paying refunds back, several at a time, with limits and a code for large sums.

Each refund has its own outcome; texts of failures are ours. Any six digits are the right code (inferred form).
"""

import re
from typing import Any

from ..model import Refund
from ..world import Refused
from . import errors, states
from .call import Api, Call
from .refund_wire import version

MOST = {False: (20, 600_000), True: (30, 1_000_000)}
"""Tmall or not -> (refunds, fen) in one call."""
_INFO = re.compile(r"(\d+)\|(\d+)\|(\d+)\|(onsale|aftersale)")
_CODE = re.compile(r"\d{6}")


def agree(call: Call) -> dict[str, Any]:
    """`refund_infos` is `id|fen|version|phase`, comma separated."""
    rows = [_INFO.fullmatch(each) for each in call.params.words("refund_infos")]
    infos = [row for row in rows if row is not None]
    most, most_fen = MOST[call.is_tmall]
    fen = sum(int(info[2]) for info in infos)
    if len(infos) < len(rows) or len(infos) > most or fen > most_fen:
        raise errors.invalid("refund_infos")
    if fen > call.world.settings.taobao_refund_code_above and not _CODE.fullmatch(call.params.text("code")):
        return {"succ": False, "message": "需要短信验证码，已发送至卖家手机", "msg_code": "OP_FAILURE_UE"}
    results = [_pay(call, info[1], int(info[2]), int(info[3]), info[4]) for info in infos]
    good = sum(result["succ"] for result in results)
    word = "OP_SUCC" if good == len(results) else "SOME_OP_SUCC" if good else "OP_FAILURE_UE"
    return {
        "succ": good == len(results),
        "message": "操作成功" if good == len(results) else "部分操作失败" if good else "操作失败",
        "msg_code": word,
        "results": {"refund_mapping_result": results},
    }


def _pay(call: Call, refund_id: str, fen: int, stamp: int, phase: str) -> dict[str, Any]:
    refund = call.world.book(call.shop).refunds.get(refund_id)
    problem = "退款单不存在" if refund is None else _problem(call, refund, fen, stamp, phase)
    if refund is not None and not problem:
        try:
            call.world.agree_refund(refund)
        except Refused:
            problem = "退款单状态不允许操作"
        else:
            call.world.pay_back(refund)
    return {"refund_id": refund_id, "succ": not problem, "message": problem or "操作成功"}


def _problem(call: Call, refund: Refund, fen: int, stamp: int, phase: str) -> str:
    if call.item_fails():
        return "系统繁忙，请稍后重试"
    if stamp != version(refund):
        return "退款单已变更，请刷新后重试"
    if phase != states.phase(call.world.order(refund.order_id), refund):
        return "退款阶段不正确"
    if fen != refund.amount:
        return "退款金额不正确"
    if call.is_tmall and refund.refund_id not in call.memory.reviewed:
        return "退款单未审核"
    return ""


METHODS: dict[str, Api] = {"taobao.rp.refunds.agree": Api(agree, risky=True)}
