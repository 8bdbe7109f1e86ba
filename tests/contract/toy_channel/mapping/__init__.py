"""Wire to canonical. Pure."""

from tests.contract.toy_channel.mapping.listings import listing
from tests.contract.toy_channel.mapping.orders import order
from tests.contract.toy_channel.mapping.tables import CARRIER, CARRIER_OF, FLAG
from tests.contract.toy_channel.mapping.values import instant

__all__ = ["CARRIER", "CARRIER_OF", "FLAG", "instant", "listing", "order"]
