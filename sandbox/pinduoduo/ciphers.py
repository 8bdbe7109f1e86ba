"""Ciphertext and masks of receiver data in Pinduoduo's formats (dossier section 11). The cipher itself is invented.

Name and address: `~cipher~index~1~~`, phone: `$index$cipher$1$$`. Equal plaintext of one shop has equal index; the
cipher differs per order. Only the sandbox can decrypt what it made.
"""

import base64
import hashlib
from dataclasses import dataclass
from functools import lru_cache

NAME, PHONE, ADDRESS = 5, 6, 7
_PAD = 48


@lru_cache(maxsize=64)
def shop_key(seed: int, shop_id: str) -> bytes:
    """The made-up key of a shop."""
    return hashlib.sha256(f"sandbox:{seed}:{shop_id}".encode()).digest()


@lru_cache(maxsize=20_000)
def _index(key: bytes, text: str, whole: bool) -> str:
    """Four base64 characters per token; a phone is one long token."""
    tokens = (text,) if whole else tuple(text)
    size = 9 if whole else 3
    return "".join(base64.b64encode(hashlib.sha256(key + token.encode()).digest()[:size]).decode() for token in tokens)


def _mix(key: bytes, nonce: bytes, data: bytes) -> bytes:
    stream = hashlib.shake_128(key + nonce).digest(len(data))
    return (int.from_bytes(data, "big") ^ int.from_bytes(stream, "big")).to_bytes(len(data), "big")


def encrypt(key: bytes, order_sn: str, kind: int, text: str) -> str:
    """The ciphertext of `text` for one order; empty text stays empty."""
    if not text:
        return ""
    nonce = hashlib.sha256(key + f"{order_sn}:{kind}".encode()).digest()[:8]
    plain = bytes([kind]) + text.encode()
    plain += b"\0" * (-len(plain) % _PAD)
    cipher = base64.b64encode(nonce + _mix(key, nonce, plain)).decode()
    index = _index(key, text, kind == PHONE)
    return f"${index}${cipher}$1$$" if kind == PHONE else f"~{cipher}~{index}~1~~"


@dataclass(frozen=True, slots=True)
class Opened:
    """What a ciphertext held."""

    kind: int
    text: str


def decrypt(key: bytes, value: str) -> Opened | None:
    """What `value` holds; None when it is not a ciphertext of this shop."""
    parts = value.split(value[:1])[1:] if value[:1] in ("~", "$") else []
    if len(parts) < 3:
        return None
    cipher = parts[1] if value[0] == "$" else parts[0]
    try:
        raw = base64.b64decode(cipher, validate=True)
        plain = _mix(key, raw[:8], raw[8:]).rstrip(b"\0")
        text = plain[1:].decode()
    except ValueError:
        return None
    if not plain or plain[0] not in (NAME, PHONE, ADDRESS):
        return None
    return Opened(plain[0], text)


def mask(kind: int, text: str) -> str:
    """`张**`, `170****0001`, `示***路***号`."""
    if kind == PHONE:
        return f"{text[:3]}****{text[-4:]}"
    if kind == NAME:
        return text[:1] + "*" * (len(text) - 1)
    return f"{text[:1]}***路***号" if text else ""
