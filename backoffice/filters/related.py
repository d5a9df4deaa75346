"""Filters by related rows: which one, whether there is one, how many there are."""

from collections.abc import Iterable
from typing import Any

import django_filters
from django import forms
from django.contrib.admin import AdminSite
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_filters.widgets import RangeWidget, SuffixedMultiWidget

from backoffice.filters.values import NO, TEXT, YES, YesNoFilter
from backoffice.querysets import related
from backoffice.querysets.counts import count_rows
from backoffice.querysets.related import (
    by_keys,
    counts_of,
    few_keys,
    has_at_least,
    leads_to,
)
from backoffice.querysets.scopes import among, within
from backoffice.resources.references import ReferenceKey

LARGEST = 2_147_483_647
BRANCHES = 10_000  # rows whose related rows may be counted one by one
ONCE = 0.1  # of the related rows; to read more of them for each statement takes longer
SHOWN = 3  # records that an error names


def admin_of(model: Any, admin_site: AdminSite | None) -> Any:
    """The ModelAdmin of a model on an AdminSite; None without a site, or where it has none."""
    if admin_site is None or not admin_site.is_registered(model):
        return None
    return admin_site.get_model_admin(model)


def may_filter_by(request: Any, admin_site: AdminSite | None, model: Any, path: str) -> bool:
    """Whether a path stays with the model, or leads to rows that the user may view.

    Without a request, on the command line, it may lead anywhere.
    """
    try:
        field = model._meta.get_field(path.partition("__")[0])
    except FieldDoesNotExist:  # an annotation, or the parameter of a filter
        return True
    related_admin = field.is_relation and admin_of(field.related_model, admin_site)
    return not (request and related_admin) or related_admin.has_view_permission(request)


class RelatedFilter(django_filters.Filter):
    """Over a relation, `field_name`, to rows that the user may view.

    Without a request, on the command line, to all rows.
    """

    @property
    def relation(self) -> Any:
        return self.model._meta.get_field(self.field_name)

    @property
    def related_admin(self) -> Any:
        """None without a request, or if the related model has no ModelAdmin on the site."""
        if self.parent.request is None:
            return None
        return admin_of(self.relation.related_model, self.parent.admin_site)

    def related(self) -> Any:
        if self.related_admin is None:
            rows = self.relation.related_model._base_manager.all()
            return within(rows, getattr(self.parent.request, "user", None))
        return self.related_admin.get_queryset(self.parent.request).order_by()

    def led_to(self) -> Any:
        """Those of `related` that are related to a row that the user may see."""
        led_to = getattr(self.related_admin, "rows_led_to", None)
        if led_to is None:
            return self.related()
        return led_to(self.parent.request, self.relation).order_by()


class ReferenceField(forms.CharField):
    """A record as people write it; cleaned to the primary keys of those that it names.

    More than one only where nothing that could be written tells them apart.
    """

    def __init__(self, *, records: Any, **kwargs: Any) -> None:
        self.records, self.key = records, ReferenceKey(records.model)
        super().__init__(max_length=TEXT, **kwargs)

    def clean(self, value: Any) -> Any:
        text = super().clean(value)
        if not text:
            return None
        found = self.key.find(text, self.records)
        if len(set(found.values())) == 1:
            return list(found)
        params = {"text": text, "name": self.records.model._meta.verbose_name}
        if found:
            params |= {"count": len(found), "texts": _listed(found.values())}
            raise ValidationError(
                _("“%(text)s” fits %(count)d records (%(name)s). Write one of: %(texts)s"),
                code="ambiguous",
                params=params,
            )
        near = self.key.with_label("icontains", text, self.records)[: SHOWN + 1]
        params["texts"] = _listed(full for _pk, _label, full in near)
        if near:
            message = _("“%(text)s” is not found (%(name)s). Is it one of: %(texts)s")
        else:
            message = _("“%(text)s” is not found (%(name)s).")
        raise ValidationError(message, code="unknown", params=params)


def _listed(texts: Iterable[str]) -> str:
    texts = sorted(set(texts))
    return "; ".join(texts[:SHOWN] + (["…"] if len(texts) > SHOWN else []))


class ReferenceFilter(RelatedFilter):
    """A related record, written as in a file: `name`, or `name (zip_code)`."""

    field_class = ReferenceField

    @property
    def field(self) -> forms.Field:
        self.extra.setdefault("records", self.related())
        field: forms.Field = super().field
        return field

    def filter(self, queryset: Any, value: Any) -> Any:
        return queryset.filter(by_keys(self.relation, value)) if value else queryset


class HasRelatedFilter(RelatedFilter, YesNoFilter):
    """Whether there is a related row."""

    labels = {YES: gettext_lazy("Has one"), NO: gettext_lazy("None")}

    def filter(self, queryset: Any, value: Any) -> Any:
        if not value:
            return queryset
        found = leads_to(self.relation, self.led_to())
        return queryset.filter(found if value == YES else ~found)


class FromToWidget(RangeWidget):
    """Two numbers, each with its own name; the field's label is their group's."""

    template_name = "django/forms/widgets/multiwidget.html"

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        names = (gettext_lazy("from"), gettext_lazy("to"))
        widgets = [
            forms.TextInput({"inputmode": "numeric", "aria-label": name, "placeholder": name})
            for name in names
        ]
        SuffixedMultiWidget.__init__(self, widgets, attrs)


class FromToField(django_filters.fields.RangeField):
    widget = FromToWidget

    def __init__(self, **kwargs: Any) -> None:
        numbers = [forms.IntegerField(min_value=0, max_value=LARGEST) for _end in "ab"]
        super().__init__(fields=numbers, **kwargs)

    def compress(self, data_list: Any) -> Any:
        low, high = data_list or (None, None)
        if low is not None and high is not None and low > high:
            raise ValidationError(_("The first number is larger than the second."))
        return super().compress(data_list)


class RelatedCountFilter(RelatedFilter):
    """How many related rows there are, from one number to another."""

    field_class = FromToField

    def filter(self, queryset: Any, value: Any) -> Any:
        low, high = (value.start, value.stop) if value else (None, None)
        if not low and high is None:
            return queryset
        above = None if high is None else high + 1
        most = self.most_keys(above or low or 0)
        if most and (low or most > related.FEW):
            groups = counts_of(self.relation, self.led_to()).filter(_number__gte=low or above)
            groups = groups.filter(_number__lt=above) if low and above else groups
            keys = few_keys(groups, "_row", most)
            if keys is not None:
                fits = Q(pk__in=among(keys, queryset.model))
                return queryset.filter(fits if low else ~fits)
        fits = Q(has_at_least(self.relation, self.led_to(), low)) if low else Q()
        if above is not None:
            fits &= ~Q(has_at_least(self.relation, self.led_to(), above))
        return queryset.filter(fits)

    def most_keys(self, read: int) -> int:
        """Up to how many rows are found by counting all related rows at once; 0 if none are.

        Else some related rows of each row are counted, by each statement of a page.

        read: how many related rows are read of each row then, at most.
        """
        rows = count_rows(self.parent.queryset, BRANCHES)
        if not rows.is_exact:
            return related.FEW
        return BRANCHES if read * rows > ONCE * count_rows(self.led_to()) else 0
