"""Pinduoduo's error codes and texts (dossier section 4). A refusal is a `PddError`, rendered by the gateway."""

_TEXTS = {
    10000: "参数错误",
    10001: "公共参数错误",
    10016: "client_id错误或已下线",
    10017: "type错误",
    10019: "access_token已过期",
    20004: "签名sign校验失败",
    20005: "ip无权访问接口，请加入ip白名单",
    20031: "用户没有授权访问此接口",
    20032: "access_token或client_id错误",
    21001: "业务参数错误",
    21002: "业务参数为空",
    50000: "系统内部错误",
    50001: "业务服务错误",
    50002: "业务系统内部错误",
    52001: "网关业务服务错误",
    52002: "网关系统内部错误",
    52101: "当前接口被限流，请稍后重试",
    52102: "当前接口暂时不可用，请稍后重试",
    52103: "当前服务暂时不可用，请稍后重试",
    70031: "调用过于频繁，请调整调用频率",
    70033: "接口维护中，请稍后重试",
}


class PddError(Exception):
    """An `error_response`. `sub_code` is text, or None where the platform publishes none."""

    def __init__(
        self, code: int, text: str | None = None, *, sub_code: str | None = None, sub_text: str | None = None
    ) -> None:
        super().__init__(f"{code} {sub_code or ''}")
        self.code = code
        self.text = text or _TEXTS.get(code, "未知错误")
        self.sub_code = sub_code
        self.sub_text = sub_text


def plain(code: int) -> PddError:
    """A gateway error: sub fields repeat the main ones."""
    text = _TEXTS.get(code, "未知错误")
    return PddError(code, text, sub_code=str(code), sub_text=text)


def public_param(name: str) -> PddError:
    """10001 naming the common parameter."""
    return PddError(10001, f"公共参数错误:{name}", sub_text="")


def invalid(name: str) -> PddError:
    """21001: a business parameter is wrong."""
    return PddError(21001, f"业务参数错误:{name}", sub_code="21001", sub_text=f"业务参数错误:{name}")


def missing(name: str) -> PddError:
    """21002: a business parameter is empty."""
    return PddError(21002, f"业务参数为空:{name}", sub_code="21002", sub_text=f"业务参数为空:{name}")


def malformed(name: str) -> PddError:
    """10000: a value is not of the parameter's type."""
    return PddError(10000, f"参数错误:{name}", sub_code="10000", sub_text=f"参数错误:{name}")


def business(text: str, sub_code: str | None = None) -> PddError:
    """50001: the platform's rules say no. Most sub_codes are not published, so they stay null."""
    return PddError(50001, sub_code=sub_code, sub_text=text)


def order_not_found() -> PddError:
    """50001 with sub_code 45001: unknown, another shop's, too old or not indexed yet."""
    return business("订单不属于当前店铺或订单不存在", "45001")
