"""The simulated Taobao/Tmall open platform (TOP): gateway, tokens, trades, refunds, logistics, goods, messages."""

from .gateway import Platform

__all__ = ["Platform"]
