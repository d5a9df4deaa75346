"""What a search found for a choice: names that begin with what was typed come first."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import FieldDoesNotExist
from django.db.models import Case, CharField, IntegerField, QuerySet, TextField, Value, When
from django.http import HttpRequest

from backoffice.admin.lists.paginator import window
from backoffice.admin.lists.search import search_rows, words_of
from backoffice.querysets.counts import Found
from backoffice.querysets.names import Naming
from backoffice.querysets.ordering import indexed_ordering

FIRST = 200  # names of each spelling that come first; it is more than a page


def search_page(
    model_admin: admin.ModelAdmin[Any],
    request: HttpRequest,
    rows: QuerySet[Any],
    term: str,
    start: int,
    end: int,
    **options: Any,
) -> list[Any]:
    """The rows from `start` to `end` of those that the ModelAdmin's search finds in `rows`.

    options: those of `search_rows`.
    """
    found = search_rows(model_admin, request, rows, term, **options)
    begin, name = " ".join(words_of(term)).strip(), name_field(model_admin, request)
    if not begin or "\x00" in begin or name is None:
        return list(window(found.rows, start, end, is_costly=found.is_costly))
    if found.are_few:
        begins = When(**{f"{name}__istartswith": begin}, then=Value(0))
        rank = Case(begins, default=Value(1), output_field=IntegerField())
        return list(found.rows.order_by(rank, *found.rows.query.order_by)[start:end])
    first = beginning_with(begin, rows, found, name)
    page = first[start:end]
    if end > len(first):
        others = found.rows.exclude(pk__in=[row.pk for row in first]) if first else found.rows
        start, end = max(start - len(first), 0), end - len(first)
        page += window(others, start, end, is_costly=found.is_costly)
    return page


def name_field(model_admin: admin.ModelAdmin[Any], request: HttpRequest) -> str | None:
    """The field with the names of the ModelAdmin's rows: the first text that it searches."""
    if naming := Naming.of(model_admin.model):
        return naming.name
    for name in model_admin.get_search_fields(request):
        try:
            field = model_admin.opts.get_field(str(name).lstrip("^=@"))
        except FieldDoesNotExist:
            continue
        if isinstance(field, CharField | TextField):
            return field.name
    return None


def beginning_with(begin: str, rows: QuerySet[Any], found: Found, name: str) -> list[Any]:
    """The first rows found whose name begins so, in any of the usual cases.

    They are many. An index of the names leads to the first of each spelling, in whatever order
    it has, and no further; without one there are none.
    """
    order = indexed_ordering(rows.model, [name])
    if order is None:
        return []
    texts = {begin, begin.lower(), begin.upper(), begin.capitalize(), begin.title()}
    near = [
        rows.filter(**{f"{name}__gte": text}).order_by(*order).values("pk")[:FIRST]
        for text in sorted(texts)
    ]
    # SQLite takes no part of a UNION that has an order and a limit of its own.
    one, *others = (
        rows.model._base_manager.using(rows.db).filter(pk__in=keys).values_list("pk", name)
        for keys in near
    )
    keys = {
        key
        for key, its_name in one.union(*others, all=True)
        if its_name.casefold().startswith(begin.casefold())
    }
    return list(found.rows.filter(pk__in=keys)) if keys else []
