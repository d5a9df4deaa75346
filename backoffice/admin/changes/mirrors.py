"""What a mirror deletes: its tab of the review, the right to it, and the confirmation."""

from typing import Any

from django.apps import apps
from django.contrib.admin.utils import quote
from django.core.paginator import Page, Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch
from django.utils.translation import gettext as _

from backoffice.admin.changes.base import ChangePages
from backoffice.admin.changes.deletion import MANY, typed_number
from backoffice.changes.models import Change
from backoffice.changes.undo import plural
from backoffice.jobs.missing import MissingRows, Row
from backoffice.querysets.counts import Count

CHUNK = 500  # keys in one statement


class MirrorPages(ChangePages):
    may_delete_all: Any  # DeletionMixin's

    def _mirror(self, job: Change) -> dict[str, Any]:
        """What the review says of the mirror; nothing where there is none."""
        found = job.file.found.get("missing")
        if not found:
            return {}
        # The job's own model first: PostgreSQL keeps no order in JSON.
        numbers = {**found["removed"], **found["lost"]}.items()
        going = dict(sorted(numbers, key=lambda each: (each[0] != job.model, each[0])))
        return {
            "mirror_refusal": found["refusal"],
            "mirror_lost": bool(found["lost"]),
            "going": [
                (Count(number), _named(label, number)) for label, number in going.items()
            ],
            "to_type": Count(job.removed) if job.removed > MANY else None,
        }

    def _missing_page(
        self, request: HttpRequest, job: Change, number: str, size: int
    ) -> Page[Any]:
        """A page of the records: `(URL or None, texts)`; no texts where they aren't seen."""
        page: Page[Any] = Paginator[Any](MissingRows(job), size).get_page(number)
        rows: list[Row] = list(page.object_list)
        seen = {str(pk) for pk in self._seen(request, [pk for pk, _texts in rows])}
        page.object_list = [
            (self._page_of(pk), texts) if pk in seen else (None, []) for pk, texts in rows
        ]
        return page

    def _page_of(self, pk: str) -> str | None:
        try:
            return str(self._url("change", quote(pk)))
        except NoReverseMatch:
            return None

    def _seen(self, request: HttpRequest, pks: list[str]) -> QuerySet[Any, Any]:
        seen = self.get_queryset(request).order_by().filter(pk__in=pks)
        return seen.values_list("pk", flat=True)

    def _refuses_mirror(self, request: HttpRequest, job: Change) -> str:
        """Why this user can't have deleted what the file lacks; "" if so, or if nothing is."""
        if not job.removed:
            return ""
        found = job.file.found["missing"]
        for label in [*found["removed"], *found["lost"]]:
            if not self._may_delete(request, apps.get_model(label)):
                return _(
                    "Nothing was written: you may not delete %s. Ask somebody who may, or take"
                    " the mirror out on the columns page."
                ) % plural(label)
        if not self._sees_missing(request, job):
            return _(
                "Nothing was written: records would be deleted that you may not see. Ask a"
                " superuser."
            )
        if job.removed > MANY and typed_number(request) != str(job.removed):
            return _("Nothing was written: what you typed does not match.")
        return ""

    def _may_delete(self, request: HttpRequest, model: type[Model]) -> bool:
        if not self.admin_site.is_registered(model):
            return True  # as for a list's deletion
        return bool(self.admin_site.get_model_admin(model).has_delete_permission(request))

    def _sees_missing(self, request: HttpRequest, job: Change) -> bool:
        if not self.get_queryset(request).order_by().query.has_filters():
            return True
        rows = MissingRows(job)
        for start in range(0, len(rows), CHUNK):
            pks = [pk for pk, _texts in rows[start : start + CHUNK]]
            if self._seen(request, pks).count() != len(pks):
                return False
        return True


def _named(label: str, number: int) -> str:
    """What staff call so many rows of a model: "library" or "libraries"."""
    opts = apps.get_model(label)._meta
    return str(opts.verbose_name if number == 1 else opts.verbose_name_plural)
