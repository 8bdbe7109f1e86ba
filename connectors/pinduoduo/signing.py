"""Pinduoduo's two proofs: the signature of an API call and the digest of the message connection. Pure.

Nothing the platform sends us is signed, so there is nothing to verify here.
"""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence

Param = str | int | bool | Sequence[object] | Mapping[str, object]
"""A parameter's value before it becomes text; lists and mappings travel as one JSON text."""


def text(value: Param) -> str:
    """The exact characters that are sent and signed: `true`, not `True`; compact JSON, not escaped."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool | int):
        return str(value).lower()
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def sign(params: Mapping[str, str], secret: str) -> str:
    """The `sign` of a call, over every parameter that is sent but itself: upper-case hex."""
    joined = "".join(f"{name}{params[name]}" for name in sorted(params))
    return _md5(f"{secret}{joined}{secret}").upper()


def digest(app_key: str, secret: str, milliseconds: int) -> str:
    """The last part of the message connection's path: base64 of the hex text, not of the raw hash."""
    return base64.b64encode(_md5(f"{app_key}{milliseconds}{secret}").encode()).decode()


def _md5(message: str) -> str:
    # The platform knows no other method; the flag lets it run where MD5 is barred for our own security.
    return hashlib.md5(message.encode(), usedforsecurity=False).hexdigest()
