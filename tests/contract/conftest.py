"""Every test of the suite runs once per channel; what a channel cannot do is skipped with the reason it declares."""

from collections.abc import Iterator, MutableMapping
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.contract.bench import Bench
from tests.contract.channel import ChannelUnderTest
from tests.contract.channels import CHANNELS
from tests.contract.skips import reason


@pytest.fixture(params=CHANNELS, ids=lambda channel: channel.name)
def channel(request: pytest.FixtureRequest) -> ChannelUnderTest:
    """The channel under test."""
    under_test: ChannelUnderTest = request.param
    for mark in request.node.iter_markers("needs"):
        for capability in mark.args:
            if why := reason(under_test, capability):
                pytest.skip(why)
    return under_test


@pytest.fixture(autouse=True)
def logs() -> Iterator[list[MutableMapping[str, Any]]]:
    """What our own code logs, instead of printing it."""
    with capture_logs() as entries:
        yield entries


@pytest.fixture
def bench(channel: ChannelUnderTest) -> Iterator[Bench]:
    """A simulated shop of the channel with our connector on it."""
    made = channel.bench()
    yield made
    made.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints what the channels left out of the suite."""
    left_out = [
        (report.nodeid.rpartition("::")[2], report.longrepr[2].removeprefix("Skipped: "))
        for report in terminalreporter.stats.get("skipped", [])
        if "tests/contract/" in report.nodeid and isinstance(report.longrepr, tuple)
    ]
    if left_out:
        terminalreporter.section("contract suite: left out by a channel's own declaration")
        for test, why in sorted(left_out):
            terminalreporter.line(f"{test}: {why}")
