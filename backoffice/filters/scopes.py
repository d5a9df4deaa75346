"""What a user is limited to, on the database: rows by their keys, and rows by a filter."""

from functools import cached_property
from typing import Any

from django.conf import settings
from django.core.exceptions import EmptyResultSet, FieldDoesNotExist
from django.db import models
from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.filters.filterset import FilterSet, filterset_class_for
from backoffice.querysets.keys import is_key
from backoffice.querysets.scopes import among, scoped_model
from backoffice.tables.table import Table


class Scope(models.Model):
    """The rows of the scoped model that a user is limited to: those named, and those found.

    A row that was renamed stays in it, one that was deleted is in it again when it is restored.
    One without keys and without a filter has no rows, and one whose filter is no longer valid
    has those of its keys alone.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="backoffice_scope",
        verbose_name=gettext_lazy("user"),
    )
    keys = models.JSONField(gettext_lazy("keys"), default=list, blank=True)
    filter = models.TextField(gettext_lazy("filter"), blank=True)

    class Meta:
        verbose_name = gettext_lazy("limits of a user")
        verbose_name_plural = gettext_lazy("limits of users")

    def __str__(self) -> str:
        return self.filter or ", ".join(map(str, self.keys))

    def rows(self, candidates: QuerySet[Any], key: str = "pk") -> QuerySet[Any]:
        found = Q(**{f"{key}__in": among(self.known_keys, self._model)})
        if self.filter:
            selected = self.selected(candidates.model._base_manager.all())
            found |= Q(pk__in=selected.order_by().values("pk"))
        return candidates.filter(found)

    @property
    def _model(self) -> Any:
        return scoped_model()

    @cached_property
    def known_keys(self) -> list[Any]:
        """The keys that can be keys, as the model has them."""
        opts, keys = self._model._meta, self.keys if isinstance(self.keys, list) else []
        return [opts.pk.to_python(key) for key in map(str, keys) if is_key(opts, key)]

    @property
    def may_grow(self) -> bool:
        return self.valid_filter is not None

    @cached_property
    def known_few(self) -> dict[type[models.Model], bool]:
        return {}

    def selected(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Those of the scoped model's rows, or of its history's, that the filter finds."""
        if self.valid_filter is None:
            return rows.none()
        selected: QuerySet[Any] = self.valid_filter.filter_queryset(rows)
        return selected

    @cached_property
    def valid_filter(self) -> FilterSet | None:
        filterset = filterset_of(self.filter)
        return None if problem_of(filterset) else filterset


def admits(limits: Any, row: models.Model) -> bool:
    """Whether a row of the scoped model, as it would be saved, lies within.

    The database looks at its values in place of the table.
    """
    if row.pk in limits.known_keys:
        return True
    table = Table(type(row))
    values, connection = [], table.connection
    for field in table.opts.concrete_fields:
        value = field.get_db_prep_save(field.pre_save(row, False), connection)
        values.append(value)
    if row.pk is None:
        values[table.opts.concrete_fields.index(table.opts.pk)] = -1
    columns = ", ".join(
        f"CAST(%s AS {field.cast_db_type(connection)}) AS {table.column(field)}"
        for field in table.opts.concrete_fields
    )
    rows = limits.selected(table.model._base_manager.all()).order_by().values("pk")
    try:
        sql, params = rows.query.get_compiler(connection=connection).as_sql()
    except EmptyResultSet:
        return False
    found = table.fetch(f"WITH {table.name} AS (SELECT {columns}) {sql}", [*values, *params])
    return bool(found)


def filterset_of(query: str) -> FilterSet | None:
    """The FilterSet of the scoped model, with a query string; None if it has no FilterSet."""
    model = scoped_model()
    filterset_class = None if model is None else filterset_class_for(model)
    if model is None or filterset_class is None:
        return None
    data = QueryDict(mutable=True)
    for name, values in QueryDict(query.strip()).lists():
        data.setlist(filterset_class.aliases.get(name, name), values)
    return filterset_class(data, model._base_manager.all())


def usable(filterset: FilterSet) -> list[str]:
    """The parameters of the filters that people can be limited by.

    Those of the model's own columns: what is linked to a row does not decide who sees it, and
    a row of history can be asked for them.
    """
    return [
        parameter
        for parameter, (name, _part) in filterset.parameters.items()
        if _is_of_column(filterset.filters[name])
    ]


def _is_of_column(each: Any) -> bool:
    try:
        field: Any = each.model._meta.get_field(each.field_name)
    except FieldDoesNotExist:
        return False
    return field.concrete and not field.is_relation and each.method is None


def problem_of(filterset: FilterSet | None) -> str:
    """Why nobody can be limited by a filter; "" where one can."""
    if filterset is None:
        return _("There are no filters of these records.")
    names = usable(filterset)
    if not filterset.data or any(name not in names for name in filterset.data):
        known = ", ".join(names)
        return _("Write NAME=VALUE with one of these names: %(names)s.") % {"names": known}
    for name, values in filterset.data.lists():
        if not all(map(str.strip, values)):
            return _("“%(name)s” has no value.") % {"name": name}
    errors = filterset.errors.items()
    return " ".join(f"{name}: {' '.join(texts)}" for name, texts in errors)
