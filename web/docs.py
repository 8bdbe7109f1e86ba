"""The page at /docs: swagger-ui over /openapi.json, from files of our own in static/docs: it needs no other host."""

from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Route

FOLDER = Path(__file__).with_name("static") / "docs"
FILES = {"swagger-ui.css": "text/css", "swagger-ui-bundle.js": "text/javascript", "start.js": "text/javascript"}
"""What the page loads, at /docs/<name>. Nothing else of the folder is served."""

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-cache",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""Styles may be inline because swagger-ui writes style attributes; scripts may not."""


def routes() -> list[BaseRoute]:
    return [Route("/docs", _page), Route("/docs/{name}", _file)]


async def _page(_: Request) -> Response:
    return FileResponse(FOLDER / "index.html", headers=HEADERS, media_type="text/html")


async def _file(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in FILES:
        raise HTTPException(404)
    return FileResponse(FOLDER / name, headers=HEADERS, media_type=FILES[name])
