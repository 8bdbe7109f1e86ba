"""The simulated Douyin shop open platform: orders, after-sales, goods, stock, privacy, callbacks."""

from .gateway import Platform

__all__ = ["Platform"]
