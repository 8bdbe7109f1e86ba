"""Scopes and roles, and what the documentation says of them."""

import re
from pathlib import Path

from core.access import PRIVILEGED, ROLES, Caller, KeyScope

DOCS = Path(__file__).parents[2] / "docs" / "keys.md"
ROW = re.compile(r"^\| `([\w:]+)`( \*)? \|[^|]*\|(.*)\|$", re.MULTILINE)


def test_the_documentation_has_the_roles_as_they_are() -> None:
    text = DOCS.read_text()
    roles = [cell.strip() for cell in re.findall(r"^\| scope \|.*$", text, re.MULTILINE)[0].split("|")[3:-1]]
    assert roles == list(ROLES)
    told = {
        scope: (bool(star), cells.split("|")) for scope, star, cells in ROW.findall(text) if scope in list(KeyScope)
    }
    assert list(told) == [scope.value for scope in KeyScope]
    for scope, (star, cells) in told.items():
        assert star == (scope in PRIVILEGED)
        assert [role for role, cell in zip(roles, cells, strict=True) if cell.strip()] == [
            role for role in ROLES if scope in ROLES[role]
        ]


def test_only_people_have_privileges_by_role() -> None:
    assert not ROLES["erp"] & PRIVILEGED
    assert not ROLES["viewer"] & PRIVILEGED
    assert not [scope for scope in ROLES["viewer"] | ROLES["auditor"] if scope.endswith(":write")]


def test_a_key_without_shops_reaches_all() -> None:
    assert Caller("qk_1").reaches("jd:1")
    limited = Caller("qk_1", shops=frozenset({"jd:1"}))
    assert limited.reaches("jd:1")
    assert not limited.reaches("jd:2")
