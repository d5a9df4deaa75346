"""A `Change`: whatever writes many rows at once; an `ImportFile`: the file of an import."""

import secrets
import shutil
from pathlib import Path
from typing import Any, ClassVar

from django.apps import apps
from django.conf import settings
from django.db import models, transaction
from django.utils import timezone
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy

from backoffice.changes.counts import Counts
from backoffice.history.records import Signature


class JobStopped(Exception):
    """The change was cancelled, or is another worker's now. Nothing more is to be done."""


class ChangeQuerySet(models.QuerySet["Change"]):
    def move(self, *sources: str, to: str, **fields: Any) -> int:
        """Take changes from a status in `sources` to another; how many there were.

        One UPDATE that names the status it expects: of two clicks, tabs or workers, one
        gets 1 and the other 0.
        """
        return self.filter(status__in=sources).update(status=to, **fields)


class Change(models.Model):
    """Rows of a model that were, or are to be, written together; history rows name it.

    An undo is a change of its own, and says in `undoes` which one it takes back.
    """

    class Kind(models.TextChoices):
        IMPORT = "import", gettext_lazy("import")
        EDIT = "edit", gettext_lazy("edit")
        DELETION = "deletion", gettext_lazy("deletion")
        UNDO = "undo", gettext_lazy("undo")

    class Status(models.TextChoices):
        UPLOADED = "uploaded", gettext_lazy("uploaded")
        CHECKING = "checking", gettext_lazy("checking")
        CHECKED = "checked", gettext_lazy("checked")
        APPLYING = "applying", gettext_lazy("applying")
        DONE = "done", gettext_lazy("done")
        FAILED = "failed", gettext_lazy("failed")
        CANCELLED = "cancelled", gettext_lazy("cancelled")
        UNDOING = "undoing", gettext_lazy("undoing")
        UNDONE = "undone", gettext_lazy("undone")

    kind = models.CharField(
        gettext_lazy("kind"), max_length=10, choices=Kind, default=Kind.IMPORT
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=gettext_lazy("user"),
    )
    #: The model's label.
    model = models.CharField(gettext_lazy("model"), max_length=200, db_index=True)
    #: The file's name; what an edit set; what was deleted; the title of what was undone.
    title = models.CharField(gettext_lazy("title"), max_length=200)
    undoes = models.ForeignKey(
        "self",
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="undos",
        verbose_name=gettext_lazy("undoes"),
    )

    status = models.CharField(
        gettext_lazy("status"), max_length=10, choices=Status, default=Status.UPLOADED
    )
    #: What it waits for a worker to do: checking or applying; "" where it doesn't wait.
    waiting = models.CharField(gettext_lazy("waiting"), max_length=10, blank=True)
    error = models.TextField(gettext_lazy("error"), blank=True)
    #: rows = new + updated + removed + unchanged + rejected. Of an undo, `new` came back,
    #: `updated` returned to what they were, `unchanged` were gone, `rejected` were left alone.
    rows = models.PositiveIntegerField(gettext_lazy("rows"), null=True)
    new = models.PositiveIntegerField(gettext_lazy("new"), null=True)
    updated = models.PositiveIntegerField(gettext_lazy("updated"), null=True)
    removed = models.PositiveIntegerField(gettext_lazy("removed"), default=0)
    unchanged = models.PositiveIntegerField(gettext_lazy("unchanged"), null=True)
    rejected = models.PositiveIntegerField(gettext_lazy("rejected"), null=True)
    #: Of a deletion: rows that went without a history, which no undo brings back, by label.
    lost = models.JSONField(gettext_lazy("lost"), default=dict)

    progress = models.PositiveIntegerField(gettext_lazy("rows read"), default=0)
    heartbeat = models.DateTimeField(gettext_lazy("heartbeat"), null=True)
    #: Who runs it now; another worker that takes over writes its own.
    claim = models.CharField(gettext_lazy("claim"), max_length=32, blank=True)
    #: How often the step that it is at was begun; more than once where a worker died.
    runs = models.PositiveSmallIntegerField(gettext_lazy("runs"), default=0)
    created_at = models.DateTimeField(gettext_lazy("created at"), auto_now_add=True)
    started_at = models.DateTimeField(gettext_lazy("started at"), null=True)
    #: The history date of the records that it wrote.
    applied_at = models.DateTimeField(gettext_lazy("applied at"), null=True)
    finished_at = models.DateTimeField(gettext_lazy("finished at"), null=True)

    objects = ChangeQuerySet.as_manager()

    class Meta:
        verbose_name = gettext_lazy("change")
        verbose_name_plural = gettext_lazy("changes")

    TITLES: ClassVar = {
        Kind.IMPORT: gettext_lazy("Import %(pk)s: %(title)s"),
        Kind.EDIT: gettext_lazy("Edit %(pk)s: %(title)s"),
        Kind.DELETION: gettext_lazy("Deletion %(pk)s: %(title)s"),
        Kind.UNDO: gettext_lazy("Undo %(pk)s: %(title)s"),
    }

    def __str__(self) -> str:
        return str(self.TITLES[self.Kind(self.kind)] % {"pk": self.pk, "title": self.title})

    # What it is about ---------------------------------------------------------------

    @property
    def is_import(self) -> bool:
        return self.kind == self.Kind.IMPORT

    @property
    def model_class(self) -> type[models.Model]:
        """The model. Raises LookupError where it is no longer installed."""
        return apps.get_model(self.model)

    @property
    def reason(self) -> str:
        """What staff read in the history of every row that it wrote; 100 characters."""
        if self.undoes is not None:
            return f"undo of {self.undoes.reason}"[:100]
        return f"{self.kind} {self.pk}: {self.title}"[:100]

    @property
    def signature(self) -> Signature:
        """What the history of every row that it writes says of it."""
        assert self.applied_at is not None  # noqa: S101
        return Signature(self.applied_at, self.user_id, self.reason, self.pk)

    @property
    def counts(self) -> Counts | None:
        """`Counts` of the last check, or None before it."""
        numbers = (self.rows, self.new, self.updated, self.unchanged, self.rejected)
        return None if self.rows is None else Counts(*(number or 0 for number in numbers))

    @property
    def is_applicable(self) -> bool:
        """Whether what the check found can be written as it was asked for."""
        if self.status != self.Status.CHECKED or not self.is_import:
            return False
        on_error = self.file.options.get("on_error")
        return bool(self.new or self.updated) and (not self.rejected or on_error == "skip")

    @property
    def may_apply(self) -> bool:
        """Whether staff can have it applied: it is applicable, and not waiting for that."""
        return self.is_applicable and not self.waiting

    @property
    def undo(self) -> "Change | None":
        """What took it back, or is about to; else None."""
        status = self.Status
        undos = self.undos.exclude(status__in=[status.FAILED, status.CANCELLED])
        return undos.order_by("-pk").first()

    # Transitions --------------------------------------------------------------------

    def take(self, *sources: str, to: str, **fields: Any) -> None:
        """Move on and claim the run.

        Raises JobStopped where somebody else was first.
        """
        now, claim = timezone.now(), secrets.token_hex(16)
        fields |= {"claim": claim, "heartbeat": now, "started_at": now, "error": ""}
        fields |= {"runs": models.F("runs") + 1, "waiting": ""}
        if not self._mine.move(*sources, to=to, **fields):
            raise JobStopped
        self.refresh_from_db()

    def beat(self, progress: int) -> None:
        """Say that the run is alive, and how many rows it has read.

        Raises JobStopped where it was cancelled, or taken over by another worker.
        """
        mine = self._mine.filter(claim=self.claim)
        if not mine.move(
            self.status, to=self.status, progress=progress, heartbeat=timezone.now()
        ):
            raise JobStopped

    def finish(self, to: str, **fields: Any) -> None:
        """End the run. Raises JobStopped as `beat` does."""
        with transaction.atomic():
            if not self._mine.filter(claim=self.claim).move(
                self.status, to=to, finished_at=timezone.now(), runs=0, **fields
            ):
                raise JobStopped
            self._settle_undone(to, fields.get("error", ""))
        self.refresh_from_db()

    def give_up(self, error: str) -> None:
        """End what no worker gets through; the caller holds the row."""
        to = self.Status.FAILED
        self._mine.update(status=to, claim="", error=error, finished_at=timezone.now())
        self._settle_undone(to, error)

    def cancel(self) -> bool:
        """Whether it could still be cancelled: nothing is written before it applies."""
        status = self.Status
        with transaction.atomic():
            cancelled = self._mine.move(
                status.UPLOADED,
                status.CHECKING,
                status.CHECKED,
                to=status.CANCELLED,
                waiting="",
                finished_at=timezone.now(),
            )
            if cancelled:
                self._settle_undone(status.CANCELLED, "")
        return bool(cancelled)

    def _settle_undone(self, to: str, error: str) -> None:
        """What an undo was to take back is undone with it, or stays as it was."""
        if self.undoes_id is None:
            return
        status = self.Status
        undone = Change.objects.filter(pk=self.undoes_id)
        undone.move(
            status.UNDOING, to=status.UNDONE if to == status.DONE else status.DONE, error=error
        )

    @property
    def _mine(self) -> ChangeQuerySet:
        return Change.objects.filter(pk=self.pk)


class ImportFile(models.Model):
    """The file of an import: how it came, what was asked for, what was found in it."""

    change = models.OneToOneField(
        Change, on_delete=models.CASCADE, primary_key=True, related_name="file"
    )
    #: The Resource's dotted path.
    resource = models.CharField(gettext_lazy("resource"), max_length=200)
    name = models.CharField(gettext_lazy("file name"), max_length=200)
    #: The folder of its files below DATA_DIR/imports, unguessable; "" where none are kept.
    folder = models.CharField(gettext_lazy("folder"), max_length=64, blank=True)
    sha256 = models.CharField("SHA-256", max_length=64, db_index=True, blank=True)
    size = models.PositiveBigIntegerField(gettext_lazy("size in bytes"))
    #: Line ends in the file, about its rows where it is text; its rows once it is read.
    lines = models.PositiveBigIntegerField(gettext_lazy("lines"), default=0)
    #: format, encoding, delimiter, match, on_error, overrides: as asked for.
    options = models.JSONField(gettext_lazy("options"), default=dict)
    #: format, encoding, delimiter, mapping, warnings: as found.
    found = models.JSONField(gettext_lazy("found"), default=dict)
    causes = models.JSONField(gettext_lazy("causes of rejects"), default=list)

    class Meta:
        verbose_name = gettext_lazy("file of an import")
        verbose_name_plural = gettext_lazy("files of imports")

    def __str__(self) -> str:
        return self.name

    @property
    def resource_class(self) -> Any:
        return import_string(self.resource)

    @property
    def same_file(self) -> models.QuerySet[Change]:
        """Earlier imports that wrote this very file into this model, the latest first."""
        done = Change.objects.filter(status=Change.Status.DONE, model=self.change.model)
        return done.filter(file__sha256=self.sha256).exclude(pk=self.pk).order_by("-pk")

    @property
    def directory(self) -> Path:
        return Path(settings.DATA_DIR) / "imports" / self.folder

    def make_directory(self) -> None:
        """A folder of its own, which nobody can guess and only this user can read."""
        self.folder = secrets.token_urlsafe(32)
        self.directory.mkdir(mode=0o700, parents=True)

    def remove(self) -> None:
        """The upload and what the check wrote go; the record of the import stays."""
        if self.folder:
            shutil.rmtree(self.directory, ignore_errors=True)
            ImportFile.objects.filter(pk=self.pk).update(folder="")
            self.folder = ""
