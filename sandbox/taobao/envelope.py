"""Successful answers: the `<api>_response` wrapper, and the plain form of `simplify=true`."""

from typing import Any


def root(method: str) -> str:
    """`taobao.trade.get` -> `trade_get_response`; other first words stay."""
    return method.removeprefix("taobao.").replace(".", "_") + "_response"


def success(method: str, fields: dict[str, Any], request_id: str, *, simplify: bool) -> dict[str, Any]:
    """The whole answer; None values are left out. Simplified: fields at the root, wrapped lists as plain ones."""
    fields = _filled(fields) | {"request_id": request_id}
    return _plain(fields) if simplify else {root(method): fields}


def _filled(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _filled(entry) for name, entry in value.items() if entry is not None}
    if isinstance(value, list):
        return [_filled(entry) for entry in value]
    return value


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        only = next(iter(value.values())) if len(value) == 1 else None
        if isinstance(only, list):
            return _plain(only)
        return {name: _plain(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [_plain(entry) for entry in value]
    return value
