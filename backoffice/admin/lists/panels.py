"""What a list shows above its rows: its filters, those that are set, and its columns."""

from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property
from typing import Any

from django.contrib.admin.utils import label_for_field
from django.contrib.admin.views.main import SEARCH_VAR
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Model
from django.db.models.constants import LOOKUP_SEP
from django.http import HttpRequest
from django.utils.translation import gettext as _

from backoffice.admin.lists.choice import COLUMNS_VAR, VIEW_VAR, name_of
from backoffice.admin.lists.list_filters import InUseFilter
from backoffice.querysets.scopes import is_scoped


class PanelsMixin:
    """For a ChangeList with a FilterSet."""

    request: HttpRequest
    model: type[Model]
    opts: Any
    model_admin: Any
    filterset: Any
    filter_specs: Any
    list_display: Any
    narrowing: Any
    params: Any
    query: str
    start_view: Any
    get_query_string: Any

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
                yield label, text, self.link({name: rest or None})
        if self.query:
            yield _("Search"), self.query, self.link({SEARCH_VAR: None})

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
            first = str(self.opts.get_field(first).verbose_name)
        return " ".join([first, *rest]), value

    @property
    def cleared(self) -> str:
        """The link that removes all filters and the search."""
        names = [*self.narrowing, SEARCH_VAR]
        return self.link(dict.fromkeys(names))

    def link(self, params: dict[str, Any]) -> str:
        """`get_query_string(params)`; to the whole list where "?" leads to a start view."""
        query = self.get_query_string(params)
        return f"?{VIEW_VAR}=all" if query == "?" and self.start_view else query

    @cached_property
    def column_choices(self) -> list[dict[str, Any]]:
        """Of each column that may be chosen: name, label, place, is_shown, is_kept."""
        declared = self.model_admin.declared_columns(self.request)
        shown = [name_of(column) for column in self.list_display if column != "action_checkbox"]
        offered = {name_of(each): each for each in self.model_admin.offered_columns(declared)}
        kept = self.model_admin.kept_columns(declared)
        names = [*shown, *(name for name in offered if name not in shown)]
        return [
            {
                "name": name,
                "label": label_for_field(offered[name], self.model, self.model_admin),
                "place": place,
                "is_shown": name in shown,
                "is_kept": name in kept,
            }
            for place, name in enumerate(names, 1)
        ]

    @property
    def other_params(self) -> list[tuple[str, str]]:
        """`(name, value)` pairs of the parameters that the form of columns keeps."""
        return [(name, value) for name, value in self.params.items() if name != COLUMNS_VAR]

    @property
    def is_limited(self) -> bool:
        """Whether the user sees only some of the rows."""
        return is_scoped(self.request.user)

    @property
    def columns_now(self) -> str:
        """The columns that the address asks for; blank for those of the ModelAdmin."""
        return self.request.GET.get(COLUMNS_VAR, "")
