"""A fifth channel is a folder and three lines: the toy holds the whole contract and goes round the engine, and nothing
outside its folder knows of it.
"""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import connectors
from core.db import Database, catalog
from core.model import ParcelDraft
from core.status import Fulfilment, OrderStatus
from sandbox.platforms import PLATFORMS
from sync import push
from sync.push import PriceItem
from sync.shipments import ShipmentItem
from tests.contract.toy_channel.contract import ADAPTER
from tests.contract.toy_channel.platform import Platform
from tests.engine import Engine
from tests.engine import engine as running
from tests.test_tree import CHANNEL_MODULES, MAPPING_MODULES

ROOT = Path(__file__).parents[2]
TOY = Path(__file__).parent / "toy_channel"
NAMED_ON_PURPOSE = {("commands/parts.py", "jd"), ("sandbox/settings.py", "taobao")}
"""The sandbox's option for JD's push table is called after the only channel that has one; `taobao` is a kind of
seller.
"""


@pytest.mark.slow
def test_the_whole_contract_suite_holds_for_the_toy() -> None:
    suite = [sys.executable, "-m", "pytest", "-p", "tests.contract.toy_channel.plugin", "tests/contract", "-q"]
    own = ["-p", "no:cacheprovider", "-p", "no:xdist", f"--ignore={Path(__file__).relative_to(ROOT)}"]
    surroundings = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    ran = subprocess.run([*suite, *own], cwd=ROOT, env=surroundings, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout[-5000:] + ran.stderr[-1000:]
    passed = re.search(r"(\d+) passed", ran.stdout)
    assert passed is not None
    assert int(passed[1]) > 200
    left_out = [line for line in ran.stdout.splitlines() if line.startswith("SKIPPED")]
    assert left_out
    assert all(any(note in line for note in ADAPTER.channel.notes.values()) for line in left_out)


@pytest.fixture
def engine(database: Database, redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """The product with one toy shop."""
    monkeypatch.setitem(connectors.CHANNELS, "toy", ADAPTER)
    monkeypatch.setitem(PLATFORMS, "toy", Platform)
    with running(database, redis_url, tmp_path, channels=["toy"]) as started:
        started.settle()
        yield started


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_the_engine_needs_nothing_new_for_a_fifth_channel(engine: Engine) -> None:
    shop = engine.world.shop("toy")
    pushed = engine.world.place(shop, variant="coupons", restock=True)
    engine.settle()
    assert [event.object_id for event in engine.events("order.created")] == [pushed.order_id]

    platform = engine.sandbox.platforms["toy"]
    assert platform.callbacks is not None
    platform.callbacks.set_url(None)
    polled = engine.world.place(shop, variant="plain", restock=True)
    engine.run(60)
    known = engine.order(engine.shops["toy"], polled.order_id)
    assert known is not None
    assert known.status is OrderStatus.TO_SHIP

    with engine.runtime.database.read() as connection:
        mapped = next(row for row in catalog.rows_of(connection, shop_id=engine.shops["toy"]) if row.sku)
    sku = engine.world.sku(shop, mapped.key.sku_id)
    engine.set_stock(**{mapped.sku.replace("-", "_"): 7})
    with engine.runtime.database.write() as connection:
        wanted = PriceItem(shop=engine.shops["toy"], sku=mapped.sku, sale=1234)
        push.set_prices(connection, [wanted], engine.runtime.clock.now())
    parcel = ParcelDraft(carrier="SF", tracking_no="SF1234567890123")
    engine.ship(ShipmentItem(shop=engine.shops["toy"], order_id=polled.order_id, parcels=(parcel,)))
    engine.run(60)
    assert (sku.sellable, sku.price.sale) == (7, 1234)
    assert [package.tracking_no for package in polled.packages] == ["SF1234567890123"]
    shipped = engine.order(engine.shops["toy"], polled.order_id)
    assert shipped is not None
    assert shipped.fulfilment.value is Fulfilment.SHIPPED


def test_the_toy_has_the_files_of_a_channel() -> None:
    """Those of after-sales and receivers are for channels that tell them."""
    modules = {path.stem for path in TOY.iterdir()}
    assert modules & CHANNEL_MODULES == CHANNEL_MODULES - {"after_sales", "receivers"}
    assert {path.stem for path in (TOY / "mapping").glob("*.py")} == MAPPING_MODULES - {"after_sales"}


def test_no_shared_code_names_a_channel() -> None:
    """Whoever asks for a channel by its name would have to be asked about the next one; an example only shows it."""
    files = [path for folder in ("core", "sync", "web", "commands") for path in (ROOT / folder).rglob("*.py")]
    files += [*(ROOT / "sandbox").glob("*.py"), ROOT / "cli.py", ROOT / "connectors" / "rows.py"]
    known = connectors.CHANNELS.keys()
    named = {(str(path.relative_to(ROOT)), text) for path in files for text in _texts(path) & known}
    assert named - {("sandbox/platforms.py", code) for code in known} == NAMED_ON_PURPOSE


def _texts(path: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    shown = [node.value for node in nodes if isinstance(node, ast.keyword) and node.arg == "examples"]
    examples = {inner for node in shown for inner in ast.walk(node)}
    texts = (node.value for node in nodes if isinstance(node, ast.Constant) and node not in examples)
    return {text for text in texts if isinstance(text, str)}
