"""What staff decided about a file, as the engine takes it while it stages the rows."""

import hashlib
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from backoffice.changes.decisions import Decision
from backoffice.readers.records import Record

ASIDE = "aside"  # the code of the rejects that staff set aside
ALIKE = "alike"  # and of those that look like a record
#: Codes of references that lead nowhere: a cell is left blank where its column has one of them.
LOST = ("unknown", "ambiguous")
Answer = Decision.Answer


def digest(cells: Sequence[str]) -> str:
    """Tells one row's cells from another's: what `Decision.value` is for a row."""
    joined = "\x1f".join(map(str, cells)).encode(errors="surrogatepass")
    return hashlib.blake2b(joined, digest_size=12).hexdigest()


def storable(text: str) -> str:
    """The text with "?" for half characters, which no database takes and no page shows."""
    return text.encode(errors="replace").decode()


class Decided:
    """Decisions about one file."""

    def __init__(self, decisions: Iterable[Decision] = ()) -> None:
        #: By field, what a value is read as everywhere.
        self.values: dict[str, dict[str, str]] = defaultdict(dict)
        #: By field, the codes of cells that are read as blank.
        self.blanked: dict[str, set[str]] = defaultdict(set)
        #: What rows are that look like a record: one of `Alike`; "" where it isn't decided.
        self.alike = ""
        #: Causes, as code and field, whose rows are set aside.
        self.skipped: set[tuple[str, str]] = set()
        #: Of single rows that look like one: the answer, and the record's key or "".
        self.answers: dict[int, tuple[str, str]] = {}
        self._rows: dict[int, Decision] = {}
        self._cells: dict[int, list[Decision]] = defaultdict(list)
        for decision in decisions:
            self._add(decision)
        self._lines = sorted({*self._rows, *self._cells})

    def _add(self, decision: Decision) -> None:
        field, code, answer = decision.field, decision.code, decision.answer
        if decision.line is not None:
            if field:
                self._cells[decision.line].append(decision)
            else:
                self._rows[decision.line] = decision
        elif not code:
            self.values[field][decision.value] = decision.text
        elif answer == Answer.BLANK:
            self.blanked[field].add(code)
        elif answer == Answer.SKIP:
            self.skipped.add((code, field))
        elif code == ALIKE:
            self.alike = answer

    def take(
        self, chunk: list[Record], places: Mapping[str, int], rejects: list[tuple[Any, ...]]
    ) -> list[Record]:
        """The rows as staff want them read; those set aside go into `rejects` instead.

        places: of the columns, by field.
        """
        if not self._lines or not chunk:
            return chunk
        first = bisect_left(self._lines, chunk[0][0])
        touched = set(self._lines[first : bisect_right(self._lines, chunk[-1][0])])
        if not touched:
            return chunk
        taken = []
        for row in chunk:
            if row[0] not in touched or not self._is_aside(row):
                taken.append(self.mended(row, places) if row[0] in touched else row)
            else:
                rejects.append((row[0], "", "", ASIDE, _("Set aside."), None))
        return taken

    def sets_aside(self, causes: Iterable[tuple[str, str]]) -> bool:
        """Whether a row is set aside that was rejected for these causes: `(code, field)`."""
        return any(cause[0] == ASIDE or cause in self.skipped for cause in causes)

    def _is_aside(self, row: Record) -> bool:
        line, cells, _problem = row
        decision = self._rows.get(line)
        if decision is None or decision.value != digest(cells):
            return False
        if decision.answer == Answer.SKIP:
            return True
        self.answers[line] = decision.answer, decision.text
        return False

    def mended(self, row: Record, places: Mapping[str, int]) -> Record:
        """The row with the cells that were decided for it alone."""
        line, cells, problem = row
        for decision in self._cells.get(line, ()):
            place = places.get(decision.field, len(cells))
            if place < len(cells) and storable(cells[place].strip()) == decision.value:
                cells = [*cells[:place], decision.text, *cells[place + 1 :]]
        return line, cells, problem

    def replaced(self, row: Record, places: Mapping[str, int]) -> Record:
        """The row as `mended`, and with what its values are read as everywhere."""
        line, cells, problem = self.mended(row, places)
        for field, texts in self.values.items():
            place = places.get(field, len(cells))
            if place < len(cells) and (text := texts.get(cells[place].strip())) is not None:
                cells = [*cells[:place], text, *cells[place + 1 :]]
        return line, cells, problem


NOTHING = Decided()
