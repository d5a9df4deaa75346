"""Which column of a file goes into which column of a Resource."""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest

from django.utils.translation import gettext as _

from backoffice.readers.header import shorten
from backoffice.resources.headers import loose
from backoffice.resources.letters import column_letters

MOST_HEADERS_NAMED = 60
# Numbers, telephone numbers, ZIP codes, dates: what stands in rows, not above them.
DATA = re.compile(r"[-+$(]*\d[\d.,:/ ()-]*%?")


class MappingError(Exception):
    """Headers that can't be used. `str()` names them and says what would be right."""


class ColumnMissing(MappingError):
    """No header is known, or none of a column that is needed: perhaps it is no header."""


@dataclass(frozen=True)
class ColumnMapping:
    """`columns` has the index of the file's column by the Resource's field name.

    `doubles` has the indexes of the other columns under the same header: they must hold the
    same values. `warnings` name what else would have done, and what a new record will lack.
    """

    headers: tuple[str, ...]
    columns: dict[str, int]
    doubles: dict[str, tuple[int, ...]]
    warnings: tuple[str, ...]
    titles: Mapping[str, str]

    @property
    def unused(self) -> tuple[str, ...]:
        used = {*self.columns.values(), *chain(*self.doubles.values())}
        return tuple(h for i, h in enumerate(self.headers) if h and i not in used)

    def check_doubles(self, lines: Sequence[int], cells: Sequence[Sequence[str]]) -> None:
        """Compare the columns under the same header, column by column.

        Raises MappingError, which says how to choose one, where they differ.
        """
        for name, others in self.doubles.items():
            first = self.columns[name]
            for other in others:
                if cells[first] == cells[other]:
                    continue
                for line, one, two in zip(lines, cells[first], cells[other], strict=True):
                    if one.strip() != two.strip():
                        raise MappingError(self._differ(name, other, line, one, two))

    def _differ(self, name: str, other: int, line: int, one: str, two: str) -> str:
        first = self.columns[name]
        choices = [placed_headers(self.headers)[i] for i in (first, *self.doubles[name])]
        return _(
            "More than one column fits %(name)s, and they differ: row %(line)s has "
            "%(one)s in column %(first)s and %(two)s in column %(other)s. Choose one "
            "(%(choices)s), or remove all but one."
        ) % {
            "name": self.titles.get(name, name),
            "line": line,
            "one": shorten(one),
            "first": column_letters(first),
            "two": shorten(two),
            "other": column_letters(other),
            "choices": _options(choices),
        }

    def as_dict(self) -> dict[str, str]:
        """The header in the file by field name, as an override would name it."""
        placed = placed_headers(self.headers)
        return {
            field: (self.headers if field in self.doubles else placed)[index]
            for field, index in self.columns.items()
        }


def map_columns(
    headers: Sequence[str],
    *,
    spellings: Mapping[str, Sequence[str]],
    required: Collection[str] = (),
    needed: Collection[str] = (),
    overrides: Mapping[str, str] | None = None,
    constants: Mapping[str, str] | None = None,
    titles: Mapping[str, str] | None = None,
) -> ColumnMapping:
    """The column for each field whose header is found.

    `spellings` are the headers that a field goes by, the best first; case, blanks and
    punctuation do not count. Of “Branch” and “Branch Name” the latter is taken: the other has
    codes. `required` fields must have a column; those `needed` are missed by new records only,
    which is said. `overrides` give the header for a field, "" to leave it out;
    `constants` give its text in every row, as columns that follow the file's own. `titles` are
    what people call the fields. Of several
    columns under the same header the first is taken, and the others are its `doubles`.
    Raises MappingError where nothing fits, a required field has no column, or an override
    names what is not there.
    """
    constants = constants or {}
    said = {name: (titles or {}).get(name, name) for name in spellings}
    chosen = {**(overrides or {}), **dict.fromkeys(constants, "")}
    if unknown := [field for field in chosen if field not in spellings]:
        raise MappingError(
            _("There is no column %(unknown)s to map to. Choose from %(spellings)s.")
            % {"unknown": _listed(unknown), "spellings": _listed(spellings)}
        )
    every = {
        field: _overriding(headers, said[field], header)
        for field, header in chosen.items()
        if header.strip()
    }
    taken = set(chain(*every.values()))
    every |= {field: [len(headers) + at] for at, field in enumerate(constants)}
    # By rank, not by field: a field's own name counts more than another's last synonym.
    for same_rank in zip_longest(*spellings.values()):
        for field, spelling in zip(spellings, same_rank, strict=True):
            if spelling is None or field in every or field in chosen:
                continue
            found = [i for i in _find(headers, spelling) if i not in taken]
            if found:
                every[field] = _names_not_codes(headers, found, taken, spellings, field)
                taken.update(every[field])
    missing = [field for field in spellings if field in required and field not in every]
    if missing or not every:
        raise ColumnMissing(_what_is_missing(headers, spellings, missing, said))
    headers = [*headers, *(f"--set {field}" for field in constants)]
    warnings = [
        *_others_that_fit(headers, spellings, every, chosen, said),
        *_needed_but_missing([said.get(name, name) for name in needed if name not in every]),
    ]
    return ColumnMapping(
        tuple(headers),
        {field: every[field][0] for field in spellings if field in every},
        {field: tuple(found[1:]) for field, found in every.items() if found[1:]},
        tuple(warnings),
        said,
    )


def placed_headers(headers: Sequence[str]) -> list[str]:
    """The headers, each once: one that stands twice is followed by its column's letter.

    The same in every language: profiles keep them.
    """
    times = Counter(headers)
    return [
        f"{header} (column {column_letters(i)})" if times[header] > 1 else header
        for i, header in enumerate(headers)
    ]


def _find(headers: Sequence[str], wanted: str) -> list[int]:
    """The columns under a header: those spelt exactly so, else those spelt about so."""
    for spelt in (headers, placed_headers(headers)):
        if found := [i for i, header in enumerate(spelt) if header == wanted.strip()]:
            return found
    about = loose(wanted)
    return [i for i, header in enumerate(headers) if header and loose(header) == about]


def _names_not_codes(
    headers: Sequence[str],
    found: list[int],
    taken: Collection[int],
    spellings: Mapping[str, Sequence[str]],
    field: str,
) -> list[int]:
    """The columns “Branch Name” instead of “Branch”, where the file has both."""
    others = {loose(s) for name in spellings if name != field for s in spellings[name]}
    names = {loose(headers[i]) + kind for i in found for kind in ("name", "title")} - others
    return [i for i, h in enumerate(headers) if loose(h) in names and i not in taken] or found


def _others_that_fit(
    headers: Sequence[str],
    spellings: Mapping[str, Sequence[str]],
    every: Mapping[str, list[int]],
    chosen: Collection[str],
    said: Mapping[str, str],
) -> Iterator[str]:
    """For each field that was not asked for: the columns that would have done as well."""
    used = set(chain(*every.values()))
    for field, (index, *_doubles) in every.items():
        fits = {i for spelling in spellings[field] for i in _find(headers, spelling)} - used
        if fits and field not in chosen:
            others = ", ".join(_placed(headers, i) for i in sorted(fits))
            choices = [placed_headers(headers)[i] for i in sorted(fits)]
            yield (
                _(
                    "%(field)s is taken from %(headers)s; %(others)s would do as well. To"
                    " take another, choose %(choices)s for it."
                )
                % {
                    "field": said[field],
                    "headers": _placed(headers, index),
                    "others": others,
                    "choices": _options(choices),
                }
            )


def _options(choices: Iterable[str]) -> str:
    return ", ".join(f"“{header}”" for header in choices)


def _needed_but_missing(missing: Collection[str]) -> Iterator[str]:
    if missing:
        yield (
            _(
                "The file has no column for %(missing)s, which a new record needs: only "
                "records that are there already can be updated."
            )
            % {"missing": _listed(missing)}
        )


def _placed(headers: Sequence[str], index: int) -> str:
    return _("“%(header)s” (column %(letters)s)") % {
        "header": headers[index],
        "letters": column_letters(index),
    }


def _overriding(headers: Sequence[str], field: str, header: str) -> list[int]:
    found = _find(headers, header)
    if not found:
        raise MappingError(
            _("The file has no column “%(header)s” for %(field)s. Its headers are %(headers)s.")
            % {"header": header, "field": field, "headers": _listed(filter(None, headers))}
        )
    return found


def _what_is_missing(
    headers: Sequence[str],
    spellings: Mapping[str, Sequence[str]],
    missing: Sequence[str],
    said: Mapping[str, str],
) -> str:
    wanted = missing or list(spellings)
    expected = "; ".join(_with_synonyms(said[name], spellings[name]) for name in wanted)
    named = _listed(said[name] for name in missing)
    start = _("The file has no column for %(missing)s.") % {"missing": named}
    if not missing:
        start = _("None of the file's headers is known.")
    hint = ""
    if any(DATA.fullmatch(header) for header in headers):
        hint = " " + _(
            "The first row looks like data, not like headers: put a header row above it."
        )
    return _(
        "%(start)s%(hint)s Its headers are %(headers)s. Expected: %(expected)s. Rename"
        " the headers, map the columns, or say which row is the header."
    ) % {
        "start": start,
        "hint": hint,
        "headers": _listed(filter(None, headers)),
        "expected": expected,
    }


def _with_synonyms(field: str, spellings: Sequence[str]) -> str:
    # A header may be a name in code, but nobody is told to write one.
    others = [each for each in spellings if each != field and "_" not in each]
    return (
        _("%(field)s (or %(others)s)") % {"field": field, "others": _listed(others)}
        if others
        else field
    )


def _listed(every: Iterable[str]) -> str:
    names = list(dict.fromkeys(every))
    more = len(names) - MOST_HEADERS_NAMED
    text = ", ".join(names[:MOST_HEADERS_NAMED]) or _("all blank")
    return _("%(text)s and %(more)s more") % {"text": text, "more": more} if more > 0 else text
