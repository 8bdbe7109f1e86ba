"""What RQ calls by name. A job is one line: it finds this process's runtime and drains a lane."""

import functools
import gc

from core.db.lanes import Kind, Lane
from core.settings import Settings
from sync import drain as work
from sync.runtime import Runtime


@functools.cache
def runtime() -> Runtime:
    """This worker process's own connections, opened by its first job."""
    gc.freeze()  # what was imported stays for ever; the collector need not walk it again and again
    return Runtime.open(Settings.load())


def drain(shop_id: str, kind: str) -> None:
    """Drains one lane."""
    work.drain(runtime(), Lane(shop_id, Kind(kind)))
