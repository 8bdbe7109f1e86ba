"""Douyin's after-sales. The detail spells the list's fields differently; both become the same value."""

from collections.abc import Iterable
from datetime import UTC, datetime

from connectors.douyin import wire
from connectors.douyin.mapping.tables import (
    KIND_OF,
    MONEY_MAY_BE_BACK,
    PLATFORM_DECIDES,
    REFUND_ARRIVED,
    STAGE_OF,
    WHOLE_ORDER,
)
from connectors.douyin.mapping.values import instant, order_id_of
from core.model import AfterSale, ReturnParcel
from core.status import AfterSaleKind, AfterSaleStage, Fact

_StageFact = Fact[AfterSaleStage]


def after_sale(shop_id: str, detail: wire.AfterSaleDetail) -> AfterSale:
    """From afterSale.Detail, whose ids are numbers and whose fields are spelled differently."""
    process, told = detail.process_info, detail.process_info.after_sale_info
    info = wire.AfterSaleInfo(
        aftersale_id=told.after_sale_id,
        aftersale_order_type=told.after_sale_order_type,
        aftersale_type=told.after_sale_type,
        aftersale_status=told.after_sale_status,
        refund_status=told.refund_status,
        arbitrate_status=process.arbitrate_info.arbitrate_status if process.arbitrate_info else "0",
        apply_time=told.apply_time,
        update_time=told.update_time,
        status_deadline=told.status_deadline,
        refund_amount=told.refund_total_amount,
        refund_post_amount=told.refund_post_amount,
        aftersale_num=told.after_sale_apply_count,
    )
    back = process.logistics_info.returned if process.logistics_info else None
    return _after_sale(
        shop_id,
        info,
        order_id=detail.order_info.shop_order_id,
        line_ids=[line.sku_order_id for line in detail.order_info.sku_order_infos or ()],
        reason=told.reason,
        returned=_returned(back.tracking_no, back.company_name) if back else None,
    )


def listed_after_sale(shop_id: str, row: wire.AfterSaleRow) -> AfterSale:
    """From afterSale.List. Equal to what afterSale.Detail gives for the same version."""
    info = row.aftersale_info
    lines = row.order_info.related_order_info
    ids = [line.sku_order_id for line in lines] if lines else [info.related_id]
    return _after_sale(
        shop_id,
        info,
        order_id=row.order_info.shop_order_id,
        line_ids=ids,
        reason=row.text_part.reason_text if row.text_part else "",
        returned=_returned(info.return_logistics_code, info.return_logistics_company_name),
    )


def _after_sale(
    shop_id: str,
    info: wire.AfterSaleInfo,
    *,
    order_id: str,
    line_ids: Iterable[str],
    reason: str,
    returned: ReturnParcel | None,
) -> AfterSale:
    kind = KIND_OF.get(info.aftersale_type, AfterSaleKind.UNKNOWN)
    whole = info.aftersale_order_type == WHOLE_ORDER
    return AfterSale(
        shop_id=shop_id,
        id=info.aftersale_id,
        order_id=order_id_of(order_id),
        line_ids=() if whole else tuple(order_id_of(line) for line in line_ids if line),
        kind=kind,
        kind_raw=info.aftersale_type,
        stage=_stage(info, kind),
        quantity=info.aftersale_num,
        refund=info.refund_amount,
        refund_postage=info.refund_post_amount,
        refunded=info.refund_status == REFUND_ARRIVED,
        reason=reason,
        created_at=datetime.fromtimestamp(info.apply_time, UTC),
        updated_at=datetime.fromtimestamp(info.update_time, UTC),
        deadline=instant(info.status_deadline),
        returned=returned,
        platform_involved=info.arbitrate_status != "0",
    )


def _stage(info: wire.AfterSaleInfo, kind: AfterSaleKind) -> Fact[AfterSaleStage]:
    code = info.aftersale_status
    value = STAGE_OF.get(code, AfterSaleStage.UNKNOWN)
    if code in MONEY_MAY_BE_BACK and info.refund_status == REFUND_ARRIVED:
        value = AfterSaleStage.REFUNDED
    elif value is AfterSaleStage.REFUNDING and kind in _REPLACEMENTS and not info.refund_amount:
        value = AfterSaleStage.DONE
    elif info.arbitrate_status in PLATFORM_DECIDES and value in _UNDECIDED:
        value = AfterSaleStage.PLATFORM
    return _StageFact(value=value, raw=f"{code}/{info.refund_status}/{info.arbitrate_status}")


_REPLACEMENTS = (AfterSaleKind.EXCHANGE, AfterSaleKind.RESEND, AfterSaleKind.REPAIR)
_UNDECIDED = (AfterSaleStage.REQUESTED, AfterSaleStage.REFUSED, AfterSaleStage.RETURNED)


def _returned(tracking_no: str, carrier_name: str) -> ReturnParcel | None:
    return ReturnParcel(tracking_no=tracking_no, carrier_name=carrier_name) if tracking_no else None
