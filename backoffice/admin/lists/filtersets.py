"""The FilterSet in the list: its form, the filtered rows, and links that remove a filter.

All state is in the query string.
"""

from functools import cached_property
from typing import Any, ClassVar

from django import forms
from django.contrib import messages
from django.contrib.admin.options import (
    IS_FACETS_VAR,
    IS_POPUP_VAR,
    TO_FIELD_VAR,
    IncorrectLookupParameters,
)
from django.contrib.admin.views import main
from django.core.exceptions import PermissionDenied
from django.db import DataError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.admin.lists.choice import COLUMNS_VAR, VIEW_VAR
from backoffice.admin.lists.lines import LineField
from backoffice.admin.lists.owned_forms import OwnedForm
from backoffice.admin.lists.panels import PanelsMixin
from backoffice.admin.typing import ExportBase
from backoffice.filters.filterset import FilterSet
from backoffice.filters.models import SavedFilter
from backoffice.filters.related import may_filter_by
from backoffice.querysets import related
from backoffice.querysets.counts import Count, Found, count_rows
from backoffice.querysets.scopes import within

# Parameters that change neither the rows of a list nor their order.
PASSING = {main.ALL_VAR, IS_FACETS_VAR, IS_POPUP_VAR, TO_FIELD_VAR, VIEW_VAR}
SAVED = 100  # saved filters that a list shows


class Params(dict[str, str]):
    """`ChangeList.params` with all values: Django's search form would keep only the last."""

    def __init__(self, lists: dict[str, list[str]]) -> None:
        super().__init__({name: values[-1] for name, values in lists.items()})
        self.lists = lists

    def items(self) -> list[tuple[str, str]]:  # type: ignore[override] # Django's templates ask for pairs
        return [(name, value) for name, values in self.lists.items() for value in values]


class FilteredChangeList(PanelsMixin, main.ChangeList):
    """Django's, with the FilterSet of its ModelAdmin beside `list_filter`.

    If both have a parameter, `list_filter` applies it, so that the sidebar and the FilterSet's
    form filter alike.
    """

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        self.request = request
        super().__init__(request, *args, **kwargs)
        self.params = Params(self.filter_params)

    @cached_property
    def filterset(self) -> Any:
        """The FilterSet, bound to the query string; None if the ModelAdmin has none."""
        filterset_class = getattr(self.model_admin, "filterset_class", None)
        if filterset_class is None:
            return None
        elsewhere = set(map(path_of, self.list_filter))
        return filterset_class(
            self.request.GET,
            self.root_queryset,
            request=self.request,
            admin_site=self.model_admin.admin_site,
            elsewhere=elsewhere,
        )

    # Rows ---------------------------------------------------------------------------

    @property
    def narrowing(self) -> dict[str, list[str]]:
        """The parameters that narrow the list, the FilterSet's included."""
        params = super().get_filters_params()
        return {name: params[name] for name in params.keys() - {COLUMNS_VAR, VIEW_VAR}}

    def get_filters_params(self, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """The parameters that Django applies: all but those of the FilterSet alone."""
        return {
            name: values
            for name, values in super().get_filters_params(params).items()
            if name not in (COLUMNS_VAR, VIEW_VAR)
            and (
                not self.filterset
                or name not in self.filterset.parameters
                or name in self.filterset.elsewhere
            )
        }

    def check_parameters(self) -> None:
        """Raise IncorrectLookupParameters for a filter by rows that the user may not view."""
        if self.filterset is None:
            return
        if not all(
            may_filter_by(self.request, self.model_admin.admin_site, self.model, name)
            for name in self.filter_params
        ):
            # Without its list filter, Django would apply it as a lookup by primary keys.
            raise IncorrectLookupParameters
        self.pass_over_blanks()

    @cached_property
    def filtered(self) -> Found:
        """The rows that match the FilterSet; if they are few, by their keys.

        So they are searched once, not by each statement of the page, unless they are about
        to be written. Many rows of a long list are not counted.
        """
        rows = self.root_queryset
        given = self.filterset and self.filterset.parameters.keys() & self.filter_params.keys()
        if not given:
            return Found(rows)
        try:
            filtered = self.filterset.qs
            if given <= self.filterset.elsewhere:
                return Found(filtered)
            keys = related.few_keys(filtered)
        except (DataError, OverflowError, ValueError) as error:
            raise IncorrectLookupParameters(error) from error
        if keys is None:
            if self.whole_count.is_exact:
                return Found(filtered)
            return Found(filtered, Count(related.FEW, at_least=True), is_costly=True)
        if not related.are_written(self.request):
            filtered = rows.filter(pk__in=keys)
        return Found(filtered, Count(len(keys)))

    @cached_property
    def whole_count(self) -> Count:
        """The number of rows without any filter."""
        return count_rows(self.root_queryset)

    def pass_over_blanks(self) -> None:
        """Leave blank fields of the form out of links."""
        for parameter, (name, _part) in self.filterset.parameters.items():
            given = list(filter(None, self.filter_params.get(parameter, ())))
            if given:
                self.filter_params[parameter] = given
            elif name not in self.filterset.errors:
                self.filter_params.pop(parameter, None)

    # Views --------------------------------------------------------------------------

    @property
    def start_view(self) -> SavedFilter | None:
        """The view that the user's list opens with."""
        user = self.request.user.pk
        own = (saved for saved in self.saved_filters if saved.user_id == user and saved.start)
        return next(own, None)

    @property
    def saved_query(self) -> str:
        """Filters, search, order and columns as a query string, for a SavedFilter."""
        query: str = self.get_query_string(dict.fromkeys(PASSING))
        return query.removeprefix("?")

    @cached_property
    def saved_filters(self) -> list[SavedFilter]:
        if self.is_popup:
            return []
        user = self.request.user
        saved = within(SavedFilter.objects.seen_by(user, self.model), user)
        return list(saved[:SAVED])

    @property
    def save_form(self) -> Any:
        """The form to save the present filter; None if there is none or it is saved."""
        user = self.request.user.pk
        known = {saved.query for saved in self.saved_filters if saved.user_id == user}
        is_filter = self.query or self.narrowing or self.columns_now
        if self.filterset is None or not self.filterset.is_valid():
            return None
        if self.is_popup or not is_filter or self.saved_query in known:
            return None
        return SaveFilterForm(auto_id="save_%s", label_suffix="")


def path_of(list_filter: Any) -> Any:
    """The field path of an entry of `list_filter`; the entry itself if it has none."""
    return list_filter[0] if isinstance(list_filter, list | tuple) else list_filter


class SavedFilterForm(OwnedForm):
    """Name and sharing of a view."""

    name_taken = gettext_lazy("You already have a view of this name.")

    class Meta:
        model = SavedFilter
        fields = ("name", "shared", "start")
        field_classes: ClassVar = {"name": LineField}


class SaveFilterForm(SavedFilterForm):
    """Saves a new filter, or asks whether to replace the one of the same name."""

    replace = forms.BooleanField(
        label=gettext_lazy("Replace the view of this name"), required=False
    )

    def refuse_name(self) -> None:
        if not self.cleaned_data.get("replace"):
            super().refuse_name()

    def save(self) -> Any:  # type: ignore[override] # creates or replaces
        new = self.instance
        return SavedFilter.objects.update_or_create(
            user=new.user,
            model=new.model,
            name=new.name,
            defaults={"query": new.query, "shared": new.shared, "start": new.start},
        )


class FilterSetMixin(ExportBase):
    """For a ModelAdmin with `filterset_class`."""

    filterset_class: "type[FilterSet] | None" = None

    def get_urls(self) -> list[Any]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_save_filter"
        view = self.admin_site.admin_view(self.save_filter_view)
        return [path("save-filter/", view, name=name), *super().get_urls()]

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        return [
            each
            for each in super().get_list_filter(request)
            if may_filter_by(request, self.admin_site, self.model, str(path_of(each)))
        ]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if main.ERROR_FLAG in request.GET:
            text = _("This list has no such filter or value: all rows are shown.")
            messages.warning(request, text)
        page = super().changelist_view(request, extra_context)
        if request.method == "GET" and not request.GET and self.filterset_class:
            context: Any = getattr(page, "context_data", None) or {}
            start = context["cl"].start_view if "cl" in context else None
            if start is not None and start.query:
                return HttpResponseRedirect(f"{request.path}?{VIEW_VAR}=start&{start.query}")
        return page

    def export_action(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The export page; with invalid filters, the list, which shows their errors."""
        if not self.has_valid_filters(request):
            return self._to_list(request.GET.urlencode())
        return super().export_action(request, *args, **kwargs)

    def has_valid_filters(self, request: HttpRequest) -> bool:
        if self.filterset_class is None:
            return True
        nothing = self.model._base_manager.none()
        filterset = self.filterset_class(
            request.GET, nothing, request=request, admin_site=self.admin_site
        )
        return bool(filterset.is_valid())

    def save_filter_view(self, request: HttpRequest) -> HttpResponse:
        """Save the list's query string under a name."""
        if not self.filterset_class or not self.has_view_permission(request):
            raise PermissionDenied
        try:
            changelist: Any = self.get_changelist_instance(request)
        except IncorrectLookupParameters:
            return self._to_list(f"{main.ERROR_FLAG}=1")
        query = changelist.saved_query
        if not changelist.filterset.is_valid() or not query:
            return self._to_list(query)
        user: Any = request.user  # signed in, since admin_view() requires it
        saved = SavedFilter(user=user, model=self.opts.label, query=query)
        form = SaveFilterForm(request.POST or None, instance=saved)
        if form.is_valid():
            form.save()
            text = _("The view “%s” is saved.") % form.cleaned_data["name"]
            messages.success(request, text)
            return self._to_list(query)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Save as view"),
            "opts": self.opts,
            "cl": changelist,
            "form": form,
            "media": self.media,
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "admin/backoffice/save_filter.html", context)

    def _to_list(self, query: str) -> HttpResponseRedirect:
        name = f"{self.opts.app_label}_{self.opts.model_name}_changelist"
        address = reverse(f"{self.admin_site.name}:{name}")
        return HttpResponseRedirect(f"{address}?{query}" if query else address)
