"""The date hierarchy of a long list, without reading its rows."""

import calendar
import datetime
import functools
from typing import Any

from django.utils.timezone import is_aware, localtime

from backoffice.querysets.ordering import leads_index


class Dates:
    """Stands for a long ChangeList in Django's `date_hierarchy` tag.

    It offers every year between the first row and the last, and every month and day of a
    year, whether there are rows or not: finding out would mean reading all rows.
    """

    def __init__(self, changelist: Any) -> None:
        self.changelist = changelist
        self.field = changelist.opts.get_field(changelist.date_hierarchy)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.changelist, name)

    @property
    def queryset(self) -> "Dates":
        return self

    def aggregate(self, **_expressions: Any) -> dict[str, Any]:
        return self.ends

    @functools.cached_property
    def ends(self) -> dict[str, Any]:
        """`{"first": …, "last": …}`; without an index, of the first and the last key."""
        rows, name = self.changelist.root_queryset, self.field.name
        order = name if leads_index(self.field) else "pk"
        ends = rows.order_by(order).values_list(name, flat=True)
        first, last = (
            localtime(end) if isinstance(end, datetime.datetime) and is_aware(end) else end
            for end in (ends.first(), ends.last())
        )
        return {"first": first, "last": last}

    def dates(self, name: str, kind: str) -> list[datetime.date]:
        params, last = self.changelist.params, self.ends["last"]
        if last is None:
            return []
        year = int(params.get(f"{name}__year", last.year))
        if kind == "year":
            years = range(self.ends["first"].year, last.year + 1)
            return [datetime.date(year, 1, 1) for year in years]
        if kind == "month":
            return [datetime.date(year, month, 1) for month in range(1, 13)]
        month = int(params.get(f"{name}__month", last.month))
        _weekday, days = calendar.monthrange(year, month)
        return [datetime.date(year, month, day) for day in range(1, days + 1)]

    datetimes = dates
