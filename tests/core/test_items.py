"""Stored items are found by an index, however many there are."""

from typing import Any

import pytest
import sqlalchemy as sa

from core.db import Database, items, order_numbers
from tests.canonical import START
from tests.vault import VAULT


@pytest.mark.parametrize(
    "look",
    [
        lambda connection: order_numbers.find(connection, "o1"),
        lambda connection: items.page(connection, "order", after=(START, "pinduoduo:1", "o1")),
    ],
    ids=["by number", "page by page"],
)
def test_no_look_reads_the_whole_table(migrated_sqlite: Any, look: Any) -> None:
    database = Database(f"sqlite:///{migrated_sqlite}", VAULT)
    asked: list[tuple[str, Any]] = []
    sa.event.listen(
        database.engine,
        "before_cursor_execute",
        lambda _connection, _cursor, statement, parameters, _context, _many: asked.append((statement, parameters)),
    )
    with database.read() as connection:
        look(connection)
        looked = [each for each in asked if each[0].startswith("SELECT")]
        assert looked
        plan = [
            row.detail
            for statement, parameters in looked
            for row in connection.exec_driver_sql("EXPLAIN QUERY PLAN " + statement, parameters)
        ]
    database.close()
    assert not any(step.startswith(("SCAN orders", "SCAN order_number")) for step in plan), plan
