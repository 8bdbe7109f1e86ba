"""The schemas are where events say they are, and what is sent fits them."""

import json

import httpx
import jsonschema_rs
import pytest

from core.db import Database
from core.model import PUBLISHED
from sync.accept import accept
from tests.canonical import START, fetched, order
from tests.vault import VAULT
from tests.web.conftest import code_of


def test_every_published_schema_is_served_to_anybody(anybody: httpx.Client) -> None:
    names = anybody.get("/schemas").json()
    assert len(names) == len(PUBLISHED)
    for identity, path in names.items():
        answer = anybody.get(path)
        assert answer.headers["content-type"] == "application/schema+json"
        assert answer.json()["$id"] == identity
        jsonschema_rs.validator_for(answer.json())
    assert code_of(anybody.get("/schemas/nothing.json"), 404) == "not_found"


@pytest.mark.parametrize("note", ["请放门口", ""])
def test_an_event_fits_the_schema_that_it_names(erp: httpx.Client, database: Database, note: str) -> None:
    for changed in ({}, {"buyer_note": note, "updated_at": START, "tags": ("gift",)}):
        with database.write() as connection:
            accept(connection, VAULT, "pinduoduo:1", [fetched(order(**changed))], START)
    events = erp.get("/v1/feed").json()["events"]
    assert [event["type"] for event in events] == ["qudao.order.created", "qudao.order.updated"]
    for event in events:
        path = erp.get("/schemas").json()[event["dataschema"]]
        validator = jsonschema_rs.validator_for(erp.get(path).json())
        assert [error.message for error in validator.iter_errors(event["data"])] == []
        assert json.dumps(event["data"])
