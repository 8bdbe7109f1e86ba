"""Makes an empty Tryton database a company with a warehouse, a web shop for every channel shop, and goods on shelves.

    python -m examples.tryton.founding FOLDER QUDAO-URL      (QUDAO_KEY in the environment)

Every SKU that Qudao knows becomes a product; a listing SKU without one is mapped to a product of its own.
"""

import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from trytond.transaction import Transaction

from examples.erp_client import Qudao
from examples.tryton.books import NAME, Books, buyers_of, opened

PIECES = 200
"""How many of each product lie in the warehouse at first."""


def install(folder: Path) -> None:
    """Tryton's own way: `trytond-admin` makes the tables. The password is for a client that anybody may start."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{NAME}.sqlite").touch()
    (folder / "password").write_text("invented-password\n")
    settings = folder / "trytond.conf"
    settings.write_text(f"[database]\nuri = sqlite://\npath = {folder}\n")
    command = str(Path(sys.executable).with_name("trytond-admin"))
    words = [command, "-c", str(settings), "-d", NAME, "-u", "web_shop", "--activate-dependencies"]
    environment = os.environ | {"TRYTONPASSFILE": str(folder / "password")}
    subprocess.run([*words, "--email", "admin@example.org"], env=environment, check=True)  # noqa: S603 - our own words


def found_company(pool: Any) -> None:
    with Transaction().start(NAME, 1, context={"_skip_warnings": True}):
        get = pool.get
        (currency,) = get("currency.currency").create(
            [{"name": "Renminbi", "code": "CNY", "symbol": "¥", "rounding": Decimal("0.01"), "digits": 2}]
        )
        (party,) = get("party.party").create([{"name": "The Teahouse", "addresses": [("create", [{}])]}])
        (company,) = get("company.company").create([{"party": party.id, "currency": currency.id}])
        (admin,) = get("res.user").search([("login", "=", "admin")])
        get("res.user").write([admin], {"companies": [("add", [company.id])], "company": company.id})


def open_shop(get: Any, shop: str) -> None:
    """A web shop with its buyers. The guest party is the module's demand; no sale is ever confirmed for it."""
    Party = get("party.party")  # noqa: N806
    guest, _ = Party.create(
        [{"name": name, "addresses": [("create", [{}])]} for name in (f"Guest of {shop}", buyers_of(shop))]
    )
    (warehouse,) = get("stock.location").search([("type", "=", "warehouse")])
    get("web.shop").create([{"name": shop, "guest_party": guest.id, "warehouses": [("add", [warehouse.id])]}])


def stock_shelves(get: Any, goods: Mapping[str, str]) -> None:
    """Products by SKU, and an inventory that says how many there are."""
    (unit,) = get("product.uom").search([("name", "=", "Unit")])
    templates = get("product.template").create(
        [
            {
                "name": title,
                "type": "goods",
                "default_uom": unit.id,
                "salable": True,
                "sale_uom": unit.id,
                "list_price": Decimal(0),
                "products": [("create", [{"suffix_code": sku}])],
            }
            for sku, title in goods.items()
        ]
    )
    (storage,) = get("stock.location").search([("code", "=", "STO")])
    lines = [{"product": product.id, "quantity": PIECES} for each in templates for product in each.products]
    Inventory = get("stock.inventory")  # noqa: N806
    made = Inventory.create([{"location": storage.id, "lines": [("create", lines)]}])
    Inventory.confirm(made)


def map_the_rest(qudao: Qudao, rows: Iterable[Mapping[str, Any]]) -> None:
    """Listing SKUs without a merchant code, or with one that is not unique, get a SKU of their own."""
    wishes = [
        {key: row[key] for key in ("shop", "listing_id", "sku_id")} | {"sku": f"{row['listing_id']}-{row['sku_id']}"}
        for row in rows
        if not row["sku"]
    ]
    for taken in qudao.set_mappings(wishes):
        if taken["state"] == "refused":
            raise SystemExit(f"not mapped: {taken['code']}: {taken['detail']}")


def main() -> None:
    folder = Path(sys.argv[1]).absolute()
    with Qudao(sys.argv[2], os.environ["QUDAO_KEY"]) as qudao:
        map_the_rest(qudao, list(qudao.stock()))
        rows = list(qudao.stock())
    install(folder)
    found_company(opened(folder))
    books = Books(folder)
    for shop in sorted({row["shop"] for row in rows}):
        books.transact(partial(open_shop, shop=shop))
    books.transact(partial(stock_shelves, goods={row["sku"]: row["title"] for row in rows}))


if __name__ == "__main__":
    main()
