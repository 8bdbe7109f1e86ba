"""The whole sandbox as one synchronous function: platforms on their official paths, control below `/_sandbox/`.

`serve.py` puts it on a port; `transport.py` puts it behind an httpx client without a socket.
"""

from .clock import Clock
from .control import PREFIX, Control
from .gateway import Request, Response
from .platform import Platform
from .platforms import PLATFORMS, profiles
from .settings import Settings
from .world import World


class Sandbox:
    """A world and the platforms on it, by code. `world` may be changed directly by tests."""

    def __init__(
        self,
        seed: int = 1,
        clock: Clock | None = None,
        *,
        shops: int = 1,
        stock: tuple[int, int] = (50, 500),
        settings: Settings | None = None,
    ) -> None:
        self.world = World(profiles(), seed, clock, shops=shops, stock=stock, settings=settings)
        self.platforms: dict[str, Platform] = {code: made(self.world) for code, made in PLATFORMS.items()}
        self.control = Control(self.world, self.platforms)

    def handle(self, request: Request) -> Response:
        """Answer one HTTP request; 404 for paths nobody knows. Raises gateway.NoAnswer for an injected timeout."""
        with self.world.lock:
            self.world.run_due()
            if request.path.startswith(PREFIX):
                return self.control.handle(request)
            for platform in self.platforms.values():
                if platform.matches(request.path):
                    return platform.handle(request)
        return Response(404, {"content-type": "text/plain"}, b"Not Found")
