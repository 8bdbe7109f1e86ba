"""Ciphertexts, masks and pseudonyms in the shapes Douyin shows for buyers' personal data.

The text looks like the platform's but is a keyed digest: it cannot be reversed, only recomputed by the sandbox,
which knows the plaintext. Kinds are the platform's own numbers: 1 address, 2 name, 3 phone.
"""

import base64
import hashlib

ADDRESS, NAME, PHONE = 1, 2, 3


class Cipher:
    """All ciphertexts of one app; `key` makes two sandboxes with different seeds differ."""

    def __init__(self, key: str) -> None:
        self._key = hashlib.blake2b(key.encode()).digest()
        self._windows: dict[tuple[int, str], str] = {}

    def _digest(self, purpose: str, text: str, size: int) -> str:
        """`size` bytes of base64 without padding."""
        raw = b""
        step = 0
        while len(raw) < size:
            part = hashlib.blake2b(f"{purpose}|{step}|{text}".encode(), key=self._key)
            raw += part.digest()
            step += 1
        return base64.b64encode(raw[:size]).decode().rstrip("=")

    def index(self, kind: int, plain: str) -> str:
        """The search index: whole-value equality for phones, 4 characters per window of two for the rest (inferred)."""
        if kind == PHONE:
            return self._digest("index3", plain, 32) + "="
        windows = [plain[at : at + 2] for at in range(max(len(plain) - 1, 1))]
        return "".join([self._window(kind, window) for window in windows])

    def _window(self, kind: int, window: str) -> str:
        """Four characters for two; kept, because addresses are made of the same pairs over and over."""
        token = self._windows.get((kind, window))
        if token is None:
            token = self._windows[kind, window] = self._digest(f"index{kind}", window, 3)
        return token

    def encrypt(self, kind: int, plain: str, salt: str) -> str:
        """The ciphertext of `plain` within one order (`salt`); empty text has none."""
        if not plain:
            return ""
        body = f"{self._digest(f'body{kind}', salt + plain, 64)}*{self._digest(f'blob{kind}', salt + plain, 66)}"
        index = self.index(kind, plain)
        return f"${index}${body}$1$$" if kind == PHONE else f"#{index}#{body}#1##"

    def pseudonym(self, purpose: str, text: str) -> str:
        """`doudian_open_id` and `open_address_id`: stable for the same text, meaningless otherwise."""
        return "#" + self._digest(purpose, text, 64) + "=="

    def token(self, purpose: str, text: str) -> str:
        """A UUID-shaped string for codes."""
        hexes = hashlib.blake2b(f"{purpose}|{text}".encode(), key=self._key, digest_size=16).hexdigest()
        return "-".join((hexes[:8], hexes[8:12], hexes[12:16], hexes[16:20], hexes[20:]))


def mask_name(name: str) -> str:
    """`张*`: the first character and one star, whatever the length."""
    return name[:1] + "*" if name else ""


def mask_phone(phone: str) -> str:
    """`138****0000` as batchSensitive answers."""
    return f"{phone[:3]}****{phone[-4:]}" if phone else ""


def mask_phone_in_order(phone: str) -> str:
    """`1********00` as order objects show it."""
    return f"{phone[:1]}********{phone[-2:]}" if phone else ""


def mask_address(detail: str) -> str:
    """`示****` as batchSensitive answers; order objects show only the stars."""
    return detail[:1] + "****" if detail else ""


def mask(kind: int, plain: str) -> str:
    """The mask of batchSensitive for a kind of data."""
    return {PHONE: mask_phone, NAME: mask_name, ADDRESS: mask_address}[kind](plain)
