"""Keys and the audit log at the terminal."""

from datetime import UTC, datetime, timedelta

from core.access import PRIVILEGED, ROLES, KeyScope
from tests.cli.conftest import Qudao

SHOP = ("--app-key", "key-1", "--name", "示例店")
SECRETS = {"QUDAO_APP_SECRET": "s", "QUDAO_ACCESS_TOKEN": "a", "QUDAO_REFRESH_TOKEN": "r"}


def shown(qudao: Qudao, key: str) -> dict[str, object]:
    found: dict[str, object] = qudao("key", "show", key, "--json").json
    return found


def close(told: object, days: float) -> bool:
    return abs(datetime.fromisoformat(str(told)) - datetime.now(UTC) - timedelta(days=days)) < timedelta(minutes=5)


def test_a_key_is_an_erps_unless_it_is_said_otherwise(qudao: Qudao) -> None:
    made = qudao("key", "create", "--json").json
    told = shown(qudao, made["id"])
    assert (told["role"], told["state"], told["shops"], told["per_minute"]) == ("erp", "good", [], 6000)
    assert told["scopes"] == sorted(ROLES["erp"])
    assert told["expires_at"] is None
    assert not set(told["scopes"]) & PRIVILEGED


def test_a_key_with_a_role_scopes_shops_an_end_and_a_rate(qudao: Qudao) -> None:
    assert qudao("shop", "add", "pinduoduo", "300123", *SHOP, **SECRETS).code == 0
    words = ("--role", "viewer", "--scope", "memos:write", "--shop", "pinduoduo:300123", "--expires", "90d")
    told = shown(qudao, qudao("key", "create", "desk", *words, "--per-minute", "60", "--json").json["id"])
    assert told["scopes"] == sorted(ROLES["viewer"] | {KeyScope.MEMOS_WRITE})
    assert (told["shops"], told["per_minute"], told["role"]) == (["pinduoduo:300123"], 60, "viewer")
    assert close(told["expires_at"], 90)
    alone = shown(qudao, qudao("key", "create", "--scope", "feed:read", "--json").json["id"])
    assert (alone["role"], alone["scopes"]) == ("", ["feed:read"])


def test_what_does_not_exist_is_not_granted(qudao: Qudao) -> None:
    for words, why in (
        (("--role", "king"), "no role king"),
        (("--scope", "moon:read"), "no scope moon:read"),
        (("--shop", "jd:404"), "no shop jd:404"),
        (("--expires", "2020-01-01"), "later than now"),
        (("--expires", "soon"), "no time"),
    ):
        said = qudao("key", "create", "x", *words)
        assert said.code in (2, 3), words
        assert why in said.err
        assert said.out == ""
    assert qudao("key", "list", "--json").json == []


def test_what_is_not_said_clearly_changes_nothing(qudao: Qudao) -> None:
    for label in ("", "two\nlines", "x" * 65):
        assert qudao("key", "create", label).code == 2
    identity = qudao("key", "create", "desk", "--json").json["id"]
    before = shown(qudao, identity)
    for words in ((), ("--shop", "jd:1", "--all-shops")):
        said = qudao("key", "change", identity, *words)
        assert (said.code, said.out, len(said.err.splitlines())) == (2, "", 1), said
    assert shown(qudao, identity) == before
    assert len(qudao("key", "list", "--json").json) == 1


def test_a_key_is_changed_and_what_is_not_named_stays(qudao: Qudao) -> None:
    identity = qudao("key", "create", "desk", "--expires", "90d", "--json").json["id"]
    assert qudao("key", "change", identity, "--role", "viewer").code == 0
    told = shown(qudao, identity)
    assert (told["role"], told["scopes"], told["per_minute"]) == ("viewer", sorted(ROLES["viewer"]), 6000)
    assert close(told["expires_at"], 90)
    assert qudao("key", "change", identity, "--per-minute", "0", "--expires", "1d").code == 0
    told = shown(qudao, identity)
    assert (told["role"], told["per_minute"]) == ("viewer", 0)
    assert close(told["expires_at"], 1)
    assert qudao("key", "change", "qk_none", "--role", "viewer").code == 1
    assert qudao("key", "show", "qk_none").code == 1


def test_a_key_is_rotated_without_a_gap(qudao: Qudao) -> None:
    old = qudao("key", "create", "desk", "--role", "viewer", "--per-minute", "60", "--json").json
    made = qudao("key", "rotate", old["id"], "--keep", "7d", "--json").json
    assert made["key"] != old["key"]
    new, before = shown(qudao, made["id"]), shown(qudao, old["id"])
    same = ("label", "role", "scopes", "shops", "per_minute")
    assert [new[name] for name in same] == [before[name] for name in same]
    assert new["expires_at"] is None
    assert before["state"] == "good"
    assert close(before["expires_at"], 7)
    assert qudao("key", "revoke", old["id"]).code == 0
    assert qudao("key", "rotate", old["id"]).code == 1


def test_the_roles_are_told(qudao: Qudao) -> None:
    told = qudao("key", "roles", "--json").json
    assert told["roles"] == {role: sorted(scopes) for role, scopes in ROLES.items()}
    assert set(told["privileged"]) == PRIVILEGED
    table = qudao("key", "roles").out
    assert all(name in table for name in (*ROLES, *KeyScope))


def test_every_change_of_a_key_is_in_the_audit_log(qudao: Qudao) -> None:
    first = qudao("key", "create", "desk", "--json").json["id"]
    qudao("key", "change", first, "--role", "viewer", "--scope", "memos:write")
    second = qudao("key", "rotate", first, "--json").json["id"]
    qudao("key", "revoke", first)
    rows = qudao("audit", "list", "--json").json
    assert [(row["action"], row["object"], row["purpose"]) for row in rows] == [
        ("key:create", first, "erp"),
        ("key:change", first, "viewer +memos:write"),
        ("key:create", second, "viewer +memos:write"),
        ("key:change", first, "viewer +memos:write"),
        ("key:revoke", first, ""),
    ]
    assert {row["key"] for row in rows} == {"cli"}
    assert [row["action"] for row in qudao("audit", "list", "--action", "key:revoke", "--json").json] == ["key:revoke"]
    assert qudao("audit", "list", "--key", "qk_none", "--json").json == []
    assert len(qudao("audit", "list", "--since", "1h", "-n", "2", "--json").json) == 2
    assert "key:create" in qudao("audit", "list").out
