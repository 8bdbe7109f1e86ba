"""The table of all methods: every noun module exports its own `METHODS`; a new module is one line here."""

from . import (
    areas,
    carriers,
    orders,
    prices,
    privacy,
    refunds,
    remarks,
    service_writes,
    services,
    shipping,
    shop,
    stock,
    wares,
    waybills,
)
from .call import Method

METHODS: dict[str, Method] = {
    **shop.METHODS,
    **orders.METHODS,
    **remarks.METHODS,
    **shipping.METHODS,
    **carriers.METHODS,
    **waybills.METHODS,
    **areas.METHODS,
    **privacy.METHODS,
    **refunds.METHODS,
    **services.METHODS,
    **service_writes.METHODS,
    **wares.METHODS,
    **stock.METHODS,
    **prices.METHODS,
}
