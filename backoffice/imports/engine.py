"""An import from file to database: read, map, clean, stage, check, apply.

    with Import(resource, open_source(path)) as imported:
        counts = imported.check()      # writes nothing
        imported.apply(expected=counts)  # all of it, or nothing

Checking and applying are the same pass, so a preview never lies. Reading, cleaning and
staging hold no lock on the live tables; nor do checks that are proven to hold (`ahead`).
"""

import contextlib
import gc
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any, Self

from django.db import DataError, IntegrityError, transaction
from django.db.models import NOT_PROVIDED, Model
from django.utils.translation import gettext as _

from backoffice.changes.counts import Counts
from backoffice.history.records import Signature
from backoffice.imports import blanks
from backoffice.imports.ahead import Ahead, Found
from backoffice.imports.apply import Apply
from backoffice.imports.checks import Checks
from backoffice.imports.clean import Column, Invalid
from backoffice.imports.decided import NOTHING, Decided
from backoffice.imports.mapping import MappingError, map_columns
from backoffice.imports.mirror import Mirror, Missing
from backoffice.imports.preview import ChangedRow, read_changes
from backoffice.imports.rejects import Reject, read_rejects
from backoffice.imports.rows import Only
from backoffice.imports.seen import Seen
from backoffice.imports.staging import Staging
from backoffice.imports.twins import Alike
from backoffice.querysets.reach import EVERYTHING, Reach
from backoffice.querysets.reading import collector_paused
from backoffice.readers.records import Record
from backoffice.readers.source import Source
from backoffice.resources.resource import Resource
from backoffice.tables.table import Table

Progress = Callable[[int], object]
Moved = Callable[["Import"], Sequence[str] | None]
BEAT = 2  # seconds between two words of progress
_LINE, _CELLS, _PROBLEM = map(itemgetter, range(3))  # of a row as the reader has it


class DatabaseMoved(Exception):
    """The database changed between check and apply, so that something else would be written.

    moved: sentences about the first rows that it concerns.
    """

    def __init__(self, expected: Counts, found: Counts, moved: Sequence[str] = ()) -> None:
        self.expected, self.found = expected, found
        said = _("The database has changed since the check.")
        if found != expected:
            said = _(
                "The database has changed since the check: %(found)s now, %(expected)s then."
            ) % {"found": found, "expected": expected}
        end = _("Nothing was written. Check the file again.")
        super().__init__(" ".join([said, *moved, end]))


class DatabaseRefused(Exception):
    """The database enforces a rule that the checks don't know, such as an index of its own."""

    def __init__(self, why: str) -> None:
        super().__init__(_("The database refused a row, so nothing was written: %s") % why)


class Import:
    """One file into one Resource.

    source: of `reader.open_source` · overrides: `{field: header}` · match: the key's
    fields, the Resource's by default · keep_blank: a blank cell keeps the present value,
    else it clears it · nothing: texts that are read as blank, beside the Resource's ·
    repairs: names of those that the Resource offers · constants: `{field: text}` for every row
    · alike: what a row is that looks like a record, of `Alike` · only: of `Only` · protected:
    the fields that stay as they are in existing records · values: `{field: {cell: text}}`, what
    cells are read as · mirror: a filter such as `["state=NY"]`; of its records, those that
    the file lacks are deleted · decided: what staff decided about the file, which goes before
    the rest · reach: the records that there are for it: others are neither found nor written,
    and no row becomes one of those.

    Raises MappingError if the file's headers can't be mapped.
    """

    def __init__(
        self,
        resource_class: type[Resource],
        source: Source,
        *,
        overrides: Mapping[str, str] | None = None,
        match: Sequence[str] | None = None,
        keep_blank: bool = True,
        nothing: Sequence[str] = (),
        repairs: Sequence[str] | None = None,
        constants: Mapping[str, str] | None = None,
        alike: str = Alike.REJECT,
        only: str = Only.BOTH,
        protected: Collection[str] = (),
        values: Mapping[str, Mapping[str, str]] | None = None,
        mirror: Sequence[str] = (),
        decided: Decided = NOTHING,
        reach: Reach = EVERYTHING,
    ) -> None:
        self.resource, self.reach = resource_class().within(reach), reach
        self.source, self.decided = source, decided
        self.model: type[Model] = resource_class._meta.model
        self.keep_blank = keep_blank
        self.nothing = {*self.resource.nothing, *nothing}
        self.repairs = self._chosen_repairs(repairs or ())
        self.match, self.constants = self._match_key(match), dict(constants or {})
        self.mapping = map_columns(
            source.headers,
            spellings=resource_class.spellings(),
            titles=resource_class.titles(),
            required=self.match,
            needed=() if only == Only.UPDATES else self._needed(),
            overrides=overrides,
            constants=self.constants,
        )
        self.only = Only(only)
        self.protected, self.values = self._known(protected), values or {}
        self._known(self.values)
        self.table = Table(self.model)
        self.connection = self.table.connection
        self.columns = [self._column(name, i) for name, i in self.mapping.columns.items()]
        self.staging = Staging(self.table, self.columns, self.match)
        self.seen = Seen(self.staging, reach) if reach.is_limited else None
        self.checks = Checks(
            self.staging, self.table, self.match, Alike(alike), self.only, decided, self.seen
        )
        self.mirror = Mirror(self, mirror) if mirror else None
        self.missing = Missing()  # what the mirror deletes, once it is checked
        self._about_blanks: list[str] = []
        self.rows: int | None = None

    def _match_key(self, match: Sequence[str] | None) -> tuple[str, ...]:
        match = tuple(match or self.resource._meta.import_id_fields)
        fields = {f.name for f in self.model._meta.concrete_fields}
        usable = [name for name in self.resource.fields if name in fields]
        if unknown := [name for name in match if name not in usable]:
            raise MappingError(
                _("Rows can't be matched by %(names)s: choose among %(usable)s.")
                % {"names": ", ".join(unknown), "usable": ", ".join(usable)}
            )
        return match

    def _known(self, names: Collection[str]) -> Collection[str]:
        """Raises MappingError where one of `names` is no column of the Resource."""
        spellings = self.resource.spellings()
        if unknown := [name for name in names if name not in spellings]:
            raise MappingError(
                _("There is no column %(names)s. Choose among %(usable)s.")
                % {"names": ", ".join(unknown), "usable": ", ".join(spellings)}
            )
        return names

    def _needed(self) -> list[str]:
        """The fields without which no new record can be made."""
        fields = [
            field
            for field in self.model._meta.concrete_fields
            if field.name in self.resource.fields
            and not (field.primary_key or field.null or field.blank or field.has_default())
        ]
        return [field.name for field in fields if field.db_default is NOT_PROVIDED]

    def _chosen_repairs(self, names: Iterable[str]) -> dict[str, Callable[[str], str]]:
        """`{field: function}`."""
        offered = self.resource.repairs
        if unknown := [name for name in names if name not in offered]:
            raise MappingError(
                _("There is no repair %(names)s. Choose among: %(offered)s.")
                % {"names": ", ".join(unknown), "offered": ", ".join(offered) or "–"}
            )
        return {offered[name].field: offered[name].function for name in names}

    def _column(self, name: str, index: int) -> Column:
        return Column(
            name,
            self.resource.fields[name],
            self.model._meta.get_field(name),
            index,
            self.table,
            keep_blank=self.keep_blank and name not in self.match,
            repair=self.repairs.get(name),
            offered={
                f'"{repair.label}" ({key})': repair.function
                for key, repair in self.resource.repairs.items()
                if repair.field == name and name not in self.repairs
            },
            nothing=self.nothing,
            values={**self.values.get(name, {}), **self.decided.values.get(name, {})},
            protected=self.only == Only.NEW or name in self.protected,
            blanked=self.decided.blanked.get(name, ()),
            reach=self.reach,
        )

    def __enter__(self) -> Self:
        self.staging.create()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.staging.drop()

    # The steps ----------------------------------------------------------------------

    def stage(
        self,
        progress: Progress | None = None,
        keep: Callable[[list[Record]], object] | None = None,
    ) -> int:
        """Read, clean and stage the whole file; the number of its rows.

        `progress(rows)` is called every BEAT seconds, and at the end; `keep(rows)` with the
        rows as they were read. Raises ReaderError, and MappingError for columns under the same
        header that differ.
        """
        rows, beat = 0, time.monotonic()
        with collector_paused():
            for chunk in self.source.chunks():
                rows += len(chunk)
                with self.staging.appending():
                    self._stage_chunk(chunk)
                    if keep:
                        keep(chunk)
                if progress and time.monotonic() > beat + BEAT:
                    self.staging.end_copy()
                    progress(rows)
                    beat = time.monotonic()
        self.staging.end_copy()
        if progress:
            progress(rows)
        self.staging.analyze()
        self.staging.confirm_repeats()
        self.rows = rows
        return rows

    def _stage_chunk(self, chunk: list[Any]) -> None:
        rejects: list[tuple[Any, ...]] = []
        self._check_doubles(chunk)
        chunk = self.decided.take(chunk, self.mapping.columns, rejects)
        if any(map(_PROBLEM, chunk)):
            rejects += [(row[0], "", "", "row", row[2], None) for row in chunk if row[2]]
            chunk = [row for row in chunk if not row[2]]
        lines = list(map(_LINE, chunk))
        cells = list(zip(*map(_CELLS, chunk), strict=True))
        cells += [(value,) * len(chunk) for value in self.constants.values()]
        cleaned = {c.name: self._clean(c, cells, lines, rejects) for c in self.columns}
        self._note_repairs(cells, lines)
        if rejects:
            self.staging.write_rejects(rejects)
            bad = {reject[0] for reject in rejects}
            keep = [i for i, line in enumerate(lines) if line not in bad]
            lines = [lines[i] for i in keep]
            cleaned = {name: [vs[i] for i in keep] for name, vs in cleaned.items()}
            gc.collect(0)  # exceptions, which nothing else frees while the collector is paused
        values = [cleaned[c.name] for c in self.staging.values]
        links = [cleaned[c.name] for c in self.staging.links]
        self.staging.write_chunk(lines, values, links)

    def _check_doubles(self, chunk: list[Record]) -> None:
        """In what the file has: a cell that staff mended differs from its double."""
        rows = [row for row in chunk if not row[2]] if self.mapping.doubles else []
        if rows:
            lines, cells, _problems = zip(*rows, strict=True)
            self.mapping.check_doubles(lines, list(zip(*cells, strict=True)))

    @staticmethod
    def _clean(
        column: Column,
        cells: list[tuple[str, ...]],
        lines: list[int],
        rejects: list[tuple[Any, ...]],
    ) -> list[Any]:
        if not cells:
            return []
        column.forget()
        values = column.clean_all(cells[column.index])
        if column.seen_invalid:
            for line, cell, value in zip(lines, cells[column.index], values, strict=True):
                if value.__class__ is Invalid:
                    shown = (value.shown or cell)[:200]
                    rejects.append((line, column.name, shown, value.code, value.message, None))
        return values

    def _note_repairs(self, cells: list[Any], lines: list[int]) -> None:
        for column in self.columns:
            if cells and (repaired := column.repaired):
                here = zip(lines, cells[column.index], strict=True)
                self.staging.write_repairs(
                    [
                        (n, column.name, cell, repaired[cell])
                        for n, cell in here
                        if cell in repaired
                    ]
                )

    def check(self, progress: Progress | None = None) -> Counts:
        """What the file would do. Writes nothing but temporary tables."""
        rows = self.stage(progress) if self.rows is None else self.rows
        with self.staging.writing():
            return self._run_checks(rows)

    def _run_checks(self, rows: int, *, writing: bool = False) -> Counts:
        self.checks.run(rows, writing=writing)
        self.missing = self.mirror.find(writing=writing) if self.mirror else Missing()
        counts, titles = self.checks.counts(rows), self.mapping.titles
        self._about_blanks = blanks.told(self.checks, self.columns, titles, counts.new)
        return counts

    def count_removed_links(self) -> dict[str, tuple[int, int]]:
        """Of a check: by field, how many links go from how many records."""
        return Apply(self.checks).count_removed_links()

    def apply(
        self,
        *,
        expected: Counts | None = None,
        missing: Missing | None = None,
        moved: Moved | None = None,
        progress: Progress | None = None,
        first: Callable[[], object] | None = None,
        begin: Callable[[Counts], Signature | None] | None = None,
    ) -> Counts:
        """Write it, all or nothing; the good rows alone where some were rejected.

        expected: the counts that the user agreed to · missing: what a mirror was to delete
        then · moved: called after the checks; says what would be written that was not shown ·
        first: called in the transaction, before the lock · begin: called before anything is
        written; returns how history is signed, or None to write nothing.

        Raises DatabaseMoved if the counts, or what was shown, differ, and DatabaseRefused.
        """
        rows = self.stage(progress) if self.rows is None else self.rows

        def find(writing: bool) -> Found:
            return self._run_checks(rows, writing=writing), moved(self) if moved else None

        ahead = Ahead(self, rows, find)
        with self._refusals():
            ahead.look()
            with transaction.atomic(using=self.connection.alias):
                if first:
                    first()
                self.table.lock()
                counts, sentences = ahead.under_lock()
                if not sentences and missing not in (None, self.missing):
                    sentences = [_("Other records than then are not in the file.")]
                if sentences or expected not in (None, counts):
                    raise DatabaseMoved(expected or counts, counts, sentences or ())
                signature = begin(counts) if begin else Signature()
                if signature is not None:
                    self._write(counts, signature)
        return counts

    @contextlib.contextmanager
    def _refusals(self) -> Iterator[None]:
        try:
            yield
        except (IntegrityError, DataError) as error:
            # What it says may be about a record that is not to be seen.
            why = _("another record stands against it.") if self.seen else str(error).strip()
            raise DatabaseRefused(why) from error

    def _write(self, counts: Counts, signature: Signature) -> None:
        self.staging.forget_looks()
        if self.mirror:
            self.mirror.delete(self.missing, signature)
        Apply(self.checks).run(counts, signature)

    @property
    def warnings(self) -> list[str]:
        """What staff should know of the file, and of how it was read."""
        return [
            *self.source.warnings,
            *self.mapping.warnings,
            *self.checks.references.warnings(),
            *self._about_blanks,
        ]

    # What was found -----------------------------------------------------------------

    def rejects(self, limit: int | None = None) -> Iterator[Reject]:
        """What was rejected and why, in the order of the file; a row can have several."""
        return read_rejects(self.checks, limit)

    def changes(self) -> Iterator[ChangedRow]:
        """The rows that would be written, in the file's order, with old and new values."""
        return read_changes(self)

    def count_repaired(self) -> int:
        ((count,),) = self.table.fetch(f"SELECT count(*) FROM {self.staging.repairs}")
        return int(count)
