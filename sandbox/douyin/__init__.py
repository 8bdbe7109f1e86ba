"""The simulated Douyin shop open platform: `Platform` answers requests, `deliver` sends its push messages."""

from .callbacks import Callbacks, deliver
from .gateway import Platform

__all__ = ["Callbacks", "Platform", "deliver"]
