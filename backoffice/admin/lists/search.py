"""Search in lists, autocomplete and pickers: several words, in any order."""

from django.core.exceptions import FieldDoesNotExist
from django.db.models import CharField, Q, TextField
from django.utils.text import smart_split, unescape_string_literal

from backoffice.querysets.counts import Count, costly, counted, is_short
from backoffice.querysets.related import (
    FEW,
    are_written,
    few_keys,
    led_past,
    reach,
    split_path,
)

LOOKUPS = {"^": "istartswith", "=": "iexact"}
WORDS = 20  # of a search; the rest is passed over


class SearchMixin:
    """`search_fields` as Django has them, found at the same cost among any number of rows.

    Every word must be in one of the fields. A search that few rows fit is answered by their
    keys, found in one statement and remembered for the request, unless they are written to;
    one that many fit walks the list in its order; of a `short` queryset each row is looked
    at. Fields of related rows take a statement a word.
    """

    def get_search_results(self, request, queryset, search_term):
        fields = self.get_search_fields(request)
        lookups = text_lookups(self.model, fields)
        words = list(words_of(search_term))[:WORDS]
        if not (words and lookups):
            return super().get_search_results(request, queryset, search_term)
        if "\x00" in search_term:
            return queryset.none(), False  # no text has it, and PostgreSQL refuses it
        if is_short(queryset):
            return queryset.filter(self._condition(lookups, words, led_past)), False
        keys, condition = self._found(request, lookups, words)
        if keys is None:
            found = costly(queryset.filter(condition))
            count = Count(rows_named(request), at_least=True)
        else:
            named = condition if are_written(request) else Q(pk__in=keys)
            found, count = queryset.filter(named), Count(len(keys))
        is_all = not queryset.query.where
        return counted(found, count) if is_all else found, False

    def _found(self, request, lookups, words):
        """`(keys, condition)`, the keys None of many; asked once in a request."""
        remembered = request.__dict__.setdefault("_searches", {})
        asked = (self.model, repr(lookups), *words)
        if asked not in remembered:
            condition = self._condition(lookups, words, reach)
            rows = self.model._base_manager.filter(condition)
            keys = few_keys(rows, most=rows_named(request))
            remembered[asked] = keys, condition
        return remembered[asked]

    def _condition(self, lookups, words, related):
        """related: `reach` or `led_past`."""
        condition = Q()
        for word in words:
            fits = Q()
            for relation, paths in lookups.items():
                any_of = Q.create([(path, word) for path in paths], connector=Q.OR)
                if relation is not None:
                    any_of, _costly = related(self.model, relation, any_of)
                fits |= any_of
            condition &= fits
        return condition


def rows_named(request):
    """How many rows of a search are named by their keys, at most."""
    return min(getattr(request, "rows_named", FEW), FEW)


def words_of(text):
    for word in smart_split(text):
        if word.startswith(('"', "'")) and word[0] == word[-1]:
            word = unescape_string_literal(word)
        yield word


def text_lookups(model, fields):
    """`{relation or None: [lookups]}`; None where a field is not plain text."""
    lookups = {}
    for name in map(str, fields):
        lookup = LOOKUPS.get(name[0], "icontains")
        path = name.lstrip("^=")
        try:
            relation, rest = split_path(model, path)
            end = model._meta.get_field(relation).related_model if relation else model
            field = end._meta.get_field(rest)
        except FieldDoesNotExist:
            return None  # a lookup of its own, or further away
        if not isinstance(field, CharField | TextField):
            return None
        lookups.setdefault(relation, []).append(f"{rest}__{lookup}")
    return lookups
