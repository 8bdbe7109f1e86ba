"""What a channel may leave out of the suite: only what it declares that it cannot do, with its own reason."""

import importlib
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import pytest

from core.channel import Capability
from tests.contract.channel import ChannelUnderTest
from tests.contract.channels import CHANNELS

needs = pytest.mark.needs
"""`@needs(Capability.X)`: the test is about X and is skipped for a channel that does not support it."""


@dataclass(frozen=True)
class Skip:
    """One test that one channel may leave out."""

    channel: str
    group: str
    test: str
    capability: Capability
    reason: str


def reason(under_test: ChannelUnderTest, capability: Capability) -> str:
    """Why the channel leaves the capability out, in its own words; empty when it has it."""
    if under_test.can(capability):
        return ""
    channel = under_test.channel
    note = channel.notes.get(capability)
    assert note, f"{channel.code} must say why it has no {capability}"
    return f"{channel.label}, {capability}: {note}"


def skips() -> Iterator[Skip]:
    """Every test that a channel leaves out, without running any; for the capability matrix."""
    for path in sorted(Path(__file__).parent.glob("test_*.py")):
        module = importlib.import_module(f"tests.contract.{path.stem}")
        for name, test in inspect.getmembers(module, inspect.isfunction):
            if name.startswith("test_"):
                for capability, under_test in product(_needed(module) + _needed(test), CHANNELS):
                    if why := reason(under_test, capability):
                        yield Skip(under_test.code, path.stem.removeprefix("test_"), name, capability, why)


def _needed(marked: object) -> list[Capability]:
    """The capabilities that a test, or a whole module of tests, is about."""
    marks = getattr(marked, "pytestmark", [])
    return [
        capability
        for mark in (marks if isinstance(marks, list) else [marks])
        if mark.name == "needs"
        for capability in mark.args
    ]
