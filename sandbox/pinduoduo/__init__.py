"""Simulated Pinduoduo open platform: router, tokens, orders, after-sales, goods, logistics, privacy, messages."""

from .gateway import Platform

__all__ = ["Platform"]
