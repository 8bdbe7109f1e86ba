"""Simulated JD open platform (POP merchants): gateway, tokens, orders, shipping, after-sales, goods, stock, privacy."""

from .gateway import Platform

__all__ = ["Platform"]
