"""Pinduoduo's wire models to the canonical ones and back. Pure; status tables have the canonical word on the left.

Orders speak yuan, details of after-sales and listings speak fen, the list of after-sales speaks yuan again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise
from typing import TypeVar

from connectors.pinduoduo import CHANNEL, price_rule, wire
from core.carriers import Carrier
from core.channel import PriceWrite
from core.errors import Invalid, NotFound, Rejected
from core.model import (
    AfterSale,
    Flag,
    Invoice,
    Line,
    Lineage,
    Listing,
    ListingSku,
    Masked,
    Memo,
    Money,
    Order,
    Parcel,
    ParcelKind,
    Payer,
    Presale,
    Price,
    Receiver,
    ReturnParcel,
    Share,
)
from core.money import fen, receivable, warnings
from core.status import AfterSaleKind, AfterSaleStage, AfterSaleState, Closing, Fact, Fulfilment, Hold, Payment, Shelf

FULFILMENT = {Fulfilment.TO_SHIP: ("1",), Fulfilment.SHIPPED: ("2",), Fulfilment.SIGNED: ("3",)}
DEPOSIT = {Payment.UNPAID: ("0",), Payment.PART_PAID: ("1",), Payment.PAID: ("2",)}
RISK = {Hold.NONE: ("0",), Hold.RISK: ("1",)}
REFUND_STATUS = {
    AfterSaleState.NONE: ("1",),
    AfterSaleState.REQUESTED: ("2",),
    AfterSaleState.REFUNDING: ("3",),
    AfterSaleState.REFUNDED: ("4",),
}
STAGE = {
    AfterSaleStage.REQUESTED: ("2", "3", "14", "21"),
    AfterSaleStage.REFUSED: ("6",),
    AfterSaleStage.TO_RETURN: ("7", "15", "22"),
    AfterSaleStage.TO_REPLACE: ("32",),
    AfterSaleStage.REPLACED: ("18", "27"),
    AfterSaleStage.PLATFORM: ("8",),
    AfterSaleStage.REFUNDING: ("4", "5", "31", "33"),
    AfterSaleStage.REFUNDED: ("10",),
    AfterSaleStage.DONE: ("16", "25"),
    AfterSaleStage.WITHDRAWN: ("11",),
    AfterSaleStage.CLOSED: ("9", "12", "13", "17", "24"),
}
"""`after_sales_status`. That what the buyer must do under 15 (exchange, repair) is to send the goods is inferred."""

STATE = {
    AfterSaleState.NONE: (AfterSaleStage.DONE,),
    AfterSaleState.REQUESTED: (
        AfterSaleStage.REQUESTED,
        AfterSaleStage.TO_REPLACE,
        AfterSaleStage.REPLACED,
        AfterSaleStage.PLATFORM,
    ),
    AfterSaleState.RETURNING: (AfterSaleStage.TO_RETURN, AfterSaleStage.RETURNED),
    AfterSaleState.REFUNDING: (AfterSaleStage.REFUNDING,),
    AfterSaleState.REFUNDED: (AfterSaleStage.REFUNDED,),
    AfterSaleState.REFUSED: (AfterSaleStage.REFUSED, AfterSaleStage.CLOSED),
    AfterSaleState.WITHDRAWN: (AfterSaleStage.WITHDRAWN,),
}
KIND = {
    AfterSaleKind.REFUND_ONLY: ("1",),
    AfterSaleKind.RETURN: ("2",),
    AfterSaleKind.EXCHANGE: ("3",),
    AfterSaleKind.RESEND: ("4",),
    AfterSaleKind.REPAIR: ("5",),
}
"""`after_sales_type` as the detail counts. The list counts from one more (inferred): its 1 is the request's "all"."""

SHELF = {Shelf.ON: ("1",), Shelf.OFF: ("2",), Shelf.SOLD_OUT: ("3",), Shelf.DELETED: ("4",)}
FLAG = {
    Flag.NONE: ("0",),
    Flag.RED: ("1",),
    Flag.YELLOW: ("2",),
    Flag.GREEN: ("3",),
    Flag.BLUE: ("4",),
    Flag.PURPLE: ("5",),
}
CARRIER = {
    Carrier.STO: ("1",),
    Carrier.BEST: ("3",),
    Carrier.SF: ("44",),
    Carrier.YTO: ("85",),
    Carrier.ZTO: ("115",),
    Carrier.EMS: ("118",),
    Carrier.JD: ("120",),
    Carrier.YUNDA: ("121",),
    Carrier.DEPPON: ("131",),
    Carrier.CHINA_POST: ("132",),
    Carrier.KUAYUE: ("183",),
    Carrier.ANNENG: ("208",),
    Carrier.JT: ("384",),
}
"""Express ids. A carrier's freight arm has an id of its own (JD large 340) and is not the same service."""

SWITCHES = (
    "free_sf",
    "return_freight_payer",
    "delivery_one_day",
    "self_contained",
    "only_support_replace",
    "support_nationwide_warranty",
    "duoduo_wholesale",
)
"""0/1 fields that become tags; `order_tag_list` repeats and extends them."""

FUNDER = {Payer.GOVERNMENT: ("1",), Payer.PLATFORM: ("2",), Payer.SELLER: ("3",)}

E = TypeVar("E", bound=StrEnum)


def _by_code(table: Mapping[E, Iterable[str]]) -> dict[str, E]:
    return {code: word for word, codes in table.items() for code in codes}


FULFILMENT_OF = _by_code(FULFILMENT)
DEPOSIT_OF = _by_code(DEPOSIT)
RISK_OF = _by_code(RISK)
REFUND_STATUS_OF = _by_code(REFUND_STATUS)
STAGE_OF = _by_code(STAGE)
STATE_OF = _by_code(STATE)
KIND_OF = _by_code(KIND)
SHELF_OF = _by_code(SHELF)
FLAG_OF = _by_code(FLAG)
FUNDER_OF = _by_code(FUNDER)
CARRIER_OF = {code: carrier.value for code, carrier in _by_code(CARRIER).items()}
CARRIER_IDS: dict[str, tuple[str, ...]] = {carrier.value: ids for carrier, ids in CARRIER.items()}

STATUSES = tuple(STAGE_OF)
"""Every documented after-sale status but "none"; the list is asked for each."""

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
_NO_MONEY = Money(goods=0, pay=0, receivable=0)


def order(shop_id: str, row: wire.OrderRow) -> Order:
    """An order of any order API. Raises ValueError for a time that is none."""
    money, doubts = _money(row)
    after_sale = _after_sale_fact(row)
    lines = _lines(row, money, after_sale)
    pay_time = utc(row.pay_time)
    return Order(
        shop_id=shop_id,
        id=row.order_sn,
        lines=lines,
        payment=_payment(row, pay_time),
        fulfilment=FulfilmentFact(
            value=FULFILMENT_OF.get(row.order_status, Fulfilment.UNKNOWN),
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
        memo=Memo(text=(row.remark or "").strip(), flag=FLAG_OF.get(row.remark_tag or "0", Flag.NONE)),
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
        return PaymentFact(value=DEPOSIT_OF.get(step, Payment.UNKNOWN), raw=step, at=pay_time)
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
        return HoldFact(value=RISK_OF.get(risk, Hold.UNKNOWN), raw=f"risk_control_status {risk}")
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
        return StateFact(value=REFUND_STATUS_OF.get(refund, AfterSaleState.UNKNOWN), raw=refund)
    stage = STAGE_OF.get(status, AfterSaleStage.UNKNOWN)
    return StateFact(value=STATE_OF.get(stage, AfterSaleState.UNKNOWN), raw=status)


def _money(row: wire.OrderRow) -> tuple[Money, tuple[str, ...]]:
    """The order's money, with what is odd about it."""
    change, pay = _fen(row.order_change_amount), fen(row.pay_amount)
    discounts = _shares(
        (Payer.PLATFORM, row.platform_discount, "platform_discount"),
        (Payer.SELLER, row.seller_discount, "seller_discount"),
        (Payer.SELLER, row.capital_free_discount, "capital_free_discount"),
    )
    payments, doubts = _payments(row, pay)
    money = Money(
        goods=fen(row.goods_amount) + change,  # the wire's amount already has the manual change taken off
        adjustment=-change,
        postage=_fen(row.postage),
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
    return _fen(row.delivery_home_value) + _fen(row.delivery_install_value) + _fen(row.home_install_value)


def _shares(*parts: tuple[Payer, Decimal | None, str]) -> tuple[Share, ...]:
    return tuple(Share(payer=payer, amount=fen(amount), name=name) for payer, amount, name in parts if amount)


def _lines(row: wire.OrderRow, money: Money, after_sale: Fact[AfterSaleState]) -> tuple[Line, ...]:
    bought = _settled(row.item_list)
    # A gift with an order of its own (1) ships there; while that is being made (0) it belongs nowhere yet.
    gifts = _settled(row.gift_list or ()) if row.gift_order_status in {None, "", "2"} else ()
    prices = [_fen(item.goods_price) for item in bought]
    moneys = _divided(money, [price * item.goods_count for price, item in zip(prices, bought, strict=True)])
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


def _divided(money: Money, goods: Sequence[int]) -> list[Money]:
    """The order's money per line, by the lines' worth. The platform divides nothing; normal orders have one line."""
    if len(goods) == 1:
        return [_line_money(goods[0], money.adjustment, money.discounts)]
    adjustments = _parts(money.adjustment, goods)
    discounts = [_parts(share.amount, goods) for share in money.discounts]
    divided = []
    for position, worth in enumerate(goods):
        shares = tuple(
            Share(payer=share.payer, amount=parts[position], name=share.name)
            for share, parts in zip(money.discounts, discounts, strict=True)
        )
        divided.append(_line_money(worth, adjustments[position], shares))
    return divided


def _line_money(goods: int, adjustment: int, discounts: tuple[Share, ...]) -> Money:
    pay = goods + adjustment - sum(share.amount for share in discounts)
    return Money(
        goods=goods, adjustment=adjustment, discounts=discounts, pay=pay, receivable=receivable(pay, discounts)
    )


def _parts(amount: int, weights: Sequence[int]) -> list[int]:
    """The amount in proportion to the weights, summing to it exactly."""
    total = sum(weights) or 1
    bounds = [0]
    for weight in weights:
        bounds.append(bounds[-1] + weight)
    upto = [amount * bound // total for bound in bounds[:-1]] + [amount]
    return [later - earlier for earlier, later in pairwise(upto)]


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
    for name in SWITCHES:
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
        kind=KIND_OF.get(row.after_sales_type, AfterSaleKind.UNKNOWN),
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
        kind=KIND_OF.get(kind, AfterSaleKind.UNKNOWN),
        kind_raw=kind,
        stage=stage,
        quantity=row.goods_number,
        refund=_fen(row.refund_amount),
        refunded=stage.value is AfterSaleStage.REFUNDED,
        reason=row.after_sale_reason or "",
        created_at=_required(row.created_time),
        updated_at=_required(row.updated_time),
        returned=_returned(row.shipping_name, row.tracking_number),
        platform_involved=stage.value is AfterSaleStage.PLATFORM,
    )


def _stage(status: str, return_number: str | None) -> Fact[AfterSaleStage]:
    """A return that has a number is under way, whatever status it waits in (inferred)."""
    value = STAGE_OF.get(status, AfterSaleStage.UNKNOWN)
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
        shelf=Fact[Shelf](value=SHELF_OF.get(status, Shelf.UNKNOWN), raw=status),
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


@dataclass(frozen=True)
class PricePlan:
    """The listing's strike-through price, and for each wish its row of the call or why it must not be sent."""

    market: int | None
    rows: tuple[dict[str, int] | Rejected, ...]


def price_plan(goods: wire.Goods, writes: Sequence[PriceWrite]) -> PricePlan:
    """What a wish leaves out is taken from the listing. Whether a SKU is on sale stays as it is."""
    markets = {write.price.market for write in writes if write.price.market is not None}
    market = max(markets, default=goods.market_price or None)
    skus = {sku.sku_id: sku for sku in goods.sku_list}
    changed = {write.key.sku_id for write in writes}
    rest = max((sku.price or 0 for sku in goods.sku_list if sku.sku_id not in changed), default=0)
    rows: list[dict[str, int] | Rejected] = []
    for write in writes:
        sku = skus.get(write.key.sku_id)
        if sku is None:
            rows.append(NotFound("the listing has no such SKU", channel=CHANNEL.code))
        elif len(markets) > 1:
            rows.append(_invalid("a listing has one market price, these differ"))
        elif write.price.market is not None and write.price.market < rest:
            rows.append(_invalid(f"market {write.price.market} is below another SKU's single price {rest}"))
        else:
            rows.append(_price_row(sku, write, market))
    return PricePlan(market, tuple(rows))


def _price_row(sku: wire.GoodsSku, write: PriceWrite, market: int | None) -> dict[str, int] | Rejected:
    group = write.price.sale
    single = write.price.single if write.price.single is not None else sku.price
    if single is None:
        return _invalid("the listing shows no single price, so one must be named")
    if group <= 0:
        return _invalid(f"the group price {group} must be above 0")
    if broken := price_rule(Price(sale=group, single=single, market=market)):
        return _invalid(broken)
    return {
        "sku_id": int(sku.sku_id),
        "group_price": group,
        "single_price": single,
        "is_onsale": 0 if sku.is_onsale == "0" else 1,
    }


def _invalid(reason: str) -> Invalid:
    return Invalid(reason, channel=CHANNEL.code)


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


def _fen(amount: Decimal | None) -> int:
    return fen(amount) if amount else 0
