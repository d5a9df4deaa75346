"""Rows that no record has the exact key of: those that are one all the same, or look like one.

A key is the *same* where it differs in white space, invisible characters or Unicode normal form
alone: the row is that record. It looks *alike* where it differs in case, the kind of quotes
or dashes, or in what a field declares: `Alike` says what becomes of the row. Either way the row
gets the record's own spelling of the key in the staging, so nothing is rewritten for it.

Keys are compared as numbers (`texts.looks`); what has a number in common is compared as text.
"""

import functools
from collections.abc import Iterator, Sequence
from enum import StrEnum
from itertools import groupby
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from backoffice.imports.clean import Column
from backoffice.imports.decided import ALIKE
from backoffice.querysets.reading import collector_paused
from backoffice.resources.references import ReferenceKey
from backoffice.tables.alike import UNKNOWN, has_index, looking_up
from backoffice.tables.lookalikes import Known, read_chunks
from backoffice.tables.planner import are_few
from backoffice.tables.texts import alike_all, looks, same

if TYPE_CHECKING:
    from backoffice.imports.checks import Checks

CHUNK = 5_000
NAMED = 3  # records in one sentence
CHOSEN = 2  # of a record that a row only looks like: it is that one


class Alike(StrEnum):
    """What a row is whose key looks like a record's, or like an earlier row's."""

    REJECT = "reject"
    SAME = "same"
    NEW = "new"


class Twins:
    def __init__(self, checks: "Checks", alike: Alike) -> None:
        self.checks, self.answers = checks, checks.decided.answers
        self.alike = checks.decided.alike or alike  # of rows without an answer of their own
        self.rows, self.table, self.staging = checks.rows, checks.table, checks.staging
        self.fields = [column.model_field for column in self.staging.texts]
        self.keys = [self.table.column(field) for field in self.fields]
        #: The other columns of the key, which are equal or not.
        self.others = [key for key in checks.key_columns if key not in self.keys]
        self.names = ", ".join(checks.match)
        self._read = functools.partial(read_chunks, self.table)

    # Clean text ---------------------------------------------------------------------

    def tidy(self) -> bool:
        """Give new values of single lines their clean form; whether there were any.

        A record that has a text as the file has it keeps it: an export imports unchanged.
        """
        tidied, rows = self.staging.tidied, self.staging.rows
        if not self.table.fetch(f"SELECT 1 FROM {tidied} LIMIT 1"):
            return False
        values, empty = [], []
        for column in self.staging.lines:
            name, live = f"v_{column.name}", self.table.column(column.model_field)
            clean = f"nullif(tidied.{name}, '')" if column.keep_blank else f"tidied.{name}"
            values.append(
                f"{name} = CASE WHEN tidied.{name} IS NULL OR live.{live} = tidied.raw_{name}"
                f" THEN tidied.raw_{name} ELSE {clean} END"
            )
            if not column.model_field.blank:
                empty.append((column.name, name))
        raw = ", ".join(f"staged.v_{c.name} AS raw_v_{c.name}" for c in self.staging.lines)
        self.table.execute(
            f"""
            UPDATE {rows} AS changed SET {", ".join(values)}
            FROM (SELECT tidied.*, {raw} FROM {tidied} tidied
                  JOIN {rows} staged ON staged.line = tidied.line) tidied
            LEFT JOIN {self.staging.plan} plan ON plan.line = tidied.line
            LEFT JOIN {self.table.name} live ON live.{self.table.pk} = plan.pk
            WHERE changed.line = tidied.line
            """
        )
        for field, name in empty:
            self.checks.reject(
                f"SELECT staged.line, %s, '', 'empty', '', NULL FROM {rows} staged"
                f" JOIN {tidied} tidied ON tidied.line = staged.line"
                f" WHERE staged.{name} = '' AND tidied.{name} = ''",
                [field],
            )
        return True

    # Records ------------------------------------------------------------------------

    def find_records(self) -> bool:
        """Plan the new rows that are a record after all, or reject them; whether any are."""
        is_found = self._find_records()
        self._reject_lost()
        return is_found

    @collector_paused()
    def _find_records(self) -> bool:
        for name in (self.staging.likes, self.staging.found):
            self.table.execute(f"DELETE FROM {name}")
        if not self.keys or not self._find_likes():
            return False
        self._compare()
        plan, found, pk = self.staging.plan, self.staging.found, self.table.least("found.pk")
        insert = f"INSERT INTO {plan} (line, pk, hits, action)"
        count = self.table.execute(
            f"{insert} SELECT line, {pk}, count(*), 'updated' FROM {found} found"
            " WHERE same = 1 GROUP BY line"
        )
        unplanned = f"NOT EXISTS (SELECT 1 FROM {plan} plan WHERE plan.line = found.line)"
        count += self.table.execute(
            f"{insert} SELECT line, {pk}, count(*), 'updated' FROM {found} found"
            f" WHERE same = {CHOSEN} AND {unplanned} GROUP BY line HAVING count(*) = 1"
        )
        self._reject_alike(unplanned)
        if count:
            values = ", ".join(
                f"v_{column.name} = live.{key}"
                for column, key in zip(self.staging.texts, self.keys, strict=True)
            )
            self.table.execute(
                f"""
                UPDATE {self.staging.rows} AS changed SET {values}
                FROM {plan} plan JOIN {self.table.name} live ON live.{self.table.pk} = plan.pk
                WHERE changed.line = plan.line AND plan.line IN (SELECT line FROM {found})
                """
            )
        return bool(count)

    def _find_likes(self) -> bool:
        """Put the live rows that may look like a new one into `likes`; whether there are any.

        The live table is read only where there are new rows, and only once: whole, or, where
        they are few beside it and there is an index (`tables.alike`), what that finds.
        """
        if not self.table.fetch(f"SELECT 1 FROM {self.rows.live} live LIMIT 1"):
            return False
        known = self._known()
        if not known:
            return False
        is_found = False
        for rows in self._near():
            pks, *columns = zip(*rows, strict=True)
            numbers = looks(columns, self.fields)
            if places := known.places(numbers):
                likes = [(pks[place], numbers[place]) for place in places]
                self.staging.write(self.staging.likes, 2, likes)
                is_found = True
        self.staging.analyze(self.staging.likes)
        return is_found

    def _near(self) -> Iterator[list[tuple[Any, ...]]]:
        """The primary keys and texts of all live rows that may look like a new one."""
        columns = ", ".join(f"live.{column}" for column in (self.table.pk, *self.keys))
        column = self._indexed()
        if column is None:
            yield from self._read(f"SELECT {columns} FROM {self.rows.live} live")
            return
        forms, seen = [*self._forms(column)], self.rows.seen
        where = f"live.{self.table.pk} IN (SELECT pk FROM {seen.name})" if seen else ""
        for at in range(0, len(forms), CHUNK):
            part = forms[at : at + CHUNK]
            found = looking_up(self.table, column.model_field, columns, part, where)
            yield from self._read(*found)

    def _indexed(self) -> Column | None:
        """The column by which the live rows that look like the new ones are looked up."""
        for column in self.staging.texts:
            field = column.model_field
            if has_index(self.table, field):
                new = self.rows.new_rows()
                ((count,),) = self.table.fetch(f"SELECT count(*) FROM ({new}) staged")
                return column if are_few(count, self.table) else None
        return None

    def _forms(self, column: Column) -> set[str]:
        """What the index has of rows that may look like a new one."""
        forms, field = {UNKNOWN}, column.model_field
        select = (
            f"SELECT staged.{self.table.column(field)} FROM ({self.rows.new_rows()}) staged"
        )
        for rows in self._read(select):
            texts = [text for (text,) in rows]
            forms.update(form.decode(errors="ignore") for form in alike_all(texts, field))
        return forms

    def _known(self) -> Known:
        """The numbers of the new rows, or, where all rows are new, of all."""
        ((planned,),) = self.table.fetch(f"SELECT count(*) FROM {self.staging.plan}")
        if not planned and self.staging.looks:
            return self.staging.looks
        known = Known()
        if planned == self.staging.count:
            return known
        for rows in self._read(f"SELECT staged.look_ FROM ({self.rows.new_rows()}) staged"):
            known.add([look for (look,) in rows])
        return known

    def _compare(self) -> None:
        """Put the live rows that new rows look like, or are, into `found`."""
        equal = "".join(f" AND live.{key} = staged.{key}" for key in self.others)
        columns = ", ".join(
            f"{table}.{key}" for table in ("staged", "live") for key in self.keys
        )
        for rows in self._read(
            f"""
            WITH hit AS MATERIALIZED (
                SELECT line, look FROM {self.staging.rows}
                WHERE look IN (SELECT look FROM {self.staging.likes}))
            SELECT staged.line_, likes.pk, {columns}
            FROM hit CROSS JOIN ({self.rows.new_rows()}) staged
            JOIN {self.staging.likes} likes ON likes.look = staged.look_
            JOIN {self.table.name} live ON live.{self.table.pk} = likes.pk{equal}
            WHERE staged.line_ = hit.line
            """
        ):
            lines, pks, *texts = zip(*rows, strict=True)
            places = self._alike(texts[: len(self.keys)], texts[len(self.keys) :])
            found = []
            for i, is_same in places:
                answer, chosen = self._answer(lines[i])
                if is_same or answer == Alike.REJECT:
                    found.append((lines[i], pks[i], int(is_same)))
                elif answer == Alike.SAME:
                    is_meant = chosen in ("", str(pks[i]))
                    found.append((lines[i], pks[i], CHOSEN if is_meant else 0))
            if found:
                self.staging.write(self.staging.found, 3, found)
        self.staging.analyze(self.staging.found)

    def _answer(self, line: int) -> tuple[str, str]:
        """What a row is that looks like a record, and the key of the record or ""."""
        return self.answers.get(line) or (self.alike, "")

    def _alike(self, some: Sequence[Any], others: Sequence[Any]) -> Iterator[tuple[int, bool]]:
        """`(place, whether they are the same)` of the keys that are alike, column by column."""
        folded = [
            [alike_all(texts, field) for texts, field in zip(columns, self.fields, strict=True)]
            for columns in (some, others)
        ]
        rows = [list(zip(*columns, strict=True)) for columns in (*folded, some, others)]
        pairs = zip(*rows, strict=True)
        for place, (one, other, raw, raw_other) in enumerate(pairs):
            if one == other:
                yield place, _are_same(raw, raw_other)

    def _reject_alike(self, unplanned: str) -> None:
        key, last = ReferenceKey(self.table.model), 0
        while pairs := self.table.fetch(
            f"""
            SELECT found.line, found.pk FROM {self.staging.found} found
            WHERE {unplanned} AND found.line > %s AND found.line <= (
                SELECT max(line) FROM (SELECT DISTINCT line FROM {self.staging.found} found
                                       WHERE {unplanned} AND line > %s
                                       ORDER BY line LIMIT {CHUNK:d}) page)
            ORDER BY found.line, found.pk
            """,
            [last, last],
        ):
            last = pairs[-1][0]
            records = self.table.model._base_manager.using(self.table.connection.alias)
            to_python = self.table.pk_field.to_python
            found = records.filter(pk__in={pk for _line, pk in pairs})
            names = {pk: full for pk, _label, full in key.queryset(found)}
            self._write_rejects(
                (line, _like([f"“{names.get(to_python(pk))}”" for _line, pk in group]))
                for line, group in groupby(pairs, key=lambda pair: pair[0])
            )

    def _reject_lost(self) -> None:
        """Ask again about rows whose record, as it was decided, is no longer there or alike."""
        chosen = [
            line for line, (answer, pk) in self.answers.items() if answer == Alike.SAME and pk
        ]
        for at in range(0, len(chosen), CHUNK):
            marks = ", ".join(["%s"] * len(part := chosen[at : at + CHUNK]))
            lost = self.table.fetch(
                f"SELECT line_ FROM ({self.rows.new_rows()}) staged WHERE line_ IN ({marks})",
                part,
            )
            message = _(
                "The record that it was to be is gone, or is another now. Decide again."
            )
            if lost:
                self._write_rejects((line, message) for (line,) in lost)

    def _write_rejects(self, found: Iterator[tuple[int, str]]) -> None:
        self.staging.write_rejects(
            [(line, self.names, "", ALIKE, message, None) for line, message in found]
        )
        self.rows.has_rejects = True

    # Rows of the file ---------------------------------------------------------------

    def compare_new(self) -> None:
        """New rows that are the same as an earlier one get its key; alike ones are rejected."""
        if not self.staging.has_repeats:
            return
        grouped = ", ".join(["look_", *self.others])
        differs = " OR ".join(f"min({key}) <> max({key})" for key in self.keys)
        equal = "".join(f" AND staged.{key} = grouped.{key}" for key in self.others)
        keys = "".join(f", staged.{key}" for key in [*self.keys, *self.others])
        new = self.rows.repeated(self.rows.new_rows())
        # CROSS JOIN: SQLite looks at the rows again only where there are such groups.
        pages = self._read(
            f"""
            SELECT staged.look_, staged.line_{keys}
            FROM (SELECT {grouped} FROM ({new}) staged GROUP BY {grouped}
                  HAVING count(*) > 1 AND ({differs})) grouped
            CROSS JOIN ({new}) staged
            WHERE staged.look_ = grouped.look_{equal} ORDER BY staged.look_, staged.line_
            """
        )
        rows = (row for page in pages for row in page)
        changes: list[tuple[Any, ...]] = []
        rejects: list[tuple[int, str]] = []
        width = 2 + len(self.keys)
        for _look, group in groupby(rows, key=lambda row: row[0]):
            firsts: dict[tuple[Any, ...], int] = {}
            for row in group:
                self._compare_with(firsts, row[1], row[2:width], row[width:], changes, rejects)
        if changes:
            values = ", ".join(f"v_{column.name} = %s" for column in self.staging.texts)
            with self.table.connection.cursor() as cursor:
                cursor.executemany(
                    f"UPDATE {self.staging.rows} SET {values} WHERE line = %s", changes
                )
        if rejects:
            self._write_rejects(iter(rejects))

    def _compare_with(
        self,
        firsts: dict[tuple[Any, ...], int],
        line: int,
        texts: tuple[Any, ...],
        others: tuple[Any, ...],
        changes: list[tuple[Any, ...]],
        rejects: list[tuple[int, str]],
    ) -> None:
        """One row of a group with the same number beside the `firsts` of its keys."""
        if (texts, others) in firsts:
            return
        like = None
        for (first, first_others), number in firsts.items():
            if first_others != others:
                continue
            if _are_same(texts, first):
                changes.append((*first, line))
                return
            if like is None and any(self._alike([[t] for t in texts], [[t] for t in first])):
                like = first, number
        answer, _chosen = self._answer(line)
        if like is None or answer == Alike.NEW:
            firsts[texts, others] = line
        elif answer == Alike.SAME:
            changes.append((*like[0], line))
        else:
            row = _("row %d") % like[1]
            rejects.append((line, _like([f"{row} (“{', '.join(map(str, like[0]))}”)"])))


def _are_same(some: Sequence[Any], others: Sequence[Any]) -> bool:
    return all(
        same(one or "") == same(other or "") for one, other in zip(some, others, strict=True)
    )


def _like(names: Sequence[str]) -> str:
    shown = ", ".join(names[:NAMED]) + (" …" if len(names) > NAMED else "")
    return (
        _(
            "Looks like %s. If it is that one, write it the same way or import it as the same;"
            " if not, as new."
        )
        % shown
    )
