"""Encryption at rest: AES-256-GCM, each value bound to its place, so that no sealed value can be moved to another
row. A value names its key, so that the newest key seals while older ones still open.
"""

import base64
import hashlib
import os
import secrets
import time
from collections.abc import Sequence
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
LOOK_SECONDS = 5.0
"""How soon a process follows a change of the file."""


class _Ring:
    """The keys in use. The first seals; each opens what names it."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self.keys = list(keys)
        self.ciphers = {_VERSION + hashlib.sha256(key).digest()[:_KEY_ID]: AESGCM(key) for key in keys}
        self.head = next(iter(self.ciphers))


class Vault:
    """Seals and opens bytes. The place (`table`, `column`, `row`) must be the same both times."""

    def __init__(self, secret: str, *older: str, folder: Path | None = None) -> None:
        """The first secret seals, the others open what they sealed. `folder` is where the secrets are kept, if in a
        file: when it is changed, this vault follows within LOOK_SECONDS.
        """
        self._ring = _Ring([_key(each) for each in (secret, *older)])
        self._folder = folder
        self._look_at = time.monotonic() + LOOK_SECONDS

    @classmethod
    def kept_in(cls, folder: Path) -> "Vault":
        """The vault whose secrets are in a file of the data folder; made on first use."""
        return cls(*secrets_in(folder), folder=folder)

    def __getstate__(self) -> tuple[list[bytes], Path | None]:
        """The keys themselves, for a process of our own; they belong on no disk."""
        return self._ring.keys, self._folder

    def __setstate__(self, state: tuple[list[bytes], Path | None]) -> None:
        keys, self._folder = state
        self._ring = _Ring(keys)
        self._look_at = 0.0

    @property
    def head(self) -> bytes:
        """What every value begins with that is sealed now: it names the key."""
        return self._newest().head

    def seal(self, plain: bytes, table: str, column: str, row: str) -> bytes:
        ring, nonce = self._newest(), os.urandom(_NONCE)
        return ring.head + nonce + ring.ciphers[ring.head].encrypt(nonce, plain, _place(table, column, row))

    def open(self, sealed: bytes, table: str, column: str, row: str) -> bytes:
        """Raises ConfigurationError when the key is another one or the value was changed or moved."""
        head, nonce, body = sealed[:_HEAD], sealed[_HEAD : _HEAD + _NONCE], sealed[_HEAD + _NONCE :]
        if head not in self._ring.ciphers:
            self._look()
        cipher = self._ring.ciphers.get(head)
        if cipher is None:
            raise ConfigurationError("QUDAO_SECRET_KEY is not the key this value was encrypted with")
        try:
            return cipher.decrypt(nonce, body, _place(table, column, row))
        except InvalidTag:
            raise ConfigurationError(f"an encrypted value in {table}.{column} was changed or moved") from None

    def _newest(self) -> _Ring:
        """The keys as the file had them at most LOOK_SECONDS ago."""
        if self._folder is not None and time.monotonic() >= self._look_at:
            self._look()
        return self._ring

    def _look(self) -> None:
        """Follows the file, which another process may have changed."""
        if self._folder is not None:
            self._look_at = time.monotonic() + LOOK_SECONDS
            self._ring = _Ring([_key(each) for each in secrets_in(self._folder)])


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
        return [line.strip() for line in path.read_text().splitlines() if line.strip()]
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
