"""A many-to-many relation, from either side."""

from dataclasses import dataclass
from typing import Any, Self

from django.db.models import Model, QuerySet


@dataclass(frozen=True)
class ManyToMany:
    """One side of a many-to-many relation.

    Args:
        name: what `model._meta.get_field` takes.
        accessor: the attribute of a row of `model`.
        through: the model of the links.
        source: the field of `through` that leads to `model`.
        target: the field of `through` that leads to `related_model`.
        field: the ManyToManyField, whichever side this is.
        limit: `limit_choices_to` of the field; empty from the reverse side.
    """

    model: type[Model]
    name: str
    accessor: str
    related_model: type[Model]
    through: type[Model]
    source: str
    target: str
    field: Any
    limit: Any = None

    @classmethod
    def of(cls, field: Any) -> Self:
        """The side of `field`, a ManyToManyField or its ManyToManyRel."""
        return cls.backward(field) if field.auto_created else cls.forward(field)

    @classmethod
    def forward(cls, field: Any) -> Self:
        return cls(
            field.model,
            field.name,
            field.name,
            field.related_model,
            field.remote_field.through,
            field.m2m_field_name(),
            field.m2m_reverse_field_name(),
            field,
            field.get_limit_choices_to(),
        )

    @classmethod
    def backward(cls, relation: Any) -> Self:
        field = relation.field
        return cls(
            relation.model,
            relation.name,
            relation.get_accessor_name(),
            relation.related_model,
            relation.through,
            field.m2m_reverse_field_name(),
            field.m2m_field_name(),
            field,
        )

    @property
    def is_forward(self) -> bool:
        return bool(self.source == self.field.m2m_field_name())

    @property
    def links(self) -> QuerySet[Any]:
        """All rows of `through`."""
        return self.through._base_manager.all()
