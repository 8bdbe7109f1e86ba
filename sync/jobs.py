"""What RQ calls by name. A job is one line: it finds this process's runtime and drains a lane."""

import functools
import gc

from core.db.lanes import Kind, Lane
from core.settings import Settings
from sync import drain as work
from sync.runtime import Runtime


def calm_collector() -> None:
    """What was imported stays for ever, and a page is thousands of small objects that all live until it is stored: the
    collector need not walk either again and again. Worth about a tenth of the time of a pull.
    """
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@functools.cache
def runtime() -> Runtime:
    """This worker process's own connections, opened by its first job."""
    calm_collector()
    return Runtime.open(Settings.load())


def drain(shop_id: str, kind: str) -> None:
    """Drains one lane."""
    work.drain(runtime(), Lane(shop_id, Kind(kind)))
