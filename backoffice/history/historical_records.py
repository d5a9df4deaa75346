"""django-simple-history with its gaps closed, so that history misses no change.

Upstream 3.13 records a many-to-many change only for the instance it was made on (so
`library.book_set.add(book)` fails), reverts a many-to-many to its present value, writes
half a history while `loaddata` runs, loads every link to copy it, and keeps no earlier
values for the first change of a row that a fixture loaded.
tests/test_upstream.py fails when upstream fixes one of these.
"""

import functools
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from django.db import connections
from django.db.models import DO_NOTHING, ForeignKey, Model, QuerySet, signals
from simple_history.manager import HistoryManager as UpstreamManager
from simple_history.models import HistoricalRecords as UpstreamRecords
from simple_history.utils import get_m2m_field_name, get_m2m_reverse_field_name

from backoffice.history.records import BEFORE, Records, Signature
from backoffice.tables.table import Table

CHUNK = 1000  # rows per statement


def chunked(pks: Iterable[Any]) -> Iterator[list[Any]]:
    left = iter(pks)
    while chunk := list(islice(left, CHUNK)):
        yield chunk


def hold_records(instance: Any) -> None:
    """From here to `release_records`, changes to `instance` make one record, links included."""
    instance._held_records = []


def release_records(instance: Model) -> None:
    for records, *arguments in instance.__dict__.pop("_held_records", [])[:1]:
        records.create_historical_record(instance, *arguments)


class RecordOfChange(Model):
    """The fields of a history record beside django-simple-history's own."""

    #: The Change that wrote it; None if it was written alone.
    history_change = ForeignKey(
        "backoffice.Change",
        on_delete=DO_NOTHING,
        db_constraint=False,
        null=True,
        blank=True,
        related_name="+",
    )

    class Meta:
        abstract = True


class HistoryManager(UpstreamManager):
    """Upstream makes a class of managers, in a millisecond, whenever `row.history` is read."""

    @classmethod
    @functools.cache
    def from_queryset(
        cls, queryset_class: type[QuerySet[Any]], class_name: str | None = None
    ) -> Any:
        return super().from_queryset(queryset_class, class_name)


class HistoricalRecords(UpstreamRecords):
    """`history = HistoricalRecords(m2m_fields=["libraries"])` on a model.

    Records are looked up by row, date, change and key, and outlive the rows they refer to.
    So their other fields have no index and no constraint, which would make up most of the
    cost of writing a record.
    """

    def __init__(
        self,
        *args: Any,
        bases: Sequence[type[Model]] = (),
        user_db_constraint: bool = False,
        history_manager: type[UpstreamManager] = HistoryManager,
        **kwargs: Any,
    ) -> None:
        if not any(issubclass(base, RecordOfChange) for base in bases):
            bases = (*bases, RecordOfChange)
        super().__init__(
            *args,
            bases=bases,
            user_db_constraint=user_db_constraint,
            history_manager=history_manager,
            **kwargs,
        )

    def copy_fields(self, model: type[Model]) -> dict[str, Any]:
        fields: dict[str, Any] = super().copy_fields(model)
        for field in fields.values():
            if field.is_relation or model._meta.auto_created:
                field.db_index = False
        return fields

    def _get_history_user_fields(self) -> dict[str, Any]:
        fields: dict[str, Any] = super()._get_history_user_fields()
        if isinstance(fields["history_user"], ForeignKey):
            fields["history_user"].db_index = False  # type: ignore[attr-defined] # not in the stubs
        return fields

    def finalize(self, sender: type[Model], **kwargs: Any) -> None:
        super().finalize(sender, **kwargs)
        if sender is self.cls or (self.inherit and issubclass(sender, self.cls)):
            signals.pre_save.connect(self.pre_save, sender=sender, weak=False)
        elif sender._meta.proxy and sender._meta.concrete_model is self.cls:
            # Upstream ignores proxies, which share the model's rows.
            opts: Any = sender._meta
            opts.simple_history_manager_attribute = self.manager_name
            for signal in ("pre_save", "post_save", "pre_delete", "post_delete"):
                receiver = getattr(self, signal)
                getattr(signals, signal).connect(receiver, sender=sender, weak=False)

    # Rows ---------------------------------------------------------------------------

    def pre_save(
        self, instance: Any, raw: bool = False, using: str | None = None, **kwargs: Any
    ) -> None:
        if raw:
            # A fixture brings its own history or none. The mark stays on the instance, so
            # that the many-to-many values that loaddata sets next aren't recorded either.
            instance.skip_history_when_saving = True
        elif not instance._state.adding and not hasattr(instance, "skip_history_when_saving"):
            self.record_missing(type(instance), [instance.pk])

    def record_missing(self, model: type[Model], pks: Iterable[Any]) -> None:
        """Record the present state of each row in `pks` that has no history."""
        history_model = getattr(model, self.manager_name).model
        pk_name = model._meta.pk.attname
        for chunk in chunked(pks):
            records = history_model.objects.filter(**{f"{pk_name}__in": chunk})
            known = set(records.values_list(pk_name, flat=True))
            if missing := [pk for pk in chunk if pk not in known]:
                self.record(model, missing, reason=BEFORE, user=None)

    def record(
        self,
        model: type[Model],
        pks: Iterable[Any],
        *,
        reason: str | None,
        user: Any,
        history_type: str = "~",
    ) -> None:
        """Write a history record, with its many-to-many links, for each of `pks`.

        It takes a few statements for each 1,000 keys.
        """
        table = Table(model)
        signature = Signature(reason=reason, user_id=user and user.pk)
        for chunk in chunked(pks):
            Records(table).write(
                f"live.{table.pk} IN ({', '.join(['%s'] * len(chunk))})",
                [table.pk_field.get_db_prep_value(pk, table.connection) for pk in chunk],
                history_type=history_type,
                signature=signature,
            )

    def create_historical_record(
        self, instance: Any, history_type: str, using: str | None = None
    ) -> None:
        held = getattr(instance, "_held_records", None)
        if held is None:
            super().create_historical_record(instance, history_type, using)
        else:
            held.append((self, history_type, using))

    def create_historical_record_m2ms(self, history_instance: Any, instance: Model) -> None:
        # Upstream loads every link and both of its rows.
        table = Table(history_instance.instance_type, connections[history_instance._state.db])
        Records(table).write_links([history_instance.pk])

    # Many to many -------------------------------------------------------------------

    def m2m_changed(
        self,
        instance: Any,
        action: str,
        attr: str,
        pk_set: set[Any] | None,
        reverse: bool,
        model: type[Model],
        using: str | None = None,
        **kwargs: Any,
    ) -> None:
        if hasattr(instance, "skip_history_when_saving"):
            return
        if not reverse:
            if action.startswith("pre_") and not getattr(instance, "_held_records", None):
                self.record_missing(type(instance), [instance.pk])
            super().m2m_changed(instance, action, attr, pk_set, reverse)
            return
        # By `library.book_set`, each book changes: `model` is Book.
        if action == "pre_clear":
            field: Any = model._meta.get_field(attr)
            links = field.remote_field.through._base_manager.filter(
                **{get_m2m_reverse_field_name(field): instance}
            )
            instance._history_cleared = list(
                links.values_list(f"{get_m2m_field_name(field)}_id", flat=True)
            )
        pks = instance._history_cleared if action.endswith("_clear") else sorted(pk_set or ())
        if action.startswith("pre_"):
            self.record_missing(model, pks)
        else:
            user = getattr(instance, "_history_user", None) or self.get_history_user(instance)
            reason = getattr(instance, "_change_reason", None)
            self.record(model, pks, reason=reason, user=user)
        if action == "post_clear":
            del instance._history_cleared

    # Reverting ----------------------------------------------------------------------

    def get_extra_fields(self, model: type[Model], fields: dict[str, Any]) -> dict[str, Any]:
        extra: dict[str, Any] = super().get_extra_fields(model, fields)
        upstream = extra["instance"].fget

        def instance(record: Any) -> Any:
            """The instance as it was then, including its many-to-many fields."""
            obj = upstream(record)
            obj._prefetched_objects_cache = getattr(obj, "_prefetched_objects_cache", {})
            for field in record._history_m2m_fields:
                target = get_m2m_reverse_field_name(field)
                links = getattr(record, field.name).values(f"{target}_id")
                then = field.related_model._base_manager.filter(pk__in=links)
                obj._prefetched_objects_cache[field.name] = then
            return obj

        extra["instance"] = property(instance)
        return extra
