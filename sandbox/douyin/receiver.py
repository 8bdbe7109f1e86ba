"""The receiver of an order as Douyin shows it: ciphertexts, masks, plain region names."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..model import Address, Buyer
from .ciphers import ADDRESS, NAME, PHONE, Cipher, mask_name, mask_phone_in_order

STREET = "示例街道"


def region(address: Address) -> dict[str, dict[str, str]]:
    """Region names with ids; the street is invented (the world knows districts only)."""
    return {
        "province": {"id": address.province_code, "name": address.province},
        "city": {"id": address.city_code, "name": address.city},
        "town": {"id": address.district_code, "name": address.district},
        "street": {"id": address.district_code + "001", "name": STREET},
    }


@dataclass(frozen=True)
class Receiver:
    """One buyer within one order; the order id salts the ciphertexts."""

    cipher: Cipher
    order_id: str
    buyer: Buyer

    @cached_property
    def name(self) -> str:
        """Ciphertext of the name."""
        return self.cipher.encrypt(NAME, self.buyer.name, self.order_id)

    @cached_property
    def phone(self) -> str:
        """Ciphertext of the phone number."""
        return self.cipher.encrypt(PHONE, self.buyer.phone, self.order_id)

    @cached_property
    def detail(self) -> str:
        """Ciphertext of the street part of the address."""
        return self.cipher.encrypt(ADDRESS, self.buyer.address.detail, self.order_id)

    def plain(self, cipher_text: str) -> tuple[int, str] | None:
        """(kind, plaintext) when the ciphertext is one of this receiver's."""
        if cipher_text == self.phone:
            return PHONE, self.buyer.phone
        if cipher_text == self.name:
            return NAME, self.buyer.name
        return (ADDRESS, self.buyer.address.detail) if cipher_text == self.detail else None

    @property
    def buyer_pseudonym(self) -> str:
        """`doudian_open_id`."""
        return self.cipher.pseudonym("buyer", self.buyer.buyer_id)

    @property
    def address_pseudonym(self) -> str:
        """`open_address_id`: the same for the same name, phone and address."""
        address = self.buyer.address
        return self.cipher.pseudonym(
            "address", f"{self.buyer.name}|{self.buyer.phone}|{address.district_code}|{address.detail}"
        )

    @cached_property
    def fields(self) -> dict[str, Any]:
        """The receiver fields that the parent and every sku order carry; plain texts are empty nowadays."""
        places = region(self.buyer.address)
        return {
            "encrypt_post_receiver": self.name,
            "encrypt_post_tel": self.phone,
            "mask_post_addr": {**places, "detail": "****"},
            "mask_post_receiver": mask_name(self.buyer.name),
            "mask_post_tel": mask_phone_in_order(self.buyer.phone),
            "post_addr": {**places, "detail": "", "encrypt_detail": self.detail},
            "post_receiver": "",
            "post_tel": "",
        }
