"""The buyer on the wire: masks, ciphertext, OAID, ids. Who an order goes to, as `consigneeInfo`."""

import hashlib
from typing import Any

from ..model import Buyer, Order
from . import areas, tde


def mask_name(name: str) -> str:
    """`张*`"""
    return name[:1] + "*"


def mask_phone(phone: str) -> str:
    """`138****0000`"""
    return f"{phone[:3]}****{phone[-4:]}" if phone else ""


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def open_id(buyer: Buyer) -> str:
    """`open_id_buyer`: the buyer as this app knows them."""
    return "oXr" + hashlib.sha256(f"open:{buyer.buyer_id}".encode()).hexdigest()[:40]


def xid(buyer: Buyer) -> str:
    """`xid_buyer`"""
    return "xid" + _digest("xid", buyer.buyer_id)[:40]


def oaid(order: Order) -> str:
    """Stands for the order's receiver; of every order another one."""
    return "A1" + _digest("oaid", order.order_id, order.buyer.name, order.buyer.phone, order.buyer.address.detail)


def full_address(buyer: Buyer) -> str:
    """Areas and street: province, city and county are repeated in it."""
    return areas.place(buyer.address).text + buyer.address.detail


def masked_address(buyer: Buyer) -> str:
    """`浙江杭州市西湖区三墩镇****`"""
    return areas.place(buyer.address).text + "****"


def consignee(order: Order, *, encrypted: bool) -> dict[str, Any]:
    """`consigneeInfo`: name, phone and address as ciphertext (enSearch, enGet) or masked (search, get)."""
    buyer, where = order.buyer, areas.place(order.buyer.address)
    phone = mask_phone(buyer.phone)
    shown = {"fullname": mask_name(buyer.name), "telephone": phone, "mobile": phone}
    shown["fullAddress"] = masked_address(buyer)
    if encrypted:
        plain = {"fullname": buyer.name, "telephone": buyer.phone, "mobile": buyer.phone}
        plain["fullAddress"] = full_address(buyer)
        iv = hashlib.md5(order.order_id.encode(), usedforsecurity=False).digest()
        shown = {name: tde.encrypt(text, iv) for name, text in plain.items()}
    return {
        **shown,
        "province": where.province[1],
        "city": where.city[1],
        "county": where.county[1],
        "town": where.town[1],
        "provinceId": str(where.province[0]),
        "cityId": str(where.city[0]),
        "countyId": str(where.county[0]),
        "townId": str(where.town[0]),
        "oaid": oaid(order),
        "desen_telephone": phone,
        "desen_mobile": phone,
    }
