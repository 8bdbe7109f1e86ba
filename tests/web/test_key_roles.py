"""Every route asks for a scope, every role gets as far as its scopes, and who does not is written down."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import pytest
from pydantic import ValidationError
from sqlalchemy.exc import OperationalError

from core.access import PRIVILEGED, ROLES, KeyScope
from core.db import Database, audit, keys
from core.db.audit import Outcome
from core.db.keys import Grant
from core.settings import Settings
from sync import beat
from sync.runtime import Runtime
from tests.web.conftest import DOUYIN, NOW, PINDUODUO, client, code_of, eventually, serving
from web import refusals


@dataclass(frozen=True)
class Operation:
    """A method of a path, with the scope that the description names."""

    method: str
    path: str
    scope: KeyScope

    def send(self, caller: httpx.Client) -> tuple[int, str]:
        """Status and problem code of a request that is as good as empty; of a stream only its beginning is read."""
        path = re.sub(r"{\w+}", "1", self.path.replace("{shop}", DOUYIN))
        headers = {"Idempotency-Key": "any"}
        body: dict[str, Any] | None = None if self.method == "GET" else {}
        with caller.stream(self.method, path, headers=headers, json=body) as answer:
            if answer.headers.get("content-type") != "application/problem+json":
                return answer.status_code, ""
            return answer.status_code, str(answer.read() and answer.json()["code"])


def operations(anybody: httpx.Client) -> list[Operation]:
    described: dict[str, Any] = anybody.get("/openapi.json").json()
    found = []
    for path, methods in described["paths"].items():
        for method, told in methods.items():
            demanded = [scope for each in told.get("security", ()) for scope in each["key"]]
            assert len(demanded) == 1, f"{method} {path} must ask for exactly one scope: {demanded}"
            found.append(Operation(method.upper(), path, KeyScope(demanded[0])))
    assert len(found) > 10
    return found


@pytest.fixture
def keyed(server: str, database: Database) -> Iterator[Any]:
    """Makes clients with keys of given scopes."""
    opened: list[httpx.Client] = []

    def make(scopes: frozenset[KeyScope], **more: Any) -> tuple[httpx.Client, str]:
        with database.write() as connection:
            plain = keys.create(connection, "tests", NOW, Grant(scopes, **more)).plain
        opened.append(client(server, Authorization=f"Bearer {plain}"))
        return opened[-1], plain[:11]

    yield make
    for each in opened:
        each.close()


def rows(database: Database, **asked: Any) -> list[audit.Entry]:
    with database.read() as connection:
        return audit.page(connection, limit=1000, **asked)


@pytest.mark.parametrize("role", ROLES)
def test_a_role_gets_as_far_as_its_scopes(
    role: str, keyed: Any, anybody: httpx.Client, database: Database, shop: str
) -> None:
    caller, identity = keyed(ROLES[role])
    missing = set()
    for operation in operations(anybody):
        status, code = operation.send(caller)
        if operation.scope in ROLES[role]:
            assert status not in (401, 403), f"{operation} answered {status} {code}"
            assert status < 500, f"{operation} answered {status} {code}"
        else:
            assert (status, code) == (403, "scope_missing"), operation
            missing.add(operation.scope.value)
    written = [row for row in rows(database, key=identity) if row.outcome == Outcome.REFUSED]
    assert {row.action for row in written} == missing
    assert len(written) == len(missing)


def test_no_other_scope_opens_a_route(keyed: Any, anybody: httpx.Client, shop: str) -> None:
    for operation in operations(anybody):
        caller, _ = keyed(frozenset(KeyScope) - {operation.scope})
        assert operation.send(caller) == (403, "scope_missing"), operation


def test_the_key_is_refused_before_its_body_is_looked_at(keyed: Any) -> None:
    caller, _ = keyed(ROLES["viewer"])
    answer = caller.put("/v1/stock", content=b"{", headers={"Content-Type": "text/plain"})
    assert code_of(answer, 403) == "scope_missing"


def test_the_refusal_is_in_the_audit_log_before_the_answer_leaves(keyed: Any, database: Database) -> None:
    caller, identity = keyed(ROLES["viewer"])
    assert code_of(caller.get("/v1/audit"), 403) == "scope_missing"
    [row] = rows(database)
    assert (row.key, row.action, row.outcome, row.times) == (identity, "audit:read", "refused", 1)


def test_a_storm_of_refusals_is_one_row_a_minute(runtime: Runtime, database: Database) -> None:
    with database.write() as connection:
        plain = keys.create(connection, "storm", NOW, Grant(frozenset({KeyScope.SHOPS_READ}))).plain
    with serving(runtime) as url, client(url, Authorization=f"Bearer {plain}") as caller:
        for _ in range(25):
            assert caller.get("/v1/orders").status_code == 403
            assert caller.get("/v1/stock").status_code == 403
        assert len(rows(database)) == 2
    assert sorted((row.action, row.times) for row in rows(database)) == [("orders:read", 25), ("stock:read", 25)]


def test_a_minute_later_there_is_another_row(keyed: Any, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "WINDOW_SECONDS", 1.0)
    caller, _ = keyed(frozenset({KeyScope.SHOPS_READ}))
    for _ in range(3):
        assert caller.get("/v1/orders").status_code == 403
    assert eventually(lambda: [row.times for row in rows(database)] == [3])
    assert caller.get("/v1/orders").status_code == 403
    assert [row.times for row in rows(database)] == [3, 1]


def test_what_cannot_be_written_down_is_not_shown(
    keyed: Any, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> int:
        raise OperationalError("INSERT", {}, Exception("disk full"))

    auditor, _ = keyed(ROLES["auditor"])
    viewer, _ = keyed(ROLES["viewer"])
    with monkeypatch.context() as patch:
        patch.setattr(audit, "write", broken)
        assert code_of(auditor.get("/v1/audit"), 503) == "storage_unavailable"
        assert code_of(viewer.get("/v1/audit"), 503) == "storage_unavailable"
    assert rows(database) == []
    assert code_of(viewer.get("/v1/audit"), 403) == "scope_missing"
    assert [row.times for row in rows(database)] == [1]


def test_reading_the_audit_log_is_written_into_it(keyed: Any, database: Database) -> None:
    caller, identity = keyed(ROLES["auditor"])
    first = caller.get("/v1/audit").json()
    assert first["items"] == []
    page = caller.get("/v1/audit", params={"after": first["cursor"]}).json()
    [row] = page["items"]
    assert (row["key"], row["action"], row["outcome"]) == (identity, "audit:read", "allowed")
    assert len(rows(database)) == 2
    assert KeyScope.AUDIT_READ in PRIVILEGED


def test_the_audit_log_is_read_in_pages_and_by_what_is_asked(keyed: Any, database: Database) -> None:
    caller, _ = keyed(ROLES["auditor"])
    with database.write() as connection:
        for number in range(5):
            shop = DOUYIN if number % 2 else PINDUODUO
            audit.write(connection, at=NOW, key=f"qk_{number}", action="receivers:reveal", shop_id=shop)
    seen: list[str] = []
    after = ""
    while True:
        query = {"limit": 2, "after": after, "action": "receivers:reveal"}
        page = caller.get("/v1/audit", params=query).json()
        seen += [item["key"] for item in page["items"]]
        after = page["cursor"]
        if not page["more"]:
            break
    assert seen == [f"qk_{number}" for number in range(5)]
    assert [item["key"] for item in caller.get("/v1/audit", params={"key": "qk_3"}).json()["items"]] == ["qk_3"]
    assert caller.get("/v1/audit", params={"since": "2027-01-01T00:00:00Z"}).json()["items"] == []
    assert caller.get("/v1/audit", params={"after": "x"}).status_code == 422
    for wrong in ({"limit": 501}, {"key": "a\x00b"}, {"since": "2026-01-01"}, {"unknown": "1"}):
        assert caller.get("/v1/audit", params=wrong).status_code == 400, wrong
    limited, identity = keyed(ROLES["auditor"], shops=frozenset({DOUYIN}))
    items = limited.get("/v1/audit").json()["items"]
    assert {item["shop"] for item in items} == {DOUYIN}
    assert rows(database, key=identity)


def test_the_beat_forgets_what_is_older_than_it_is_kept(runtime: Runtime, database: Database) -> None:
    now = runtime.clock.now()
    with database.write() as connection:
        for days in (1101, 1099):
            audit.write(connection, at=now - timedelta(days=days), key=audit.CLI, action=f"day {days}")
    beat.tidy(runtime)
    assert [row.action for row in rows(database)] == ["day 1099"]


def test_half_a_year_is_the_least_that_the_log_is_kept() -> None:
    assert Settings(audit_keep_days=180).audit_keep_days == 180
    with pytest.raises(ValidationError):
        Settings(audit_keep_days=179)
