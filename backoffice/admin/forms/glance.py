"""What a form's page says at a glance, above its fields, and links to the page's parts."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.db.models import Model, OuterRef, Subquery
from django.http import HttpRequest, HttpResponse
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from backoffice.admin.pages import page_of
from backoffice.admin.pickers.horizontal import LinksField, anchor_of
from backoffice.admin.pickers.linked import LinkedNames
from backoffice.admin.pickers.picker import PickerMixin
from backoffice.admin.scripts import joined
from backoffice.filters.related import ReferenceFilter
from backoffice.querysets.counts import Count
from backoffice.querysets.names import Naming
from backoffice.querysets.related import number_of
from backoffice.resources.references import ReferenceKey

MAP = "https://www.openstreetmap.org/search"


@dataclass(frozen=True)
class Fact:
    """One thing that is said of a record; url: where it leads, if anywhere."""

    label: str
    text: str
    url: str = ""
    is_elsewhere: bool = False  # on another site


@dataclass(frozen=True)
class Section:
    """A part of the page; number: of its rows, where it is known."""

    label: str
    anchor: str
    number: int | None = None


class MapLink:
    """An address that leads to a map: `MapLink("address", "state", "zip_code")`."""

    def __init__(self, *fields: str) -> None:
        self.fields = fields

    def facts(self, row: Model) -> Iterator[Fact]:
        text = ", ".join(filter(None, (str(getattr(row, name) or "") for name in self.fields)))
        if text:
            url = f"{MAP}?{urlencode({'query': text})}"
            yield Fact(_label(row, self.fields[0]), text, url, is_elsewhere=True)


class PhoneLink:
    """A phone number that can be called by a click."""

    def __init__(self, field: str) -> None:
        self.field = field

    def facts(self, row: Model) -> Iterator[Fact]:
        text = str(getattr(row, self.field) or "")
        number, *extension = (re.sub(r"[^\d+]", "", part) for part in re.split("[a-z#]+", text))
        if number:
            url = f"tel:{number}" + (f";ext={extension[0]}" if any(extension[:1]) else "")
            yield Fact(_label(row, self.field), text, url)


def _label(row: Model, name: str) -> str:
    field: Any = row._meta.get_field(name)
    return str(capfirst(field.verbose_name))


class GlanceMixin(PickerMixin):
    """For a ModelAdmin.

    `at_a_glance` has MapLinks, PhoneLinks, and names of relations to a record, or to many, as
    in a lookup. The related ones take one statement together; those that the user may not view
    are left out.
    """

    at_a_glance: tuple[Any, ...] = ()

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        obj = kwargs.get("obj")
        if obj is not None and not context.get("is_popup"):
            numbers, related = self._related_facts(request, obj)
            context["glance"] = [
                fact
                for each in self.at_a_glance
                for fact in (
                    related.get(each, ()) if isinstance(each, str) else each.facts(obj)
                )
            ]
            sections = list(self._sections(context, numbers))
            context["sections"] = sections if sections[1:] else []
        context["media"] = joined(context["media"])
        return super().render_change_form(request, context, *args, **kwargs)

    def _related_facts(
        self, request: HttpRequest, obj: Model
    ) -> tuple[dict[Any, int], dict[str, list[Fact]]]:
        """`({related model: number of rows}, {name: facts})`."""
        relations: dict[str, Any] = {}
        asked: dict[str, Any] = {}
        for name in filter(lambda each: isinstance(each, str), self.at_a_glance):
            relation: Any = self.opts.get_field(name)
            if not self.admin_site.is_registered(relation.related_model):
                continue
            related_admin: Any = self.admin_site.get_model_admin(relation.related_model)
            if not related_admin.has_view_permission(request):
                continue
            relations[name] = relation, related_admin
            rows = related_admin.get_queryset(request).order_by()
            if not relation.one_to_one:
                asked[f"_{name}"] = number_of(relation, rows)
                continue
            rows = rows.filter(**{relation.remote_field.name: OuterRef("pk")})
            naming = Naming.of(relation.related_model)
            asked[f"_{name}"] = Subquery(rows.values("pk")[:1])
            asked[f"_{name}_name"] = Subquery(rows.values(naming.name if naming else "pk")[:1])
        if not asked:
            return {}, {}
        found = self.model._base_manager.annotate(**asked).values(*asked).get(pk=obj.pk)
        facts, numbers = {}, {}
        for name, (relation, related_admin) in relations.items():
            value = found[f"_{name}"]
            if relation.one_to_one:
                text = found[f"_{name}_name"]
                facts[name] = [self._one(request, obj, relation, related_admin, value, text)]
            else:
                facts[name] = [self._many(obj, relation, related_admin, value)]
                numbers[relation.related_model] = value
        return numbers, facts

    def _one(
        self, request: HttpRequest, obj: Model, relation: Any, related_admin: Any, *found: Any
    ) -> Fact:
        """A record of a relation to one; or that there is none, with the page that adds it."""
        key, text = found
        model, label = (
            relation.related_model,
            capfirst(relation.related_model._meta.verbose_name),
        )
        if key is not None:
            return Fact(label, str(text), page_of(self.admin_site, model, "change", key) or "")
        add = page_of(self.admin_site, model, "add")
        if add and related_admin.has_add_permission(request):
            query = urlencode({relation.remote_field.name: obj.pk})
            return Fact(label, _("None yet – add"), f"{add}?{query}")
        return Fact(label, _("None yet"))

    def _many(self, obj: Model, relation: Any, related_admin: Any, number: int) -> Fact:
        """How many rows there are, with their list, if it can be filtered by the record."""
        opts = relation.related_model._meta
        filterset = getattr(related_admin, "filterset_class", None)
        filters = getattr(filterset, "base_filters", {})
        page, url = page_of(self.admin_site, relation.related_model, "changelist"), ""
        for name, each in filters.items():
            is_by_record = isinstance(each, ReferenceFilter)
            if page and is_by_record and each.field_name == relation.remote_field.name:
                key = ReferenceKey(self.model)
                text = key.write(obj, {key.write(obj, ())})  # whole
                url = f"{page}?{urlencode({name: text})}"
        return Fact(str(capfirst(opts.verbose_name_plural)), str(Count(number)), url)

    def _sections(self, context: dict[str, Any], numbers: dict[Any, int]) -> Iterator[Section]:
        yield Section(_("Details"), "details")
        adminform, pickers = (
            context["adminform"],
            getattr(self, "related_filter_horizontal", ()),
        )
        for name, field in adminform.form.fields.items():
            if isinstance(field, LinksField) or name in pickers:
                model = self.related_admin(name).model
                yield Section(str(field.label), anchor_of(name), numbers.get(model))
        for linked in adminform.readonly_fields:
            if isinstance(linked, LinkedNames):
                opts = linked.related_admin.opts
                label = str(capfirst(opts.verbose_name_plural))
                yield Section(label, anchor_of(linked.name), numbers.get(opts.model))
        for inline in context["inline_admin_formsets"]:
            number = numbers.get(inline.opts.model)
            label = str(capfirst(inline.opts.verbose_name_plural))
            yield Section(label, f"{inline.formset.prefix}-rows", number)
