"""Commands as operators type them: tables, JSON, exit codes, one-line errors, and no secret on any screen."""

import json
import sqlite3
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.cli.conftest import Qudao

SECRETS = {
    "QUDAO_APP_SECRET": "invented-app-secret",
    "QUDAO_ACCESS_TOKEN": "invented-access-token",
    "QUDAO_REFRESH_TOKEN": "invented-refresh-token",
}


def added(qudao: Qudao) -> str:
    said = qudao("shop", "add", "pinduoduo", "300123", "--name", "示例店", "--app-key", "key-1", "--json", **SECRETS)
    assert said.code == 0, said.err
    return str(said.json[0]["shop"])


def test_help_lists_every_command_and_the_exit_codes(qudao_process: Qudao) -> None:
    said = qudao_process("--help")
    nouns = (
        "up serve worker beat listen sandbox demo migrate doctor shop resync orders map stock feed parked "
        "conflicts gaps explain key audit schema"
    )
    assert [noun for noun in nouns.split() if f"\n  {noun} " not in said.out] == []
    assert "Exit codes" in said.out


def test_the_version_is_told(qudao: Qudao) -> None:
    assert qudao("--version").out == f"qudao {version('qudao')}\n"


def test_help_imports_nothing_heavy(qudao_process: Qudao) -> None:
    said = qudao_process("--help", PYTHONPROFILEIMPORTTIME="1")
    heavy = {"sqlalchemy", "pydantic", "httpx", "fastapi", "redis", "rq", "alembic", "uvicorn", "connectors", "sync"}
    imported = {line.rpartition("|")[2].strip() for line in said.err.splitlines()}
    assert "typer" in imported
    assert imported & heavy == set()


def test_a_new_folder_works_without_migrating_by_hand(qudao: Qudao) -> None:
    said = qudao("shop", "list")
    assert (said.code, said.out) == (0, "")
    assert said.err == "no shops; `qudao shop add` connects one · 尚无店铺\n"
    assert qudao("shop", "list", "--json").json == []


def test_the_language_can_be_chosen(qudao: Qudao) -> None:
    assert qudao("shop", "list", QUDAO_LANG="en").err == "no shops; `qudao shop add` connects one\n"
    assert qudao("shop", "list", QUDAO_LANG="zh").err == "尚无店铺\n"


def test_migrate_says_what_it_did(qudao: Qudao) -> None:
    first = qudao("migrate", "--json").json
    assert first["before"] is None
    assert qudao("migrate", "--json").json == {"before": first["after"], "after": first["after"]}


def test_a_shop_from_options_and_environment(qudao: Qudao, tmp_path: Path) -> None:
    shop = added(qudao)
    assert shop == "pinduoduo:300123"
    shown = qudao("shop", "show", shop, "--json")
    assert shown.json["state"] == "active"
    assert shown.json["app_key"] == "key-1"
    stored = b"".join(file.read_bytes() for file in (tmp_path / "data").glob("qudao.db*"))
    for secret in SECRETS.values():
        assert secret not in shown.out + shown.err
        assert secret.encode() not in stored


def test_secrets_are_asked_for_and_not_echoed(qudao_process: Qudao) -> None:
    answers = "\n".join(("key-2", *SECRETS.values())) + "\n"
    said = qudao_process("shop", "add", "douyin", "7012345", stdin=answers)
    assert said.code == 0, said.err
    assert "douyin:7012345" in said.out
    assert all(secret not in said.out + said.err for secret in SECRETS.values())


@pytest.mark.parametrize(
    ("words", "code", "part"),
    [
        (("shop", "show", "douyin:1"), 3, "no shop douyin:1"),
        (("shop", "add", "nowhere", "1"), 3, "no channel nowhere"),
        (("shop", "add"), 2, "name the channel"),
        (("orders", "show", "1"), 3, "no order 1"),
        (("stock", "set", "NO-SUCH", "5"), 1, "unknown_sku"),
        (("stock", "set", "NO-SUCH", "-5"), 2, "greater than or equal to 0"),
        (("feed", "tail", "--after", "7"), 1, "the feed ends at 0"),
        (("worker",), 4, "Redis does not answer"),
        (("shop", "add", "--from-sandbox", "http://127.0.0.1:1"), 5, "no sandbox answers"),
        (("map", "set", "douyin:1", "2", "3", "SKU"), 1, "unknown_shop"),
        (("map", "set", "douyin:1", "2", "3"), 2, "--none"),
        (("parked", "retry", "intent-7"), 3, "no intent 7"),
        (("parked", "dismiss", "nonsense"), 3, "nothing parked is called nonsense"),
        (("parked", "retry"), 2, "--older-than"),
        (("parked", "show", "row-7"), 3, "nothing parked is called row-7"),
        (("parked", "dismiss", "row-7", "--kind", "order"), 2, "--older-than"),
        (("parked", "list", "--older-than", "soon"), 2, "is no time"),
        (("reconcile",), 2, "no active shops"),
        (("reconcile", "douyin:1", "--only", "horses"), 3, "no part horses"),
        (("reconcile", "douyin:1"), 3, "no shop douyin:1"),
        (("key", "revoke", "qk_none"), 1, "no valid key"),
        (("schema", "horse"), 2, "no model horse"),
        (("resync", "orders", "--shop", "douyin:1", "--since", "yesterday"), 2, "is no time"),
        (("resync", "orders", "--shop", "douyin:1", "--since", "1h", "--until", "2h"), 2, "--since must lie before"),
        (("gaps", "repair"), 2, "name gaps, or a shop"),
        (("explain", "intent", "7"), 3, "no intent 7"),
        (("explain", "order", "douyin:1", "7"), 3, "nothing is known of an order 7"),
        (("explain", "sku", "TEA"), 2, "write SKU@SHOP"),
        (("gaps", "repair", "7"), 3, "no open gap 7"),
        (("resync", "stock", "--shop", "douyin:1", "--push", "--dry-run"), 2, "--dry-run only reads"),
    ],
)
def test_an_error_is_one_line_with_an_exit_code(qudao: Qudao, words: tuple[str, ...], code: int, part: str) -> None:
    said = qudao(*words, **SECRETS)
    assert said.code == code, said.err
    assert part in said.err
    assert "Traceback" not in said.err
    assert said.out == ""


def test_a_database_that_is_away_is_said_in_one_line(qudao: Qudao, tmp_path: Path) -> None:
    away = f"postgresql://nobody@/nothing?host={tmp_path}"
    said = qudao("shop", "list", QUDAO_DATABASE_URL=away)
    assert said.code == 4
    assert "the database does not answer" in said.err
    assert len(said.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("settings", "code", "part"),
    [
        ({"QUDAO_DATABASE_URL": "mysql://x/y"}, 3, "database_url"),
        ({"QUDAO_DATABASE_URL": "sqlite:///garbage.db"}, 4, "file is not a database"),
        ({"QUDAO_DATA_DIR": "garbage.db"}, 3, "garbage.db: "),
        ({"QUDAO_WEBHOOK_ALLOW_NETWORKS": "home"}, 3, "webhook_allow_networks"),
    ],
)
def test_a_setting_that_cannot_be_used_is_said_in_one_line(
    qudao: Qudao, tmp_path: Path, settings: dict[str, str], code: int, part: str
) -> None:
    (tmp_path / "garbage.db").write_text("no database, whatever its name says\n" * 9)
    said = qudao("shop", "list", **settings)
    assert (said.code, said.out, len(said.err.splitlines())) == (code, "", 1), said
    assert part in said.err


def test_a_database_without_tables_is_told_how_to_get_them(qudao: Qudao, tmp_path: Path) -> None:
    empty = tmp_path / "empty.db"
    sqlite3.connect(empty).close()
    empty.touch()
    said = qudao("shop", "list", QUDAO_DATABASE_URL=f"sqlite:///{empty}")
    assert said.code == 3
    assert "qudao migrate" in said.err


def test_a_redis_that_is_away_loses_nothing(qudao: Qudao) -> None:
    """Wishes are rows; there is no server in this folder at all."""
    shop = added(qudao)
    assert qudao("shop", "pause", shop, "--reason", "holiday").code == 0
    assert qudao("shop", "pause", shop).code == 1
    assert qudao("shop", "show", shop, "--json").json["trouble"] == "holiday"
    assert qudao("shop", "resume", shop).code == 0
    events = [json.loads(line)["type"] for line in qudao("feed", "tail", "--json").out.splitlines()]
    assert events == ["shop.paused", "shop.resumed"]


def test_feed_tail_filters_and_limits(qudao: Qudao) -> None:
    shop = added(qudao)
    qudao("shop", "pause", shop)
    qudao("shop", "resume", shop)
    assert "shop.resumed" in qudao("feed", "tail", "-n", "1").out
    assert "shop.paused" not in qudao("feed", "tail", "-n", "1").out
    assert len(qudao("feed", "tail", "--after", "0", "--type", "shop.*").out.splitlines()) == 2
    assert qudao("feed", "tail", "--type", "order.created").out == ""


def test_a_key_is_shown_once_and_can_be_revoked(qudao: Qudao) -> None:
    made = qudao("key", "create", "warehouse", "--json").json
    assert made["key"].startswith(made["id"])
    listed = qudao("key", "list", "--json")
    assert made["key"] not in listed.out
    assert [row["label"] for row in listed.json] == ["warehouse"]
    assert qudao("key", "revoke", made["id"]).code == 0
    assert qudao("key", "list", "--json").json[0]["revoked_at"] is not None


def test_key_create_prints_the_key_alone_on_stdout(qudao: Qudao) -> None:
    said = qudao("key", "create")
    assert len(said.out.splitlines()) == 1
    assert said.out.startswith("qk_")


def test_schema_is_json_schema(qudao: Qudao) -> None:
    published = qudao("schema").json
    assert "order" in published
    assert qudao("schema", "order").json == published["order"]
    assert published["order"]["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_doctor_names_what_is_wrong_and_what_to_do(qudao: Qudao) -> None:
    added(qudao)
    said = qudao("doctor", "--json")
    found = {finding["what"]: finding for finding in said.json["findings"]}
    assert said.code == 1
    assert said.json["ok"] is False
    assert found["database"]["state"] == "ok"
    assert found["redis"]["state"] == "bad"
    assert "qudao up" in found["redis"]["advice"]
    assert found["pinduoduo:300123"]["state"] == "warn"
    assert found["key"]["state"] == "ok"


def test_doctor_minds_a_key_that_others_can_read(qudao: Qudao, tmp_path: Path) -> None:
    added(qudao)
    (tmp_path / "data" / "secret.key").chmod(0o644)
    found = {finding["what"]: finding for finding in qudao("doctor", "--json").json["findings"]}
    assert found["key"]["state"] == "bad"
    assert found["key"]["advice"].startswith("chmod 600")


def test_doctor_sees_a_key_that_does_not_fit(qudao: Qudao) -> None:
    added(qudao)
    said = qudao("doctor", "--json", QUDAO_SECRET_KEY="another key than before")
    states = [(finding["what"], finding["state"]) for finding in said.json["findings"]]
    assert ("pinduoduo:300123", "bad") in states


def test_conflicts_and_whose_word_counts(qudao: Qudao) -> None:
    shop = added(qudao)
    assert qudao("conflicts", "list", "--json").json == []
    assert qudao("conflicts", "list").err == "no open conflicts · 没有冲突\n"
    assert qudao("conflicts", "policy", shop, "stock", "ask").code == 0
    policies = {row["field"]: (row["policy"], row["own"]) for row in qudao("conflicts", "policy", shop, "--json").json}
    assert policies["stock"] == ("ask", True)
    assert policies["memo"] == ("newest", False)
    assert qudao("conflicts", "policy", shop, "colour", "ask").code == 2
    assert qudao("conflicts", "policy", shop, "stock", "me").code == 2
    assert qudao("conflicts", "list", "--state", "shut").code == 2
    gone = qudao("conflicts", "resolve", "7", "ours")
    assert (gone.code, gone.err.partition(";")[0]) == (3, "no decision 7")
