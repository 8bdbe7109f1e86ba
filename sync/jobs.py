"""What RQ calls by name. A job is one line: it finds this process's runtime and drains a lane."""

import functools
import gc
import sys

from core.db.lanes import Kind, Lane
from core.settings import Settings
from sync import drain as work
from sync.runtime import Runtime


def tune_interpreter() -> None:
    """Worth about a tenth of the time of a pull, for a few MB.

    What was imported stays for ever, and a page is thousands of small objects that all live until it is stored: the
    collector need not walk either again and again. A thread that reads ahead must not keep the one that stores waiting
    for the usual 5 ms each time a database call lets go of the interpreter.
    """
    gc.freeze()
    gc.set_threshold(5_000, 10, 10)
    sys.setswitchinterval(0.001)


@functools.cache
def runtime() -> Runtime:
    """This worker process's own connections, opened by its first job."""
    tune_interpreter()
    return Runtime.open(Settings.load())


def drain(shop_id: str, kind: str) -> None:
    """Drains one lane."""
    work.drain(runtime(), Lane(shop_id, Kind(kind)))
