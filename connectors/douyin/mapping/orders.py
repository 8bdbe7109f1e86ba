"""Douyin's orders: statuses, money, lines, receiver, parcels. Amounts are fen already.

The identities of money are inferred from field comments.
"""

from datetime import UTC, datetime
from functools import lru_cache

from connectors.douyin import wire
from connectors.douyin.mapping.tables import (
    CANCELLED,
    CARRIER_OF,
    CASH_ON_DELIVERY,
    CLOSING_OF,
    DEPOSIT_TRADES,
    FLAG_OF,
    FULFILMENT_OF,
    GROUP_BUY,
    HOLD_OF,
    LINE_AFTER_SALE_OF,
    MONEY_MAY_BE_BACK,
    PAYMENT_OF,
    REFUND_ARRIVED,
    REFUNDED_MAIN_STATUS,
)
from connectors.douyin.mapping.values import instant, order_id_of
from core.model import (
    Component,
    Flag,
    Line,
    Lineage,
    Masked,
    Memo,
    Money,
    Order,
    Packed,
    Parcel,
    ParcelKind,
    Payer,
    Presale,
    Receiver,
    Share,
)
from core.money import receivable, warnings
from core.status import AfterSaleState, Closing, Fact, Fulfilment, Hold, Payment

# Naming a generic's parameter anew for every order would cost as much as validating it.
_PaymentFact, _FulfilmentFact, _ClosingFact, _HoldFact = Fact[Payment], Fact[Fulfilment], Fact[Closing], Fact[Hold]
_AfterSaleFact = Fact[AfterSaleState]
_NO_HOLD = _HoldFact(value=Hold.NONE)
_NO_AFTER_SALE = _AfterSaleFact(value=AfterSaleState.NONE)
_ALONE = Lineage()


def order(shop_id: str, row: wire.ShopOrder) -> Order:
    """A parent order with its lines."""
    lines = tuple(_line(sku) for sku in row.sku_order_list)
    money = _order_money(row, lines)
    parcels = _parcels(row)
    signed_at = _signed_at(row)
    return Order(
        shop_id=shop_id,
        id=order_id_of(row.order_id),
        lines=lines,
        payment=_payment(row),
        fulfilment=_fulfilment(row.order_status, row, signed_at is not None),
        closing=_closing(row),
        hold=_hold(row),
        after_sale=_order_after_sale(lines),
        money=money,
        created_at=datetime.fromtimestamp(row.create_time, UTC),
        updated_at=datetime.fromtimestamp(row.update_time, UTC),
        paid_at=instant(row.pay_time),
        shipped_at=instant(row.ship_time),
        signed_at=signed_at,
        ended_at=instant(row.finish_time),
        ship_by=instant(row.exp_ship_time),
        receiver=_receiver(row),
        buyer_id=row.doudian_open_id or row.open_id,
        buyer_note=row.buyer_words,
        memo=Memo(text=row.seller_words, flag=FLAG_OF.get(row.seller_remark_stars, Flag.NONE)),
        parcels=parcels,
        presale=_presale(row),
        lineage=Lineage(related=tuple(row.relation_shop_order_ids)) if row.relation_shop_order_ids else _ALONE,
        kind=_trade_kind(row),
        tags=_tags(row),
        warnings=warnings(money, lines),
    )


def _payment(row: wire.ShopOrder) -> Fact[Payment]:
    code = row.order_status
    if code == CANCELLED:
        value = Payment.PAID if row.pay_time else Payment.UNPAID
    else:
        value = PAYMENT_OF.get(code, Payment.UNKNOWN)
    return _PaymentFact(value=value, raw=code, at=instant(row.pay_time) if value is Payment.PAID else None)


def _fulfilment(code: str, row: wire.ShopOrder | wire.SkuOrder, received: bool) -> Fact[Fulfilment]:
    """`received` is whether everything has been delivered, as far as the platform tells."""
    if code == CANCELLED:
        value = Fulfilment.SHIPPED if row.ship_time else Fulfilment.TO_SHIP
        if row.ship_time and isinstance(row, wire.ShopOrder) and row.pay_type == CASH_ON_DELIVERY:
            value = Fulfilment.REJECTED
    else:
        value = FULFILMENT_OF.get(code, Fulfilment.UNKNOWN)
        if value is Fulfilment.SHIPPED and received:
            value = Fulfilment.SIGNED
    if value in _UNDER_WAY:
        return _FulfilmentFact(value=value, raw=code, at=instant(row.ship_time))
    return _fulfilment_fact(value, code)


_UNDER_WAY = (Fulfilment.PART_SHIPPED, Fulfilment.SHIPPED)


@lru_cache(maxsize=64)
def _fulfilment_fact(value: Fulfilment, code: str) -> Fact[Fulfilment]:
    return _FulfilmentFact(value=value, raw=code)


def _closing(row: wire.ShopOrder) -> Fact[Closing]:
    code = row.order_status
    if row.main_status in REFUNDED_MAIN_STATUS:
        return _ClosingFact(value=Closing.CLOSED_REFUNDED, raw=row.main_status)
    if code == CANCELLED:
        return _ClosingFact(value=Closing.CLOSED_REFUNDED if row.pay_time else Closing.CLOSED_UNPAID, raw=code)
    value = CLOSING_OF.get(code, Closing.UNKNOWN)
    if value is Closing.FINISHED:
        return _ClosingFact(value=value, raw=code, at=instant(row.finish_time))
    return _closing_fact(value, code)


@lru_cache(maxsize=64)
def _closing_fact(value: Closing, code: str) -> Fact[Closing]:
    return _ClosingFact(value=value, raw=code)


def _hold(row: wire.ShopOrder) -> Fact[Hold]:
    value = HOLD_OF.get(row.order_status, Hold.UNKNOWN)
    if value is Hold.NONE:
        return _NO_HOLD
    if value is Hold.RISK and row.trade_type == GROUP_BUY:
        value = Hold.GROUP
    return _HoldFact(value=value, raw=row.order_status)


_LINE_URGENCY = (
    AfterSaleState.REQUESTED,
    AfterSaleState.RETURNING,
    AfterSaleState.REFUNDING,
    AfterSaleState.UNKNOWN,
    AfterSaleState.REFUSED,
)


def _order_after_sale(lines: tuple[Line, ...]) -> Fact[AfterSaleState]:
    """The most urgent running after-sale of the lines; refunded or withdrawn only when that is true of every line."""
    facts = {line.after_sale.value: line.after_sale for line in lines}
    for state in _LINE_URGENCY:
        if state in facts:
            return facts[state]
    return next(iter(facts.values())) if len(facts) == 1 else _NO_AFTER_SALE


def _signed_at(row: wire.ShopOrder) -> datetime | None:
    received = [sku.logistics_receipt_time or sku.confirm_receipt_time for sku in row.sku_order_list]
    return instant(max(received)) if received and all(received) else None


def _line(sku: wire.SkuOrder) -> Line:
    gift = sku.given_product_type == "FREE"
    masters = sku.master_sku_order_id_list or ([sku.master_sku_order_id] if sku.master_sku_order_id else [])
    return Line(
        id=order_id_of(sku.order_id),
        listing_id=sku.product_id_str or sku.product_id,
        sku_id=sku.sku_id,
        merchant_code=sku.code,
        listing_code="" if sku.out_product_id == "0" else sku.out_product_id,
        title=sku.product_name,
        spec=",".join(spec.value for spec in sku.spec) if sku.spec else "",
        quantity=sku.item_num,
        unit_price=sku.origin_amount,
        money=_money(sku, sku.origin_amount * sku.item_num if sku.sum_amount is None else sku.sum_amount),
        gift=gift,
        gift_for=tuple(order_id_of(master) for master in masters) if gift else (),
        components=tuple(
            Component(sku_id=part.sku_id, merchant_code=part.code, title=part.product_name, quantity=part.item_num)
            for part in sku.bundle_sku_info or ()
        ),
        fulfilment=_fulfilment(sku.order_status, sku, bool(sku.logistics_receipt_time or sku.confirm_receipt_time)),
        after_sale=_line_after_sale(sku.after_sale_info),
    )


def _line_after_sale(mark: wire.LineAfterSale | None) -> Fact[AfterSaleState]:
    if mark is None or mark.after_sale_status == "0":
        return _NO_AFTER_SALE
    code = mark.after_sale_status
    value = LINE_AFTER_SALE_OF.get(code, AfterSaleState.UNKNOWN)
    if code in MONEY_MAY_BE_BACK and mark.refund_status == REFUND_ARRIVED:
        value = AfterSaleState.REFUNDED
    return _AfterSaleFact(value=value, raw=f"{code}/{mark.refund_status}")


def _order_money(row: wire.ShopOrder, lines: tuple[Line, ...]) -> Money:
    """Freight is on the parent only; the goods are the sum of the lines, which the platform has apportioned."""
    paid = row.order_status in PAYMENT_OF and PAYMENT_OF[row.order_status] is Payment.PAID
    return _money(row, sum(line.money.goods for line in lines), settled=paid or row.pay_time > 0)


def _money(amounts: wire.Amounts, goods: int, *, settled: bool = False) -> Money:
    """Discounts by who pays them, not by who owns the activity. `settled` adds who paid: a payment channel's reduction
    is inside pay_amount, since the seller receives it (inferred)."""
    platform = amounts.only_platform_cost_amount
    if platform is None:
        platform = amounts.platform_cost_amount - amounts.author_cost_amount
    borne = (
        (Payer.SELLER, amounts.shop_cost_amount),
        (Payer.PLATFORM, platform),
        (Payer.CREATOR, amounts.author_cost_amount),
    )
    discounts = tuple([Share(payer=payer, amount=amount) for payer, amount in borne if amount])
    return Money(
        goods=goods,
        adjustment=amounts.modify_amount,
        postage=amounts.post_amount,
        fees=amounts.tax_amount + amounts.packing_amount + amounts.post_insurance_amount,
        discounts=discounts,
        pay=amounts.pay_amount,
        payments=_payments(amounts) if settled else (),
        receivable=receivable(amounts.pay_amount, discounts),
    )


def _payments(amounts: wire.Amounts) -> tuple[Share, ...]:
    reduced = amounts.promotion_pay_amount
    buyer = Share(payer=Payer.BUYER, amount=amounts.pay_amount - reduced)
    return (buyer, Share(payer=Payer.PAYMENT_CHANNEL, amount=reduced)) if reduced else (buyer,)


def _receiver(row: wire.ShopOrder) -> Receiver:
    where = row.post_addr
    return Receiver(
        name=Masked(mask=row.mask_post_receiver, cipher=row.encrypt_post_receiver),
        phone=Masked(mask=row.mask_post_tel, cipher=row.encrypt_post_tel),
        detail=Masked(mask=row.mask_post_addr.detail, cipher=where.encrypt_detail),
        province=where.province.name,
        city=where.city.name,
        district=where.town.name,
        town=where.street.name,
        region_code=where.street.id or where.town.id or where.city.id or where.province.id,
        oaid=row.open_address_id,
    )


def _parcels(row: wire.ShopOrder) -> tuple[Parcel, ...]:
    if not row.logistics_info:
        return ()
    kind = ParcelKind.SPLIT if len(row.logistics_info) > 1 or row.order_status == "101" else ParcelKind.ORDER
    return tuple(
        Parcel(
            id=sent.delivery_id,
            carrier=CARRIER_OF.get(sent.company, ""),
            carrier_code=sent.company,
            carrier_name=sent.company_name,
            tracking_no=sent.tracking_no,
            kind=kind,
            lines=tuple(
                Packed(line_id=order_id_of(part.sku_order_id), quantity=part.product_count)
                for part in sent.product_info or ()
                if part.sku_order_id
            ),
            shipped_at=instant(sent.ship_time),
        )
        for sent in row.logistics_info
    )


def _presale(row: wire.ShopOrder) -> Presale | None:
    ship_from = instant(row.appointment_ship_time)
    if row.trade_type in DEPOSIT_TRADES:
        steps = {1: 0, 2: 0}
        for phase in row.order_phase_list or ():
            steps[phase.current_phase] = steps.get(phase.current_phase, 0) + phase.phase_payable_price
        known = bool(row.order_phase_list)
        deposit, balance = (steps[1], steps[2]) if known else (None, None)
        return Presale(kind="deposit", ship_from=ship_from, deposit=deposit, balance=balance)
    if any(sku.pre_sale_type == 1 for sku in row.sku_order_list):
        return Presale(kind="full", ship_from=ship_from)
    return None


def _trade_kind(row: wire.ShopOrder) -> str:
    if row.trade_type != "0":
        return row.trade_type_desc or row.trade_type
    return "normal" if row.order_type == "0" else row.order_type_desc or row.order_type


def _tags(row: wire.ShopOrder) -> tuple[str, ...]:
    keys = {tag.key for tag in row.shop_order_tag_ui or ()}
    for sku in row.sku_order_list:
        keys.update(tag.key for tag in sku.sku_order_tag_ui or ())
    if row.pay_type == CASH_ON_DELIVERY:
        keys.add("cash_on_delivery")
    return tuple(sorted(keys - {""}))
