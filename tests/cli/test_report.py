"""`qudao report`: written for its owner alone, or refused in one line before anything is noted as taken."""

from pathlib import Path

from tests.cli.conftest import Qudao
from tests.cli.test_commands import added


def test_a_report_is_private_and_noted(qudao: Qudao, tmp_path: Path) -> None:
    shop = added(qudao)
    out = tmp_path / "orders.csv"
    out.write_text("an older and longer report, which anybody reads\n" * 9)
    out.chmod(0o644)
    said = qudao("report", "orders", "--reason", "statement", "--shop", shop, "--out", str(out))
    assert (said.code, said.out) == (0, ""), said
    assert out.stat().st_mode & 0o777 == 0o600
    assert out.read_text(encoding="utf-8-sig").splitlines() == [qudao("report", "orders", "--reason", "x").out.strip()]
    assert [each["reason"] for each in noted(qudao)] == ["statement", "x"]


def test_what_cannot_be_taken_is_not_noted(qudao: Qudao, tmp_path: Path) -> None:
    added(qudao)
    for words, code, part in (
        (("--out", str(tmp_path / "nowhere" / "orders.csv")), 2, "cannot be written"),
        (("--shop", "jd:404"), 3, "jd:404"),
    ):
        said = qudao("report", "orders", "--reason", "statement", *words)
        assert (said.code, said.out, said.err.count("\n")) == (code, "", 1), said
        assert part in said.err
    assert noted(qudao) == []


def noted(qudao: Qudao) -> list[dict[str, str]]:
    found: list[dict[str, str]] = qudao("audit", "list", "--action", "report:orders", "--json").json
    return found
