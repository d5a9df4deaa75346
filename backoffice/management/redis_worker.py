"""The worker of a queue on Redis: RQ's, which runs jobs in its own process and thread.

So a caretaker beside it sees how the job's connection does, as beside a worker on the database,
and ends with it.
"""

import logging
import time
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, close_old_connections, connections
from redis.exceptions import RedisError
from rq import SimpleWorker
from rq.exceptions import StopRequested

from backoffice.jobs.care import LOST, TASKS, Caretaker
from backoffice.jobs.liveness import Run
from backoffice.jobs.redis_queue import Queue, get_queue, word_of
from backoffice.logs import about

logger = logging.getLogger(__name__)

DAY = 24 * 3600
AGAIN = 2  # seconds after which Redis is tried again


class Worker(SimpleWorker):
    queue_class = Queue
    max_connection_wait_time = 5.0  # seconds between tries, at most

    def __init__(self, caretaker: Caretaker) -> None:
        queue = get_queue()
        super().__init__(
            [queue],
            connection=queue.connection,
            job_class=queue.job_class,
            serializer=queue.serializer,
            worker_ttl=60,
        )
        self.caretaker = caretaker
        self.is_stopped = False

    def request_stop(self, signum: Any, frame: Any) -> None:
        self.is_stopped = True
        super().request_stop(signum, frame)  # type: ignore[no-untyped-call] # has no types

    def set_shutdown_requested_date(self) -> None:
        """Nothing in Redis: a job in progress shall not fail by that."""

    def subscribe(self) -> None:
        """Take no commands from Redis: who may write there shall not stop workers."""

    def get_heartbeat_ttl(self, job: Any, working_time: float = 0.0) -> int:
        """RQ would give jobs up that take longer; whether one lives, the database knows."""
        return DAY

    def execute_job(self, job: Any, queue: Any) -> None:
        task, pk = word_of(job) or ("", None)
        job.failure_ttl = DAY * settings.TASKS_KEEP_DAYS or -1
        close_old_connections()
        if pk is not None and task in TASKS:
            self.caretaker.running = Run(pk, connections[DEFAULT_DB_ALIAS])
        try:
            with about(job=pk):
                super().execute_job(job, queue)
        finally:
            self.caretaker.running = None
            close_old_connections()


def work(caretaker: Caretaker, *, batch: bool, max_tasks: int | None) -> None:
    """Run what waits until somebody stops it; `batch`: until nothing waits.

    Where the database or Redis is lost, or not there yet, it is waited for.
    """
    worker = None
    with suppress(StopRequested):  # also between two tries
        while not (worker and worker.is_stopped):
            try:
                caretaker.begin()
                worker = Worker(caretaker)
                worker.work(burst=batch, max_jobs=max_tasks, logging_level="WARNING")
                if batch or max_tasks:
                    return
            except LOST:
                logger.warning("The database can't be reached; trying again", exc_info=True)
                connections.close_all()
            except RedisError:
                if batch:
                    raise
                logger.warning("Redis can't be reached; trying again", exc_info=True)
            time.sleep(AGAIN)
