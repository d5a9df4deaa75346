"""The review of a checked import: what would be written, row by row, and what staff decide."""

from pathlib import Path
from typing import Any

from django.contrib import messages
from django.contrib.admin.utils import quote
from django.core.exceptions import BadRequest, ValidationError
from django.core.paginator import Paginator
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch
from django.utils.decorators import method_decorator
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from backoffice.admin.changes.answers import Answers
from backoffice.admin.changes.base import downloads
from backoffice.admin.changes.columns import owner_note
from backoffice.admin.changes.mirrors import MirrorPages
from backoffice.admin.changes.places import DECIDED, MISSING, TABS, Place, is_number
from backoffice.admin.changes.review_rows import Shower, answer
from backoffice.admin.submissions.once import in_steps
from backoffice.admin.submissions.proof import demand_proof
from backoffice.changes.decisions import Decision
from backoffice.changes.models import Change, JobStopped
from backoffice.history.records import names_change
from backoffice.imports.decided import ALIKE
from backoffice.imports.review.downloads import Seen
from backoffice.jobs import tasks
from backoffice.jobs.missing import MissingRows
from backoffice.jobs.opening import fetch_upload
from backoffice.jobs.profiles import profile_of, remember
from backoffice.jobs.review import Cause, Review, ReviewRow
from backoffice.jobs.steps import create_job, download
from backoffice.querysets.counts import Count
from backoffice.querysets.scopes import within
from backoffice.readers.source import ReaderError
from backoffice.trail.record import address_of

Answer = Decision.Answer

PER_PAGE = 50  # rows
FIELDS = 800  # of one form's rows; Django takes 1,000 in all
#: What becomes of a row, for the message after a decision about it.
BECAME = {
    "new": gettext_lazy("Mended: row %(line)s is new now."),
    "updated": gettext_lazy("Mended: row %(line)s updates its record now."),
    "unchanged": gettext_lazy("Mended: row %(line)s says nothing new now."),
    "aside": gettext_lazy("Row %(line)s is set aside."),
    "alike": gettext_lazy("Row %(line)s looks like a record."),
    "rejected": gettext_lazy("Row %(line)s is still rejected: %(problem)s"),
}


class ReviewPages(MirrorPages):
    # Buttons ------------------------------------------------------------------------

    @in_steps
    @method_decorator(require_POST)
    def process_import(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Cancel or check again, by the button that was pressed; a review writes."""
        number = request.POST.get("job", "")
        if not number.isdecimal():
            raise Http404
        job = self._get_job(request, number)
        if "_cancel" in request.POST:
            if not job.cancel():
                messages.error(request, _("It can no longer be cancelled."))
        elif "_again" in request.POST:
            job = self._again(request, job)
        else:
            raise BadRequest
        return self._redirect(job)

    def _write(self, request: HttpRequest, job: Change, shown: str) -> None:
        """Have it written by this user; shown: `Review.state` of the page."""
        if job.may_apply and (refusal := self._refuses_mirror(request, job)):
            messages.error(request, refusal)
            return
        if job.removed:
            demand_proof(request)
        try:
            if not job.may_apply:
                raise JobStopped
            tasks.start_apply(job, user=request.user, shown=shown, address=address_of(request))
        except JobStopped as stopped:
            moved = _("Nothing was done: the import has moved on since.")
            messages.error(request, str(stopped) or moved)

    def import_file_view(
        self, request: HttpRequest, pk: int | str, name: str
    ) -> StreamingHttpResponse:
        """Download the rejects or the changes."""
        job = self._get_job(request, pk)
        if name not in downloads(job, request.user):
            raise Http404
        try:
            blocks = download(job, name, self._seen_keys(request))
        except ReaderError as error:
            raise Http404(str(error)) from error
        disposition = content_disposition_header(True, f"{Path(job.title).stem}-{name}")
        headers = {"Content-Disposition": disposition}
        return StreamingHttpResponse(blocks, content_type="text/csv", headers=headers)

    def _seen_keys(self, request: HttpRequest) -> Seen | None:
        """Finds out which of some records the user may see; None where that is all."""
        records = self.get_queryset(request).order_by()
        if not records.query.has_filters():
            return None
        return lambda pks: set(
            map(str, records.filter(pk__in=pks).values_list("pk", flat=True))
        )

    def _again(self, request: HttpRequest, job: Change) -> Change:
        """Create a new job with the same file and options; the old one keeps its status."""
        if not job.is_import:
            messages.error(request, _("The file is no longer kept. Choose it again."))
            return job
        try:
            path = fetch_upload(job.file)
        except ReaderError as error:
            messages.error(request, str(error))
            return job
        options = {k: v for k, v in job.file.options.items() if k != "headers_key"}
        with path.open("rb") as file:
            blocks = iter(lambda: file.read(1 << 20), b"")
            return create_job(
                job.file.resource_class,
                blocks,
                file_name=job.file.name,
                user=request.user,
                **options,
            )

    # The page -----------------------------------------------------------------------

    def _review(self, request: HttpRequest, job: Change) -> HttpResponse:
        """Show the review; on POST, take decisions or write."""
        try:
            review = Review(job)
        except ReaderError as error:
            return self._show(request, job, "lost", {"problem": str(error)})
        if review.is_checking:
            return self._redirect(job)
        if request.method == "POST":
            return self._answer(request, review)
        place = Place.of(request.GET, review.counts)
        return self._show(request, job, "review", self._page(request, review, place))

    def _page(self, request: HttpRequest, review: Review, place: Place) -> dict[str, Any]:
        job = review.job
        columns = len(job.file.found.get("mapping", {}))
        context = self._parts(request, review, place)
        if place.tab == DECIDED:
            page: Any = Paginator(review.decisions(), PER_PAGE).get_page(place.number)
            labels = context["labels"]
            context["decided_rows"] = [(d, labels.get(d.field, d.field)) for d in page]
        elif place.tab == MISSING:
            page = self._missing_page(request, job, place.number, PER_PAGE)
        else:
            page = review.page(
                place.tab,
                search=place.search,
                cause=place.cause if place.is_mending else None,
                number=place.number,
                size=max(1, min(PER_PAGE, FIELDS // (columns + 2))),
            )
            rows = list(page)
            context["rows"] = self._rows(request, review, rows, place)
            context["lines"] = " ".join(str(row.line) for row in rows)
        field = place.values_of if place.values_of in context["labels"] else ""
        if field and place.is_mending:
            context["values"] = review.values(field)[:PER_PAGE]
            context["values_label"] = context["labels"][field]
            context["profile"] = profile_of(job.file)
        same_file = within(job.file.same_file, request.user).first()
        return context | {"page": page, "same_file": same_file}

    def _parts(self, request: HttpRequest, review: Review, place: Place) -> dict[str, Any]:
        """What a page and the answer to a decision both have, beside rows."""
        job, counts = review.job, review.counts
        labels = job.file.resource_class.titles()
        mapped = job.file.found.get("mapping", {})
        causes = filter(place.has, review.causes()) if place.is_mending else []
        newest = job.file.decisions.order_by("-decided_at").first()
        written = counts["new"] + counts["updated"]
        return {
            "review": review,
            "place": place,
            "counts": {name: Count(number) for name, number in counts.items()},
            "tabs": [(tab, label, Count(counts[tab])) for tab, label in TABS.items()],
            "decided": Count(job.file.decisions.count()),
            "labels": labels,
            "columns": [labels.get(name, name) for name in mapped],
            "causes": [self._cause(cause, place, labels) for cause in causes],
            "since": newest.decided_at.isoformat() if newest else "",
            "written": Count(written),
            "written_names": self._names(written),
            "left": Count(counts["rejected"] + counts["alike"]),
            "is_undoable": names_change(self.model),
            "unlinked": [
                (labels.get(name, name), Count(links), Count(records), self._names(records))
                for name, (links, records) in job.file.found.get("unlinked", {}).items()
            ],
            "needs_another": tasks.needs_another(job, request.user),
            "may_write": bool(written or job.removed),
            "missing": Count(len(MissingRows(job))),
            **self._mirror(job),
        }

    def _names(self, number: int) -> Any:
        return self.opts.verbose_name if number == 1 else self.opts.verbose_name_plural

    def _cause(self, cause: Cause, place: Place, labels: dict[str, str]) -> dict[str, Any]:
        """A cause as a line of the page, with what its buttons say."""
        about = {"field": cause.field, "code": cause.code}
        is_alike, is_cell = cause.code == ALIKE, cause.field in labels
        answers = [
            (Answer.SAME, _("same record")) if is_alike else None,
            (Answer.NEW, _("another record")) if is_alike else None,
            (Answer.BLANK, _("leave blank"))
            if cause.field in labels and not is_alike
            else None,
            (Answer.SKIP, _("set aside")),
        ]
        return {
            "cause": cause,
            "rows": Count(cause.rows),
            "label": ", ".join(labels.get(n, n) for n in cause.field.split(", ") if n),
            "is_shown": cause.number == place.cause,
            "has_values": is_cell and cause.rows > 1 and not is_alike,
            "buttons": [
                (label, answer(answer=given, **about)) for given, label in filter(None, answers)
            ],
        }

    def _rows(
        self, request: HttpRequest, review: Review, rows: list[ReviewRow], place: Place
    ) -> Any:
        file = review.job.file
        key = file.options.get("match") or file.resource_class._meta.import_id_fields
        shower = Shower(
            file.resource_class.titles(), key, lambda pks: self._pages_of(request, pks)
        )
        return shower.show(rows, place.editing)

    def _pages_of(self, request: HttpRequest, pks: set[Any]) -> dict[Any, str | None]:
        """The URLs of the records' pages: of those that the user may see."""
        seen = self.get_queryset(request).order_by().filter(pk__in=pks)
        found: dict[Any, str | None] = {}
        for pk in seen.values_list("pk", flat=True):
            try:
                found[pk] = self._url("change", quote(pk))
            except NoReverseMatch:
                found[pk] = None
        return found

    # Decisions ----------------------------------------------------------------------

    def _answer(self, request: HttpRequest, review: Review) -> HttpResponse:
        """Take what the form decides; then show the page, or its changed parts to a script."""
        answers = Answers(request.POST, review, request.user)
        said = list(answers.refused)
        try:
            if answers.taken_back:
                review.take_back(request.user, *answers.taken_back)
            if answers.decisions:
                review.decide(request.user, *answers.decisions)
        except ValidationError as error:
            said += error.messages
        except JobStopped:
            messages.error(request, _("Nothing was done: the import has moved on since."))
            return self._redirect(review.job)
        else:
            profile = profile_of(review.job.file) if "remember" in request.POST else None
            if profile and remember(profile, request.user, *answers.decisions):
                said += filter(None, [owner_note()])
            if not review.is_checking:
                said += self._became(request, review, answers)
        is_refused = bool(answers.refused)
        said += self._of_others(request, review, answers)
        if "_apply" in request.POST:
            return self._write_shown(request, review, answers, said)
        if request.headers.get("X-Requested-With") == "fetch" and not review.is_checking:
            return self._changed_parts(request, review, said)
        for sentence in said:
            messages.add_message(
                request, messages.WARNING if is_refused else messages.SUCCESS, sentence
            )
        query = request.GET.copy()
        query.pop("edit", None)
        return HttpResponseRedirect(f"{request.path}?{query.urlencode()}")

    def _write_shown(
        self, request: HttpRequest, review: Review, answers: Answers, said: list[str]
    ) -> HttpResponse:
        """Write, unless the page did not show all that is decided: then show it first."""
        job = review.job
        is_shown = request.POST["_apply"] == review.state
        if answers.decisions or answers.taken_back or not is_shown:
            said.append(_("Nothing is written yet: look at what is written now."))
            for sentence in said:
                messages.warning(request, sentence)
        else:
            self._write(request, job, review.state)
        return self._redirect(job)

    def _changed_parts(
        self, request: HttpRequest, review: Review, said: list[str]
    ) -> HttpResponse:
        place = self._place(request, review)
        lines = [
            int(n) for n in request.POST.get("lines", "").split()[:PER_PAGE] if is_number(n)
        ]
        context = {
            **self._parts(request, review, place),
            "rows": self._rows(request, review, review.rows(*lines), place),
            "lines": " ".join(map(str, lines)),
            "said": said,
            "job": review.job,
            "opts": self.opts,
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "admin/backoffice/review/answer.html", context)

    @staticmethod
    def _place(request: HttpRequest, review: Review) -> Place:
        """What the page shows that the form is of: its tab may need no decision by now."""
        query = request.GET.copy()
        query["tab"] = request.POST.get("tab", "")
        return Place.of(query, review.counts)

    def _became(self, request: HttpRequest, review: Review, answers: Answers) -> list[str]:
        """Sentences about what became of the rows that were decided about."""
        lines = {d.line for d in answers.decisions if d.line is not None}
        if answers.taken_back:
            return [_("Taken back.")]
        if not answers.decisions:
            return []
        if len(lines) != 1 or any(d.line is None for d in answers.decisions):
            left = Count(review.counts["open"])
            return [_("Saved. Rows that still need a decision: %s.") % left]
        place = self._place(request, review)
        (shown,) = self._rows(request, review, review.rows(*lines), place)
        row = shown.row
        problems = [*row.problems, *(p for cell in row.cells for p in cell.problems)]
        told = BECAME[row.kind] % {"line": row.line, "problem": " ".join(problems)}
        return [str(told)]

    def _of_others(self, request: HttpRequest, review: Review, answers: Answers) -> list[str]:
        """Who else decided since the page was made, and what."""
        others = review.job.file.decisions.exclude(user=request.user.pk)
        if answers.since:
            others = others.filter(decided_at__gt=answers.since)
        found = others.select_related("user").order_by("-decided_at")
        names = ", ".join(sorted({str(decision.user) for decision in found[:100]}))
        if not names:
            return []
        return [
            _("Since this page was made, %(users)s decided (%(count)s, under “Decisions”).")
            % {"users": names, "count": Count(others.count())}
        ]
