"""Every refusal of the simulated gateway as a value, and the `error_response` it becomes.

Codes, messages and the sub-codes of sampled errors are the platform's; sub-messages without a sample are ours.
"""

from typing import Any

MESSAGES = {
    3: "Upload fail",
    7: "App Call Limited",
    9: "Http action not allowed",
    11: "Insufficient isv permissions",
    15: "Remote service error",
    21: "Missing method",
    22: "Invalid method",
    23: "Invalid format",
    24: "Missing signature",
    25: "Invalid signature",
    26: "Missing session",
    27: "Invalid session",
    28: "Missing app key",
    29: "Invalid app Key",
    30: "Missing timestamp",
    31: "Invalid timestamp",
    32: "Missing version",
    33: "Invalid version",
    40: "Missing required arguments",
    41: "Invalid arguments",
    42: "Insufficient session permissions",
    47: "Invalid encoding",
}


class TopError(Exception):
    """A refusal. `detail` is the parameter named behind the message; `sub_code` and `sub_msg` are left out if empty."""

    def __init__(self, code: int, sub_code: str = "", sub_msg: str = "", *, detail: str = "") -> None:
        super().__init__(f"{code} {sub_code}")
        self.code, self.sub_code, self.sub_msg, self.detail = code, sub_code, sub_msg, detail

    def body(self, request_id: str) -> dict[str, Any]:
        """The whole answer."""
        text = MESSAGES[self.code] + (f":{self.detail}" if self.detail else "")
        answer: dict[str, Any] = {"code": self.code, "msg": text}
        if self.sub_code:
            answer["sub_code"] = self.sub_code
        if self.sub_msg:
            answer["sub_msg"] = self.sub_msg
        return {"error_response": answer | {"request_id": request_id}}


def missing(name: str) -> TopError:
    """40: a parameter is absent or empty."""
    return TopError(40, detail=name)


def invalid(name: str) -> TopError:
    """41: a parameter is malformed or out of range."""
    return TopError(41, detail=name)


def business(sub_code: str, text: str) -> TopError:
    """15: a rule of the API says no (or the service behind it cannot answer, `isp.…`)."""
    return TopError(15, sub_code, text)


def no_trade() -> TopError:
    """15: not an order of this seller, too old, or the id of a line."""
    return business("isv.trade-not-exist", "交易订单不存在")


def banned(sub_code: str, seconds: int) -> TopError:
    """7: refused for some seconds more."""
    return TopError(7, sub_code, f"This ban will last for {seconds} more seconds")
