"""Buyers' personal data: decrypt, mask, search index, encrypt. At most 50 values per call.

A ciphertext opens only together with the order it belongs to, in the shop that owns the order.
"""

from typing import Any

from ..model import Order, State
from . import errors
from .call import Call, Handler, Opened
from .ciphers import ADDRESS, NAME, PHONE, mask
from .params import Params
from .receiver import Receiver

MOST = 50
VIRTUAL_PHONE = "18400000000"
VIRTUAL_LIFE = 30 * 86_400


def _infos(params: Params) -> list[tuple[str, str]]:
    rows = params.items("cipher_infos")
    if not rows:
        raise errors.missing(100000, "cipher_infos不能为空")
    if len(rows) > MOST:
        raise errors.invalid(100000, "密文数量超过限制，最多50个")
    return [(row.required("auth_id"), row.required("cipher_text")) for row in rows]


def _found(call: Call, order_id: str, cipher_text: str) -> tuple[Order, int, str] | None:
    """(order, kind, plaintext), or None when the order does not hold this ciphertext."""
    order = call.world.book(call.shop).orders.get(order_id.removesuffix("A"))
    if call.item_fails() or order is None:
        return None
    found = call.receiver(order).plain(cipher_text)
    if found is None and order.wanted_address is not None:
        found = Receiver(call.cipher, order.order_id, order.wanted_address).plain(cipher_text)
    return (order, *found) if found else None


def _custom_error(rows: list[dict[str, Any]]) -> dict[str, Any]:
    if all(row["err_no"] == 0 for row in rows):
        return {"err_code": 0, "err_msg": ""}
    return {"err_code": 300001, "err_msg": "解密错误: 批量解密存在部分失败"}


def batch_decrypt(call: Call) -> dict[str, Any]:
    """`order.batchDecrypt`: plaintext; phones as a virtual number with an extension, for 30 days (inferred), unless the
    shop shows them (`douyin_virtual_phone`). `need_virtual_phone` is for drop shipping, which nobody does here.

    Cancelled orders stay closed, and so does everything once the day's allowance is used up; the numbers and texts of
    both refusals are ours.
    """
    if call.params.integer("need_virtual_phone", 0) not in (0, 1):
        raise call.params.numbered(100000).invalid("need_virtual_phone")
    rows = [_decrypted(call, order_id, text) for order_id, text in _infos(call.params)]
    return {"decrypt_infos": rows, "custom_err": _custom_error(rows)}


def _decrypted(call: Call, order_id: str, cipher_text: str) -> dict[str, Any]:
    found = _found(call, order_id, cipher_text)
    if found is None:
        return _row(order_id, cipher_text, 300003, "KMS解密错误")
    order, kind, plain = found
    if order.state is State.CANCELLED:
        return _row(order_id, cipher_text, 300007, "订单已关闭，不支持解密")
    if not call.world.spend("reveals", call.shop, call.world.settings.reveals_a_day.get("douyin")):
        return _row(order_id, cipher_text, 300011, "今日解密额度已用完")
    account = call.params.text("account_id")
    call.memory.opened.append(Opened(call.now, call.shop.shop_id, account, order.order_id))
    virtual = call.world.settings.douyin_virtual_phone
    hide = kind == PHONE and virtual
    extension = plain[-4:] if hide else ""
    return _row(order_id, cipher_text, 0, "") | {
        "data_type": 5 if kind == PHONE and not virtual else kind,
        "decrypt_text": f"{VIRTUAL_PHONE}-{extension}" if hide else plain,
        "is_virtual_tel": hide,
        "phone_no_a": VIRTUAL_PHONE if hide else "",
        "phone_no_b": extension,
        "expire_time": int(call.now) + VIRTUAL_LIFE if hide else 0,
    }


def _row(order_id: str, cipher_text: str, number: int, text: str) -> dict[str, Any]:
    return {
        "auth_id": order_id,
        "cipher_text": cipher_text,
        "data_type": 0,
        "decrypt_text": "",
        "err_no": number,
        "err_msg": text,
        "is_virtual_tel": False,
        "phone_no_a": "",
        "phone_no_b": "",
        "expire_time": 0,
    }


def batch_sensitive(call: Call) -> dict[str, Any]:
    """`order.batchSensitive`: masks."""
    rows = []
    for order_id, cipher_text in _infos(call.params):
        found = _found(call, order_id, cipher_text)
        rows.append(
            {
                "auth_id": order_id,
                "cipher_text": cipher_text,
                "decrypt_text": mask(*found[1:]) if found else "",
                "err_no": 0 if found else 300003,
                "err_msg": "" if found else "KMS解密错误",
            }
        )
    return {"decrypt_infos": rows, "custom_err": _custom_error(rows)}


def _plain(row: Params) -> tuple[str, int]:
    kind = row.integer("encrypt_type", 0)
    if kind not in (ADDRESS, NAME, PHONE):
        raise row.invalid("encrypt_type")
    return row.required("plain_text"), kind


def batch_search_index(call: Call) -> dict[str, Any]:
    """`order.BatchSearchIndex`: the index segment of each plaintext."""
    rows = [_plain(row) for row in call.params.items("plain_text_list")]
    if not 1 <= len(rows) <= MOST:
        raise errors.invalid(100000, "plain_text_list数量需在1到50之间")
    return {
        "plain_to_encrypt_index_list": [
            {"plain": plain, "search_index": call.cipher.index(kind, plain)} for plain, kind in rows
        ],
        "custom_err": {"err_code": 0, "err_msg": ""},
    }


def search_index(call: Call) -> dict[str, Any]:
    """`order.getSearchIndex`: the same for one value (answer shape inferred)."""
    plain, kind = _plain(call.params.numbered(100000))
    return {"encrypt_index_text": call.cipher.index(kind, plain)}


def batch_encrypt(call: Call) -> dict[str, Any]:
    """`order.batchEncrypt`: ciphertexts for plain values within an order (answer shape inferred)."""
    rows = call.params.items("batch_encrypt_list")
    if not 1 <= len(rows) <= MOST:
        raise errors.invalid(100000, "batch_encrypt_list数量需在1到50之间")
    infos = []
    for row in rows:
        (plain, kind), order_id = _plain(row), row.text("auth_id")
        text = call.cipher.encrypt(kind, plain, order_id)
        infos.append({"auth_id": order_id, "decrypt_text": plain, "cipher_text": text, "err_no": 0, "err_msg": ""})
    return {"encrypt_infos": infos, "custom_err": {"err_code": 0, "err_msg": ""}}


APIS: dict[str, Handler] = {
    "order.batchDecrypt": batch_decrypt,
    "order.batchSensitive": batch_sensitive,
    "order.BatchSearchIndex": batch_search_index,
    "order.getSearchIndex": search_index,
    "order.batchEncrypt": batch_encrypt,
}
