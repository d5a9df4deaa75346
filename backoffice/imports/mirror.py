"""The mirror of an import: records inside a filter that the file lacks are deleted with it.

Nothing is deleted on a guess: not while a row is rejected, which may be the record that seems
to be missing; not where a row that was set aside may be; and not what an undo can't bring back.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.core.exceptions import EmptyResultSet
from django.db.models import QuerySet
from django.db.models.expressions import RawSQL
from django.utils.translation import gettext as _

from backoffice.changes.deletion import Deletion
from backoffice.changes.keys import compiled
from backoffice.changes.limited import goes_outside, wholly
from backoffice.changes.models import Change
from backoffice.filters.pairs import WrongFilter, filtered
from backoffice.history.records import Signature
from backoffice.imports.checks import ABSENT, REPEAT
from backoffice.imports.clean import Invalid
from backoffice.imports.decided import ASIDE
from backoffice.imports.mapping import MappingError
from backoffice.querysets.names import names
from backoffice.tables.lookalikes import Known, read_chunks
from backoffice.tables.texts import looks

if TYPE_CHECKING:
    from backoffice.imports.engine import Import

#: Codes of rejected rows that are no record's: the rest may be one that seems to be missing.
NO_RECORD = (REPEAT, ABSENT, ASIDE)
NAMED = 3  # rows in one sentence
CHUNK = 1_000


@dataclass(frozen=True)
class Missing:
    """What a mirror would delete.

    count: records that the file lacks · removed: all rows that go, by the model's label · lost:
    those of them that no undo brings back · digest: of the records' keys · refusal: why nothing
    is deleted; else "".
    """

    count: int = 0
    removed: dict[str, int] = field(default_factory=dict)
    lost: dict[str, int] = field(default_factory=dict)
    digest: str = ""
    refusal: str = field(default="", compare=False)

    @property
    def total(self) -> int:
        """How many rows with a history go."""
        return sum(self.removed.values())


class Mirror:
    """Of one import, whose checks have run when it is asked.

    pairs: the filter, such as `["state=NY"]`. Raises MappingError for one that can't be used.
    """

    def __init__(self, imported: "Import", pairs: Sequence[str]) -> None:
        self.imported, self.table = imported, imported.table
        self.scratch = imported.staging.scratch
        self.name = self.scratch.name("import_missing")
        records = imported.model._base_manager.using(self.table.connection.alias)
        try:
            user = next(iter(imported.reach.users), None)
            self._inside = filtered(records.all(), pairs, _("A mirror"), user)
        except WrongFilter as error:
            raise MappingError(str(error)) from error
        if not pairs or self._inside.query.is_empty() or not self._inside.query.where:
            message = _("A mirror needs a filter that says which records the file has all of.")
            raise MappingError(message)

    def find(self, *, writing: bool = False) -> Missing:
        """Find the records that the file lacks, as the plan of the checks has it.

        writing: they are deleted after this, in the same transaction.
        """
        key = self.table.key_type
        self.scratch.create(self.name, f"(pk {key} PRIMARY KEY)")
        if refusal := self._open_rows():
            return Missing(refusal=refusal)
        try:
            within = wholly(self._inside, self.imported.reach)
            inside, params = compiled(within.order_by().values("pk"), self.table)
        except EmptyResultSet:
            return Missing()
        self.table.execute(
            f"INSERT INTO {self.name} {inside}"
            f" EXCEPT SELECT plan.pk FROM {self.imported.staging.plan} plan",
            params,
        )
        if refusal := self._keep_set_aside():
            return Missing(refusal=refusal)
        if writing:
            Deletion(self.records()).lock()
        return self._missing()

    def delete(self, missing: Missing, signature: Signature) -> None:
        """Delete what `find` found, as part of the import; the caller holds the transaction."""
        if missing.total:
            reason = _("not in the file: %s") % (signature.reason or "")
            Deletion(self.records()).delete(signature, reason[:100], reason[:100])
        if signature.change_id:
            change = Change.objects.filter(pk=signature.change_id)
            change.update(removed=missing.total, lost=missing.lost)

    def records(self) -> QuerySet[Any]:
        """The records that the file lacks."""
        records = self.imported.model._base_manager.using(self.table.connection.alias)
        found: QuerySet[Any] = records.filter(
            pk__in=RawSQL(f"SELECT pk FROM {self.name}", [])  # noqa: S611 # our own table
        )
        return found

    def listed(self) -> Iterator[tuple[Any, tuple[str, ...]]]:
        """Each of them: its key, and a text for each column of the import, in key order."""
        columns = [
            self.imported.resource.fields[column.name] for column in self.imported.columns
        ]
        keys = self.records().order_by("pk").values_list("pk", flat=True)
        found: list[Any] = list(keys[:CHUNK])
        while found:
            rows = self.imported.model._base_manager.filter(pk__in=found).order_by("pk")
            for record in self.imported.resource.fetch_related(rows):
                texts = tuple(str(column.export(record) or "") for column in columns)
                yield record.pk, texts
            found = list(keys.filter(pk__gt=found[-1])[:CHUNK])

    def _missing(self) -> Missing:
        digest, count = hashlib.sha256(), 0
        for rows in read_chunks(self.table, f"SELECT pk FROM {self.name} ORDER BY pk"):
            digest.update(repr(rows).encode())
            count += len(rows)
        if not count:
            return Missing()
        deletion = Deletion(self.records())
        if not deletion.is_undoable:
            said = _("What the file lacks stays (%(n)d): %(names)s can't be brought back.")
            params = {"n": count, "names": self.table.opts.verbose_name_plural}
            return Missing(count, refusal=said % params)
        if goes_outside(deletion, self.imported.reach):
            said = _("What the file lacks stays (%d): records go with it that you may not see.")
            return Missing(count, refusal=said % count)
        needs = _("What the file lacks stays (%(n)d): %(record)s needs one of them.")
        is_named = _("What the file lacks stays (%(n)d): a row names %(record)s.")
        for records, said in [
            *((holding, needs) for holding in deletion.forbidden()),
            (self._taken_along(deletion), needs),
            *((referred, is_named) for referred in self._referred_to()),
        ]:
            if record := self._first(records):
                return Missing(count, refusal=said % {"n": count, "record": record})
        removed, lost = deletion.count()
        return Missing(count, removed, lost, digest.hexdigest())

    def _first(self, records: QuerySet[Any]) -> str:
        """The name of the first of some records; "" if there are none."""
        reach = self.imported.reach
        seen = reach.within(records)
        if found := names(list(seen.order_by("pk")[:1]), reach):
            return found[0]
        is_hidden = reach.is_limited and records.exists()
        return _("a record that you may not see") if is_hidden else ""

    def _taken_along(self, deletion: Deletion) -> QuerySet[Any]:
        """Records that rows of the file are, and that would cascade from one that goes."""
        planned = RawSQL(f"SELECT pk FROM {self.imported.staging.plan}", [])  # noqa: S611
        return deletion.rows()[self.imported.model].filter(pk__in=planned)

    def _referred_to(self) -> Iterator[QuerySet[Any]]:
        """Records that would go, but that rows of the file refer to."""
        for column in self.imported.checks.references.to_itself:
            targets = self.imported.staging.targets(column)
            yield self.records().filter(
                pk__in=RawSQL(  # noqa: S611 # names of models
                    f"SELECT {self.table.pk} FROM {self.table.name}"
                    f" WHERE {self.table.column(column.target_field)} IN"
                    f" (SELECT target FROM {targets})",
                    [],
                )
            )

    # Rows that are not taken --------------------------------------------------------

    def _open_rows(self) -> str:
        codes = ", ".join(f"'{code}'" for code in NO_RECORD)
        aside, params = self._set_aside()
        ((count,),) = self.table.fetch(
            f"SELECT count(DISTINCT line) FROM {self.imported.staging.rejects}"
            f" WHERE code NOT IN ({codes}) AND line NOT IN ({aside})",
            params,
        )
        if count:
            return _(
                "Nothing is deleted while rows are rejected, because one of them may be a"
                " record that seems to be missing. Mend these rows or set them aside: %d."
            ) % int(count)
        nulls = " OR ".join(f"{key} IS NULL" for key in self.imported.checks.key_columns)
        ((line,),) = self.table.fetch(
            f"SELECT min(line_) FROM ({self.imported.checks.rows.staged(every=True)}) staged"
            f" WHERE ({nulls}) AND line_ NOT IN ({aside})",
            params,
        )
        if line is None:
            return ""
        return _(
            "Nothing is deleted, because the %(key)s of row %(line)d is blank, so any record"
            " without one may be meant. Fill it in, or delete the records by hand."
        ) % {"line": line, "key": ", ".join(self.imported.match)}

    def _set_aside(self) -> tuple[str, list[str]]:
        """SELECT of the lines that staff set aside, by themselves or by a cause."""
        causes = self.imported.decided.skipped
        where = "".join(" OR (code = %s AND field = %s)" for _cause in causes)
        rejects = self.imported.staging.rejects
        return (
            f"SELECT DISTINCT line FROM {rejects} WHERE code = '{ASIDE}'{where}",
            [text for cause in causes for text in cause],
        )

    def _keep_set_aside(self) -> str:
        """Take those off the list that rows look like that were set aside.

        Returns why that can't be said of a row, or "".
        """
        lines = {line for (line,) in self.table.fetch(*self._set_aside())}
        if not lines:
            return ""
        known = Known()
        for line, key in self._keys_of(lines):
            if key is None:
                return _(
                    "Nothing is deleted, because row %(line)d is set aside, and its %(key)s"
                    " doesn't say which record it is. Mend it, or delete the records by hand."
                ) % {"line": line, "key": ", ".join(self.imported.match)}
            known.add(looks([[text] for text in key], self._fields))
        columns = ", ".join(map(self.table.column, [self.table.pk_field, *self._fields]))
        mine = (
            f"SELECT {columns} FROM {self.table.name}"
            f" WHERE {self.table.pk} IN (SELECT pk FROM {self.name})"
        )
        kept = []
        for rows in read_chunks(self.table, mine):
            pks, *texts = zip(*rows, strict=True)
            kept += [(pks[place],) for place in known.places(looks(texts, self._fields))]
        if kept:
            with self.table.connection.cursor() as cursor:
                cursor.executemany(f"DELETE FROM {self.name} WHERE pk = %s", kept)
        return ""

    @property
    def _fields(self) -> list[Any]:
        return [column.model_field for column in self.imported.staging.texts]

    def _keys_of(self, lines: set[int]) -> Iterator[tuple[int, list[str] | None]]:
        """The texts of the match key of each of these rows; None for one that isn't known."""
        columns, constants = self.imported.staging.texts, self.imported.constants
        places = self.imported.mapping.columns
        for chunk in self.imported.source.chunks():
            for record in chunk:
                if record[0] in lines:
                    line, cells, problem = self.imported.decided.mended(record, places)
                    row = [*cells, *constants.values()]
                    key = [
                        column.clean_all([row[column.index]])[0]
                        for column in columns
                        if not problem
                    ]
                    known = key and all(key) and not any(type(k) is Invalid for k in key)
                    yield line, key if known else None
