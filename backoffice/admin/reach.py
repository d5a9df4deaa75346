"""Conditions on related rows, in the form that is cheap for as many as there are."""

from django.db.models import Exists, OuterRef, Q

FEW = 1_000  # related rows that are named by their keys


def reach(model, relation, condition):
    """`(Q, whether it is costly)`: the rows of `model` that lead to a row with `condition`.

    relation: the name of a relation, as in a lookup · condition: a Q on its other side.

    One statement looks for the related rows. Few are named by their keys: the database
    begins with them. To many, all rows are led past, in the order of the list, and most of
    those looked at fit. No row is found twice.
    """
    field = model._meta.get_field(relation)
    related = field.related_model._base_manager.filter(condition)
    keys = list(related.order_by().values_list("pk", flat=True)[: FEW + 1])
    if len(keys) > FEW:
        return Q(_walk(field, related)), True
    if field.one_to_many or field.many_to_many:
        rows = model._base_manager.filter(**{f"{relation}__pk__in": keys})
        return Q(pk__in=rows.values("pk")), False
    return Q(**{f"{relation}__pk__in": keys}), False


def _walk(field, related):
    """EXISTS from row to row. Not as one join: SQLite would begin it at the far end."""
    if field.many_to_many:
        forward = field.concrete
        relation = field if forward else field.field
        source, target = relation.m2m_field_name(), relation.m2m_reverse_field_name()
        if not forward:
            source, target = target, source
        links = relation.remote_field.through._base_manager
        return Exists(
            links.filter(
                Exists(related.filter(pk=OuterRef(f"{target}__pk"))),
                **{source: OuterRef("pk")},
            )
        )
    if field.concrete:
        return Exists(related.filter(**{field.target_field.attname: OuterRef(field.attname)}))
    return Exists(related.filter(**{field.field.name: OuterRef("pk")}))


def split_path(model, path):
    """`("library", "state")` of `library__state`; `(None, "state")` of the model's own."""
    first, _separator, rest = path.partition("__")
    if rest and model._meta.get_field(first).is_relation:
        return first, rest
    return None, path
