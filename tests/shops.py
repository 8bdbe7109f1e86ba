"""Connected shops, for tests that need the rows and no engine."""

from pydantic import SecretStr

from core.channel import Credentials
from core.db import Database, shops
from tests.canonical import START
from tests.vault import VAULT


def connect(database: Database, identity: str) -> None:
    """`channel:account` with invented credentials."""
    channel, _, account = identity.partition(":")
    tokens = Credentials("app-7", SecretStr("a secret"), SecretStr("access"), SecretStr("refresh"))
    with database.write() as connection:
        shops.add(connection, VAULT, channel=channel, account=account, name="Tea", credentials=tokens, now=START)
