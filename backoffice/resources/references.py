"""How a record is written in another record's cell, and how such text is read.

A record's key is the match key of its Resource: a library's is `name, zip_code`. It is
written as the first part (its label) where that is unique, else as `label (other parts)`;
both are read. Text that is one record's full text and another's label means the first: the
other's label is written in full. Several in one cell are separated by `|`; a `|` or `\\`
within, or a blank at an edge, is written with a `\\` before it.
"""

import functools
import re
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from django.contrib.admin.utils import get_fields_from_path
from django.core.exceptions import ValidationError
from django.db.models import CharField, Count, Expression, F, TextField, Value
from django.db.models.functions import Cast, Concat
from django.utils.translation import gettext as _
from import_export import widgets

from backoffice.querysets.contains import contains
from backoffice.querysets.reach import EVERYTHING, Reach
from backoffice.resources.registry import match_key

SEPARATOR = "|"
_PARTS = re.compile(r"(?:\\.|[^|\\]|\\(?=\Z))+", re.DOTALL)
_STRIPPED = re.compile(r"\A\s*((?:\\.|[^\\]|\\\Z)*?)\s*\Z", re.DOTALL)
_TO_ESCAPE = re.compile(r"[|\\]|\A\s|\s\Z")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


class ReferenceKey:
    """The text form of a model's records.

    `paths` are lookups from the model, label first: `("name", "library__name", …)`.
    reach: the records that are looked at, and that a text is told apart from.
    """

    def __init__(self, model: Any, reach: Reach = EVERYTHING) -> None:
        self.model, self.reach = model, reach

    @functools.cached_property
    def paths(self) -> tuple[str, ...]:
        paths: list[str] = []
        for name in match_key(self.model):
            related = self.model._meta.get_field(name).related_model
            inner = ReferenceKey(related).paths if related else ()
            paths += [f"{name}__{path}" for path in inner] or [name]
        return tuple(paths)

    @functools.cached_property
    def label_field(self) -> Any:
        return get_fields_from_path(self.model, self.paths[0])[-1]

    def select_related(self, *attribute: str) -> set[str]:
        """Arguments of select_related for records, or for `attribute`, which leads to one."""
        paths = {"__".join([*attribute, *path.split("__")[:-1]]) for path in self.paths}
        return paths - {""}

    def expressions(self, prefix: str = "") -> tuple[Expression, Expression]:
        """Expressions for a record's label and its full text.

        prefix: the lookup that leads to the record, such as `library__`.
        """
        label, *others = (Cast(F(prefix + path), CharField()) for path in self.paths)
        parts = [label, Value(" (")]
        for other in others:
            parts += [other, Value(", ")]
        return label, Concat(*parts[:-1], Value(")")) if others else label

    def queryset(self, records: Any = None) -> Any:
        """Records, or all, as an unordered `values_list` of pk, label and full text."""
        label, full = self.expressions()
        records = self.reach.records(self.model) if records is None else records
        records = records.order_by().annotate(_label=label, _full=full)
        return records.values_list("pk", "_label", "_full")

    def write(self, record: Any, shared_labels: Collection[str]) -> str:
        """`record` as text; `shared_labels`: the labels that more than one record has."""
        label, *others = (str(self._follow(record, path)) for path in self.paths)
        if label in shared_labels and others:
            return f"{label} ({', '.join(others)})"
        return label

    @staticmethod
    def _follow(record: Any, path: str) -> Any:
        return functools.reduce(getattr, path.split("__"), record)

    def shared_labels(self) -> set[str]:
        """The labels that don't identify a record: shared, blank, or another's full text."""
        label = self.paths[0]
        records = self.reach.records(self.model).order_by()
        shared = {""} | set(
            records.values_list(label, flat=True)
            .annotate(_records=Count("pk"))
            .filter(_records__gt=1)
        )
        if len(self.paths) > 1:
            bracketed = self.queryset().filter(**{f"{label}__endswith": ")"})
            shared |= {row[1] for row in bracketed}
        return shared

    def find(self, text: str, records: Any = None) -> dict[Any, str]:
        """`{pk: full text}` of the records that `text` names, among `records` or among all."""
        rows = list(self.with_label("in", self.label_candidates(text), records))
        whole = {pk: full for pk, _label, full in rows if text == full}
        return whole or {pk: full for pk, label, full in rows if text == label}

    def label_candidates(self, text: str) -> list[str]:
        """The possible labels in `text`: all of it, and what precedes each ` (`."""
        candidates = [text]
        if text.endswith(")"):
            most = self.label_field.max_length or len(text)
            ends = (match.start() for match in re.finditer(r" \(", text[: most + 2]))
            candidates += [text[:end] for end in ends]
        return candidates

    def with_label(self, lookup: str, value: Any, records: Any = None) -> Any:
        """`queryset` filtered by label. A text field is compared as it is, by its index."""
        is_text = isinstance(self.label_field, CharField | TextField)
        name = self.paths[0] if is_text else "_label"
        if lookup == "icontains":
            return self.queryset(records).filter(contains(name, value))
        return self.queryset(records).filter(**{f"{name}__{lookup}": value})


def split_references(cell: str) -> list[str]:
    """The texts in a cell of several: `"A|B (10016)"` → `["A", "B (10016)"]`."""
    if "\\" in cell:
        stripped = (_STRIPPED.sub(r"\1", part) for part in _PARTS.findall(cell))
        parts = [_ESCAPED.sub(r"\1", part) for part in stripped]
    else:
        parts = list(map(str.strip, cell.split(SEPARATOR)))
    return list(dict.fromkeys(part for part in parts if part))


def join_references(texts: Sequence[str]) -> str:
    """The inverse of `split_references`."""
    if not any(map(_TO_ESCAPE.search, texts)):
        return SEPARATOR.join(texts)
    return SEPARATOR.join(_TO_ESCAPE.sub(r"\\\g<0>", text) for text in texts)


class _ReferenceMixin:
    model: Any
    reach = EVERYTHING

    @functools.cached_property
    def key(self) -> ReferenceKey:
        return ReferenceKey(self.model, self.reach)

    def limit(self, reach: Reach) -> None:
        """Know the records that `reach` has, and no others."""
        self.reach = reach
        for name in ("key", "_shared_labels"):  # of all records
            self.__dict__.pop(name, None)

    @functools.cached_property
    def _shared_labels(self) -> set[str]:
        # Once per export: a resource copies its widgets when it is made.
        return self.key.shared_labels()

    def text(self, label: str | None, full: str) -> str:
        """The shorter text of a record that identifies it; "" where the label is None."""
        if label is None:
            return ""
        return full if label in self._shared_labels else label

    def texts(self, values: Iterable[Any], by: str = "pk") -> dict[Any, str]:
        """`{value: text}` of the records that have these values in the attribute `by`."""
        records = self.reach.records(self.model).filter(**{f"{by}__in": values})
        if related := self.key.select_related():
            records = records.select_related(*related)
        return {getattr(r, by): self.key.write(r, self._shared_labels) for r in records}

    def _find_one(self, text: str) -> Any:
        found = self.key.find(text)
        if len(found) == 1:
            return next(iter(found))
        name = self.model._meta.verbose_name
        if found:
            raise ValidationError(
                _("“%(text)s” fits %(count)d records (%(name)s)."),
                code="ambiguous",
                params={"text": text, "count": len(found), "name": name},
            )
        raise ValidationError(
            _("“%(text)s” is not found (%(name)s)."),
            code="unknown",
            params={"text": text, "name": name},
        )


class ReferenceWidget(_ReferenceMixin, widgets.ForeignKeyWidget):
    """A foreign key as text."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> Any:
        text = str(value or "").strip()
        return self.model._base_manager.get(pk=self._find_one(text)) if text else None

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        return "" if value is None else self.key.write(value, self._shared_labels)


class ReferencesWidget(_ReferenceMixin, widgets.ManyToManyWidget):
    """A many-to-many as texts separated by `|`."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> Any:
        pks = [self._find_one(text) for text in split_references(str(value or ""))]
        return self.model._base_manager.filter(pk__in=pks)

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        if value is None:
            return ""
        return join_references(
            sorted(self.key.write(record, self._shared_labels) for record in value.all())
        )
