"""The metadata and the kinds of columns that all tables are made of."""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, DateTime, Integer, MetaData, Text
from sqlalchemy.dialects import sqlite

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Serial = BigInteger().with_variant(Integer, "sqlite")
"""A key the database counts itself; only INTEGER does so on SQLite."""


class _InstantText(sqlite.DATETIME):
    """A DATETIME column whose text is made by `Instant`, which is several times faster than SQLAlchemy's own."""

    def bind_processor(self, dialect: sa.Dialect) -> None:
        return None

    def result_processor(self, dialect: sa.Dialect, coltype: object) -> None:
        return None


class Instant(sa.types.TypeDecorator[datetime]):
    """An aware instant in and out, stored in UTC: `timestamptz` on PostgreSQL, text that sorts by time on SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: sa.Dialect) -> sa.types.TypeEngine[Any]:
        text: Any = _InstantText  # its constructor carries no types
        return dialect.type_descriptor(text() if dialect.name == "sqlite" else DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        value = value.astimezone(UTC)
        return value.isoformat(" ", "microseconds")[:26] if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: sa.Dialect) -> datetime | None:
        if value is None:
            return None
        return datetime.fromisoformat(value + "+00:00") if dialect.name == "sqlite" else value.astimezone(UTC)


def text(name: str, **options: Any) -> Column[str]:
    return Column(name, Text, nullable=False, **options)


def at(name: str, *, null: bool = False, **options: Any) -> Column[datetime]:
    return Column(name, Instant, nullable=null, **options)


def count(name: str, default: int = 0) -> Column[int]:
    return Column(name, Integer, nullable=False, default=default, server_default=str(default))


def empty(name: str) -> Column[str]:
    return text(name, default="", server_default="")
