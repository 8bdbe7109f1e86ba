"""The table of methods: what every noun's module exports as `METHODS`. A method not in here does not exist."""

from . import auth, codes, items, prices, stock, trade_writes, trades
from .call import Api

METHODS: dict[str, Api] = {
    **auth.METHODS,
    **trades.METHODS,
    **trade_writes.METHODS,
    **items.METHODS,
    **codes.METHODS,
    **stock.METHODS,
    **prices.METHODS,
}
