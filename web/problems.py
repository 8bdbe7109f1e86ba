"""How /v1 says no: RFC 9457 problem details in English and Chinese.

Lives here: the exception that carries a code, the answer made from it. Does not: the codes (web/catalogue.py), who
raises which when.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, Field
from starlette.responses import Response

from core.text import masked
from web.catalogue import CATALOGUE

MEDIA_TYPE = "application/problem+json"


class ItemError(BaseModel):
    """One of several things that are wrong. `pointer` is a JSON pointer into the body, or the parameter's name."""

    pointer: str = Field(examples=["/items/0/quantity"])
    code: str = Field(examples=["invalid_quantity"])
    detail: str = Field(examples=["Input should be greater than or equal to 0"])
    detail_zh: str = Field(examples=["数量必须是不小于零的 JSON 整数。"])


class ProblemDetails(BaseModel):
    """RFC 9457, with the stable `code`, the sentence in Chinese, and what is wrong in particular."""

    type: str = Field(examples=["urn:qudao:problem:invalid_quantity"])
    title: str
    title_zh: str
    status: int
    code: str = Field(examples=["invalid_quantity"])
    detail: str
    detail_zh: str
    errors: list[ItemError] = []


class Problem(Exception):
    """Ends a request with the catalogue's answer for `code`."""

    def __init__(
        self,
        code: str,
        *,
        status: int | None = None,
        errors: Sequence[ItemError] = (),
        headers: Mapping[str, str] | None = None,
        values: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.status = status or CATALOGUE[code].status
        self.errors = list(errors)
        self.headers = dict(headers or {})
        self.values = dict(values or {})

    def details(self) -> dict[str, Any]:
        """The members of the problem."""
        entry = CATALOGUE[self.code]
        details: dict[str, Any] = {
            "type": f"urn:qudao:problem:{self.code}",
            "title": entry.title,
            "title_zh": entry.title_zh,
            "status": self.status,
            "code": self.code,
            "detail": _fill(entry.detail, self.values),
            "detail_zh": _fill(entry.detail_zh, self.values),
        }
        if self.errors:
            details["errors"] = [error.model_dump() for error in self.errors]
        return details

    def response(self) -> Response:
        return Response(json.dumps(self.details(), ensure_ascii=False), self.status, self.headers, MEDIA_TYPE)


def detail_zh(code: str) -> str:
    """The Chinese sentence of a code without values of its own."""
    entry = CATALOGUE.get(code)
    return entry.detail_zh if entry else ""


def _fill(sentence: str, values: Mapping[str, object]) -> str:
    for name, value in values.items():
        sentence = sentence.replace(f"{{{name}}}", masked(str(value)))
    return sentence
