"""What a person may do about something parked: reason code → words, in English and Chinese."""

from dataclasses import dataclass

from core.db.parked import ROW, Parked

UNKNOWN = "unknown"


@dataclass(frozen=True)
class Advice:
    """What to do, in both languages."""

    english: str
    chinese: str


ADVICE: dict[str, Advice] = {
    "already_done": Advice(
        "the channel says it is so already: look at the order there, then dismiss, or retry to have it read back",
        "平台表示已完成：请在平台上核对，确认后放弃，或重试以回读",
    ),
    "conflict": Advice(
        "the channel's state forbids it (refund, promotion, lock): end that there, then retry",
        "平台当前状态不允许（退款、活动或锁定）：在平台处理后重试",
    ),
    "deadly": Advice(
        "the worker ends whenever it reads this: see its log and memory, report it, then retry or dismiss",
        "读取该对象会使工作进程退出：查看其日志与内存并反馈，然后重试或放弃",
    ),
    "decision": Advice(
        "both sides changed it: `qudao conflicts list`, then `qudao conflicts resolve`",
        "两边都改过：用 `qudao conflicts list` 查看，再用 `qudao conflicts resolve` 裁决",
    ),
    "denied": Advice(
        "give the app the permission, the shop its authorisation or the server its allowed address, then retry",
        "请为应用开通权限、重新授权或添加出口 IP，然后重试",
    ),
    "garbled": Advice("the gateway answered with an error page: retry", "网关返回错误页面：重试"),
    "invalid": Advice(
        "a value is wrong (carrier, number, price, memo): send the right one from the ERP, then dismiss this",
        "取值有误（快递公司、单号、价格、备注）：由 ERP 发送正确的值，然后放弃本条",
    ),
    "malformed": Advice(
        "the answer is not as documented: retry; when it stays so, report it with its reason, then dismiss",
        "平台返回与文档不符：重试；仍失败请带原因反馈，然后放弃",
    ),
    "not_found": Advice(
        "the channel does not know it: check shop and id; when it was deleted there, dismiss",
        "平台上不存在：核对店铺与编号；若已删除则放弃",
    ),
    "not_sent": Advice("no connection: check the network, then retry", "无法连接平台：检查网络后重试"),
    "not_yet": Advice("its moment has not come: retry later", "时机未到：稍后重试"),
    "order_closed": Advice(
        "the order has ended: do not ship; take the goods back, then dismiss", "订单已结束：不要发货，收回货物后放弃"
    ),
    "outcome_unknown": Advice(
        "nobody knows whether it landed: look at the channel, then retry (it is read back first) or dismiss",
        "写入结果未知：先在平台核对，再重试（会先回读）或放弃",
    ),
    "reauthorize": Advice(
        "the seller authorises the app again: `qudao shop add`, `qudao shop resume`, then retry",
        "需卖家重新授权：`qudao shop add`、`qudao shop resume` 后重试",
    ),
    "refund_open": Advice(
        "the buyer asks for a refund: settle it on the channel and retry, or ship with refuse_refund",
        "买家申请退款：在平台处理后重试，或用 refuse_refund 发货",
    ),
    "rejected": Advice("the channel says why: remove the reason there, then retry", "按平台给出的原因处理后重试"),
    "shipped_otherwise": Advice(
        "somebody declared other numbers: correct them on the channel or in the ERP, then dismiss or retry",
        "已有其他运单号：在平台或 ERP 更正后放弃或重试",
    ),
    "throttled": Advice("the channel's limit was used up: retry later", "超出平台限额：稍后重试"),
    "unavailable": Advice("the channel was away: retry", "平台暂不可用：重试"),
    "unknown_carrier": Advice(
        "the channel does not take this carrier: send another one from the ERP, then dismiss this",
        "平台不支持该快递公司：由 ERP 换一家重发，然后放弃本条",
    ),
    "unknown_shop": Advice(
        "the shop is not connected: `qudao shop add` takes the notices up; else dismiss",
        "店铺未接入：`qudao shop add` 后自动处理，否则放弃",
    ),
    "unsupported": Advice(
        "this channel cannot do it: do it in its own backend, then dismiss", "该渠道不支持：请在平台后台操作，然后放弃"
    ),
    "nameless_row": Advice(
        "the row shows no id: `qudao resync` its time range, then dismiss",
        "该行没有编号：用 `qudao resync` 重新拉取相应时间段，然后放弃",
    ),
    UNKNOWN: Advice("read the reason; retry when it is gone, else dismiss", "查看原因；原因消除后重试，否则放弃"),
}


def advise(item: Parked) -> Advice:
    """What to do about it; never nothing."""
    if "qudao conflicts resolve" in item.reason:
        return ADVICE["decision"]
    if item.ref.startswith(f"{ROW}-") and not item.object_id:
        return ADVICE["nameless_row"]
    return ADVICE.get(item.code, ADVICE[UNKNOWN])
