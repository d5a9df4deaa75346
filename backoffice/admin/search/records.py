"""Records as hits: of each ModelAdmin with `search_fields`, those that the user may see.

Names that begin with what was typed come first. A kind takes two statements, and on SQLite one
more (of several words two), at the same cost for any number of rows: an index of the names
leads to the first of each spelling, the search index to some rows that have the words anywhere.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.contrib.admin.sites import AdminSite
from django.db import connections
from django.db.models import IntegerField, QuerySet, Value
from django.http import HttpRequest

from backoffice.admin.lists.beginnings import name_field
from backoffice.admin.lists.search import (
    Search,
    SearchMixin,
    search_index,
    text_lookups,
    words_of,
)
from backoffice.admin.pages import list_title, page_of
from backoffice.admin.search.hits import MOST, Hit, Kind, provider
from backoffice.querysets.names import annotated_details, named
from backoffice.querysets.ordering import indexed_ordering
from backoffice.querysets.reach import Reach
from backoffice.querysets.related import FEW
from backoffice.tables.search_index import LENGTH

WORDS = 8  # words that are looked for
NEAR = 20  # names of each spelling that are read
CANDIDATES = 500  # rows that SQLite's search index hands along


@provider
def records(site: AdminSite, request: HttpRequest, term: str) -> Iterator[Kind]:
    words = list(filter(None, words_of(term)))[:WORDS]
    if any("\x00" in word for word in words):
        return
    for model, model_admin in site._registry.items():
        finder = Finder.of(model_admin, request, words)
        if finder is None:
            continue
        hits, more = finder.hits(site)
        url = page_of(site, model, "changelist") if more else None
        yield Kind(
            list_title(model_admin), hits, f"{url}?{urlencode({'q': term})}" if url else ""
        )


class Finder:
    """Finds the rows of one ModelAdmin; its fields are those of the model itself."""

    def __init__(
        self, model_admin: Any, request: HttpRequest, search: Search, name: str
    ) -> None:
        self.model_admin, self.search, self.name = model_admin, search, name
        self.rows = model_admin.get_queryset(request).order_by()
        self.begin = " ".join(search.words)
        self.reach = Reach.of(request.user)
        self.is_of_all = not self.rows.query.where

    @staticmethod
    def of(
        model_admin: admin.ModelAdmin[Any], request: HttpRequest, words: Sequence[str]
    ) -> "Finder | None":
        """None where nothing can be found, or the user may not."""
        if not words or not getattr(model_admin, "in_search", True):
            return None
        if not isinstance(model_admin, SearchMixin):
            return None
        if not model_admin.has_view_or_change_permission(request):
            return None
        lookups = text_lookups(model_admin.model, model_admin.get_search_fields(request)) or {}
        name = name_field(model_admin, request)
        if not lookups.get(None) or name is None:
            return None
        search = Search(model_admin.model, words, {None: lookups[None]})
        return Finder(model_admin, request, search, name)

    def hits(self, site: AdminSite) -> tuple[list[Hit], bool]:
        """The first hits, and whether there are more."""
        keys = self.keys()
        shown = self.rows.filter(pk__in=keys[:MOST])
        found = {row.pk: row for row in named(shown, self.reach)} if keys else {}
        rows = [found[key] for key in keys[:MOST] if key in found]
        named_so = Counter((str(row), self.detail(row)) for row in rows)
        hits = [
            Hit(text, url, detail if named_so[text, detail] == 1 else f"{detail} (#{row.pk})")
            for row in rows
            for text, detail in [(str(row), self.detail(row))]
            if (url := page_of(site, self.rows.model, "change", row.pk))
        ]
        return hits, len(keys) > MOST

    def detail(self, row: Any) -> str:
        """What tells the row apart from its namesakes, and where else it has the words."""
        name, said = str(row), annotated_details(row)
        texts = {text.casefold() for run in self.search.texts for each in run for text in each}
        if any(text not in name.casefold() for text in texts):
            for path in self.search.lookups[None]:
                value = str(getattr(row, path.rpartition("__")[0]) or "")
                if value not in (*said, name) and any(t in value.casefold() for t in texts):
                    said.append(value)
        return ", ".join(said)

    # Which rows ------------------------------------------------------------------------

    def keys(self) -> list[Any]:
        """The keys of the best rows, those first whose names begin with what was typed."""
        near, (anywhere, are_all) = self.near(), self.anywhere()
        keys = self._keys(near, anywhere)
        if not keys and not are_all:
            keys = self._keys([], [self.search.find_row_by_row(self.rows)])
        return keys

    def _keys(self, near: list[QuerySet[Any]], others: list[QuerySet[Any]]) -> list[Any]:
        """Of `near`, those that begin with what was typed; all of the others."""
        # PostgreSQL, told of 20 rows, would read the table until it has them: all, if none is.
        some_of = {
            0: NEAR,
            1: FEW + 1 if connections[self.rows.db].vendor == "postgresql" else NEAR,
        }
        parts = [
            # SQLite takes no part of a UNION that has an order and a limit of its own.
            self.rows.model._base_manager.using(self.rows.db)
            .filter(pk__in=rows.values("pk")[: some_of[fits]])
            .order_by()
            .values_list("pk", self.name, Value(fits, IntegerField()))
            for fits, some in ((0, near), (1, others))
            for rows in some
        ]
        if not parts:
            return []
        one, *more = parts
        begin, found = self.begin.casefold(), {}
        for key, name, fits in one.union(*more, all=True) if more else one:
            name = str(name or "").casefold()
            if name.startswith(begin) or fits:
                is_word = f" {begin}" in name
                found[key] = not name.startswith(begin), not is_word, name
        return sorted(found, key=lambda key: found[key])

    def near(self) -> list[QuerySet[Any]]:
        """Rows whose names may begin with what was typed, of each spelling the first.

        Where no index leads to them, or not to those that the user may see, all rows are read.
        """
        order = indexed_ordering(self.rows.model, [self.name])
        if order is None or not self.is_of_all:
            return [self.rows.filter(**{f"{self.name}__istartswith": self.begin})]
        begin = self.begin
        texts = {begin, begin.lower(), begin.upper(), begin.capitalize(), begin.title()}
        return [
            self.rows.filter(**{f"{self.name}__gte": text}).order_by(*order)
            for text in sorted(texts)
        ]

    def anywhere(self) -> tuple[list[QuerySet[Any]], bool]:
        """Rows that have the words in any field, and whether no others have them."""
        if self.is_of_all and max(map(len, self.search.words)) < LENGTH:
            return [], True  # no index finds so short a text but as the beginning of a name
        rows = self.search.find_row_by_row(self.rows)
        index = search_index(self.rows.model)
        keys = index.some(self.search.texts, CANDIDATES) if index else None
        if keys is None or (len(keys) > CANDIDATES and not self.is_of_all):
            return [rows], True
        return [rows.filter(pk__in=keys)], len(keys) <= CANDIDATES
