"""JD's refusals by consequence: the gateway's codes, the few known business numbers, and words; nothing else."""

from collections.abc import Mapping

from core.errors import (
    ChannelError,
    Denied,
    Invalid,
    NotFound,
    Reauthorize,
    Throttled,
    Unavailable,
    Unsupported,
)

ErrorClass = type[ChannelError]

NO_PACKAGE = "24"
"""The gateway's code for a method that is not in the app's packages, whatever else the app may do."""

QUOTA = "2"
"""The gateway's code for the app's quota of the day, which all its shops and methods share."""

GATEWAY: Mapping[str, ErrorClass] = {
    "1": Unavailable,  # inferred, like 43 and 61: known from memory only
    QUOTA: Throttled,
    "4": Denied,
    "5": Denied,
    "7": Denied,
    "8": Denied,  # a clock that is six minutes off: every call fails
    "11": Denied,
    "12": Denied,  # the app secret is wrong
    "14": Unsupported,
    "15": Unsupported,  # no such API
    "18": Reauthorize,
    "19": Reauthorize,  # wrong or expired
    "20": Denied,
    "21": Denied,  # app_key wrong
    NO_PACKAGE: Denied,
    "33": Unavailable,  # timed out inside
    "43": Unavailable,
    "61": Unavailable,
    "65": Unavailable,  # timed out inside
    "66": Unavailable,  # busy: turned away at the door (inferred; the official client repeats every call that met it)
    "11100006": Denied,  # the shop is not open
}
"""Codes of `error_response`."""

BUSINESS: Mapping[str, ErrorClass] = {
    "999999": Unavailable,
    "99999999": Unavailable,
    "11100006": Denied,
}
"""Numbers of a refusal inside a success. No table of them is published."""

UNSURE = frozenset({"1", "33", "43", "61", "65"})
"""Gateway codes from inside the platform: a write that met one may have been done all the same."""

OAUTH: Mapping[str, ErrorClass] = {
    "101": Denied,
    "102": Denied,
    "301": Denied,
    "302": Denied,
    "303": Denied,
    "304": Denied,
    "305": Denied,
    "404": Denied,
}
"""Codes of the authorisation server. All others mean that the seller must authorise again."""

WORDS: tuple[tuple[str, ErrorClass], ...] = (
    ("不存在", NotFound),
    ("not exist", NotFound),
    ("系统异常", Unavailable),
    ("系统繁忙", Unavailable),
    ("稍后", Unavailable),
    ("频繁", Throttled),
    ("不能为空", Invalid),
)
"""Words in a refusal that no number explains (inferred: the platform publishes neither numbers nor texts)."""

SPENT = "次数"
"""In the text of a refusal to open or search any more receivers today (inferred: "number of times"). Of other methods
the same word may mean a limit that does not pass.
"""

ALREADY_SHIPPED = "已出库"
"""In the text of a second shipment's refusal."""
