"""The many-to-many links that history keeps: each once, for the records that have it.

`history` is the first record that has the link, and `history_until` the first later one of the
row that has it no more; None while none is. So a record has the links of which

    history_id <= record and (history_until is None or history_until > record)

and a change writes those that it adds or ends, however many there are.
"""

from collections.abc import Sequence
from typing import Any

from django.db.models import BigIntegerField, Model, Q, QuerySet
from django.utils.translation import gettext as _
from simple_history.manager import HistoryManager
from simple_history.utils import get_m2m_field_name, get_m2m_reverse_field_name

NOT_SAID = -1


class UntilField(BigIntegerField[Any, Any]):
    """`history_until`. A fixture that has the links of each record, as before, is refused."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"null": True, "editable": False} | options)

    def get_default(self) -> Any:
        return NOT_SAID

    def get_prep_value(self, value: Any) -> Any:
        if value == NOT_SAID:
            raise ValueError(
                _('Links of history have "history_until": this is of an earlier version.')
            )
        return super().get_prep_value(value)


def kept_by(field: Any, row: Any, record: Any) -> Q:
    """The condition on the links of `field` in history that a record has them.

    row, record: the keys of the row and of its record, or expressions of them.
    """
    return Q(
        Q(history_until=None) | Q(history_until__gt=record),
        **{f"{get_m2m_field_name(field)}_id": row},
        history_id__lte=record,
    )


def lasts(link: str, record: str) -> str:
    """The same in SQL, beside the condition that they are of one row."""
    until = f"{link}.history_until"
    return (
        f"{link}.history_id <= {record}.history_id"
        f" AND ({until} IS NULL OR {until} > {record}.history_id)"
    )


def links_then(history: type[Model], field: Any, *, row: Any, record: Any) -> QuerySet[Any]:
    """The links that a record of history has; row and record as for `kept_by`."""
    links: QuerySet[Any] = getattr(history, field.name).model._base_manager.all()
    return links.filter(kept_by(field, row, record))


class LinksManager(HistoryManager):
    """`record.libraries`, with upstream's methods; of no record, all that history keeps."""

    field: Any  # the many-to-many

    def get_queryset(self) -> Any:
        links = self.get_super_queryset()
        if (record := self.instance) is None:
            return links
        row = getattr(record, record.instance_type._meta.pk.attname)
        return links.filter(kept_by(self.field, row, record.pk))


def recorded_links(records: Sequence[Any], field: Any) -> dict[Any, set[Any]]:
    """`{record's key: keys of the rows linked by the many-to-many field}`."""
    links: dict[Any, set[Any]] = {record.pk: set() for record in records}
    if not records:
        return links
    of_row: dict[Any, list[Any]] = {}
    row = records[0].instance_type._meta.pk.attname
    for record in records:
        of_row.setdefault(getattr(record, row), []).append(record.pk)
    source, target = get_m2m_field_name(field), get_m2m_reverse_field_name(field)
    rows = getattr(type(records[0]), field.name).model._base_manager.filter(
        Q(history_until=None) | Q(history_until__gt=min(links)),
        **{f"{source}_id__in": list(of_row)},
        history_id__lte=max(links),
    )
    values = f"{source}_id", f"{target}_id", "history_id", "history_until"
    for key, linked, begin, until in rows.values_list(*values):
        for record in of_row[key]:
            if begin <= record and (until is None or record < until):
                links[record].add(linked)
    return links
