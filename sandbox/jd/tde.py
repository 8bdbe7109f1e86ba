"""JD's field encryption: AES-128-CBC under one published sandbox key, and the search index. Pure.

Layout of a ciphertext: 0x00 (weak), 0x04 (AES-128-CBC), 16 bytes key id, 16 bytes IV, the padded text; base64.
"""

import base64
import hashlib
from functools import lru_cache

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

SERVICE = "sandbox_service_0001"
VERSION = 0
MASTER_KEY = bytes(range(32))
KEY_ID = hashlib.md5(f"{SERVICE}:{VERSION}".encode(), usedforsecurity=False).digest()
_HEAD = b"\x00\x04" + KEY_ID


def _cipher(iv: bytes) -> Cipher[modes.CBC]:
    return Cipher(algorithms.AES(MASTER_KEY[:16]), modes.CBC(iv))


@lru_cache(maxsize=20_000)
def encrypt(text: str, iv: bytes) -> str:
    """The ciphertext; an empty text stays empty."""
    if not text:
        return ""
    padder = PKCS7(128).padder()
    encryptor = _cipher(iv).encryptor()
    body = encryptor.update(padder.update(text.encode()) + padder.finalize()) + encryptor.finalize()
    return base64.b64encode(_HEAD + iv + body).decode()


def decrypt(value: str) -> str:
    """The text; ValueError when it is no ciphertext of this key."""
    raw = base64.b64decode(value, validate=True)
    if not raw.startswith(_HEAD):
        raise ValueError("not a ciphertext of this key")
    iv, body = raw[18:34], raw[34:]
    decryptor = _cipher(iv).decryptor()
    unpadder = PKCS7(128).unpadder()
    return (unpadder.update(decryptor.update(body) + decryptor.finalize()) + unpadder.finalize()).decode()


def index(text: str) -> str:
    """The search index: equal texts have equal indexes."""
    salt = _cipher(bytes(16)).encryptor().update(bytes(16))
    return base64.b64encode(hashlib.sha256(text.encode() + salt).digest()).decode()
