"""Taobao's orders: statuses, money, lines, receiver, parcels. The money is in values.py.

A trade's line is an `order` of its own to the platform; with a single one, both have the same id and the line's
`payment` contains the postage, so it is never used.
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache

from connectors.taobao import wire
from connectors.taobao.mapping.tables import (
    CARRIER,
    CARRIER_OF_NAME,
    CASH_ON_DELIVERY,
    CLOSED,
    CLOSED_UNPAID,
    CLOSING_OF,
    FLAG_OF,
    FORBIDDEN,
    FULFILMENT_OF,
    HOLD_OF,
    LINE_AFTER_SALE_OF,
    MAY_BE_HELD,
    ORDINARY,
    PAYMENT_OF,
    REJECTED_AT_THE_DOOR,
    STEP_OF,
    SWITCHES,
    VIRTUAL,
)
from connectors.taobao.mapping.values import (
    Part,
    fen_of,
    instant_of,
    line_money,
    loose_instant,
    masked,
    order_money,
    parts_of,
    required_instant,
    sku_id_of,
)
from core.model import (
    Component,
    Flag,
    Line,
    Memo,
    Money,
    Order,
    Packed,
    Parcel,
    ParcelKind,
    Presale,
    Receiver,
)
from core.money import warnings
from core.status import AfterSaleState, Closing, Fact, Fulfilment, Hold, Payment

# Naming a generic's parameter anew for every order would cost as much as validating it.
_PaymentFact, _FulfilmentFact, _ClosingFact, _HoldFact = Fact[Payment], Fact[Fulfilment], Fact[Closing], Fact[Hold]
_AfterSaleFact = Fact[AfterSaleState]
_NO_HOLD = _HoldFact(value=Hold.NONE)
_NO_AFTER_SALE = _AfterSaleFact(value=AfterSaleState.NONE)
_CONSIGN_DATE = re.compile(r"(?:^|;)consignDate=(\d+)")


def order(shop_id: str, trade: wire.Trade) -> Order:
    """A trade of the detail API. Raises ValueError for a time or an amount that is none."""
    parts = parts_of(trade)
    money, doubts = order_money(trade, parts)
    bought = [_bought(row, trade, part) for row, part in zip(trade.orders, parts, strict=True)]
    gifts = _promised_gifts(trade)
    live = [line for line, part in zip(bought, parts, strict=True) if part.counts]
    lines = (*bought, *gifts)
    paid_at = instant_of(trade.pay_time)
    ended_at = instant_of(trade.end_time)
    return Order(
        shop_id=shop_id,
        id=trade.tid,
        lines=lines,
        payment=_payment(trade, paid_at),
        fulfilment=_fulfilment(trade, ended_at),
        closing=_closing(trade, ended_at),
        hold=_hold(trade),
        after_sale=_order_after_sale(bought),
        money=money,
        created_at=required_instant(trade.created),
        updated_at=required_instant(trade.modified),
        paid_at=paid_at,
        shipped_at=instant_of(trade.consign_time),
        ended_at=ended_at,
        ship_by=_ship_by(trade, paid_at),
        receiver=_receiver(trade),
        buyer_id=trade.buyer_open_uid or "",
        buyer_note=trade.buyer_message or "",
        memo=Memo(text=trade.seller_memo or "", flag=FLAG_OF.get(trade.seller_flag or "0", Flag.NONE)),
        parcels=_parcels(trade),
        presale=_presale(trade),
        kind="normal" if trade.type is None or trade.type in ORDINARY else trade.type,
        tags=_tags(trade),
        warnings=(*doubts, *warnings(money, live)),
    )


def _payment(trade: wire.Trade, paid_at: datetime | None) -> Fact[Payment]:
    if trade.step_trade_status:
        value = STEP_OF.get(trade.step_trade_status, Payment.UNKNOWN)
        return _PaymentFact(value=value, raw=trade.step_trade_status, at=paid_at)
    value = PAYMENT_OF.get(trade.status, Payment.UNKNOWN)
    return _PaymentFact(value=value, raw=trade.status, at=paid_at if value is Payment.PAID else None)


def _fulfilment(row: wire.Trade | wire.OrderLine, ended_at: datetime | None) -> Fact[Fulfilment]:
    status = row.status or ""
    if status == CLOSED:
        value = Fulfilment.SHIPPED if row.consign_time else Fulfilment.TO_SHIP
    else:
        value = FULFILMENT_OF.get(status, Fulfilment.UNKNOWN)
    if isinstance(row, wire.Trade) and row.cod_status == REJECTED_AT_THE_DOOR and row.type in CASH_ON_DELIVERY:
        return _FulfilmentFact(value=Fulfilment.REJECTED, raw=f"{status}/{row.cod_status}")
    if value is Fulfilment.SIGNED:
        return _FulfilmentFact(value=value, raw=status, at=ended_at)
    if row.consign_time:
        return _FulfilmentFact(value=value, raw=status, at=instant_of(row.consign_time))
    return _fulfilment_fact(value, status)


@lru_cache(maxsize=64)
def _fulfilment_fact(value: Fulfilment, code: str) -> Fact[Fulfilment]:
    return _FulfilmentFact(value=value, raw=code)


def _closing(trade: wire.Trade, ended_at: datetime | None) -> Fact[Closing]:
    value = CLOSING_OF.get(trade.status, Closing.UNKNOWN)
    if value is Closing.OPEN or value is Closing.UNKNOWN:
        return _closing_fact(value, trade.status)
    return _ClosingFact(value=value, raw=trade.status, at=ended_at)


@lru_cache(maxsize=64)
def _closing_fact(value: Closing, code: str) -> Fact[Closing]:
    return _ClosingFact(value=value, raw=code)


def _hold(trade: wire.Trade) -> Fact[Hold]:
    """Only before shipping. What the platform forbids without naming a group is its own lock."""
    if trade.status not in MAY_BE_HELD:
        return _NO_HOLD
    for name, value in HOLD_OF.items():
        if getattr(trade, name) == "1":
            return _HoldFact(value=value, raw=name)
    if trade.status == FORBIDDEN:
        return _HoldFact(value=Hold.PLATFORM_LOCK, raw=FORBIDDEN)
    if trade.is_force_wlb and trade.is_brand_sale:  # a warehouse of the platform ships it
        return _HoldFact(value=Hold.PLATFORM_LOCK, raw="is_force_wlb+is_brand_sale")
    return _NO_HOLD


_URGENCY = (
    AfterSaleState.REQUESTED,
    AfterSaleState.RETURNING,
    AfterSaleState.REFUNDING,
    AfterSaleState.UNKNOWN,
    AfterSaleState.REFUSED,
)


def _order_after_sale(lines: Sequence[Line]) -> Fact[AfterSaleState]:
    """The most urgent running after-sale of the lines; refunded or withdrawn only when that is true of every line."""
    facts = {line.after_sale.value: line.after_sale for line in lines}
    for state in _URGENCY:
        if state in facts:
            return facts[state]
    return next(iter(facts.values())) if len(facts) == 1 else _NO_AFTER_SALE


def _bought(row: wire.OrderLine, trade: wire.Trade, money: Part) -> Line:
    price = money.price
    parts = row.combine_item_info
    gift = bool(row.is_free_gift) or (row.is_free_gift is None and price == 0 and len(trade.orders) > 1)
    return Line(
        id=row.oid,
        listing_id=row.num_iid or "",
        sku_id=sku_id_of(row.num_iid, row.sku_id),
        merchant_code=row.outer_sku_id or ("" if row.sku_id else row.outer_iid or ""),
        listing_code=row.outer_iid or "",
        title=row.title or "",
        spec=row.sku_properties_name or "",
        quantity=row.num,
        unit_price=price,
        money=line_money(money),
        gift=gift,  # older shops' gifts are lines without a price (inferred)
        gift_for=tuple(row.gift_mids.split(",")) if gift and row.gift_mids else (),
        components=tuple([_component(part) for part in parts]) if parts else (),
        fulfilment=_fulfilment(row, instant_of(row.end_time)),
        closing=_line_closing(row, trade),
        after_sale=_line_after_sale(row),
    )


def left_to_ship(row: wire.OrderLine) -> bool:
    """Whether a line is neither shipped nor closed nor refunded."""
    ended = row.status in (CLOSED, CLOSED_UNPAID) or row.refund_status == "SUCCESS"
    return not ended and FULFILMENT_OF.get(row.status or "", Fulfilment.UNKNOWN) in (
        Fulfilment.TO_SHIP,
        Fulfilment.UNKNOWN,
    )


def _line_closing(row: wire.OrderLine, trade: wire.Trade) -> Fact[Closing] | None:
    """Only what ended apart from its trade: a line may be closed while the others ship."""
    status = row.status or ""
    if status == trade.status or status not in (CLOSED, CLOSED_UNPAID):
        return None
    return _ClosingFact(value=CLOSING_OF[status], raw=status, at=instant_of(row.end_time))


def _component(part: wire.Component) -> Component:
    return Component(
        sku_id=sku_id_of(part.item_id, part.sku_id),
        merchant_code=part.outer_sku_id or part.outer_iid or "",
        quantity=1 if part.quantity is None else part.quantity,
    )


def _line_after_sale(row: wire.OrderLine) -> Fact[AfterSaleState]:
    code = row.refund_status or "NO_REFUND"
    if code == "NO_REFUND":
        return _NO_AFTER_SALE
    return _AfterSaleFact(value=LINE_AFTER_SALE_OF.get(code, AfterSaleState.UNKNOWN), raw=code)


def _promised_gifts(trade: wire.Trade) -> list[Line]:
    """Gifts that a promotion names and no line holds. They have no id of their own and ship with the trade."""
    if not trade.promotion_details:
        return []
    held = {row.num_iid for row in trade.orders}
    gifts = [each for each in trade.promotion_details if each.gift_item_id and each.gift_item_id not in held]
    return [
        Line(
            id=f"{trade.tid}:{gift.gift_item_id}:{number}",
            listing_id=gift.gift_item_id or "",
            sku_id=gift.gift_item_id or "",
            title=gift.gift_item_name or "",
            quantity=int(gift.gift_item_num or 1),
            unit_price=0,
            money=Money(goods=0, pay=0, receivable=0),
            gift=True,
        )
        for number, gift in enumerate(gifts, 1)
    ]


def _ship_by(trade: wire.Trade, paid_at: datetime | None) -> datetime | None:
    """The latest shipping time; else the hours that were promised, counted from payment (inferred)."""
    told = loose_instant(trade.delivery_time) or loose_instant(trade.send_time)
    if told or paid_at is None:
        return told
    hours = trade.consign_interval or _tagged_hours(trade)
    return paid_at + timedelta(hours=hours) if hours else None


def _tagged_hours(trade: wire.Trade) -> int:
    for tag in trade.service_tags or ():
        for service in tag.logistic_service_tag_list or ():
            found = _CONSIGN_DATE.search(service.service_tag or "")
            if service.service_type == "TB_CONSIGN_DATE" and found:
                return int(found[1])
    return 0


def _receiver(trade: wire.Trade) -> Receiver:
    """A county-level city right under its province is told as a district without a city."""
    return Receiver(
        name=masked(trade.receiver_name),
        phone=masked(trade.receiver_mobile or trade.receiver_phone),
        detail=masked(trade.receiver_address),
        country=trade.receiver_country or "",
        province=trade.receiver_state or "",
        city=trade.receiver_city or trade.receiver_district or "",
        district=trade.receiver_district or "",
        town=trade.receiver_town or "",
        oaid=trade.oaid or "",
    )


def _parcels(trade: wire.Trade) -> tuple[Parcel, ...]:
    """Lines under one number are one parcel. Lines name their company, not its code."""
    packed: dict[tuple[str, str], list[wire.OrderLine]] = {}
    for row in trade.orders:
        if row.invoice_no:
            packed.setdefault((row.logistics_company or "", row.invoice_no), []).append(row)
    split = bool(trade.is_part_consign) or len(packed) > 1 or trade.status == "SELLER_CONSIGNED_PART"
    return tuple([_parcel(company, number, rows, split=split) for (company, number), rows in packed.items()])


def _parcel(company: str, number: str, rows: Sequence[wire.OrderLine], *, split: bool) -> Parcel:
    carrier = CARRIER_OF_NAME.get(company, "")
    codes = CARRIER.get(carrier, ())
    return Parcel(
        carrier=carrier,
        carrier_code=codes[0] if len(codes) == 1 else "",
        carrier_name=company,
        tracking_no=number,
        kind=ParcelKind.SPLIT if split else ParcelKind.ORDER,
        lines=tuple([Packed(line_id=row.oid, quantity=row.num) for row in rows]),
        shipped_at=instant_of(rows[0].consign_time),
    )


def _presale(trade: wire.Trade) -> Presale | None:
    """`send_time` may be free text; then nothing is known of the date."""
    ship_from = loose_instant(trade.send_time)
    step = trade.step_trade_status
    if step:
        deposit, balance = None, None
        if trade.step_paid_fee and STEP_OF.get(step) is Payment.PART_PAID:
            deposit = fen_of(trade.step_paid_fee)
            balance = fen_of(trade.payment) - deposit
        return Presale(kind="deposit", ship_from=ship_from, deposit=deposit, balance=balance)
    if trade.new_presell or trade.general_new_presell:
        return Presale(kind="full", ship_from=ship_from)
    return None


def _tags(trade: wire.Trade) -> tuple[str, ...]:
    tags = {name for name in SWITCHES if getattr(trade, name)}
    for row in trade.orders:
        tags |= {name for name in ("is_oversold", "is_daixiao", "is_sh_ship", "is_service_order") if getattr(row, name)}
    if trade.type in CASH_ON_DELIVERY:
        tags.add("cash_on_delivery")
    if trade.shipping_type == VIRTUAL:
        tags.add("virtual")
    if trade.lm == "1":
        tags.add("address_changed")
    if trade.timing_promise:
        tags.add(trade.timing_promise)
    return tuple(sorted(tags))
