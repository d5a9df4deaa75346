"""`Erasure` of one row: nothing names the person any more, and everything stays counted.

The row goes, and its history; the name goes from what else was kept of it. What stays is a line
of the trail that says when somebody of this key was erased, and by whom.
"""

import functools
import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import DatabaseError, connections, router, transaction
from django.db.models import FileField, Model, ProtectedError, QuerySet, RestrictedError
from django.utils.translation import gettext as _

from backoffice.changes.deletion import Deletion
from backoffice.changes.files import remove
from backoffice.changes.models import Change, ImportFile
from backoffice.erasure import files, rows
from backoffice.erasure.names import MARK, Names
from backoffice.erasure.personal import personal_fields
from backoffice.exports.made import ExportFile
from backoffice.history.records import Signature, history_model, names_change, purge
from backoffice.tables.search_index import PREFIX
from backoffice.tables.table import Table
from backoffice.trail.models import Entry
from backoffice.trail.record import record

logger = logging.getLogger(__name__)

Status = Change.Status


class NotErased(Exception):
    """Nothing was erased; the message says why, and what to do."""


@dataclass(frozen=True)
class Gone:
    """A row that was erased, as the trail calls it."""

    pk: Any

    def __str__(self) -> str:
        return MARK


class Erasure:
    """Of the row of `model` with the key `pk`, be it there or only in history.

    Raises NotErased if there is no such row, or if the model names nobody.
    """

    def __init__(self, model: type[Model], pk: Any) -> None:
        self.model = model._meta.concrete_model or model
        self.pk, self.using = pk, router.db_for_write(self.model)
        fields = personal_fields(self.model)
        if not fields:
            text = _("%s names nobody: its model declares no `personal` fields.")
            raise NotErased(text % self.model._meta.label)
        self.row = self._find_row()
        self.histories: list[QuerySet[Any]] = list(self._histories())
        texts = [getattr(self.row, name) for name in fields] if self.row else []
        for records in self.histories:
            known = {field.name for field in records.model._meta.concrete_fields}
            for name in known.intersection(fields):
                texts += records.order_by().values_list(name, flat=True).distinct()
        if self.row is None and not texts:
            text = _("There is no %(name)s with the key %(pk)s, and none in the history.")
            raise NotErased(text % {"name": self.model._meta.verbose_name, "pk": pk})
        self.names = Names(texts)

    def _find_row(self) -> Any:
        return self.model._base_manager.using(self.using).filter(pk=self.pk).first()

    def _histories(self) -> Iterator[QuerySet[Any]]:
        """The records of the row, and of the tables that it inherits."""
        for model in (self.model, *self.model._meta.get_parent_list()):
            if history := history_model(model):
                records: QuerySet[Any] = QuerySet(history).using(self.using)
                yield records.filter(**{model._meta.pk.attname: self.pk})

    # Beforehand -----------------------------------------------------------------------

    def found(self) -> dict[str, int]:
        """How many of what name the person, by what staff call it."""
        found = Counter[str]()
        found[str(self.model._meta.verbose_name)] = int(self.row is not None)
        for records in self.histories:
            found[_("records of history")] += records.count()
        for model, number in rows.count(self.names).items():
            found[str(model._meta.verbose_name_plural)] += number
        exports = self._exports().count()
        found[_("imports whose files are removed")] = len(self.folders) - exports
        found[_("exports whose files are removed")] = exports
        found[_("files of feeds")] = len(self.feeds)
        return {what: number for what, number in found.items() if number}

    def namesakes(self) -> int:
        """How many other rows have the same values: they stay as they are."""
        if self.row is None:
            return 0
        same = {name: getattr(self.row, name) for name in personal_fields(self.model)}
        others = self.model._base_manager.using(self.using).filter(**same)
        return others.exclude(pk=self.pk).count()

    @functools.cached_property
    def folders(self) -> list[str]:
        self.looked_through = set(self._whole_exports().values_list("pk", flat=True))
        return list(files.import_folders(self.names))

    @functools.cached_property
    def feeds(self) -> list[Path]:
        """The files of feeds, imported or refused. Raises NotErased if one still waits."""
        found = list(files.feed_files(self.names))
        waiting = [path.name for path, waits in found if waits]
        if waiting:
            text = _("%d files that name this person wait to be imported by a feed.")
            raise NotErased(
                text % len(waiting)
                + " "
                + _("Have them imported, or take the person out of them, and erase again.")
            )
        return [path for path, _waits in found]

    def check(self) -> None:
        """Raise NotErased if something forbids it."""
        if self.row is not None:
            deletion = Deletion(self.model._base_manager.filter(pk=self.pk))
            for forbidding in deletion.forbidden():
                if forbidding.exists():
                    raise NotErased(_forbidden(forbidding.model))
        self._refuse_busy()
        len(self.feeds)  # which raises as well

    def _refuse_busy(self) -> None:
        busy = self._imports().filter(change__status__in=(Status.CHECKING, Status.APPLYING))
        busy |= self._imports().exclude(change__waiting="")
        for file in busy.order_by("pk")[:1]:
            text = _(
                "Import %d has the name in its file and is at work. Erase when it is done."
            )
            raise NotErased(text % file.pk)

    def _imports(self) -> QuerySet[ImportFile]:
        kept = ImportFile.objects.exclude(folder="")
        return kept.filter(folder__in=self.folders)

    def _exports(self) -> QuerySet[ExportFile]:
        return ExportFile.objects.exclude(folder="").filter(folder__in=self.folders)

    @staticmethod
    def _whole_exports() -> QuerySet[ExportFile]:
        return ExportFile.objects.exclude(folder="").exclude(file="")

    # Doing it -------------------------------------------------------------------------

    def run(
        self, *, user: Any = None, name: str = "", address: str | None = None
    ) -> dict[str, int]:
        """Erase, and return what `found` says was. Raises NotErased.

        user, name, address: as `trail.record.record` has them.
        """
        self.check()
        found = self.found()
        with transaction.atomic(using=self.using):
            # An undo may have brought the row back by now; from here on none can.
            Table(self.model, connections[self.using]).lock_for_rows()
            self.row = self._find_row()
            attached = list(self._attached())
            self._settle_imports()
            self._delete_row(user)
            self._count_in_changes()
            for records in self.histories:
                purge(records)
            self._take_names_out()
            record(
                "erase",
                user=user,
                name=name,
                address=address,
                model=self.model,
                obj=Gone(self.pk),
                message=", ".join(f"{number} {what}" for what, number in found.items()),
                count=sum(found.values()),
            )
            transaction.on_commit(lambda: self._clean_up(attached), using=self.using)
        return found

    def _settle_imports(self) -> None:
        """Of imports that lose their file: those that were not written are cancelled."""
        for file in self._imports().select_related("change"):
            if file.change.is_import and file.change.cancel():
                said = _("Its file named somebody who was erased. Choose one without them.")
                Change.objects.filter(pk=file.pk).update(error=said)
        self._refuse_busy()  # it may have been begun since, and would write the person again
        self._imports().update(folder="")
        self._exports().update(folder="")

    def _delete_row(self, user: Any) -> None:
        if self.row is None:
            return
        deletion = Deletion(self.model._base_manager.using(self.using).filter(pk=self.pk))
        reason = _("Somebody was erased")
        if deletion.is_plain:
            deletion.delete(Signature(user_id=user and user.pk, reason=reason), reason, reason)
            return
        self.row._change_reason = reason
        try:
            self.row.delete()
        except (ProtectedError, RestrictedError) as error:
            raise NotErased(_forbidden(self.model)) from error

    def _count_in_changes(self) -> None:
        """The changes that wrote the row say that an undo can't bring it back."""
        label = self.model._meta.label
        if not names_change(self.model):
            return
        of = self.histories[0].exclude(history_change=None).order_by()
        keys = of.values_list("history_change", flat=True).distinct()
        changes = Change.objects.select_for_update().order_by("pk")
        for change in changes.filter(pk__in=list(keys)):
            change.erased[label] = change.erased.get(label, 0) + 1
            change.save(update_fields=["erased"])

    def _take_names_out(self) -> None:
        if self.names:
            rows.erase(self.names)
            rows.erase_from_sessions(self.names)
        about: QuerySet[Any] = QuerySet(Entry).filter(
            model=self.model._meta.label, object_id=str(self.pk)
        )
        about.update(object_name=MARK)  # it may have been cut short, or have details

    def _attached(self) -> Iterator[Any]:
        """The files of the row's own fields: `(storage, name)`."""
        fields = [f for f in self.model._meta.concrete_fields if isinstance(f, FileField)]
        for field in fields:
            names = {getattr(self.row, field.attname).name} if self.row else set()
            for records in self.histories:
                names |= set(records.order_by().values_list(field.name, flat=True))
            yield from ((field.storage, str(name)) for name in names if name)

    def _end_exports(self) -> None:
        """Exports that were made meanwhile may have read the row before it went."""
        error = _("Somebody was erased meanwhile. Ask for it again.")
        at_work = Change.objects.filter(kind=Change.Kind.EXPORT, status=Status.CHECKING)
        for job in at_work:
            if job.cancel():
                Change.objects.filter(pk=job.pk).update(error=error)
        for made in self._whole_exports().exclude(pk__in=self.looked_through):
            made.remove()

    def _clean_up(self, attached: list[Any]) -> None:
        self._end_exports()
        for path in self.feeds:
            path.unlink(missing_ok=True)
        for storage, name in attached:
            storage.delete(name)
        clean_database(self.using, self.model, *(r.model for r in self.histories))
        for folder in self.folders:  # last: if a bucket is away now, all else is gone
            remove(folder)


def _forbidden(model: type[Model]) -> str:
    text = _("Other records need it: %s. Delete them, or have them name another, first.")
    return text % model._meta.verbose_name_plural


def was_erased(model: type[Model], pk: Any) -> Entry | None:
    """The line of the trail about the erasure of a row; None if it was not erased."""
    lines = Entry.objects.filter(model=model._meta.label, object_id=str(pk), action="erase")
    return lines.order_by("-pk").first()


def clean_database(using: str, *models: type[Model]) -> bool:
    """Have the database's own files forget what was deleted; False if others keep it from it.

    SQLite keeps it in free pages, in the write-ahead log and in search indexes; PostgreSQL in
    dead rows until they are vacuumed. In a transaction nothing can be done.
    """
    connection = connections[using]
    if connection.in_atomic_block:
        return False
    quote = connection.ops.quote_name
    try:
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                every: set[type[Model]] = {*models, Entry, Change}
                for model in every:
                    cursor.execute(f"VACUUM {quote(model._meta.db_table)}")
                return True
            if connection.vendor != "sqlite":
                return True
            cursor.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table'"
                " AND sql LIKE 'CREATE VIRTUAL TABLE%%' AND substr(name, 1, %s) = %s",
                [len(PREFIX), PREFIX],
            )
            for (name,) in cursor.fetchall():
                table = quote(name)
                cursor.execute(f"INSERT INTO {table} ({table}) VALUES ('optimize')")  # noqa: S608 # its own name
            cursor.execute("VACUUM")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            is_busy, *_pages = cursor.fetchone()
            return not is_busy
    except DatabaseError:
        logger.warning("The database's file is not cleaned after an erasure", exc_info=True)
        return False
