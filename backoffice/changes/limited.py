"""What users with limits may delete, undo and see of changes: what lies within as a whole."""

from collections.abc import Callable, Iterator
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db.models import Exists, Model, OuterRef, Q, QuerySet

from backoffice.changes.deletion import Deletion
from backoffice.changes.models import Change
from backoffice.history.records import history_model, names_change
from backoffice.history.scopes import may_name_hidden, within_then
from backoffice.querysets.reach import Reach
from backoffice.querysets.relations import ManyToMany
from backoffice.querysets.scopes import declare, is_scoped, scoped_model, within

Rows = QuerySet[Any]


def wholly(rows: Rows, reach: Reach) -> Rows:
    """Those of the rows that can be seen, and are linked to nothing that can't.

    A book that a library elsewhere has as well is seen, and is not for one of them to delete.
    """
    rows = reach.within(rows)
    for relation in _links(rows.model) if reach.is_limited else ():
        target = f"{relation.target}__in"
        links = relation.links.filter(**{relation.source: OuterRef("pk")})
        rows = rows.filter(
            ~Exists(links.exclude(**{target: reach.records(relation.related_model)}))
        )
    return rows


def _links(model: type[Model]) -> Iterator[ManyToMany]:
    """The many-to-many relations of a model, from either side, whose rows are links alone."""
    sides: list[Any] = [
        *model._meta.many_to_many,
        *(side for side in model._meta.related_objects if side.many_to_many),
    ]
    for relation in map(ManyToMany.of, sides):
        opts: Any = relation.through._meta
        if opts.auto_created:
            yield relation


def has_unseen(rows: Rows, reach: Reach) -> bool:
    """Whether one of the rows, or a link of one, can't be seen."""
    if not reach.is_limited or rows.model._meta.auto_created:
        return False  # links go with the rows at their ends
    return bool(rows.exclude(pk__in=wholly(rows, reach).order_by().values("pk")).exists())


def goes_outside(deletion: Deletion, reach: Reach) -> bool:
    """Whether a deletion takes rows along, or links of rows, that can't be seen."""
    return any(has_unseen(rows, reach) for rows in deletion.rows().values())


# Changes --------------------------------------------------------------------------------


def seen_changes(changes: Rows, user: Any) -> Rows:
    """The changes that a user with limits may see: their own, and those that lie within.

    Of others', those that were written, and wrote nothing that the user may not see. Where a
    second person writes imports, also what somebody had checked who has no wider limits.
    """
    written, outside, linked = [], [], []
    for model in apps.get_models():
        if model._meta.proxy or not names_change(model):
            continue
        history = history_model(model)._base_manager
        records = history.filter(history_change=OuterRef("pk"))
        seen = within_then(history.filter(pk=OuterRef("pk")), user)
        written.append(Exists(records))
        outside.append(Exists(records.filter(~Exists(seen))))
        if may_name_hidden(model, user):
            linked.append(model._meta.label)
    shown = _any(written) & ~_any(outside) & Q(applied_at__isnull=False)
    # The title of an edit names what was linked, be it seen or not.
    edits = Q(kind=Change.Kind.EDIT) | Q(undoes__kind=Change.Kind.EDIT)
    shown &= ~(edits & Q(model__in=linked))
    if settings.IMPORT_SECOND_PERSON:
        shown |= Q(checked_by__in=list(_narrower(user)), status=Change.Status.CHECKED)
    return changes.filter(Q(user=user) | Q(checked_by=user) | shown)


def _any(conditions: list[Exists]) -> Q:
    return Q(*conditions, _connector=Q.OR) if conditions else Q(pk__in=[])


declare(Change, seen_changes)


def _narrower(user: Any) -> Iterator[Any]:
    """Those who wait for a second person, and may see nothing that the user may not."""
    waiting = Change.objects.filter(status=Change.Status.CHECKED).values("checked_by")
    others = get_user_model()._base_manager.filter(pk__in=waiting).exclude(pk=user.pk)
    for other in others.select_related("backoffice_scope"):
        if sees_all_of(user, other):
            yield other


def sees_all_of(user: Any, other: Any) -> bool:
    """Whether the user may see whatever another one may see."""
    model = scoped_model()
    if not is_scoped(user) or model is None:
        return True
    if other is None or not is_scoped(other):
        return False
    rows, seen = (within(model._base_manager.all(), each) for each in (other, user))
    return not rows.exclude(pk__in=seen.values("pk")).exists()


def may_download(
    change: Change, user: Any, sees_all: Callable[[Any, Any], bool] = sees_all_of
) -> bool:
    """Whether the user may have the files of an import, which quote what its check found.

    sees_all: `sees_all_of`, or one that remembers what it said, for many changes.
    """
    if not is_scoped(user) or user.pk in (change.user_id, change.checked_by_id):
        return True
    return sees_all(user, change.checked_by or change.user)
