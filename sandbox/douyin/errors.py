"""Every refusal the simulated Douyin gateway can answer, and the envelope around it.

`Refused` is raised anywhere below the gateway and becomes an answer with HTTP 200. Wording of `sub_msg` is ours
except where a documented sample shows it.
"""

import re
from typing import Final

MESSAGES: Final = {
    10000: "success", 10001: "部分失败", 20000: "系统错误", 20001: "系统超时", 30000: "权限或参数错误",
    30001: "操作权限不足", 30002: "请求来源IP不可信，请检查IP白名单", 40001: "缺少必选参数", 40002: "缺少必选参数",
    40003: "非法的参数", 40004: "非法的参数", 50000: "业务处理失败", 50001: "平台处理失败", 50002: "业务处理失败",
    60000: "触发限流，请稍后重试", 70000: "接口服务已下线", 80000: "触发风控", 90000: "未知错误",
}  # fmt: skip

# The oldest generation of answers carried only err_no; its number space differs from `code`.
OLD_NUMBERS: Final = {
    "isv.access-token-expired": 30002,
    "dop.authorization-no-existed": 30003,
    "dop.app-forbidden": 30004,
    "isv.access-token-no-existed": 30005,
    "dop.authorization-closed": 30006,
    "isv.access-token-invalid": 30007,
}


class Refused(Exception):
    """A business or gateway refusal. `data` says whether the answer carries `"data": null` (business answers do)."""

    def __init__(self, code: int, sub_code: str, sub_msg: str, *, data: bool = False) -> None:
        super().__init__(f"{code} {sub_code}")
        self.code = code
        self.sub_code = sub_code
        self.sub_msg = sub_msg
        self.data = data

    @property
    def old_number(self) -> int:
        """The legacy `err_no`: its own table, else the business number, else 30001 (inferred)."""
        if self.sub_code in OLD_NUMBERS:
            return OLD_NUMBERS[self.sub_code]
        number = re.search(r":(-?\d+)$", self.sub_code)
        return int(number[1]) if number and int(number[1]) else 30001


def missing_system(name: str) -> Refused:
    """A system parameter is absent (40001); four of them have a name of their own."""
    own = {"sign": "isv.signature-missing", "app_key": "isv.app-id-missing", "access_token": "isv.access-token-missing"}
    text = "认证失败，access_token不能为空" if name == "access_token" else f"缺少必选参数{name}"
    return Refused(40001, own.get(name, "isv.parameter-missing"), text)


def invalid_system(sub_code: str, text: str) -> Refused:
    """A system parameter is wrong (40003)."""
    return Refused(40003, sub_code, text)


def signature_invalid() -> Refused:
    """40003 with the documented text."""
    return invalid_system("isv.signature-invalid", "签名校验失败")


def token_unknown() -> Refused:
    """40003: no such access_token."""
    return invalid_system("isv.access-token-no-existed", "access_token不存在，请使用最新的access_token访问")


def token_expired() -> Refused:
    """40003: the access_token's life is over."""
    return invalid_system("isv.access-token-expired", "access_token已过期")


def closed() -> Refused:
    """30001: the merchant withdrew the grant."""
    return Refused(30001, "dop.authorization-closed", "店铺授权已被关闭，请联系商家打开授权开关")


def no_permission() -> Refused:
    """30001: the app never got this API."""
    return Refused(30001, "isv.app-permissions-insufficient", "应用无权限调用该接口，请先申请接口权限包")


def offline() -> Refused:
    """70000: retired or unknown method."""
    return Refused(70000, "isp.api-service-off", "API不存在或API已下线")


def throttled() -> Refused:
    """60000 at the gateway; there is no Retry-After header."""
    return Refused(60000, "isv.traffic-limited", "请求太频繁，请稍后重试")


def missing(number: int, text: str) -> Refused:
    """40002: a business parameter is absent."""
    return Refused(40002, f"isv.missing-parameter:{number}", text, data=True)


def invalid(number: int, text: str) -> Refused:
    """40004: a business parameter is wrong."""
    return Refused(40004, f"isv.parameter-invalid:{number}", text, data=True)


def failed(number: int, text: str) -> Refused:
    """50002: a business rule says no."""
    return Refused(50002, f"isv.business-failed:{number}", text, data=True)


def unavailable(number: int, text: str = "系统繁忙，请稍后重试") -> Refused:
    """20000: the service cannot answer now."""
    return Refused(20000, f"isp.service-error:{number}", text, data=True)


def token_failed(reason: str, text: str) -> Refused:
    """50001: token.create and token.refresh; no `data` in the documented samples."""
    return Refused(50001, f"dop.token-generate-failed:{reason}", text)


def risky(number: int, text: str) -> Refused:
    """80000: risk control."""
    return Refused(80000, f"isv.risk-control-failed:{number}", text, data=True)
