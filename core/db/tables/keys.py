"""Keys to /v1, and the book of what they were used for."""

from sqlalchemy import Column, LargeBinary, Table

from core.db.tables.columns import at, metadata, text

api_key = Table(
    "api_key",
    metadata,
    text("id", primary_key=True),
    text("label"),
    Column("digest", LargeBinary, nullable=False, unique=True),
    at("created_at"),
    at("revoked_at", null=True),
)
"""A key to /v1. Only its hash is kept; `id` is its visible prefix."""
