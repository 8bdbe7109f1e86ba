"""The table of all methods: every noun module exports its own `METHODS`; a new module is one line here."""

from . import prices, refunds, service_writes, services, shop, stock, wares
from .call import Method

METHODS: dict[str, Method] = {
    **shop.METHODS,
    **refunds.METHODS,
    **services.METHODS,
    **service_writes.METHODS,
    **wares.METHODS,
    **stock.METHODS,
    **prices.METHODS,
}
