"""Late answers: a platform may be slow, and then each connection waits for its own answer only."""

import asyncio
import time

import httpx

from sandbox.sandbox import Sandbox
from sandbox.serve import create_app
from sandbox.settings import Settings

DELAY, CALLS = 0.15, 4


async def ask(path: str) -> float:
    """How long so many calls take that are made at once."""
    transport = httpx.ASGITransport(create_app(Sandbox(1, settings=Settings(answer_delay=DELAY))))
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox") as client:
        began = time.monotonic()
        await asyncio.gather(*(client.post(path) for _ in range(CALLS)))
        return time.monotonic() - began


def test_answers_come_late_side_by_side_and_the_control_api_at_once() -> None:
    assert DELAY <= asyncio.run(ask("/api/router")) < DELAY * CALLS
    assert asyncio.run(ask("/_sandbox/clock")) < DELAY
