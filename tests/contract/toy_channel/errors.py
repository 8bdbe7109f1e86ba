"""What each refusal of the toy means for the caller."""

from collections.abc import Mapping

from core.errors import (
    AlreadyDone,
    ChannelError,
    Conflict,
    Denied,
    Invalid,
    NotFound,
    NotYet,
    Reauthorize,
    Throttled,
    Unavailable,
)

ERRORS: Mapping[str, type[ChannelError]] = {
    "throttled": Throttled,
    "busy": Unavailable,
    "token_unknown": Reauthorize,
    "token_expired": Reauthorize,
    "bad_app": Denied,
    "bad_time": Denied,
    "bad_sign": Denied,
    "bad_address": Denied,
    "no_permission": Denied,
    "unknown_order": NotFound,
    "unknown_item": NotFound,
    "unknown_sku": NotFound,
    "bad_argument": Invalid,
    "bad_price": Invalid,
    "bad_quantity": Invalid,
    "promoted": Conflict,
    "refund_open": Conflict,
    "wrong_state": Conflict,
    "held": NotYet,
    "already_shipped": AlreadyDone,
}
"""Whatever is not named here is Rejected."""
