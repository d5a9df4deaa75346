"""What going back to a version would change: each field and each link, now and then."""

import datetime
import hashlib
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from django.contrib.admin.utils import display_for_field
from django.db.models import Exists, Model, OuterRef
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.text import capfirst
from simple_history.utils import get_m2m_reverse_field_name

from backoffice.admin.history.diffs import names_of
from backoffice.querysets.counts import Count, count_rows
from backoffice.querysets.reach import Reach
from backoffice.querysets.scopes import is_scoped, within

LINKS_SHOWN = 20  # that would be added, and as many that would be removed


def to_the_second(date: datetime.datetime) -> str:
    """A time of history: two changes within a minute are told apart."""
    local = timezone.localtime(date)
    return f"{date_format(local, 'DATE_FORMAT')}, {date_format(local, 'H:i:s')}"


@dataclass(frozen=True)
class Link:
    """A link that would be added or removed.

    may_return: the other row is there, and the user may choose it.
    """

    key: str
    text: str
    may_return: bool = True


@dataclass
class Difference:
    """A field whose value of then differs from that of now.

    may_return: the form does not keep the user from changing the field.
    """

    name: str
    label: str
    now: Any = ""
    then: Any = ""
    is_links: bool = False
    may_return: bool = True
    added: list[Link] = field(default_factory=list)
    removed: list[Link] = field(default_factory=list)
    more_added: int = 0
    more_removed: int = 0


class Comparison:
    """The differences between the row `present` and its history record.

    withheld: the names of the fields that the user may not change · choices: of a relational
    field, the rows that the user may choose. It takes a fixed number of statements for each
    relation, and names some of the links only.
    """

    def __init__(
        self,
        record: Any,
        present: Model,
        *,
        withheld: Collection[str],
        choices: Callable[[Any], Any],
        user: Any,
        empty: Any,
    ) -> None:
        self.record, self.present, self.withheld = record, present, withheld
        self.choices, self.user, self.empty = choices, user, empty
        self.reach = Reach.of(user)

    def differences(self, only: str = "") -> list[Difference]:
        """In the model's order; only: the name of a field, where the others don't matter."""
        found = [self._field(f) for f in self.compared if not only or f.name == only]
        links = type(self.record)._history_m2m_fields
        found += [self._links(f) for f in links if not only or f.name == only]
        differences = [difference for difference in found if difference]
        for difference in differences:
            difference.may_return = difference.name not in self.withheld
        return differences

    @property
    def compared(self) -> list[Any]:
        """The fields that have a value of their own, and that staff see."""
        return compared(type(self.record))

    def _field(self, field: Any) -> Difference | None:
        now, then = (getattr(row, field.attname) for row in (self.present, self.record))
        if now == then:
            return None
        names: dict[Any, str] = {}
        if field.is_relation:
            model = field.related_model
            names = names_of({model: {now, then} - {None}}, self.reach)[model]
        old, new = (
            names.get(value) or display_for_field(value, field, self.empty, avoid_link=True)
            for value in (now, then)
        )
        return Difference(field.name, capfirst(field.verbose_name), old, new)

    def _links(self, field: Any) -> Difference | None:
        through = field.remote_field.through
        source, target = f"{field.m2m_field_name()}_id", f"{field.m2m_reverse_field_name()}_id"
        now = through._base_manager.filter(**{source: self.present.pk})
        then_target = f"{get_m2m_reverse_field_name(field)}_id"
        then = getattr(self.record, field.name).all()
        if is_scoped(self.user):
            seen = within(field.related_model._base_manager.all(), self.user).values("pk")
            now = now.filter(**{f"{target}__in": seen})
            then = then.filter(**{f"{get_m2m_reverse_field_name(field)}__in": seen})
        added = then.filter(~Exists(now.filter(**{target: OuterRef(then_target)})))
        removed = now.filter(~Exists(then.filter(**{then_target: OuterRef(target)})))
        numbers = count_rows(added), count_rows(removed)
        if not any(numbers):
            return None
        keys = [
            list(rows.order_by(name).values_list(name, flat=True)[:LINKS_SHOWN])
            for rows, name in ((added, then_target), (removed, target))
        ]
        model = field.related_model
        names = names_of({model: {*keys[0], *keys[1]}}, self.reach)[model]
        chosen = self.choices(field).order_by().filter(pk__in=[*keys[0], *keys[1]])
        may_return = set(chosen.values_list("pk", flat=True))
        links = [[Link(str(k), names[k], k in may_return) for k in each] for each in keys]
        more = [Count(max(n - LINKS_SHOWN, 0), at_least=n.at_least) for n in numbers]
        return Difference(
            field.name,
            capfirst(field.verbose_name),
            is_links=True,
            added=links[0],
            removed=links[1],
            more_added=more[0],
            more_removed=more[1],
        )


def compared(history_model: Any) -> list[Any]:
    """The fields of a history model that have a value of their own, and that staff see."""
    tracked = {f.name for f in history_model.tracked_fields if f.editable}
    fields = history_model.instance_type._meta.concrete_fields
    return [f for f in fields if f.name in tracked and not f.primary_key]


def fingerprint(history_model: Any, present: Model | None) -> str:
    """A hash of the row as it is now, its links included as far as history tells of them."""
    if present is None:
        return ""
    key = present._meta.pk.attname
    records = history_model._base_manager.filter(**{key: present.pk}).order_by("-history_id")
    latest = records.values_list("history_id", flat=True).first()
    values = [getattr(present, f.attname) for f in compared(history_model)]
    return hashlib.sha256(repr((latest, values)).encode()).hexdigest()[:32]
