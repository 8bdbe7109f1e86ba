"""The database: its tables, and functions over a Connection split by noun. Every transaction is opened by a caller."""

from core.db.engine import Database

__all__ = ["Database"]
