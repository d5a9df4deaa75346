"""Finding and replacing within the text fields of any number of rows.

Python finds and replaces, a chunk of rows at a time, since databases differ in what they take
for the same letter in another case. The new texts stand in a temporary table:

    edit_texts   pk, why, new_0, new_1, …   a column per field

`why` is "" or says why a row can't have its new texts; that row is left alone.
"""

import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import islice
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL

from backoffice.tables.scratch import Scratch
from backoffice.tables.table import ModelField, Table
from backoffice.tables.texts import is_line

CHUNK = 2_000  # rows that are read at once

Clean = Callable[[Any], Any]


@dataclass(frozen=True)
class Replacement:
    """Finds a text and puts another in its place, letter by letter as they are given.

    A letter is found only with all its marks, as one character or as several: `e` is not in
    `é`. ignore_case: of any letter of Unicode · whole_words: where it begins or ends with a
    letter, a digit or an underscore, no other stands beside it.
    """

    find: str
    put: str
    ignore_case: bool = False
    whole_words: bool = False

    @property
    def pattern(self) -> re.Pattern[str]:
        forms = {unicodedata.normalize(form, self.find) for form in ("NFC", "NFD")}
        mark, word = f"[{marks()}]", rf"[\w{marks()}]"
        starts, ends = (
            self.whole_words and re.match(word, end) for end in (self.find, self.find[-1:])
        )
        # What stands before is looked at last: what is found at few places is looked for first.
        found = "|".join(
            f"{form}(?<!{word}{form})" if starts else form for form in map(re.escape, forms)
        )
        flags = re.IGNORECASE if self.ignore_case else 0
        return re.compile(f"(?:{found})(?!{word if ends else mark})", flags)

    def may_be_in(self, field: ModelField) -> Q:
        """A condition that all rows meet in which the text is found; others may meet it."""
        if self.ignore_case or not self.find.isascii():
            return Q()  # the database may know other letters, or another form of them
        return Q(**{f"{field.name}__contains": self.find})


@cache
def marks() -> str:
    """The characters that belong to the letter before them: accents, vowel signs and others."""
    characters = map(chr, range(0x300, 0x1F000))
    return "".join(c for c in characters if unicodedata.category(c).startswith("M"))


def parts(text: str, pattern: re.Pattern[str]) -> Iterator[tuple[bool, str]]:
    """The text in parts: `(whether it is what was found, part)`."""
    end = 0
    for found in pattern.finditer(text):
        yield False, text[end : found.start()]
        yield True, found.group()
        end = found.end()
    yield False, text[end:]


def searched(field: ModelField, text: str) -> str:
    """The text of a field as it is searched: a single line as it would be stored."""
    return unicodedata.normalize("NFC", text) if is_line(field) else text


class Texts:
    """The new texts of rows, in a table of their own on the same connection.

    fields: each with what cleans a text of it as its form does, or raises ValidationError.
    """

    def __init__(
        self, table: Table, replacement: Replacement, fields: Mapping[ModelField, Clean]
    ) -> None:
        self.table, self.replacement, self.fields = table, replacement, fields
        self.pattern = replacement.pattern
        self.scratch = Scratch(table.connection)
        self.name = self.scratch.name("edit_texts")
        self.columns = [f"new_{n}" for n in range(len(fields))]

    @property
    def candidates(self) -> Q:
        """The condition of all rows in which it may be found."""
        condition = Q(pk__in=[])
        for field in self.fields:
            condition |= self.replacement.may_be_in(field) or Q(pk__isnull=False)
        return condition

    @property
    def changing(self) -> Q:
        return self._condition("why = ''")

    @property
    def refused(self) -> Q:
        return self._condition("why <> ''")

    def _condition(self, why: str) -> Q:
        return Q(pk__in=RawSQL(f"SELECT pk FROM {self.name} WHERE {why}", []))  # noqa: S611

    # The table ----------------------------------------------------------------------

    def create(self) -> None:
        key = self.table.db_type(self.table.pk_field)
        columns = ", ".join(f"{column} text" for column in self.columns)
        self.scratch.create(self.name, f"(pk {key} PRIMARY KEY, why text, {columns})")

    def drop(self) -> None:
        self.scratch.drop(self.name)

    def fill(self, rows: QuerySet[Any]) -> None:
        """Find out what the texts of `rows` become."""
        self.table.execute(f"DELETE FROM {self.name}")
        names = [field.attname for field in self.fields]
        marks = ", ".join(["%s"] * (2 + len(names)))
        found = rows.filter(self.candidates).order_by("pk").values_list("pk", *names)
        left = found.iterator(chunk_size=CHUNK)
        adapt = self.table.pk_field.get_db_prep_value
        while chunk := list(islice(left, CHUNK)):
            new = [
                (adapt(pk, self.table.connection), *line)
                for pk, *old in chunk
                if (line := self.replace(old))
            ]
            if new:
                with self.table.connection.cursor() as cursor:
                    cursor.executemany(f"INSERT INTO {self.name} VALUES ({marks})", new)

    def replace(self, old: Sequence[Any]) -> tuple[Any, ...]:
        """`(why, new texts)`; empty where nothing changes."""
        new, problems = list(old), []
        for n, (field, clean) in enumerate(self.fields.items()):
            text = searched(field, old[n] or "")
            if not self.pattern.search(text):
                continue
            changed = self.pattern.sub(lambda _found: self.replacement.put, text)
            try:
                new[n] = clean(changed)
            except ValidationError as error:
                problems.append(f"{changed}: {' '.join(error.messages)}")
        if problems:
            return (" ".join(problems), *old)
        return ("", *new) if new != list(old) else ()

    # What is in it ------------------------------------------------------------------

    def of(self, keys: Collection[Any]) -> dict[Any, tuple[str, dict[ModelField, Any]]]:
        """`{pk: (why, {field: new text})}` of those of some thousand keys that are in it."""
        if not keys:
            return {}
        marks = ", ".join(["%s"] * len(keys))
        adapt = self.table.pk_field.get_db_prep_value
        lines = self.table.fetch(
            f"SELECT pk, why, {', '.join(self.columns)} FROM {self.name} WHERE pk IN ({marks})",
            [adapt(key, self.table.connection) for key in keys],
        )
        to_python = self.table.pk_field.to_python
        return {
            to_python(pk): (why, dict(zip(self.fields, new, strict=True)))
            for pk, why, *new in lines
        }

    def write(self, keys: str) -> None:
        """Write the new texts of the rows that the SELECT `keys` finds."""
        owners = {
            field.model: Table(field.model, self.table.connection) for field in self.fields
        }
        for model, owner in owners.items():
            values = ", ".join(
                f"{owner.column(field)} = texts.{column}"
                for field, column in zip(self.fields, self.columns, strict=True)
                if field.model is model
            )
            self.table.execute(
                f"UPDATE {owner.name} SET {values} FROM {self.name} texts"
                f" WHERE texts.why = '' AND texts.pk = {owner.name}.{owner.pk}"
                f" AND texts.pk IN ({keys})"
            )
