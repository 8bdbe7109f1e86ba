"""What the neutral world is told of a platform: its app, its first ids, how its ids and tokens look, its own rules.

A platform's folder holds one `Profile`; the world reads nothing else of it. How the platform speaks is in its folder.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from .model import App
from .settings import Settings


def hex_token(dice: Random, _: str = "") -> str:
    """40 hex digits."""
    return f"{dice.getrandbits(160):040x}"


def long_id(base: int) -> Callable[[int, Random, float], str]:
    """Order ids above `base`, with room behind each for the ids of its lines."""
    return lambda number, dice, _: str(base + number * 1000 + dice.randrange(100))


def line_after_order(order_id: str, n: int, _: int) -> str:
    """Line ids that continue the order's: the first line's is equal to it."""
    return str(int(order_id) + n)


def line_of_order(order_id: str, n: int, _: int) -> str:
    """Line ids of platforms that show none."""
    return f"{order_id}:{n + 1}"


def counted(base: int) -> Callable[[int, bool], str]:
    """After-sale ids counted up from `base`."""
    return lambda number, _: str(base + number)


@dataclass(frozen=True)
class Profile:
    """One platform, as far as the world cares. Times are seconds; settings of the same name may change them."""

    app: App
    """The integrator's demo app; made up. `app.channel` is the platform's code."""
    first_shop: int
    shop_name: str
    item_base: int
    sku_base: int
    order_id: Callable[[int, Random, float], str]
    """Of a number that is new in this world, the world's dice and the time."""
    line_id: Callable[[str, int, int], str]
    """Of the order's id, the line's position and how many lines there are."""
    refund_id: Callable[[int, bool], str]
    """Of a new number and whether the after-sale is for the whole order."""
    token_life: float
    refresh_life: float
    token_methods: frozenset[str] = frozenset()
    """The calls that hand out tokens, as far as faults reach them."""
    token: Callable[[Random, str], str] = hex_token
    """A new access or refresh token of a shop."""
    code: Callable[[Random], str] = hex_token
    """A new authorisation code."""
    code_life: Callable[[Settings], float] = lambda settings: settings.code_life
    shop_kinds: Callable[[Settings], Sequence[str]] = lambda _: ("",)
    """What kinds of sellers the shops are, in turn."""
    world_dice: bool = False
    """Tokens are drawn from the world's own dice instead of the channel's."""
    first_message: int = 0
    push_retry: Sequence[float] = (60,)
    push_keep: float = 604_800
    push_repeats: bool = True
    """The last delay of `push_retry` is repeated until `push_keep`; False = the message is dropped after it."""
    unpaid_life: float | None = None
    whole_seconds: bool = False
    """Versions of an order are told apart by a time in seconds, so no two versions share one."""
    long_ids: bool = True
    """One item and its SKUs have ids above 2^53: a client that reads them as doubles gets a neighbour's id."""
    skuless_items: bool = False
    """An item of one kind has no SKU of its own: it carries the item's id, and its code is the item's."""
    two_lines: frozenset[str] = frozenset({"several"})
    """Variants whose orders have a second line."""
    on_delivery: bool = False
    """Orders of the variant `cod` are shipped before anybody paid."""
    review_is_state: bool = False
    """An order under review is in a state of its own; False = it is to ship and marked."""
    reviews_prices: bool = False
    """Price edits wait for review."""
    splits: bool = False
    """Orders of the variant `split` become one order per line when they are paid."""
    creators_pay: bool = False
    """Coupons are partly borne by the creator who sold the goods."""
    refunds_orders: bool = False
    """A refund without return, asked for before the goods were received, is for the whole order."""

    @property
    def channel(self) -> str:
        """The platform's code."""
        return self.app.channel
