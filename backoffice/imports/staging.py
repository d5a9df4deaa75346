"""Cleaned rows in temporary tables: `COPY` on PostgreSQL, `executemany` on SQLite.

    import_rows                 line, v_<field>…        a row of the file, cleaned
    import_links_<field>        line, ref               what a many-to-many cell lists
    import_candidates_<field>   ref, label              a reference and what its label may be
    import_targets_<field>      ref, target, hits       the record that a reference names
    import_rejects              line, field, value, code, message, detail
    import_repairs              line, field, value, repaired
    import_plan                 line, pk, hits, action  what would be done with a live row

They belong to the connection: one import at a time on each, and nobody else sees them.
"""

import contextlib

from django.db import transaction
from django.db.models import BigAutoField


class Staging:
    def __init__(self, connection, columns):
        self.connection = connection
        self.columns = columns
        self.values = [c for c in columns if c.kind != "references"]
        self.references = [c for c in columns if c.kind == "reference"]
        self.links = [c for c in columns if c.kind == "references"]
        self.is_postgresql = connection.vendor == "postgresql"
        self._copying = contextlib.ExitStack()  # the COPY that is open, and
        self._copy = None

    # Tables -------------------------------------------------------------------------

    def tables(self):
        """Each table's name and definition."""
        values = [f"v_{c.name} {self._type(c)}" for c in self.values]
        # SQLite keeps rows by a key of the type `integer`; `bigint` would be a second tree.
        key = BigAutoField().db_type(self.connection)
        yield "import_rows", ", ".join([f"line {key} PRIMARY KEY", *values])
        for column in [*self.references, *self.links]:
            yield f"import_candidates_{column.name}", "ref text, label text"
            yield (
                f"import_targets_{column.name}",
                "ref text PRIMARY KEY, target bigint, hits integer",
            )
        for column in self.links:
            yield f"import_links_{column.name}", "line bigint, ref text"
        yield (
            "import_rejects",
            "line bigint, field text, value text, code text, message text, detail bigint",
        )
        yield "import_repairs", "line bigint, field text, value text, repaired text"
        yield (
            "import_plan",
            f"line {key} PRIMARY KEY, pk bigint, hits integer, action text",
        )

    def _type(self, column):
        if column.kind == "reference":
            return "text"
        return column.model_field.db_type(self.connection)

    def create(self):
        self.drop()
        with self.connection.cursor() as cursor:
            for name, definition in self.tables():
                cursor.execute(f"CREATE TEMPORARY TABLE {name} ({definition})")
            cursor.execute("CREATE INDEX import_rejects_line ON import_rejects (line)")
            for column in self.links:
                name = f"import_links_{column.name}"
                cursor.execute(f"CREATE INDEX {name}_line ON {name} (line)")

    def drop(self):
        self.end_copy()
        with self.connection.cursor() as cursor:
            for name, _definition in self.tables():
                # Qualified: a real table of that name must not be hit.
                schema = "pg_temp" if self.is_postgresql else "temp"
                cursor.execute(f"DROP TABLE IF EXISTS {schema}.{name}")

    @contextlib.contextmanager
    def writing(self):
        """A transaction for the temporary tables alone, which locks no live table.

        Django's `atomic()` would begin with `IMMEDIATE` on SQLite and keep every other
        user's save waiting while a file is read.
        """
        if self.connection.in_atomic_block:
            yield
        elif self.is_postgresql:
            with transaction.atomic(using=self.connection.alias):
                yield
        else:
            with self.connection.cursor() as cursor:
                cursor.execute("BEGIN DEFERRED")
                try:
                    yield
                except BaseException:
                    cursor.execute("ROLLBACK")
                    raise
                cursor.execute("COMMIT")

    def appending(self):
        """As `writing`, for a chunk of rows; PostgreSQL's COPY goes on over several."""
        return contextlib.nullcontext() if self.is_postgresql else self.writing()

    # Rows ---------------------------------------------------------------------------

    def write(self, table, width, rows):
        """Put `rows`, tuples of `width` values, into `table` with one statement."""
        self.end_copy()
        with self.connection.cursor() as cursor:
            if self.is_postgresql:
                with cursor.copy(f"COPY {table} FROM STDIN") as copy:
                    for row in rows:
                        copy.write_row(row)
            else:
                marks = ", ".join(["%s"] * width)
                cursor.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)

    def write_chunk(self, lines, values, links):
        """Stage good rows.

        lines: their numbers · values: a sequence per value column · links: one per
        many-to-many column, of tuples of texts.
        """
        if not (self.is_postgresql and self._copy_texts(lines, values)):
            self.write("import_rows", 1 + len(values), zip(lines, *values, strict=True))
        for column, cells in zip(self.links, links, strict=True):
            rows = [
                (line, ref) for line, refs in zip(lines, cells, strict=True) for ref in refs
            ]
            if rows:
                self.write(f"import_links_{column.name}", 2, rows)
        for column in [*self.references, *self.links]:
            candidates, column.candidates = column.candidates, []
            if candidates:
                self.write(f"import_candidates_{column.name}", 2, candidates)

    def _copy_texts(self, lines, values):
        """COPY a chunk in one piece; whether it is all plain text, and so it could be.

        The server takes it in while the next chunk is read and cleaned.
        """
        try:
            rows = list(map("\t".join, zip(map(str, lines), *values, strict=True)))
        except TypeError:  # a number, a date, a NULL
            return False
        rows.append("")
        text = "\n".join(rows)
        # COPY has an escape for each of these.
        plain = text.count("\t") == len(lines) * len(values) and "\\" not in text
        if not plain or text.count("\n") != len(lines) or "\r" in text:
            return False
        if self._copy is None:
            cursor = self._copying.enter_context(self.connection.cursor())
            self._copy = self._copying.enter_context(cursor.copy("COPY import_rows FROM STDIN"))
        self._copy.write(text)
        return True

    def end_copy(self):
        """Before any other statement: the connection is busy while it copies."""
        self._copy = None
        self._copying.close()

    def write_rejects(self, rejects):
        self.write("import_rejects", 6, rejects)

    def write_repairs(self, repairs):
        self.write("import_repairs", 4, repairs)

    def analyze(self, *names):
        """Tell PostgreSQL's planner how many rows there are; SQLite does well without."""
        if self.is_postgresql:
            with self.writing(), self.connection.cursor() as cursor:
                cursor.execute("SET LOCAL default_statistics_target = 10")
                for name in names or [name for name, _definition in self.tables()]:
                    cursor.execute(f"ANALYZE {name}")
