"""Taobao's refunds, which are its after-sales of every kind. List and detail spell their fields alike."""

from connectors.taobao import wire
from connectors.taobao.mapping.tables import KIND_OF, NOT_SHIPPED, STAGE_OF
from connectors.taobao.mapping.values import fen_of, instant_of, required_instant, sku_id_of
from core.model import AfterSale, ReturnParcel
from core.status import AfterSaleKind, AfterSaleStage, Fact

_StageFact = Fact[AfterSaleStage]
_REPLACEMENTS = (AfterSaleKind.EXCHANGE, AfterSaleKind.RESEND, AfterSaleKind.REPAIR)


def after_sale(shop_id: str, refund: wire.Refund) -> AfterSale:
    """A refund; the deadline is in the detail only. Raises ValueError for a time or an amount that is none."""
    kind = _kind(refund)
    stage = _stage(refund.status, kind)
    deadline = refund.refund_remind_timeout
    return AfterSale(
        shop_id=shop_id,
        id=refund.refund_id,
        order_id=refund.tid,
        line_ids=(refund.oid,) if refund.oid else (),
        sku_id=sku_id_of(refund.num_iid, (refund.sku or "").partition("|")[0]),
        kind=kind,
        kind_raw=refund.dispute_type or "",
        stage=stage,
        quantity=refund.num,
        refund=fen_of(refund.refund_fee),
        refunded=stage.value is AfterSaleStage.REFUNDED,
        reason=refund.reason or "",
        created_at=required_instant(refund.created),
        updated_at=required_instant(refund.modified),
        deadline=instant_of(deadline.timeout) if deadline and deadline.exist_timeout else None,
        returned=ReturnParcel(tracking_no=refund.sid, carrier_name=refund.company_name or "") if refund.sid else None,
        platform_involved=(refund.cs_status or 1) > 1,
    )


def _kind(refund: wire.Refund) -> AfterSaleKind:
    """Old refunds have no dispute_type; whether goods come back tells then."""
    told = refund.dispute_type or ("REFUND_AND_RETURN" if refund.has_good_return else "REFUND")
    kind = KIND_OF.get(told, AfterSaleKind.UNKNOWN)
    if kind is AfterSaleKind.REFUND_ONLY and refund.order_status in NOT_SHIPPED:
        return AfterSaleKind.REFUND_UNSHIPPED
    return kind


def _stage(status: str, kind: AfterSaleKind) -> Fact[AfterSaleStage]:
    value = STAGE_OF.get(status, AfterSaleStage.UNKNOWN)
    if value is AfterSaleStage.REFUNDED and kind in _REPLACEMENTS:
        value = AfterSaleStage.DONE
    return _StageFact(value=value, raw=status)
