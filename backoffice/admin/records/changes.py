"""The lists of imports, and of the edits, deletions and undos of many records at once."""

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from backoffice.admin.base import PlainModelAdmin, ReadOnlyMixin
from backoffice.admin.changes.base import downloads
from backoffice.admin.lists.list_filters import InUseFilter
from backoffice.admin.menu import WORK
from backoffice.admin.people import may_view_users, person
from backoffice.admin.records.names import USER_NAME
from backoffice.changes.limited import sees_all_of
from backoffice.changes.models import Change
from backoffice.changes.undo import plural, refusal
from backoffice.jobs.care import UNFINISHED, goes_at, is_abandoned, touched_at
from backoffice.jobs.progress import RUNNING

Kind, Status = Change.Kind, Change.Status
#: The words of a status, and the tone of its pill.
STATES = {
    Status.UPLOADED: (gettext_lazy("Columns to choose"), "warn"),
    Status.CHECKING: (gettext_lazy("Being checked"), "info"),
    Status.CHECKED: (gettext_lazy("To be reviewed"), "warn"),
    Status.APPLYING: (gettext_lazy("Being written"), "info"),
    Status.DONE: (gettext_lazy("Written"), "ok"),
    Status.FAILED: (gettext_lazy("Failed"), "bad"),
    Status.CANCELLED: (gettext_lazy("Cancelled"), "mute"),
    Status.UNDOING: (gettext_lazy("Being undone"), "info"),
    Status.UNDONE: (gettext_lazy("Undone"), "mute"),
}
#: The counts of a change beside its rows, in words.
RESULT = [
    ("new", gettext_lazy("%(n)s new")),
    ("updated", gettext_lazy("%(n)s updated")),
    ("removed", gettext_lazy("%(n)s deleted")),
    ("unchanged", gettext_lazy("%(n)s unchanged")),
    ("rejected", gettext_lazy("%(n)s rejected")),
]


class ModelFilter(InUseFilter):
    def labels(self, counts: Any) -> dict[str, str]:
        return {label: plural(label) for label in counts}


class StatusFilter(InUseFilter):
    def labels(self, counts: Any) -> dict[str, str]:
        words = {str(status): str(text) for status, (text, _tone) in STATES.items()}
        return {status: words.get(status, status) for status in counts}


class ChangesAdmin(ReadOnlyMixin, PlainModelAdmin):
    """Read-only; the page of a change belongs to the ModelAdmin of its model."""

    change_list_template = "admin/backoffice/changes.html"
    list_select_related = ("user", "checked_by", "file")
    date_hierarchy = "created_at"
    search_fields = ("title", USER_NAME)
    ordering = ("-created_at",)
    actions = None
    menu_title: Any
    menu_group = WORK
    kinds: tuple[str, ...] = ()

    # Which changes ------------------------------------------------------------------

    def may_see(self, request: HttpRequest, model_admin: Any) -> bool:
        """Whether the user may see the changes of this ModelAdmin's model.

        Whoever may view the history of the model may, and goes on with none.
        """
        return bool(model_admin.has_view_history_permission(request))

    def _models(self, request: HttpRequest) -> list[Any]:
        """The models whose changes the user may see."""
        return [
            model
            for model in filter(self.admin_site.is_registered, apps.get_models())
            for model_admin in [self.admin_site.get_model_admin(model)]
            if hasattr(model_admin, "import_job_view") and self.may_see(request, model_admin)
        ]

    def _admin_of(self, model: Any) -> Any:
        return self.admin_site.get_model_admin(model)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        labels = [model._meta.label for model in self._models(request)]
        rows: QuerySet[Any] = super().get_queryset(request)
        rows = rows.annotate(touched_at=touched_at())
        return rows.filter(model__in=labels, kind__in=self.kinds)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(self._models(request))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        job = self.get_object(request, unquote(object_id))
        if job is None:
            raise Http404
        return HttpResponseRedirect(self._page(job, "import_job"))

    def _page(self, job: Change, view: str, *args: Any) -> str:
        opts = job.model_class._meta
        name = f"{self.admin_site.name}:{opts.app_label}_{opts.model_name}_{view}"
        return reverse(name, args=[job.pk, *args])

    # Columns ------------------------------------------------------------------------

    @admin.display(description=gettext_lazy("name"), ordering="title")
    def name(self, job: Change) -> str:
        return job.title

    @admin.display(description=gettext_lazy("what"), ordering="model")
    def what(self, job: Change) -> str:
        return plural(job.model)

    @admin.display(description=gettext_lazy("who"))
    def who(self, job: Change) -> str:
        """Its place: `get_list_display` shows the name to whom may read it."""
        return ""

    @admin.display(description=gettext_lazy("when"), ordering="created_at")
    def when(self, job: Change) -> str:
        return date_format(timezone.localtime(job.created_at), "SHORT_DATETIME_FORMAT")

    @admin.display(description=gettext_lazy("result"), ordering="rows")
    def result(self, job: Change) -> str:
        if job.rows is None:
            return ""
        parts = [
            str(words) % {"n": number_format(number, force_grouping=True)}
            for name, words in RESULT
            if (number := getattr(job, name))
        ]
        rows = ngettext("%(n)s row", "%(n)s rows", job.rows)
        rows %= {"n": number_format(job.rows, force_grouping=True)}
        return f"{rows}: {', '.join(parts)}" if parts else rows

    @admin.display(description=gettext_lazy("status"), ordering="status")
    def state(self, job: Change) -> SafeString:
        words, tone = STATES[Status(job.status)]
        if job.status == Status.DONE and not job.is_import:
            words = gettext_lazy("Done")
        if job.waiting:
            words, tone = gettext_lazy("Waiting for the worker"), "info"
        elif is_abandoned(job):
            words, tone = gettext_lazy("Abandoned"), "mute"
            at = goes_at(job)
            goes = (
                _("removed on %s") % date_format(timezone.localtime(at), "MONTH_DAY_FORMAT")
                if at
                else ""
            )
            return format_html(
                '<span class="pill {}">{}</span> <small>{}</small>', tone, words, goes
            )
        return format_html('<span class="pill {}">{}</span>', tone, words)

    def declared_columns(self, request: HttpRequest) -> list[Any]:
        links, sees_users = self.links_for(request), may_view_users(request)

        @admin.display(description=_("next"))
        def links_of(job: Change) -> SafeString:
            return format_html_join(
                " ",
                '<a href="{}" aria-label="{}">{}</a>',
                ((url, f"{text}: {job}", text) for url, text in links(job)),
            )

        @admin.display(description=_("who"), ordering="user" if sees_users else None)
        def who(job: Change) -> str:
            return person(request, job.user)

        columns = super().declared_columns(request)
        columns = [who if name == "who" else name for name in columns]
        after = columns.index("state") + 1
        return [*columns[:after], links_of, *columns[after:]]

    def links_for(self, request: HttpRequest) -> Callable[[Change], Iterator[tuple[str, Any]]]:
        """A function that yields the links of a change: `(url, text)`."""

        @cache
        def may(model: Any, right: str) -> bool:
            model_admin = self.admin_site.get_model_admin(model)
            return bool(getattr(model_admin, f"has_{right}_permission")(request))

        sees_all = cache(sees_all_of)  # of each person once, however many changes they made

        def links(job: Change) -> Iterator[tuple[str, Any]]:
            may_go_on = not job.is_import or may(job.model_class, "import")
            if may_go_on and job.is_import and job.status in (*UNFINISHED, *RUNNING):
                yield self._page(job, "import_job"), _("Continue")
            needs = {"delete": job.new, "change": job.updated, "add": job.removed}
            if (
                job.status == Status.DONE
                and not refusal(job)
                and all(may(job.model_class, right) for right in needs if needs[right])
            ):
                yield self._page(job, "import_undo"), _("Undo")
            if may_go_on and (names := downloads(job, request.user, sees_all)):
                yield self._page(job, "import_file", names[0]), _("Download")

        return links


class ImportAdmin(ChangesAdmin):
    """The imports into the models that the user may import into, or whose history they see."""

    menu_title = gettext_lazy("Imports")
    kinds = (Kind.IMPORT,)
    list_display = (
        "name",
        "state",
        "what",
        "who",
        "when",
        "result",
    )
    list_filter = [("status", StatusFilter), ("model", ModelFilter), ("user", InUseFilter)]
    search_help_text = gettext_lazy("File or user")

    def may_see(self, request: HttpRequest, model_admin: Any) -> bool:
        return bool(model_admin.has_import_permission(request)) or super().may_see(
            request, model_admin
        )

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        importable = [
            (
                capfirst(opts.verbose_name_plural),
                reverse(f"{self.admin_site.name}:{opts.app_label}_{opts.model_name}_import"),
            )
            for model in self._models(request)
            if self._admin_of(model).has_import_permission(request)
            for opts in [model._meta]
        ]
        return super().changelist_view(
            request, {"importable": sorted(importable)} | (extra_context or {})
        )


class EditAdmin(ChangesAdmin):
    """Edits and deletions of many records, restorations, and the undos of all changes."""

    menu_title = gettext_lazy("Edits and deletions")
    kinds = (Kind.EDIT, Kind.DELETION, Kind.UNDO, Kind.RESTORATION)
    list_display = (
        "name",
        "kind",
        "state",
        "what",
        "who",
        "when",
        "result",
    )
    list_filter = [
        ("kind", InUseFilter),
        ("status", StatusFilter),
        ("model", ModelFilter),
        ("user", InUseFilter),
    ]
    search_help_text = gettext_lazy("Title or user")

    def may_see(self, request: HttpRequest, model_admin: Any) -> bool:
        return bool(model_admin.has_change_permission(request)) or super().may_see(
            request, model_admin
        )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        imported = [
            model._meta.label
            for model in self._models(request)
            for model_admin in [self._admin_of(model)]
            if model_admin.has_import_permission(request)
            or model_admin.has_view_history_permission(request)
        ]
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows.exclude(Q(undoes__kind=Kind.IMPORT) & ~Q(model__in=imported))
