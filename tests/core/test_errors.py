"""What errors show (never the values of a statement, of a stored item or a mobile number), and what renaming keeps."""

import pytest
import sqlalchemy as sa
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError

from core.db import Database
from core.db.tables import feed
from core.errors import NotFound, Rejected
from core.model import Order
from tests.canonical import START


def test_a_database_error_does_not_show_what_was_written(database: Database) -> None:
    row = {"id": "e", "type": "t", "shop_id": "s", "object_id": "请放门口", "revision": 1, "at": START, "data": b""}
    with pytest.raises(SQLAlchemyError) as caught, database.write() as connection:
        connection.execute(sa.insert(feed), [row, row])
    assert "请放门口" not in str(caught.value)


def test_a_stored_item_that_does_not_fit_is_not_shown() -> None:
    with pytest.raises(ValidationError) as caught:
        Order.model_validate({"shop_id": ["请放门口"]})
    assert "请放门口" not in str(caught.value)


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("手机号13812345678不正确", "手机号138****5678不正确"),
        ("运单号7813812345678不存在", "运单号7813812345678不存在"),
    ],
)
def test_a_mobile_number_in_a_channels_words_is_masked(told: str, shown: str) -> None:
    error = Rejected(told)
    assert (error.message, shown in str(error), error.args) == (shown, True, (shown,))


def test_a_refusal_under_another_name_keeps_what_was_said() -> None:
    error = Rejected("gone", channel="toy", shop="toy:1", operation="order", code="5", sub_code="x", request_id="r")
    renamed = error.renamed(NotFound)
    assert type(renamed) is NotFound
    assert vars(renamed) == vars(error)
