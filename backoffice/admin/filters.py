"""The filter beside a list: the values in use, each with the number of its rows."""

from django.contrib.admin import filters
from django.core.exceptions import ValidationError
from django.db.models import Count, IntegerField, Q
from django.utils.translation import gettext_lazy as _


class InUseFilter(filters.FieldListFilter):
    """`list_filter = [("library__state", InUseFilter)]`, over any path to a field.

    Offers the values that occur in the list as it is searched and filtered otherwise, with
    the labels of the field's choices: "New York (12)". One statement a filter. Its query
    parameter is the path (`?library__state=NY`), several values mean any of them, and
    `?library__state__isnull=True` finds the rows that lead nowhere.
    """

    def __init__(self, field, request, params, model, model_admin, field_path):
        self.isnull_path = f"{field_path}__isnull"
        self.model_admin = model_admin
        super().__init__(field, request, params, model, model_admin, field_path)
        self.chosen = self.used_parameters.get(field_path, [])
        self.null_chosen = any(self.used_parameters.get(self.isnull_path, []))

    def expected_parameters(self):
        return [self.field_path, self.isnull_path]

    def queryset(self, request, queryset):
        if not self.used_parameters:
            return queryset
        condition = Q(**{f"{self.field_path}__in": self.readable_values()})
        if self.isnull_path in self.used_parameters:
            condition |= Q(**{self.isnull_path: self.null_chosen})
        return queryset.filter(condition)

    def readable_values(self):
        """The chosen values that the field could hold; no row has any other."""
        target = self.field.target_field if self.field.is_relation else self.field
        values = []
        for text in self.chosen:
            try:
                value = target.to_python(text)
                if isinstance(target, IntegerField):
                    target.run_validators(value)  # what the database's integers can hold
            except (ValidationError, ValueError):
                continue
            if "\x00" not in text:  # PostgreSQL refuses the statement
                values.append(value)
        return values

    def choices(self, changelist):
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
                "display": f"{labels[value]} ({counts[value]})",
            }
        if nowhere or self.null_chosen:
            yield {
                "selected": self.null_chosen,
                "query_string": changelist.get_query_string(
                    {self.field_path: None, self.isnull_path: "True"}
                ),
                "display": f"{self.model_admin.get_empty_value_display()} ({nowhere})",
            }

    def count(self, changelist):
        """Rows of the list for each value in use, and 0 for a chosen one that isn't."""
        rows = changelist.get_queryset(
            self.request, exclude_parameters=self.expected_parameters()
        ).order_by()
        if rows.query.distinct or rows.query.group_by is not None:
            # A join to many rows is in it: count its rows, not what it joined.
            rows = changelist.model._base_manager.filter(pk__in=rows.values("pk"))
        counts = dict(rows.values_list(self.field_path).annotate(Count("pk", distinct=True)))
        in_use = {str(value) for value in counts}
        return dict.fromkeys(set(self.chosen) - in_use, 0) | counts

    def labels(self, counts):
        if self.field.is_relation:
            keys = [key for key, number in counts.items() if number and key is not None]
            related = self.field.related_model._base_manager
            labels = related.in_bulk([*keys, *self.readable_values()])
        else:
            labels = dict(self.field.flatchoices)
        labels = {str(value): str(label) for value, label in labels.items()}
        empty = self.model_admin.get_empty_value_display()
        return {value: labels.get(str(value), str(value)) or empty for value in counts}
