"""The queue on Redis: what RQ is told otherwise than it does by itself.

Redis only carries word that a job waits; that it does, and who works on it, is in the database.
So Redis may forget everything: a worker's caretaker puts there again what is missing. It is
imported only where TASKS_URL is set and its packages are installed.
"""

from collections.abc import Iterable
from typing import Any

import django_rq
from django.core.checks import CheckMessage
from django_tasks.backends.base import BaseTaskBackend
from django_tasks_rq import RQBackend
from django_tasks_rq.backend import Job
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from rq.exceptions import DeserializationError

QUEUE = "default"
CONNECT, ANSWER = 2, 5  # seconds
Word = tuple[str, int]  # the path of a task, and the key of a job


class Queue(django_rq.queues.DjangoRQ):
    """Says soon that Redis is not there: a page waits for it, and the word is sent later."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[no-untyped-call] # has no types
        known = self.connection.connection_pool.connection_kwargs
        known.setdefault("socket_connect_timeout", CONNECT)
        known.setdefault("socket_timeout", ANSWER)
        # Once more, as the connection may be to a Redis that was started anew.
        self.connection.set_retry(Retry(NoBackoff(), 1))


class Backend(RQBackend):
    """django-rq as a library alone: as an app it has pages, and a right to see them."""

    def check(self, **kwargs: Any) -> Iterable[CheckMessage]:
        return BaseTaskBackend.check(self, **kwargs)

    def is_away(self) -> bool:
        """Whether Redis does not answer."""
        try:
            get_queue().connection.ping()
        except RedisError:
            return True
        return False

    def queued(self) -> set[Word]:
        """What waits there. Raises RedisError if Redis is not there."""
        return {word for job in get_queue().get_jobs() if (word := word_of(job))}


def get_queue() -> Any:
    return django_rq.get_queue(QUEUE, job_class=Job)


def word_of(job: Any) -> Word | None:
    """Which task of which job it is about; None for what has no key, or can't be read."""
    try:
        (pk, *_others), path = job.args, job.func_name
    except (DeserializationError, ValueError):
        return None
    return (path, pk) if isinstance(pk, int) else None
