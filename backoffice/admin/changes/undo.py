"""The pages of a change that has ended, and of its undo."""

from typing import Any

from django.contrib import messages
from django.contrib.auth import get_permission_codename
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from backoffice.admin.changes.base import ChangePages
from backoffice.changes.models import Change, JobStopped
from backoffice.changes.undo import Undo, changed_models, refusal
from backoffice.history.records import history_model, names_change
from backoffice.jobs import tasks

LINKED = 20  # records that the page links to

Status = Change.Status


class UndoPages(ChangePages):
    def import_undo_view(self, request: HttpRequest, pk: int | str) -> HttpResponse:
        """Show what an undo would change and what it would leave alone; undo on POST."""
        job = self._get_job(request, pk)
        if job.status != Status.DONE or job.waiting:
            return self._redirect(job)
        if problem := refusal(job):
            messages.error(request, problem)
            return self._redirect(job)
        if not self._may_undo(request, job):
            problem = _(
                "Nothing was undone: it wrote records that you may not see. Ask whoever"
                " made it, or a superuser."
            )
            messages.error(request, problem)
            return self._redirect(job)
        if request.method == "POST":
            try:
                return self._redirect(tasks.start_undo(job, user=request.user))
            except JobStopped:
                return self._redirect(job)
        with Undo(job) as undo:
            context = {"counts": undo.plan(), "notes": undo.notes()}
            left = undo.left(LINKED)
        own = [pk for model, pk, *_rest in left if model is self.model]
        unseen = set(self._unseen(request).filter(pk__in=own).values_list("pk", flat=True))
        context["left"] = [
            (self._history_page(model, pk), text, why)
            for model, pk, text, why in left
            if model is not self.model or pk not in unseen
        ]
        return self._show(request, job, "undo", context)

    def _ended(self, request: HttpRequest, job: Change) -> dict[str, Any]:
        records = []
        if job.applied_at:
            written = self._written(job).exclude(self._is_unseen(request))
            found = written.order_by("history_id")[:LINKED]
            key = self.opts.pk.attname
            records = [
                (self._history_page(self.model, getattr(record, key)), str(record.instance))
                for record in found
            ]
        can_undo = job.status == Status.DONE and not refusal(job)
        return {
            "records": records,
            "can_undo": can_undo,
            "undo": job.undo,
            "restored": (job.updated or 0) + (job.new or 0),
        }

    def _written(self, job: Change) -> QuerySet[Any]:
        """The history records of this model that the job wrote; empty if none has it."""
        if not names_change(self.model):
            nothing: QuerySet[Any] = self.model._base_manager.none()
            return nothing
        records: QuerySet[Any] = history_model(self.model)._base_manager.all()
        return records.filter(history_change=job)

    def _unseen(self, request: HttpRequest) -> QuerySet[Any]:
        """The rows that exist, but that this user can't see."""
        rows: QuerySet[Any] = self.model._base_manager.all()
        seen = self.get_queryset(request).order_by()
        if not seen.query.has_filters():
            return rows.none()
        return rows.filter(~Exists(seen.filter(pk=OuterRef("pk"))))

    def _is_unseen(self, request: HttpRequest) -> Exists:
        return Exists(self._unseen(request).filter(pk=OuterRef(self.opts.pk.attname)))

    def _may_undo(self, request: HttpRequest, job: Change) -> bool:
        """Whether the user made the change, or can see all its rows: an undo has no parts.

        Undoing a deletion requires the permissions to add and change for all its models.
        """
        if job.kind == Change.Kind.DELETION:
            for opts in (model._meta for model in changed_models(job)):
                for action in ("add", "change"):
                    codename = get_permission_codename(action, opts)
                    if not request.user.has_perm(f"{opts.app_label}.{codename}"):
                        return False
        if request.user.is_superuser or job.user_id == request.user.pk:
            return True
        return not self._written(job).filter(self._is_unseen(request)).exists()
