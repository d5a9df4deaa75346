"""Background work: a task takes a job's primary key and calls one function.

A small file is handled within the request, a large one by the worker (`manage.py worker`).
"""

import contextlib
import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils import translation
from django.utils.translation import gettext as _
from django_tasks import task, task_backends
from django_tasks.base import Task

from backoffice.changes.models import Change, ImportFile, JobStopped
from backoffice.jobs import steps
from backoffice.logs import about

logger = logging.getLogger(__name__)

Status = Change.Status
#: The step that a job waits for while its task is in the queue, and the status it begins from.
WAITING = {"check": Status.CHECKING, "apply": Status.APPLYING}
BEGINS = {"check": Status.UPLOADED, "apply": Status.CHECKED}


@task()
def check(pk: int, language: str | None = None, queued: bool = False) -> None:
    _run(steps.check_job, pk, language, Status.CHECKING if queued else "")


@task()
def apply(
    pk: int, language: str | None = None, queued: bool = False, patience: float = 0
) -> None:
    """patience: seconds to wait for a lock; 0 is without end, as a worker may."""
    step = partial(steps.apply_job, patience=patience)
    _run(step, pk, language, Status.APPLYING if queued else "")


def _run(
    function: Callable[[Change], None], pk: int, language: str | None, waiting: str
) -> None:
    """language: of the page that asked for it, in which it says what it found.

    waiting: what the job has to wait for, "" for anything: a queue may tell of it twice, and
    the second time may come when somebody has other plans with it.
    """
    with contextlib.ExitStack() as stack:
        # JobStopped: cancelled, or taken over. DoesNotExist: deleted since it was queued.
        stack.enter_context(contextlib.suppress(JobStopped, Change.DoesNotExist))
        stack.enter_context(about(job=pk))
        if language:
            stack.enter_context(translation.override(language))
        job, begun = Change.objects.get(pk=pk), time.monotonic()
        if waiting and job.waiting != waiting:
            return
        function(job)
        logger.info("Change %s is %s after %.1f s", pk, job.status, time.monotonic() - begun)


def start_check(job: Change, *, user: Any = None) -> None:
    """Have the file checked. user: who wants it; whoever did before if not given."""
    if user is not None:
        _idle(check, job).update(checked_by=user)
    enqueue(check, job, rows=job.file.lines)


def start_apply(
    job: Change, *, user: Any = None, shown: str = "", address: str | None = None
) -> None:
    """Have the checked rows written.

    user: who writes them, and is named in their history: the uploader if not given · shown:
    `Review.state` of the page; if the import is in another state by the time it is written,
    nothing is · address: from where they asked for it.

    Raises JobStopped if it is no longer checked, or waits to be written already, or if it
    takes a second person.
    """
    if user is not None and needs_another(job, user):
        raise JobStopped(_("It takes a second person: whoever had it checked can't write it."))
    job.user, job.address = user or job.user, address
    with transaction.atomic():
        waits = Change.objects.filter(pk=job.pk, waiting="")
        if not waits.move(Status.CHECKED, to=Status.CHECKED, user=job.user, address=address):
            raise JobStopped
        ImportFile.objects.filter(pk=job.pk).update(shown=shown)
    enqueue(apply, job, rows=job.rows)


def needs_another(job: Change, user: Any) -> bool:
    """Whether someone else has to write the import: IMPORT_SECOND_PERSON is on."""
    return bool(settings.IMPORT_SECOND_PERSON) and job.file.was_prepared_by(user)


def start_undo(job: Change, *, user: Any = None, address: str | None = None) -> Change:
    """Create and start the undo of the job. Raises JobStopped as `create_undo` does."""
    undo = steps.create_undo(job, user=user, address=address)
    try:
        enqueue(apply, undo, rows=(job.new or 0) + (job.updated or 0) + job.removed)
    except BaseException:
        undo.cancel()  # unless it has begun: nobody would go on with it
        raise
    return undo


def enqueue(task_: Task[..., None], job: Change, *, rows: int | None = None) -> None:
    """Run `task_` on `job`, at once if it has at most IMPORT_IMMEDIATE_ROWS rows.

    A job that is already waiting, or has moved on, is not queued. At once, it waits for locks
    only as long as a save does, and raises an OperationalError that `met_lock` knows.
    """
    if rows is not None and rows <= settings.IMPORT_IMMEDIATE_ROWS:
        waits = {"patience": settings.SAVE_WAIT_SECONDS} if task_.name == apply.name else {}
        task_.call(job.pk, **waits)
        return
    with transaction.atomic():
        if _idle(task_, job).update(waiting=WAITING[task_.name], heartbeat=Now()):
            put(task_, job)


def _idle(task_: Task[..., None], job: Change) -> QuerySet[Change]:
    """The job, if the step can begin and does not wait to."""
    return Change.objects.filter(pk=job.pk, waiting="", status=BEGINS[task_.name])


# The queue ------------------------------------------------------------------------------
# It carries word of jobs. Which of them wait is in their rows: what the queue does not know of
# is put there again by `care.take_up_dead_jobs`.


def put(task_: Task[..., None], job: Change) -> None:
    """Tell the queue of a job that waits, if what the present transaction wrote stays."""
    send = partial(task_.enqueue, job.pk, language=translation.get_language(), queued=True)
    if queue_is_in_database():
        send()  # with the rest or not at all
    else:
        transaction.on_commit(partial(_send, send, job))


def _send(send: Callable[[], Any], job: Change) -> None:
    try:
        send()
    except Exception:  # the job waits all the same
        logger.warning("The queue could not be told of change %s", job.pk, exc_info=True)


def queue_is_in_database() -> bool:
    """Whether tasks wait in the database for a worker of django-tasks-db."""
    return type(task_backends["default"]).__module__.startswith("django_tasks_db.")


def queue_is_in_redis() -> bool:
    """Whether tasks wait in Redis for a worker of RQ's, as TASKS_URL says."""
    return type(task_backends["default"]).__module__ == "backoffice.jobs.redis_queue"


def has_queue() -> bool:
    """Whether there is a queue that a worker of ours has to work off."""
    return queue_is_in_database() or queue_is_in_redis()


def queue_is_away() -> bool:
    """Whether the queue does not answer, so that what waits waits for that."""
    backend: Any = task_backends["default"]
    return queue_is_in_redis() and backend.is_away()
