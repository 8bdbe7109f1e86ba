"""What a route asks of the key that calls it."""

from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.params import Security as Secured
from fastapi.security import HTTPBearer
from pydantic import StringConstraints

from core.access import Caller, KeyScope
from core.db import audit
from web.problems import ItemError, Problem, detail_zh

_SCHEME = HTTPBearer(scheme_name="key", description="A key made by `qudao key create`.", auto_error=False)
"""Makes the key and the scope part of the API's description; the guard is who checks the key."""

Reason = Annotated[
    str,
    StringConstraints(
        min_length=1, max_length=audit.LONGEST_REASON, strip_whitespace=True, pattern=r"^[^\x00-\x1f\x7f]+$"
    ),
]
"""Why somebody looks, in words for the audit log."""


async def calling(request: Request) -> Caller:
    """Whose key the guard let in."""
    caller: Caller = request.state.caller
    return caller


Calling = Annotated[Caller, Depends(calling)]


def needs(scope: KeyScope) -> Secured:
    """For `dependencies=[…]` of a route. Raises `scope_missing`, which the audit log knows before the caller does."""

    async def check(request: Request, caller: Calling, _: Annotated[object, Depends(_SCHEME)]) -> None:
        if scope not in caller.scopes:
            await request.app.state.refusals.write(caller.id, scope.value)
            raise Problem("scope_missing", values={"scope": scope.value})

    dependency: Secured = Security(check, scopes=[scope.value])
    return dependency


def checked_reason(reason: str) -> str:
    """The caller's words as the audit log may keep them. Raises `reason_holds_personal_data`."""
    if audit.personal(reason):
        code = "reason_holds_personal_data"
        found = ItemError(
            pointer="/reason", code=code, detail="looks like a number of a person", detail_zh=detail_zh(code)
        )
        raise Problem(code, errors=[found])
    return reason
