"""The table of all methods: every noun module exports its own `METHODS`; a new module is one line here."""

from . import refunds, service_writes, services, shop
from .call import Method

METHODS: dict[str, Method] = {
    **shop.METHODS,
    **refunds.METHODS,
    **services.METHODS,
    **service_writes.METHODS,
}
