"""JSON for `dumpdata` and `loaddata` in which history stays with its row.

A history record refers to its row, and to related rows, by primary keys without a constraint.
A dump by natural keys leaves primary keys out, and loading assigns new ones. So history is
dumped with the natural key of its row, and finds the row again by it. A deleted row has no
natural key any more: its history keeps the primary key, made negative so that no new row
gets it.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.apps import apps
from django.core.serializers import base, json
from django.db.models import Model

from backoffice.tables.lookalikes import Known


def tracked_model(model: type[Model]) -> type[Model] | None:
    """The model whose history `model` is, or None."""
    return getattr(model, "instance_type", None)


class Encoder(json.DjangoJSONEncoder):
    """Writes times to the microsecond; Django's encoder cuts them to the millisecond."""

    def default(self, o: Any) -> Any:
        return o.isoformat() if isinstance(o, datetime) else super().default(o)


class Serializer(json.Serializer):
    """Raises SerializationError if two rows share a natural key: only one could be loaded."""

    _current: dict[str, Any]  # upstream's

    def start_serialization(self) -> None:
        self.options.setdefault("cls", Encoder)
        super().start_serialization()
        self._natural_keys: dict[type[Model], dict[Any, Any]] = {}
        self._written: dict[type[Model], Known] = {}  # memory is bounded

    def get_dump_object(self, obj: Any) -> dict[str, Any]:
        data = super().get_dump_object(obj)
        if "pk" not in data:
            key = obj.natural_key()
            written = self._written.setdefault(type(obj), Known())
            if written.add([hash(tuple(key))]) and self._are_several(obj, key):
                raise base.SerializationError(
                    f"two rows of {data['model']} have the natural key {key}; rename one,"
                    " or dump without --natural-primary"
                )
        return data

    @staticmethod
    def _are_several(obj: Any, key: Any) -> bool:
        try:
            type(obj)._default_manager.db_manager(obj._state.db).get_by_natural_key(*key)
        except type(obj).MultipleObjectsReturned:
            return True
        return False

    def handle_field(self, obj: Model, field: Any) -> None:
        super().handle_field(obj, field)
        tracked = tracked_model(type(obj))
        if tracked and self.use_natural_primary_keys and field.name == tracked._meta.pk.name:
            self._refer(tracked, obj, field.name)

    def handle_fk_field(self, obj: Model, field: Any) -> None:
        if field.db_constraint or not self.use_natural_foreign_keys:
            super().handle_fk_field(obj, field)
        else:
            self._current[field.name] = self._value_from_field(obj, field)  # type: ignore[attr-defined] # not in the stubs
            self._refer(field.related_model, obj, field.name)

    def _refer(self, model: type[Model], obj: Model, name: str) -> None:
        """Replace the primary key of the row of `model` by its natural key."""
        pk = self._current[name]
        if pk is None or not hasattr(model, "natural_key"):
            return
        if model not in self._natural_keys:
            rows = model._base_manager.using(obj._state.db).select_related()
            self._natural_keys[model] = {row.pk: row.natural_key() for row in rows.iterator()}
        if key := self._natural_keys[model].get(pk):
            self._current[name] = key
        elif self.use_natural_primary_keys and isinstance(pk, int):
            self._current[name] = -abs(pk)


class Deserializer(json.Deserializer):
    """Raises DeserializationError if the row of a record is neither stored nor in the file."""

    stream: Any  # upstream's, already parsed
    using: str

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override] # upstream's is a generator
        # History last: it looks up its rows, which must be stored first.
        self.stream = sorted(self.stream, key=lambda node: self._tracked(node) is not None)
        return super().__iter__()

    def _tracked(self, node: Any) -> Any:
        try:
            return tracked_model(apps.get_model(node["model"]))
        except (KeyError, LookupError, TypeError, ValueError):
            return None  # upstream raises the error

    def _handle_object(self, node: Any) -> Iterator[Any]:
        tracked = self._tracked(node)
        name = tracked and tracked._meta.pk.name
        if tracked and isinstance(key := node["fields"].get(name), list):
            try:
                row = tracked._default_manager.db_manager(self.using).get_by_natural_key(*key)
            except (tracked.DoesNotExist, tracked.MultipleObjectsReturned) as error:
                raise base.DeserializationError(f"{node['model']} of {key}: {error}") from error
            node = node | {"fields": node["fields"] | {name: row.pk}}
        yield from super()._handle_object(node)  # type: ignore[misc] # not in the stubs
