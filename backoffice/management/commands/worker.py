"""`manage.py worker`: the worker of django-tasks-db, with a caretaker beside it."""

import logging
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from django.core.management.base import CommandError
from django.db import (
    DEFAULT_DB_ALIAS,
    DatabaseError,
    InterfaceError,
    connections,
)
from django.db.models.functions import Now
from django.utils.crypto import get_random_string
from django_tasks_db.management.commands import db_worker
from django_tasks_db.models import DBTaskResult

from backoffice import machines
from backoffice.jobs import tasks, workers
from backoffice.jobs.care import LOST, TASKS, Caretaker
from backoffice.jobs.liveness import Run
from backoffice.jobs.retention import retain
from backoffice.logs import about

logger = logging.getLogger(__name__)


@contextmanager
def looked_after(caretaker: Caretaker) -> Iterator[None]:
    """While the block runs, this process is a worker, and the caretaker may go round."""
    try:
        yield
    except machines.Stranger as error:
        raise CommandError(str(error)) from error
    finally:
        caretaker.stop.set()
        with suppress(DatabaseError, InterfaceError):
            workers.sign_off()


class Worker(db_worker.Worker):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.caretaker = Caretaker(retain)

    def run(self) -> None:
        with looked_after(self.caretaker):
            while self.running and not self._run_while_connected():
                time.sleep(max(self.interval, 1))

    def _run_while_connected(self) -> bool:
        """Run the loop of django-tasks-db; False if the database connection was lost.

        The change that was running is taken over like one whose worker died.
        """
        try:
            self.caretaker.begin()
            super().run()
        except LOST:
            logger.warning("The database can't be reached; trying again", exc_info=True)
            connections.close_all()
            return False
        return True

    def run_task(self, db_task_result: DBTaskResult[..., Any]) -> None:
        job = None
        if db_task_result.task_path in TASKS:
            (job,) = db_task_result.args_kwargs["args"]
            # By the database's clock, by which others see that it is lost.
            DBTaskResult.objects.filter(pk=db_task_result.pk).update(started_at=Now())
            self.caretaker.running = Run(job, connections[DEFAULT_DB_ALIAS])
        try:
            with about(job=job):
                super().run_task(db_task_result)
        finally:
            self.caretaker.running = None


class Command(db_worker.Command):
    help = "Run imports that are too large for a request. Ctrl-C ends it after the current one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        if tasks.queue_is_in_redis():
            parser.set_defaults(backend_name=None)  # the one that is not of the database

    def handle(
        self,
        *,
        verbosity: int,
        interval: float,
        batch: bool,
        max_tasks: int | None,
        startup_delay: bool,
        backend_name: str,
        **options: Any,
    ) -> None:
        self.configure_logging(verbosity)
        if tasks.queue_is_in_redis():
            from backoffice.management.redis_worker import work

            caretaker = Caretaker(retain)
            with looked_after(caretaker):
                work(caretaker, batch=batch, max_tasks=max_tasks)
            return
        worker = Worker(
            queue_names=["*"],
            interval=interval,
            batch=batch,
            backend_name=backend_name,
            startup_delay=startup_delay,
            max_tasks=max_tasks,
            worker_id=get_random_string(32),
            excluded_queue_names=[],
        )
        worker.configure_signals()
        worker.run()
