"""JD's MD5 signature. Pure."""

import hashlib
from collections.abc import Mapping


def sign(params: Mapping[str, str], secret: str) -> str:
    """Upper-case MD5 over secret + name + value … + secret, names in ASCII order, `sign` and empty values left out."""
    rows = sorted((name, value) for name, value in params.items() if name != "sign" and name and value)
    text = secret + "".join(name + value for name, value in rows) + secret
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest().upper()
