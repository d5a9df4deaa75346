"""The FilterSet in the list: its form, the filtered rows, and links that remove a filter.

All state is in the query string.
"""

from collections.abc import Iterator
from contextlib import suppress
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
from django.core.exceptions import FieldDoesNotExist, PermissionDenied
from django.db import DataError
from django.db.models.constants import LOOKUP_SEP
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.admin.lists.lines import LineField
from backoffice.admin.lists.list_filters import InUseFilter
from backoffice.admin.typing import ExportBase
from backoffice.filters.filterset import FilterSet
from backoffice.filters.models import SavedFilter
from backoffice.filters.related import may_filter_by
from backoffice.querysets import related
from backoffice.querysets.counts import Count, Found, count_rows
from backoffice.querysets.scopes import within

# Parameters that change neither the rows of a list nor their order.
PASSING = {main.ALL_VAR, IS_FACETS_VAR, IS_POPUP_VAR, TO_FIELD_VAR}
SAVED = 100  # saved filters that a list shows


class Params(dict[str, str]):
    """`ChangeList.params` with all values: Django's search form would keep only the last."""

    def __init__(self, lists: dict[str, list[str]]) -> None:
        super().__init__({name: values[-1] for name, values in lists.items()})
        self.lists = lists

    def items(self) -> list[tuple[str, str]]:  # type: ignore[override] # Django's templates ask for pairs
        return [(name, value) for name, values in self.lists.items() for value in values]


class FilteredChangeList(main.ChangeList):
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
        return super().get_filters_params()

    def get_filters_params(self, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """The parameters that Django applies: all but those of the FilterSet alone."""
        return {
            name: values
            for name, values in super().get_filters_params(params).items()
            if not self.filterset
            or name not in self.filterset.parameters
            or name in self.filterset.elsewhere
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

    # What the page shows ------------------------------------------------------------

    @property
    def carried_along(self) -> list[tuple[str, str]]:
        """`(name, value)` pairs of the parameters that the FilterSet's form keeps."""
        return [
            (name, value)
            for name, value in self.params.items()
            if name not in self.filterset.parameters
        ]

    @cached_property
    def counted(self) -> dict[str, list[tuple[str, str]]]:
        """`{field of the form: choices with numbers}`, of the list filters that it has."""
        return {
            spec.field_path: pairs
            for spec in self.filter_specs
            if isinstance(spec, InUseFilter)
            and self.filterset
            and self.filterset.parameters.get(spec.field_path) == (spec.field_path, "")
            and (pairs := spec.pairs(self)) is not None
        }

    @property
    def link_filters(self) -> list[Any]:
        """The list filters that are no fields of the form: their values are links."""
        return [
            spec
            for spec in self.filter_specs
            if getattr(spec, "field_path", None) not in self.counted
        ]

    @property
    def filter_form(self) -> Any:
        """The FilterSet's form, with the numbers of rows where a list filter counts them."""
        if self.filterset is None:
            return None
        form = self.filterset.form
        for name, pairs in self.counted.items():
            form.fields[name].widget.choices = pairs
        return form

    @property
    def chips(self) -> list[Any]:
        """`(label, value, link that removes it)` of each active filter and search."""
        return list(self.read_chips())

    def read_chips(self) -> Iterator[Any]:
        specs = {
            name: spec for spec in self.filter_specs for name in spec.expected_parameters()
        }
        offered = self.filterset.parameters if self.filterset else {}
        for name, values in sorted(self.narrowing.items()):
            for value in values:
                if name in offered:
                    label, text = self.filterset.describe(name, value)
                else:
                    label, text = self.describe(name, value, specs.get(name))
                rest = [other for other in values if other != value]
                yield label, text, self.get_query_string({name: rest or None})
        if self.query:
            link = self.get_query_string({main.SEARCH_VAR: None})
            yield _("Search"), self.query, link

    def describe(self, name: str, value: str, spec: Any) -> tuple[str, str]:
        """`(label, text)` of a value of a list filter, or of a lookup that has none."""
        if name.endswith("__isnull"):
            value = _("none") if value == "True" else _("any")
        elif isinstance(spec, InUseFilter):
            value = spec.labels({value: 0})[value]
        elif spec is not None:
            chosen = [choice["display"] for choice in spec.choices(self) if choice["selected"]]
            value = str(chosen[0]) if len(chosen) == 1 else value
        if spec is not None:
            return spec.title, value
        first, *rest = name.split(LOOKUP_SEP)
        with suppress(FieldDoesNotExist, AttributeError):
            first = str(self.opts.get_field(first).verbose_name)  # type: ignore[union-attr] # a relation back has none
        return " ".join([first, *rest]), value

    @property
    def cleared(self) -> str:
        """The link that removes all filters and the search."""
        names = [*self.narrowing, main.SEARCH_VAR]
        return self.get_query_string(dict.fromkeys(names))

    @property
    def saved_query(self) -> str:
        """Filters, search and order as a query string, for a SavedFilter."""
        return self.get_query_string(dict.fromkeys(PASSING)).removeprefix("?")

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
        known = {saved.query for saved in self.saved_filters}
        is_filter = self.query or self.narrowing
        if self.filterset is None or not self.filterset.is_valid():
            return None
        if self.is_popup or not is_filter or self.saved_query in known:
            return None
        return SaveFilterForm(auto_id="save_%s", label_suffix="")


def path_of(list_filter: Any) -> Any:
    """The field path of an entry of `list_filter`; the entry itself if it has none."""
    return list_filter[0] if isinstance(list_filter, list | tuple) else list_filter


class SavedFilterForm(forms.ModelForm[SavedFilter]):
    """Name and sharing of a saved filter; a user's filters of a model have unique names."""

    class Meta:
        model = SavedFilter
        fields = ("name", "shared")
        field_classes: ClassVar = {"name": LineField}

    def clean(self) -> Any:
        saved, name = self.instance, self.cleaned_data.get("name")
        others = SavedFilter.objects.filter(user=saved.user, model=saved.model, name=name)
        if others.exclude(pk=saved.pk).exists():
            self.refuse_name()
        return self.cleaned_data

    def refuse_name(self) -> None:
        self.add_error("name", _("You already have a filter of this name."))


class SaveFilterForm(SavedFilterForm):
    """Saves a new filter, or asks whether to replace the one of the same name."""

    replace = forms.BooleanField(
        label=gettext_lazy("Replace the filter of this name"), required=False
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
            defaults={"query": new.query, "shared": new.shared},
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
        return super().changelist_view(request, extra_context)

    def export_action(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """The export page; with invalid filters, the list, which shows their errors."""
        if (
            self.filterset_class
            and not self.filterset_class(
                request.GET,
                self.model._base_manager.none(),
                request=request,
                admin_site=self.admin_site,
            ).is_valid()
        ):
            return self._to_list(request.GET.urlencode())
        return super().export_action(request, *args, **kwargs)

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
            text = _("The filter “%s” is saved.") % form.cleaned_data["name"]
            messages.success(request, text)
            return self._to_list(query)
        context = {
            **self.admin_site.each_context(request),
            "title": _("Save this filter"),
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
