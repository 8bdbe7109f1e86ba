"""Pinduoduo's after-sales. The detail speaks fen and the list yuan, and they count the types differently."""

from connectors.pinduoduo import wire
from connectors.pinduoduo.mapping.orders import parcel
from connectors.pinduoduo.mapping.tables import KIND_OF, MAY_TRAVEL, STAGE_OF
from connectors.pinduoduo.mapping.values import fen_of, instant, required_instant
from core.model import AfterSale, ParcelKind, ReturnParcel
from core.status import AfterSaleKind, AfterSaleStage, Fact

_StageFact = Fact[AfterSaleStage]


def after_sale(shop_id: str, detail: wire.RefundDetail) -> AfterSale:
    """From the detail: types count from 1, amounts are fen."""
    stage = _stage(detail.after_sales_status, detail.express_no)
    sent = detail.exchange_shipping_detail
    return AfterSale(
        shop_id=shop_id,
        id=detail.id,
        order_id=detail.order_sn,
        sku_id=detail.sku_id or "",
        kind=KIND_OF.get(detail.after_sales_type, AfterSaleKind.UNKNOWN),
        kind_raw=detail.after_sales_type,
        stage=stage,
        quantity=detail.goods_number,
        refund=int(detail.refund_amount or 0),
        refunded=stage.value is AfterSaleStage.REFUNDED,
        reason=detail.after_sales_reason or "",
        # That recreated_at is the creation is inferred.
        created_at=instant(detail.recreated_at) or required_instant(detail.updated_time),
        updated_at=required_instant(detail.updated_time),
        deadline=instant(detail.expire_time),
        returned=_returned(detail.express_no, detail.shipping_name),
        replacement=parcel(ParcelKind.RESEND, sent.shipping_id or "", sent.tracking_number, None)
        if sent and sent.tracking_number
        else None,
        platform_involved=detail.join_or_not == "1" or stage.value is AfterSaleStage.PLATFORM,
    )


def listed_after_sale(shop_id: str, row: wire.RefundRow) -> AfterSale:
    """From the list: types count from 2, amounts are yuan, the deadline is missing."""
    kind = str(int(row.after_sales_type) - 1) if row.after_sales_type.isdigit() else row.after_sales_type
    stage = _stage(row.after_sales_status, row.tracking_number)
    return AfterSale(
        shop_id=shop_id,
        id=row.id,
        order_id=row.order_sn,
        sku_id=row.sku_id or "",
        kind=KIND_OF.get(kind, AfterSaleKind.UNKNOWN),
        kind_raw=kind,
        stage=stage,
        quantity=row.goods_number,
        refund=fen_of(row.refund_amount),
        refunded=stage.value is AfterSaleStage.REFUNDED,
        reason=row.after_sale_reason or "",
        created_at=required_instant(row.created_time),
        updated_at=required_instant(row.updated_time),
        returned=_returned(row.tracking_number, row.shipping_name),
        platform_involved=stage.value is AfterSaleStage.PLATFORM,
    )


def _stage(status: str, return_number: str | None) -> Fact[AfterSaleStage]:
    """A return that has a number is under way, whatever status it waits in (inferred)."""
    value = STAGE_OF.get(status, AfterSaleStage.UNKNOWN)
    if return_number and status in MAY_TRAVEL:
        value = AfterSaleStage.RETURNED
    return _StageFact(value=value, raw=status)


def _returned(tracking_no: str | None, carrier_name: str | None) -> ReturnParcel | None:
    return ReturnParcel(tracking_no=tracking_no, carrier_name=carrier_name or "") if tracking_no else None
