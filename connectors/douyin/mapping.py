"""Douyin's wire values → the canonical model. Pure: takes and returns values. Status tables name our word first.

Codes that no table knows become UNKNOWN with the code kept. The identities of money are inferred from field comments.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import TypeVar

from connectors.douyin import wire
from core.carriers import Carrier
from core.clock import SHANGHAI
from core.model import (
    AfterSale,
    Component,
    Flag,
    Line,
    Lineage,
    Listing,
    ListingSku,
    Masked,
    Memo,
    Money,
    Order,
    Packed,
    Parcel,
    ParcelKind,
    Payer,
    Presale,
    Price,
    Receiver,
    ReturnParcel,
    Share,
)
from core.money import receivable, warnings
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

PAYMENT = {
    Payment.UNPAID: ("1",),
    Payment.PART_PAID: ("103",),
    Payment.PAID: ("105", "2", "101", "3", "5"),
}
"""By order_status. 4 (cancelled) says nothing about payment: the pay time does. Cash on delivery counts as paid once
the platform releases it for shipping."""
FULFILMENT = {
    Fulfilment.TO_SHIP: ("1", "103", "105", "2"),
    Fulfilment.PART_SHIPPED: ("101",),
    Fulfilment.SHIPPED: ("3",),
    Fulfilment.SIGNED: ("5",),
}
CLOSING = {
    Closing.OPEN: ("1", "103", "105", "2", "101", "3"),
    Closing.FINISHED: ("5",),
}
HOLD = {
    Hold.NONE: ("1", "103", "2", "101", "3", "4", "5"),
    Hold.RISK: ("105",),
}
"""105 is an incomplete group when the trade is a group buy, else risk review (inferred from the trade type)."""
REFUNDED_MAIN_STATUS = frozenset({"21", "22", "39"})
"""main_status of an order whose money went back: before shipping, after it, after receipt."""

CANCELLED = "4"
GROUP_BUY = "1"
CASH_ON_DELIVERY = "0"
DEPOSIT_TRADES = ("2", "3")
REFUND_ARRIVED = "3"

LINE_AFTER_SALE = {
    AfterSaleState.NONE: ("0", "14", "53"),
    AfterSaleState.REQUESTED: ("6", "8", "13"),
    AfterSaleState.RETURNING: ("7", "11"),
    AfterSaleState.REFUNDING: ("12",),
    AfterSaleState.REFUSED: ("27", "29"),
    AfterSaleState.WITHDRAWN: ("28", "51"),
}
"""By after_sale_status of a line; refund_status alone is not to be trusted (it stays 1 when the buyer cancels). A
running replacement (8, 13) counts as requested, an ended one (14, 53) as nothing."""
KIND = {
    AfterSaleKind.RETURN: ("0",),
    AfterSaleKind.REFUND_ONLY: ("1",),
    AfterSaleKind.REFUND_UNSHIPPED: ("2",),
    AfterSaleKind.EXCHANGE: ("3",),
    AfterSaleKind.PRICE_PROTECTION: ("6",),
    AfterSaleKind.RESEND: ("7",),
    AfterSaleKind.REPAIR: ("8",),
}
STAGE = {
    AfterSaleStage.REQUESTED: ("0", "6"),
    AfterSaleStage.TO_RETURN: ("7",),
    AfterSaleStage.TO_REPLACE: ("8",),
    AfterSaleStage.RETURNED: ("11",),
    AfterSaleStage.REFUNDING: ("12",),
    AfterSaleStage.REPLACED: ("13",),
    AfterSaleStage.DONE: ("14", "53"),
    AfterSaleStage.REFUSED: ("27", "29"),
    AfterSaleStage.CLOSED: ("28",),
    AfterSaleStage.WITHDRAWN: ("51",),
}
PLATFORM_DECIDES = frozenset({"1", "4", "5"})
"""arbitrate_status while the platform's decision is open."""

SHELF = {
    Shelf.ON: ("0/3",),
    Shelf.OFF: ("0/1", "0/2", "0/4", "0/7", "1/1", "1/2", "1/3", "1/4", "1/7"),
    Shelf.BANNED: ("0/5", "1/5"),
    Shelf.DELETED: ("2/1", "2/2", "2/3", "2/4", "2/5", "2/7"),
}
"""By status/check_status. Status 0 also holds products that did not pass review; only 0/3 is on sale."""
IN_REVIEW = "2"

FLAGS = {
    Flag.NONE: "0",
    Flag.PURPLE: "1",
    Flag.CYAN: "2",
    Flag.GREEN: "3",
    Flag.ORANGE: "4",
    Flag.RED: "5",
}
"""seller_remark_stars. 0 is drawn grey and is also what an order without a flag has, so grey is read as none."""

CARRIERS = {
    Carrier.SF: ("shunfeng",),
    Carrier.ZTO: ("zhongtong",),
    Carrier.YTO: ("yuantong",),
    Carrier.STO: ("shentong",),
    Carrier.YUNDA: ("yunda",),
    Carrier.JT: ("jtexpress",),
    Carrier.EMS: ("ems",),
    Carrier.CHINA_POST: ("youzhengguonei",),
    Carrier.JD: ("jd",),
    Carrier.DEPPON: ("debangwuliu", "debangkuaidi"),
    Carrier.BEST: ("huitongkuaidi",),
    Carrier.ANNENG: ("annengwuliu",),
}
"""The channel's codes of each carrier; where there are two, the shop's own list decides. Deppon, Best and Anneng are
unconfirmed."""

E = TypeVar("E", bound=StrEnum)


def _by_code(table: Mapping[E, Iterable[str]]) -> dict[str, E]:
    return {code: value for value, codes in table.items() for code in codes}


_PAYMENT, _FULFILMENT, _CLOSING, _HOLD = _by_code(PAYMENT), _by_code(FULFILMENT), _by_code(CLOSING), _by_code(HOLD)
_LINE_AFTER_SALE, _KIND, _STAGE, _SHELF = _by_code(LINE_AFTER_SALE), _by_code(KIND), _by_code(STAGE), _by_code(SHELF)
_FLAG = {star: flag for flag, star in FLAGS.items()}
CARRIER_OF = _by_code(CARRIERS)
"""The canonical carrier of a channel code."""

# Naming a generic model looks it up anew each time; these are looked up once.
_PaymentFact, _FulfilmentFact, _ClosingFact, _HoldFact = Fact[Payment], Fact[Fulfilment], Fact[Closing], Fact[Hold]
_AfterSaleFact, _StageFact, _ShelfFact = Fact[AfterSaleState], Fact[AfterSaleStage], Fact[Shelf]
_NO_HOLD = _HoldFact(value=Hold.NONE)
_NO_AFTER_SALE = _AfterSaleFact(value=AfterSaleState.NONE)
_ALONE = Lineage()


def instant(seconds: int) -> datetime | None:
    """Unix seconds → UTC; 0 means that it has not happened."""
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def instant_of(value: object) -> datetime | None:
    """Seconds, their text, RFC 3339 or `yyyy-MM-dd HH:mm:ss` in Shanghai → UTC; None for anything else."""
    if isinstance(value, int):
        return instant(value)
    if not isinstance(value, str) or not value:
        return None
    if value.isdigit():
        return instant(int(value))
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=SHANGHAI)).astimezone(UTC)


def order_id_of(text: str) -> str:
    """An order id without the `A` that old documents and clients hang on it."""
    return text.removesuffix("A")


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
        memo=Memo(text=row.seller_words, flag=_FLAG.get(row.seller_remark_stars, Flag.NONE)),
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
        value = _PAYMENT.get(code, Payment.UNKNOWN)
    return _PaymentFact(value=value, raw=code, at=instant(row.pay_time) if value is Payment.PAID else None)


def _fulfilment(code: str, row: wire.ShopOrder | wire.SkuOrder, received: bool) -> Fact[Fulfilment]:
    """`received` is whether everything has been delivered, as far as the platform tells."""
    if code == CANCELLED:
        value = Fulfilment.SHIPPED if row.ship_time else Fulfilment.TO_SHIP
        if row.ship_time and isinstance(row, wire.ShopOrder) and row.pay_type == CASH_ON_DELIVERY:
            value = Fulfilment.REJECTED
    else:
        value = _FULFILMENT.get(code, Fulfilment.UNKNOWN)
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
    value = _CLOSING.get(code, Closing.UNKNOWN)
    if value is Closing.FINISHED:
        return _ClosingFact(value=value, raw=code, at=instant(row.finish_time))
    return _closing_fact(value, code)


@lru_cache(maxsize=64)
def _closing_fact(value: Closing, code: str) -> Fact[Closing]:
    return _ClosingFact(value=value, raw=code)


def _hold(row: wire.ShopOrder) -> Fact[Hold]:
    value = _HOLD.get(row.order_status, Hold.UNKNOWN)
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
    value = _LINE_AFTER_SALE.get(code, AfterSaleState.UNKNOWN)
    if code in _MONEY_MAY_BE_BACK and mark.refund_status == REFUND_ARRIVED:
        value = AfterSaleState.REFUNDED
    return _AfterSaleFact(value=value, raw=f"{code}/{mark.refund_status}")


_MONEY_MAY_BE_BACK = ("12", "53")


def _order_money(row: wire.ShopOrder, lines: tuple[Line, ...]) -> Money:
    """Freight is on the parent only; the goods are the sum of the lines, which the platform has apportioned."""
    paid = row.order_status in _PAYMENT and _PAYMENT[row.order_status] is Payment.PAID
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


def after_sale_of_row(shop_id: str, row: wire.AfterSaleRow) -> AfterSale:
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


def after_sale_of_detail(shop_id: str, detail: wire.AfterSaleDetail) -> AfterSale:
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


WHOLE_ORDER = "2"
"""aftersale_order_type of an after-sale about the parent order."""


def _after_sale(
    shop_id: str,
    info: wire.AfterSaleInfo,
    *,
    order_id: str,
    line_ids: Iterable[str],
    reason: str,
    returned: ReturnParcel | None,
) -> AfterSale:
    kind = _KIND.get(info.aftersale_type, AfterSaleKind.UNKNOWN)
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
    value = _STAGE.get(code, AfterSaleStage.UNKNOWN)
    if code in _MONEY_MAY_BE_BACK and info.refund_status == REFUND_ARRIVED:
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


def listing(shop_id: str, product: wire.Product, skus: Iterable[wire.Sku]) -> Listing:
    """A product with the SKUs of sku.list."""
    code = f"{product.status}/{product.check_status}"
    return Listing(
        shop_id=shop_id,
        id=product.product_id,
        title=product.name,
        merchant_code=product.outer_product_id,
        shelf=_ShelfFact(value=_SHELF.get(code, Shelf.UNKNOWN), raw=code),
        skus=tuple(_listing_sku(sku, product.market_price) for sku in skus),
        in_review=IN_REVIEW in (product.check_status, product.draft_status),
        created_at=instant_of(product.create_time),
        updated_at=instant_of(product.update_time),
    )


def _listing_sku(sku: wire.Sku, market_price: int) -> ListingSku:
    if sku.sell_properties:
        values = [value.value_name for value in sku.sell_properties]
    else:
        values = [sku.spec_detail_name1, sku.spec_detail_name2, sku.spec_detail_name3]
    return ListingSku(
        sku_id=sku.id,
        merchant_code=sku.code,
        spec=",".join(value for value in values if value),
        sellable=sku.stock_num,
        held=sku.prehold_stock_num,
        price=Price(sale=sku.price, market=market_price or None),
    )
