"""django-simple-history with its gaps closed, so that history misses no change.

Upstream 3.13 records a many-to-many change only for the instance it was made on (so
`library.book_set.add(book)` fails), reverts a many-to-many to its present value, writes
half a history while `loaddata` runs, loads every link to copy it, keeps no earlier values for
the first change of a row that a fixture loaded, and does not notice the links that a row
loses when the other row is deleted, nor keep those of a row that is deleted itself.
tests/test_upstream.py fails when upstream fixes one of these.
"""

import functools
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from django.conf import settings
from django.db import connections, transaction
from django.db.backends.utils import truncate_name
from django.db.models import (
    DO_NOTHING,
    SET_DEFAULT,
    SET_NULL,
    AutoField,
    BigAutoField,
    ForeignKey,
    Index,
    Model,
    Q,
    QuerySet,
    signals,
)
from django.db.models.fields.related import lazy_related_operation, resolve_relation
from django.db.models.utils import make_model_tuple
from django.utils.translation import gettext as _
from simple_history.manager import HistoryDescriptor
from simple_history.manager import HistoryManager as UpstreamManager
from simple_history.models import HistoricalRecords as UpstreamRecords
from simple_history.utils import get_m2m_field_name, get_m2m_reverse_field_name

from backoffice.history.links import LinksManager, UntilField
from backoffice.history.records import BEFORE, Records, Signature, history_model
from backoffice.tables.table import Table

CHUNK = 1000  # rows per statement


def is_enabled() -> bool:
    return bool(getattr(settings, "SIMPLE_HISTORY_ENABLED", True))


def is_lost_by_a_deletion(field: Any) -> bool:
    """Whether it is a foreign key whose row stays when the other row is deleted."""
    stays = (SET_NULL, SET_DEFAULT)
    return bool(field.remote_field) and field.remote_field.on_delete in stays


def deleted_with(origin: Any, instance: Model) -> str | None:
    """The reason of a deletion that cascades; None for what was meant to be deleted.

    origin: the instance or the queryset whose `delete()` was called, as the signals have it.
    """
    if isinstance(origin, Model) and origin != instance:
        gone = {"name": origin._meta.verbose_name, "row": origin}
        return (_("Deleted with the %(name)s %(row)s") % gone)[:100]
    if isinstance(origin, QuerySet) and not isinstance(instance, origin.model):
        gone = {"name": origin.model._meta.verbose_name}
        return (_("Deleted with its %(name)s") % gone)[:100]
    return None


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


def _source(field: Any) -> str:
    """What `field.m2m_field_name()` will be, once all models of an app are there."""
    link = field.remote_field
    if link.through_fields:
        return str(link.through_fields[0])
    own = make_model_tuple(field.model)
    return next(
        str(f.name)
        for f in link.through._meta.fields
        if f.is_relation
        and make_model_tuple(resolve_relation(link.through, f.remote_field.model)) == own
    )


def _links(kept: type[Model], field: Any) -> HistoryDescriptor:
    """`record.libraries`: upstream's would have the links of which this record is the first."""
    manager = type("LinksManager", (LinksManager,), {"field": field})
    return HistoryDescriptor(kept, manager)


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
        #: The fields whose rows lose something when a row of the model is deleted, by model.
        self._watched: dict[type[Model], list[Any]] = {}
        #: The field for the row whose history keeps a link, by the links' model.
        self._kept_of: dict[type[Model], str] = {}

    def copy_fields(self, model: type[Model]) -> dict[str, Any]:
        fields: dict[str, Any] = super().copy_fields(model)
        for field in fields.values():
            if field.is_relation or model._meta.auto_created:
                field.db_index = False
        return fields

    def get_meta_options(self, model: type[Model]) -> dict[str, Any]:
        options: dict[str, Any] = super().get_meta_options(model)
        name = f"{model._meta.app_label}_{model._meta.model_name}_deleted"
        # Deleted rows are listed, the latest first; they are few among all records.
        deleted = Index(
            fields=["history_id"],
            condition=Q(history_type="-"),
            name=truncate_name(name, Index.max_name_length, hash_len=4),
        )
        return options | {"indexes": [deleted]}

    def _get_history_id_field(self) -> Any:
        # Upstream's ends at 2,147,483,647.
        field = super()._get_history_id_field()
        return BigAutoField(primary_key=True) if type(field) is AutoField else field

    def create_history_m2m_model(self, model: Any, through_model: Any) -> Any:
        fields = model._history_m2m_fields
        [field] = [f for f in fields if f.remote_field.through is through_model]
        self._kept_of[through_model] = _source(field)
        return super().create_history_m2m_model(model, through_model)

    def get_extra_fields_m2m(self, *args: Any) -> dict[str, Any]:
        extra: dict[str, Any] = super().get_extra_fields_m2m(*args)
        extra["history"].db_index = False
        return extra | {"history_until": UntilField()}

    def get_meta_options_m2m(self, through_model: Any) -> dict[str, Any]:
        options: dict[str, Any] = super().get_meta_options_m2m(through_model)
        name = f"{through_model._meta.app_label}_{through_model._meta.model_name}_kept"
        of_row = Index(
            fields=[self._kept_of[through_model], "history_until"],
            name=truncate_name(name, Index.max_name_length, hash_len=4),
        )
        return options | {"indexes": [of_row]}

    def _get_history_user_fields(self) -> dict[str, Any]:
        fields: dict[str, Any] = super()._get_history_user_fields()
        if isinstance(fields["history_user"], ForeignKey):
            fields["history_user"].db_index = False  # type: ignore[attr-defined] # not in the stubs
        return fields

    def finalize(self, sender: type[Model], **kwargs: Any) -> None:
        super().finalize(sender, **kwargs)
        if sender is self.cls or (self.inherit and issubclass(sender, self.cls)):
            signals.pre_save.connect(self.pre_save, sender=sender, weak=False)
            lost = [f for f in sender._meta.local_fields if is_lost_by_a_deletion(f)]
            history = history_model(sender)
            for field in history._history_m2m_fields:
                setattr(history, field.name, _links(getattr(history, field.name).model, field))
            for field in (*history._history_m2m_fields, *lost):
                watch = functools.partial(self._watch, field)
                lazy_related_operation(watch, sender, field.remote_field.model)
        elif sender._meta.proxy and sender._meta.concrete_model is self.cls:
            # Upstream ignores proxies, which share the model's rows.
            opts: Any = sender._meta
            opts.simple_history_manager_attribute = self.manager_name
            for signal in ("pre_save", "post_save", "pre_delete", "post_delete"):
                receiver = getattr(self, signal)
                getattr(signals, signal).connect(receiver, sender=sender, weak=False)

    def _watch(self, field: Any, model: type[Model], target: type[Model]) -> None:
        """Notice when rows of `target` are deleted, to which `field` of `model` leads."""
        self._watched.setdefault(target, []).append(field)
        signals.pre_delete.connect(self.pre_delete_of_target, sender=target, weak=False)
        signals.post_delete.connect(self.post_delete_of_target, sender=target, weak=False)

    # Rows ---------------------------------------------------------------------------

    def pre_save(
        self, instance: Any, raw: bool = False, using: str | None = None, **kwargs: Any
    ) -> None:
        if raw:
            # A fixture brings its own history, or `loaddata` writes it. The mark stays on the
            # instance, so that the many-to-many values that are set next aren't recorded.
            instance.skip_history_when_saving = True
        elif not instance._state.adding and not hasattr(instance, "skip_history_when_saving"):
            self.record_missing(type(instance), [instance.pk])

    def record_missing(self, model: type[Model], pks: Iterable[Any]) -> None:
        """Record the present state of each row in `pks` that has no history."""
        table = Table(model)
        using = table.connection.alias
        for chunk in chunked(pks):
            if not (missing := self._without_history(model, chunk)):
                continue
            with transaction.atomic(using=using):
                # Whoever records them meanwhile is waited for: no link may be kept twice.
                table.lock_for_rows()
                rows = model._base_manager.using(using).filter(pk__in=missing).order_by("pk")
                locked = rows.select_for_update(no_key=True).values_list("pk", flat=True)
                if missing := self._without_history(model, list(locked)):
                    self.record(model, missing, reason=BEFORE, user=None)

    def _without_history(self, model: type[Model], pks: Sequence[Any]) -> list[Any]:
        pk_name = model._meta.pk.attname
        records = getattr(model, self.manager_name).model.objects
        known = records.filter(**{f"{pk_name}__in": pks}).values_list(pk_name, flat=True)
        return sorted(set(pks) - set(known))

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

    # Deleting -----------------------------------------------------------------------

    def pre_delete(
        self, instance: Any, using: str | None = None, origin: Any = None, **kwargs: Any
    ) -> None:
        super().pre_delete(instance, using=using, **kwargs)
        if not hasattr(instance, "_change_reason"):
            instance._change_reason = deleted_with(origin, instance)
        if self.m2m_models and not self.cascade_delete_history and is_enabled():
            # The links are still there now: a row without them would come back without them.
            self.create_historical_record(instance, "-", using=using)

    def post_delete(self, instance: Any, using: str | None = None, **kwargs: Any) -> None:
        if not self.m2m_models or self.cascade_delete_history:
            super().post_delete(instance, using=using, **kwargs)

    def pre_delete_of_target(self, sender: type[Model], instance: Any, **kwargs: Any) -> None:
        if not is_enabled():
            return
        unlinked = instance.__dict__.setdefault("_history_unlinked", {})
        for field in self._watched[sender]:
            rows = field.model._base_manager.filter(**{field.name: instance})
            unlinked[field] = list(rows.order_by().values_list("pk", flat=True))
            self.record_missing(field.model, unlinked[field])

    def post_delete_of_target(self, sender: type[Model], instance: Any, **kwargs: Any) -> None:
        unlinked = instance.__dict__.get("_history_unlinked", {})
        for field in [field for field in self._watched[sender] if field in unlinked]:
            user = getattr(instance, "_history_user", None) or self.get_history_user(instance)
            gone = {"name": instance._meta.verbose_name, "row": instance}
            reason = _("The %(name)s %(row)s was deleted") % gone
            self.record(field.model, unlinked.pop(field), reason=reason, user=user)

    # Many to many -------------------------------------------------------------------

    def m2m_changed(
        self,
        instance: Any,
        action: str,
        attr: str,
        pk_set: set[Any] | None,
        reverse: bool,
        model: type[Model],
        using: Any = None,
        **kwargs: Any,
    ) -> None:
        if hasattr(instance, "skip_history_when_saving"):
            return
        if action.startswith("pre_"):  # an import or undo would remove what it has not seen
            Table(model if reverse else type(instance), connections[using]).lock_for_rows()
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
            row = f"{get_m2m_field_name(field)}_id"
            instance._history_cleared = list(links.values_list(row, flat=True))
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
