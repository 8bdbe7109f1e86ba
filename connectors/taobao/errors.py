"""Taobao's error codes by consequence. Tables only; `client.classify` asks them from the most telling to the least."""

from core.channel import Scope
from core.errors import (
    AlreadyDone,
    ChannelError,
    Conflict,
    Denied,
    Invalid,
    NotFound,
    NotYet,
    Reauthorize,
    Rejected,
    Throttled,
    Unavailable,
    UnknownCarrier,
    Unsupported,
)

CODES: dict[str, type[ChannelError]] = {
    "3": Invalid,
    "4": Throttled,
    "5": Throttled,
    "6": Throttled,
    "7": Throttled,
    "8": Throttled,
    "9": Invalid,
    "10": Unavailable,
    "11": Denied,  # permission package, address allow-list
    "12": Denied,  # the sub-account may not
    "13": Denied,
    "21": Invalid,
    "22": Unsupported,  # no such method
    "23": Invalid,
    "24": Denied,
    "25": Denied,  # signature: the app secret is wrong
    "26": Reauthorize,
    "27": Reauthorize,
    "28": Denied,
    "29": Denied,  # the app key is unknown to this gateway
    "30": Denied,
    "31": Denied,  # the clock is more than ten minutes off: every call fails
    "32": Invalid,
    "33": Invalid,
    "34": Invalid,
    "40": Invalid,
    "41": Invalid,
    "42": Reauthorize,  # a security level of the token has ended before the token itself
    "43": Invalid,
    "44": Denied,  # a token of another environment
    "47": Invalid,
    "52": Unavailable,
    "53": Reauthorize,
    "520": Unavailable,
    "530": Unavailable,
}
"""By `code`, where no sub_code says more. 15, 50 and other business numbers say nothing by themselves."""

SUB_CODES: dict[str, type[ChannelError]] = {
    "isp.call-limited": Throttled,
    "isp.top-parse-error": Rejected,
    "isp.top-mapping-parse-error": Rejected,
    "isv.trade-not-exist": NotFound,  # also older than three months, or the id of a line
    "isv.refund-not-exist": NotFound,  # inferred from the names of the others
    "isv.item-not-exist": NotFound,
    "isv.item-is-delete": NotFound,
    "isv.user-not-exist": NotFound,
    "isv.shop-not-exist": NotFound,
    "isv.invalid-permission": Denied,
    "isv.permission-api-package-limit": Denied,
    "isv.permission-api-package-not-allowed": Denied,
    "isv.permission-ip-whitelist-limit": Denied,
    "isv.appkey-not-exists": Denied,
    "subuser.has-no-permission": Denied,
    "invalid-sessionkey": Reauthorize,
    "session-expired": Reauthorize,
    "session-not-exist": Reauthorize,
    "isv.invalid-parameter": Invalid,
    "isv.missing-parameter": Invalid,
    "isv.invalid-parameter:sku-properties": NotFound,
    "isv.oaid-field-miss": Invalid,
    "CLOSE_TRADE_TOO_FAST": NotYet,
    "isv.error-inventory-invalid-item-quantity": Conflict,  # the quantity must exceed the withheld stock
    "isv.item-quantity-item-update-service-error": Conflict,  # the item has SKUs, or an activity
    "isv.item-quantity-sku-update-service-error": Conflict,  # an activity locks the SKU
    "isv.item-is-presale": Conflict,  # takes increments only
    "isv.item-listing-service-error": Conflict,
}
"""By `sub_code` without a trailing `-tmall`; a name without its `:detail` stands for every detail not named here."""

PREFIXES: tuple[tuple[str, type[ChannelError]], ...] = (
    ("accesscontrol.", Throttled),
    ("isp.", Unavailable),
)
REJECTION = "-service-rejection"
"""Ends `isv.<x>-service-rejection`: the service is degraded, the request was not done."""

LOGISTICS: dict[str, type[ChannelError]] = {
    "B01": NotFound,
    "P02": NotFound,
    "B02": Conflict,
    "B55": Conflict,
    "B04": AlreadyDone,  # shipped already, or closed: a read-back tells which
    "B05": Conflict,
    "B06": Invalid,
    "B27": AlreadyDone,
    "B56": UnknownCarrier,
    "B57": Invalid,
    "B58": Invalid,
    "B59": Invalid,
    "B60": Invalid,
    "P10": Invalid,
    "B52": Invalid,
    "B105": Invalid,
    "B79": Invalid,
    "B86": Invalid,
    "B98": Conflict,
    "CD01": Conflict,
    "CD86": Conflict,
    "B101": Invalid,
    "B150": NotYet,
    "S01": Unavailable,
    "P01": Invalid,
    "P22": Invalid,
    "P25": Invalid,
    "P38": Invalid,
    "CD19": Conflict,
    "P05": Conflict,
    "P06": Conflict,
    "P08": Conflict,
    "P17": NotFound,
    **{f"CD{number}": Invalid for number in range(22, 32)},
    **{f"F{number}": Invalid for number in ("", "01", "02", "03", "04", "05", "06")},
}
"""By the word behind the colon of a logistics sub_code, in every family."""

LOGISTICS_FAMILY: dict[tuple[str, str], type[ChannelError]] = {
    ("offline", "P03"): Reauthorize,
    ("confirm", "P03"): Invalid,
    ("update-company-or-mailno", "P03"): Invalid,
    ("update-company-or-mailno", "P07"): AlreadyDone,  # the number is this already
    ("update-company-or-mailno", "B27"): Conflict,
}
"""Where a family means something else by the same word."""

BUSY = ("库存中心服务正忙", "数据存储服务正在维护中", "远程服务调用超时", "服务不可用")
"""Words in `sub_msg` that say "busy", whatever the code."""

REACH: dict[str, tuple[Scope, bool]] = {
    "accesscontrol.limited-by-app-access-count": (Scope.APP, True),
    "accesscontrol.limited-by-api-access-count": (Scope.APP, False),
    "accesscontrol.limited-by-app-api-access-count": (Scope.APP, False),
}
"""Whose calls a refusal is about, and whether to every method; others are about one shop's calls to one method."""

NO_PACKAGE = frozenset(
    {
        "isv.permission-api-package-limit",
        "isv.permission-api-package-not-allowed",
        "isv.invalid-permission",
        "subuser.has-no-permission",
    }
)
"""Refusals of one method only, whatever else the app may do."""

NOT_DONE = frozenset({"isp.call-limited"})
"""Platform faults that prove that a write was not done. After any other a write may have been done all the same."""
