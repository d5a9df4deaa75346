"""Filters as pairs of texts such as `state=NY`, as the command line and an import have them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.translation import gettext as _

from backoffice.filters.filterset import filterset_class_for


class WrongFilter(ValueError):
    """A name or a value that the model's FilterSet doesn't take; its text says which."""


@dataclass(frozen=True)
class Asking:
    """What a FilterSet must know of a request: whose it is."""

    user: Any


def filtered(
    queryset: QuerySet[Any], pairs: Sequence[str], option: str, user: Any = None
) -> QuerySet[Any]:
    """Filter `queryset` by its model's FilterSet, from pairs like `state=NY`.

    option: where the pairs were named, for the errors · user: who filters, and by related rows
    that they may see. Raises WrongFilter.
    """
    filterset_class = filterset_class_for(queryset.model)
    data = QueryDict(mutable=True)
    for pair in pairs:
        if pair.encode(errors="ignore").decode() != pair:  # bytes that are not UTF-8
            raise WrongFilter(
                _("%(option)s wants text in UTF-8, and this is not: %(pair)s")
                % {"option": option, "pair": ascii(pair)}
            )
        name, equals, value = pair.partition("=")
        known = filterset_class().parameters if filterset_class else {}
        name = filterset_class.aliases.get(name, name) if filterset_class else name
        if not equals or name not in known:
            raise WrongFilter(
                _("%(option)s wants NAME=VALUE with one of these names: %(names)s")
                % {"option": option, "names": ", ".join(known)}
            )
        data.appendlist(name, value)
    if not data or filterset_class is None:
        return queryset
    filterset = filterset_class(data, queryset, request=user and Asking(user))
    if not filterset.is_valid():
        raise WrongFilter(
            "; ".join(
                f"{name}: {' '.join(messages)}" for name, messages in filterset.errors.items()
            )
        )
    rows: QuerySet[Any] = filterset.qs
    return rows
