"""Whether a user with limits may undo a change: whether all of it lies within them."""

from collections.abc import Iterator
from typing import Any

from django.db.models import Case, Exists, Model, OuterRef, Q, QuerySet, Subquery, When
from django.db.models.constants import LOOKUP_SEP
from simple_history.utils import get_m2m_reverse_field_name

from backoffice.changes.models import Change
from backoffice.changes.undo import changed_models
from backoffice.history.deleted import absent
from backoffice.history.links import links_then
from backoffice.history.records import history_model
from backoffice.history.scopes import within_then
from backoffice.querysets.scopes import DECLARATION, is_scoped, within

Rows = QuerySet[Any]
BEFORE = "_before"  # the record of the row as it was before the change


def lies_within(change: Change, user: Any) -> bool:
    """Whether a user may see all that a change wrote, and all that its undo would write."""
    return not is_scoped(user) or not any(
        reaches_outside(model, Q(history_change=change), user)
        for model in changed_models(change)
    )


def reaches_outside(model: type[Model], condition: Q, user: Any) -> bool:
    """Whether a user may not undo one of the records of history that meet a condition.

    Of each, the row as it is now, as it was written, and as it was before must be seen, and
    what it was linked to before or since. What was deleted is seen by whoever saw it.
    """
    return any(rows.exists() for rows in _Outside(model, user).find(condition))


class _Outside:
    def __init__(self, model: type[Model], user: Any) -> None:
        self.model, self.user = model, user
        self.history, self.key = history_model(model)._base_manager, model._meta.pk.attname
        first = str(getattr(model, DECLARATION, "")).partition(LOOKUP_SEP)[0]
        fields = [*model._meta.concrete_fields, *model._meta.many_to_many]
        #: What the model says that it belongs to, if that is another record.
        self.owner: Any = next((f for f in fields if f.name == first and f.is_relation), None)

    def find(self, condition: Q) -> Iterator[Rows]:
        older = self.history.filter(
            **{self.key: OuterRef(self.key)}, history_id__lt=OuterRef("history_id")
        )
        before = Subquery(older.order_by("-history_id").values("history_id")[:1])
        records = self.history.filter(condition).order_by()
        records = records.annotate(**{BEFORE: Case(When(history_type="~", then=before))})
        was_seen = self._seen_then(BEFORE)
        # A book that lost its library by the change returns to whoever had it.
        left = was_seen if self.owner and self.owner.many_to_many else Q(pk__in=[])
        yield records.exclude(self._seen_then("history_id") | left)
        live = self.model._base_manager.filter(pk=OuterRef(self.key))
        seen = within(live, self.user)
        yield records.filter(Exists(live), ~Exists(seen)).exclude(left)
        yield records.filter(**{f"{BEFORE}__isnull": False}).exclude(was_seen)
        for field in history_model(self.model)._history_m2m_fields:
            yield from self._changed_links(records, field)

    def _seen_then(self, number: str) -> Q:
        """The condition that a record is seen, by the annotation that has its number."""
        record = self.history.filter(pk=OuterRef(number))
        seen = Q(Exists(within_then(record, self.user)))
        if self.owner is None or history_model(self.owner.related_model) is None:
            return seen
        if not self.owner.many_to_many:
            gone = self._gone(self.owner.related_model, OuterRef(self.owner.attname))
            return seen | Q(Exists(record.filter(Exists(gone))))
        kept, target = self._kept(self.owner, OuterRef(self.key), OuterRef(number))
        gone = self._gone(self.owner.related_model, OuterRef(target))
        return seen | Q(Exists(kept.filter(Exists(gone))))

    def _gone(self, model: type[Model], key: Any) -> Rows:
        """The last record of a deleted row that the user saw while it was there."""
        records = absent(model).filter(**{model._meta.pk.attname: key})
        return within_then(records, self.user).order_by()

    def _kept(self, field: Any, row: Any, record: Any) -> tuple[Any, str]:
        """The links of a row's record, and what they have of the row at the other end."""
        links = links_then(history_model(self.model), field, row=row, record=record)
        return links, f"{get_m2m_reverse_field_name(field)}_id"

    def _changed_links(self, records: Rows, field: Any) -> Iterator[Rows]:
        """Records with a link to what isn't seen, which was not there before, or is no more."""
        related = field.related_model
        seen = within(related._base_manager.all(), self.user)
        seen = seen.values(field.m2m_reverse_target_field_name())
        for one, other in (("history_id", BEFORE), (BEFORE, "history_id")):
            links, target = self._kept(field, OuterRef(self.key), OuterRef(one))
            hidden = links.exclude(**{f"{target}__in": seen})
            if history_model(related) is not None:
                hidden = hidden.filter(~Exists(self._gone(related, OuterRef(target))))
            outer = OuterRef(OuterRef(self.key)), OuterRef(OuterRef(other))
            same, _target = self._kept(field, *outer)
            same = same.filter(**{target: OuterRef(target)})
            yield records.filter(Exists(hidden.filter(~Exists(same))))
