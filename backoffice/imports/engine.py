"""An import from file to database: read, map, clean, stage, check, apply.

    with Import(resource, open_source(path)) as imported:
        counts = imported.check()      # writes nothing
        imported.apply(expected=counts)  # all of it, or nothing

Checking and applying are the same pass, so a preview never lies. Reading, cleaning and
staging hold no lock on the live tables.
"""

from collections.abc import Iterator

from django.db import connections, router, transaction
from django.utils.translation import gettext as _

from backoffice.imports.apply import Apply
from backoffice.imports.checks import Checks, Counts
from backoffice.imports.clean import Column, Invalid
from backoffice.imports.mapping import MappingError, map_columns
from backoffice.imports.preview import Change, read_changes
from backoffice.imports.rejects import Reject, read_rejects
from backoffice.imports.staging import Staging


class DatabaseMoved(Exception):
    """The database changed between check and apply, so that the counts differ."""

    def __init__(self, expected: Counts, found: Counts):
        self.expected, self.found = expected, found
        super().__init__(
            _(
                "The database has changed since the check: %(found)s now, %(expected)s then."
                " Nothing was written. Check the file again."
            )
            % {"found": found, "expected": expected}
        )


class Import:
    """One file into one Resource.

    source: of `reader.open_source` · overrides: `{field: header}` · match: the key's
    fields, the Resource's by default · user and reason: for history.

    Raises MappingError where the file's headers don't do.
    """

    def __init__(
        self, resource_class, source, *, overrides=None, match=None, user=None, reason=""
    ):
        self.resource, self.source = resource_class(), source
        self.model = resource_class._meta.model
        self.user, self.reason = user, reason
        self.match = self._match_key(match)
        self.mapping = map_columns(
            source.headers,
            spellings=resource_class.spellings(),
            required=self.match,
            overrides=overrides,
        )
        self.connection = connections[router.db_for_write(self.model)]
        self.columns = [self._column(name, i) for name, i in self.mapping.columns.items()]
        self.staging = Staging(self.connection, self.columns)
        self.checks = Checks(self.staging, self.model, self.match)
        self.rows: int | None = None

    def _match_key(self, match):
        match = tuple(match or self.resource._meta.import_id_fields)
        fields = {f.name for f in self.model._meta.concrete_fields}
        usable = [name for name in self.resource.fields if name in fields]
        if unknown := [name for name in match if name not in usable]:
            raise MappingError(
                _("Rows can't be matched by %(names)s: choose among %(usable)s.")
                % {"names": ", ".join(unknown), "usable": ", ".join(usable)}
            )
        return match

    def _column(self, name, index):
        resource_field = self.resource.fields[name]
        model_field = self.model._meta.get_field(name)
        header = self.source.headers[index]
        return Column(name, resource_field, model_field, index, header, self.connection)

    def __enter__(self):
        self.staging.create()
        return self

    def __exit__(self, *exc_info):
        self.staging.drop()

    # The steps ----------------------------------------------------------------------

    def stage(self, progress=None):
        """Read, clean and stage the whole file; `progress(rows)` is called per chunk.

        Raises ReaderError.
        """
        self.rows = 0
        for chunk in self.source.chunks():
            self.rows += len(chunk)
            with self.staging.writing():
                self._stage_chunk(chunk)
            if progress:
                progress(self.rows)
        self.staging.analyze()

    def _stage_chunk(self, chunk):
        rejects = [
            (line, "", "", "row", problem, None) for line, _cells, problem in chunk if problem
        ]
        if rejects:
            chunk = [row for row in chunk if not row[2]]
        lines = [row[0] for row in chunk]
        cells = list(zip(*(row[1] for row in chunk), strict=True)) if chunk else []
        cleaned = {c.name: self._clean(c, cells, lines, rejects) for c in self.columns}
        if rejects:
            self.staging.write_rejects(rejects)
            bad = {reject[0] for reject in rejects}
            keep = [i for i, line in enumerate(lines) if line not in bad]
            lines = [lines[i] for i in keep]
            cleaned = {name: [vs[i] for i in keep] for name, vs in cleaned.items()}
        values = [cleaned[c.name] for c in self.staging.values]
        links = [cleaned[c.name] for c in self.staging.links]
        self.staging.write_chunk(lines, values, links)

    @staticmethod
    def _clean(column, cells, lines, rejects):
        if not cells:
            return []
        column.forget()
        values = [column[cell] for cell in cells[column.index]]
        if column.seen_invalid:
            for line, cell, value in zip(lines, cells[column.index], values, strict=True):
                if value.__class__ is Invalid:
                    rejects.append(
                        (line, column.name, cell[:200], value.code, value.message, None)
                    )
        return values

    def check(self, progress=None) -> Counts:
        """What the file would do. Writes nothing but temporary tables."""
        if self.rows is None:
            self.stage(progress)
        with self.staging.writing():
            self.checks.run()
        return self.checks.counts(self.rows)

    def apply(
        self, *, expected: Counts | None = None, progress=None, begin=None, may_write=None
    ) -> Counts:
        """Write it, all or nothing; the good rows alone where some were rejected.

        expected: the counts that were agreed to · begin(now) and may_write(counts) are
        called inside the transaction, first and before anything is written: what `begin`
        raises undoes it, and nothing is written where `may_write` says no. `now` is the
        history date of all that is written.

        Raises DatabaseMoved where the counts are other than expected.
        """
        if self.rows is None:
            self.stage(progress)
        with transaction.atomic(using=self.connection.alias):
            apply = Apply(self.checks, user=self.user, reason=self.reason)
            if begin:
                begin(apply.now)
            apply.lock()
            self.checks.run()
            counts = self.checks.counts(self.rows)
            if expected is not None and counts != expected:
                raise DatabaseMoved(expected, counts)
            if may_write is None or may_write(counts):
                apply.run()
        return counts

    # What was found -----------------------------------------------------------------

    def rejects(self, limit=None) -> Iterator[Reject]:
        """What was rejected and why, in the order of the file; a row can have several."""
        return read_rejects(self.checks, limit)

    def changes(self) -> Iterator[Change]:
        """The rows that would be written, in the file's order, with old and new values."""
        return read_changes(self)
