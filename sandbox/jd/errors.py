"""JD's refusals: `GatewayError` answers with `error_response`, `Refusal` with the shape of the
API's family. Texts without a sample are composed.
"""

_TEXTS: dict[int, tuple[str, str]] = {
    2: ("限制时间内调用失败次数", "App Call Limited"),
    4: ("缺少版本参数", "Missing Version"),
    5: ("不支持的版本号", "Unsupported Version"),
    7: ("缺少时间戳参数", "Missing Timestamp"),
    8: ("非法的时间戳参数", "Invalid Timestamp"),
    11: ("缺少签名参数", "Missing Signature"),
    12: ("无效签名", "Invalid Signature"),
    14: ("缺少方法名参数", "Missing Method"),
    15: ("不存在的方法名", "Invalid Method"),
    18: ("缺少access_token参数", "Missing access_token"),
    19: ("无效access_token", "Invalid access_token"),
    20: ("缺少app_key参数", "Missing app_key"),
    21: ("无效app_key", "Invalid app_key"),
    24: ("无权调用API", "cannot use  this API"),
    33: ("系统处理超时", ""),
    61: ("系统错误", "System Error"),
    65: ("系统处理超时！请重新进行检索！", ""),
    66: ("平台繁忙", ""),
    11100006: ("店铺未开通", ""),
}
TRANSIENT = frozenset({999999, 99999999})
"""Business codes that mean "try again"; a `system_error` fault with one of them answers in the family's shape."""


class GatewayError(Exception):
    """An `error_response`."""

    def __init__(self, code: int) -> None:
        super().__init__(str(code))
        self.code = code
        self.chinese, self.english = _TEXTS.get(code, ("未知错误", ""))


class Refusal(Exception):
    """The business says no. No public table of codes exists: all but the transient ones are made up."""

    def __init__(self, code: int, chinese: str, english: str = "") -> None:
        super().__init__(str(code))
        self.code, self.chinese, self.english = code, chinese, english


def transient(code: int) -> Refusal:
    """A system error behind the gateway."""
    return Refusal(code, "系统异常", "system error")


def invalid(name: str) -> Refusal:
    """A business parameter is missing or wrong."""
    return Refusal(10100001, f"参数{name}不合法", f"{name} is illegal")


def no_such_order() -> Refusal:
    """Unknown, another shop's, or not indexed yet."""
    return Refusal(10100012, "订单不存在", "order not exist")


_OF_WORLD: dict[str, tuple[int, str, str]] = {
    "unknown_order": (10100012, "订单不存在", "order not exist"),
    "already_shipped": (10400010, "订单已出库，不能重复出库", "order has been out of stock"),
    "wrong_state": (10400011, "订单状态不允许此操作", "order state is illegal"),
    "held": (10400012, "订单已暂停，不能出库", "order is paused"),
    "refund_open": (10400013, "订单已锁定，不能出库", "order is locked"),
    "bad_quantity": (10400014, "数量不合法", "quantity is illegal"),
    "bad_price": (10400015, "价格不合法", "price is illegal"),
    "unknown_line": (10400016, "商品不属于该订单", "sku is not in the order"),
    "unknown_item": (10500001, "商品不存在", "ware not exist"),
    "unknown_sku": (10500002, "sku不存在", "sku not exist"),
    "promoted": (10500003, "商品正在参加促销", "ware is in promotion"),
    "deleted": (10500004, "商品已删除", "ware is deleted"),
    "in_review": (10500005, "商品审核中", "ware is in audit"),
    "unknown_refund": (10600001, "申请单不存在", "refund apply not exist"),
}


def of_world(reason: str) -> Refusal:
    """What the platform says when the world refuses for `reason` (world.Refused.reason)."""
    return Refusal(*_OF_WORLD.get(reason, (10100099, "业务处理失败", "business error")))
