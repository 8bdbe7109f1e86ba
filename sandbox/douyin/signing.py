"""Signatures of the Douyin shop platform: API calls and push messages.

Pure functions over the text exactly as it travelled. Nothing here knows requests, shops or the world.
"""

import hashlib
import hmac
import json
from typing import Any

HMAC = "hmac-sha256"
MD5 = "md5"


def canonical(params: Any) -> str:
    """The canonical JSON text: keys sorted recursively, no spaces, literal UTF-8, nothing HTML-escaped.

    U+2028 and U+2029 are escaped because the Go, Gson and PHP encoders of the official SDKs escape them.
    """
    text = json.dumps(params, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def is_canonical(text: str) -> bool:
    """Whether `text` is byte for byte what a canonical encoder would have produced."""
    try:
        return canonical(json.loads(text)) == text
    except ValueError:
        return False


def string_to_sign(secret: str, app_key: str, method: str, timestamp: str, param_json: str) -> str:
    """Five fixed keys in alphabetical order between two copies of the secret."""
    return f"{secret}app_key{app_key}method{method}param_json{param_json}timestamp{timestamp}v2{secret}"


def digest(secret: str, text: str, how: str) -> str:
    """Lower-case hex of `text`; `how` is `hmac-sha256` or `md5`. ValueError for any other word."""
    if how == HMAC:
        return hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    if how == MD5:
        return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
    raise ValueError(f"unknown sign_method {how!r}")


def sign_call(secret: str, app_key: str, method: str, timestamp: str, param_json: str, how: str = HMAC) -> str:
    """The `sign` of an API call; `param_json` is the text as sent, not a re-marshalled copy."""
    return digest(secret, string_to_sign(secret, app_key, method, timestamp, param_json), how)


def sign_push(secret: str, app_key: str, body: str, how: str = MD5) -> str:
    """The `event-sign` header of a push body (both forms are documented; md5 is the more widely confirmed)."""
    return digest(secret, f"{app_key}{body}{secret}", how)


def same(left: str, right: str) -> bool:
    """Constant-time comparison of two signatures; hex must be lower-case as documented."""
    return hmac.compare_digest(left.encode(), right.encode())
