"""Cleaned rows in tables of their own: `COPY` on PostgreSQL, `executemany` on SQLite.

    rows                 line, v_<column>…, look  a row of the file, its cells cleaned; with a
                                                  number that its key's look-alikes share
    tidied               line, v_<column>…        single lines as they are stored in a new
                                                  record, where that is not what `rows` has
    repeats              look                     numbers that several rows have
    likes                pk, look                 live rows that a new row may look like
    found                line, pk, same           live rows that a new row looks like, or is
    links_of(column)     line, ref                what a many-to-many cell lists
    candidates(column)   ref, label               a reference, and what its label may be
    targets(column)      ref, target, hits, line  the record that a reference names; the
                                                  line where it is a row of the file itself
    rejects              line, field, value, code, message, detail
    repairs              line, field, value, repaired
    plan                 line, pk, hits, action   what would be done with a live row
    made_values          line, v_<field>…         defaults that were made for a new row
    cleaned              line, v_<field>…         a row as the model's clean() left it
    taken                line, field, owner       a row that takes a record's unique value, and
                                                  the row that updates that record, if any

They are temporary, see `tables.scratch`: one import at a time on each connection, and nobody
else sees them. Their aliases in SQL are `staged`, `listed`, `candidate`, `target`, `rejects`,
`plan`, `made`; the model's own table is `live`, that of a many-to-many `link`.
"""

import contextlib
from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import BigAutoField, Model

from backoffice.imports.clean import Column
from backoffice.imports.mapping import MappingError
from backoffice.tables import temporary
from backoffice.tables.lookalikes import Known
from backoffice.tables.scratch import NoScratch, Scratch
from backoffice.tables.table import ModelField, Table
from backoffice.tables.texts import is_text, looks

MANY = 50_000  # numbers that are not kept for later


class Staging:
    def __init__(self, table: Table, columns: list[Column], match: Sequence[str] = ()) -> None:
        self.table, self.connection = table, table.connection
        self.columns = columns
        self.values = [c for c in columns if c.kind != "references"]
        self._place = {c.name: i for i, c in enumerate(self.values)}
        self.references = [c for c in columns if c.kind == "reference"]
        self.links = [c for c in columns if c.kind == "references"]
        self.lines = [c for c in columns if c.is_line]
        #: Columns of the match key whose values may look alike.
        self.texts = [c for c in self.values if c.name in match and is_text(c.model_field)]
        self.is_postgresql = table.vendor == "postgresql"
        try:
            self.scratch = Scratch(table.connection)
        except NoScratch as error:
            raise MappingError(str(error)) from error
        self._copying = contextlib.ExitStack()  # the COPY that is open, and
        self._copy: Any = None
        given = {c.model_field for c in self.values}
        keeping = {c.model_field for c in self.values if c.keep_blank}
        #: Fields that get a value of their own in each new row.
        self.made = [field for field in table.columns if _is_made(field, given - keeping)]
        #: Fields that the model's clean() may set; none where the model has no such method.
        self.cleaned_fields = [
            field
            for field in table.columns
            if table.model.clean is not Model.clean
            and (field in given or not (field.primary_key or _is_moment(field)))
        ]
        self.rows, self.plan = self._name("rows"), self._name("plan")
        self.rejects, self.repairs = self._name("rejects"), self._name("repairs")
        self.made_values, self.cleaned = self._name("made"), self._name("cleaned")
        self.taken, self.aside = self._name("taken"), self._name("aside")
        self.tidied, self.likes = self._name("tidied"), self._name("likes")
        self.found, self.repeats = self._name("found"), self._name("repeats")
        self.looks = Known()  # of the rows
        self.has_repeats = False  # in `repeats`
        self._repeats: list[int] = []  # that are not there yet: a COPY would end for them
        self.count = 0  # of the rows

    # Tables -------------------------------------------------------------------------

    def _name(self, name: str) -> str:
        return self.scratch.name(f"import_{name}")

    def links_of(self, column: Column) -> str:
        return self._name(f"links_{column.name}")

    def candidates(self, column: Column) -> str:
        return self._name(f"candidates_{column.name}")

    def targets(self, column: Column) -> str:
        return self._name(f"targets_{column.name}")

    def source(self, column: Column) -> tuple[str, str]:
        """The table, and its column, that has the references of `column` by line."""
        if column.kind == "reference":
            return self.rows, f"v_{column.name}"
        return self.links_of(column), "ref"

    def tables(self) -> dict[str, str]:
        """Each table's name and definition."""
        # SQLite keeps rows by a key of the type `integer`; `bigint` would be a second tree.
        line = f"line {BigAutoField().db_type(self.connection)} PRIMARY KEY"
        values = [f"v_{c.name} {self._type(c)}" for c in self.values]
        tables = {
            self.rows: ", ".join([line, *values, *(["look bigint"] if self.texts else [])]),
            self.tidied: ", ".join([line, *(f"v_{c.name} text" for c in self.lines)]),
            self.repeats: "look bigint",
            self.likes: f"pk {self.table.key_type}, look bigint",
            self.found: f"line bigint, pk {self.table.key_type}, same integer",
            self.rejects: "line bigint, field text, value text, code text, message text,"
            " detail bigint",
            self.taken: "line bigint, field text, owner bigint",
            self.repairs: "line bigint, field text, value text, repaired text",
            self.plan: f"{line}, pk {self.table.key_type}, hits integer, action text",
        }
        for name, fields in (
            (self.made_values, self.made),
            (self.cleaned, self.cleaned_fields),
        ):
            if fields:
                types = [f"v_{f.name} {self.table.db_type(f)}" for f in fields]
                tables[name] = ", ".join([line, *types])
        for column in [*self.references, *self.links]:
            tables[self.candidates(column)] = "ref text, label text"
            target = self.table.db_type(column.target_field)
            tables[self.targets(column)] = (
                f"ref text PRIMARY KEY, target {target}, hits integer, line bigint"
            )
        for column in self.links:
            tables[self.links_of(column)] = "line bigint, ref text"
        return tables

    def _type(self, column: Column) -> str:
        return "text" if column.kind == "reference" else self.table.db_type(column.model_field)

    def create(self) -> None:
        self.end_copy()
        for name, definition in self.tables().items():
            self.scratch.create(name, f"({definition})")
        for name in [self.rejects, *map(self.links_of, self.links)]:
            if self.is_postgresql:  # which finds the index a name
                self.table.execute(f"CREATE INDEX ON {name} (line)")
            else:
                index, of = f"{name}_line", name.partition(".")[2]
                self.table.execute(f"CREATE INDEX {index} ON {of} (line)")

    def drop(self) -> None:
        """All tables, also what `seen` and the mirror made beside these."""
        self.end_copy()
        self.scratch.drop()

    def writing(self) -> contextlib.AbstractContextManager[None]:
        """A transaction for the temporary tables alone, which locks no live table."""
        return temporary.writing(self.connection)

    def appending(self) -> contextlib.AbstractContextManager[None]:
        """As `writing`, for a chunk of rows; PostgreSQL's COPY goes on over several."""
        return contextlib.nullcontext() if self.is_postgresql else self.writing()

    # Rows ---------------------------------------------------------------------------

    def write(self, table: str, width: int, rows: Iterable[Any]) -> None:
        """Put `rows` of `width` values into `table` with one statement."""
        self.end_copy()
        temporary.put(self.connection, table, width, rows)

    def write_chunk(
        self,
        lines: list[int],
        values: list[list[Any]],
        links: list[list[tuple[str, ...]]],
    ) -> None:
        """Stage good rows.

        lines: their numbers · values: a sequence per value column · links: one per
        many-to-many column, of tuples of texts.
        """
        tidied = self._tidied(lines, values)
        if self.texts:
            keys = [values[self._place[column.name]] for column in self.texts]
            found = looks(keys, [column.model_field for column in self.texts])
            self._repeats += self.looks.add(found)
            values = [*values, list(map(str, found)) if self.is_postgresql else found]
        if not (self.is_postgresql and self._copy_texts(lines, values)):
            self.write(self.rows, 1 + len(values), zip(lines, *values, strict=True))
        self.count += len(lines)
        if len(self._repeats) > MANY:
            self._write_repeats()
        if tidied:
            self.write(self.tidied, 1 + len(self.lines), tidied)
        for column, cells in zip(self.links, links, strict=True):
            rows = [
                (line, ref) for line, refs in zip(lines, cells, strict=True) for ref in refs
            ]
            if rows:
                self.write(self.links_of(column), 2, rows)
        for column in [*self.references, *self.links]:
            candidates, column.candidates = column.candidates, []
            if candidates:
                self.write(self.candidates(column), 2, candidates)

    def _write_repeats(self) -> None:
        self.write(self.repeats, 1, [(look,) for look in self._repeats])
        self._repeats.clear()
        self.has_repeats = True

    def confirm_repeats(self) -> None:
        """Take out of `repeats` what only seemed to be repeated, when all rows are there."""
        if not (self.has_repeats or self._repeats):
            return
        with self.writing():
            self._write_repeats()
            # CROSS JOIN: SQLite reads the rows once. A number is there once per such row.
            self.table.execute(
                f"DELETE FROM {self.repeats} WHERE look NOT IN ("
                f" SELECT staged.look FROM {self.rows} staged CROSS JOIN {self.repeats} repeats"
                " WHERE repeats.look = staged.look GROUP BY staged.look HAVING count(*) > 1)"
            )
            self.has_repeats = bool(self.table.fetch(f"SELECT 1 FROM {self.repeats} LIMIT 1"))

    def forget_looks(self) -> None:
        """Free what rows look like: 33 MB where they are many. Checks find it anew."""
        self.looks = Known()

    def _tidied(self, lines: list[int], values: list[list[Any]]) -> list[tuple[Any, ...]]:
        if not any(column.untidy for column in self.lines):
            return []
        cells = [
            list(map(column.untidy.get, values[self._place[column.name]]))
            for column in self.lines
        ]
        return [row for row in zip(lines, *cells, strict=True) if set(row[1:]) != {None}]

    def _copy_texts(self, lines: list[int], values: list[list[Any]], nulls: int = 0) -> bool:
        """COPY a chunk in one piece; whether it is all plain text, and so it could be.

        The server takes it in while the next chunk is read and cleaned.
        """
        try:
            rows = list(map("\t".join, zip(map(str, lines), *values, strict=True)))
        except TypeError:  # a number, a date, a NULL
            if nulls or not (nulls := sum(column.count(None) for column in values)):
                return False
            filled = [["\\N" if v is None else v for v in column] for column in values]
            return self._copy_texts(lines, filled, nulls)
        rows.append("")
        text = "\n".join(rows)
        # COPY has an escape for each of these.
        plain = text.count("\t") == len(lines) * len(values) and text.count("\\") == nulls
        if not plain or text.count("\n") != len(lines) or "\r" in text:
            return False
        if self._copy is None:
            cursor = self._copying.enter_context(self.connection.cursor())
            self._copying.enter_context(self.connection.wrap_database_errors)
            self._copy = self._copying.enter_context(
                cursor.copy(f"COPY {self.rows} FROM STDIN")
            )
        self._copy.write(text)
        return True

    def end_copy(self) -> None:
        """Before any other statement: the connection is busy while it copies."""
        self._copy = None
        self._copying.close()

    def write_rejects(self, rejects: Iterable[Sequence[Any]]) -> None:
        self.write(self.rejects, 6, rejects)

    def write_repairs(self, repairs: Iterable[Sequence[Any]]) -> None:
        self.write(self.repairs, 4, repairs)

    def analyze(self, *names: str) -> None:
        """Tell PostgreSQL's planner how many rows there are; SQLite does well without."""
        if self.is_postgresql:
            with self.writing(), self.connection.cursor() as cursor:
                cursor.execute("SET LOCAL default_statistics_target = 10")
                for name in names or self.tables():
                    cursor.execute(f"ANALYZE {name}")


def _is_made(field: ModelField, given: set[ModelField]) -> bool:
    """Whether each new row gets a value of its own, from a callable or, a key, the database."""
    if field.has_default():
        return callable(field.default) and (field.primary_key or field not in given)
    return field.primary_key and field.has_db_default()


def _is_moment(field: ModelField) -> bool:
    return getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False)
