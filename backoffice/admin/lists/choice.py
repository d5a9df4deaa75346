"""The columns of a list that somebody chose, in their order: a parameter of its address."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from django.contrib.admin.views.main import ORDER_VAR
from django.http import QueryDict

COLUMNS_VAR = "_columns"  # names, joined by dots
PLACE = "_place-"  # of the form: the number of a column in the order
WERE = "_columns_were"  # of the form: the columns that its list had
Places = dict[int, Literal["asc", "desc"]]  # the columns of an order, by their places
VIEW_VAR = "_view"  # which view was opened; a list with it does not open the start view


def name_of(column: Any) -> str:
    """The name of an entry of `list_display`."""
    return column if isinstance(column, str) else str(column.__name__)


def names_in(query: QueryDict, parameter: str = COLUMNS_VAR) -> list[str]:
    """The names of the columns that a list's address asks for."""
    return [name for value in query.getlist(parameter) for name in value.split(".") if name]


def chosen(
    names: Iterable[str], offered: Sequence[Any], declared: Sequence[Any], kept: Sequence[str]
) -> list[Any]:
    """The columns with these names, in their order; `declared` if no name is one's.

    Args:
        offered: all columns that may be chosen.
        declared: those of a list where nobody chose.
        kept: names of columns that can't be hidden; the missing ones come first.
    """
    by_name = {name_of(column): column for column in offered}
    known = [name for name in dict.fromkeys(names) if name in by_name]
    if not known:
        return list(declared)
    missing = [name for name in kept if name not in known]
    return [by_name[name] for name in [*missing, *known]]


def tidied(
    query: QueryDict,
    offered: Sequence[Any],
    declared: Sequence[Any],
    kept: Sequence[str],
) -> QueryDict:
    """A list's query without what the form of columns added, and with columns that are there.

    It is sorted by the same columns as before, where they are still shown.
    """
    tidy = query.copy()
    names, were = names_in(query), names_in(query)
    places = {name: place_of(query.get(PLACE + name)) for name in names}
    if WERE in query:
        were = names_in(query, WERE)
        names.sort(key=lambda name: places[name])
    for parameter in [WERE, COLUMNS_VAR, *(each for each in query if each.startswith(PLACE))]:
        tidy.pop(parameter, None)
    columns = list(map(name_of, chosen(names, offered, declared, kept)))
    if columns != list(map(name_of, declared)):
        tidy[COLUMNS_VAR] = ".".join(columns)
    were = were or list(map(name_of, declared))
    if ORDER_VAR in query and were != columns:
        order = sorted_by(str(query[ORDER_VAR]), were)
        stays = {place: way for place, way in order.items() if were[place] in columns}
        if stays:
            tidy[ORDER_VAR] = order_of(stays, were)
        else:
            del tidy[ORDER_VAR]
    return tidy


def place_of(text: str | None) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 9 else 10**9


# The order ------------------------------------------------------------------------------


def sorted_by(order: str, columns: Sequence[Any]) -> Places:
    """A list's order, without what is not there.

    An order names columns, so that an address means the same to those who see others. In older
    addresses it has their numbers from 1, for everybody as if there were no boxes to tick.
    """
    names = list(map(name_of, columns))
    first = 1 if names[:1] == ["action_checkbox"] else 0
    places: Places = {}
    for part in order.split("."):
        name = part.removeprefix("-")
        if name.isdecimal() and len(name) < 9:
            place = int(name) - 1 + first
        else:
            place = names.index(name) if name in names else -1
        if first <= place < len(names):
            places[place] = "desc" if part.startswith("-") else "asc"
    return places


def order_of(places: Mapping[int, str], columns: Sequence[Any]) -> str:
    """The order in which a list's address has `places`."""
    return ".".join(
        f"{'-' if way == 'desc' else ''}{name_of(columns[place])}"
        for place, way in places.items()
    )
