"""Operators see who is behind in the feed, and drop who will not come back."""

from pathlib import Path

from core.db import Database, consumers
from tests.canonical import START
from tests.cli.conftest import Qudao
from tests.cli.test_commands import added


def test_consumers_are_listed_with_their_lag_and_forgotten(qudao: Qudao, tmp_path: Path) -> None:
    assert "no consumers · 没有消费者" in qudao("feed", "consumers").err
    shop = added(qudao)
    qudao("shop", "pause", shop)
    qudao("shop", "resume", shop)
    database = Database(f"sqlite:///{tmp_path}/data/qudao.db")
    with database.write() as connection:
        for name, position, types in (("behind", 0, ("shop.*",)), ("elsewhere", 0, ("order.*",)), ("there", 2, ())):
            consumers.create(
                connection, name, types=types, shops=(), channels=(), start="now", position=position, now=START
            )
    database.close()
    listed = {each["name"]: each["lag"] for each in qudao("feed", "consumers", "--json").json}
    assert listed == {"behind": 2, "elsewhere": 0, "there": 0}
    assert "behind is forgotten · 已删除该消费者" in qudao("feed", "forget", "behind").err
    assert [each["name"] for each in qudao("feed", "consumers", "--json").json] == ["elsewhere", "there"]
    said = qudao("feed", "forget", "behind")
    assert (said.code, "there is no consumer behind" in said.err) == (3, True)
