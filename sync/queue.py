"""The only module that knows RQ: bells that wake workers, and the workers.

A job says which lane to look at and nothing else. A bell is `SET NX EX` followed by a job with a random id, so that any
number of rings before a worker comes cost one job; the drain deletes the bell before its last look, so that no later
ring is lost.
"""

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import redis
import structlog
from rq import Queue
from rq.serializers import JSONSerializer
from rq.worker import SimpleWorker
from rq.worker_pool import WorkerPool

from core.db.lanes import Kind, Lane

URGENT, NORMAL, BULK = "urgent", "normal", "bulk"
QUEUES: dict[Kind, str] = {
    Kind.NOTICES: URGENT,
    Kind.SHIP: URGENT,
    Kind.STOCK: NORMAL,
    Kind.PRICE: NORMAL,
    Kind.MEMO: NORMAL,
    Kind.SHELF: NORMAL,
    Kind.ADDRESS: URGENT,
    Kind.PULL: NORMAL,
    Kind.BACKFILL: BULK,
}
"""Which queue a lane's bell goes to: by what its starving would cost."""

BELL_SECONDS = 30
"""A bell that nobody answered may be rung again after this long."""
JOB_SECONDS = 3600
"""RQ's own limit for one drain. A drain ends itself much sooner, but for one walk over a very long list."""
FEED_CHANNEL = "qudao:feed"
"""Where a commit of feed events is announced; readers then look into SQL."""


log = structlog.get_logger("qudao.queue")


class Bells:
    """Rings lanes. A Redis that does not answer is logged and harms nothing: the sweeper rings what was not heard."""

    def __init__(self, connection: redis.Redis) -> None:
        self._redis = connection

    def ring(self, lanes: Iterable[Lane], *, urgent: bool = False) -> None:
        """Wakes a worker for each lane that has no bell out; an urgent bell is another one. Call it after the
        commit.
        """
        with _harmless("ring"):
            for lane in lanes:
                if self._redis.set(_key(lane, urgent=urgent), 1, nx=True, ex=BELL_SECONDS):
                    self._enqueue(lane, URGENT if urgent else QUEUES[lane.kind])

    def _enqueue(self, lane: Lane, name: str) -> None:
        queue = Queue(name, connection=self._redis, serializer=JSONSerializer)
        queue.enqueue_call(
            "sync.jobs.drain",
            args=[lane.shop_id, lane.kind.value],
            timeout=JOB_SECONDS,
            result_ttl=0,
            failure_ttl=3600,
            description=str(lane),
        )

    def silence(self, lane: Lane) -> None:
        """A drain calls it before its last look."""
        with _harmless("silence"):
            self._redis.delete(_key(lane), _key(lane, urgent=True))

    def announce_feed(self) -> None:
        """Tells waiting readers that the feed has grown."""
        with _harmless("announce"):
            self._redis.publish(FEED_CHANNEL, b"")


@contextmanager
def _harmless(what: str) -> Iterator[None]:
    try:
        yield
    except redis.RedisError as error:
        log.warning("redis does not answer", during=what, error=type(error).__name__)


def _key(lane: Lane, *, urgent: bool = False) -> str:
    return f"qudao:bell:{'urgent:' * urgent}{lane}"


class DrainWorker(SimpleWorker):
    """Runs drains in its own process, one after another."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{**options, "maintenance_interval": 15, "log_job_description": False})

    def work(self, *args: Any, **options: Any) -> bool:
        return bool(super().work(*args, **{**options, "with_scheduler": False}))


_SERVES = {URGENT: (URGENT,), NORMAL: (URGENT, NORMAL), BULK: (BULK, NORMAL, URGENT)}
_SERVES_OF_FEW = {URGENT: (URGENT,), NORMAL: (URGENT, NORMAL, BULK), BULK: (URGENT, NORMAL, BULK)}


class _Pool(WorkerPool):
    """Of several workers the first serves urgent lanes alone; of three or more the second takes no bulk work and the
    others take it first. So no kind of lane waits for the end of another kind's long work, also when a worker is
    replaced.
    """

    def start_worker(self, *args: Any, **options: Any) -> None:
        taken = {data.process.name.rpartition(" ")[2] for data in self.worker_dict.values()}
        reserved = (URGENT, NORMAL)[: self.num_workers - 1]  # one alone serves everything
        slot = next((name for name in reserved if name not in taken), BULK)
        self._queue_names = list(_SERVES[slot] if self.num_workers > 2 else _SERVES_OF_FEW[slot])
        super().start_worker(*args, **options)
        list(self.worker_dict.values())[-1].process.name += " " + slot


def run_workers(redis_url: str, count: int) -> None:
    """Runs `count` workers until SIGINT or SIGTERM; dead ones are replaced. Blocks.

    Raises redis.ConnectionError when Redis is away at the start; later it is waited for.
    """
    logging.getLogger("rq").setLevel(logging.WARNING)
    connection = redis.Redis.from_url(redis_url)
    connection.ping()
    pool = _Pool(
        [URGENT, NORMAL, BULK],
        connection=connection,
        num_workers=count,
        worker_class=DrainWorker,
        serializer=JSONSerializer,
    )
    pool.start(burst=False, logging_level="WARNING")
