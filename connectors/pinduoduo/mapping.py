"""Pinduoduo's wire models to the canonical ones. Pure. Codes are in `tables`, money and lines in `order_lines`.

Orders speak yuan, details of after-sales and listings speak fen, the list of after-sales speaks yuan again.
"""

from datetime import UTC, datetime

from connectors.pinduoduo import order_lines, tables, wire
from core.model import (
    AfterSale,
    Flag,
    Invoice,
    Lineage,
    Listing,
    ListingSku,
    Masked,
    Memo,
    Order,
    Parcel,
    ParcelKind,
    Presale,
    Price,
    Receiver,
    ReturnParcel,
)
from core.money import fen, warnings
from core.status import (
    AfterSaleKind,
    AfterSaleStage,
    AfterSaleState,
    Closing,
    Fact,
    Fulfilment,
    Hold,
    Payment,
    Shelf,
)

# Naming a generic's parameter anew for every order would cost as much as validating it.
PaymentFact = Fact[Payment]
FulfilmentFact = Fact[Fulfilment]
ClosingFact = Fact[Closing]
HoldFact = Fact[Hold]
StateFact = Fact[AfterSaleState]

_MAY_TRAVEL = {"3", "7", "14", "15", "22"}
"""After-sale statuses in which the buyer's parcel may already be under way."""

_SHANGHAI = "+08:00"
"""The wall clock's offset, the same since 1991; looking it up takes twice as long."""

_NO_HOLD = HoldFact(value=Hold.NONE)
_NO_AFTER_SALE = StateFact(value=AfterSaleState.NONE)
_OPEN = ClosingFact(value=Closing.OPEN)


def order(shop_id: str, row: wire.OrderRow) -> Order:
    """An order of any order API. Raises ValueError for a time that is none."""
    money, doubts = order_lines.money(row)
    after_sale = _after_sale_fact(row)
    lines = order_lines.lines(row, money, after_sale)
    pay_time = utc(row.pay_time)
    return Order(
        shop_id=shop_id,
        id=row.order_sn,
        lines=lines,
        payment=_payment(row, pay_time),
        fulfilment=FulfilmentFact(
            value=tables.FULFILMENT_OF.get(row.order_status, Fulfilment.UNKNOWN),
            raw=row.order_status,
            at=utc(row.receive_time or row.shipping_time),
        ),
        closing=_closing(row),
        hold=_hold(row),
        after_sale=after_sale,
        money=money,
        created_at=_required(row.created_time or row.confirm_time),
        updated_at=_required(row.updated_at),
        paid_at=pay_time,
        shipped_at=utc(row.shipping_time),
        signed_at=utc(row.receive_time),
        ship_by=utc(row.last_ship_time),
        receiver=_receiver(row),
        buyer_note=row.buyer_memo or "",
        memo=Memo(text=(row.remark or "").strip(), flag=tables.FLAG_OF.get(row.remark_tag or "0", Flag.NONE)),
        parcels=_parcels(row),
        presale=_presale(row),
        invoice=Invoice() if row.invoice_status == "1" else None,
        out_of_stock=row.is_stock_out == "1" and row.stock_out_handle_status != "1",
        lineage=_lineage(row),
        kind={None: "normal", "0": "normal", "1": "deposit"}.get(row.trade_type, row.trade_type or ""),
        tags=_tags(row),
        warnings=(*doubts, *warnings(money, lines)),
    )


def _payment(row: wire.OrderRow, pay_time: datetime | None) -> Fact[Payment]:
    step = row.step_order_info.step_trade_status if row.step_order_info and row.trade_type == "1" else None
    if step is not None:
        return PaymentFact(value=tables.DEPOSIT_OF.get(step, Payment.UNKNOWN), raw=step, at=pay_time)
    # Lists hold confirmed orders only, and only what is paid can be confirmed.
    paid = pay_time is not None or row.confirm_status in {None, "1"}
    return PaymentFact(value=Payment.PAID if paid else Payment.UNPAID, raw=row.confirm_status or "", at=pay_time)


def _closing(row: wire.OrderRow) -> Fact[Closing]:
    """There is no closed status: refunded is final, and a cancelled order that was paid is refunded by the platform."""
    if row.refund_status == "4":
        return ClosingFact(value=Closing.CLOSED_REFUNDED, raw=f"refund_status {row.refund_status}")
    if row.confirm_status == "2":
        value = Closing.CLOSED_REFUNDED if row.pay_time else Closing.CLOSED_UNPAID
        return ClosingFact(value=value, raw=f"confirm_status {row.confirm_status}")
    return _OPEN


def _hold(row: wire.OrderRow) -> Fact[Hold]:
    risk = row.risk_control_status or "0"
    if risk != "0":
        return HoldFact(value=tables.RISK_OF.get(risk, Hold.UNKNOWN), raw=f"risk_control_status {risk}")
    if any(tag.name == "ship_hold" and tag.value == "1" for tag in row.order_tag_list or ()):
        return HoldFact(value=Hold.PLATFORM_LOCK, raw="ship_hold")
    if row.confirm_status == "0" or row.group_status == "0":
        return HoldFact(value=Hold.GROUP, raw=f"group_status {row.group_status or ''}")
    if row.gift_order_status == "0":
        return HoldFact(value=Hold.GIFT_PENDING, raw="gift_order_status 0")
    return _NO_HOLD


def _after_sale_fact(row: wire.OrderRow) -> Fact[AfterSaleState]:
    status, refund = row.after_sales_status or "0", row.refund_status or "1"
    if refund == "4" or status == "0":
        if refund == "1":
            return _NO_AFTER_SALE
        return StateFact(value=tables.REFUND_STATUS_OF.get(refund, AfterSaleState.UNKNOWN), raw=refund)
    stage = tables.STAGE_OF.get(status, AfterSaleStage.UNKNOWN)
    return StateFact(value=tables.STATE_OF.get(stage, AfterSaleState.UNKNOWN), raw=status)


def _receiver(row: wire.OrderRow) -> Receiver:
    """Ciphers are there only while the order waits to be shipped; what has vanished stays empty here."""
    return Receiver(
        name=masked(row.receiver_name_mask, row.receiver_name),
        phone=masked(row.receiver_phone_mask, row.receiver_phone or row.contact_mobile),
        detail=masked(row.receiver_address_mask, row.receiver_address),
        country=row.country or "",
        province=row.province or "",
        city=row.city or "",
        district=row.town or "",  # the wire's third level is called town
        region_code=next((code for code in (row.town_id, row.city_id, row.province_id) if code and code != "0"), ""),
        oaid=row.open_address_id_2 or row.open_address_id or "",
    )


def masked(mask: str | None, sent: str | None) -> Masked:
    """A personal value. What stands in a cipher's place but is none is never kept as it is: at most its ends remain."""
    if not sent:
        return Masked(mask=mask or "")
    if sent[0] in "~$#" and sent[-1] == sent[0] and len(sent) > 2:
        return Masked(mask=mask or "", cipher=sent)
    hidden = f"{sent[:3]}****{sent[-4:]}" if len(sent) > 8 else f"{sent[:1]}**"
    return Masked(mask=mask or hidden)


def _parcels(row: wire.OrderRow) -> tuple[Parcel, ...]:
    parcels = []
    if row.tracking_number:
        code = row.logistics_id or ""
        parcels.append(_parcel(ParcelKind.ORDER, code, row.tracking_number, utc(row.shipping_time)))
    for kind, extras in (
        (ParcelKind.SPLIT, row.extra_delivery_list),
        (ParcelKind.GIFT, row.gift_delivery_list),
        (ParcelKind.RESEND, row.resend_delivery_list),
    ):
        if extras:
            parcels += [_parcel(kind, extra.logistics_id, extra.tracking_number, None) for extra in extras]
    return tuple(parcels)


def _parcel(kind: ParcelKind, code: str, tracking_no: str, shipped_at: datetime | None) -> Parcel:
    return Parcel(
        carrier=tables.CARRIER_OF.get(code, ""),
        carrier_code=code,
        tracking_no=tracking_no,
        kind=kind,
        shipped_at=shipped_at,
    )


def _presale(row: wire.OrderRow) -> Presale | None:
    if row.trade_type == "1":
        step = row.step_order_info or wire.StepOrder()
        deposit = None if step.advanced_paid_fee is None else fen(step.advanced_paid_fee)
        balance = None
        if step.step_trade_status == "2" and step.step_paid_fee is not None and deposit is not None:
            balance = fen(step.step_paid_fee) - deposit
        return Presale(kind="deposit", ship_from=utc(row.pre_sale_time), deposit=deposit, balance=balance)
    if row.is_pre_sale == "1":
        return Presale(kind="full", ship_from=utc(row.pre_sale_time))
    return None


def _lineage(row: wire.OrderRow) -> Lineage:
    related = [row.ship_additional_link_order or ""]
    related += [other.order_sn or "" for other in row.related_order_list or ()]
    if row.gift_order_status == "1":
        related += [gift.order_sn or "" for gift in row.gift_list or ()]
    return Lineage(
        parent_id=row.ship_additional_origin_order or "",
        related=tuple(sorted({order_sn for order_sn in related if order_sn and order_sn != row.order_sn})),
    )


def _tags(row: wire.OrderRow) -> tuple[str, ...]:
    tags = {tag.name for tag in row.order_tag_list or () if tag.value == "1"}
    for name in tables.SWITCHES:
        if getattr(row, name) == "1":
            tags.add(name)
    if row.is_lucky_flag == "2":
        tags.add("is_lucky_flag")
    return tuple(sorted(tags))


def after_sale(shop_id: str, row: wire.RefundDetail) -> AfterSale:
    """From the detail: types count from 1, amounts are fen."""
    stage = _stage(row.after_sales_status, row.express_no)
    sent = row.exchange_shipping_detail
    return AfterSale(
        shop_id=shop_id,
        id=row.id,
        order_id=row.order_sn,
        sku_id=row.sku_id or "",
        kind=tables.KIND_OF.get(row.after_sales_type, AfterSaleKind.UNKNOWN),
        kind_raw=row.after_sales_type,
        stage=stage,
        quantity=row.goods_number,
        refund=int(row.refund_amount or 0),
        refunded=stage.value is AfterSaleStage.REFUNDED,
        reason=row.after_sales_reason or "",
        created_at=instant(row.recreated_at) or _required(row.updated_time),  # that it is the creation is inferred
        updated_at=_required(row.updated_time),
        deadline=instant(row.expire_time),
        returned=_returned(row.shipping_name, row.express_no),
        replacement=_parcel(ParcelKind.RESEND, sent.shipping_id or "", sent.tracking_number, None)
        if sent and sent.tracking_number
        else None,
        platform_involved=row.join_or_not == "1" or stage.value is AfterSaleStage.PLATFORM,
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
        kind=tables.KIND_OF.get(kind, AfterSaleKind.UNKNOWN),
        kind_raw=kind,
        stage=stage,
        quantity=row.goods_number,
        refund=fen(row.refund_amount or 0),
        refunded=stage.value is AfterSaleStage.REFUNDED,
        reason=row.after_sale_reason or "",
        created_at=_required(row.created_time),
        updated_at=_required(row.updated_time),
        returned=_returned(row.shipping_name, row.tracking_number),
        platform_involved=stage.value is AfterSaleStage.PLATFORM,
    )


def _stage(status: str, return_number: str | None) -> Fact[AfterSaleStage]:
    """A return that has a number is under way, whatever status it waits in (inferred)."""
    value = tables.STAGE_OF.get(status, AfterSaleStage.UNKNOWN)
    if return_number and status in _MAY_TRAVEL:
        value = AfterSaleStage.RETURNED
    return Fact[AfterSaleStage](value=value, raw=status)


def _returned(carrier_name: str | None, tracking_no: str | None) -> ReturnParcel | None:
    return ReturnParcel(carrier_name=carrier_name or "", tracking_no=tracking_no) if tracking_no else None


def listing(shop_id: str, row: wire.Goods) -> Listing:
    """From the detail; prices are fen already."""
    status = row.status or ""
    return Listing(
        shop_id=shop_id,
        id=row.goods_id,
        title=row.goods_name or "",
        merchant_code=row.outer_goods_id or "",
        shelf=Fact[Shelf](value=tables.SHELF_OF.get(status, Shelf.UNKNOWN), raw=status),
        skus=tuple(
            ListingSku(
                sku_id=sku.sku_id,
                merchant_code=sku.out_sku_sn or "",
                spec=",".join(spec.spec_name for spec in sku.spec or ()),
                sellable=sku.quantity,  # that orders in flight are already taken off is inferred
                held=sku.reserve_quantity,
                price=None
                if sku.multi_price is None
                else Price(sale=sku.multi_price, single=sku.price, market=row.market_price),
                shelf=Shelf.OFF if sku.is_onsale == "0" else Shelf.ON,
            )
            for sku in row.sku_list
        ),
    )


def utc(text: str | None) -> datetime | None:
    """A wall-clock time of Shanghai, empty while it has not come. Raises ValueError for anything else."""
    if not text:
        return None
    return datetime.fromisoformat(text + _SHANGHAI).astimezone(UTC)


def instant(epoch: int | None) -> datetime | None:
    """Epoch seconds or milliseconds, told apart by length; 0 is none."""
    if not epoch:
        return None
    return datetime.fromtimestamp(epoch / 1000 if epoch > 100_000_000_000 else epoch, UTC)


def _required(text: str | None) -> datetime:
    at = utc(text)
    if at is None:
        raise ValueError("a time is missing")
    return at
