"""The answer envelope: new form, and the old `err_no`/`message` pair unless the client asked to drop it."""

import hashlib
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from ..gateway import Response
from .errors import MESSAGES, Refused

CHINA = timezone(timedelta(hours=8))
NO_OLD_CODE = "x-open-no-old-err-code"


def wall_clock(at: float) -> str:
    """`yyyy-MM-dd HH:mm:ss` in GMT+8."""
    return datetime.fromtimestamp(at, CHINA).strftime("%Y-%m-%d %H:%M:%S")


def rfc3339(at: float) -> str:
    """Seconds precision with the +08:00 offset, as after-sale pushes write `update_time`."""
    return datetime.fromtimestamp(int(at), CHINA).isoformat()


def parse_wall_clock(text: str) -> float | None:
    """Epoch seconds of either documented wall-clock form (GMT+8), None when it is neither."""
    for form in ("%Y-%m-%d %H:%M:%S", "%Y/%m/%d %H:%M:%S"):
        try:
            return datetime.strptime(text, form).replace(tzinfo=CHINA).astimezone(UTC).timestamp()
        except ValueError:
            continue
    return None


def log_id(at: float, serial: int) -> str:
    """Time in GMT+8 plus 20 hex digits; unique within one sandbox."""
    stamp = datetime.fromtimestamp(at, CHINA).strftime("%Y%m%d%H%M%S")
    return stamp + hashlib.sha256(f"{stamp}{serial}".encode()).hexdigest()[:20].upper()


def success(data: Any, log: str, *, old: bool) -> Response:
    """HTTP 200 with code 10000."""
    body = {"code": 10000, "msg": "success", "sub_code": "", "sub_msg": "", "data": data, "log_id": log}
    if old:
        body |= {"err_no": 0, "message": "success"}
    return _json(body)


def refusal(refused: Refused, log: str, *, old: bool) -> Response:
    """HTTP 200 with the refusal's codes; `data` is null or absent as in the documented samples."""
    body: dict[str, Any] = {
        "code": refused.code,
        "msg": MESSAGES.get(refused.code, "未知错误"),
        "sub_code": refused.sub_code,
        "sub_msg": refused.sub_msg,
        "log_id": log,
    }
    if refused.data:
        body["data"] = None
    if old:
        body |= {"err_no": refused.old_number, "message": refused.sub_msg}
    return _json(body)


def _json(body: dict[str, Any]) -> Response:
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return Response(200, {"content-type": "application/json; charset=utf-8"}, text.encode())
