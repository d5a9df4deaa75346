"""The many-to-many links that history records keep."""

from collections.abc import Sequence
from typing import Any

from simple_history.utils import get_m2m_reverse_field_name


def recorded_links(records: Sequence[Any], field: Any) -> dict[Any, set[Any]]:
    """`{record's key: keys of the rows linked by the many-to-many field}`."""
    target = f"{get_m2m_reverse_field_name(field)}_id"
    links: dict[Any, set[Any]] = {record.pk: set() for record in records}
    if not records:
        return links
    history_model = getattr(type(records[0]), field.name).model
    rows = history_model.objects.filter(history__in=list(links))
    for record, key in rows.values_list("history_id", target):
        links[record].add(key)
    return links
