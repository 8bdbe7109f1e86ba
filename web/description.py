"""The description of the API at /openapi.json: what FastAPI cannot see by itself is told here."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from web import command_routes, consumers, receivers
from web.catalogue import CATALOGUE
from web.problems import MEDIA_TYPE, Problem, ProblemDetails

VERSION = "1.0"
"""Of the contract: its first part grows when something an ERP relies on goes, its second when something is added."""

DESCRIPTION = """One API between an ERP and its shops on several channels. Money is whole fen, instants are RFC 3339 in
UTC, ids are strings.

Read `/v1/feed` with a cursor to follow everything that changes; send commands with an `Idempotency-Key`; refusals are
RFC 9457 problem details with a stable `code` and a sentence in English and Chinese.

A key has scopes; `security` names the one that an operation needs. `RateLimit-Policy` and `RateLimit` of an answer say
how often the key may still call."""

_REF = "#/components/schemas/{model}"
_VALUES = {
    "method": "DELETE",
    "limit": 1000,
    "type": "order.unknown",
    "id": "9f2c41d07ab3",
    "scope": "stock:write",
    "channel": "douyin2",
    "reason": "the URL must begin with https://",
    "days": 30,
    "kind": "listing",
    "statuses": "open, on, off",
}
"""Values for the examples."""

_RETRY_AFTER = {"description": "Seconds until it is worth asking again.", "schema": {"type": "integer"}}


def _refusal(status: int) -> dict[str, Any]:
    entries = {code: entry for code, entry in CATALOGUE.items() if entry.status == status}
    examples = {
        code: {"summary": entry.title, "value": Problem(code, values=_VALUES).details()}
        for code, entry in entries.items()
    }
    content = {"schema": {"$ref": _REF.format(model="ProblemDetails")}, "examples": examples}
    told = {"description": " · ".join(entry.title for entry in entries.values()), "content": {MEDIA_TYPE: content}}
    return told | ({"headers": {"Retry-After": _RETRY_AFTER}} if status in (429, 503) else {})


REFUSALS: dict[int | str, dict[str, Any]] = {
    status: _refusal(status) for status in sorted({entry.status for entry in CATALOGUE.values()})
}
"""Every refusal there is, by status, with an example of each code."""


def describe(api: FastAPI) -> None:
    """Replaces the description that FastAPI would make."""

    def openapi() -> dict[str, Any]:
        if api.openapi_schema is None:
            api.openapi_schema = _schema(api)
        return api.openapi_schema

    api.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way


def _schema(api: FastAPI) -> dict[str, Any]:
    schema = get_openapi(title=api.title, version=api.version, description=api.description, routes=api.routes)
    bodies = models_json_schema(
        [(body, "validation") for body in command_routes.BODIES + receivers.BODIES + consumers.BODIES],
        ref_template=_REF,
    )[1]["$defs"]
    problem = models_json_schema([(ProblemDetails, "serialization")], ref_template=_REF)[1]["$defs"]
    schema["components"]["schemas"] = {**bodies, **problem, **schema["components"]["schemas"]}
    return schema
