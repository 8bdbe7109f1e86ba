"""Pinduoduo's orders: statuses, money, lines, receiver, parcels. Orders speak yuan."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from connectors.pinduoduo import wire
from connectors.pinduoduo.mapping.tables import (
    CARRIER_OF,
    DEPOSIT_OF,
    FLAG_OF,
    FULFILMENT_OF,
    FUNDER_OF,
    REFUND_STATUS_OF,
    RISK_OF,
    STAGE_OF,
    STATE_OF,
    SWITCHES,
)
from connectors.pinduoduo.mapping.values import divided, fen_of, instant_of, masked, required_instant
from core.model import (
    Flag,
    Invoice,
    Line,
    Lineage,
    Memo,
    Money,
    Order,
    Parcel,
    ParcelKind,
    Payer,
    Presale,
    Receiver,
    Share,
)
from core.money import fen, receivable, warnings
from core.status import AfterSaleStage, AfterSaleState, Closing, Fact, Fulfilment, Hold, Payment

# Naming a generic's parameter anew for every order would cost as much as validating it.
_PaymentFact, _FulfilmentFact, _ClosingFact, _HoldFact = Fact[Payment], Fact[Fulfilment], Fact[Closing], Fact[Hold]
_AfterSaleFact = Fact[AfterSaleState]
_NO_HOLD = _HoldFact(value=Hold.NONE)
_NO_AFTER_SALE = _AfterSaleFact(value=AfterSaleState.NONE)
_OPEN = _ClosingFact(value=Closing.OPEN)
_NO_MONEY = Money(goods=0, pay=0, receivable=0)


def order(shop_id: str, row: wire.OrderRow) -> Order:
    """An order of any order API. Raises ValueError for a time that is none."""
    money, doubts = _order_money(row)
    after_sale = _order_after_sale(row)
    lines = _lines(row, money, after_sale)
    pay_time = instant_of(row.pay_time)
    return Order(
        shop_id=shop_id,
        id=row.order_sn,
        lines=lines,
        payment=_payment(row, pay_time),
        fulfilment=_FulfilmentFact(
            value=FULFILMENT_OF.get(row.order_status, Fulfilment.UNKNOWN),
            raw=row.order_status,
            at=instant_of(row.receive_time or row.shipping_time),
        ),
        closing=_closing(row),
        hold=_hold(row),
        after_sale=after_sale,
        money=money,
        created_at=required_instant(row.created_time or row.confirm_time),
        updated_at=required_instant(row.updated_at),
        paid_at=pay_time,
        shipped_at=instant_of(row.shipping_time),
        signed_at=instant_of(row.receive_time),
        ship_by=instant_of(row.last_ship_time),
        receiver=_receiver(row),
        buyer_note=row.buyer_memo or "",
        memo=Memo(text=(row.remark or "").strip(), flag=FLAG_OF.get(row.remark_tag or "0", Flag.NONE)),
        parcels=_parcels(row),
        presale=_presale(row),
        invoice=Invoice() if row.invoice_status == "1" else None,
        out_of_stock=row.is_stock_out == "1" and row.stock_out_handle_status != "1",
        lineage=_lineage(row),
        kind=_trade_kind(row),
        tags=_tags(row),
        warnings=(*doubts, *warnings(money, lines)),
    )


def _payment(row: wire.OrderRow, pay_time: datetime | None) -> Fact[Payment]:
    step = row.step_order_info.step_trade_status if row.step_order_info and row.trade_type == "1" else None
    if step is not None:
        return _PaymentFact(value=DEPOSIT_OF.get(step, Payment.UNKNOWN), raw=step, at=pay_time)
    # Lists hold confirmed orders only, and only what is paid can be confirmed.
    paid = pay_time is not None or row.confirm_status in {None, "1"}
    return _PaymentFact(value=Payment.PAID if paid else Payment.UNPAID, raw=row.confirm_status or "", at=pay_time)


def _closing(row: wire.OrderRow) -> Fact[Closing]:
    """There is no closed status: refunded is final, and a cancelled order that was paid is refunded by the platform."""
    if row.refund_status == "4":
        return _ClosingFact(value=Closing.CLOSED_REFUNDED, raw=f"refund_status {row.refund_status}")
    if row.confirm_status == "2":
        value = Closing.CLOSED_REFUNDED if row.pay_time else Closing.CLOSED_UNPAID
        return _ClosingFact(value=value, raw=f"confirm_status {row.confirm_status}")
    return _OPEN


def _hold(row: wire.OrderRow) -> Fact[Hold]:
    risk = row.risk_control_status or "0"
    if risk != "0":
        return _HoldFact(value=RISK_OF.get(risk, Hold.UNKNOWN), raw=f"risk_control_status {risk}")
    if any(tag.name == "ship_hold" and tag.value == "1" for tag in row.order_tag_list or ()):
        return _HoldFact(value=Hold.PLATFORM_LOCK, raw="ship_hold")
    if row.confirm_status == "0" or row.group_status == "0":
        return _HoldFact(value=Hold.GROUP, raw=f"group_status {row.group_status or ''}")
    if row.gift_order_status == "0":
        return _HoldFact(value=Hold.GIFT_PENDING, raw="gift_order_status 0")
    return _NO_HOLD


def _order_after_sale(row: wire.OrderRow) -> Fact[AfterSaleState]:
    status, refund = row.after_sales_status or "0", row.refund_status or "1"
    if refund == "4" or status == "0":
        if refund == "1":
            return _NO_AFTER_SALE
        return _AfterSaleFact(value=REFUND_STATUS_OF.get(refund, AfterSaleState.UNKNOWN), raw=refund)
    stage = STAGE_OF.get(status, AfterSaleStage.UNKNOWN)
    return _AfterSaleFact(value=STATE_OF.get(stage, AfterSaleState.UNKNOWN), raw=status)


def _order_money(row: wire.OrderRow) -> tuple[Money, tuple[str, ...]]:
    """The order's money, with what is odd about it."""
    change, pay = fen_of(row.order_change_amount), fen(row.pay_amount)
    discounts = _shares(
        (Payer.PLATFORM, row.platform_discount, "platform_discount"),
        (Payer.SELLER, row.seller_discount, "seller_discount"),
        (Payer.SELLER, row.capital_free_discount, "capital_free_discount"),
    )
    payments, doubts = _payments(row, pay)
    money = Money(
        goods=fen(row.goods_amount) + change,  # the wire's amount already has the manual change taken off
        adjustment=-change,
        postage=fen_of(row.postage),
        fees=_fees(row),
        discounts=discounts,
        pay=pay,
        payments=payments,
        receivable=receivable(pay, discounts),  # inferred: what is paid and what the platform adds
    )
    return money, doubts


def _payments(row: wire.OrderRow, pay: int) -> tuple[tuple[Share, ...], tuple[str, ...]]:
    others = list(_shares((Payer.PAYMENT_CHANNEL, row.duo_duo_pay_reduction, "duo_duo_pay_reduction")))
    if row.government_subsidy_settle_details:
        others += [
            Share(
                payer=FUNDER_OF.get(part.funder, Payer.GOVERNMENT),
                amount=fen(part.amount),
                name="government_subsidy",
            )
            for part in row.government_subsidy_settle_details
        ]
    elif (
        row.trade_in_national_subsidy_type == "1"
    ):  # through the payment; the merchant's kind (2) is in the price (inferred)
        others += _shares((Payer.GOVERNMENT, row.trade_in_national_subsidy_amount, "trade_in_national_subsidy_amount"))
    buyer = pay - sum(share.amount for share in others)
    if buyer < 0:
        return (), (f"others settle {pay - buyer} fen, pay is {pay}",)
    return (Share(payer=Payer.BUYER, amount=buyer), *others), ()


def _fees(row: wire.OrderRow) -> int:
    """The services' total. The older fields count only where the list, which names them too, is empty (inferred)."""
    if row.service_fee_detail:
        return sum(fen(fee.service_fee) for fee in row.service_fee_detail)
    return fen_of(row.delivery_home_value) + fen_of(row.delivery_install_value) + fen_of(row.home_install_value)


def _shares(*parts: tuple[Payer, Decimal | None, str]) -> tuple[Share, ...]:
    return tuple(Share(payer=payer, amount=fen(amount), name=name) for payer, amount, name in parts if amount)


def _lines(row: wire.OrderRow, money: Money, after_sale: Fact[AfterSaleState]) -> tuple[Line, ...]:
    bought = _settled(row.item_list)
    # A gift with an order of its own (1) ships there; while that is being made (0) it belongs nowhere yet.
    gifts = _settled(row.gift_list or ()) if row.gift_order_status in {None, "", "2"} else ()
    prices = [fen_of(item.goods_price) for item in bought]
    moneys = divided(money, [price * item.goods_count for price, item in zip(prices, bought, strict=True)])
    seen: dict[str, int] = {}
    lines = [
        _line(row.order_sn, item, seen, unit_price=price, money=part, gift=False)
        for item, price, part in zip(bought, prices, moneys, strict=True)
    ]
    if len(lines) == 1 and after_sale.value is not AfterSaleState.NONE:
        lines[0] = lines[0].model_copy(update={"after_sale": after_sale})
    lines += [_line(row.order_sn, item, seen, unit_price=0, money=_NO_MONEY, gift=True) for item in gifts]
    return tuple(lines)


def _settled(items: Sequence[wire.OrderItem]) -> Sequence[wire.OrderItem]:
    """In an order that does not depend on how the platform lists them, so that equal SKUs keep their numbers."""
    if len(items) < 2:
        return items
    return sorted(items, key=lambda item: (item.sku_id, item.goods_price or 0, item.goods_count, item.goods_spec or ""))


def _line(
    order_sn: str, item: wire.OrderItem, seen: dict[str, int], *, unit_price: int, money: Money, gift: bool
) -> Line:
    number = seen[item.sku_id] = seen.get(item.sku_id, 0) + 1
    return Line(
        id=f"{order_sn}:{item.sku_id}:{number}",
        listing_id=item.goods_id,
        sku_id=item.sku_id,
        merchant_code=item.outer_id or "",
        listing_code=item.outer_goods_id or "",
        title=item.goods_name or "",
        spec=item.goods_spec or "",
        quantity=item.goods_count,
        unit_price=unit_price,
        money=money,
        gift=gift,
    )


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


def _parcels(row: wire.OrderRow) -> tuple[Parcel, ...]:
    parcels = []
    if row.tracking_number:
        code = row.logistics_id or ""
        parcels.append(parcel(ParcelKind.ORDER, code, row.tracking_number, instant_of(row.shipping_time)))
    for kind, extras in (
        (ParcelKind.SPLIT, row.extra_delivery_list),
        (ParcelKind.GIFT, row.gift_delivery_list),
        (ParcelKind.RESEND, row.resend_delivery_list),
    ):
        if extras:
            parcels += [parcel(kind, extra.logistics_id, extra.tracking_number, None) for extra in extras]
    return tuple(parcels)


def parcel(kind: ParcelKind, code: str, tracking_no: str, shipped_at: datetime | None) -> Parcel:
    return Parcel(
        carrier=CARRIER_OF.get(code, ""),
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
        return Presale(kind="deposit", ship_from=instant_of(row.pre_sale_time), deposit=deposit, balance=balance)
    if row.is_pre_sale == "1":
        return Presale(kind="full", ship_from=instant_of(row.pre_sale_time))
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


def _trade_kind(row: wire.OrderRow) -> str:
    if row.trade_type in {None, "0"}:
        return "normal"
    return "deposit" if row.trade_type == "1" else row.trade_type


def _tags(row: wire.OrderRow) -> tuple[str, ...]:
    tags = {tag.name for tag in row.order_tag_list or () if tag.value == "1"}
    for name in SWITCHES:
        if getattr(row, name) == "1":
            tags.add(name)
    if row.is_lucky_flag == "2":
        tags.add("is_lucky_flag")
    return tuple(sorted(tags))
