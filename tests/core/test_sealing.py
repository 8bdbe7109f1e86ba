"""The key that everything is encrypted with can be replaced, whatever happens meanwhile, and no place is forgotten."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from core import crypto
from core.crypto import Vault, keep_secrets, new_secret, secrets_in
from core.db import Database, erasure, feed, sealing, shops
from core.db.tables import metadata
from core.errors import ConfigurationError
from sandbox.steps import STEPS
from sync import address, memos, secrets
from sync.address import AnswerItem
from sync.memos import MemoItem
from tests.engine import Engine
from tests.engine import engine as running
from tests.vault import SECRET

NEW = "another secret for tests only"
HASHES = {"command.digest", "api_key.digest", "orders.digest", "after_sales.digest", "listings.digest"}


@pytest.fixture
def engine(database: Database, redis_url: str, tmp_path: Path) -> Iterator[Engine]:
    with running(database, redis_url, tmp_path) as started:
        yield started


def test_every_column_of_bytes_is_a_place_or_a_hash() -> None:
    columns = {
        f"{table.name}.{column.name}"
        for table in metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, sa.LargeBinary)
    }
    known = {place.name for place in sealing.PLACES if place.field is None}
    assert columns == known | HASHES


def test_after_a_rotation_the_new_key_alone_opens_everything(engine: Engine) -> None:
    lived_in(engine)
    url = engine.runtime.database.url.render_as_string(hide_password=False)
    both, new_alone = Database(url, Vault(NEW, SECRET)), Database(url, Vault(NEW))
    with both.read() as connection:
        before = sealing.outstanding(connection)
    assert {"app.secret", "credential.tokens", "receipt.raw", "raw.payload", "orders.body", "feed.data"} <= set(before)
    assert {"agreed.value", "decision.theirs", "intent.wanted", "attempt.wanted"} <= set(before)
    parts = sealing.renew(both)
    for _ in range(4):  # then it is interrupted
        next(parts)
    parts.close()
    with both.read() as connection:
        assert 0 < len(sealing.outstanding(connection)) < len(before)
    for _ in sealing.renew(both):
        pass
    with new_alone.read() as connection:
        assert sealing.outstanding(connection) == {}
        assert feed.read(connection, 0, 10_000)
        for shop in shops.all_shops(connection):
            assert shops.credentials(connection, Vault(NEW), shop).credentials.access_token.get_secret_value()
    both.close()
    assert sum(count for _, count in sealing.renew(new_alone)) == 0
    new_alone.close()


def lived_in(engine: Engine) -> None:
    """Some minutes with an order in each shop, memos that both sides wrote, and an order whose words are erased."""
    engine.settle()
    for channel in engine.shops:
        order = engine.world.place(engine.world.shop(channel), variant="plain", restock=True)
        engine.run(60, step=20)
        want(engine, channel, order.order_id, "call 13800000000 first")
        engine.run(60, step=20)
        STEPS["memo"](engine.world, order, memo="theirs")
        want(engine, channel, order.order_id, "call 13800000000 last")
        if channel == "douyin":
            answer(engine, order.order_id)
        engine.run(120, step=20)
        if channel == "pinduoduo":
            with engine.runtime.database.write() as connection:
                erasure.words(connection, engine.shops[channel], order.order_id, engine.runtime.clock.now())


def answer(engine: Engine, order_id: str) -> None:
    """A wish of the kind `address`, which is about one and holds none."""
    item = AnswerItem(shop=engine.shops["douyin"], order_id=order_id, approve=True)
    with engine.runtime.database.write() as connection:
        assert address.answer(connection, [item], engine.runtime.clock.now()).items[0].state == "queued"


def want(engine: Engine, channel: str, order_id: str, text: str) -> None:
    item = MemoItem(shop=engine.shops[channel], order_id=order_id, text=text)
    with engine.runtime.database.write() as connection:
        memos.set_memos(connection, engine.runtime.vault, [item], engine.runtime.clock.now())


def test_a_vault_follows_the_file_that_another_process_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crypto, "LOOK_SECONDS", 0.0)
    mine, other = Vault.kept_in(tmp_path), Vault.kept_in(tmp_path)
    old = mine.seal(b"old", "t", "c", "1")
    keep_secrets(tmp_path, [new_secret(), *secrets_in(tmp_path)])
    new = other.seal(b"new", "t", "c", "1")
    assert new[:8] != old[:8]
    assert (mine.open(new, "t", "c", "1"), other.open(old, "t", "c", "1")) == (b"new", b"old")
    assert mine.seal(b"", "t", "c", "1")[:8] == new[:8]
    keep_secrets(tmp_path, secrets_in(tmp_path)[:1])
    with pytest.raises(ConfigurationError):
        Vault.kept_in(tmp_path).open(old, "t", "c", "1")


def test_rotating_leaves_nothing_under_the_old_key(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crypto, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(secrets, "LOOK_SECONDS", 0.0)
    engine.settle()
    runtime, folder = engine.runtime, engine.runtime.settings.data_dir
    runtime.settings = runtime.settings.model_copy(update={"secret_key": None})
    keep_secrets(folder, [SECRET])
    url = runtime.database.url.render_as_string(hide_password=False)
    runtime.database = Database(url, Vault.kept_in(folder))
    assert sum(count for _, count in secrets.rotate(runtime)) > 0
    assert secrets.outstanding(runtime) == {}
    with runtime.database.read() as connection:
        assert sealing.outstanding(connection) == {}
    new = secrets_in(folder)[0]
    assert secrets.forget_old(runtime) == 1
    alone = Database(url, Vault(new))
    with alone.read() as connection:
        assert shops.credentials(
            connection, Vault(new), shops.all_shops(connection)[0]
        ).credentials.access_token.get_secret_value()
    alone.close()
    runtime.database.close()


def test_without_the_database_no_key_is_made(engine: Engine) -> None:
    runtime, folder = engine.runtime, engine.runtime.settings.data_dir
    runtime.settings = runtime.settings.model_copy(update={"secret_key": None})
    keep_secrets(folder, [SECRET])
    runtime.database = Database("postgresql+psycopg://nobody@/nothing?host=/nowhere", Vault.kept_in(folder))
    with pytest.raises(sa.exc.OperationalError):
        next(secrets.rotate(runtime))
    assert secrets_in(folder) == [SECRET]
    runtime.database.close()


def test_an_old_key_is_kept_while_anything_needs_it(engine: Engine) -> None:
    engine.runtime.settings = engine.runtime.settings.model_copy(update={"secret_key": None})
    keep_secrets(engine.runtime.settings.data_dir, [NEW, SECRET])
    url = engine.runtime.database.url.render_as_string(hide_password=False)
    engine.runtime.database = Database(url, Vault.kept_in(engine.runtime.settings.data_dir))
    with pytest.raises(ConfigurationError, match="older key"):
        secrets.forget_old(engine.runtime)
    for _ in secrets.renew(engine.runtime):
        pass
    assert secrets.forget_old(engine.runtime) == 1
    assert secrets_in(engine.runtime.settings.data_dir) == [NEW]
    engine.runtime.database.close()
