"""TOP signatures: sorted name+value texts, MD5 wrapped in the secret or HMAC keyed with it. Pure."""

import hashlib
import hmac
from collections.abc import Mapping

METHODS = frozenset({"md5", "hmac", "hmac-sha256"})


def string_to_sign(params: Mapping[str, str], body: str = "") -> str:
    """Names and values in byte order of the names, `sign` left out, then a raw body."""
    rows = sorted((name.encode(), value) for name, value in params.items() if name != "sign")
    return "".join(name.decode() + value for name, value in rows) + body


def digest(secret: str, text: str, how: str) -> str:
    """Upper-case hex; `how` is one of METHODS (ValueError for others)."""
    if how == "md5":
        return hashlib.md5(f"{secret}{text}{secret}".encode(), usedforsecurity=False).hexdigest().upper()
    if how not in METHODS:
        raise ValueError(f"unknown sign_method {how!r}")
    kind = hashlib.md5 if how == "hmac" else hashlib.sha256
    return hmac.new(secret.encode(), text.encode(), kind).hexdigest().upper()


def sign(params: Mapping[str, str], secret: str, how: str = "md5", body: str = "") -> str:
    """The signature over exactly these texts."""
    return digest(secret, string_to_sign(params, body), how)


def verify(params: Mapping[str, str], secret: str, body: str = "") -> bool:
    """Whether `sign` fits what was received, compared case-sensitively. Empty values may be signed or left out
    (official SDKs differ)."""
    given, how = params.get("sign", "").encode(), params.get("sign_method", "")
    filled = {name: value for name, value in params.items() if value}
    return any(hmac.compare_digest(given, sign(rows, secret, how, body).encode()) for rows in (filled, params))
