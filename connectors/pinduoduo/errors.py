"""Pinduoduo's error codes by consequence: (error_code, sub_code) → class. An empty sub_code stands for all others."""

from core.errors import (
    ChannelError,
    Denied,
    Invalid,
    NotFound,
    Reauthorize,
    Rejected,
    Throttled,
    Unavailable,
    Unsupported,
)

API_LIMIT = "52101"
"""The method as such is called too often, by everybody."""

ERRORS: dict[tuple[str, str], type[ChannelError]] = {
    ("10000", ""): Invalid,
    (
        "10001",
        "",
    ): Denied,  # a common parameter; in practice a clock that is ten minutes off (inferred): every call fails
    ("10016", ""): Denied,  # client_id wrong or offline
    ("10017", ""): Unsupported,  # no such API
    ("10018", ""): Denied,
    ("10019", ""): Reauthorize,  # token expired
    ("20004", ""): Denied,  # signature: the app secret is wrong
    ("20005", ""): Denied,  # address not on the allow-list
    ("20031", ""): Denied,  # API not in the app's packages
    ("20032", ""): Reauthorize,  # token wrong
    ("20034", ""): Unsupported,  # API offline
    ("20035", ""): Unsupported,  # API not on this gateway
    ("21001", ""): Invalid,
    ("21002", ""): Invalid,
    ("30000", ""): Denied,
    ("30001", ""): Denied,
    ("50000", ""): Unavailable,
    ("50001", ""): Rejected,  # a business rule; its sub_codes are not published
    ("50001", "45001"): NotFound,  # not this shop's, older than 90 days, or too fresh
    ("50002", ""): Unavailable,
    ("52001", ""): Unavailable,
    ("52002", ""): Unavailable,
    ("52004", ""): Invalid,  # body too large
    (API_LIMIT, ""): Throttled,
    ("52102", ""): Unavailable,  # degraded: not done
    ("52103", ""): Unavailable,
    ("70031", ""): Throttled,
    ("70032", ""): Denied,
    ("70033", ""): Unavailable,  # under maintenance
    ("70034", ""): Denied,
    ("70035", ""): Denied,
    ("70036", ""): Denied,  # a test app that used up its calls
}

UNSURE = frozenset({"50000", "50002", "52001", "52002"})
"""Errors from inside the platform: a write that met one may have been done all the same (inferred)."""

QUOTA_WORDS = ("额度", "配额", "限额", "次数", "上限", "限流", "频繁")
"""Words in a row of pdd.open.decrypt.batch that say that the day's allowance is used up (inferred: its code is not
published).
"""
