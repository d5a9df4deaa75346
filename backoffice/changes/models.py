"""A job: what was, or is to be, written at once."""

import secrets
import shutil

from django.apps import apps
from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.changes.counts import Counts


class JobStopped(Exception):
    """The job was cancelled, or is another worker's now. Nothing more is to be done."""


class ImportJobQuerySet(models.QuerySet):
    def move(self, *sources, to, **fields):
        """Take jobs from a status in `sources` to another; how many there were.

        One UPDATE that names the status it expects: of two clicks, tabs or workers, one
        gets 1 and the other 0.
        """
        return self.filter(status__in=sources).update(status=to, **fields)


class ImportJob(models.Model):
    """What was, or is to be, written at once: a file's import, or an edit of a list."""

    class Kind(models.TextChoices):
        IMPORT = "import", gettext_lazy("import")
        EDIT = "edit", gettext_lazy("edit")

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

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=gettext_lazy("user"),
    )
    kind = models.CharField(
        gettext_lazy("kind"), max_length=10, choices=Kind, default=Kind.IMPORT
    )
    #: Of an import: the Resource's dotted path.
    resource = models.CharField(gettext_lazy("resource"), max_length=200, blank=True)
    model = models.CharField(gettext_lazy("model"), max_length=200, db_index=True)
    #: Of an edit: what it set.
    file_name = models.CharField(gettext_lazy("file name"), max_length=200)
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

    status = models.CharField(
        gettext_lazy("status"), max_length=10, choices=Status, default=Status.UPLOADED
    )
    #: What it waits for a worker to do: checking, applying or undoing; "" where it doesn't.
    waiting = models.CharField(gettext_lazy("waiting"), max_length=10, blank=True)
    error = models.TextField(gettext_lazy("error"), blank=True)
    rows = models.PositiveIntegerField(gettext_lazy("rows"), null=True)
    new = models.PositiveIntegerField(gettext_lazy("new"), null=True)
    updated = models.PositiveIntegerField(gettext_lazy("updated"), null=True)
    unchanged = models.PositiveIntegerField(gettext_lazy("unchanged"), null=True)
    rejected = models.PositiveIntegerField(gettext_lazy("rejected"), null=True)

    progress = models.PositiveIntegerField(gettext_lazy("rows read"), default=0)
    heartbeat = models.DateTimeField(gettext_lazy("heartbeat"), null=True)
    #: Who runs it now; another worker that takes over writes its own.
    claim = models.CharField(gettext_lazy("claim"), max_length=32, blank=True)
    #: How often the step that it is at was begun; more than once where a worker died.
    runs = models.PositiveSmallIntegerField(gettext_lazy("runs"), default=0)
    created_at = models.DateTimeField(gettext_lazy("created at"), auto_now_add=True)
    started_at = models.DateTimeField(gettext_lazy("started at"), null=True)
    #: The history date of every record that it wrote.
    applied_at = models.DateTimeField(gettext_lazy("applied at"), null=True)
    finished_at = models.DateTimeField(gettext_lazy("finished at"), null=True)
    #: Who undoes it (user, a key), and what that did: removed, restored, left, gone.
    undo = models.JSONField(gettext_lazy("undo"), default=dict)

    objects = ImportJobQuerySet.as_manager()

    class Meta:
        verbose_name = gettext_lazy("import")
        verbose_name_plural = gettext_lazy("imports")

    def __str__(self):
        text = _("Edit %(pk)s: %(name)s") if self.is_edit else _("Import %(pk)s: %(name)s")
        return text % {"pk": self.pk, "name": self.file_name}

    # What it is about ---------------------------------------------------------------

    @property
    def is_edit(self):
        return self.kind == self.Kind.EDIT

    @property
    def resource_class(self):
        return import_string(self.resource)

    @property
    def model_class(self):
        return apps.get_model(self.model)

    @property
    def reason(self):
        """The change reason of every history record that it wrote; 100 characters."""
        return f"{self.kind} {self.pk}: {self.file_name}"[:100]

    @property
    def counts(self):
        """`Counts` of the last check, or None before it."""
        if self.rows is None:
            return None
        return Counts(self.rows, self.new, self.updated, self.unchanged, self.rejected)

    @property
    def is_applicable(self):
        """Whether what the check found can be written as it was asked for."""
        return (
            self.status == self.Status.CHECKED
            and bool(self.new or self.updated)
            and (not self.rejected or self.options.get("on_error") == "skip")
        )

    @property
    def may_apply(self):
        """Whether staff can have it applied: it is applicable, and not waiting for that."""
        return self.is_applicable and not self.waiting

    @property
    def same_file(self):
        """Earlier jobs that wrote this very file into this model, the latest first."""
        status = self.Status
        return (
            type(self)
            .objects.filter(model=self.model, sha256=self.sha256, status=status.DONE)
            .exclude(pk=self.pk)
            .order_by("-pk")
        )

    # Files --------------------------------------------------------------------------

    @property
    def directory(self):
        return settings.DATA_DIR / "imports" / self.folder

    def make_directory(self):
        """A folder of its own, which nobody can guess and only this user can read."""
        self.folder = secrets.token_urlsafe(32)
        self.directory.mkdir(mode=0o700, parents=True)

    def remove_files(self):
        """The upload and what the check wrote go; the record of the import stays."""
        if self.folder:
            shutil.rmtree(self.directory, ignore_errors=True)
            type(self).objects.filter(pk=self.pk).update(folder="")
            self.folder = ""

    # Transitions --------------------------------------------------------------------

    def take(self, *sources, to, **fields):
        """Move on and claim the run.

        Raises JobStopped where somebody else was first.
        """
        now, claim = timezone.now(), secrets.token_hex(16)
        fields |= {"claim": claim, "heartbeat": now, "started_at": now, "error": ""}
        fields |= {"runs": models.F("runs") + 1, "waiting": ""}
        if not self._mine.move(*sources, to=to, **fields):
            raise JobStopped
        self.refresh_from_db()

    def beat(self, progress, **fields):
        """Say that the run is alive, and how many rows it has read.

        Raises JobStopped where it was cancelled, or taken over by another worker.
        """
        fields |= {"progress": progress, "heartbeat": timezone.now()}
        if not self._mine.filter(claim=self.claim).move(self.status, to=self.status, **fields):
            raise JobStopped

    def finish(self, to, **fields):
        """End the run. Raises JobStopped as `beat` does."""
        fields |= {"finished_at": timezone.now(), "runs": 0}
        if not self._mine.filter(claim=self.claim).move(self.status, to=to, **fields):
            raise JobStopped
        self.refresh_from_db()

    def cancel(self):
        """Whether it could still be cancelled: nothing is written before it applies."""
        status = self.Status
        return bool(
            self._mine.move(
                status.UPLOADED,
                status.CHECKING,
                status.CHECKED,
                to=status.CANCELLED,
                waiting="",
                finished_at=timezone.now(),
            )
        )

    @property
    def _mine(self):
        return type(self).objects.filter(pk=self.pk)
