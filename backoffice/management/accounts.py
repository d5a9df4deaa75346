"""What a command does to accounts and roles, as lines of the trail.

Pages write their own, see `backoffice.admin.forms.named`; so does `unlock`.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group, Permission
from django.core.management.base import BaseCommand
from django.db.models import BooleanField, Model, signals

from backoffice.admin.accounts.roles import in_words
from backoffice.trail.record import record

SINCE = {"pre_clear": "deleted", "post_add": "added", "post_remove": "deleted"}


class NotesAccounts(BaseCommand):
    """A command that writes accounts or roles, and nothing of it into the trail by itself."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        with noted(f"manage.py {type(self).__module__.rpartition('.')[2]}"):
            return super().execute(*args, **options)


@contextmanager
def noted(name: str) -> Iterator[None]:
    """Note what Django saves, links and deletes of accounts and roles until the block ends.

    name: who did it.
    """
    notes, models = Notes(name), (get_user_model(), Group)
    connected: list[tuple[Any, Any, Any]] = [
        (signal, receiver, model)
        for model in models
        for signal, receiver in (
            (signals.pre_save, notes.before_save),
            (signals.post_save, notes.after_save),
            (signals.post_delete, notes.after_deletion),
        )
    ]
    for model in models:
        for field in model._meta.many_to_many:
            connected.append((signals.m2m_changed, notes.links, field.remote_field.through))
    for signal, receiver, sender in connected:
        signal.connect(receiver, sender=sender)
    try:
        yield
    finally:
        for signal, receiver, sender in connected:
            signal.disconnect(receiver, sender=sender)


class Notes:
    """Receivers of Django's signals."""

    def __init__(self, name: str) -> None:
        self.name = name

    def before_save(
        self,
        sender: Any,
        instance: Any,
        using: str,
        update_fields: Iterable[str] | None,
        **kwargs: Any,
    ) -> None:
        """Note which fields of a row that is there become others: no values."""
        before = sender._base_manager.using(using).filter(pk=instance.pk).values().first()
        if before is None:
            return
        changed = [
            field
            for field in sender._meta.concrete_fields
            if update_fields is None or field.name in update_fields
            if before[field.attname] != getattr(instance, field.attname)
        ]
        if changed:
            fields = [str(field.verbose_name) for field in changed]
            message = [{"changed": {"fields": fields}}]
            is_password = [field.name for field in changed] == ["password"]
            self.note("password" if is_password else "change", instance, message)

    def after_save(self, instance: Any, created: bool, **kwargs: Any) -> None:
        """Note a new row, with what it is: active, staff, superuser."""
        if created:
            flags = [
                str(field.verbose_name)
                for field in instance._meta.concrete_fields
                if isinstance(field, BooleanField) and getattr(instance, field.attname)
            ]
            self.note("add", instance, ", ".join(flags))

    def after_deletion(self, instance: Any, **kwargs: Any) -> None:
        self.note("delete", instance, "")

    def links(
        self,
        sender: Any,
        instance: Any,
        action: str,
        model: type[Model],
        pk_set: set[Any] | None,
        using: str,
        **kwargs: Any,
    ) -> None:
        """Note which roles and permissions a row gets and loses."""
        if action not in SINCE:
            return
        rows: Any = model._base_manager.using(using).select_related()
        if pk_set is None:  # all that are linked
            (back,) = (
                field
                for field in instance._meta.get_fields()
                if field.many_to_many and through(field) is sender
            )
            name = back.get_accessor_name() if back.auto_created else back.name
            pk_set = set(getattr(instance, name).using(using).values_list("pk", flat=True))
        rows = rows.filter(pk__in=pk_set).order_by("pk")
        said = "; ".join(in_words(rows)) if model is Permission else ""
        names = said or ", ".join(map(str, rows))
        if names:
            kind = str(model._meta.verbose_name)
            self.note("change", instance, [{SINCE[action]: {"name": kind, "object": names}}])

    def note(self, action: str, obj: Any, message: Any) -> None:
        record(action, name=self.name, obj=obj, message=message)


def through(field: Any) -> type[Model]:
    """The table of a many-to-many field, from either of its sides."""
    made: type[Model] = getattr(field, "through", None) or field.remote_field.through
    return made
