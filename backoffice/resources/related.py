"""Columns of exports alone, of related records: a library's librarian, how many patrons."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db.models import Case, F, Model, Q, When
from django_stubs_ext import StrOrPromise

from backoffice.querysets.reach import Reach
from backoffice.querysets.related import number_of, split_path
from backoffice.resources.headers import loose

REMEDY = (
    "Give it a name of its own, and a path such as librarian__name for a value of one related"
    " record, or such as patron for the number of related records."
)


@dataclass(frozen=True)
class RelatedColumn:
    """A column that an export offers and that no import reads.

    path: a field of the one record that a relation leads to, `"librarian__name"`; or a relation
    to many, `"patron"`: their number. As in a lookup.
    """

    path: str
    label: StrOrPromise

    def relation(self, model: type[Model]) -> tuple[Any, str]:
        """The relation, and the field's name at its end; "" for a number.

        Raises FieldDoesNotExist.
        """
        name, rest = split_path(model, self.path)
        return (
            (model._meta.get_field(name), rest)
            if name
            else (model._meta.get_field(self.path), "")
        )

    def related_model(self, model: type[Model]) -> type[Model]:
        related: type[Model] = self.relation(model)[0].related_model
        return related

    def expression(self, model: type[Model], reach: Reach) -> Any:
        """What is selected for each row of `model`: of related records within `reach`."""
        relation, rest = self.relation(model)
        rows = reach.records(relation.related_model)
        if not rest:
            return number_of(relation, rows)
        if reach.is_limited:
            return Case(When(Q(**{f"{relation.name}__in": rows}), then=F(self.path)))
        return F(self.path)

    def problem(self, model: type[Model]) -> str:
        """What is wrong with the path; "" if nothing is."""
        try:
            relation, rest = self.relation(model)
            field: Any = relation.related_model._meta.get_field(rest) if rest else None
        except (AttributeError, FieldDoesNotExist):
            return "leads to no related field"
        is_many = relation.one_to_many or relation.many_to_many
        if rest and (is_many or not field.concrete or field.is_relation):
            return "leads to no field of one related record"
        return "" if rest or is_many else "leads to no relation to many records"


def wrong_columns(resource_class: Any) -> Iterator[str]:
    """What is wrong with the related columns of a Resource, a sentence each."""
    fields, model = resource_class.fields, resource_class._meta.model
    taken = {*fields, *(field.column_name for field in fields.values())}
    headers = {
        loose(header) for names in resource_class.spellings().values() for header in names
    }
    # An import takes "Branch Name" rather than "Branch".
    headers |= {header + kind for header in headers for kind in ("name", "title")}
    for name, column in resource_class.related.items():
        problem = "has the name of another column" if name in taken else column.problem(model)
        if not problem and loose(name) in headers:
            problem = "has a name that an import takes for a column of its own"
        if not name.isidentifier():
            problem = "has a name that is no identifier"
        if problem:
            yield f"the related column “{name}” ({column.path}) {problem}."
