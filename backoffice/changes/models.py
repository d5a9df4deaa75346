"""`Change`, which records whatever writes many rows at once, and `ImportFile`, its file."""

import datetime
import secrets
from collections.abc import Iterator
from typing import Any, ClassVar

from django.apps import apps
from django.conf import settings
from django.db import models, transaction
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.changes.counts import Counts
from backoffice.changes.folders import Folder
from backoffice.history.records import Signature


class JobStopped(Exception):
    """The change was cancelled, or another worker took it over. This run must stop."""


class ChangeQuerySet(models.QuerySet["Change"]):
    def move(self, *sources: str, to: str, **fields: Any) -> int:
        """Move changes from a status in `sources` to another, and return how many moved.

        It is one UPDATE that names the status it expects: of two clicks, tabs or workers,
        one gets 1 and the other 0. What waited for a step from another status waits no more.
        """
        if to not in sources:
            fields["waiting"] = ""
        return self.filter(status__in=sources).update(status=to, **fields)

    def create_done(
        self,
        model: type[models.Model],
        *,
        title: str,
        now: datetime.datetime | None = None,
        **fields: Any,
    ) -> "Change":
        """Record a change that the caller writes in the same transaction.

        now: the history date · fields: numbers of rows that are not given are 0.
        """
        now = now or timezone.now()
        times = dict.fromkeys(("started_at", "applied_at", "finished_at"), now)
        numbers = dict.fromkeys(("new", "updated", "unchanged", "rejected"), 0)
        return self.create(
            model=model._meta.label,
            title=title[:200],
            status=Change.Status.DONE,
            **times,
            **numbers | fields,
        )


class Change(models.Model):
    """A write of many rows of a model, done or planned. Its history records refer to it.

    An undo is a change of its own; `undoes` is the change that it takes back.
    """

    class Kind(models.TextChoices):
        IMPORT = "import", gettext_lazy("import")
        EDIT = "edit", gettext_lazy("edit")
        DELETION = "deletion", gettext_lazy("deletion")
        UNDO = "undo", gettext_lazy("undo")
        RESTORATION = "restored", gettext_lazy("restoration")
        #: It writes nothing but a file, see `backoffice.exports.made`.
        EXPORT = "export", gettext_lazy("export")

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
    #: Who had the file of an import checked, where `user` is who had it written.
    checked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=gettext_lazy("checked by"),
    )
    #: From where whoever is `user` asked for it: a worker does not see the request.
    address = models.GenericIPAddressField(gettext_lazy("from where"), null=True, blank=True)
    #: The model's label.
    model = models.CharField(gettext_lazy("model"), max_length=200, db_index=True)
    #: The file's name, the values of an edit, what was deleted, or the undone change's title.
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
    #: The step that waits for a worker, checking or applying; "" where none waits.
    waiting = models.CharField(gettext_lazy("waiting"), max_length=10, blank=True)
    error = models.TextField(gettext_lazy("error"), blank=True)
    #: rows = new + updated + removed + unchanged + rejected, but that an import has no rows for
    #: what it removes. For an undo, `new` are deleted
    #: rows restored, `updated` reverted, `unchanged` already gone, `rejected` left alone.
    rows = models.PositiveIntegerField(gettext_lazy("rows"), null=True)
    new = models.PositiveIntegerField(gettext_lazy("new"), null=True)
    updated = models.PositiveIntegerField(gettext_lazy("updated"), null=True)
    removed = models.PositiveIntegerField(gettext_lazy("removed"), default=0)
    unchanged = models.PositiveIntegerField(gettext_lazy("unchanged"), null=True)
    rejected = models.PositiveIntegerField(gettext_lazy("rejected"), null=True)
    #: How many rows without history a deletion took, by label; no undo restores them.
    lost = models.JSONField(gettext_lazy("lost"), default=dict)
    #: How many of the rows that it wrote were erased since, by label.
    erased = models.JSONField(gettext_lazy("erased"), default=dict)

    progress = models.PositiveIntegerField(gettext_lazy("rows read"), default=0)
    #: By the database's clock.
    heartbeat = models.DateTimeField(gettext_lazy("heartbeat"), null=True)
    #: The run that holds it now; a worker that takes it over writes its own claim.
    claim = models.CharField(gettext_lazy("claim"), max_length=32, blank=True)
    #: How often the present step was started; more than once where a worker died.
    runs = models.PositiveSmallIntegerField(gettext_lazy("runs"), default=0)
    created_at = models.DateTimeField(gettext_lazy("created at"), auto_now_add=True)
    started_at = models.DateTimeField(gettext_lazy("started at"), null=True)
    #: The history date of the records it wrote.
    applied_at = models.DateTimeField(gettext_lazy("applied at"), null=True)
    finished_at = models.DateTimeField(gettext_lazy("finished at"), null=True)

    objects = ChangeQuerySet.as_manager()

    class Meta:
        # Staff meet it as this: the other kinds have lists as `BulkEdit`.
        verbose_name = gettext_lazy("import")
        verbose_name_plural = gettext_lazy("imports")

    TITLES: ClassVar = {
        Kind.IMPORT: gettext_lazy("Import %(pk)s: %(title)s"),
        Kind.EDIT: gettext_lazy("Edit %(pk)s: %(title)s"),
        Kind.DELETION: gettext_lazy("Deletion %(pk)s: %(title)s"),
        Kind.UNDO: gettext_lazy("Undo %(pk)s: %(title)s"),
        Kind.RESTORATION: gettext_lazy("Restoration %(pk)s: %(title)s"),
        Kind.EXPORT: gettext_lazy("Export %(pk)s: %(title)s"),
    }

    def __str__(self) -> str:
        return str(self.TITLES[self.Kind(self.kind)] % {"pk": self.pk, "title": self.title})

    # Properties ---------------------------------------------------------------------

    @property
    def is_import(self) -> bool:
        return self.kind == self.Kind.IMPORT

    @property
    def model_class(self) -> type[models.Model]:
        """The model. Raises LookupError if it is no longer installed."""
        return apps.get_model(self.model)

    @property
    def reason(self) -> str:
        """The change reason in the history of every row it writes; at most 100 characters."""
        if self.undoes is not None:
            return f"undo of {self.undoes.reason}"[:100]
        checked = ""
        if self.checked_by and self.checked_by_id != self.user_id:
            checked = _(", checked by %s") % self.checked_by.get_username()
        return f"{self.kind} {self.pk}: {self.title}"[: 100 - len(checked)] + checked[:100]

    @property
    def signature(self) -> Signature:
        """The Signature of the history records it writes."""
        assert self.applied_at is not None  # noqa: S101
        return Signature(self.applied_at, self.user_id, self.reason, self.pk)

    @property
    def counts(self) -> Counts | None:
        """`Counts` of the last check; None before it."""
        numbers = (self.rows, self.new, self.updated, self.unchanged, self.rejected)
        return None if self.rows is None else Counts(*(number or 0 for number in numbers))

    @property
    def is_applicable(self) -> bool:
        """Whether there is something to write: rejected rows are set aside."""
        if self.status != self.Status.CHECKED or not self.is_import:
            return False
        return bool(self.new or self.updated or self.removed)

    @property
    def may_apply(self) -> bool:
        """Whether staff can apply it: it is applicable, and not already waiting to be."""
        return self.is_applicable and not self.waiting

    @property
    def undo(self) -> "Change | None":
        """The undo that took it back, or is about to; else None."""
        status = self.Status
        undos = self.undos.exclude(status__in=[status.FAILED, status.CANCELLED])
        return undos.order_by("-pk").first()

    # Transitions --------------------------------------------------------------------

    def take(self, *sources: str, to: str, **fields: Any) -> None:
        """Move to the status `to` and claim the run.

        Raises JobStopped if somebody else was first.
        """
        claim = secrets.token_hex(16)
        fields |= {"claim": claim, "heartbeat": Now(), "started_at": Now(), "error": ""}
        fields |= {"runs": models.F("runs") + 1}
        if not self._mine.move(*sources, to=to, **fields):
            raise JobStopped
        self.refresh_from_db()

    def beat(self, progress: int) -> None:
        """Record a heartbeat and how many rows have been read.

        Raises JobStopped if the change was cancelled, or taken over by another worker.
        """
        mine = self._mine.filter(claim=self.claim)
        if not mine.move(self.status, to=self.status, progress=progress, heartbeat=Now()):
            raise JobStopped

    def finish(self, to: str, **fields: Any) -> None:
        """End the run with the status `to`. Raises JobStopped as `beat` does."""
        with transaction.atomic():
            if not self._mine.filter(claim=self.claim).move(
                self.status, to=to, finished_at=timezone.now(), runs=0, **fields
            ):
                raise JobStopped
            self._settle_undone(to, fields.get("error", ""))
        self.refresh_from_db()

    def give_up(self, error: str) -> None:
        """Fail a change that no worker could finish; the caller has locked the row."""
        to = self.Status.FAILED
        self._mine.update(status=to, claim="", error=error, finished_at=timezone.now())
        self._settle_undone(to, error)

    def cancel(self) -> bool:
        """Cancel it unless it is being applied, and return whether it was cancelled."""
        status = self.Status
        with transaction.atomic():
            cancelled = self._mine.move(
                status.UPLOADED,
                status.CHECKING,
                status.CHECKED,
                to=status.CANCELLED,
                finished_at=timezone.now(),
            )
            if cancelled:
                self._settle_undone(status.CANCELLED, "")
        return bool(cancelled)

    def reopen(self) -> bool:
        """Go back to the choices before the check, and return whether it could be.

        An import that failed comes back to them as well.
        """
        status = self.Status
        kept = self._mine.filter(kind=self.Kind.IMPORT, waiting="").exclude(file__folder="")
        return bool(kept.move(status.CHECKED, status.FAILED, to=status.UPLOADED, error=""))

    def _settle_undone(self, to: str, error: str) -> None:
        """Set the status of the change that this undo takes back: undone or done."""
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


class BulkEdit(Change):
    """A change that is no import; a model of its own so that it has a list of its own."""

    class Meta:
        proxy = True
        verbose_name = gettext_lazy("edit or deletion")
        verbose_name_plural = gettext_lazy("edits and deletions")


class ImportFile(Folder):
    """The file of an import: the upload, the options chosen, and what was found in it."""

    change = models.OneToOneField(
        Change, on_delete=models.CASCADE, primary_key=True, related_name="file"
    )
    #: The Resource's dotted path.
    resource = models.CharField(gettext_lazy("resource"), max_length=200)
    name = models.CharField(gettext_lazy("file name"), max_length=200)
    #: Its path in IMPORT_FOLDER, while it lies there; see `jobs.feeds`.
    feed = models.CharField(  # noqa: DJ001 -- unique, where there is one
        gettext_lazy("feed"), max_length=700, null=True, unique=True
    )
    sha256 = models.CharField("SHA-256", max_length=64, db_index=True, blank=True)
    size = models.PositiveBigIntegerField(gettext_lazy("size in bytes"))
    #: Its rows once it is read; before that its line ends, about as many in a text file.
    lines = models.PositiveBigIntegerField(gettext_lazy("lines"), default=0)
    #: As chosen: see `profiles.OPTIONS`.
    options = models.JSONField(gettext_lazy("options"), default=dict)
    #: format, encoding, delimiter, mapping, warnings: as found.
    found = models.JSONField(gettext_lazy("found"), default=dict)
    causes = models.JSONField(gettext_lazy("causes of rejects"), default=list)
    #: Goes up by one in the transaction of every decision, so that what was made of an
    #: earlier state is known to be old.
    version = models.PositiveIntegerField(gettext_lazy("version"), default=0)
    #: `Review.state` of the page on which the writing was asked for; "" where no page was.
    shown = models.CharField(gettext_lazy("shown"), max_length=100, blank=True)

    class Meta:
        verbose_name = gettext_lazy("file of an import")
        verbose_name_plural = gettext_lazy("files of imports")

    def __str__(self) -> str:
        return self.name

    @property
    def resource_class(self) -> Any:
        return import_string(self.resource)

    def choose(self, options: dict[str, Any]) -> None:
        """Keep what was chosen. Raises JobStopped if a check of what was before has begun."""
        status = Change.Status.UPLOADED
        with transaction.atomic():
            jobs = Change.objects.select_for_update().filter(pk=self.pk, waiting="")
            if jobs.filter(status=status).first() is None:
                raise JobStopped
            self.options = options
            self.save(update_fields=["options"])

    @property
    def said_causes(self) -> Iterator[tuple[int, str, str, int]]:
        """`causes`, with their columns as forms call them."""
        titles = self.resource_class.titles() if self.causes else {}
        for rows, field, message, line in self.causes:
            names = ", ".join(titles.get(name, name) for name in field.split(", "))
            yield rows, names, message, line

    @property
    def same_file(self) -> models.QuerySet[Change]:
        """Earlier imports of the same file (by sha256) into this model, the latest first."""
        done = Change.objects.filter(status=Change.Status.DONE, model=self.change.model)
        return done.filter(file__sha256=self.sha256).exclude(pk=self.pk).order_by("-pk")

    @property
    def was_touched(self) -> bool:
        """Whether staff have decided about the rows, or had the file checked."""
        return bool(self.version or self.change.checked_by_id)

    def was_prepared_by(self, user: Any) -> bool:
        """Whether the user uploaded the file, had it checked, or decided about its rows."""
        prepared = user.pk in (self.change.user_id, self.change.checked_by_id)
        return prepared or self.decisions.filter(user=user).exists()
