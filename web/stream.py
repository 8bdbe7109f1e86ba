"""The feed as server-sent events: every event with its cursor, a word about completeness whenever all is told."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace

from sync.envelope import TYPE_PREFIX
from web import cursor
from web.watch import Page, Slice, Watch

MEDIA_TYPE = "text/event-stream"
KEEP_ALIVE_SECONDS = 15.0
"""The longest silence: after it comes how far all is complete, which also carries the cursor on."""
RETRY_MS = 1000
"""When a client that lost its connection may come again."""


async def stream(watch: Watch, wanted: Slice, first: Page) -> AsyncIterator[str]:
    """Begins with `first`, which was read before the answer began, so that a refusal is still an answer. Ends when the
    server stops; the guard ends it with its key.
    """
    yield f": qudao\nretry: {RETRY_MS}\n\n"
    page, through = first, None
    while True:
        text = "".join(
            _event(cursor.encode("feed", event.position), TYPE_PREFIX + event.type, event.text) for event in page.events
        )
        if not page.more and (not text or through != page.through):
            through = page.through
            word = json.dumps({"complete_through": through})
            text += _event(cursor.encode("feed", page.next), "watermark", word)
        yield text
        if not page.more:
            await watch.past(page.head, KEEP_ALIVE_SECONDS)
        if not watch.open:
            return
        page = await watch.page(replace(wanted, after=page.next))


def _event(identity: str, name: str, data: str) -> str:
    return f"id: {identity}\nevent: {name}\ndata: {data}\n\n"
