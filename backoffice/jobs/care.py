"""What a worker does beside its jobs: heartbeats, jobs of dead workers, old files.

A claim fences a run: whoever takes a job over writes a new claim, and a run checks its own in
the transaction that writes. So a job taken over can't write twice, however slow the first
run was. The database keeps a healthy run from being taken over while it writes: on PostgreSQL
its transaction locks the job's row, which `SKIP LOCKED` skips; on SQLite nobody else can write
until the run has ended, and then the job is no longer running. Before it writes, a run sends
heartbeats: with each chunk, and every few seconds from the worker's thread, as long as it moves
(`backoffice.jobs.liveness`). All times are the database's.
"""

import datetime
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import (
    InterfaceError,
    InternalError,
    OperationalError,
    connection,
    transaction,
)
from django.db.models import OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce, Greatest, Now
from django.utils import timezone
from django.utils.translation import gettext as _
from django_tasks import task_backends
from django_tasks.base import Task, TaskResultStatus
from django_tasks_db.models import DBTaskResult

from backoffice import machines
from backoffice.changes import files
from backoffice.changes.decisions import Decision
from backoffice.changes.models import Change, ImportFile
from backoffice.exports.made import ExportFile
from backoffice.jobs import feeds, tasks, workers
from backoffice.jobs.liveness import Run, ago, end_from_outside
from backoffice.logs import about

logger = logging.getLogger(__name__)

Status = Change.Status
EVERY = 5  # seconds between heartbeats, and between searches for jobs of dead workers
DEAD_AFTER = 25  # seconds without a heartbeat
MOST_RUNS = 3  # runs of a job, before it fails
#: By the status in which a run died: the status to return to, and the task that runs it again.
BACK: dict[str, tuple[str, Task[..., None]]] = {
    Status.CHECKING: (Status.UPLOADED, tasks.check),
    Status.APPLYING: (Status.CHECKED, tasks.apply),
}
#: The statuses in which an import waits for somebody to go on with it.
UNFINISHED = (Status.UPLOADED, Status.CHECKED)
IDLE = datetime.timedelta(days=1)  # after which an unfinished import is called abandoned
LOST = (OperationalError, InterfaceError, InternalError)  # the connection, or the database
TASKS = {task.module_path: status for status, (_back, task) in BACK.items()}


class Caretaker(threading.Thread):
    """A thread beside a worker's jobs, with its own connection, until `stop` is set.

    Each time a worker has the database again, it calls `begin` before it takes a job.
    """

    def __init__(self, clean: Callable[[], Any] = lambda: None) -> None:
        """clean: what is called every RETENTION_MINUTES, such as `retention.retain`."""
        super().__init__(name="caretaker", daemon=True)
        self.clean = clean
        self.stop = threading.Event()
        self.running: Run | None = None
        self.next_cleaning = 0.0
        self.cleaner: threading.Thread | None = None
        self.feeder: threading.Thread | None = None

    def begin(self) -> None:
        """Say that the worker lives, and go round. Raises as `machines.demand_same`."""
        machines.demand_same()
        workers.forget_dead()
        workers.give_sign()
        if not self.is_alive():
            self.start()

    def run(self) -> None:
        while not self.stop.wait(EVERY):
            try:
                self.look_after()
            except OperationalError:
                # SQLite is busy with a long import: try again in the next round.
                logger.info("The database is busy", exc_info=True)
            except Exception:
                logger.exception("The caretaker stumbled")
            finally:
                connection.close()
        connection.close()

    def look_after(self) -> None:
        workers.give_sign()
        if self.running:
            self.beat(self.running)
        take_up_dead_jobs()
        # In threads of their own: to remove a million records, or to copy a large file, takes
        # longer than a heartbeat may.
        minutes = settings.RETENTION_MINUTES
        if minutes and time.monotonic() > self.next_cleaning and not is_busy(self.cleaner):
            self.next_cleaning = time.monotonic() + 60 * minutes
            self.cleaner = beside("cleaning", self.clean)
        if settings.IMPORT_FOLDER and not is_busy(self.feeder):
            self.feeder = beside("feeds", look_for_feeds)

    @staticmethod
    def beat(run: Run) -> None:
        """Send a heartbeat for a run that moves; cut one off that has not for a while.

        A run that is writing has locked its job, which nobody takes up then.
        """
        if run.moves():
            with transaction.atomic():
                jobs = Change.objects.select_for_update(skip_locked=True)
                free = jobs.filter(pk=run.job, status__in=BACK)
                Change.objects.filter(pk__in=free.values("pk")).update(heartbeat=Now())
        elif run.stands_still():
            logger.warning("The connection of change %s stands still: it is cut", run.job)
            run.cut()


def is_busy(thread: threading.Thread | None) -> bool:
    return thread is not None and thread.is_alive()


def beside(name: str, work: Callable[[], Any]) -> threading.Thread:
    """Do the work in a thread with a connection of its own; errors are logged."""

    def run() -> None:
        try:
            work()
        except OperationalError:
            logger.info("The database is busy", exc_info=True)
        except Exception:
            logger.exception("The %s stumbled", name)
        finally:
            connection.close()

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    return thread


def look_for_feeds() -> None:
    """A round of the feeds."""
    for outcome in feeds.look():
        said = "was rejected" if outcome.is_rejected else "was imported"
        logger.info("A file of the feed %s %s", outcome.path.parent.parent.name, said)


def take_up_dead_jobs() -> int:
    """Requeue jobs whose worker died, or fail them after MOST_RUNS; return how many.

    Those that are locked by a connection that stands still are free by the next time.
    """
    overdue = Change.objects.filter(status__in=BACK, heartbeat__lt=ago(DEAD_AFTER))
    end_from_outside(overdue.values_list("pk", flat=True))
    with transaction.atomic():
        dead = list(overdue.select_for_update(skip_locked=True))
        for job in dead:
            with about(job=job.pk):
                _put_back(job)
    return len(dead) + _take_up_lost_tasks() + _take_up_undos() + _take_up_forgotten()


def _put_back(job: Change) -> None:
    back, task = BACK[Status(job.status)]
    logger.warning("The worker of change %s died while %s", job.pk, job.status)
    _end_tasks(job)
    if job.runs < MOST_RUNS:
        Change.objects.filter(pk=job.pk).move(job.status, to=back, claim="")
        tasks.enqueue(task, job)
        return
    error = _("Its worker died %d times. Nothing was written.") % job.runs
    if job.undoes_id:
        error = _("Undoing it failed %d times: the worker died.") % job.runs
    job.give_up(error)


def _end_tasks(job: Change) -> None:
    """Close the dead worker's tasks, which would be "running" for ever."""
    DBTaskResult.objects.filter(
        status=TaskResultStatus.RUNNING, task_path__in=TASKS, args_kwargs__args=[job.pk]
    ).update(status=TaskResultStatus.FAILED, finished_at=timezone.now())


def _take_up_lost_tasks() -> int:
    """Close the tasks of dead workers; requeue those whose job was not claimed yet."""
    lost = 0
    running = DBTaskResult.objects.filter(
        status=TaskResultStatus.RUNNING, task_path__in=TASKS, started_at__lt=ago(DEAD_AFTER)
    )
    for result in running:
        (pk,) = result.args_kwargs["args"]
        back, task = BACK[TASKS[result.task_path]]
        job = Change.objects.filter(pk=pk).first()
        if job is not None and job.status in BACK:
            continue  # alive, or left to take_up_dead_jobs
        with transaction.atomic():
            this = DBTaskResult.objects.filter(pk=result.pk, status=TaskResultStatus.RUNNING)
            ended = this.update(status=TaskResultStatus.FAILED, finished_at=timezone.now())
            if ended and job is not None and job.status == back:
                Change.objects.filter(pk=pk).update(waiting="")
                tasks.enqueue(task, job)
                lost += 1
    return lost


def _take_up_undos() -> int:
    """Queue the undos that were made and not begun, as their process died before it."""
    undos = Change.objects.filter(kind=Change.Kind.UNDO, status=Status.CHECKED, waiting="")
    left = list(undos.filter(created_at__lt=ago(DEAD_AFTER)))
    for undo in left:
        tasks.enqueue(tasks.apply, undo)
    return len(left)


def _take_up_forgotten() -> int:
    """Queue again what waits and is not queued.

    Redis has lost it or was not there, whoever took it died before the job began, or the site
    has another queue since.
    """
    waiting = Change.objects.exclude(waiting="").exclude(heartbeat__gte=ago(DEAD_AFTER))
    jobs = list(waiting) if tasks.has_queue() else []
    if not jobs or tasks.queue_is_away():
        return 0
    known, found = _queued(), 0
    for job in jobs:
        _back, task = BACK[job.waiting]
        if (task.module_path, job.pk) in known:
            continue
        with about(job=job.pk), transaction.atomic():
            if waiting.filter(pk=job.pk, waiting=job.waiting).update(heartbeat=Now()):
                logger.warning("The queue does not know that change %s waits", job.pk)
                tasks.put(task, job)
                found += 1
    return found


def _queued() -> set[tuple[str, int]]:
    """What the queue knows: the path of a task, and the key of a job."""
    backend: Any = task_backends["default"]
    if tasks.queue_is_in_redis():
        known: set[tuple[str, int]] = backend.queued()
        return known
    results = DBTaskResult.objects.filter(task_path__in=TASKS).exclude(
        status__in=[TaskResultStatus.FAILED, TaskResultStatus.SUCCESSFUL]
    )
    rows = results.values_list("task_path", "args_kwargs")
    return {(path, given["args"][0]) for path, given in rows}


def remove_old_imports() -> int:
    """Remove files of imports older than IMPORT_KEEP_DAYS; return how many folders.

    The records of the imports stay. Folders that belong to no import go after a day. If their
    storage does not answer, they wait for that, and nothing else does.
    """
    try:
        old = old_imports()
    except OSError:
        logger.warning("Files of imports stay for now: they can't be listed", exc_info=True)
        return 0
    for each in old:
        if isinstance(each, ImportFile):
            each.remove()
        else:
            files.discard(each)
    return len(old)


def old_imports() -> list[ImportFile | str]:
    """The imports whose files are too old, and folders that belong to none."""
    days = settings.IMPORT_KEEP_DAYS
    kept = ImportFile.objects.exclude(folder="")
    with_files = (kept, ExportFile.objects.exclude(folder=""))
    named = {name for rows in with_files for name in rows.values_list("folder", flat=True)}
    strays = files.strays(named)
    old = kept.filter(change__created_at__lt=timezone.now() - datetime.timedelta(days=days))
    return [*(old.exclude(change__status__in=BACK) if days else ()), *strays]


# Abandoned imports ----------------------------------------------------------------------


def touched_at() -> Greatest:
    """SQL for when somebody last went on with an import: uploaded, checked or decided."""
    since = Coalesce("finished_at", "created_at")
    decisions = Decision.objects.filter(file=OuterRef("pk")).order_by("-decided_at")
    return Greatest(since, Coalesce(Subquery(decisions.values("decided_at")[:1]), since))


def is_abandoned(job: Any) -> bool:
    """Whether nobody has gone on with the import for a day; it has `touched_at`."""
    waits = job.is_import and job.status in UNFINISHED and not job.waiting
    return bool(waits and job.touched_at < timezone.now() - IDLE)


def goes_at(job: Any) -> datetime.datetime | None:
    """When an abandoned import is removed, None for never; it has `touched_at`."""
    touched: datetime.datetime = job.touched_at
    days = settings.IMPORT_ABANDONED_DAYS
    return touched + datetime.timedelta(days=days) if days else None


def abandoned_imports() -> QuerySet[Any]:
    """Imports that nobody went on with for IMPORT_ABANDONED_DAYS."""
    days = settings.IMPORT_ABANDONED_DAYS
    if not days:
        return Change.objects.none()
    limit = timezone.now() - datetime.timedelta(days=days)
    waiting = Change.objects.filter(
        kind=Change.Kind.IMPORT, status__in=UNFINISHED, waiting=""
    ).select_related("file")
    return waiting.annotate(touched_at=touched_at()).filter(touched_at__lt=limit)


def remove_abandoned_imports() -> int:
    """Remove imports that nobody went on with for IMPORT_ABANDONED_DAYS, and their files.

    Nothing of them was written. Returns how many went.
    """
    removed = 0
    for job in abandoned_imports():
        # Whoever goes on with it at this moment is first, or finds it cancelled.
        if Change.objects.filter(pk=job.pk, waiting="").move(job.status, to=Status.CANCELLED):
            job.file.remove()
            job.delete()
            removed += 1
    return removed
