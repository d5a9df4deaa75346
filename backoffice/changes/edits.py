"""Editing any number of rows alike, in a few statements, with history.

It sets values, adds links and takes them away, and finds and replaces within texts. An edit
is recorded as a `Change`, so it can be undone like an import.
"""

import contextlib
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, Self

from django.core.exceptions import ValidationError
from django.db import IntegrityError, connections, router, transaction
from django.db.models import F, Field, Model, Q, QuerySet, TextField
from django.db.models.expressions import RawSQL
from django.db.models.functions import Cast
from django.utils.translation import gettext as _

from backoffice import keepers
from backoffice.changes.activity import log_change
from backoffice.changes.keys import compiled, held, temporary
from backoffice.changes.link_edits import LinkEdit
from backoffice.changes.models import Change
from backoffice.changes.replacing import Clean, Replacement, Texts
from backoffice.history.records import Records
from backoffice.querysets.names import names
from backoffice.querysets.reach import EVERYTHING, Reach
from backoffice.tables.planner import keep_statistics
from backoffice.tables.table import ModelField, Table

CHUNK = 2_000  # rows that are read at once
LISTED = 20  # rows that `clean` refuses, in a sentence or on a page


class RowsMoved(Exception):
    """The rows or their values are no longer those of the preview. Nothing was written."""


class Refused(Exception):
    """The database, or the model's `clean`, refuses the new values. Nothing was written."""


class Edit:
    """What is done to each of the rows of a queryset.

    The model's history must record changes: see `names_change`. With a `replacement`, it is
    used as `with Edit(…) as edit`, and `edit.look()` comes before asking which rows change.

    Args:
        values: a cleaned `{field: value}` to set.
        links: what is added to their many-to-many fields, and taken away.
        replacement: what to find and put in its place, in `fields`; see `Texts`.
        reach: what whoever edits may see; an edit that would take a row out of it is refused.
    """

    def __init__(
        self,
        queryset: QuerySet[Any],
        values: Mapping[ModelField, Any] | None = None,
        links: Sequence[LinkEdit] = (),
        replacement: Replacement | None = None,
        fields: Mapping[ModelField, Clean] | None = None,
        reach: Reach = EVERYTHING,
    ) -> None:
        self.reach = reach
        self.model, self.values, self.links = queryset.model, values or {}, links
        self.using = router.db_for_write(self.model)
        keys = queryset.using(self.using).order_by().values("pk")
        self.rows = self.model._base_manager.using(self.using).filter(pk__in=keys)
        self.texts: Texts | None = None
        if replacement is not None:
            self.texts = Texts(Table(self.model), replacement, fields or {})

    def __enter__(self) -> Self:
        if self.texts:
            self.texts.create()
        return self

    def __exit__(self, *raised: object) -> None:
        if self.texts and not connections[self.using].needs_rollback:
            self.texts.drop()

    # Which rows ---------------------------------------------------------------------

    def look(self) -> None:
        """Find what is to be replaced."""
        if self.texts:
            self.texts.fill(self.rows)

    @property
    def changing(self) -> QuerySet[Any]:
        """The rows whose present values or links differ."""
        changes = self._differs
        if self.texts:
            changes = (changes | self.texts.changing) & ~self.texts.refused
        changing: QuerySet[Any] = self.rows.filter(changes)
        return changing

    @property
    def left_out(self) -> QuerySet[Any]:
        """The rows that are left alone since their new text would be invalid."""
        left: QuerySet[Any] = self.rows.filter(
            self.texts.refused if self.texts else Q(pk__in=[])
        )
        return left

    @property
    def _differs(self) -> Q:
        differs = Q(pk__in=[])
        for field, value in self.values.items():
            if value is None:
                differs |= Q(**{f"{field.name}__isnull": False})
            else:
                differs |= ~Q(**{field.name: value})
        for edit in self.links:
            differs |= edit.differs
        return differs

    def fingerprint(self, rows: QuerySet[Any] | None = None) -> tuple[int, str]:
        """`(number of rows that change, hash)`; the hash is of their keys and old values."""
        rows = self.changing if rows is None else rows
        fields = dict.fromkeys([*self.values, *(self.texts.fields if self.texts else ())])
        old = [Cast(F(field.attname), TextField()) for field in fields]
        digest = hashlib.sha256()
        number = _digest(rows.order_by("pk").values_list("pk", *old), digest)
        for edit in self.links:
            _digest(edit.now(rows), digest)
        return number, digest.hexdigest()

    def refused(self) -> list[tuple[Model, str]]:
        """At most `LISTED` rows that refuse the change, each with its reason."""
        return list(islice(self._refused(self.changing), LISTED))

    def _refused(self, rows: QuerySet[Any]) -> Iterator[tuple[Model, str]]:
        yield from self._left_empty(rows)
        if not cleans_itself(self.model):
            return
        found = rows.iterator(chunk_size=CHUNK)
        while chunk := list(islice(found, CHUNK)):
            texts = self.texts.of([row.pk for row in chunk]) if self.texts else {}
            for row in chunk:
                new = texts[row.pk][1] if row.pk in texts else {}
                for field, value in {**self.values, **new}.items():
                    setattr(row, field.attname, value)
                if sentence := refusal(row):
                    yield row, sentence

    def _left_empty(self, rows: QuerySet[Any]) -> Iterator[tuple[Model, str]]:
        """The first rows that would have no link where they need one."""
        filled = [edit.relation.field for edit in self.links if edit.added]
        for edit in self.links:
            field = edit.relation.field
            if edit.relation.is_forward and not field.blank and field not in filled:
                why = _("It would be left without %s.") % field.verbose_name
                yield from ((row, why) for row in rows.filter(edit.empties)[:LISTED])

    # Doing it -----------------------------------------------------------------------

    def run(
        self,
        *,
        user: Any,
        title: str,
        expected: str | None = None,
        address: str | None = None,
    ) -> Change:
        """Write all rows or none, and return the Change that records it.

        title: of the change · expected: the fingerprint that the user confirmed · address:
        from where they asked for it.
        Raises RowsMoved and Refused.
        """
        candidates = self.rows.filter(
            self._differs | (self.texts.candidates if self.texts else Q(pk__in=[]))
        )
        try:
            with (
                transaction.atomic(using=self.using),
                keepers.kept(self.using, self.model),
                held(candidates) as rows,
            ):
                if self.texts:
                    self._keep_changing(self.texts, rows)
                updated, fingerprint = self.fingerprint(rows)
                if expected not in (None, fingerprint):
                    raise RowsMoved
                for row, why in self._left_empty(rows):
                    raise Refused(_refused_row(row, why, self.reach))
                change = self._record_change(user, title, updated, address)
                self._write(rows, change)
                log_change(change)
        except IntegrityError as error:
            # What it says may be about a record that is not to be seen.
            limited = _("another record stands against it.")
            why = limited if self.reach.is_limited else str(error).strip()
            said = _("The database refused the change, so nothing was written: %s")
            raise Refused(said % why) from error
        return change

    def _keep_changing(self, texts: Texts, rows: QuerySet[Any]) -> None:
        """Find the new texts again, of the rows as they are held; let go of all others."""
        texts.fill(rows)
        changing = rows.filter((self._differs | texts.changing) & ~texts.refused)
        keys = temporary(texts.table, "held_keys")
        sql, params = compiled(changing.values("pk"), texts.table)
        texts.table.execute(f"DELETE FROM {keys} WHERE pk NOT IN ({sql})", params)

    def _record_change(
        self, user: Any, title: str, updated: int, address: str | None
    ) -> Change:
        # Others may have written since the rows were held: the total is at least `updated`.
        left = self.left_out.count()
        rows = max(self.rows.count(), updated + left)
        return Change.objects.create_done(
            self.model,
            kind=Change.Kind.EDIT,
            user=user,
            address=address,
            title=title,
            rows=rows,
            updated=updated,
            unchanged=rows - updated - left,
            rejected=left,
        )

    def _write(self, rows: QuerySet[Any], change: Change) -> None:
        signature, keys = change.signature, _keys(Table(self.model), "held_keys")
        # The mark: whoever holds keys then writes no more in a transaction that failed.
        mark = transaction.mark_for_rollback_on_error(self.using)
        with contextlib.ExitStack() as stack, mark:
            recorded = list(self._recorded(rows, keys, stack))
            for records, found in recorded:
                records.write_missing(found, signature.date)
            if self._writes_rows:
                self._set(rows, keys, signature.date)
            for edit in self.links:
                edit.write(keys)
            if cleans_itself(self.model):
                self._clean(rows)
            for records, found in recorded:
                self._refuse_outside(records.live, found)
                records.write(
                    f"live.{records.pk} IN ({found})", history_type="~", signature=signature
                )
            tables = {table for records, _found in recorded for table in records.tables}
            keep_statistics(connections[self.using], change.updated or 0, *sorted(tables))

    @property
    def _writes_rows(self) -> bool:
        """Whether history keeps what changes with the rows, and not only at the other end."""
        return bool(self.values or self.texts) or any(e.relation.is_forward for e in self.links)

    def _recorded(
        self, rows: QuerySet[Any], keys: str, stack: contextlib.ExitStack
    ) -> Iterator[tuple[Records, str]]:
        """The histories that keep the change, each with a SELECT of the rows that change.

        A row is recorded once, whatever changes in it; so all rows of a model come together.
        """
        others: dict[type[Model], Q] = {}
        for edit in self.links:
            if edit.writes_others:
                owner = edit.owner
                others[owner] = others.get(owner, Q(pk__in=[])) | edit.others(rows)
        found: dict[type[Model] | None, tuple[type[Model], list[str]]] = {}
        if self._writes_rows:
            found[self.model._meta.concrete_model] = (self.model, [keys])
        for n, (owner, condition) in enumerate(others.items()):
            name = f"held_others_{n}"
            stack.enter_context(held(owner._base_manager.filter(condition), name))
            _model, selects = found.setdefault(owner._meta.concrete_model, (owner, []))
            selects.append(_keys(Table(owner), name))
        for model, selects in found.values():
            yield Records(Table(model)), " UNION ".join(selects)

    def _set(self, rows: QuerySet[Any], keys: str, now: datetime) -> None:
        times = {
            field.name: now
            for field in self.model._meta.concrete_fields
            if getattr(field, "auto_now", False)
        }
        rows.update(**times, **{field.name: value for field, value in self.values.items()})
        if self.texts:
            self.texts.write(keys)

    def _refuse_outside(self, table: Table, keys: str) -> None:
        """Raises Refused where one of the rows of `keys` could be seen, and now can't be."""
        rows = table.model._base_manager.using(self.using)
        written = rows.filter(pk__in=RawSQL(keys, []))  # noqa: S611 # our own tables
        if not self.reach.is_limited:
            return
        if lost := written.exclude(pk__in=self.reach.within(rows.all()).values("pk")).first():
            why = _("it would lie outside what you are limited to.")
            raise Refused(_refused_row(lost, why, self.reach))

    def _clean(self, rows: QuerySet[Any]) -> None:
        """Run each row's own `clean`, as its form would, and save what it changes."""
        fields = [f for f in Table(self.model).columns if not f.primary_key]
        found = rows.iterator(chunk_size=CHUNK)
        while chunk := list(islice(found, CHUNK)):
            changed: dict[Field[Any, Any], list[Model]] = {}
            for row in chunk:
                before = {field: getattr(row, field.attname) for field in fields}
                if sentence := refusal(row):
                    raise Refused(_refused_row(row, sentence, self.reach))
                for field, value in before.items():
                    if getattr(row, field.attname) != value:
                        changed.setdefault(field, []).append(row)
            for field, its_rows in changed.items():
                self.model._base_manager.using(self.using).bulk_update(its_rows, [field.name])


def _keys(table: Table, name: str) -> str:
    return f"SELECT pk FROM {temporary(table, name)}"


def _digest(found: QuerySet[Any], digest: Any) -> int:
    """Add the rows to the digest; return how many there are."""
    number, left = 0, found.iterator(chunk_size=CHUNK)
    while chunk := list(islice(left, CHUNK)):
        number += len(chunk)
        digest.update(repr(chunk).encode())
    return number


def cleans_itself(model: type[Model]) -> bool:
    return model.clean is not Model.clean


def _refused_row(row: Model, why: str, reach: Reach) -> str:
    (name,) = names([row], reach)
    return _("%(row)s was refused, so nothing was written: %(why)s") % {"row": name, "why": why}


def refusal(row: Model) -> str:
    """Why the model's own `clean` refuses a row; "" where it accepts it."""
    try:
        row.clean()
    except ValidationError as error:
        return " ".join(error.messages)
    return ""
