"""Serves the application with uvicorn until SIGINT or SIGTERM."""

import gc
from collections.abc import Callable
from socket import socket

import uvicorn
from starlette.applications import Starlette

from core.settings import Settings
from sync.runtime import Runtime
from web import logs
from web.app import create_app

STOP_SECONDS = 10
"""How long requests under way may take to end."""


class Server(uvicorn.Server):
    """Ends all long-polls as soon as it is told to stop, so that stopping does not wait for their half minute."""

    def __init__(self, app: Starlette, host: str, port: int, *, started: Callable[[int], None] | None = None) -> None:
        config = uvicorn.Config(
            app,
            host=host,
            port=port,
            loop="uvloop",
            http="httptools",
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            backlog=2048,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=STOP_SECONDS,
        )
        super().__init__(config)
        self._app = app
        self._started = started

    async def startup(self, sockets: list[socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and self._started:
            self._started(self.servers[0].sockets[0].getsockname()[1])

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        self._app.state.release()
        await super().shutdown(sockets)


def run(settings: Settings, *, started: Callable[[int], None] | None = None) -> None:
    """Blocks. `started` is told the port once connections are taken; port 0 chooses a free one."""
    logs.configure(settings.log_level)
    runtime = Runtime.open(settings)
    try:
        server = Server(create_app(runtime, expecting_pushes=True), settings.host, settings.port, started=started)
        _spare_the_collector()
        server.run()
    finally:
        runtime.close()


def _spare_the_collector() -> None:
    """What is loaded now stays; looking through it again and again, with hundreds of requests under way, costs a third
    of every push.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 50)
