"""What the references of a file lead to: records of the database, or rows of the file."""

import contextlib
from collections.abc import Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from django.core.exceptions import EmptyResultSet
from django.utils.translation import ngettext

from backoffice.changes.keys import compiled
from backoffice.imports.alike_references import find_alike
from backoffice.imports.clean import Column
from backoffice.imports.decided import LOST

if TYPE_CHECKING:
    from backoffice.imports.checks import Checks

NAMED = 5  # references in a warning


class References:
    """Fills the tables `targets` of the staging, and rejects what leads nowhere."""

    def __init__(self, checks: "Checks") -> None:
        self.checks, self.rows = checks, checks.rows
        self.table, self.staging = checks.table, checks.staging
        #: Texts that only look like the record that they were taken for, and its full text.
        self.likened: dict[str, str] = {}
        #: Full texts of the records that references look like, by column and reference.
        self.fitting: dict[tuple[str, str], list[str]] = {}
        #: Columns that lead to the model itself, and so perhaps to rows of the file.
        self.to_itself = [
            column
            for column in [*self.staging.references, *self.staging.links]
            if column.target_field.model._meta.concrete_model is self.table.opts.concrete_model
        ]

    def look_up_all(self) -> None:
        self.likened.clear()
        self.fitting.clear()
        for column in [*self.staging.references, *self.staging.links]:
            self._look_up(column)

    def warnings(self) -> list[str]:
        """A sentence about the references that were taken for what they only look like."""
        if not self.likened:
            return []
        pairs = [f"{text} → {full}" for text, full in islice(self.likened.items(), NAMED)]
        return [
            ngettext(
                "%(count)d reference was taken for the record that it looks like: %(pairs)s.",
                "%(count)d references were taken for the records that they look like:"
                " %(pairs)s.",
                len(self.likened),
            )
            % {"count": len(self.likened), "pairs": "; ".join(pairs)}
        ]

    def _look_up(self, column: Column) -> None:
        """Find the record that each distinct reference of `column` names."""
        name, targets = column.name, self.staging.targets(column)
        self.table.execute(f"DELETE FROM {targets}")
        records = column.resource_field.widget.key.queryset(column.records)
        if not column.target_field.primary_key:
            records = records.values_list(column.target_field.attname, "_label", "_full")
        with contextlib.suppress(EmptyResultSet):  # whoever is limited may see none at all
            self._find_targets(column, *compiled(records, self.table))
        if column in self.to_itself:
            self._find_in_file(column)
        find_alike(column, self.table, self.staging, self.likened, self.fitting)
        source, ref = self.staging.source(column)
        self._leave_blank(column)
        self.checks.reject(
            f"""
            SELECT staged.line, %s, staged.{ref},
                   CASE WHEN target.ref IS NULL THEN 'unknown' ELSE 'ambiguous' END, '',
                   target.hits
            FROM {source} staged LEFT JOIN {targets} target ON target.ref = staged.{ref}
            WHERE staged.{ref} IS NOT NULL AND (target.ref IS NULL OR target.hits > 1)
            """,
            [name],
        )
        if column in self.to_itself and column.kind == "reference":
            self.checks.reject(
                f"""
                SELECT staged.line, %s, staged.{ref}, 'later', '', target.line
                FROM {source} staged JOIN {targets} target ON target.ref = staged.{ref}
                WHERE target.line >= staged.line
                """,
                [name],
            )

    def _leave_blank(self, column: Column) -> None:
        """Leave the cells blank that staff want blank where they lead nowhere, if they may."""
        if column.kind == "reference" and not (column.keep_blank or column.model_field.null):
            return
        found = {"unknown": "target.ref IS NULL", "ambiguous": "target.hits > 1"}
        lost = " OR ".join(found[code] for code in LOST if code in column.blanked)
        if not lost:
            return
        column.keeps = column.keep_blank
        source, ref = self.staging.source(column)
        lines = (
            f"SELECT staged.line FROM {source} staged LEFT JOIN {self.staging.targets(column)}"
            f" target ON target.ref = staged.{ref} WHERE staged.{ref} IS NOT NULL AND ({lost})"
        )
        if column.kind == "references":
            self.table.execute(f"DELETE FROM {source} WHERE line IN ({lines})")
        else:
            self.table.execute(f"UPDATE {source} SET {ref} = NULL WHERE line IN ({lines})")

    def _find_targets(self, column: Column, live: str, params: Sequence[Any]) -> None:
        field = column.target_field
        whole = "CASE WHEN live.whole = candidate.ref THEN live.pk END"
        self.table.execute(
            f"""
            WITH live (pk, label, whole) AS ({live}),
                 candidate AS (SELECT DISTINCT ref, label
                               FROM {self.staging.candidates(column)})
            INSERT INTO {self.staging.targets(column)} (ref, target, hits)
            SELECT candidate.ref,
                   -- One's full text goes before another's label: exports write that in full.
                   coalesce({self.table.least(whole, field)},
                            {self.table.least("live.pk", field)}),
                   coalesce(nullif(count(DISTINCT {whole}), 0), count(DISTINCT live.pk))
            FROM candidate
            JOIN live ON live.label = candidate.label
                AND (candidate.label = candidate.ref OR live.whole = candidate.ref)
            GROUP BY candidate.ref
            """,
            params,
        )

    def _find_in_file(self, column: Column) -> None:
        """References that no live row has the text of may mean a row of the file."""
        key, field = column.resource_field.widget.key, column.target_field
        names = {f.name for f in self.rows.fields}
        if not names.issuperset([*key.paths, *([] if field.primary_key else [field.name])]):
            return  # the text is made of what the file doesn't give
        targets = self.staging.targets(column)
        (label, params), (whole, more) = map(self.table.compile, key.expressions())
        self.table.execute(
            f"""
            WITH named (line, label, whole) AS (
                     SELECT staged.line_, {label}, {whole} FROM ({self.rows.staged()}) staged),
                 candidate AS (SELECT DISTINCT ref, label
                               FROM {self.staging.candidates(column)})
            INSERT INTO {targets} (ref, hits, line)
            SELECT candidate.ref,
                   coalesce(nullif(count(DISTINCT CASE WHEN named.whole = candidate.ref
                                                       THEN named.whole END), 0),
                            count(DISTINCT named.whole)),
                   coalesce(min(CASE WHEN named.whole = candidate.ref THEN named.line END),
                            min(named.line))
            FROM candidate
            JOIN named ON named.label = candidate.label
                AND (candidate.label = candidate.ref OR named.whole = candidate.ref)
            WHERE NOT EXISTS (SELECT 1 FROM {targets} target WHERE target.ref = candidate.ref)
            GROUP BY candidate.ref
            """,
            [*params, *more],
        )
        value = self.rows.key("target.line")
        if not field.primary_key:
            value = (
                f"(SELECT own.{self.table.column(field)} FROM ({self.rows.staged()}) own"
                " WHERE own.line_ = target.line)"
            )
        self.table.execute(
            f"UPDATE {targets} AS target SET target = {value} WHERE line IS NOT NULL"
        )

    def reject_following(self) -> None:
        """Rows that refer to a row of the file that is not taken, and who refers to them."""
        edges, params = [], []
        for column in self.to_itself:
            source, ref = self.staging.source(column)
            edges.append(
                f"SELECT staged.line, target.line AS target, CAST(%s AS text) AS field,"
                f" staged.{ref} AS value FROM {source} staged"
                f" JOIN {self.staging.targets(column)} target"
                f" ON target.ref = staged.{ref} AND target.line IS NOT NULL"
            )
            params.append(column.name)
        self.checks.reject(
            f"""
            WITH RECURSIVE edge AS ({" UNION ALL ".join(edges)}),
                gone (line) AS (
                    SELECT line FROM {self.staging.rejects}
                    UNION SELECT edge.line FROM edge JOIN gone ON gone.line = edge.target
                )
            SELECT edge.line, edge.field, edge.value, 'follows', '', edge.target
            FROM edge JOIN gone ON gone.line = edge.target
            WHERE NOT EXISTS (SELECT 1 FROM {self.staging.rejects} rejects
                              WHERE rejects.line = edge.line)
            """,
            params,
        )

    def find_existing(self) -> None:
        """A row of the file that a live row has the key of is that row."""
        for column in self.to_itself:
            targets = self.staging.targets(column)
            if column.target_field.primary_key:
                self.table.execute(
                    f"UPDATE {targets} AS target SET target = plan.pk, line = NULL"
                    f" FROM {self.staging.plan} plan WHERE plan.line = target.line"
                )
