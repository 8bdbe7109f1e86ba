"""`qudao ship`, `qudao shelf`, `qudao orders address|reveal|search`: wished as the ERP does, told in one line."""

import io
import shlex
from pathlib import Path

import pytest

from core.crypto import Vault
from core.db import Database
from core.model import Listing, ListingSku
from core.status import Fact, Shelf
from sync.accept import accept
from tests.canonical import at, fetched, line, order
from tests.cli.conftest import Qudao
from tests.cli.test_commands import added

SHOP = "pinduoduo:300123"


@pytest.fixture
def stocked(qudao: Qudao, tmp_path: Path) -> Qudao:
    """A shop with a listing and an order of two lines."""
    assert added(qudao) == SHOP
    vault = Vault.kept_in(tmp_path / "data")
    database = Database(f"sqlite:///{tmp_path}/data/qudao.db", vault)
    shown = Listing(
        shop_id=SHOP, id="L1", title="Tea", shelf=Fact[Shelf](value=Shelf.ON), skus=(ListingSku(sku_id="S1"),)
    )
    bought = order(shop_id=SHOP, lines=(line(1, quantity=3), line(2)))
    with database.write() as connection:
        accept(connection, vault, SHOP, [fetched(shown)], at(0))
        accept(connection, vault, SHOP, [fetched(bought)], at(0))
    database.close()
    return qudao


def test_parcels_are_declared_with_what_is_said_of_them(stocked: Qudao) -> None:
    words = ("ship", SHOP, "o1", "SF:SF1:o1-1=1", "SF:SF2")
    trial = stocked(*words, "--dry-run", "--json").json
    assert (trial["state"], trial["dry_run"], trial["intents"]) == ("queued", True, [])
    assert [each["code"] for each in trial["warnings"]] == ["lines_not_told", "extra_parcels"]
    assert stocked("orders", "show", "o1", "--json").json["shipments"] == []
    said = stocked(*words, QUDAO_LANG="en")
    assert (said.code, said.err.splitlines()[-1]) == (0, "o1: queued")
    assert "warning: lines_not_told" in said.err
    [shipment] = stocked("orders", "show", "o1", "--json").json["shipments"]
    assert len(shipment["wanted"]["parcels"]) == 2
    assert stocked(*words, "--json").json["state"] == "unchanged"


@pytest.mark.parametrize(
    ("words", "code", "part"),
    [
        (("ship", SHOP, "o1", "SF:SF1:o1-1=1"), 1, "order_ships_whole"),
        (("ship", SHOP, "o1", "SF:SF1:o1-1"), 2, "LINE=QUANTITY"),
        (("ship", SHOP, "o1", "SF:"), 2, "CARRIER:NUMBER"),
        (("ship", SHOP, "o1", "SF"), 2, "CARRIER:NUMBER"),
        (("ship", SHOP, "o1", "SF:单号"), 3, "tracking_no"),
        (("ship", "jd:0", "o1", "SF:SF1"), 1, "unknown_shop"),
        (("shelf", SHOP, "L9", "off"), 1, "unknown_listing"),
        (("orders", "address", SHOP, "o1", "approve"), 1, "not_supported_here"),
        (("orders", "address", SHOP, "o1", "refuse", "--refusal", "mood"), 3, "refusal"),
        (("orders", "reveal", SHOP, "o1", "--purpose", "ship", "--reason", "call 13800000000"), 2, "a reason"),
        (("report", "orders", "--reason", "call 13800000000"), 2, "a reason"),
        (("privacy", "erase", SHOP, "o1", "--reason", "call 13800000000"), 2, "a reason"),
        (("privacy", "erase", SHOP, "o1", "--reason", " "), 2, "a reason"),
        (("orders", "reveal", SHOP, "o9", "--purpose", "ship", "--reason", "waybill"), 5, "has no order o9"),
        (("orders", "reveal", "jd:0", "o1", "--purpose", "ship", "--reason", "waybill"), 3, "jd:0"),
    ],
)
def test_what_cannot_be_is_one_line_and_an_exit_code(
    stocked: Qudao, words: tuple[str, ...], code: int, part: str
) -> None:
    said = stocked(*words)
    assert (said.code, said.out) == (code, ""), said
    assert part in said.err


def test_receivers_are_asked_for_while_nothing_of_ours_runs(stocked: Qudao, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("17000000001\n"))
    away = {"QUDAO_PINDUODUO_GATEWAY": "http://127.0.0.1:9"}
    said = stocked("orders", "reveal", SHOP, "o1", "--purpose", "ship", "--reason", "waybill", **away)
    assert (said.code, said.out) == (5, ""), said
    assert "pdd." in said.err
    assert "Redis" not in said.err
    assert stocked("audit", "list", "--action", "receivers:reveal", "--json").json[0]["object"] == "o1"
    asked = stocked("orders", "search", SHOP, "--reason", "caller asks", **away)
    assert (asked.code, asked.err.count("\n")) == (5, 1), asked
    assert "17000000001" not in asked.err
    nobody = stocked("orders", "search", SHOP, "--reason", "caller asks", **away)
    assert (nobody.code, nobody.err.count("\n")) == (2, 1), nobody


def test_a_shelf_is_wished_and_explained(stocked: Qudao) -> None:
    said = stocked("shelf", SHOP, "L1", "off", QUDAO_LANG="en")
    assert (said.code, said.err) == (0, "L1 off: queued\n")
    again = stocked("shelf", SHOP, "L1", "off", "--json").json
    assert (again["state"], len(again["intents"])) == ("queued", 1)


def documented() -> list[list[str]]:
    """The words of each `qudao` line of docs/commands.md that asks for nothing."""
    text = (Path(__file__).parents[2] / "docs" / "commands.md").read_text()
    lines = [shlex.split(line)[1:] for line in text.splitlines() if line.startswith("qudao ")]
    return [words for words in lines if "search" not in words]


def test_the_documented_lines_are_understood(stocked: Qudao) -> None:
    lines = documented()
    assert len(lines) >= 4
    for words in lines:
        said = stocked(*words)
        assert (said.code, said.out) in ((1, ""), (3, "")), (words, said)
        assert "douyin:7012345" in said.err or "jd:10000001" in said.err, "only the shop is not here"
