"""Deciding on service orders, `asc.*`: audit, receiving, processing, cancelling.

No call pays: goods that are registered turn a return into a refund application (`refunds.py`). A write that carries a
`sysVersion` other than the service order's is refused; audits of the shop and processing must carry one (inferred).
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass

from ..model import Refund, RefundKind
from . import services
from .aftersale_states import AUDITED, DECIDABLE, TO_PROCESS, TO_RECEIVE, UNCLAIMED, service_status
from .call import Call, Members, Method
from .desk import Service
from .errors import Refusal

Step = Callable[[Call, Refund, Service], None]
REGISTERED = (
    "packingState", "qualityState", "invoiceRecord", "judgmentReason", "accessoryOrGift", "appearanceState",
)  # fmt: skip
OPEN = AUDITED | TO_RECEIVE | TO_PROCESS
_WAITING_FOR_BUYER = frozenset({10009})


@dataclass(frozen=True, slots=True)
class Write:
    """One deciding call: statuses it is allowed in, what it does, what the log says, whether it must name a version."""

    statuses: Collection[int]
    step: Step
    words: str
    versioned: bool = False

    def __call__(self, call: Call) -> Members:
        services.check_operator(call)
        refund = services.find(call)
        if self.versioned or "sysVersion" in call.params:
            seen = call.params.integer("sysVersion")
            if seen != refund.revision:
                raise Refusal(10700003, "服务单已被修改，请刷新后重试")
        service = call.desk.service(refund)
        if service_status(refund, service) not in self.statuses:
            raise Refusal(10700004, "服务单状态不允许该操作")
        self.step(call, refund, service)
        refund.code = None
        operator = call.params.text("operateNick")
        service.updated_by = operator
        service.log.append((call.world.now(), operator, self.words))
        return services.success()


def _approve(call: Call, service: Service, result: int | None) -> None:
    service.approver, service.approver_name = call.params.text("operatePin"), call.params.text("operateNick")
    service.approve_notes = call.params.text("approveNotes", "")
    service.approve_result, service.approved = result, call.world.now()


def _need_notes(call: Call) -> None:
    call.params.required("approveNotes")


def _claim(call: Call, refund: Refund, _: Service) -> None:
    call.world.touch_refund(refund, "refund.deadline_changed")


def _refuse(call: Call, refund: Refund, service: Service) -> None:
    _need_notes(call)
    call.params.integer("approveReasonCid1")
    call.world.refuse_refund(refund, call.params.text("approveNotes"))
    _approve(call, service, None)


def _let_it_come_back(result: int, *, pickup: bool = False) -> Step:
    def step(call: Call, refund: Refund, service: Service) -> None:
        _need_notes(call)
        call.world.agree_return(refund)
        service.pickup = pickup
        _approve(call, service, result)

    return step


def _send_new_goods(result: int) -> Step:
    def step(call: Call, refund: Refund, service: Service) -> None:
        call.world.agree_resend(refund)
        _approve(call, service, result)

    return step


def _sent_offline(call: Call, refund: Refund, service: Service) -> None:
    _send_parcel(call, refund)
    _approve(call, service, 87)


def _send_parcel(call: Call, refund: Refund) -> None:
    company = call.params.text("shipWayName", "") or call.params.required("shipWayId")
    call.world.send_replacement(refund, company, call.params.required("expressCode"))


def _ask_buyer(call: Call, refund: Refund, service: Service) -> None:
    """The buyer answers with the control step `modify_refund`."""
    call.world.touch_refund(refund, "refund.modified")
    service.question = "asked"


def _cancel(call: Call, refund: Refund, _: Service) -> None:
    call.world.close_refund(refund)


def _register(call: Call, refund: Refund, _: Service) -> None:
    for name in ("receivePin", "receiveName"):
        call.params.required(name)
    for name in REGISTERED:
        call.params.integer(name)
    call.world.register_return(refund)


def _back(call: Call, refund: Refund, _: Service) -> None:
    """The buyer's own goods go back to him; no money."""
    _send_parcel(call, refund)


def _change_offline(call: Call, refund: Refund, _: Service) -> None:
    _only(refund, RefundKind.EXCHANGE)
    _send_parcel(call, refund)


def _renew(call: Call, refund: Refund, service: Service) -> None:
    """An exchange is a new order for nothing. Until it is confirmed the service order waits for the buyer."""
    _only(refund, RefundKind.EXCHANGE)
    world, order = call.world, call.world.order(refund.order_id)
    sku = world.sku(call.shop, order.line(refund.line_id).sku_id)
    new = world.place(call.shop, sku=sku, quantity=refund.quantity, variant="plain", buyer=order.buyer)
    new.variant, new.postage, new.buyer_note = "exchange", 0, ""
    for line in new.lines:
        line.discounts.seller = line.amount
    world.touch_order(new, "order.changed")
    world.agree_resend(refund)
    service.new_order_id = new.order_id


def _only(refund: Refund, kind: RefundKind) -> None:
    if refund.kind is not kind:
        raise Refusal(10700004, "服务单状态不允许该操作")


def _recall(call: Call, refund: Refund, _: Service) -> None:
    call.world.recall_replacement(refund)


def _close(call: Call, refund: Refund, _: Service) -> None:
    call.params.required("refuseReason")
    call.world.refuse_refund(refund, call.params.text("refuseReasonName", "") or call.params.text("refuseReason"))


def _intervene(call: Call, refund: Refund, _: Service) -> None:
    call.world.arbitrate(refund)


def _save_freight(call: Call, refund: Refund, _: Service) -> None:
    """jingdong.asc.freight.save: the shop enters the buyer's return waybill."""
    call.world.return_goods(refund, call.params.required("expressCompany"), call.params.required("expressCode"))


_WRITES = {
    "audit.fetch": Write(UNCLAIMED.keys(), _claim, "领取"),
    "audit.refuse": Write(DECIDABLE, _refuse, "审核不通过", versioned=True),
    "audit.send": Write(DECIDABLE, _let_it_come_back(33), "审核通过，客户发货", versioned=True),
    "audit.homepick": Write(DECIDABLE, _let_it_come_back(31, pickup=True), "审核通过，上门取件"),
    "audit.delivery": Write(DECIDABLE, _let_it_come_back(32), "审核通过，客户送货"),
    "audit.compensate": Write(DECIDABLE, _send_new_goods(21), "审核通过，直赔商品"),
    "audit.doorRenew": Write(DECIDABLE, _send_new_goods(22), "审核通过，上门换新"),
    "audit.reissue": Write(DECIDABLE, _sent_offline, "审核通过，线下补发"),
    "audit.waitFeedback": Write(DECIDABLE, _ask_buyer, "待客户反馈"),
    "common.cancel": Write(OPEN, _cancel, "取消"),
    "receive.register": Write(TO_RECEIVE, _register, "收货登记"),
    "process.back": Write(TO_PROCESS, _back, "原返", versioned=True),
    "process.return.cancel": Write(_WAITING_FOR_BUYER, _recall, "取消原返", versioned=True),
    "process.renew": Write(TO_PROCESS, _renew, "换新", versioned=True),
    "process.offline.change": Write(TO_PROCESS, _change_offline, "线下换新", versioned=True),
    "process.offLineChange.cancel": Write(_WAITING_FOR_BUYER, _recall, "取消线下换新", versioned=True),
    "process.close": Write(TO_PROCESS, _close, "关闭", versioned=True),
    "process.JdIntervene": Write(frozenset({10001, 10004, 10009}), _intervene, "京东介入", versioned=True),
    "freight.save": Write(TO_RECEIVE, _save_freight, "保存运单"),
}
METHODS = {f"jingdong.asc.{name}": Method(write, services.failure) for name, write in _WRITES.items()}
