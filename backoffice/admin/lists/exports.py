"""Export in the admin: the rows that the list shows, or those ticked, for all who may."""

from collections.abc import Iterator
from functools import partial
from itertools import chain
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.utils import unquote
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DataError, transaction
from django.db.models import QuerySet
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    QueryDict,
    StreamingHttpResponse,
)
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import content_disposition_header
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from import_export.admin import ExportMixin as UpstreamExportMixin
from import_export.signals import post_export

from backoffice.admin.lists.address import KEPT, kept_query
from backoffice.admin.lists.export_forms import ExportForm
from backoffice.admin.lists.export_profiles import chosen, keep, offered
from backoffice.admin.lists.export_rights import may_export
from backoffice.admin.pages import may
from backoffice.admin.submissions.once import confirmed_by
from backoffice.exports.errors import ExportError
from backoffice.exports.export import Export
from backoffice.exports.formats import FORMATS
from backoffice.exports.made import ExportFile
from backoffice.exports.names import file_name, filters_of, said_ticked
from backoffice.exports.profiles import ExportProfile
from backoffice.jobs import workers
from backoffice.jobs.exports import create_export
from backoffice.jobs.tasks import check, enqueue
from backoffice.querysets.reach import Reach
from backoffice.querysets.reading import count_up_to
from backoffice.trail.record import address_of

COUNTED = 100_000  # rows that the page counts at most
UNREADABLE = (IncorrectLookupParameters, ValidationError, DataError, OverflowError, ValueError)


class ExportMixin(UpstreamExportMixin):
    """django-import-export's export page, which upstream shows to any signed-in user."""

    # Upstream would replace the list's template; ours has the links in a block of its own.
    import_export_change_list_template = None
    # Upstream's template has an inline style, an inline script and a label without an input.
    export_template_name = "admin/backoffice/export.html"
    export_form_class = ExportForm
    export_formats = FORMATS

    def has_export_permission(self, request: HttpRequest) -> bool:
        """Require the permission `export_…`, and that to view what is exported."""
        return (
            bool(self.resource_classes)
            and self.has_view_permission(request)
            and may_export(request, self.model)
        )

    # Links to the page --------------------------------------------------------------

    @confirmed_by("")  # it only shows a form
    @admin.action(
        permissions=["export"],
        description=gettext_lazy("Export selected %(verbose_name_plural)s"),
    )
    def export_admin_action(
        self, request: HttpRequest, queryset: QuerySet[Any]
    ) -> HttpResponse:
        """The export page for the ticked rows; the whole list is given by its filter."""
        if not self.has_export_permission(request):
            raise PermissionDenied
        across = request.POST.get("select_across") == "1"
        ticked = [] if across else request.POST.getlist(ACTION_CHECKBOX_NAME)
        return self._show_export(request, self._new_form(request), queryset, ticked)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        context = {}
        if self.has_export_permission(request):
            query = {self.opts.pk.name: unquote(object_id)}
            if kept := kept_query(request, self.opts):
                query[KEPT] = kept
            context["export_url"] = f"{self._export_url()}?{urlencode(query)}"
        context |= extra_context or {}
        page: HttpResponse = super().change_view(request, object_id, form_url, context)
        return page

    # The page -----------------------------------------------------------------------

    def export_action(self, request: HttpRequest) -> Any:
        """Show the form, and send the file."""
        if not self.has_export_permission(request):
            raise PermissionDenied
        ticked = request.POST.getlist(ACTION_CHECKBOX_NAME)
        try:
            queryset = self._chosen(request, ticked)
            count_up_to(queryset, 1)  # the database may refuse a value
        except UNREADABLE:
            # An invalid filter: the list reports it and shows all rows.
            return HttpResponseRedirect("../?e=1")
        if "_use" in request.POST:
            profile = chosen(request, self.model)
            return self._show_export(
                request, self._new_form(request, profile=profile), queryset, ticked
            )
        form = self._new_form(request, request.POST or None)
        if form.is_valid() and "_keep" in request.POST:
            form = self._kept(request, form)
        elif form.is_valid():
            export = self._export(request, form, queryset, ticked)
            try:
                export.check()
                if "_background" in request.POST and self._lists_made_exports:
                    return self._leave_to_worker(request, form, export, ticked)
                return self._send(request, export, ticked)
            except ExportError as error:
                form.add_error("format", str(error))
        return self._show_export(request, form, queryset, ticked)

    def _kept(self, request: HttpRequest, form: Any) -> Any:
        """The form after its choices were kept as a profile, or with the reason why not."""
        try:
            profile = keep(request, self.model, form)
        except ValidationError as error:
            form.add_error("profile_name", error)
            return form
        said = _("The choices are kept as the profile “%s”.") % profile.name
        messages.success(request, said)
        return self._new_form(request, profile=profile)

    def _chosen(self, request: HttpRequest, ticked: list[str]) -> QuerySet[Any]:
        """The ticked rows of the list; all if none is ticked."""
        queryset: QuerySet[Any] = self.get_export_queryset(request)
        if ticked:
            queryset = queryset.filter(pk__in=list(map(self.opts.pk.to_python, ticked)))
        return queryset

    def _new_form(
        self, request: HttpRequest, data: Any = None, profile: ExportProfile | None = None
    ) -> ExportForm:
        return self.export_form_class(
            self.get_export_formats(),
            self.get_export_resource_classes(request),
            may_view=partial(may, self.admin_site, request, "view"),
            profile=profile,
            is_own=profile is not None and profile.user_id == request.user.pk,
            data=data,
        )

    def _export(
        self, request: HttpRequest, form: Any, queryset: QuerySet[Any], ticked: list[str]
    ) -> Export:
        resource_class = self.choose_export_resource_class(form, request)
        resource = resource_class(**self.get_export_resource_kwargs(request))
        file_format = self.get_export_formats()[int(form.cleaned_data["format"])]()
        encoding = file_format.has_encoding and form.cleaned_data["encoding"]
        return Export(
            resource.within(Reach.of(request.user)),
            queryset,
            file_format,
            names=self.get_export_resource_fields_from_form(form),
            encoding=encoding or "utf-8",
            selection=", ".join([*self._filters_in_words(request), *said_ticked(len(ticked))]),
        )

    def _send(
        self, request: HttpRequest, export: Export, ticked: list[str]
    ) -> StreamingHttpResponse:
        """Raises ExportError where the file is made before it is sent, and can't be."""
        blocks = export.logged_blocks(request.user, address_of(request))
        if export.format.is_made_first:
            blocks = chain([next(blocks, b"")], blocks)
        response = StreamingHttpResponse(blocks, content_type=export.format.get_content_type())
        name = self._file_name(request, export, ticked)
        response["Content-Disposition"] = content_disposition_header(True, name)
        post_export.send(sender=None, model=self.model)
        return response

    def _file_name(self, request: HttpRequest, export: Export, ticked: list[str]) -> str:
        extension = export.format.get_extension()
        return file_name(self.model, filters_of(request.GET), extension, len(ticked))

    # By the worker ------------------------------------------------------------------

    def _leave_to_worker(
        self, request: HttpRequest, form: Any, export: Export, ticked: list[str]
    ) -> HttpResponseRedirect:
        """Have the worker make the file, once, and show how far it is."""
        with transaction.atomic():
            made = create_export(
                self.model,
                user=request.user,
                address=address_of(request),
                site=self.admin_site.name,
                query=request.GET.urlencode(),
                ticked=ticked,
                form=form.sent,
                name=self._file_name(request, export, ticked),
                content_type=export.format.get_content_type(),
            )
            enqueue(check, made.change)
        name = f"{self.admin_site.name}:backoffice_exportfile_change"
        return HttpResponseRedirect(reverse(name, args=[made.pk]))

    @property
    def _lists_made_exports(self) -> bool:
        """Whether the site has pages where such a file can be found."""
        return bool(self.admin_site.is_registered(ExportFile))

    def export_of(self, made: ExportFile) -> Export:
        """What was left to the worker, by the rights of its user now. Raises ExportError."""
        request = HttpRequest()
        request.method, request.path = "GET", self._export_url()
        request.GET = QueryDict(made.query)
        request.user = made.change.user or AnonymousUser()
        if not self.admin_site.has_permission(request) or not self.has_export_permission(
            request
        ):
            raise ExportError(_("You may not export this any more."))
        form = self._new_form(request, made.form)
        if not form.is_valid() or made.form.keys() - form.fields.keys():
            raise ExportError(
                _("A column or format that was chosen is not there any more. Choose again.")
            )
        try:
            queryset = self._chosen(request, made.ticked)
            if not self.has_valid_filters(request):
                raise ValidationError("")
            count_up_to(queryset, 1)
        except UNREADABLE as error:
            text = _("A filter that was chosen is not there any more. Choose again.")
            raise ExportError(text) from error
        return self._export(request, form, queryset, made.ticked)

    def has_valid_filters(self, request: HttpRequest) -> bool:
        """Whether the list could show what its address asks for."""
        return True

    def _show_export(
        self, request: HttpRequest, form: Any, queryset: QuerySet[Any], ticked: list[str]
    ) -> TemplateResponse:
        rows = count_up_to(queryset, max(COUNTED, settings.EXPORT_WORKER_ROWS) + 1)
        by_worker = self._lists_made_exports
        is_large = by_worker and rows > settings.EXPORT_WORKER_ROWS
        query = request.GET.urlencode()
        context = {
            **self.init_request_context_data(request, form),
            "title": _("Export"),
            "export_url": self._export_url() + (f"?{query}" if query else ""),
            "rows": min(rows, COUNTED),
            "more": rows > COUNTED,
            "by_worker": by_worker,
            "is_large": is_large,
            "worker_rows": settings.EXPORT_WORKER_ROWS,
            "worker_is_missing": is_large and workers.is_missing(),
            "selection": ", ".join(self._filters_in_words(request)),
            "profiles": offered(request, self.model),
            "ticked": ticked,
            "ticked_name": ACTION_CHECKBOX_NAME,
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, self.export_template_name, context)

    def _filters_in_words(self, request: HttpRequest) -> Iterator[str]:
        """The filters as the FilterSet's form words them, where it has them."""
        filterset_class = getattr(self, "filterset_class", None)
        filterset = filterset_class and filterset_class(
            request.GET,
            self.get_queryset(request),
            request=request,
            admin_site=self.admin_site,
        )
        for name, value in filters_of(request.GET):
            if filterset and name in filterset.parameters:
                name, value = filterset.describe(name, value)
            yield f"{capfirst(name)}: {value}"

    def _export_url(self) -> str:
        app_label, model_name = self.get_model_info()
        return reverse(f"{self.admin_site.name}:{app_label}_{model_name}_export")
