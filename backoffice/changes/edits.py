"""Setting the same field values on any number of rows, in a few statements, with history.

An edit is recorded as a `Change`, so it can be undone like an import.
"""

import hashlib
from collections.abc import Iterator
from itertools import islice
from typing import Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError, router, transaction
from django.db.models import F, Field, Model, Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.utils import timezone
from django.utils.translation import gettext as _

from backoffice.changes.keys import held, temporary
from backoffice.changes.models import Change
from backoffice.history.records import Records
from backoffice.tables.planner import keep_statistics
from backoffice.tables.table import Table

CHUNK = 2_000  # rows that are read at once
LISTED = 20  # rows that `clean` refuses, in a sentence or on a page


class RowsMoved(Exception):
    """The rows or their values are no longer those of the preview. Nothing was written."""


class Refused(Exception):
    """The database, or the model's `clean`, refuses the new values. Nothing was written."""


class Edit:
    """Sets `values`, a cleaned `{field: value}`, on the rows of a queryset.

    The model's history must record changes: see `names_change`.
    """

    def __init__(self, queryset: QuerySet[Any], values: dict[Field[Any, Any], Any]) -> None:
        self.model, self.values = queryset.model, values
        self.using = router.db_for_write(self.model)
        keys = queryset.using(self.using).order_by().values("pk")
        self.rows = self.model._base_manager.using(self.using).filter(pk__in=keys)

    @property
    def changing(self) -> QuerySet[Any]:
        """The rows whose present values differ."""
        differs = Q()
        for field, value in self.values.items():
            if value is None:
                differs |= Q(**{f"{field.name}__isnull": False})
            else:
                differs |= ~Q(**{field.name: value})
        changing: QuerySet[Any] = self.rows.filter(differs)
        return changing

    def fingerprint(self, rows: QuerySet[Any] | None = None) -> tuple[int, str]:
        """`(number of rows that change, hash)`; the hash is of their keys and old values."""
        rows = self.changing if rows is None else rows
        old = [Cast(F(field.attname), TextField()) for field in self.values]
        found = rows.order_by("pk").values_list("pk", *old).iterator(chunk_size=CHUNK)
        number, digest = 0, hashlib.sha256()
        while chunk := list(islice(found, CHUNK)):
            number += len(chunk)
            digest.update(repr(chunk).encode())
        return number, digest.hexdigest()

    def refused(self) -> list[tuple[Model, str]]:
        """At most `LISTED` rows that the model's `clean` refuses, each with its reason."""
        return list(islice(self._refused(), LISTED))

    def _refused(self) -> Iterator[tuple[Model, str]]:
        if not cleans_itself(self.model):
            return
        for row in self.changing.iterator(chunk_size=CHUNK):
            for field, value in self.values.items():
                setattr(row, field.attname, value)
            if sentence := refusal(row):
                yield row, sentence

    def run(self, *, user: Any, title: str, expected: str | None = None) -> Change:
        """Write all rows or none, and return the Change that records it.

        title: of the change · expected: the fingerprint that the user confirmed.
        Raises RowsMoved and Refused.
        """
        try:
            with transaction.atomic(using=self.using), held(self.changing) as rows:
                updated, fingerprint = self.fingerprint(rows)
                if expected not in (None, fingerprint):
                    raise RowsMoved
                change = self._record_change(user, title, updated)
                self._write(rows, change)
        except IntegrityError as error:
            raise Refused(
                _("The database refused the change, so nothing was written: %s")
                % str(error).strip()
            ) from error
        return change

    def _record_change(self, user: Any, title: str, updated: int) -> Change:
        # Others may have written since the rows were held: the total is at least `updated`.
        now, rows = timezone.now(), max(self.rows.count(), updated)
        return Change.objects.create(
            kind=Change.Kind.EDIT,
            user=user,
            model=self.model._meta.label,
            title=title[:200],
            status=Change.Status.DONE,
            rows=rows,
            new=0,
            updated=updated,
            unchanged=rows - updated,
            rejected=0,
            started_at=now,
            applied_at=now,
            finished_at=now,
        )

    def _write(self, rows: QuerySet[Any], change: Change) -> None:
        records, signature = Records(Table(self.model)), change.signature
        keys = f"SELECT pk FROM {temporary(records.live, 'held_keys')}"
        records.write_missing(keys, signature.date)
        own = {
            field.name: signature.date
            for field in self.model._meta.concrete_fields
            if getattr(field, "auto_now", False)
        }
        rows.update(**own, **{field.name: value for field, value in self.values.items()})
        if cleans_itself(self.model):
            self._clean(rows)
        records.write(f"live.{records.pk} IN ({keys})", history_type="~", signature=signature)
        keep_statistics(records.live.connection, change.updated or 0, *records.tables)

    def _clean(self, rows: QuerySet[Any]) -> None:
        """Run each row's own `clean`, as its form would, and save what it changes."""
        fields = [f for f in Table(self.model).columns if not f.primary_key]
        found = rows.iterator(chunk_size=CHUNK)
        while chunk := list(islice(found, CHUNK)):
            changed: dict[Field[Any, Any], list[Model]] = {}
            for row in chunk:
                before = {field: getattr(row, field.attname) for field in fields}
                if sentence := refusal(row):
                    message = _("%(row)s was refused, so nothing was written: %(why)s")
                    raise Refused(message % {"row": row, "why": sentence})
                for field, value in before.items():
                    if getattr(row, field.attname) != value:
                        changed.setdefault(field, []).append(row)
            for field, its_rows in changed.items():
                self.model._base_manager.using(self.using).bulk_update(its_rows, [field.name])


def cleans_itself(model: type[Model]) -> bool:
    return model.clean is not Model.clean


def refusal(row: Model) -> str:
    """Why the model's own `clean` refuses a row; "" where it accepts it."""
    try:
        row.clean()
    except ValidationError as error:
        return " ".join(error.messages)
    return ""
