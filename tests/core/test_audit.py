"""What may stand in the audit log, and how long."""

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from core.db import Database, audit
from core.db.audit import CLI, LONGEST_REASON, Outcome

NOW = datetime(2026, 1, 1, 4, 0, tzinfo=UTC)

PERSONAL = (
    "call 13800000000",
    "电话138-0000-0000",
    "138 0000 0000",
    "１３８０００００００００",
    "(021) 5555 0000",
    "+86.138.0000.0000",
    "1234567",
    "someone@example.com",
    "mail someone＠example.com",
    "身份证 11010519491231002X",
)
HARMLESS = (
    "the courier asks for the door",
    "快递员问门牌号",
    "3 parcels of 2026-01",
    "batch 123456",
    "10:30 @ door",
    "",
)


@pytest.mark.parametrize("reason", PERSONAL)
def test_a_reason_with_a_persons_number_gets_nowhere(database: Database, reason: str) -> None:
    assert audit.personal(reason)
    with pytest.raises(ValueError, match="no personal data"), database.write() as connection:
        audit.write(connection, at=NOW, key=CLI, action="receivers:reveal", reason=reason)
    with database.read() as connection:
        assert audit.page(connection, limit=10) == []


def test_a_reason_in_plain_words_is_kept(database: Database) -> None:
    with database.write() as connection:
        for reason in HARMLESS:
            assert not audit.personal(reason)
            audit.write(connection, at=NOW, key=CLI, action="receivers:reveal", reason=reason)
        with pytest.raises(ValueError, match="short"):
            audit.write(connection, at=NOW, key=CLI, action="receivers:reveal", reason="a" * (LONGEST_REASON + 1))
    with database.read() as connection:
        assert [row.reason for row in audit.page(connection, limit=10)] == list(HARMLESS)


def test_old_rows_are_forgotten(database: Database) -> None:
    with database.write() as connection:
        for days in (200, 181, 179, 1):
            audit.write(connection, at=NOW - timedelta(days=days), key=CLI, action=f"day {days}")
        assert audit.forget(connection, NOW - timedelta(days=180)) == 2
        assert [row.action for row in audit.page(connection, limit=10)] == ["day 179", "day 1"]
        assert [row.action for row in audit.page(connection, limit=1, newest=True)] == ["day 1"]


def test_what_happened_again_is_counted(database: Database) -> None:
    with database.write() as connection:
        row = audit.write(connection, at=NOW, key="qk_1", action="orders:read", outcome=Outcome.REFUSED)
        audit.again(connection, row, 41)
        [entry] = audit.page(connection, limit=10)
    assert (entry.times, entry.outcome) == (42, "refused")


def test_a_reader_that_goes_on_behind_the_last_row_misses_none(database: Database) -> None:
    """A row whose transaction takes long is not overtaken by one that is written later."""
    begun, ended = threading.Event(), threading.Event()

    def slow() -> None:
        with database.write() as connection:
            audit.write(connection, at=NOW, key=CLI, action="slow")
            begun.set()
            time.sleep(0.5)
            ended.set()

    def quick() -> None:
        begun.wait(10)
        with database.write() as connection:
            audit.write(connection, at=NOW, key=CLI, action="quick")

    writers = [threading.Thread(target=work) for work in (slow, quick)]
    for writer in writers:
        writer.start()
    seen: list[str] = []
    place = 0
    writing = True
    while writing:
        writing = any(writer.is_alive() for writer in writers)
        with database.read() as connection:
            for row in audit.page(connection, after=place, limit=10):
                seen.append(row.action)
                place = row.id
        time.sleep(0.02)
    assert ended.is_set()
    assert seen == ["slow", "quick"]
