"""Encryption at rest: AES-256-GCM, each value bound to its place, so that no sealed value can be moved to another
row. A value names its key, so that the newest key seals while older ones still open.
"""

import base64
import hashlib
import os
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from core.errors import ConfigurationError

FILE = "secret.key"
"""Where the secrets are in the data folder, one a line, the newest first."""

_VERSION = b"q1"
_KEY_ID = 6
_NONCE = 12
_HEAD = len(_VERSION) + _KEY_ID


class Vault:
    """Seals and opens bytes. The place (`table`, `column`, `row`) must be the same both times."""

    def __init__(self, secret: str, *older: str, newer: Callable[[], Sequence[str]] | None = None) -> None:
        """The first secret seals. `newer` is asked for all secrets when a value names a key that is not here: another
        process has changed it meanwhile.
        """
        self._newer = newer
        self._use([_key(each) for each in (secret, *older)])

    def _use(self, keys: list[bytes]) -> None:
        self._keys = keys
        self._ciphers = {_VERSION + hashlib.sha256(key).digest()[:_KEY_ID]: AESGCM(key) for key in keys}
        self.head = next(iter(self._ciphers))
        self._cipher = self._ciphers[self.head]

    def __getstate__(self) -> list[bytes]:
        """The keys themselves, for a process of our own; they belong on no disk."""
        return self._keys

    def __setstate__(self, keys: list[bytes]) -> None:
        self._newer = None
        self._use(keys)

    def seal(self, plain: bytes, table: str, column: str, row: str) -> bytes:
        """Begins with `head`, which names the key."""
        nonce = os.urandom(_NONCE)
        return self.head + nonce + self._cipher.encrypt(nonce, plain, _place(table, column, row))

    def open(self, sealed: bytes, table: str, column: str, row: str) -> bytes:
        """Raises ConfigurationError when the key is another one or the value was changed or moved."""
        head, nonce, body = sealed[:_HEAD], sealed[_HEAD : _HEAD + _NONCE], sealed[_HEAD + _NONCE :]
        if head not in self._ciphers and self._newer is not None:
            self._use([_key(each) for each in self._newer()])
        if head not in self._ciphers:
            raise ConfigurationError("QUDAO_SECRET_KEY is not the key this value was encrypted with")
        try:
            return self._ciphers[head].decrypt(nonce, body, _place(table, column, row))
        except InvalidTag:
            raise ConfigurationError(f"an encrypted value in {table}.{column} was changed or moved") from None


def _key(secret: str) -> bytes:
    if len(secret) < 16:
        raise ConfigurationError("QUDAO_SECRET_KEY must have at least 16 characters")
    return HKDF(SHA256(), 32, salt=None, info=b"qudao at rest").derive(secret.encode())


def _place(table: str, column: str, row: str) -> bytes:
    return f"{table}\0{column}\0{row}".encode()


def secrets_in(folder: Path) -> list[str]:
    """The secrets kept in the data folder, the newest first; made on first use, readable by their owner only."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().split()
    with os.fdopen(handle, "w") as file:
        secret = new_secret()
        file.write(secret + "\n")
        return [secret]


def keep_secrets(folder: Path, kept: Sequence[str]) -> None:
    """Replaces the file as a whole, so that no moment has half of it."""
    path = folder / FILE
    new = path.with_suffix(".new")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.writelines(f"{each}\n" for each in kept)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def new_secret() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()
