"""The columns of an edit's preview: what each of the first rows has, and what it gets."""

from collections.abc import Iterator
from typing import Any

from django.utils.text import capfirst

from backoffice.admin.changes.edit_forms import EditForm, shown
from backoffice.changes.edits import Edit
from backoffice.changes.replacing import Texts, parts, searched
from backoffice.querysets.names import names
from backoffice.querysets.reach import Reach

AROUND = 40  # characters of a long text that are shown before and after what was found

#: Of a cell: what became of a part ("", "del", "ins", or "br" for a new line), and the part.
Segments = list[tuple[str, str]]


def columns_of(
    edit: Edit, form: EditForm, rows: list[Any], texts: dict[Any, Any]
) -> Iterator[tuple[str, list[Segments]]]:
    """The columns of a preview: `(label, cell of each row)`."""
    for field in edit.values:
        new = shown(field, form.instance, edit.reach)
        old = (
            named_values(field, rows, edit.reach)
            if field.is_relation
            else [shown(field, r, edit.reach) for r in rows]
        )
        cells = [changed(text, new) for text in old]
        yield str(capfirst(field.verbose_name)), cells
    for name, links in form.links().items():
        sample = links.sample(rows, edit.reach)
        cells = [in_line(*sample[row.pk]) for row in rows]
        yield str(form.fields[name].label), cells
    if edit.texts is None:
        return
    for field in edit.texts.fields:
        new_texts = [texts[row.pk][1] if row.pk in texts else {} for row in rows]
        cells = [
            replaced(edit.texts, field, row, new)
            for row, new in zip(rows, new_texts, strict=True)
        ]
        yield str(capfirst(field.verbose_name)), cells


def named_values(field: Any, rows: list[Any], reach: Reach) -> list[str]:
    """The names of the records that the field of each row leads to."""
    records = [getattr(row, field.name) for row in rows]
    texts = iter(names([record for record in records if record is not None], reach))
    return ["" if record is None else next(texts) for record in records]


def changed(old: str, new: str) -> Segments:
    if old == new:
        return [("", new)]
    return [("del", old or "–"), ("", " "), ("ins", new or "–")]


def in_line(lost: list[str], added: list[str]) -> Segments:
    """The names of links that go and that come."""
    parts = [
        *(("del", f"− {name}") for name in lost),
        *(("ins", f"+ {name}") for name in added),
    ]
    return [each for part in parts for each in (part, ("", " "))]


def replaced(texts: Texts, field: Any, row: Any, new: dict[Any, Any]) -> Segments:
    """The old text and the new one, with the places marked."""
    old = searched(field, getattr(row, field.attname) or "")
    found = list(parts(old, texts.pattern))
    if new.get(field) in (None, getattr(row, field.attname)) and len(found) == 1:
        return [("", around(old))]
    put, now = texts.replacement.put, str(new.get(field) or "")
    before = [("del", part) if is_found else ("", around(part)) for is_found, part in found]
    after = [("ins", put) if is_found else ("", around(part)) for is_found, part in found]
    if texts.pattern.sub(lambda _found: put, old) != now:  # it was cleaned as well
        after = [("ins", around(now))]
    return [*before, ("br", ""), *after]


def around(text: str) -> str:
    """The ends of a part that is long."""
    return text if len(text) <= 3 * AROUND else f"{text[:AROUND]} … {text[-AROUND:]}"
