"""JD's orders: statuses, lines, receiver, parcels. Orders speak yuan."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import zip_longest

from connectors.jd import wire
from connectors.jd.mapping.tables import (
    CANCELLED,
    CARRIER_OF,
    CLOSING_OF,
    FLAG_OF,
    FULFILMENT_OF,
    JD_TRADE,
    JD_WAREHOUSES,
    LOCKED,
    ORDINARY_TRADE,
    PAUSED,
    TRADE,
    UNDECIDED,
    UNPAID,
)
from connectors.jd.mapping.values import (
    fen_of,
    instant_of,
    line_moneys,
    masked,
    on_delivery,
    order_money,
    region,
    required_instant,
    unstamped,
)
from core.model import (
    Flag,
    Invoice,
    Line,
    Lineage,
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


def order(shop_id: str, row: wire.OrderRow) -> Order:
    """An order of the search or the detail. Raises ValueError for a time that is none."""
    paid_at, ended_at = instant_of(row.paymentConfirmTime), instant_of(row.orderEndTime)
    items = _settled(row.itemInfoList)
    named = _named(row.orderId, items)
    parcels = _parcels(row, named)
    money, coupons, doubts = order_money(row)
    fulfilment = _fulfilment(row, parcels, ended_at)
    partly = fulfilment.value is Fulfilment.PART_SHIPPED
    lines = _lines(items, named, line_moneys(items, money, coupons), parcels if partly else None)
    payment = _payment(row, paid_at)
    return Order(
        shop_id=shop_id,
        id=row.orderId,
        lines=lines,
        payment=payment,
        fulfilment=fulfilment,
        closing=_closing(row, paid_at, ended_at),
        hold=_hold(row, fulfilment),
        after_sale=_after_sale(row, paid_at),
        money=money,
        created_at=required_instant(row.orderStartTime),
        updated_at=required_instant(row.modified),
        paid_at=paid_at,
        shipped_at=min((parcel.shipped_at for parcel in parcels if parcel.shipped_at), default=None),
        ended_at=ended_at,
        receiver=_receiver(row.consigneeInfo),
        buyer_id=row.open_id_buyer or "",
        buyer_note=row.orderRemark or "",
        memo=Memo(text=unstamped(row.venderRemark), flag=FLAG_OF.get(row.venderRemarkLevelFlag or "0", Flag.NONE)),
        parcels=parcels,
        presale=Presale(kind="full", ship_from=ship_from) if (ship_from := instant_of(row.scDT)) else None,
        invoice=_invoice(row),
        lineage=Lineage(parent_id=_parent(row)),
        kind=_kind(row),
        tags=_tags(row),
        warnings=(*doubts, *warnings(money, lines)),
    )


def jd_ships(found: Order) -> bool:
    """Whether JD ships the order from a warehouse of its own, so that the seller must not."""
    return found.kind == JD_TRADE or any(tag in JD_WAREHOUSES for tag in found.tags)


def _payment(row: wire.OrderRow, paid_at: datetime | None) -> Fact[Payment]:
    """Cash on delivery is settled as far as shipping cares: it has no time of payment and waits for none."""
    state = row.orderState
    if paid_at or (on_delivery(row) and state != UNPAID):
        value = Payment.PAID
    elif state in (UNPAID, CANCELLED) or state in PAUSED or CLOSING_OF.get(state) is Closing.REPLACED:
        value = Payment.UNPAID  # a pause before any payment is a presale's
    elif FULFILMENT_OF.get(state, Fulfilment.UNKNOWN) is Fulfilment.UNKNOWN:
        value = Payment.UNKNOWN
    else:
        value = Payment.PAID  # the other states follow payment; a transfer or post order tells no time of it
    return _PaymentFact(value=value, raw=row.payType or "", at=paid_at)


def _fulfilment(row: wire.OrderRow, parcels: Sequence[Parcel], ended_at: datetime | None) -> Fact[Fulfilment]:
    """That an order with some parcels declared still waits to be shipped is inferred."""
    state = row.orderState
    value = FULFILMENT_OF.get(state, Fulfilment.UNKNOWN)
    if value is Fulfilment.TO_SHIP and row.partialLogisticsInfoModel and not _all_packed(row):
        value = Fulfilment.PART_SHIPPED
    elif state in UNDECIDED and row.logisticsId:
        value = Fulfilment.SHIPPED
    at = ended_at if value in (Fulfilment.SIGNED, Fulfilment.REJECTED) else None
    if value in (Fulfilment.SHIPPED, Fulfilment.PART_SHIPPED):
        at = max((parcel.shipped_at for parcel in parcels if parcel.shipped_at), default=None)
    return _FulfilmentFact(value=value, raw=state, at=at)


def _all_packed(row: wire.OrderRow) -> bool:
    packed = sum(sku.num for part in row.partialLogisticsInfoModel or () for sku in part.skus or ())
    return packed >= sum(item.itemTotal for item in row.itemInfoList)


def _closing(row: wire.OrderRow, paid_at: datetime | None, ended_at: datetime | None) -> Fact[Closing]:
    state = row.orderState
    if state == CANCELLED:
        value = Closing.CLOSED_REFUNDED if paid_at else Closing.CLOSED_UNPAID
        return _ClosingFact(value=value, raw=state, at=ended_at)
    if state not in FULFILMENT_OF:
        return _ClosingFact(value=Closing.UNKNOWN, raw=state)
    value = CLOSING_OF.get(state, Closing.OPEN)
    return _ClosingFact(value=value, raw=state, at=None if value is Closing.OPEN else ended_at)


def _hold(row: wire.OrderRow, fulfilment: Fact[Fulfilment]) -> Fact[Hold]:
    state = row.orderState
    if state == LOCKED or state in PAUSED:
        return _HoldFact(value=Hold.PLATFORM_LOCK, raw=state)
    if fulfilment.value is Fulfilment.UNKNOWN:
        return _HoldFact(value=Hold.UNKNOWN, raw=state)
    if fulfilment.value is Fulfilment.TO_SHIP and CLOSING_OF.get(state) is None and state != CANCELLED:
        if row.storeOrder in JD_WAREHOUSES:
            return _HoldFact(value=Hold.PLATFORM_LOCK, raw=row.storeOrder or "")
        if _kind(row) == JD_TRADE:
            return _HoldFact(value=Hold.PLATFORM_LOCK, raw=JD_TRADE)
    return _NO_HOLD


def _after_sale(row: wire.OrderRow, paid_at: datetime | None) -> Fact[AfterSaleState]:
    """A lock may also be JD's own; that a refund is asked for is the reason that an ERP must act on."""
    if row.orderState == LOCKED:
        return _AfterSaleFact(value=AfterSaleState.REQUESTED, raw=LOCKED)
    if row.orderState == CANCELLED and paid_at:
        return _AfterSaleFact(value=AfterSaleState.REFUNDED, raw=CANCELLED)
    return _NO_AFTER_SALE


def _settled(items: Sequence[wire.OrderItem]) -> Sequence[wire.OrderItem]:
    """In an order that does not depend on how the platform lists them, so that equal SKUs keep their numbers."""
    if len(items) < 2:
        return items
    return sorted(items, key=lambda item: (item.skuId, -fen_of(item.jdPrice), item.itemTotal, item.skuName or ""))


def _named(order_id: str, items: Sequence[wire.OrderItem]) -> list[str]:
    """The platform gives lines no id: `order:sku:n`."""
    seen: dict[str, int] = {}
    names = []
    for item in items:
        number = seen[item.skuId] = seen.get(item.skuId, 0) + 1
        names.append(f"{order_id}:{item.skuId}:{number}")
    return names


def _lines(
    items: Sequence[wire.OrderItem], named: Sequence[str], moneys: Sequence[Money], parcels: Sequence[Parcel] | None
) -> tuple[Line, ...]:
    """`parcels` are given for an order that is shipped in part."""
    gone: dict[str, int] = {}
    for packed in (packed for parcel in parcels or () for packed in parcel.lines):
        gone[packed.line_id] = gone.get(packed.line_id, 0) + packed.quantity
    return tuple(
        Line(
            id=name,
            listing_id=item.wareId or "",
            sku_id=item.skuId,
            merchant_code=item.outerSkuId or "",
            listing_code=item.productNo or "",
            title=item.skuName or "",
            quantity=item.itemTotal,
            unit_price=fen_of(item.jdPrice),
            money=money,
            gift=money.goods == 0,
            fulfilment=None if parcels is None else _line_fulfilment(gone.get(name, 0), item.itemTotal),
        )
        for item, name, money in zip(items, named, moneys, strict=True)
    )


def _line_fulfilment(gone: int, quantity: int) -> Fact[Fulfilment]:
    if gone >= quantity:
        return _FulfilmentFact(value=Fulfilment.SHIPPED)
    return _FulfilmentFact(value=Fulfilment.PART_SHIPPED if gone else Fulfilment.TO_SHIP)


def _receiver(consignee: wire.Consignee | None) -> Receiver:
    if consignee is None:
        return Receiver()
    sent = (consignee.province or "", consignee.city or "", consignee.county or "", consignee.town or "")
    province, city, district, town = region(*sent)
    address = consignee.fullAddress or ""
    if "*" in address:  # a mask repeats the regions
        for name in sent:
            address = address.removeprefix(name)
    codes = (consignee.townId, consignee.countyId, consignee.cityId, consignee.provinceId)
    return Receiver(
        name=masked(consignee.fullname),
        phone=masked(consignee.mobile or consignee.telephone, consignee.desen_mobile or consignee.desen_telephone),
        detail=masked(address),
        province=province,
        city=city,
        district=district,
        town=town,
        region_code=next((code for code in codes if code and code not in ("0", "-1")), ""),
        oaid=consignee.oaid or "",
    )


def _parcels(row: wire.OrderRow, named: Sequence[str]) -> tuple[Parcel, ...]:
    """Parcels with their contents where the order ships in parts, and every number that only the waybill shows."""
    left = {name: item.itemTotal for name, item in zip(named, _settled(row.itemInfoList), strict=True)}
    parcels = [parcel for part in row.partialLogisticsInfoModel or () for parcel in _parts(part, left)]
    shown = {parcel.tracking_no for parcel in parcels}
    kind = ParcelKind.SPLIT if parcels else ParcelKind.ORDER
    for carrier, number in waybills(row.logisticsId or "", row.waybill or ""):
        if number not in shown:
            parcels.append(_parcel(carrier, number, kind))
    return tuple(parcels)


def waybills(carriers: str, numbers: str) -> Iterator[tuple[str, str]]:
    """Carrier and number of each parcel: `|` stands between companies, `,` between the numbers of one."""
    if not carriers and not numbers:
        return
    companies = carriers.split("|")
    for company, group in zip_longest(companies, numbers.split("|")):
        for number in (group or "").split(","):
            yield (companies[-1] if company is None else company).strip(), number.strip()


def _parts(part: wire.PartShipment, left: dict[str, int]) -> Iterator[Parcel]:
    lines = tuple(packed for sku in part.skus or () for packed in _packed(sku, left))
    shipped_at = instant_of(part.shipmentTime)
    for carrier, number in waybills(part.logicId or "", part.waybillId or ""):
        found = _parcel(carrier, number, ParcelKind.SPLIT)
        yield found.model_copy(update={"id": part.shipmentId or "", "lines": lines, "shipped_at": shipped_at})


def _packed(sku: wire.PackedSku, left: dict[str, int]) -> Iterator[Packed]:
    """The SKU's pieces by line; the platform does not tell equal SKUs apart, so the first lines are filled first."""
    wanted = sku.num
    for name, quantity in left.items():
        if wanted and quantity and name.split(":")[1] == sku.skuId:
            taken = min(wanted, quantity)
            left[name] -= taken
            wanted -= taken
            yield Packed(line_id=name, quantity=taken)


def _parcel(carrier: str, number: str, kind: ParcelKind) -> Parcel:
    return Parcel(carrier=CARRIER_OF.get(carrier, ""), carrier_code=carrier, tracking_no=number, kind=kind)


def _invoice(row: wire.OrderRow) -> Invoice | None:
    """Two fields tell; either may say none while the other names a kind."""
    kind = row.invoiceEasyInfo.invoiceType if row.invoiceEasyInfo else None
    if kind in (None, "", "0"):
        return Invoice() if (row.invoiceInfo or "").startswith("发票类型") else None
    return Invoice(kind=kind)


def _parent(row: wire.OrderRow) -> str:
    return next((code for code in (row.directParentOrderId, row.parentOrderId) if code and code != "0"), "")


def _kind(row: wire.OrderRow) -> str:
    code = row.orderType or ORDINARY_TRADE
    return "normal" if code == ORDINARY_TRADE else TRADE.get(code, code)


def _tags(row: wire.OrderRow) -> tuple[str, ...]:
    tags = [row.storeOrder or ""]
    if on_delivery(row):
        tags.append(row.payType or "")
    if row.idSopShipmenttype in ("68", "69"):
        tags.append(f"idSopShipmenttype={row.idSopShipmenttype}")
    if row.returnOrder not in (None, "", "0"):
        tags.append(f"returnOrder={row.returnOrder}")
    return tuple(sorted(tag for tag in tags if tag))
