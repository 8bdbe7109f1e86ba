"""Pure: what of an order or an after-sale tells of people, and the same without it."""

from typing import Any, TypeVar

from core.model import AfterSale, Masked, Memo, Order

T = TypeVar("T")

PERSONAL = {"order": ("receiver", "buyer_id", "buyer_note", "memo"), "after_sale": ("reason",)}
"""Kind of item → its fields that tell of people, as updates in the feed name them."""


def without_people(value: T) -> T:
    """The value without names, phones, streets, ciphers, pseudonyms and anything that people wrote. Regions, goods,
    money and tracking numbers stay. A listing tells of nobody.
    """
    if isinstance(value, Order):
        nobody = Masked()
        receiver = value.receiver.model_copy(update={"name": nobody, "phone": nobody, "detail": nobody, "oaid": ""})
        update: dict[str, Any] = {
            "receiver": receiver,
            "buyer_id": "",
            "buyer_note": "",
            "memo": Memo(flag=value.memo.flag),
        }
        return value.model_copy(update=update)
    if isinstance(value, AfterSale):
        return value.model_copy(update={"reason": ""})
    return value
