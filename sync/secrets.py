"""The key that everything secret and personal is encrypted with, and how it is replaced while everything runs."""

import time
from collections.abc import Iterator

from core.crypto import LOOK_SECONDS, keep_secrets, new_secret, secrets_in
from core.db import audit, sealing
from core.errors import ConfigurationError
from sync.runtime import Runtime


def rotate(runtime: Runtime) -> Iterator[tuple[str, int]]:
    """Makes a new key where it is kept in the data folder, waits until every process uses it, and seals everything
    anew. The old key stays, and still opens, until `forget_old`. Where the key is a setting, the operator has put the
    new one there, with the old one in `QUDAO_OLD_SECRET_KEYS`, and everything is sealed anew. Yields as `sealing.renew`
    does.
    """
    folder = runtime.settings.data_dir
    _note(runtime, "secret:rotate")  # first: without the database no key is made
    if runtime.settings.secret_key is None:
        keep_secrets(folder, [new_secret(), *secrets_in(folder)])
        time.sleep(2 * LOOK_SECONDS)
    yield from sealing.renew(runtime.database)


def renew(runtime: Runtime) -> Iterator[tuple[str, int]]:
    """Goes on with a rotation that was interrupted."""
    return sealing.renew(runtime.database)


def outstanding(runtime: Runtime) -> dict[str, int]:
    """Place → how many values are still under an older key."""
    with runtime.database.read() as connection:
        return sealing.outstanding(connection)


def forget_old(runtime: Runtime) -> int:
    """Throws away every key but the newest; answers how many. Raises ConfigurationError while anything needs one."""
    if runtime.settings.secret_key is not None:
        raise ConfigurationError("the key is a setting: take QUDAO_OLD_SECRET_KEYS away once `secret status` is clean")
    if left := outstanding(runtime):
        raise ConfigurationError(f"{sum(left.values())} values need an older key; run `qudao secret rotate --resume`")
    kept = secrets_in(runtime.settings.data_dir)
    keep_secrets(runtime.settings.data_dir, kept[:1])
    _note(runtime, "secret:forget_old")
    return len(kept) - 1


def _note(runtime: Runtime, action: str) -> None:
    with runtime.database.write() as connection:
        audit.write(connection, at=runtime.clock.now(), key=audit.CLI, action=action)
