"""The toy's orders: statuses, money, lines, receiver, parcel."""

from datetime import UTC, datetime

from core import money
from core.model import Flag, Line, Masked, Memo, Money, Order, Parcel, Payer, Receiver, Share
from core.status import AfterSaleState, Closing, Fact, Fulfilment, Hold, Payment
from tests.contract.toy_channel import wire
from tests.contract.toy_channel.mapping.tables import (
    AFTER_SALE_OF,
    CANCELLED,
    CARRIER_OF,
    CLOSING_OF,
    FLAG,
    FULFILMENT_OF,
    HOLD_OF,
    PAYMENT_OF,
)
from tests.contract.toy_channel.mapping.values import instant

_FLAG_OF = {code: flag for flag, code in FLAG.items()}
_URGENT = (
    AfterSaleState.REQUESTED,
    AfterSaleState.RETURNING,
    AfterSaleState.REFUNDING,
    AfterSaleState.UNKNOWN,
    AfterSaleState.REFUSED,
    AfterSaleState.REFUNDED,
)


def order(shop_id: str, row: wire.Order) -> Order:
    """An order with its lines."""
    lines = tuple(_line(line) for line in row.lines)
    goods = sum(line.money.goods for line in lines)
    amounts = _money(row, goods, postage=row.postage, adjustment=row.adjust)
    return Order(
        shop_id=shop_id,
        id=row.id,
        lines=lines,
        payment=Fact(value=_payment(row), raw=row.status, at=instant(row.paid)),
        fulfilment=Fact(value=_fulfilment(row), raw=row.status, at=instant(row.shipped)),
        closing=Fact(value=CLOSING_OF.get(row.end, Closing.UNKNOWN), raw=row.end, at=instant(row.ended)),
        hold=Fact(value=HOLD_OF.get(row.hold, Hold.UNKNOWN), raw=row.hold),
        after_sale=_after_sale(lines),
        money=amounts,
        created_at=datetime.fromtimestamp(row.created, UTC),
        updated_at=datetime.fromtimestamp(row.updated, UTC),
        paid_at=instant(row.paid),
        shipped_at=instant(row.shipped),
        signed_at=instant(row.received),
        ended_at=instant(row.ended),
        ship_by=instant(row.ship_by),
        receiver=_receiver(row.receiver),
        buyer_id=row.buyer,
        buyer_note=row.note,
        memo=Memo(text=row.memo, flag=_FLAG_OF.get(row.flag, Flag.NONE)),
        parcels=tuple(_parcel(parcel) for parcel in row.parcels),
        warnings=money.warnings(amounts, lines),
    )


def _payment(row: wire.Order) -> Payment:
    if row.status == CANCELLED:
        return Payment.UNPAID if row.paid is None else Payment.PAID
    return PAYMENT_OF.get(row.status, Payment.UNKNOWN)


def _fulfilment(row: wire.Order) -> Fulfilment:
    if row.status == CANCELLED:
        return Fulfilment.TO_SHIP if row.shipped is None else Fulfilment.SHIPPED
    return FULFILMENT_OF.get(row.status, Fulfilment.UNKNOWN)


def _after_sale(lines: tuple[Line, ...]) -> Fact[AfterSaleState]:
    """The most urgent of the lines'."""
    marks = {line.after_sale.value: line.after_sale for line in lines}
    return next((marks[state] for state in _URGENT if state in marks), Fact(value=AfterSaleState.NONE))


def _line(row: wire.Line) -> Line:
    return Line(
        id=row.id,
        listing_id=row.item,
        sku_id=row.sku,
        merchant_code=row.code,
        title=row.title,
        spec=row.spec,
        quantity=row.quantity,
        unit_price=row.price,
        money=_money(row, row.price * row.quantity),
        gift=row.gift,
        after_sale=Fact(value=AFTER_SALE_OF.get(row.refund, AfterSaleState.UNKNOWN), raw=row.refund),
    )


def _money(row: wire.Amounts, goods: int, *, postage: int = 0, adjustment: int = 0) -> Money:
    borne = ((Payer.SELLER, row.seller_off), (Payer.PLATFORM, row.platform_off))
    discounts = tuple(Share(payer=payer, amount=amount) for payer, amount in borne if amount)
    return Money(
        goods=goods,
        adjustment=adjustment,
        postage=postage,
        discounts=discounts,
        pay=row.pay,
        receivable=money.receivable(row.pay, discounts),
    )


def _receiver(row: wire.Receiver) -> Receiver:
    return Receiver(
        name=Masked(mask=row.name.mask, cipher=row.name.cipher),
        phone=Masked(mask=row.phone.mask, cipher=row.phone.cipher),
        detail=Masked(mask=row.detail.mask, cipher=row.detail.cipher),
        province=row.province,
        city=row.city,
        district=row.district,
        region_code=row.region,
        oaid=row.id,
    )


def _parcel(row: wire.Parcel) -> Parcel:
    return Parcel(
        id=row.id,
        carrier=CARRIER_OF.get(row.carrier, ""),
        carrier_code=row.carrier,
        tracking_no=row.number,
        shipped_at=instant(row.at),
    )
