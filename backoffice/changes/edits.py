"""Setting fields of any number of rows at once: a statement each, history kept, undoable.

An edit is recorded as a job like an import's, so it is undone like one.
"""

import hashlib
from itertools import islice

from django.db import IntegrityError, connections, router, transaction
from django.db.models import F, Q, TextField
from django.db.models.functions import Cast
from django.utils import timezone
from django.utils.translation import gettext as _

from backoffice.changes.deletion import KEYS, held
from backoffice.changes.models import Change
from backoffice.history.records import Records
from backoffice.tables.planner import keep_statistics

CHUNK = 2_000  # rows that are read at once


class RowsMoved(Exception):
    """Other rows would change than was agreed to, or other values. Nothing was written."""


class Refused(Exception):
    """The database holds a rule that the new values would break. Nothing was written."""


class Edit:
    """`values`, `{field: value}` as the fields clean them, for the rows of a queryset.

    The model keeps history.
    """

    def __init__(self, queryset, values):
        self.model, self.values = queryset.model, values
        self.using = router.db_for_write(self.model)
        keys = queryset.using(self.using).order_by().values("pk")
        self.rows = self.model._base_manager.using(self.using).filter(pk__in=keys)

    @property
    def changing(self):
        """The rows that have other values now."""
        differs = Q()
        for field, value in self.values.items():
            if value is None:
                differs |= Q(**{f"{field.name}__isnull": False})
            else:
                differs |= ~Q(**{field.name: value})
        return self.rows.filter(differs)

    def fingerprint(self, rows=None):
        """`(how many change, text)`: another text for other rows, or other old values."""
        rows = self.changing if rows is None else rows
        old = [Cast(F(field.attname), TextField()) for field in self.values]
        found = rows.order_by("pk").values_list("pk", *old).iterator(chunk_size=CHUNK)
        number, digest = 0, hashlib.sha256()
        while chunk := list(islice(found, CHUNK)):
            number += len(chunk)
            digest.update(repr(chunk).encode())
        return number, digest.hexdigest()

    def run(self, *, user, title, expected=None):
        """Write it, all or nothing; the job that it is recorded as.

        title: of the job · expected: the fingerprint of what was agreed to. Raises RowsMoved
        and Refused.
        """
        try:
            with transaction.atomic(using=self.using), held(self.changing) as rows:
                updated, fingerprint = self.fingerprint(rows)
                if expected not in (None, fingerprint):
                    raise RowsMoved
                job = self._record_job(user, title, updated)
                self._write(rows, job)
        except IntegrityError as error:
            raise Refused(
                _("The database refused the change, so nothing was written: %s")
                % str(error).strip()
            ) from error
        return job

    def _record_job(self, user, title, updated):
        # Counted in a moment of its own, which others write before.
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

    def _write(self, rows, job):
        records = Records(connections[self.using], self.model)
        keys = f"SELECT pk FROM {KEYS}"
        records.write_missing(keys, job.applied_at)
        own = {
            field.name: job.applied_at
            for field in self.model._meta.concrete_fields
            if getattr(field, "auto_now", False)
        }
        rows.update(**own, **{field.name: value for field, value in self.values.items()})
        records.write(
            f"live.{records.pk} IN ({keys})",
            history_type="~",
            signature=job.signature,
        )
        keep_statistics(records.connection, job.updated, *records.tables)
