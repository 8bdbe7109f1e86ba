"""Signatures of the Douyin open platform: API calls and push messages. Pure; what is signed is exactly what is sent."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

HMAC = "hmac-sha256"
MD5 = "md5"

_HEX_LENGTH = {32: MD5, 64: HMAC}


def canonical(params: Mapping[str, Any]) -> str:
    """`param_json`: keys sorted at every depth, no spaces, literal UTF-8, but U+2028 and U+2029 escaped as Go, Gson and
    PHP do. Booleans, numbers and empty strings stay as they are; `{}` when there are none."""
    text = json.dumps(params, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def sign(app_key: str, secret: str, method: str, timestamp: str, param_json: str, how: str = HMAC) -> str:
    """The `sign` of a call, lower-case hex. The secret is on both ends of the text in both methods; the access token is
    never signed."""
    text = f"{secret}app_key{app_key}method{method}param_json{param_json}timestamp{timestamp}v2{secret}"
    return _digest(secret, text.encode(), how)


def sign_push(app_key: str, secret: str, body: bytes, how: str = HMAC) -> str:
    """The `event-sign` of a push over its raw bytes."""
    return _digest(secret, app_key.encode() + body + secret.encode(), how)


def verify_push(app_key: str, secret: str, body: bytes, signature: str, *, allow_md5: bool = True) -> bool:
    """Whether `signature` proves the platform. The console decides between md5 and HMAC; its length tells which."""
    how = _HEX_LENGTH.get(len(signature))
    if how is None or (how == MD5 and not allow_md5):
        return False
    expected = sign_push(app_key, secret, body, how)
    return hmac.compare_digest(expected.encode(), signature.lower().encode())


def _digest(secret: str, text: bytes, how: str) -> str:
    if how == MD5:
        return hashlib.md5(text).hexdigest()  # noqa: S324  # the platform's own choice of algorithm
    return hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()
