"""Who buys, without saying it: masks, the buyer's open id, and OAID, the opaque id of a receiver.

An OAID is a keyed digest over receiver, address, seller, app and the calendar week the order was created in: equal
ones mean one receiver, different ones mean nothing.
"""

import base64
import hashlib
import re
from datetime import datetime

from ..model import Address, Buyer, Order, Shop
from ..world import World
from .call import CHANNEL
from .values import CHINA

TOWN = "示例街道"
"""The world's addresses have no towns: everybody lives in this one."""
_KEPT = re.compile(r"[^道路街巷号幢栋室]")


def _digest(world: World, *parts: str) -> str:
    key = f"{CHANNEL}:{world.seed}".encode()
    raw = hashlib.blake2b("|".join(parts).encode(), key=key, digest_size=36).digest()
    return base64.b64encode(raw, b"Ab").decode()


def receiver_key(buyer: Buyer) -> tuple[str, ...]:
    """What makes two receivers the same."""
    address: Address = buyer.address
    return (buyer.name, buyer.phone, address.district_code, address.detail)


def oaid(world: World, shop: Shop, order: Order) -> str:
    """The receiver's id as this seller's app sees it on this order."""
    year, week, _ = datetime.fromtimestamp(order.created, CHINA).isocalendar()
    return "1" + _digest(world, *receiver_key(order.buyer), shop.shop_id, world.apps[CHANNEL].key, f"{year}w{week}")


def open_uid(world: World, buyer_id: str) -> str:
    """A person's id within the app."""
    return "AA" + _digest(world, "uid", buyer_id, world.apps[CHANNEL].key)[:30]


def masked_name(name: str) -> str:
    """`张**`"""
    return name[:1] + "**" if name else ""


def masked_mobile(phone: str) -> str:
    """`*******0000`"""
    return "*******" + phone[-4:] if phone else ""


def masked_street(detail: str) -> str:
    """`示**道示*路**号*幢***室`: the first character and what kind of place it is stay."""
    return detail[:1] + _KEPT.sub("*", detail[1:])


def masked_nick(buyer_id: str) -> str:
    """`示**家`"""
    return "示**家" if buyer_id else ""
