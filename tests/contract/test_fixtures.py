"""Group 10: every sample of the documents is read by a test of the connector, or has a reason why nobody reads it.

That a sample becomes exactly its canonical value is asserted beside the connector, in tests/connectors/<code>/; this
group lists what nobody maps, and sends every documented refusal through a real operation.
"""

import ast
import json
import re
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import httpx
import pytest

from connectors.http import Http
from core.channel import StockWrite
from core.errors import ChannelError
from core.model import SkuKey
from tests.contract.bench import WatchedGate
from tests.contract.channel import ChannelUnderTest
from tests.contract.channels import CHANNELS

REFUSALS = [
    pytest.param(channel, path, id=f"{channel.name}-{path.stem}")
    for channel in CHANNELS
    for path in sorted(channel.fixtures.glob("error.*.json"))
]


def samples(channel: ChannelUnderTest) -> set[str]:
    """What a platform may send. Requests have tests of their own on both sides of the wire."""
    return {path.stem for path in channel.fixtures.glob("*.json") if not path.stem.endswith(".request")} - {"push.ack"}


@cache
def texts(module: Path) -> frozenset[str]:
    """Every string that stands in a test module."""
    nodes = ast.walk(ast.parse(module.read_text(encoding="utf-8")))
    return frozenset(node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))


def named(sample: str, said: frozenset[str]) -> bool:
    """Whether a test names the sample: whole, by its method, by a pattern, or by the part it puts into a prefix."""
    middle = re.sub(r"^(error|message)\.|\.(push|response)$", "", sample)
    patterns = [text for text in said if text.endswith(".json") and "*" in text]
    whole = {sample, f"{sample}.json", sample.removesuffix(".response"), middle, f"{middle}.push"}
    return bool(said & whole) or any(fnmatch(f"{sample}.json", pattern) for pattern in patterns)


def test_every_sample_is_read_or_has_a_reason_not_to_be(channel: ChannelUnderTest) -> None:
    read = [name for names in channel.samples_read.values() for name in names.split()]
    unread = [name for names in channel.samples_unread.values() for name in names.split()]
    listed = read + unread
    assert sorted(samples(channel) - set(listed)) == [], "nobody maps these samples"
    assert sorted(set(listed) - samples(channel)) == [], "there are no such samples"
    assert len(listed) == len(set(listed))
    assert all(channel.samples_unread)


def test_a_sample_that_counts_as_read_is_named_by_its_test(channel: ChannelUnderTest) -> None:
    for module, names in channel.samples_read.items():
        said = texts(channel.tests / f"{module}.py")
        assert [name for name in names.split() if not named(name, said)] == [], module


def test_what_nobody_reads_is_not_called_either(channel: ChannelUnderTest) -> None:
    modules = (path for path in channel.folder.glob("*.py") if path.stem not in {"messages", "signing", "errors"})
    called = frozenset[str]().union(*map(texts, modules))
    for names in channel.samples_unread.values():
        for name in names.split():
            request = channel.fixtures / f"{name.removesuffix('.response')}.request.json"
            if request.exists():
                assert channel.method_of(json.loads(request.read_bytes())) not in called - {""}, name


@pytest.mark.parametrize(("channel", "sample"), REFUSALS)
def test_a_documented_refusal_is_a_typed_error_of_reads_and_writes(channel: ChannelUnderTest, sample: Path) -> None:
    bench = channel.bench()
    told = json.loads(sample.read_bytes())
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json=told, request=request))
    bench.http = Http(WatchedGate(), transport, sleep=lambda _: None)
    connector = bench.connect()
    with pytest.raises(ChannelError) as caught:
        connector.order("6920000000000000001")
    [outcome] = connector.set_stock([StockWrite(SkuKey(listing_id="1", sku_id="1"), 1)])
    for error in (caught.value, outcome.error):
        assert isinstance(error, ChannelError)
        assert type(error) is not ChannelError
        assert error.code
        assert bool(error.request_id) is channel.names_requests
        assert (error.channel, error.shop) == (channel.code, connector.shop_id)
    bench.close()
