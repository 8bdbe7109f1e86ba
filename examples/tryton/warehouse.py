"""The people in the warehouse: whatever waits is picked, packed, given a number and sent. Once, then it ends.

    python -m examples.tryton.warehouse FOLDER

They work in Tryton alone, as they would in its client, and know of no channel.
"""

import sys
from pathlib import Path
from typing import Any

from examples.tryton.books import Books


def send_all(get: Any) -> int:
    """How many shipments left. One that is short of goods stays."""
    Shipment = get("stock.shipment.out")  # noqa: N806 - as Tryton writes models
    Shipment.assign_try(Shipment.search([("state", "=", "waiting")]))
    ready = Shipment.search([("state", "=", "assigned")])
    for shipment in ready:
        shipment.reference = f"7537{shipment.id:010d}"
    Shipment.save(ready)
    for step in (Shipment.pick, Shipment.pack, Shipment.ship):
        step(ready)
    return len(ready)


def main() -> None:
    books = Books(Path(sys.argv[1]).absolute())
    print(books.transact(send_all))
    books.finish_tasks()


if __name__ == "__main__":
    main()
