"""`qudao map`, `qudao stock` and `qudao orders` about bundles and any number of an order."""

from pathlib import Path

import pytest

from core.crypto import Vault
from core.db import Database, catalog
from core.model import Listing, ListingSku
from core.status import Fact, Shelf
from sync.accept import accept
from tests.canonical import at, fetched, line, order, parcel
from tests.cli.conftest import Qudao
from tests.cli.test_commands import added

SHOP = "pinduoduo:300123"


@pytest.fixture
def stocked(qudao: Qudao, tmp_path: Path) -> Qudao:
    """A shop with a listing of one SKU, and two orders in one parcel."""
    assert added(qudao) == SHOP
    vault = Vault.kept_in(tmp_path / "data")
    database = Database(f"sqlite:///{tmp_path}/data/qudao.db", vault)
    listing = Listing(
        shop_id=SHOP, id="L1", title="Tea", shelf=Fact[Shelf](value=Shelf.ON), skus=(ListingSku(sku_id="S1"),)
    )
    with database.write() as connection:
        catalog.record(connection, SHOP, [listing], at(0))
    for identity, number in (("260618-1", "SF1"), ("260618-2", "SF1"), ("260618-3", "SF3")):
        value = order(shop_id=SHOP, id=identity, lines=(line(),), parcels=(parcel(number),))
        with database.write() as connection:
            accept(connection, vault, SHOP, [fetched(value)], at(1))
    database.close()
    return qudao


def test_a_bundle_is_mapped_shown_and_remembered(stocked: Qudao) -> None:
    said = stocked("map", "set", SHOP, "L1", "S1", "--component", "TEA:2", "--component", "CUP:1")
    assert said.code == 0, said.err
    assert "CUP:1 TEA:2" in stocked("map", "list").out
    [row] = stocked("map", "list", "--sku", "CUP", "--json").json
    assert row["components"] == [{"sku": "CUP", "quantity": 1}, {"sku": "TEA", "quantity": 2}]
    assert stocked("stock", "set", "TEA", "9").code == stocked("stock", "set", "CUP", "7").code == 0
    [shown] = stocked("stock", "show", "--json").json
    assert (shown["sku"], shown["wanted"]) == ("CUP:1 TEA:2", 4)
    assert stocked("map", "set", SHOP, "L1", "S1", "TEA").code == 0
    first, second = stocked("map", "history", "--json", "--shop", SHOP).json
    assert (first["by"], first["before"], second["after"]["sku"]) == ("operator", None, "TEA")
    assert "operator" in stocked("map", "history", "--listing", "L1", "--sku-id", "S1").out
    assert stocked("map", "history", "--listing", "L9", "--json").json == []


@pytest.mark.parametrize(
    ("words", "code", "part"),
    [
        (("TEA", "--component", "CUP:1"), 2, "--component"),
        (("--component", "CUP"), 2, "SKU:QUANTITY"),
        (("--component", "CUP:0"), 3, "greater than or equal to 1"),
        (("--component", "CUP:1", "--component", "CUP:2"), 3, "named twice"),
    ],
    ids=["two-ways", "no-quantity", "zero", "twice"],
)
def test_what_is_no_bundle_is_refused_in_one_line(stocked: Qudao, words: tuple[str, ...], code: int, part: str) -> None:
    said = stocked("map", "set", SHOP, "L1", "S1", *words)
    assert (said.code, part in said.err, said.out) == (code, True, ""), said.err
    assert stocked("map", "history", "--json").json == []


def test_an_order_is_shown_by_its_parcel(stocked: Qudao) -> None:
    assert stocked("orders", "show", "SF3", "--json").json["order"]["id"] == "260618-3"
    several = stocked("orders", "show", "SF1")
    assert several.code != 0
    assert "260618-1 of pinduoduo:300123, 260618-2 of pinduoduo:300123" in several.err
    assert "no order SF9" in stocked("orders", "show", "SF9").err
