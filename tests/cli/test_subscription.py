"""`qudao subscription` and what the doctor says of subscriptions."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from core.crypto import Vault, secrets_in
from core.db import Database, feed
from core.db.feed import Event
from core.db.tables import delivery
from core.db.tables import subscription as table
from tests.cli.conftest import Qudao, Said

LOCAL = {"QUDAO_LANG": "en", "QUDAO_WEBHOOK_ALLOW_NETWORKS": "127.0.0.0/8"}


@pytest.fixture
def run(qudao: Qudao) -> Qudao:
    def local(*words: str, **settings: str) -> Said:
        return qudao(*words, **{**LOCAL, **settings})

    return local


@contextmanager
def writing(tmp_path: Path) -> Iterator[sa.Connection]:
    """A transaction in the database of the command."""
    folder = tmp_path / "data"
    database = Database(f"sqlite:///{folder}/qudao.db", Vault(*secrets_in(folder)))
    with database.write() as connection:
        yield connection
    database.close()


def made(run: Qudao, *words: str) -> Any:
    said = run("subscription", "add", "http://127.0.0.1:9999/hook", *words, "--json")
    assert said.code == 0, said.err
    return said.json


def test_a_subscription_from_its_making_to_its_end(run: Qudao, tmp_path: Path) -> None:
    assert run("subscription", "list").err == "no subscriptions\n"
    new = made(run, "--type", "order.*", "--channel", "douyin")
    assert new["secret"].startswith("whsec_")
    identity = new["id"]
    [listed] = run("subscription", "list", "--json").json
    assert (listed["id"], listed["state"], listed["waiting"]) == (identity, "active", 0)
    shown = run("subscription", "show", identity, "--json").json
    assert (shown["types"], shown["channels"]) == ("order.*", "douyin")
    assert new["secret"] not in run("subscription", "show", identity).out

    rotated = run("subscription", "rotate", identity, "--keep-hours", "1")
    assert rotated.out.startswith("whsec_")
    assert "is valid as well until" in rotated.err
    assert run("subscription", "test", identity, "--json").json == {"event_id": f"subscription.test//{identity}/1"}
    assert run("subscription", "pause", identity).err == f"{identity} is paused\n"
    refused = run("subscription", "test", identity)
    assert (refused.code, "resume it first" in refused.err) == (1, True)
    assert run("subscription", "resume", identity, "--skip").err == f"{identity} is active, 0 wait to be sent\n"

    with writing(tmp_path) as connection:
        now = datetime.now(UTC)
        row = {"subscription_id": identity, "position": 1, "event_id": "e", "object_key": "k", "created_at": now}
        connection.execute(sa.insert(delivery).values(**row, state="failed", settled_at=now))
    [failed] = run("subscription", "deliveries", identity, "--state", "failed", "--json").json
    assert (failed["event"], failed["state"], failed["attempts"]) == ("e", "failed", [])
    assert " failed " in run("subscription", "deliveries", identity).out
    assert run("subscription", "deliveries", identity, "--state", "lost").code == 2
    assert run("subscription", "recover", identity, "--since", "1h", "--json").json == {"again": 1}
    assert run("subscription", "recover", identity, "--since", "90d").code == 1
    assert run("subscription", "resend", identity, str(failed["delivery"])).code == 0
    assert run("subscription", "resend", identity, "999").code == 1
    assert run("subscription", "remove", identity).code == 0
    gone = run("subscription", "show", identity)
    assert (gone.code, gone.err) == (1, f"there is no subscription {identity}\n")


def test_what_cannot_be_subscribed_is_refused_in_one_line(run: Qudao) -> None:
    for words in (
        ("https://10.0.0.1/hook",),
        ("ftp://127.0.0.1/hook",),
        ("http://127.0.0.1:9999/", "--type", "orders"),
        ("http://127.0.0.1:9999/", "--shop", "douyin:1"),
        ("http://127.0.0.1:9999/", "--channel", "amazon"),
    ):
        said = run("subscription", "add", *words)
        assert (said.code, len(said.err.splitlines()), said.out) == (1, 1, ""), said
    inside = run("subscription", "add", "http://127.0.0.1:9999/", QUDAO_WEBHOOK_ALLOW_NETWORKS="")
    assert (inside.code, "https" in inside.err) == (1, True)


def test_the_doctor_tells_who_is_disabled_failing_or_not_served(run: Qudao, tmp_path: Path) -> None:
    identity = made(run)["id"]

    def found() -> Any:
        said = run("doctor", "--no-gateways", "--json")
        return next(each for each in said.json["findings"] if each["what"] == identity)

    assert found()["state"] == "ok"
    ago = datetime.now(UTC) - timedelta(minutes=10)
    with writing(tmp_path) as connection:
        feed.append(connection, [Event("order.updated", "douyin:1", "o1", 1, ago, "{}")])
    assert (found()["state"], found()["advice"]) == ("bad", "qudao up, or qudao webhooks")
    with writing(tmp_path) as connection:
        connection.execute(sa.update(table).values(failing_since=ago, failed_at=ago))
    assert (found()["state"], found()["detail"]) == ("warn", "every try has failed for 10 min")
    with writing(tmp_path) as connection:
        connection.execute(sa.update(table).values(state="disabled", reason="the target answered 410 Gone"))
    assert (found()["state"], found()["detail"]) == ("bad", "disabled: the target answered 410 Gone")
    assert f"{identity} is disabled: the target answered 410 Gone" in run("subscription", "list").err
