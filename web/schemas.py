"""`GET /schemas/{name}.json`: the canonical models and the data of events as JSON Schema. `dataschema` of an event and
`$id` here are the same words.
"""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from core.model import schemas
from web.problems import Problem

MEDIA_TYPE = "application/schema+json"
AN_HOUR = {"Cache-Control": "max-age=3600"}


def routes() -> list[BaseRoute]:
    return [Route("/schemas", _names), Route("/schemas/{name}.json", _schema)]


async def _names(_: Request) -> Response:
    return JSONResponse({body["$id"]: f"/schemas/{name}.json" for name, body in schemas()}, headers=AN_HOUR)


async def _schema(request: Request) -> Response:
    found = dict(schemas()).get(request.path_params["name"])
    if found is None:
        return Problem("not_found").response()
    return JSONResponse(found, headers=AN_HOUR, media_type=MEDIA_TYPE)
