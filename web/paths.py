"""Names in paths that cannot be mistaken for what stands beside them: `/orders/{shop}/{order_id}` does not take
`/orders/7/memo`, nor `/subscriptions/{id}` what is done to one, `/subscriptions/{id}:pause`.
"""

from starlette.convertors import Convertor, register_url_convertor


class _Shop(Convertor[str]):
    """`channel:account`."""

    regex = "[^/:]+:[^/]+"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


class _Word(_Shop):
    """Letters, digits and underscores."""

    regex = "[A-Za-z0-9_]+"


register_url_convertor("shop", _Shop())
register_url_convertor("word", _Word())

SHOP = "{shop:shop}"
"""The part of a path that names a shop."""
SUBSCRIPTION = "{subscription_id:word}"
"""The part of a path that names a subscription."""
