"""A file to fill in: headers of a Resource, an example row, and the choices of fields."""

from collections.abc import Iterable, Iterator
from itertools import zip_longest
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import BooleanField
from django.utils.translation import gettext as _

from backoffice.exports.delimited import delimited_blocks
from backoffice.exports.rows import Rows
from backoffice.exports.sheets import xlsx_blocks
from backoffice.resources.formulas import escape
from backoffice.resources.resource import Resource

#: A text for each kind of field, by the name of its class or a base of that.
EXAMPLES = {
    "BooleanField": "yes",
    "DateTimeField": "2026-12-31 23:30",
    "DateField": "2026-12-31",
    "DecimalField": "1",
    "DurationField": "04:05:06",
    "EmailField": "name@example.org",
    "FloatField": "1.5",
    "GenericIPAddressField": "192.0.2.1",
    "IntegerField": "1",
    "JSONField": "{}",
    "SlugField": "a-name",
    "TimeField": "23:30",
    "URLField": "https://example.org/",
    "UUIDField": "123e4567-e89b-12d3-a456-426614174000",
}

BLANK = ("", None)


def template_file(resource_class: type[Resource], kind: str) -> Iterator[bytes]:
    """The bytes of a template; kind: csv, or xlsx, whose second sheet lists the choices."""
    resource = resource_class()
    names = [name for name in resource.get_export_order() if name in resource_class.spellings()]
    headers = [resource.fields[name].column_name for name in names]
    example = [escape(_example(resource, name)) for name in names]
    rows = [[headers], [example]]
    if kind == "csv":
        return delimited_blocks(rows, encoding="utf-8-sig")
    columns = dict(_choices(resource, names))
    if not columns:
        return xlsx_blocks(rows, names=[_("Rows")])
    texts = [list(row) for row in zip_longest(*columns.values(), fillvalue="")]
    choices: list[Rows] = [[list(columns)], texts]
    return xlsx_blocks(rows, choices, names=[_("Rows"), _("Choices")])


def _model_field(resource: Resource, name: str) -> Any:
    return resource._meta.model._meta.get_field(name)


def _example(resource: Resource, name: str) -> str:
    """A text that can be read; "" where none is known to be."""
    field = _model_field(resource, name)
    if name in resource.examples:
        return resource.examples[name]
    if field.is_relation:
        return ""
    text = next(
        (EXAMPLES[kind.__name__] for kind in type(field).__mro__ if kind.__name__ in EXAMPLES),
        str(field.verbose_name).capitalize(),
    )
    if field.flatchoices:
        text = next(_written(resource, name), "")
    column = resource.fields[name]
    try:
        field.clean(column.clean({column.column_name: text}), None)
    except (ValidationError, ValueError, ArithmeticError, TypeError):
        return ""
    return text


def _choices(resource: Resource, names: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    """For each field that has choices: a column of them, and one of what they mean."""
    for name in names:
        field, header = _model_field(resource, name), resource.fields[name].column_name
        if isinstance(field, BooleanField):
            render = resource.fields[name].widget.render
            yield header, [str(render(value)) for value in (True, False)]
        elif not field.is_relation and field.flatchoices:
            texts = list(_written(resource, name))
            labels = [
                str(label) for value, label in field.flatchoices if value not in ("", None)
            ]
            yield header, texts
            if labels != texts:
                yield _("%s: meaning") % header, labels


def _written(resource: Resource, name: str) -> Iterator[str]:
    render = resource.fields[name].widget.render
    for value, _label in _model_field(resource, name).flatchoices:
        if value not in BLANK:
            yield str(render(value))
