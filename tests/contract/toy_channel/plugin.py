"""Runs the contract suite over the toy and nothing else: `python -m pytest -p tests.contract.toy_channel.plugin
tests/contract`. Registers it where a real channel is registered, before any test is read.
"""

from typing import Any

import pytest

import connectors
from sandbox.platforms import PLATFORMS
from tests.contract import channels
from tests.contract.toy_channel.contract import ADAPTER, Toy
from tests.contract.toy_channel.platform import Platform

connectors.CHANNELS["toy"] = ADAPTER
PLATFORMS["toy"] = Platform
channels.CHANNELS = (*channels.CHANNELS, Toy())


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests that run once per channel run for the toy; tests about no channel run too."""
    others = [item for item in items if _channel(item) not in (None, "toy")]
    items[:] = [item for item in items if item not in others]
    config.hook.pytest_deselected(items=others)


def _channel(item: pytest.Item) -> Any:
    parameters = getattr(item, "callspec", None)
    return getattr(parameters.params.get("channel"), "code", None) if parameters else None
