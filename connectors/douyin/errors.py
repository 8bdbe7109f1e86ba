"""What each refusal of Douyin means for the caller. Numbers are the business numbers behind a sub_code's colon; they
differ per API. Source: the per-API error tables of the official documentation; the class is our judgement.
"""

from collections.abc import Mapping

from core.errors import (
    AlreadyDone,
    ChannelError,
    Conflict,
    Denied,
    Invalid,
    NotFound,
    NotYet,
    OutcomeUnknown,
    Reauthorize,
    Rejected,
    Throttled,
    Unavailable,
    UnknownCarrier,
    Unsupported,
)

ErrorClass = type[ChannelError]
Table = Mapping[ErrorClass, str]

SUB_CODES: Table = {
    Reauthorize: """isv.access-token-expired isv.access-token-no-existed isv.access-token-invalid
        isv.access-token-missing dop.token-generate-failed:grant-type-invalid dop.token-generate-failed:code-invalid
        dop.token-generate-failed:no-authorization dop.token-generate-failed:code-expired
        dop.token-generate-failed:token-expired dop.token-generate-failed:token-invalid""",
    Denied: """dop.no-permissions isv.app-permissions-insufficient dop.authorization-no-existed dop.app-forbidden
        dop.authorization-closed isv.invalid_ip isv.signature-missing isv.signature-invalid isv.app-id-missing
        isv.app-id-invalid isv.app-id-expired isv.authorization-type-invalid isv.timestamp-invalid
        isv.timestamp-format-error dop.token-generate-failed:app-id-invalid dop.token-generate-failed:app-secret-invalid
        dop.token-generate-failed:app-forbidden""",
    AlreadyDone: "isv.idempotent-id-existed",
    Throttled: "isv.traffic-limited",
    Unsupported: "isp.api-service-off",
}
"""Whole sub_codes, the same for every API."""

THROTTLED_NUMBERS = frozenset({"2010401", "2010055", "2010067"})
"""Numbers by which the product domain says "too much", under whatever code."""

_SHIP: Table = {
    AlreadyDone: "60110 70023",
    NotYet: "60109 60137 60131",
    NotFound: "60033 60101 60102",
    Conflict: "60040 60120 60068 60021 60113 10032",
    UnknownCarrier: "60011 60083 60018",
    Invalid: """60127 60128 60017 70018 70019 70020 70022 60016 60027 60028 60070 60071 60072 60134
        700029 60032 60036 60056 60046 60047 60062 60126 60138 50049 50050 50029 60079 60080 60104 60105
        700004 700042""",
    Rejected: """60022 60024 60026 60057 60069 60107 60108 60111 600111 60116 60122 60123
        700002 700003 700005 700047""",
    Unavailable: """120032 120018 60106 60114 60121 60124 60125 60132 60118 60051 70005 70009 70011 70016 8888""",
}
_EDIT: Table = {
    Conflict: "10007 60021 70011",
    UnknownCarrier: "60011 60018 60083",
    Invalid: "10002 60014 60017 60134",
    Rejected: "60023 60024 60026",
    Unavailable: "70013 70008 10001 8888",
}
_STOCK: Table = {
    AlreadyDone: "40010 2010021 -20002",
    NotFound: "4 5 2010042 2010058 -40003",
    NotYet: "2010041 -40001",
    Conflict: "2010012 2010043 2010045 2010307 2010330 -20001 -20008 -20011 -40002 -10007",
    Denied: "2010005 -40010 -40011 -40012",
    Invalid: "2010004 2010013 -30001 -10002",
    Unavailable: "40004 2010001 2010002 -5000",
}
_SHELF: Table = {
    AlreadyDone: "2010021",
    NotFound: "2010058 2010064",
    Conflict: "2010022 2010005 2010004 2010045 10008",
    Invalid: "20024",
    Unavailable: "2010001 2010002 2010013",
}
_PRODUCT: Table = {NotFound: "4 2010058", Invalid: "2010004", Unavailable: "2010201 2010203"}

NUMBERS: Mapping[str, Table] = {
    "order.searchList": {Invalid: "20022 20013 20012 20011 20008 10035 20009 20045"},
    "order.orderDetail": {NotFound: "20014 20015 20001", Invalid: "20000", Unavailable: "20004 20045 20055"},
    "order.logisticsAdd": _SHIP,
    "order.logisticsAddMultiPack": _SHIP,
    "order.logisticsEdit": _EDIT,
    "order.logisticsEditByPack": {**_EDIT, Conflict: "60021"},
    "order.addOrderRemark": {NotFound: "20002", Invalid: "50001 50002 50051 50056"},
    "order.addressConfirm": {
        AlreadyDone: "50040",
        NotFound: "50038 50039",
        Conflict: "50036 50041 50042",
        Unavailable: "20003",
    },
    "order.batchDecrypt": {Rejected: "300001 300003 300007 300008", Invalid: "100000"},
    "order.searchByReceiver": {Invalid: "20008 20013 20022 20048 20051 20052 20053 10035"},
    "afterSale.List": {NotFound: "11003", Invalid: "11000", Unavailable: "12000 12001"},
    "afterSale.Detail": {NotFound: "11000", NotYet: "10002", Invalid: "12000", Conflict: "12001"},
    "product.listV2": _PRODUCT,
    "product.detail": _PRODUCT,
    "product.setOffline": _SHELF,
    "product.setOnline": _SHELF,
    "sku.list": {NotFound: "4", Invalid: "3", Unavailable: "7"},
    "sku.syncStock": _STOCK,
    "sku.syncStockBatchMultiProducts": _STOCK,
    "sku.editPrice": {
        NotFound: "4 5 7 2010042 2010058",
        NotYet: "2010041",
        Conflict: "2010043 2010045",
        Unavailable: "2010013 2010001 2010002",
    },
    "token.refresh": {Unavailable: "31012", Reauthorize: "31009"},
    "token.create": {Denied: "4"},
}
"""Business numbers per API under every code but 20000. 60027 and its like want a setting in the shop's address book;
60110 and 70023 say that nothing is left to ship; 40010, 2010021 and -20002 that this idempotent_id was done before;
2010021 of the shelf that the product is there already. A buyer's wish for another address was granted before (50040),
refused before, be it by shipping (50041), ended by an after-sale (50042), is for another app to answer (50036), or
nobody asks: 50039, or the shop lets nobody ask (50038). product.setOnline has no table: setOffline's stands for it
(inferred).
"""

ADDRESS_REFUSED = "50041"
"""The business number of a buyer's wish that was refused before."""

SERVICE_NUMBERS: Mapping[str, Table] = {
    "order.logisticsAdd": {Invalid: "99998"},
    "order.logisticsAddMultiPack": {Invalid: "99998"},
}
"""The few numbers under code 20000 that are not "busy": the text of 99998 says bad parameters."""

CODES: Mapping[str, ErrorClass] = {
    "20000": Unavailable,
    "20001": Unavailable,
    "30000": Denied,
    "30001": Denied,
    "30002": Denied,
    "40001": Invalid,
    "40002": Invalid,
    "40003": Invalid,
    "40004": Invalid,
    "50000": Rejected,
    "50001": Reauthorize,
    "50002": Rejected,
    "60000": Throttled,
    "70000": Unsupported,
    "80000": Throttled,
    "90000": Unavailable,
}
"""What a main code means when its sub_code says no more."""

UNCERTAIN_WRITES: Mapping[str, ErrorClass] = {"20001": OutcomeUnknown}
"""Main codes after which a write must be read back first: an internal timeout."""

LEGACY: Mapping[str, ErrorClass] = {
    "30001": Denied,
    "30002": Reauthorize,
    "30003": Denied,
    "30004": Denied,
    "30005": Reauthorize,
    "30006": Denied,
    "30007": Reauthorize,
}
"""`err_no` of the oldest envelope, which has no `code`. Another number space: 30002 is "token expired" here and
"address not allowed" there."""

WORDS: tuple[tuple[str, ErrorClass], ...] = (
    ("限流", Throttled),
    ("系统繁忙", Unavailable),
    ("稍后重试", Unavailable),
    ("稍后再试", Unavailable),
    ("并发", Unavailable),
)
"""Words in the text of a refusal that no table knows. Inferred: about one in six documented 50002 texts reads like this
and passes by itself."""

PARTLY_OPENED = frozenset({"300001", "300003", "300007", "300008"})
"""Business numbers of order.batchDecrypt under which some of the ciphertexts may be opened all the same."""

QUOTA_WORDS = ("额度", "配额", "限额", "次数", "上限", "限流", "频繁")
"""Words in a row of order.batchDecrypt that say that the day's allowance is used up. Inferred: no number is known."""

EDIT_WORDS = ("审核", "编辑", "editV2", "launchProduct")
"""Words of a refused product.setOnline that want the product edited and reviewed first. Inferred."""
