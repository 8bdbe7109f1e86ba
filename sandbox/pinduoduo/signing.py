"""Pinduoduo's MD5 signature and the message connection's digest (dossier section 2 and 12). Pure."""

import base64
import hashlib
from collections.abc import Mapping


def sign(params: Mapping[str, str], secret: str) -> str:
    """Upper-case MD5 over secret + key + value … + secret, keys in byte order, `sign` left out."""
    rows = sorted((name, value) for name, value in params.items() if name != "sign")
    text = secret + "".join(name + value for name, value in rows) + secret
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest().upper()


def verify(params: Mapping[str, str], secret: str) -> bool:
    """Whether `sign` fits the texts received. Empty values may be signed or left out (official SDKs differ)."""
    given = params.get("sign", "")
    filled = {name: value for name, value in params.items() if value}
    return given in (sign(params, secret), sign(filled, secret))


def digest(client_id: str, milliseconds: str, secret: str) -> str:
    """The last path part of the message connection: base64 of the lower-case MD5 hex text."""
    inner = hashlib.md5((client_id + milliseconds + secret).encode(), usedforsecurity=False).hexdigest()
    return base64.b64encode(inner.encode()).decode()
