"""The one web application: pushes at `/hooks`, the ERP's API at `/v1`, its health at `/healthz` and `/readyz`,
its description at `/openapi.json` and `/docs`.

Pushes go past FastAPI, which would cost them almost half of their speed.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic_core import ErrorDetails
from sqlalchemy.exc import SQLAlchemyError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Match, Mount, Route

from connectors import CHANNELS, Adapter
from core.db import feed as events
from sync.runtime import Runtime
from web import (
    audit,
    command_routes,
    consumers,
    docs,
    feed,
    reading,
    receivers,
    reports,
    schemas,
    snapshot,
    subscriptions,
)
from web.auth import Keys
from web.description import DESCRIPTION, REFUSALS, VERSION, describe
from web.guard import Guard
from web.hooks import Hooks, Readers
from web.keyrate import KeyRate
from web.problems import ItemError, Problem, detail_zh
from web.receipts import Writer
from web.state import State
from web.watch import Watch


def create_app(
    runtime: Runtime, adapters: Mapping[str, Adapter] = CHANNELS, *, expecting_pushes: bool = False
) -> Starlette:
    """The application over an open runtime, which stays the caller's. `app.state.release()` ends all long-polls. Where
    pushes are expected, what stores them starts with the application, not with the first of them.
    """
    state = State(runtime)
    watch = Watch(state)
    writer = Writer(state)
    keys = Keys(state)
    rate = KeyRate(runtime.settings.redis_url)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        state.start()
        writer.start(at_once=expecting_pushes)
        watch.start()
        keys.start()
        yield
        await watch.close()
        await keys.close()
        await rate.close()
        await writer.close()
        await asyncio.to_thread(state.close)

    app = Starlette(
        routes=[
            Route("/hooks/{channel}", Hooks(Readers(state, adapters), writer)),
            Route("/healthz", _alive),
            Route("/readyz", _ready(state, watch)),
            *docs.routes(),
            *schemas.routes(),
            Mount("/", _api(state, watch, keys, rate)),
        ],
        lifespan=lifespan,
        exception_handlers={404: _nowhere},
    )
    app.state.release = watch.release
    return app


def _api(state: State, watch: Watch, keys: Keys, rate: KeyRate) -> FastAPI:
    routers = (
        feed.routes(watch),
        consumers.routes(state, watch),
        snapshot.routes(state),
        command_routes.routes(state),
        receivers.routes(state),
        reading.routes(state),
        audit.routes(state),
        subscriptions.routes(state),
        reports.routes(state),
    )
    api = FastAPI(
        title="Qudao",
        version=VERSION,
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        exception_handlers={
            Problem: _problem,
            RequestValidationError: _invalid_request,
            HTTPException: _http_error([route for router in routers for route in router.routes]),
        },
    )
    api.state.refusals = keys.refusals
    api.add_middleware(Guard, keys=keys, rate=rate)
    for router in routers:
        api.include_router(router, responses=REFUSALS)
    describe(api)
    return api


async def _alive(_: Request) -> Response:
    return JSONResponse({"status": "ok"})


def _ready(state: State, watch: Watch) -> Callable[[Request], Awaitable[Response]]:
    """Only the database decides: without Redis everything works, later; without SQL nothing can be acknowledged."""

    def look() -> None:
        with state.runtime.database.read() as connection:
            events.head(connection)

    async def ready(_: Request) -> Response:
        try:
            await state.read(look)
        except SQLAlchemyError:
            return JSONResponse({"status": "unavailable", "database": "unavailable"}, 503)
        return JSONResponse({"status": "ok", "database": "ok", "redis": "ok" if watch.hears else "unavailable"})

    return ready


async def _nowhere(_: Request, __: Exception) -> Response:
    """A path with a line break in it, which not even the mount takes."""
    return Problem("not_found").response()


async def _problem(_: Request, problem: Problem) -> Response:
    return problem.response()


async def _invalid_request(_: Request, error: RequestValidationError) -> Response:
    details: list[ErrorDetails] = list(error.errors())
    for detail in details:
        if str(detail["loc"][-1]).lower() == "idempotency-key":
            missing = detail["type"] == "missing"
            return Problem("idempotency_key_missing" if missing else "idempotency_key_invalid").response()
    code = "invalid_parameter"
    zh = detail_zh(code)
    errors = [ItemError(pointer=str(d["loc"][-1]), code=code, detail=d["msg"], detail_zh=zh) for d in details]
    return Problem(code, errors=errors).response()


def _http_error(routes: Sequence[BaseRoute]) -> Callable[[Request, HTTPException], Coroutine[Any, Any, Response]]:
    """Answers what no route takes; the Allow header names what the routes of the same path take."""

    async def answer(request: Request, error: HTTPException) -> Response:
        if error.status_code != 405:
            code = "not_found" if error.status_code == 404 else "invalid_parameter"
            return Problem(code, status=error.status_code).response()
        fitting = [route for route in routes if route.matches(request.scope)[0] is not Match.NONE]
        allowed = {method for route in fitting if isinstance(route, Route) for method in route.methods or ()}
        values = {"method": request.method}
        return Problem("method_not_allowed", values=values, headers={"Allow": ", ".join(sorted(allowed))}).response()

    return answer
