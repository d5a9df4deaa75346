"""Names of records, with what tells namesakes apart: `Main Library — 10016, New York`.

A model declares the field that `str()` shows, and the fields that tell apart the records that
have the same text in it: `told_apart_by = {"name": ("zip_code", "state")}`. A name that no
other record has stands alone. Whoever has limits is told of namesakes within them alone, so
each name is made for somebody's `Reach`.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.contrib.admin.utils import NotRelationField, get_fields_from_path
from django.core.checks import Error
from django.core.exceptions import FieldDoesNotExist
from django.db.models import (
    CharField,
    Exists,
    F,
    Model,
    OuterRef,
    Q,
    QuerySet,
    TextField,
    Value,
)
from django.db.models.constants import LOOKUP_SEP
from django.db.models.functions import Cast

from backoffice.querysets.ordering import leads_index
from backoffice.querysets.reach import Reach

DECLARATION = "told_apart_by"
SHARED, DETAIL = "_name_is_shared", "_detail_"  # annotations


@dataclass(frozen=True)
class Naming:
    """What a model declares: `name`, a field, and `details`, paths to fields."""

    model: type[Model]
    name: str
    details: tuple[str, ...]

    @staticmethod
    def of(model: type[Model]) -> "Naming | None":
        """None for a model that declares nothing."""
        declared = getattr(model, DECLARATION, None)
        if not declared:
            return None
        ((name, details),) = declared.items()
        return Naming(model, name, tuple(details))

    def is_shared(self, reach: Reach) -> Exists:
        """Whether another record has the name of a record: one look into an index."""
        return self._is_shared_by_another_than("pk", reach)

    def is_shared_then(self, reach: Reach) -> Exists:
        """The same of a record of history: whether another row that is there has the name."""
        return self._is_shared_by_another_than(self.model._meta.pk.attname, reach)

    def _is_shared_by_another_than(self, key: str, reach: Reach) -> Exists:
        others = self.model._base_manager.filter(~Q(pk=OuterRef(key)))
        others = others.filter(**{self.name: OuterRef(self.name)})
        return Exists(reach.within_each(others))

    def namesakes(self, reach: Reach) -> QuerySet[Any]:
        """Of the records whose names others have, the key and the details, as texts."""
        texts = [Cast(path, CharField()) for path in ("pk", *self.details)]
        rows = self.model._base_manager.filter(self.is_shared(reach)).order_by()
        return rows.values_list(*texts)

    def text(self, name: object, values: Iterable[Any]) -> str:
        """`Main Library — 10016, New York`, of the name and the values of the details."""
        shown = self.texts(values)
        return f"{name} — {', '.join(shown)}" if shown else str(name)

    def texts(self, values: Iterable[Any]) -> list[str]:
        """The values of the details as people read them, without those that are blank."""
        shown = []
        for path, value in zip(self.details, values, strict=True):
            field: Any = get_fields_from_path(self.model, path)[-1]
            choices = {str(key): text for key, text in getattr(field, "flatchoices", ())}
            if value not in (None, ""):
                shown.append(str(choices.get(str(value), value)))
        return shown


def names(records: Sequence[Model], reach: Reach) -> list[str]:
    """The names of records of any models, in their order, by one statement at most.

    reach: of whoever reads the names; namesakes beyond it are nobody's business.
    """
    return _names(records, _details(records, reach))


def _names(records: Sequence[Model], details: Any) -> list[str]:
    keys = [(type(record), record.pk) for record in records]
    texts = [
        naming.text(record, details[key])
        if (naming := Naming.of(key[0])) and key in details
        else str(record)
        for key, record in zip(keys, records, strict=True)
    ]
    # Where all that is declared is the same, their keys differ.
    records_of = Counter(dict(zip(keys, texts, strict=True)).values())
    return [
        f"{text} (#{key[1]})" if key in details and records_of[text] > 1 else text
        for key, text in zip(keys, texts, strict=True)
    ]


class Named:
    """A record whose `str()` is its name, for Django's messages and log entries."""

    def __init__(self, record: Any, text: str) -> None:
        self.record, self.text = record, text

    def __str__(self) -> str:
        return self.text

    def __getattr__(self, attribute: str) -> Any:
        return getattr(self.record, attribute)


def by_name(records: Sequence[Any], reach: Reach) -> list[Any]:
    """The records; in place of those that have namesakes, what has their name as `str()`."""
    return [
        record if text == str(record) else Named(record, text)
        for record, text in zip(records, names(records, reach), strict=True)
    ]


def _details(
    records: Iterable[Model], reach: Reach
) -> dict[tuple[type[Model], Any], list[Any]]:
    """`{(model, key): values of the details}` of the records whose names others have."""
    keys: dict[Naming, set[Any]] = {}
    for record in records:
        if naming := Naming.of(type(record)):
            keys.setdefault(naming, set()).add(record.pk)
    if not keys:
        return {}
    width = max(len(naming.details) for naming in keys)
    parts = []
    for number, naming in enumerate(keys):
        blank = {f"_{n}": Value("", CharField()) for n in range(len(naming.details), width)}
        rows = naming.namesakes(reach).filter(pk__in=keys[naming])
        parts.append(rows.annotate(**blank, _naming=Value(number)))
    namings, found = list(keys), {}
    rows = parts[0].union(*parts[1:], all=True) if parts[1:] else parts[0]
    for key, *values, number in rows:
        naming = namings[number]
        pk = naming.model._meta.pk.to_python(key)
        found[naming.model, pk] = values[: len(naming.details)]
    return found


def named(rows: QuerySet[Any], reach: Reach) -> QuerySet[Any]:
    """The rows, annotated with what `annotated_name` needs: no statement more.

    For querysets that are read whole, such as the choices of a field.
    """
    naming = Naming.of(rows.model)
    if naming is None:
        return rows
    details = {f"{DETAIL}{n}": F(path) for n, path in enumerate(naming.details)}
    annotated: QuerySet[Any] = rows.annotate(**{SHARED: naming.is_shared(reach)}, **details)
    return annotated


def annotated_name(row: Any) -> str:
    """The name of a row of `named`; of another row, its `str()`."""
    return annotated_names([row])[0]


def annotated_names(rows: Sequence[Any]) -> list[str]:
    """As `names`, of rows of `named`, which may be of several models; without a statement."""
    found = {(type(row), row.pk): _annotated(row) for row in rows}
    return _names(rows, {key: details for key, details in found.items() if details is not None})


def annotated_details(row: Any) -> list[str]:
    """What tells a row of `named` apart, as texts, whether or not another has its name."""
    naming = Naming.of(type(row))
    return naming.texts(_values(naming, row)) if naming else []


def _annotated(row: Any) -> list[Any] | None:
    """The values of the details; None if no other record has the name."""
    naming = Naming.of(type(row))
    if naming is None or not getattr(row, SHARED, False):
        return None
    return _values(naming, row)


def _values(naming: Naming, row: Any) -> list[Any]:
    return [getattr(row, f"{DETAIL}{n}") for n in range(len(naming.details))]


# The system check -----------------------------------------------------------------------


def check_names(app_configs: Any = None, **kwargs: Any) -> list[Error]:
    return [
        Error(
            f"`{DECLARATION}` of {model._meta.label} {problem}.",
            hint='As in `told_apart_by = {"name": ("zip_code", "state")}`: the field that'
            " `str()` shows, and fields, or paths to fields, that tell records apart.",
            obj=model,
            id="backoffice.E050",
        )
        for model in apps.get_models()
        if hasattr(model, DECLARATION)
        for problem in _problems(model, getattr(model, DECLARATION))
    ]


def _problems(model: type[Model], declared: Any) -> list[str]:
    if not isinstance(declared, dict) or len(declared) != 1:
        return ["is not a dict of one field"]
    ((name, details),) = declared.items()
    if isinstance(details, str) or not details:
        return [f"does not name, in a tuple, what tells apart those of the same {name}"]
    problems = []
    field = _field(model, name)
    if LOOKUP_SEP in name or not isinstance(field, CharField | TextField):
        problems.append(f"refers to {name!r}, which is no field of text of the model")
    elif not leads_index(field):
        problems.append(f"refers to {name!r}, but no index of the model begins with it")
    for path in details:
        field = _field(model, path)
        if field is None:
            problems.append(f"refers to {path!r}, which is no field and leads to none")
        elif field.is_relation:
            problems.append(f"refers to {path!r}, a record: go on to one of its fields")
    return problems


def _field(model: type[Model], path: str) -> Any:
    """The field at the end of a path of forward relations; None if there is none."""
    try:
        fields: list[Any] = get_fields_from_path(model, path)
    except (FieldDoesNotExist, NotRelationField):
        return None
    is_forward = all(f.concrete and not f.many_to_many for f in fields)
    return fields[-1] if is_forward else None
