"""Decrypting and masking of receiver ciphertext (dossier section 11). Every row has its own outcome.

Numbers and texts of a row's refusals are ours: none is published.
"""

from typing import Any

from ..model import Order, State
from . import ciphers
from .call import Call

VIRTUAL_PHONE = "18400000001"


def decrypt(call: Call) -> dict[str, Any]:
    """pdd.open.decrypt.batch: plaintext per row, each with its own outcome."""
    return _opened(call, masked=False)


def decrypt_mask(call: Call) -> dict[str, Any]:
    """pdd.open.decrypt.mask.batch: masked text per row."""
    return _opened(call, masked=True)


def _opened(call: Call, *, masked: bool) -> dict[str, Any]:
    rows = []
    for row in call.params.objects("data_list", 100):
        order_sn, value = row.required("data_tag"), row.required("encrypted_data")
        broken = call.world.faults.take("partial_failure", "pinduoduo", "pdd.open.decrypt.batch", call.shop.shop_id)
        rows.append(_opened_row(call, order_sn, value, masked, broken is not None))
    return {"data_decrypt_list": rows}


def _opened_row(call: Call, order_sn: str, value: str, masked: bool, broken: bool) -> dict[str, Any]:
    opened = ciphers.decrypt(ciphers.shop_key(call.world.seed, call.shop.shop_id), value)
    order = call.world.book(call.shop).orders.get(order_sn)
    row: dict[str, Any] = {"data_tag": order_sn, "data_type": opened.kind if opened else 0, "encrypted_data": value}
    virtual = {} if masked else {"virtual_number_type": 0, "virtual_identify_number": ""}
    if broken or order is None or opened is None or not _belongs(order, opened):
        return row | _refusal(50001, "解密服务繁忙" if broken else "data_tag与密文不匹配") | virtual
    if masked:
        return row | {"decrypted_data": ciphers.mask(opened.kind, opened.text), "error_code": 0, "error_msg": ""}
    if order.state is not State.TO_SHIP or order.hold is not None:
        return row | _refusal(50002, "当前订单状态不支持解密") | virtual
    if not call.world.spend("reveals", call.shop, call.world.settings.reveals_a_day.get("pinduoduo")):
        return row | _refusal(50003, "店铺今日解密额度已用完") | virtual
    text = opened.text
    if opened.kind == ciphers.PHONE and call.world.settings.pinduoduo_virtual_phone:
        text, virtual = VIRTUAL_PHONE, {"virtual_number_type": 1, "virtual_identify_number": opened.text[-4:]}
    return row | {"decrypted_data": text, "error_code": 0, "error_msg": ""} | virtual


def _refusal(code: int, text: str) -> dict[str, Any]:
    return {"decrypted_data": "", "error_code": code, "error_msg": text}


def _belongs(order: Order, opened: ciphers.Opened) -> bool:
    """Whether the text is (or is part of) this order's receiver."""
    buyer = order.buyer
    return opened.text in (buyer.name, buyer.phone) or (
        opened.kind == ciphers.ADDRESS and opened.text.endswith(buyer.address.detail)
    )
