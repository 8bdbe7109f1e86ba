"""Conditions that many queries share."""

from collections.abc import Collection, Iterator

import sqlalchemy as sa


def in_shops(
    column: sa.ColumnElement[str], shops: Collection[str], channels: Collection[str]
) -> Iterator[sa.ColumnElement[bool]]:
    """Only these shops and those of these channels, each where any are given."""
    if shops:
        yield column.in_(shops)
    if channels:
        yield sa.or_(*(column.startswith(f"{each}:", autoescape=True) for each in channels))
