"""Pages of a list of any length: counted up to a bound, and reached from either end."""

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from django.contrib.admin import ModelAdmin
from django.core import paginator
from django.db import connections
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _

from backoffice.querysets.counts import Count, Found, count_rows
from backoffice.querysets.ordering import beginning, indexed_ordering, unindexed, walked

FURTHEST = 10**9  # a page; databases refuse an offset too large for their integers
NEAR = 10_000  # first rows of a list to search before all hits are sorted
SHALLOW = 1_000  # rows that are cheaper to skip as whole rows than by their keys


class FromTheEnd(int):
    """The number of a page counted from the end: -1 is the last. Shown as "last"."""

    def __html__(self) -> str:
        before = -1 - self
        return _("last − %d") % before if before else _("last")


class Page(paginator.Page[Any]):
    paginator: Any

    def has_next(self) -> bool:
        if self.paginator.count.is_exact or super().has_next():
            return super().has_next()
        end = self.number * self.paginator.per_page
        return bool(self.paginator.object_list[end : end + 1].exists())


class Paginator(paginator.Paginator[Any]):
    """Django's, for querysets with so many rows that they may not be counted exactly.

    With an exact count it works as Django's does. Otherwise the number of the last page is
    not known: pages are numbered from the start, and by negative numbers from the end. The
    cost of a page grows with the rows before it, which are skipped in the index.
    """

    object_list: Any  # rows of a queryset, or a list
    is_costly = False  # see `Found`

    @cached_property
    def count(self) -> Count:
        if isinstance(self.object_list, QuerySet):
            return count_rows(self.object_list, is_costly=self.is_costly)
        return Count(super().count)

    def _get_page(self, *args: Any, **kwargs: Any) -> Page:
        return Page(*args, **kwargs)

    def validate_number(self, number: Any) -> int:
        if self.count.is_exact:
            return super().validate_number(number)
        try:
            page = int(number)
        except (TypeError, ValueError) as error:
            raise paginator.PageNotAnInteger(self.error_messages["invalid_page"]) from error
        if not page:
            raise paginator.EmptyPage(self.error_messages["min_page"])
        if abs(page) > FURTHEST:
            raise paginator.EmptyPage(self.error_messages["no_results"])
        return page

    def page(self, number: Any) -> Any:
        number = self.validate_number(number)
        if self.count.is_exact:
            return super().page(number)
        rows = self.object_list if number > 0 else self.object_list.reverse()
        end = abs(number) * self.per_page
        start = end - self.per_page
        if number > 0 and start < SHALLOW:
            found = window(rows, start, end, is_costly=self.is_costly)
        else:
            found = by_its_keys(self.object_list, along_its_order(rows), start, end)
        if not found:
            raise paginator.EmptyPage(self.error_messages["no_results"])
        return self._get_page(found, number, self)

    def get_elided_page_range(
        self, number: Any = 1, *, on_each_side: int = 3, on_ends: int = 2
    ) -> Iterator[Any]:
        if self.count.is_exact:
            yield from super().get_elided_page_range(
                number, on_each_side=on_each_side, on_ends=on_ends
            )
            return
        number = self.validate_number(number)
        if number > 0:
            yield from self._elided(number, on_each_side, on_ends)
            yield self.ELLIPSIS
            yield FromTheEnd(-1)
        else:
            yield from range(1, on_ends + 1)
            yield self.ELLIPSIS
            for page in reversed(list(self._elided(-number, on_each_side, on_ends=1))):
                yield page if page == self.ELLIPSIS else FromTheEnd(-page)

    def _elided(self, number: Any, on_each_side: int, on_ends: int) -> Iterator[Any]:
        """The page numbers from the nearer end to some beyond `number`."""
        first = number - on_each_side
        if first > on_ends + 2:
            yield from range(1, on_ends + 1)
            yield self.ELLIPSIS
        else:
            first = 1
        yield from range(first, number + on_each_side + 1)


def window(
    rows: QuerySet[Any], start: int, end: int, *, is_costly: bool = False
) -> QuerySet[Any]:
    """`rows[start:end]` of many rows, by the plan that is cheap wherever they are.

    PostgreSQL's search index finds all hits of a word, but its planner assumes that hits are
    spread evenly, and walks the index of the order instead. It may then read half a million
    titles before the first "Rivers of …". So only the first NEAR rows are walked; if they
    have too few hits, all hits are found and sorted.
    """
    if not (
        is_costly
        and connections[rows.db].vendor == "postgresql"
        and indexed_ordering(rows.model, rows.query.order_by)
    ):
        walk = along_its_order(rows)
        return rows[start:end] if walk is rows else by_its_keys(rows, walk, start, end)
    found = beginning(rows, NEAR)[start:end]
    if len(found) == end - start:
        return found
    return by_its_keys(rows, unindexed(rows), start, end)


def by_its_keys(
    rows: QuerySet[Any], walk: QuerySet[Any], start: int, end: int
) -> QuerySet[Any]:
    """The rows of `walk[start:end]`, read by `rows`, a queryset of the same rows."""
    return rows.filter(pk__in=walk.values("pk")[start:end])


def along_its_order(rows: QuerySet[Any]) -> QuerySet[Any]:
    """The rows, rewritten so that SQLite walks the index of their order, if there is one."""
    if connections[rows.db].vendor == "sqlite" and indexed_ordering(
        rows.model, rows.query.order_by
    ):
        return walked(rows)
    return rows


def paginate(
    model_admin: ModelAdmin[Any], request: HttpRequest, found: Found, per_page: int
) -> paginator.Paginator[Any]:
    """The ModelAdmin's paginator of the rows found; it gets their count if that is known."""
    pages = model_admin.get_paginator(request, found.rows, per_page)
    if isinstance(pages, Paginator):
        pages.is_costly = found.is_costly
        if found.count is not None:
            pages.count = found.count
    return pages
