"""HMAC-SHA256 over the bytes that are sent. Pure."""

import hashlib
import hmac


def sign(secret: str, *parts: str, body: bytes) -> str:
    """`parts` are what goes before the body, a line each: path, time and token of a call; the time of a push."""
    head = "".join(f"{part}\n" for part in parts)
    return hmac.new(secret.encode(), head.encode() + body, hashlib.sha256).hexdigest()


def verify(secret: str, *parts: str, body: bytes, signature: str) -> bool:
    """Whether the signature is right, in constant time."""
    return hmac.compare_digest(sign(secret, *parts, body=body).encode(), signature.encode())
