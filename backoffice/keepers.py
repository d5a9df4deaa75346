"""Nobody is locked out: an account that keeps the house stays, whatever is written.

Two kinds are kept: an active superuser, and an account that can manage accounts (active and
staff, with the rights to view and to change accounts, its own or a role's). What would take the
last of a kind is refused, whoever writes it: `connect` has it asked before Django saves or
deletes an account or a role, or takes a right away, and `kept` around what is written in SQL.

Not asked: `QuerySet.update`, `bulk_update` and SQL of other code.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import UNUSABLE_PASSWORD_PREFIX
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import IntegrityError, connections
from django.db.models import Exists, Model, OuterRef, Q, QuerySet, signals
from django.utils.translation import gettext_lazy

FLAGS = ("is_active", "is_staff", "is_superuser")
SUPERUSER, MANAGER = "superuser", "manager"
SAID = {
    SUPERUSER: gettext_lazy(
        "There would be no active superuser left. Make somebody else one first: an account"
        " that is active, staff and superuser."
    ),
    MANAGER: gettext_lazy(
        "Nobody who can manage accounts would be left. First give somebody else the rights to"
        " view and to change accounts, for instance by a role: an account that is active and"
        " staff."
    ),
}

#: Rows that are on their way out, by their table.
Going = dict[type[Model], Q]


class LockedOut(IntegrityError):
    """What was to be written would take the last account that keeps the house."""


def has_keepers() -> bool:
    """Whether the user model has what the rule is about."""
    names = {field.name for field in get_user_model()._meta.get_fields()}
    return names.issuperset((*FLAGS, "groups", "user_permissions"))


def concerns(model: type[Model]) -> bool:
    """Whether writing rows of the model can take an account's rights."""
    if not has_keepers():
        return False
    through = (field.remote_field.through for field in _links())
    return model._meta.concrete_model in {get_user_model(), Group, *through}


def needed(using: str) -> Iterator[QuerySet[Permission]]:
    """The permissions that it takes to manage accounts, each as a queryset."""
    opts = get_user_model()._meta
    for action in ("view", "change"):
        yield Permission.objects.using(using).filter(
            content_type__app_label=opts.app_label,
            content_type__model=opts.model_name,
            codename=f"{action}_{opts.model_name}",
        )


# The rule -------------------------------------------------------------------------------


def superusers(using: str, going: Going | None = None) -> QuerySet[Any]:
    """The active superusers that can sign in here, but for what is going."""
    return _rows(get_user_model(), using, going).filter(**dict.fromkeys(FLAGS, True))


def managers(using: str, going: Going | None = None) -> QuerySet[Any]:
    """The accounts that can manage accounts, but for what is going."""
    accounts = _rows(get_user_model(), using, going).filter(is_active=True, is_staff=True)
    return accounts.filter(Q(is_superuser=True) | _by_rights(using, going))


def lost(using: str, going: Going) -> set[str]:
    """Which kinds have nobody left without what is going, and have somebody with it."""
    return {
        kind
        for kind, accounts in ((SUPERUSER, superusers), (MANAGER, managers))
        if not accounts(using, going).exists() and accounts(using).exists()
    }


def problem(kinds: set[str]) -> str:
    """What is said of the kinds that would be lost, and what to do first; "" if none are."""
    return " ".join(str(said) for kind, said in SAID.items() if kind in kinds)


def has_last_password(using: str, account: Any) -> bool:
    """Whether the account keeps the house, and nobody else who does has a password.

    Accounts without one sign in elsewhere, which may be out of reach.
    """
    without = Q(password__startswith=UNUSABLE_PASSWORD_PREFIX)
    going: Going = {get_user_model(): Q(pk=account.pk) | without}
    return any(
        accounts(using).filter(pk=account.pk).exists() and not accounts(using, going).exists()
        for accounts in (superusers, managers)
    )


def refuse(using: str, going: Going) -> None:
    """Raise LockedOut if nobody of a kind would be left without what is going."""
    lock(using)
    if said := problem(lost(using, going)):
        raise LockedOut(said)


def lock(using: str) -> None:
    """Nobody else takes rights away until the transaction ends: two could take the last two."""
    connection = connections[using]
    features: Any = connection.features
    if not features.has_select_for_update or not connection.in_atomic_block:
        return
    mode: Any = {"no_key": True} if features.has_select_for_no_key_update else {}
    opts = get_user_model()._meta
    kind = ContentType.objects.using(using).filter(
        app_label=opts.app_label, model=opts.model_name
    )
    list(kind.select_for_update(**mode).values_list("pk"))


@contextlib.contextmanager
def kept(using: str, *models: type[Model]) -> Iterator[None]:
    """Around the writing of rows of these models, within a transaction.

    Raises LockedOut if the block took the last account of a kind.
    """
    if not any(map(concerns, models)):
        yield
        return
    lock(using)
    kinds = {SUPERUSER: superusers, MANAGER: managers}
    before = {kind for kind, accounts in kinds.items() if accounts(using).exists()}
    yield
    if said := problem({kind for kind in before if not kinds[kind](using).exists()}):
        raise LockedOut(said)


def _links() -> list[Any]:
    user: type[Model] = get_user_model()
    fields: list[tuple[type[Model], str]] = [
        (user, "groups"),
        (user, "user_permissions"),
        (Group, "permissions"),
    ]
    return [model._meta.get_field(name) for model, name in fields]


def _rows(model: type[Model], using: str, going: Going | None) -> QuerySet[Any]:
    rows: QuerySet[Any] = model._base_manager.using(using)
    leaving = (going or {}).get(model)
    return rows if leaving is None else rows.exclude(leaving)


def _by_rights(using: str, going: Going | None = None) -> Q:
    """The accounts that have the rights by themselves or by a role."""
    groups, own, granted = _links()
    found = Q()
    for permission in needed(using):
        rights = _rows(granted.remote_field.through, using, going).filter(
            permission__in=permission
        )
        member = _rows(groups.remote_field.through, using, going).filter(
            group__in=rights.values("group"), **{groups.m2m_field_name(): OuterRef("pk")}
        )
        holder = _rows(own.remote_field.through, using, going).filter(
            permission__in=permission, **{own.m2m_field_name(): OuterRef("pk")}
        )
        found &= Q(Exists(member)) | Q(Exists(holder))
    return found


# What Django writes ---------------------------------------------------------------------


def connect() -> None:
    """Have it asked before Django writes accounts, roles and rights."""
    if not has_keepers():
        return
    user = get_user_model()
    signals.pre_save.connect(before_save, sender=user)
    for model in (user, Group):
        signals.pre_delete.connect(before_deletion, sender=model)
    for field in _links():
        signals.m2m_changed.connect(before_links_go, sender=field.remote_field.through)


def before_save(
    sender: Any, instance: Any, using: str, update_fields: Any = None, **kwargs: Any
) -> None:
    """Refuse to save an account without what the house needs of it."""
    if instance._state.adding or not set(FLAGS).intersection(update_fields or FLAGS):
        return
    stays = {name for name in FLAGS if getattr(instance, name)}
    if stays == set(FLAGS) or not managers(using).filter(pk=instance.pk).exists():
        return
    lock(using)
    kinds = lost(using, {sender: Q(pk=instance.pk)})
    if stays.issuperset(("is_active", "is_staff")):
        accounts = _rows(sender, using, None).filter(_by_rights(using), pk=instance.pk)
        kinds -= {MANAGER} if accounts.exists() else set()
    if kinds:
        raise LockedOut(problem(kinds))


def before_deletion(
    sender: Any, instance: Any, using: str, origin: Any = None, **kwargs: Any
) -> None:
    """Refuse to delete accounts or roles without which nobody is left."""
    gone = Q(pk=instance.pk)
    if isinstance(origin, QuerySet) and origin.model._meta.concrete_model is sender:
        gone |= Q(pk__in=origin.order_by().values("pk"))
    if sender is not Group:
        if instance.is_staff:
            refuse(using, {sender: gone})
        return
    links = _links()[0].remote_field.through
    groups = Group._base_manager.using(using).filter(gone)
    refuse(using, {links: Q(group__in=groups)})


def before_links_go(
    sender: Any,
    instance: Any,
    action: str,
    reverse: bool,
    using: str,
    pk_set: set[Any] | None = None,
    **kwargs: Any,
) -> None:
    """Refuse to take roles or rights away without which nobody is left."""
    if action not in ("pre_remove", "pre_clear"):
        return
    (field,) = (each for each in _links() if each.remote_field.through is sender)
    sides = [field.m2m_field_name(), field.m2m_reverse_field_name()]
    source, target = reversed(sides) if reverse else sides
    gone = Q(**{source: instance.pk})
    if pk_set is not None:
        gone &= Q(**{f"{target}__in": pk_set})
    refuse(using, {sender: gone})
