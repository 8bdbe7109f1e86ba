"""Encryption at rest: AES-256-GCM, each value bound to its place, so that no sealed value can be moved to another
row.
"""

import base64
import hashlib
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from core.errors import ConfigurationError

_VERSION = b"q1"
_KEY_ID = 6
_NONCE = 12


class Vault:
    """Seals and opens bytes. The place (`table`, `column`, `row`) must be the same both times."""

    def __init__(self, secret: str) -> None:
        if len(secret) < 16:
            raise ConfigurationError("QUDAO_SECRET_KEY must have at least 16 characters")
        self.__setstate__(HKDF(SHA256(), 32, salt=None, info=b"qudao at rest").derive(secret.encode()))

    def __getstate__(self) -> bytes:
        """The key itself, for a process of our own; it belongs on no disk."""
        return self._key

    def __setstate__(self, key: bytes) -> None:
        self._key = key
        self._key_id = hashlib.sha256(key).digest()[:_KEY_ID]
        self._cipher = AESGCM(key)

    def seal(self, plain: bytes, table: str, column: str, row: str) -> bytes:
        nonce = os.urandom(_NONCE)
        return _VERSION + self._key_id + nonce + self._cipher.encrypt(nonce, plain, _place(table, column, row))

    def open(self, sealed: bytes, table: str, column: str, row: str) -> bytes:
        """Raises ConfigurationError when the key is another one or the value was changed or moved."""
        head = len(_VERSION) + _KEY_ID
        if sealed[:head] != _VERSION + self._key_id:
            raise ConfigurationError("QUDAO_SECRET_KEY is not the key this value was encrypted with")
        nonce, body = sealed[head : head + _NONCE], sealed[head + _NONCE :]
        try:
            return self._cipher.decrypt(nonce, body, _place(table, column, row))
        except InvalidTag:
            raise ConfigurationError(f"an encrypted value in {table}.{column} was changed or moved") from None


def _place(table: str, column: str, row: str) -> bytes:
    return f"{table}\0{column}\0{row}".encode()


def secret_in(folder: Path) -> str:
    """The secret kept in the data folder, made on first use, readable by its owner only."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "secret.key"
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(handle, "w") as file:
        secret = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
        file.write(secret + "\n")
        return secret
