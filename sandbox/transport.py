"""The sandbox behind an httpx client, without a socket."""

import httpx

from .gateway import NoAnswer, Request
from .sandbox import Sandbox


def mock_transport(sandbox: Sandbox) -> httpx.MockTransport:
    """A transport for sync and async clients; injected timeouts raise httpx.ReadTimeout. Nothing waits."""

    def answer(request: httpx.Request) -> httpx.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        query = list(request.url.params.multi_items())
        try:
            response = sandbox.handle(Request(request.method, request.url.path, query, headers, request.content))
        except NoAnswer as silence:
            raise httpx.ReadTimeout(str(silence), request=request) from None
        return httpx.Response(response.status, headers=dict(response.headers), content=response.body, request=request)

    return httpx.MockTransport(answer)
