"""The toy's simulated platform: it imports the sandbox and nothing of the connector."""

from tests.contract.toy_channel.platform.gateway import Platform

__all__ = ["Platform"]
