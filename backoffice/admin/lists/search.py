"""Search in lists, autocomplete and pickers: several words, in any order."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any

from django.contrib import admin
from django.core.exceptions import FieldDoesNotExist
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import CharField, Model, Q, QuerySet, TextField
from django.http import HttpRequest
from django.utils.text import smart_split, unescape_string_literal

from backoffice.admin.typing import ModelAdminBase
from backoffice.querysets.contains import contains
from backoffice.querysets.counts import Count, Found
from backoffice.querysets.related import (
    FEW,
    Condition,
    Seen,
    all_rows,
    few_keys,
    related_row_by_row,
    related_to,
    split_path,
)
from backoffice.querysets.scopes import seen_by
from backoffice.tables.search_index import SearchIndex
from backoffice.tables.table import Table

RelatedCondition = Callable[[type[Model], str, Q, Seen], Condition]

Narrow = Callable[[type[Model], Sequence[str], str, int], Q]

Lookups = dict[str | None, list[str]]  # by the name of a relation; None: the model's own

Spell = Callable[[str], str]

LOOKUPS = {"^": "istartswith", "=": "iexact"}
WORDS = 20  # words of a search; the rest are ignored


class Search:
    """A search in the rows of a model: each word must occur in one of the fields.

    One statement finds the matching rows once, however many querysets are searched. If they
    are few, querysets are filtered by their keys; if many, the database walks the list in its
    order. Fields of related rows take one statement per word.

    Args:
        words: the words to find; a NUL, which PostgreSQL refuses, matches no row.
        lookups: the fields, as `text_lookups` returns them.
        most: the most rows that are filtered by their keys (FEW, if that is less).
        seen: leaves the related rows that the user may see.
    """

    def __init__(
        self,
        model: type[Model],
        words: Sequence[str],
        lookups: Lookups,
        most: int | None = None,
        seen: Seen = all_rows,
    ) -> None:
        self.model, self.words, self.lookups, self.seen = model, words, lookups, seen
        self.most = FEW if most is None else min(most, FEW)

    @cached_property
    def condition(self) -> Q:
        return self._condition(related_to, narrowed)

    @cached_property
    def keys(self) -> list[Any] | None:
        """The keys of all matching rows; None if they are many."""
        return few_keys(self.model._base_manager.filter(self.condition), most=self.most)

    def find(self, rows: QuerySet[Any], *, anew: bool = False) -> Found:
        """The matching rows among `rows`.

        Args:
            anew: search again, not by the keys found before: the rows are to be written.
        """
        if any("\x00" in word for word in self.words):
            return Found(rows.none(), Count(0), are_few=True)
        are_few = self.keys is not None
        if self.keys is None:
            found, count = rows.filter(self.condition), Count(self.most, at_least=True)
        else:
            found = rows.filter(self.condition if anew else Q(pk__in=self.keys))
            count = Count(len(self.keys))
        is_of_all = not rows.query.where
        return Found(found, count if is_of_all else None, not are_few, are_few)

    def find_row_by_row(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """The matching rows among `rows`, which are few enough to test each of them."""
        return rows.filter(self._condition(related_row_by_row))

    def _condition(self, related: RelatedCondition, narrow: Narrow | None = None) -> Q:
        condition = Q()
        for run in runs_of(self.words, self.spellings):
            fits = Q()
            for word in run:
                fits &= self._fits(word, self.lookups, related, narrow)
            spelled = Q()
            for spell, lookups in self.spellings.items():
                text = " ".join(run)
                if (stored := spell(text)) != text:
                    spelled |= self._fits(stored, lookups, related, narrow)
            condition &= fits | spelled if spelled else fits
        return condition

    def _fits(
        self,
        word: str,
        lookups: Lookups,
        related: RelatedCondition,
        narrow: Narrow | None,
    ) -> Q:
        """The condition that one of the fields has the word."""
        fits = Q()
        for relation, paths in lookups.items():
            any_of = Q.create([_meets(path, word) for path in paths], connector=Q.OR)
            if narrow:
                # SQLite counts a statement's parameters; a word may have another spelling.
                few = FEW // len(self.words) // (1 + bool(self.spellings))
                any_of &= narrow(_end(self.model, relation), paths, word, few)
            if relation is not None:
                any_of = related(self.model, relation, any_of, self.seen).q
            fits |= any_of
        return fits

    @cached_property
    def texts(self) -> list[list[Sequence[str]]]:
        """What a row must have: of each run of words, these or one of their other spellings."""
        return [
            [run, *([stored] for spell in self.spellings if (stored := spell(text)) != text)]
            for run in runs_of(self.words, self.spellings)
            for text in [" ".join(run)]
        ]

    @cached_property
    def spellings(self) -> dict[Spell, Lookups]:
        """The fields whose values people write in several ways, by what writes them as stored.

        A model's field declares it by a function `as_searched` from text to text, which
        returns what is no such value as it is.
        """
        spellings: dict[Spell, Lookups] = {}
        for relation, paths in self.lookups.items():
            for path in paths:
                field = _end(self.model, relation)._meta.get_field(_field_of(path))
                if spell := getattr(field, "as_searched", None):
                    spellings.setdefault(spell, {}).setdefault(relation, []).append(path)
        return spellings


def runs_of(words: Sequence[str], spellings: Iterable[Spell]) -> Iterator[Sequence[str]]:
    """The words, those together that are one value in another spelling: `(212)`, `222-6559`."""
    start = 0
    while start < len(words):
        ends = range(len(words), start + 1, -1)
        texts = ((end, " ".join(words[start:end])) for end in ends)
        found = (end for end, text in texts if any(spell(text) != text for spell in spellings))
        end = next(found, start + 1)
        yield words[start:end]
        start = end


class SearchMixin(ModelAdminBase):
    """Django's `search_fields`, at the same cost for any number of rows."""

    def get_search(
        self, request: HttpRequest, term: str, *, most: int | None = None
    ) -> Search | None:
        """The Search for `term`; None if it has no words or if Django's own search runs.

        That is so if a ModelAdmin overrides `get_search_results`, or if a search field is not
        plain text.
        """
        if type(self).get_search_results is not SearchMixin.get_search_results:
            return None
        lookups = text_lookups(self.model, self.get_search_fields(request))
        words = list(words_of(term))[:WORDS]
        if not words or not lookups:
            return None
        return Search(self.model, words, lookups, most, seen_by(request.user))

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
    """The rows among `rows` that the ModelAdmin's search finds.

    Args:
        most: the most rows that are filtered by their keys.
        row_by_row: `rows` are few enough to test each of them.
    """
    search = None
    if isinstance(model_admin, SearchMixin):
        search = model_admin.get_search(request, term, most=most)
    if search is None:
        found, may_repeat = model_admin.get_search_results(request, rows, term)
        return Found(found.distinct() if may_repeat else found)
    if row_by_row:
        return Found(search.find_row_by_row(rows), are_few=True)
    return search.find(rows)


def words_of(text: str) -> Iterator[str]:
    for word in smart_split(text):
        if word.startswith(('"', "'")) and word[0] == word[-1]:
            word = unescape_string_literal(word)
        yield word


def text_lookups(model: type[Model], fields: Sequence[str]) -> Lookups | None:
    """`{relation or None: [lookups]}`; None if a field is not plain text."""
    lookups: Lookups = {}
    for name in map(str, fields):
        lookup = LOOKUPS.get(name[0], "icontains")
        path = name.lstrip("^=")
        try:
            relation, rest = split_path(model, path)
            field = _end(model, relation)._meta.get_field(rest)
        except FieldDoesNotExist:
            return None  # a custom lookup, or more than one relation away
        if not isinstance(field, CharField | TextField):
            return None
        lookups.setdefault(relation, []).append(f"{rest}__{lookup}")
    return lookups


def _end(model: type[Model], relation: str | None) -> Any:
    return model._meta.get_field(relation).related_model if relation else model


def narrowed(model: type[Model], lookups: Sequence[str], word: str, most: int) -> Q:
    """The condition that a row may meet one of `lookups`, by the keys that an index finds.

    Empty without such an index, or if there are more than `most`.
    """
    index = search_index(model)
    if index is None or not index.fields.issuperset(map(_field_of, lookups)):
        return Q()
    keys = index.candidates(word, most)
    return Q() if keys is None else Q(pk__in=keys)


def search_index(
    model: type[Model], connection: BaseDatabaseWrapper | None = None
) -> SearchIndex | None:
    """The index of what the model's ModelAdmin searches, if it can have one.

    Args:
        connection: the one that the model is written on, where none is given.
    """
    table = Table(model, connection)
    fields = searched_fields(model)
    if not fields or not SearchIndex.can_be_of(table):
        return None
    own = {field.name for field in model._meta.local_concrete_fields}
    return SearchIndex(table, sorted(fields)) if fields <= own else None


def searched_fields(model: type[Model]) -> set[str]:
    """The fields of text of the model itself that the search of its ModelAdmin reads."""
    model_admin = admin.site._registry.get(model)
    if not isinstance(model_admin, SearchMixin):
        return set()
    lookups = text_lookups(model, model_admin.search_fields) or {}
    return set(map(_field_of, lookups.get(None, [])))


def _meets(lookup: str, word: str) -> Q:
    path = lookup.removesuffix("__icontains")
    return Q((lookup, word)) if path == lookup else contains(path, word)


def _field_of(lookup: str) -> str:
    return lookup.rpartition("__")[0]
