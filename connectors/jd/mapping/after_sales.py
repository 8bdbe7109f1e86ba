"""JD's after-sales, which are two families: refund applications (money, mostly before the goods arrive) and service
orders (what follows once they have). Their ids carry the family, so that the two never collide."""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

from connectors.jd import wire
from connectors.jd.mapping.tables import (
    APPLICATION_STAGE_OF,
    EXPECTATION_OF,
    FINISHED,
    MAIN_GOODS,
    MONEY_BACK,
    REPLACEMENT_STAGE_OF,
    SERVICE_STAGE_OF,
    WANTS_MONEY,
)
from connectors.jd.mapping.values import fen_of, instant, instant_of, required_instant
from core.model import AfterSale
from core.status import AfterSaleKind, AfterSaleStage, Fact

_StageFact = Fact[AfterSaleStage]


def application(shop_id: str, row: wire.Application) -> AfterSale:
    """From a refund application. It has no time of change: a decision's time stands in, or the application's."""
    applied, checked = required_instant(row.applyTime), instant_of(row.checkTime)
    stage = APPLICATION_STAGE_OF.get(row.status, AfterSaleStage.UNKNOWN)
    return AfterSale(
        shop_id=shop_id,
        id=f"refund:{row.id}",
        order_id=row.orderId,
        kind=AfterSaleKind.REFUND_ONLY,
        kind_raw=row.systemId or "",
        stage=_StageFact(value=stage, raw=row.status, at=applied if row.status == "0" else checked),
        refund=int((row.applyRefundSum or Decimal()).to_integral_value(ROUND_HALF_UP)),
        refunded=stage is AfterSaleStage.REFUNDED,
        reason=row.reason or "",
        created_at=applied,
        updated_at=max(applied, checked or applied),
    )


def ask_for_refunds(bill: wire.ServiceBill) -> bool:
    """Whether what became of this service order's money stands in a record of its own."""
    return bill.serviceStatus == FINISHED and _kind(bill) in WANTS_MONEY


def service(shop_id: str, bill: wire.ServiceBill, refunds: Sequence[wire.ServiceRefund] = ()) -> AfterSale:
    """From a service order and the refunds of its order. Raises ValueError where a time is missing."""
    kind = _kind(bill)
    paid = [each for each in refunds if each.status == MONEY_BACK and _is_for(each, bill)]
    goods = [each for each in bill.serviceBillDetailList or () if each.wareType == MAIN_GOODS]
    wanted = sum(fen_of(each.actualPayPrice) for each in goods) if kind in WANTS_MONEY else 0
    applied = instant(bill.applyTime)
    if applied is None:
        raise ValueError("a time is missing")
    return AfterSale(
        shop_id=shop_id,
        id=f"service:{bill.serviceId}",
        order_id=bill.orderId,
        sku_id=goods[0].skuId or "" if goods else "",
        kind=kind,
        kind_raw=bill.customerExpect or "",
        stage=_StageFact(value=_stage(bill, kind, refunded=bool(paid)), raw=bill.serviceStatus),
        quantity=sum(each.wareNum or 0 for each in goods) or bill.serviceCount,
        refund=sum(fen_of(each.refoundAmount) for each in paid) if paid else wanted,
        refunded=bool(paid),
        # The buyer's own words (questionDesc) may name people and stay in the raw answer.
        reason=bill.questionTypeCid1Name or "",
        created_at=applied,
        updated_at=instant(bill.updateDate) or instant(bill.approveDate) or applied,
    )


def _kind(bill: wire.ServiceBill) -> AfterSaleKind:
    return EXPECTATION_OF.get(bill.customerExpect or "", AfterSaleKind.UNKNOWN)


def _is_for(refund: wire.ServiceRefund, bill: wire.ServiceBill) -> bool:
    """The record lists all refunds of the order."""
    return refund.sameOrderServiceBill.serviceId == bill.serviceId


def _stage(bill: wire.ServiceBill, kind: AfterSaleKind, *, refunded: bool) -> AfterSaleStage:
    code = bill.serviceStatus
    if refunded:
        return AfterSaleStage.REFUNDED
    if kind not in WANTS_MONEY and code in REPLACEMENT_STAGE_OF:
        return REPLACEMENT_STAGE_OF[code]
    return SERVICE_STAGE_OF.get(code, AfterSaleStage.UNKNOWN)
