"""A list filter that shows the values in use, each with its number of rows."""

from typing import Any

from django.contrib.admin import ModelAdmin, filters
from django.contrib.admin.utils import get_fields_from_path
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import IntegerField, Model, Q, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from backoffice.querysets.counts import Count
from backoffice.querysets.facets import VALUES, values_in_use
from backoffice.querysets.names import names
from backoffice.querysets.ordering import leads_index
from backoffice.querysets.reach import Reach
from backoffice.querysets.related import Condition, any_of, split_path
from backoffice.querysets.scopes import is_scoped, seen_by, within


class InUseFilter(filters.FieldListFilter):
    """`list_filter = [("library__state", InUseFilter)]`, over any path to a field.

    Offers the values that occur in the list under its search and its other filters, with the
    labels of the field's choices: "New York (12)". Its query parameter is the path
    (`?library__state=NY`), several values mean any of them, and
    `?library__state__isnull=True` finds the rows without a value.

    One statement finds the values, one more the rows of a chosen value. A long list offers all
    values that occur in the table, with "1,000+" for those that have more rows; with other
    filters or a search it shows no counts.
    """

    def __init__(
        self,
        field: Any,
        request: HttpRequest,
        params: Any,
        model: type[Model],
        model_admin: ModelAdmin[Any],
        field_path: str,
    ) -> None:
        self.isnull_path = f"{field_path}__isnull"
        self.model, self.model_admin, self.user = model, model_admin, request.user
        super().__init__(field, request, params, model, model_admin, field_path)
        self.found: dict[Any, Any] | None = None
        used: dict[str, Any] = self.used_parameters
        self.chosen: list[str] = used.get(field_path, [])
        self.null_chosen = any(used.get(self.isnull_path, []))

    def expected_parameters(self) -> list[str | None]:
        return [self.field_path, self.isnull_path]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any] | None:
        return queryset.filter(self.condition.q) if self.used_parameters else queryset

    @cached_property
    def condition(self) -> Condition:
        """The `Condition` of the chosen values."""
        found = any_of(self.model, self.field_path, self.readable_values(), seen_by(self.user))
        if self.isnull_path not in self.used_parameters:
            return found
        return Condition(found.q | Q(**{self.isnull_path: self.null_chosen}), found.is_costly)

    @property
    def is_costly(self) -> bool:
        """See `Found`."""
        return bool(self.used_parameters) and self.condition.is_costly

    def readable_values(self) -> list[Any]:
        """The chosen values that are valid for the field; no row can have another."""
        field: Any = self.field
        target = field.target_field if field.is_relation else field
        values = []
        for text in self.chosen:
            try:
                value = target.to_python(text)
                if isinstance(target, IntegerField):
                    target.run_validators(value)  # the range of the database's integers
            except (ValidationError, ValueError):
                continue
            if "\x00" not in text:  # PostgreSQL refuses the statement
                values.append(value)
        return values

    def pairs(self, changelist: Any) -> list[tuple[str, str]] | None:
        """`(value, label with its count)` for a form; None if rows may have no value."""
        counts = self.count(changelist)
        if None in counts or self.null_chosen:
            return None
        labels = self.labels(counts)
        values = sorted(counts, key=lambda value: labels[value].casefold())
        return [(str(value), with_count(labels[value], counts[value])) for value in values]

    def choices(self, changelist: Any) -> Any:
        counts = self.count(changelist)
        labels = self.labels(counts)
        yield {
            "selected": not self.used_parameters,
            "query_string": changelist.get_query_string(
                dict.fromkeys(self.expected_parameters())
            ),
            "display": _("All"),
        }
        nowhere = counts.pop(None, 0)
        for value in sorted(counts, key=lambda value: labels[value].casefold()):
            yield {
                "selected": str(value) in self.chosen,
                "query_string": changelist.get_query_string(
                    {self.field_path: value, self.isnull_path: None}
                ),
                "display": with_count(labels[value], counts[value]),
            }
        if nowhere != 0 or self.null_chosen:
            yield {
                "selected": self.null_chosen,
                "query_string": changelist.get_query_string(
                    {self.field_path: None, self.isnull_path: "True"}
                ),
                "display": with_count(self.model_admin.get_empty_value_display(), nowhere),
            }

    def count(self, changelist: Any) -> Any:
        """The same as `counted`, read once for a page."""
        if self.found is None:
            self.found = self.counted(changelist)
        return dict(self.found)

    def counted(self, changelist: Any) -> Any:
        """`{value: Count}` of the values in use; 0 for a chosen value that isn't in use.

        None instead of the Count if the list is too long to count.
        """
        others = changelist.find(exclude_parameters=self.expected_parameters())
        is_named = changelist.query and not others.is_costly  # few rows, listed by their keys
        if changelist.is_long and not is_named:
            found = self.count_many(changelist)
        else:
            found = self.count_few(changelist, others.rows.order_by())
        in_use = {str(value) for value in found}
        return dict.fromkeys(set(self.chosen) - in_use, 0) | found

    def count_few(self, changelist: Any, rows: QuerySet[Any]) -> dict[Any, Any]:
        if rows.query.distinct or rows.query.group_by is not None:
            # It has a join to many rows: count the rows, not the joined ones.
            rows = changelist.model._base_manager.filter(pk__in=rows.values("pk"))
        relation, _path = split_path(self.model, self.field_path)
        if relation and is_scoped(self.user):
            related: Any = self.model._meta.get_field(relation).related_model
            seen = within(related._base_manager.all(), self.user)
            rows = rows.filter(**{f"{relation}__in": seen})  # by the join that has the values
        pairs = rows.values_list(self.field_path).annotate(models.Count("pk", distinct=True))
        return {value: Count(number) for value, number in pairs}

    def count_many(self, changelist: Any) -> dict[Any, Any]:
        if is_scoped(self.user):
            return self.values_within()
        others = set(changelist.narrowing) - set(self.expected_parameters())
        rows = None if others or changelist.query else changelist.root_queryset
        found = {}
        if leads_index(self.field):
            found = values_in_use(self.field, rows, self.field_path)
        elif self.field.flatchoices:
            found = {value: None for value, _label in self.field.flatchoices}
        if any(map(may_be_none, get_fields_from_path(changelist.model, self.field_path))):
            found[None] = None
        return found

    def values_within(self) -> dict[Any, Any]:
        """The values of the rows that the user may see; they are not counted."""
        model: Any = self.field.model
        rows = within(model._base_manager.all(), self.user).order_by()
        values = rows.values_list(self.field.attname, flat=True).distinct()
        return dict.fromkeys(values[:VALUES])

    def labels(self, counts: Any) -> dict[str, str]:
        labels: dict[Any, Any]
        if self.field.is_relation:
            keys = [key for key, number in counts.items() if number != 0 and key is not None]
            field: Any = self.field
            rows = within(field.related_model._base_manager.all(), self.user)
            found = list(rows.in_bulk([*keys, *self.readable_values()]).values())
            labels = dict(
                zip((row.pk for row in found), names(found, Reach.of(self.user)), strict=True)
            )
        else:
            labels = dict(self.field.flatchoices)
        labels = {str(value): str(label) for value, label in labels.items()}
        empty = self.model_admin.get_empty_value_display()
        return {value: labels.get(str(value), str(value)) or empty for value in counts}


def with_count(label: Any, number: int) -> str:
    return label if number is None else f"{label} ({number})"


def may_be_none(step: Any) -> bool:
    """Whether this step of a path can be empty for a row."""
    return step.many_to_many or step.one_to_many or not step.concrete or step.null
