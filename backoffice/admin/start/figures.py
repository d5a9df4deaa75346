"""The numbers of the start page: how they are counted, and how long they are kept.

Of small tables they are counted when the page is asked for. Else a thread counts them: the page
shows those that it has, and says how old they are. They are kept in Django's cache under the
user's rights and the SQL of the rows that they may see, so nobody gets the numbers of others'
rows.
"""

import datetime
import hashlib
import logging
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.core.cache import cache
from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import Count as CountOf
from django.db.models import Q, QuerySet
from django.db.models.functions import TruncMonth
from django.http import HttpRequest, QueryDict
from django.utils import timezone

from backoffice.history.deleted import absent
from backoffice.history.records import history_model
from backoffice.history.scopes import within_then
from backoffice.querysets.counts import Count, count_rows
from backoffice.querysets.scopes import is_scoped

logger = logging.getLogger(__name__)

MOST = 8  # models with figures
DAYS, WEEK = 30, 7
MONTHS = 12
FRESH = 300  # seconds for which figures are not counted again, or COST times as long as it took
COST = 50
KEPT = 7 * 86_400  # seconds
WAITED = 0.1  # seconds that a page waits for figures that nobody has counted yet

Rows = QuerySet[Any]


@dataclass(frozen=True)
class Figures:
    """Numbers by the label of a model; `at` is None while only `totals` are known."""

    totals: dict[str, Count]
    at: datetime.datetime | None = None
    took: float = 0.0  # seconds
    changes: dict[str, int] = field(default_factory=dict)
    attention: dict[tuple[str, str], int] = field(default_factory=dict)
    deleted: dict[str, int] = field(default_factory=dict)
    tiles: dict[str, dict[str, int]] = field(default_factory=dict)
    months: dict[str, dict[datetime.date, int]] = field(default_factory=dict)

    @property
    def is_old(self) -> bool:
        age = timezone.now() - self.at if self.at else datetime.timedelta.max
        return age.total_seconds() > max(FRESH, COST * self.took)


def figures(model_admins: Sequence[Any], request: HttpRequest) -> Figures:
    """The figures of these ModelAdmins' rows, as far as the user may see them."""
    key = _key(model_admins, request)
    kept: Figures | None = cache.get(key)
    if kept is None:
        totals = {_label(each): count_rows(_rows(each, request)) for each in model_admins}
        kept = Figures(totals)
        if all(count.is_exact for count in totals.values()):
            return count_all(model_admins, request, totals)
    if kept.is_old and cache.add(f"{key}-busy", True, 600):
        counting = threading.Thread(
            target=_count_aside, args=(key, model_admins, request), daemon=True
        )
        counting.start()
        if kept.at is None:
            counting.join(WAITED)
            kept = cache.get(key) or kept
    return kept


def _count_aside(key: str, model_admins: Sequence[Any], request: HttpRequest) -> None:
    try:
        cache.set(key, count_all(model_admins, request), KEPT)
    except Exception:
        logger.exception("The figures of the start page were not counted")
    finally:
        cache.delete(f"{key}-busy")
        connection.close()


def count_all(
    model_admins: Sequence[Any], request: HttpRequest, totals: dict[str, Count] | None = None
) -> Figures:
    """Count everything: some statements for each model, at any number of rows.

    totals: those that are known already.
    """
    begun = time.monotonic()
    found = Figures({} if totals is None else totals, timezone.now())
    for model_admin in model_admins:
        label, rows = _label(model_admin), _rows(model_admin, request)
        if totals is None:
            found.totals[label] = Count(rows.count())
        if model_admin.tile_map:
            values = rows.order_by().values_list(model_admin.tile_map.field)
            found.tiles[label] = dict(values.annotate(n=CountOf("pk")))
        for each in model_admin.attention:
            number = _number(model_admin, request, rows, each.query)
            if number is not None:
                found.attention[label, each.query] = number
        _count_history(found, model_admin, request)
    return replace(found, took=time.monotonic() - begun)


def _count_history(found: Figures, model_admin: Any, request: HttpRequest) -> None:
    label, now = _label(model_admin), timezone.now()
    records = _records(model_admin, request, history_model(model_admin.model)._base_manager)
    begin = now - datetime.timedelta(days=DAYS)
    recent = records.filter(history_date__gte=begin).aggregate(
        added=CountOf("pk", filter=Q(history_type="+")),
        gone=CountOf("pk", filter=Q(history_type="-")),
    )
    found.changes[label] = recent["added"] - recent["gone"]
    if recent["gone"] and model_admin.may_see_deleted(request):
        week = now - datetime.timedelta(days=WEEK)
        gone = _records(model_admin, request, absent(model_admin.model))
        found.deleted[label] = gone.filter(history_date__gte=week).count()
    months = last_months(timezone.localdate())
    start = datetime.datetime.combine(months[0], datetime.time.min)
    added = records.filter(history_type="+", history_date__gte=timezone.make_aware(start))
    by_month = added.annotate(month=TruncMonth("history_date")).order_by()
    numbers = dict(by_month.values_list("month").annotate(n=CountOf("pk")))
    by_day = {timezone.localtime(month).date(): n for month, n in numbers.items()}
    found.months[label] = {month: by_day.get(month, 0) for month in months}


def last_months(day: datetime.date) -> list[datetime.date]:
    """The first days of the last MONTHS months, the present one included."""
    first = day.year * 12 + day.month - MONTHS
    return [
        datetime.date(number // 12, number % 12 + 1, 1)
        for number in range(first, first + MONTHS)
    ]


def _number(model_admin: Any, request: HttpRequest, rows: Rows, query: str) -> int | None:
    """How many rows a filter finds; None where the user may not filter by that."""
    filterset = model_admin.filterset_class(
        QueryDict(query), rows, request=request, admin_site=model_admin.admin_site
    )
    if not filterset.is_valid() or set(QueryDict(query)) - set(filterset.parameters):
        return None
    return int(filterset.qs.count())


def _records(model_admin: Any, request: HttpRequest, records: Any) -> Rows:
    return within_then(records.all(), request.user)


def _rows(model_admin: Any, request: HttpRequest) -> Rows:
    rows: Rows = model_admin.get_queryset(request).order_by()
    return rows


def _label(model_admin: Any) -> str:
    return str(model_admin.opts.label)


def _key(model_admins: Sequence[Any], request: HttpRequest) -> str:
    """Whose figures: those of users with the same rights who see the same rows.

    By rights, because what needs attention is found by filters, and who may not view what a
    filter is about has no such filter.
    """
    user: Any = request.user
    rights = "all" if user.is_superuser else sorted(user.get_all_permissions())
    parts: list[Any] = [rights, user.pk if is_scoped(user) else None]
    for model_admin in model_admins:
        try:
            sql = _rows(model_admin, request).query.sql_with_params()
        except EmptyResultSet:
            sql = ("", ())
        parts.append((_label(model_admin), sql, model_admin.may_see_deleted(request)))
    text = repr((timezone.localdate(), parts))
    return f"start-{hashlib.sha256(text.encode()).hexdigest()}"
