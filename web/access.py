"""What a route asks of the key that calls it."""

from typing import Annotated

from fastapi import Depends, Request
from fastapi.params import Depends as Dependency

from core.access import Caller, KeyScope
from web.problems import Problem


async def calling(request: Request) -> Caller:
    """Whose key the guard let in."""
    caller: Caller = request.state.caller
    return caller


Calling = Annotated[Caller, Depends(calling)]


def needs(scope: KeyScope) -> Dependency:
    """For `dependencies=[…]` of a route. Raises `scope_missing`."""

    async def check(caller: Calling) -> None:
        if scope not in caller.scopes:
            raise Problem("scope_missing", values={"scope": scope.value})

    dependency: Dependency = Depends(check)
    return dependency
