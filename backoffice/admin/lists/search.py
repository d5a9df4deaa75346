"""Search in lists, autocomplete and pickers: several words, in any order."""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import Any

from django.contrib import admin
from django.core.exceptions import FieldDoesNotExist
from django.db.models import CharField, Model, Q, QuerySet, TextField
from django.http import HttpRequest
from django.utils.text import smart_split, unescape_string_literal

from backoffice.admin.typing import ModelAdminBase
from backoffice.querysets.counts import Count, Found
from backoffice.querysets.related import (
    FEW,
    Condition,
    few_keys,
    related_row_by_row,
    related_to,
    split_path,
)

RelatedCondition = Callable[[type[Model], str, Q], Condition]

LOOKUPS = {"^": "istartswith", "=": "iexact"}
WORDS = 20  # of a search; the rest is passed over


class Search:
    """What is searched for in the rows of a model: every word is in one of the fields.

    The rows that fit are looked for once, in one statement, however many querysets are
    searched. Few are named by their keys; where they are many, the list is walked in its
    order. Fields of related rows take a statement a word.

    Args:
        words: what is searched for; none has a NUL, which PostgreSQL refuses.
        lookups: the fields, as `text_lookups` gives them.
        most: how many rows are named by their keys, at most (FEW, if that is less).
    """

    def __init__(
        self,
        model: type[Model],
        words: Sequence[str],
        lookups: dict[str | None, list[str]],
        most: int | None = None,
    ) -> None:
        self.model, self.words, self.lookups = model, words, lookups
        self.most = FEW if most is None else min(most, FEW)

    @cached_property
    def condition(self) -> Q:
        return self._condition(related_to)

    @cached_property
    def keys(self) -> list[Any] | None:
        """Of all rows that fit; None where they are many."""
        return few_keys(self.model._base_manager.filter(self.condition), most=self.most)

    def find(self, rows: QuerySet[Any], *, anew: bool = False) -> Found:
        """Those of `rows` that fit.

        Args:
            anew: not by the keys that were found before: the rows are to be written.
        """
        if any("\x00" in word for word in self.words):
            return Found(rows.none(), Count(0))
        if self.keys is None:
            found, count = rows.filter(self.condition), Count(self.most, at_least=True)
        else:
            found = rows.filter(self.condition if anew else Q(pk__in=self.keys))
            count = Count(len(self.keys))
        is_of_all = not rows.query.where
        return Found(found, count if is_of_all else None, is_costly=self.keys is None)

    def find_row_by_row(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Those of `rows` that fit, where they are so few that each may be looked at."""
        return rows.filter(self._condition(related_row_by_row))

    def _condition(self, related: RelatedCondition) -> Q:
        condition = Q()
        for word in self.words:
            fits = Q()
            for relation, paths in self.lookups.items():
                any_of = Q.create([(path, word) for path in paths], connector=Q.OR)
                if relation is not None:
                    any_of = related(self.model, relation, any_of).q
                fits |= any_of
            condition &= fits
        return condition


class SearchMixin(ModelAdminBase):
    """`search_fields` as Django has them, found at the same cost among any number of rows."""

    def get_search(
        self, request: HttpRequest, term: str, *, most: int | None = None
    ) -> Search | None:
        """The Search for `term`; None where there is none, or where it is Django's own.

        Django's own is what `get_search_results` does where a ModelAdmin overrides it, and
        where a search field is not plain text.
        """
        if type(self).get_search_results is not SearchMixin.get_search_results:
            return None
        lookups = text_lookups(self.model, self.get_search_fields(request))
        words = list(words_of(term))[:WORDS]
        return Search(self.model, words, lookups, most) if words and lookups else None

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        search = self.get_search(request, search_term)
        if search is None:
            return super().get_search_results(request, queryset, search_term)
        return search.find(queryset).rows, False


def search_rows(
    model_admin: admin.ModelAdmin[Any],
    request: HttpRequest,
    rows: QuerySet[Any],
    term: str,
    *,
    most: int | None = None,
    row_by_row: bool = False,
) -> Found:
    """Those of `rows` that the ModelAdmin's search finds.

    Args:
        most: how many are named by their keys, at most.
        row_by_row: they are so few that each may be looked at.
    """
    search = None
    if isinstance(model_admin, SearchMixin):
        search = model_admin.get_search(request, term, most=most)
    if search is None:
        found, may_repeat = model_admin.get_search_results(request, rows, term)
        return Found(found.distinct() if may_repeat else found)
    return Found(search.find_row_by_row(rows)) if row_by_row else search.find(rows)


def words_of(text: str) -> Iterator[str]:
    for word in smart_split(text):
        if word.startswith(('"', "'")) and word[0] == word[-1]:
            word = unescape_string_literal(word)
        yield word


def text_lookups(
    model: type[Model], fields: Sequence[str]
) -> dict[str | None, list[str]] | None:
    """`{relation or None: [lookups]}`; None where a field is not plain text."""
    lookups: dict[str | None, list[str]] = {}
    for name in map(str, fields):
        lookup = LOOKUPS.get(name[0], "icontains")
        path = name.lstrip("^=")
        try:
            relation, rest = split_path(model, path)
            end: Any = model._meta.get_field(relation).related_model if relation else model
            field = end._meta.get_field(rest)
        except FieldDoesNotExist:
            return None  # a lookup of its own, or further away
        if not isinstance(field, CharField | TextField):
            return None
        lookups.setdefault(relation, []).append(f"{rest}__{lookup}")
    return lookups
