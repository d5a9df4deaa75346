"""What changed from one history record to the next, as texts for staff."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.contrib.admin.utils import display_for_field
from django.db.models import Max, Model
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from backoffice.admin.history.linkdiffs import LinkDiffs
from backoffice.history.names import names_then
from backoffice.querysets.counts import Count
from backoffice.querysets.names import names
from backoffice.querysets.reach import Reach


class RecordDiffs:
    """The changes between consecutive `records`, newest first, of one object's history.

    All related names are looked up together: one statement for each related model, and one
    more for each whose rows have been deleted since. The database compares the many-to-many
    fields, as far as their rows are within what the user is limited to.

    links: those of the many-to-many fields that are shown.
    """

    def __init__(
        self, records: Sequence[Any], *, links: Sequence[Any], user: Any, empty: Any
    ) -> None:
        self.records = records
        self.empty, self.reach = empty, Reach.of(user)
        history_model = type(records[0])
        model = history_model.instance_type
        tracked = {field.name for field in history_model.tracked_fields if field.editable}
        self.fields = [
            field
            for field in model._meta.concrete_fields
            if field.name in tracked and not field.primary_key
        ]
        self.m2m_fields = links
        self.links = {field: LinkDiffs(records, field, user) for field in self.m2m_fields}
        self.names = self.related_names()

    def related_names(self) -> dict[Any, dict[Any, str]]:
        keys: dict[Any, set[Any]] = defaultdict(set)
        for field in self.fields:
            if field.is_relation:
                values = {getattr(record, field.attname) for record in self.records}
                keys[field.related_model] |= values - {None}
        for field, links in self.links.items():
            keys[field.related_model] |= links.keys()
        return names_of(keys, self.reach)

    def changes(self, new: Any, old: Any) -> Any:
        """A list of `{"field": label, "name": …, "old": text, "new": text}`, in model order."""
        changes = []
        for field in self.fields:
            before, after = getattr(old, field.attname), getattr(new, field.attname)
            if before != after:
                changes.append((field, self.shown(field, before), self.shown(field, after)))
        for field in self.m2m_fields:
            links = self.links[field]
            if links.differ(new):
                sides = (self.listed(field, new, side) for side in (1, 0))
                changes.append((field, *sides))
        return [
            {
                "field": capfirst(field.verbose_name),
                "name": field.name,
                "old": old,
                "new": new,
            }
            for field, old, new in changes
        ]

    def shown(self, field: Any, value: Any) -> Any:
        if field.is_relation and value is not None:
            return self.names[field.related_model][value]
        return display_for_field(value, field, self.empty, avoid_link=True)

    def listed(self, field: Any, record: Any, side: int) -> str:
        """The changed names, then the others, each sorted by alphabet, and how many more."""
        texts = self.names[field.related_model]
        changed, same, number = self.links[field].shown(record, side)
        shown = [
            texts[key]
            for keys in (changed, same)
            for key in sorted(keys, key=lambda key: texts[key].casefold())
        ]
        if more := number - len(shown):
            shown.append(_("%s more") % Count(more))
        return ", ".join(shown) or self.empty


def names_of(
    keys: Mapping[type[Model], Collection[Any]], reach: Reach
) -> dict[Any, dict[Any, str]]:
    """`{model: {key: name}}`; a deleted row has its last name, marked as deleted."""
    rows = [
        row for model, pks in keys.items() for row in model._base_manager.in_bulk(pks).values()
    ]
    found: dict[Any, dict[Any, str]] = {model: {} for model in keys}
    for row, text in zip(rows, names(rows, reach), strict=True):
        found[type(row)][row.pk] = text
    for model, pks in keys.items():
        if missing := set(pks) - found[model].keys():
            found[model] |= names_of_deleted(model, missing, reach)
    return found


def names_of_deleted(model: type[Model], keys: Collection[Any], reach: Reach) -> dict[Any, str]:
    label = model._meta.verbose_name
    texts = {key: _("deleted %(model)s %(key)s") % {"model": label, "key": key} for key in keys}
    if manager := getattr(model._meta, "simple_history_manager_attribute", None):
        history = getattr(model, manager)
        pk = model._meta.pk.attname
        latest = history.filter(**{f"{pk}__in": keys}).order_by()
        latest = latest.values(pk).annotate(latest=Max("history_id")).values("latest")
        records = list(history.filter(pk__in=latest))
        for record, text in zip(records, names_then(records, reach), strict=True):
            texts[getattr(record, pk)] = _("%s (deleted)") % text
    return texts
