"""The pages of a change that has ended, and of its undo."""

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Exists, Model, OuterRef, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.admin.changes.base import ChangePages
from backoffice.admin.changes.deletion import MANY, typed_number
from backoffice.admin.lists.search import Search, text_lookups, words_of
from backoffice.admin.pages import history_page, may
from backoffice.admin.submissions.once import in_steps
from backoffice.admin.submissions.proof import demand_proof
from backoffice.changes.exemptions import exempt
from backoffice.changes.models import Change, JobStopped
from backoffice.changes.outside import lies_within
from backoffice.changes.undo import refusal, rights
from backoffice.history.names import names_then
from backoffice.history.records import history_model, names_change
from backoffice.history.scopes import within_then
from backoffice.jobs import tasks
from backoffice.jobs.limits import OutsideLimits
from backoffice.jobs.steps import undo_of
from backoffice.querysets.counts import Count
from backoffice.querysets.reach import Reach
from backoffice.querysets.scopes import is_scoped
from backoffice.trail.record import address_of

LINKED = 20  # records that the page links to
PER_PAGE = 100  # records of a page that asks which to leave alone

Status = Change.Status
LACKING = {
    "delete": gettext_lazy("undoing it deletes %(names)s, which you may not"),
    "change": gettext_lazy("undoing it changes %(names)s, which you may not"),
    "add": gettext_lazy("undoing it adds %(names)s again, which you may not"),
}


class UndoPages(ChangePages):
    may_delete_all: Any  # DeletionMixin's
    get_search_fields: Any  # ModelAdmin's

    # Before -------------------------------------------------------------------------

    @in_steps
    def import_undo_view(self, request: HttpRequest, pk: int | str) -> HttpResponse:
        """Show what an undo would change and what it would leave alone; undo on POST."""
        job = self._see_job(request, pk)
        if refused := self._refuse_undo(request, job):
            return refused
        context: dict[str, Any] = {}
        if request.method == "POST":
            if self._is_confirmed(request, job):
                demand_proof(request)
                try:
                    address = address_of(request)
                    return self._redirect(
                        tasks.start_undo(job, user=request.user, address=address)
                    )
                except JobStopped:
                    return self._redirect(job)
            context["not_confirmed"] = True
        with undo_of(job) as undo:
            counts = undo.plan()
            context |= {"counts": counts, "notes": undo.notes()}
            left = undo.left(LINKED, Reach.of(request.user))
        own = [pk for model, pk, *_rest in left if model is self.model]
        reach = Reach.of(request.user)
        unseen = set(self._unseen(request).filter(pk__in=own).values_list("pk", flat=True))
        context["left"] = [
            (history_page(self.admin_site, request, model, pk), text, why)
            for model, pk, text, why in left
            if (model is not self.model or pk not in unseen)
            and not (reach.is_limited and not reach.records(model).filter(pk=pk).exists())
        ]
        context["to_type"] = Count(counts.removed) if counts.removed > MANY else None
        context["title"] = _("Undo %s") % job
        return self._show(request, job, "undo", context)

    def _is_confirmed(self, request: HttpRequest, job: Change) -> bool:
        """Whether the number of records to delete was typed, where they are many."""
        if (job.new or 0) <= MANY:
            return True
        with undo_of(job) as undo:
            removed = undo.plan().removed
        return removed <= MANY or typed_number(request) == str(removed)

    def _refuse_undo(self, request: HttpRequest, job: Change) -> HttpResponse | None:
        """The response if the change can't be undone now, or not by this user."""
        if job.status != Status.DONE or job.waiting:
            return self._redirect(job)
        problem = refusal(job)
        if not problem and (lacking := self._lacks(request, job)):
            problem = _("Nothing was undone: %s. Ask somebody who may.") % lacking
        if not problem and not self._sees_all(request, job):
            problem = str(OutsideLimits())
        if not problem:
            return None
        messages.error(request, problem)
        return self._redirect(job)

    def _lacks(self, request: HttpRequest, job: Change) -> str:
        """Which rights the user lacks for the undo, in words; "" if none."""
        return "; ".join(
            str(LACKING[right]) % {"names": model._meta.verbose_name_plural}
            for model, right in rights(job)
            if not self._may(request, job, model, right)
        )

    def _may(self, request: HttpRequest, job: Change, model: type[Model], right: str) -> bool:
        if right == "delete" and model is self.model:
            created = self._written(job).filter(history_type="+").values(self.opts.pk.attname)
            rows = self.model._base_manager.filter(pk__in=created)
            return bool(self.may_delete_all(request, rows))
        return may(self.admin_site, request, right, model)

    def _sees_all(self, request: HttpRequest, job: Change) -> bool:
        """Whether the user made the change, or can see all its rows: an undo has no parts.

        With limits, all must lie within, whoever made it.
        """
        if is_scoped(request.user):
            return lies_within(job, request.user)
        if request.user.is_superuser or job.user_id == request.user.pk:
            return True
        return not self._written(job).filter(self._is_unseen(request)).exists()

    # Which records are left alone ---------------------------------------------------

    def undo_records_view(self, request: HttpRequest, pk: int | str) -> HttpResponse:
        """List what the change wrote; what is ticked there, the undo leaves alone."""
        job = self._see_job(request, pk)
        if refused := self._refuse_undo(request, job):
            return refused
        if request.method == "POST":
            return self._exempt(request, job)
        records = self._written(job).order_by("history_id")
        chosen = job.exemptions.filter(model=self.opts.label).values("record")
        term = request.GET.get("q", "").replace("\x00", "")
        show = "chosen" if request.GET.get("show") == "chosen" else ""
        if show:
            records = records.filter(history_id__in=chosen)
        search = self._record_search(request, term)
        if search is not None and term:
            records = records.filter(search.condition)
        page = Paginator(records, PER_PAGE).get_page(request.GET.get("p"))
        numbers = [record.history_id for record in page]
        context = {
            "title": _("Undo %s") % job,
            "page": page,
            "found": Count(page.paginator.count),
            "records": [
                (
                    record,
                    self._history_page(request, record),
                    text,
                )
                for record, text in zip(
                    page, names_then(list(page), Reach.of(request.user)), strict=True
                )
            ],
            "ticked": set(chosen.filter(record__in=numbers).values_list("record", flat=True)),
            "chosen": Count(chosen.count()),
            "is_searchable": search is not None,
            "q": term,
            "show": show,
        }
        return self._show(request, job, "undo_records", context)

    def _exempt(self, request: HttpRequest, job: Change) -> HttpResponse:
        """Store which of the records shown are ticked; on to the page that was asked for."""
        shown = _numbers(request.POST, "shown")[:PER_PAGE]
        ticked = self._written(job).filter(history_id__in=_numbers(request.POST, "leave"))
        ticked = ticked.filter(history_id__in=shown).values_list("history_id", flat=True)
        try:
            exempt(job, self.model, list(ticked), of=shown)
        except JobStopped:
            messages.error(request, _("Nothing was done: the import has moved on since."))
            return self._redirect(job)
        if "_back" in request.POST:
            return HttpResponseRedirect(self._url("import_undo", job.pk))
        query = QueryDict(mutable=True)
        for name in ("q", "show", "p"):
            if value := request.POST.get(name):
                query[name] = value
        page = self._url("import_undo_records", job.pk)
        return HttpResponseRedirect(f"{page}?{query.urlencode()}")

    def _record_search(self, request: HttpRequest, term: str) -> Search | None:
        """A search in the history of this model; None if the model's list has none."""
        history = history_model(self.model)
        kept = {field.name for field in history._meta.get_fields()}
        names = [
            name
            for name in self.get_search_fields(request)
            if name.lstrip("^=").partition("__")[0] in kept
        ]
        lookups = text_lookups(history, names)
        return Search(history, list(words_of(term)), lookups) if lookups else None

    # After --------------------------------------------------------------------------

    def _ended(self, request: HttpRequest, job: Change) -> dict[str, Any]:
        return {
            "records": self._links(request, self._written(job)),
            "can_undo": job.status == Status.DONE and not refusal(job),
            "lacks": job.status == Status.DONE and self._lacks(request, job),
            "undo": job.undo,
            "left": self._links(request, self._left(job)),
        }

    def _links(
        self, request: HttpRequest, records: QuerySet[Any]
    ) -> list[tuple[str | None, str]]:
        """The first of the records that the user may see: `[(page, text), …]`."""
        if not names_change(self.model):
            return []
        seen = within_then(records.exclude(self._is_unseen(request)), request.user)
        found = list(seen.order_by("history_id")[:LINKED])
        return [
            (self._history_page(request, record), text)
            for record, text in zip(
                found, names_then(found, Reach.of(request.user)), strict=True
            )
        ]

    def _history_page(self, request: HttpRequest, record: Any) -> str | None:
        key = getattr(record, self.opts.pk.attname)
        return history_page(self.admin_site, request, self.model, key)

    def _written(self, job: Change) -> QuerySet[Any]:
        """The history records of this model that the job wrote; empty if none has it."""
        if not names_change(self.model):
            nothing: QuerySet[Any] = self.model._base_manager.none()
            return nothing
        records: QuerySet[Any] = history_model(self.model)._base_manager.all()
        return records.filter(history_change=job)

    def _left(self, undo: Change) -> QuerySet[Any]:
        """The records of the change that this undo left alone; not those gone before it."""
        written = self._written(undo)
        if undo.undoes is None or undo.status != Status.DONE or not undo.rejected:
            return written.none()
        key = self.opts.pk.attname
        live = self.model._base_manager.filter(pk=OuterRef(key))
        return self._written(undo.undoes).filter(
            ~Exists(written.filter(**{key: OuterRef(key)})),
            Q(history_type="-") | Exists(live),
        )

    def _unseen(self, request: HttpRequest) -> QuerySet[Any]:
        """The rows that exist, but that this user can't see."""
        rows: QuerySet[Any] = self.model._base_manager.all()
        seen = self.get_queryset(request).order_by()
        if not seen.query.has_filters():
            return rows.none()
        return rows.filter(~Exists(seen.filter(pk=OuterRef("pk"))))

    def _is_unseen(self, request: HttpRequest) -> Exists:
        return Exists(self._unseen(request).filter(pk=OuterRef(self.opts.pk.attname)))


def _numbers(data: QueryDict, name: str) -> list[int]:
    """The numbers that a form sent under a name; what is no number is left out."""
    return [int(text) for text in data.getlist(name) if text.isdecimal() and len(text) < 19]
