"""Columns of lists: numbers of related rows, and records by their names."""

from typing import Any

from django.contrib.admin import ModelAdmin
from django.core.exceptions import FieldDoesNotExist
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import formats

from backoffice.admin.lists.choice import (
    COLUMNS_VAR,
    VIEW_VAR,
    WERE,
    chosen,
    name_of,
    names_in,
    tidied,
)
from backoffice.admin.lists.scoped import ScopedMixin
from backoffice.admin.typing import ModelAdminBase
from backoffice.querysets.counts import count_rows
from backoffice.querysets.names import Naming, names
from backoffice.querysets.reach import Reach
from backoffice.querysets.related import counts_of, number_of, number_of_few

FEW = 10_000  # rows whose numbers fit into one JSON object of a quarter of a megabyte


class RelatedCount:
    """A column with the number of related rows: `RelatedCount("patron", _("patrons"))`.

    `relation` is the name of a relation to many rows, as in a lookup. One statement counts for
    the rows on the page; all rows are counted only when staff sort by the column. It counts
    what the related model's admin shows the user. Users who may not view the related model do
    not get the column.
    """

    def __init__(self, relation: Any, description: Any) -> None:
        self.relation = relation
        self.short_description = description
        self.__name__ = f"{relation}_count"
        # Makes the header sortable; `ChangeList` knows the expression.
        self.admin_order_field = self.__name__

    def __call__(self, row: Any) -> str:
        return formats.number_format(self.number(row), force_grouping=True)

    def number(self, row: Any) -> int:
        """The number of related rows of a row of the page."""
        return getattr(row, f"_{self.__name__}")  # type: ignore[no-any-return] # set by attach

    def related_admin(self, model_admin: ModelAdmin[Any]) -> Any:
        relation: Any = model_admin.opts.get_field(self.relation)
        return model_admin.admin_site.get_model_admin(relation.related_model)

    def related_rows(
        self, request: HttpRequest, model_admin: ModelAdmin[Any]
    ) -> tuple[Any, QuerySet[Any]]:
        """`(relation, rows of the other side that the user may see)`."""
        field, related = (
            model_admin.opts.get_field(self.relation),
            self.related_admin(model_admin),
        )
        if isinstance(related, ScopedMixin):
            return field, related.rows_led_to(request, field)
        return field, related.get_queryset(request)

    def attach(
        self, request: HttpRequest, model_admin: ModelAdmin[Any], rows: QuerySet[Any]
    ) -> None:
        counts = counts_of(
            *self.related_rows(request, model_admin), pk__in=[row.pk for row in rows]
        )
        numbers = dict(counts.values_list("_row", "_number"))
        for row in rows:
            setattr(row, f"_{self.__name__}", numbers.get(row.pk, 0))

    def expression(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> Any:
        few = count_rows(model_admin.model._base_manager.all(), FEW).is_exact
        return (number_of_few if few else number_of)(*self.related_rows(request, model_admin))


class RelatedName:
    """A column with the record that a foreign key leads to, told apart from its namesakes.

    It takes the place of the field's name in `list_display`. One statement for a page.
    """

    def __init__(self, field: Any) -> None:
        self.field = field
        self.short_description = field.verbose_name
        self.__name__ = self.admin_order_field = field.name

    def __call__(self, row: Any) -> Any:
        return getattr(row, f"_{self.__name__}_name")

    def attach(
        self, request: HttpRequest, model_admin: ModelAdmin[Any], rows: QuerySet[Any]
    ) -> None:
        related = {row.pk: getattr(row, self.field.name) for row in rows}
        records = [record for record in related.values() if record is not None]
        found = names(records, Reach.of(request.user))
        texts = dict(zip((record.pk for record in records), found, strict=True))
        for row in rows:
            record = related[row.pk]
            setattr(row, f"_{self.__name__}_name", None if record is None else texts[record.pk])


SHORT = 20  # characters of a text that stays in one line
NUMBERS = (models.IntegerField, models.DecimalField, models.FloatField)
DATES = (models.DateField, models.TimeField, models.DurationField)


def kind_of(model: type[models.Model], column: Any) -> str:
    """The class of a column's cells: "n" for numbers, "keep" for what stays in one line.

    Args:
        column: an entry of `list_display`.
    """
    if isinstance(column, RelatedCount):
        return "n"
    try:
        field: Any = model._meta.get_field(column if isinstance(column, str) else "")
    except FieldDoesNotExist:
        return ""
    if isinstance(field, NUMBERS) and not field.choices:
        return "n"
    is_short = isinstance(field, models.CharField) and (field.max_length or SHORT + 1) <= SHORT
    return "keep" if is_short or isinstance(field, DATES) else ""


class ColumnsMixin(ModelAdminBase):
    """For a ModelAdmin whose lists have columns of related rows, and columns that are chosen.

    May be chosen: the columns of `list_display`, and the model's fields that a Resource has.
    """

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        declared = self.declared_columns(request)
        if COLUMNS_VAR not in request.GET:
            return declared
        offered, kept = self.offered_columns(declared), self.kept_columns(declared)
        return chosen(names_in(request.GET), offered, declared, kept)

    def declared_columns(self, request: HttpRequest) -> list[Any]:
        """The columns of `list_display` that the user may see."""
        return [
            self.named_column(column)
            for column in super().get_list_display(request)
            if not isinstance(column, RelatedCount)
            or column.related_admin(self).has_view_permission(request)
        ]

    def offered_columns(self, declared: list[Any]) -> list[Any]:
        """The columns that may be chosen: `declared`, and more that a Resource has."""
        names = set(map(name_of, declared))
        attributes = dict.fromkeys(
            field.attribute
            for resource_class in getattr(self, "resource_classes", None) or ()
            for field in resource_class.fields.values()
        )
        fields = {field.name for field in self.opts.concrete_fields}
        more = [name for name in attributes if name in fields and name not in names]
        return [*declared, *map(self.named_column, more)]

    def kept_columns(self, declared: list[Any]) -> list[str]:
        """The names of the columns that can't be hidden: what leads to a row, or is edited."""
        links = self.list_display_links or declared[:1]
        names = set(map(name_of, [*links, *self.list_editable]))
        return [name for name in map(name_of, declared) if name in names]

    def get_list_display_links(self, request: HttpRequest, list_display: Any) -> Any:
        if self.list_display_links or self.list_display_links is None:
            return self.list_display_links
        first = self.kept_columns(self.declared_columns(request))[:1]
        return [column for column in list_display if name_of(column) in first]

    def get_list_select_related(self, request: HttpRequest) -> Any:
        related = super().get_list_select_related(request)
        if isinstance(related, bool) or COLUMNS_VAR not in request.GET:
            return related
        keys = {field.name for field in self.opts.concrete_fields if field.remote_field}
        names = map(name_of, self.get_list_display(request))
        return list(dict.fromkeys([*related, *(name for name in names if name in keys)]))

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Django's, at an address that has the columns as they are shown."""
        if request.method == "GET" and (COLUMNS_VAR in request.GET or WERE in request.GET):
            declared = self.declared_columns(request)
            offered, kept = self.offered_columns(declared), self.kept_columns(declared)
            tidy = tidied(request.GET, offered, declared, kept)
            if tidy != request.GET:
                query = tidy.urlencode() or f"{VIEW_VAR}=all"
                return HttpResponseRedirect(f"{request.path}?{query}")
        return super().changelist_view(request, extra_context)

    def named_column(self, column: Any) -> Any:
        """A RelatedName in place of the name of a foreign key whose records have namesakes."""
        links = self.list_display_links or ()
        if not isinstance(column, str) or column in (*self.list_editable, *links):
            return column
        try:
            field: Any = self.opts.get_field(column)
        except FieldDoesNotExist:
            return column
        is_named = field.many_to_one or (field.one_to_one and field.concrete)
        return RelatedName(field) if is_named and Naming.of(field.related_model) else column
