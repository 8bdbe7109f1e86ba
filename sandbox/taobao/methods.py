"""The table of methods: what every noun's module exports as `METHODS`. A method not in here does not exist."""

from . import (
    auth,
    codes,
    items,
    logistics,
    prices,
    privacy,
    queues,
    refund_payment,
    refunds,
    shelf,
    shipping,
    stock,
    trade_writes,
    trades,
    waybills,
)
from .call import Api

METHODS: dict[str, Api] = {
    **auth.METHODS,
    **trades.METHODS,
    **trade_writes.METHODS,
    **shipping.METHODS,
    **logistics.METHODS,
    **waybills.METHODS,
    **refunds.METHODS,
    **refund_payment.METHODS,
    **privacy.METHODS,
    **items.METHODS,
    **shelf.METHODS,
    **codes.METHODS,
    **stock.METHODS,
    **prices.METHODS,
    **queues.METHODS,
}
