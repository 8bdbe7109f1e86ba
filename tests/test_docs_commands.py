"""docs/commands.md says what the code does: its tables of channels and its lists of codes."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from connectors import CHANNELS
from core.channel import AgainstRefund, Capability, Channel, Packing
from core.shipping import REFUND_OPEN
from sync.address import ASKED
from web.catalogue import CATALOGUE
from web.remarks import REMARKS

ROOT = Path(__file__).parents[1]
CODES = {*CATALOGUE, *REMARKS}
TEXT = (ROOT / "docs" / "commands.md").read_text()
SOURCES = ("core/packing.py", "sync/wishes.py", "sync/shipments.py", "sync/address.py", "sync/shelf.py", "sync/push.py")
PACKED = {
    Packing.PIECES: "pieces",
    Packing.LINES: "whole lines",
    Packing.ORDER: "not told, the order ships whole",
}
REFUND = {
    AgainstRefund.REFUSES: "refuses the refund",
    AgainstRefund.STAYS: "ships, the refund stays open",
    AgainstRefund.NEVER: "never ships before it is settled",
}


def table() -> str:
    channels = [adapter.channel for adapter in CHANNELS.values()]
    rules = [channel.shipments for channel in channels]
    rows = {
        "": [channel.label for channel in channels],
        "what lies in a parcel": [PACKED[rule.packing] for rule in rules],
        "parcels": [str(rule.most_parcels or "any") for rule in rules],
        "several parcels without `lines`": [_open(channel) for channel in channels],
        "lines in a parcel": [str(rule.most_lines or "any") for rule in rules],
        "lines of one SKU": ["one to the channel" if rule.told_by_sku else "told apart" for rule in rules],
        "gifts without a line": ["go along untold" if rule.untold_gifts else "like any line" for rule in rules],
        "`refuse_refund`": [REFUND[rule.against_refund] for rule in rules],
    }
    lines = [f"| {' | '.join([name, *cells])} |".replace("|  |", "| |") for name, cells in rows.items()]
    return "\n".join([lines[0], "|" + "---|" * (len(channels) + 1), *lines[1:]])


def _open(channel: Channel) -> str:
    if not channel.shipments.open_parcels:
        return "refused"
    whole = channel.shipments.packing is Packing.ORDER
    return "yes, further numbers stand beside the first" if whole else "yes, while nothing is shipped"


def between(name: str) -> str:
    return TEXT.partition(f"<!-- {name} -->")[2].partition(f"<!-- /{name} -->")[0].strip()


def codes_said() -> Iterator[str]:
    """What items are refused with or warned of, those that a shipment waits for among them."""
    yield from (REFUND_OPEN, ASKED, "not_paid", "on_hold")
    for source in SOURCES:
        for node in ast.walk(ast.parse((ROOT / source).read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
                first = node.args[0]
                if node.func.id in ("no", "Remark", "Warned") and isinstance(first, ast.Constant):
                    yield str(first.value)


def test_the_table_of_shipments_is_the_channels_own() -> None:
    assert between("shipments") == table()


def test_the_channels_that_ask_the_seller_are_named() -> None:
    asking = [each.channel.label for each in CHANNELS.values() if each.channel.supports(Capability.CONFIRM_ADDRESS)]
    assert between("address") == ", ".join(asking)


def test_every_code_is_documented_and_has_its_words() -> None:
    said = set(codes_said())
    assert {"too_many_pieces", "unknown_shop", "nobody_asked", "not_supported_here"} <= said, "the search finds none"
    assert said - CODES == set()
    assert {code for code in said if f"`{code}`" not in TEXT} == set()


def test_no_code_is_documented_that_does_not_exist() -> None:
    listed = TEXT.partition("## Codes")[2]
    cells = re.findall(r"^\| (`.*?`) \|", listed, re.MULTILINE)
    named = {code for cell in cells for code in re.findall(r"`(\w+)`", cell)}
    assert len(named) > 30
    assert named - CODES == set()
    assert set(REMARKS) <= named
    assert not set(REMARKS) & set(CATALOGUE), "a warning is no problem"
