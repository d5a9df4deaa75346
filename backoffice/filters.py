"""The FilterSet that `library/filtersets.py` declares on, and filters that upstream lacks.

It is django-filter's, so its fields and Meta mean what its documentation says. A FilterSet
says which rows, for lists, exports and the command line alike: a value that it can't take
is an error of its form and finds no rows. Where a model keeps history it filters by that
as well, by itself.
"""

import datetime
from functools import cached_property

import django_filters
from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Count, Exists, OuterRef, Q
from django.utils import timezone
from django.utils.choices import flatten_choices
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_filters.filterset import FILTER_FOR_DBFIELD_DEFAULTS
from django_filters.widgets import RangeWidget, SuffixedMultiWidget

from backoffice.admin.reach import any_of, by_keys, few_keys, leads_to, narrow
from backoffice.imports.references import ReferenceKey
from backoffice.models import ImportJob

TEXT = 1_000  # characters of a text, where no field says how many
LARGEST = 2_147_483_647
SHOWN = 3  # records that an error names

YES, NO = "yes", "no"

# Filters of the model's own fields --------------------------------------------------------


class TextFilter(django_filters.CharFilter):
    """Text that the field contains, or whatever lookup is named."""

    def __init__(self, field_name=None, lookup_expr="icontains", **kwargs):
        kwargs["max_length"] = kwargs.get("max_length") or TEXT
        super().__init__(field_name, lookup_expr, **kwargs)


class IntegerFilter(django_filters.NumberFilter):
    """Upstream's takes 1.5 of an integer for 1."""

    field_class = forms.IntegerField


class DateInput(forms.DateInput):
    """The browser's own calendar; plain text where it would not show what was written."""

    def get_context(self, name, value, attrs):
        context = super().get_context(name, value, attrs)
        shown = context["widget"]["value"]
        context["widget"]["type"] = "date" if not shown or _is_date(shown) else "text"
        return context


def _is_date(text):
    try:
        return bool(datetime.datetime.strptime(text, "%Y-%m-%d"))
    except ValueError:
        return False


class DateField(forms.DateField):
    widget = DateInput(format="%Y-%m-%d")
    default_validators = [MinValueValidator(datetime.date(1000, 1, 1))]

    def __init__(self, **kwargs):
        super().__init__(input_formats=["%Y-%m-%d"], **kwargs)


class DateFilter(django_filters.DateFilter):
    field_class = DateField


class YesNoFilter(django_filters.ChoiceFilter):
    """Upstream's filter of a boolean takes whatever it doesn't know for no filter at all."""

    labels = {YES: gettext_lazy("Yes"), NO: gettext_lazy("No")}

    def __init__(self, *args, **kwargs):
        kwargs |= {"choices": list(self.labels.items()), "empty_label": gettext_lazy("Any")}
        super().__init__(*args, **kwargs)

    def filter(self, queryset, value):
        return super().filter(queryset, value == YES) if value else queryset


class AnyOfFilter(django_filters.MultipleChoiceFilter):
    """Any of several choices, of the model's own field or of a related row's."""

    def filter(self, queryset, value):
        if not value:
            return queryset
        return narrow(queryset, any_of(self.model, self.field_name, value))


# Filters of related rows ------------------------------------------------------------------


class RelatedFilter(django_filters.Filter):
    """Over a relation, `field_name`, to rows that the user may view.

    Without a request, on the command line, to all rows.
    """

    @property
    def relation(self):
        return self.model._meta.get_field(self.field_name)

    @property
    def related_admin(self):
        """None where nobody asks, or the related model has no ModelAdmin."""
        asked = self.parent.request is not None
        return admin.site._registry.get(self.relation.related_model) if asked else None

    def may_be_used(self):
        related_admin = self.related_admin
        return related_admin is None or related_admin.has_view_permission(self.parent.request)

    def related(self):
        if self.related_admin is None:
            return self.relation.related_model._base_manager.all()
        return self.related_admin.get_queryset(self.parent.request).order_by()


class ReferenceField(forms.CharField):
    """A record as people write it; cleaned to the primary keys of those that it names.

    More than one only where nothing that could be written tells them apart.
    """

    def __init__(self, *, records, **kwargs):
        self.records, self.key = records, ReferenceKey(records.model)
        super().__init__(max_length=TEXT, **kwargs)

    def clean(self, value):
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


def _listed(texts):
    texts = sorted(set(texts))
    return "; ".join(texts[:SHOWN] + (["…"] if len(texts) > SHOWN else []))


class ReferenceFilter(RelatedFilter):
    """A related record, written as in a file: `name`, or `name (zip_code)`."""

    field_class = ReferenceField

    @property
    def field(self):
        self.extra.setdefault("records", self.related())
        return super().field

    def filter(self, queryset, value):
        return queryset.filter(by_keys(self.relation, value)) if value else queryset


class HasRelatedFilter(RelatedFilter, YesNoFilter):
    """Whether there is a related row."""

    labels = {YES: gettext_lazy("Has one"), NO: gettext_lazy("Has none")}

    def filter(self, queryset, value):
        if not value:
            return queryset
        found = leads_to(self.relation, self.related())
        return queryset.filter(found if value == YES else ~found)


class FromToWidget(RangeWidget):
    """Two numbers, each with its own name; the field's label is their group's."""

    template_name = "django/forms/widgets/multiwidget.html"

    def __init__(self, attrs=None):
        names = (gettext_lazy("from"), gettext_lazy("to"))
        widgets = [
            forms.TextInput({"inputmode": "numeric", "aria-label": name, "placeholder": name})
            for name in names
        ]
        SuffixedMultiWidget.__init__(self, widgets, attrs)


class FromToField(django_filters.fields.RangeField):
    widget = FromToWidget

    def __init__(self, **kwargs):
        numbers = [forms.IntegerField(min_value=0, max_value=LARGEST) for _end in "ab"]
        super().__init__(fields=numbers, **kwargs)

    def compress(self, data_list):
        low, high = data_list or (None, None)
        if None not in (low, high) and low > high:
            raise ValidationError(_("The first number is larger than the second."))
        return super().compress(data_list)


class RelatedCountFilter(RelatedFilter):
    """How many related rows there are, from one number to another."""

    field_class = FromToField

    def filter(self, queryset, value):
        low, high = (value.start, value.stop) if value else (None, None)
        if low:
            groups = self.groups(_number__gte=low)
            groups = groups if high is None else groups.filter(_number__lte=high)
            keys = few_keys(groups, self.back)
            if keys is not None:
                return queryset.filter(pk__in=keys)
            return narrow(queryset, (Q(pk__in=groups), True))
        if high is None:
            return queryset
        # Those that have none are in no group.
        return narrow(queryset, (~Q(pk__in=self.groups(_number__gt=high)), True))

    @property
    def back(self):
        return self.relation.remote_field.name

    def groups(self, **condition):
        """The rows that are led to, each once: as one grouped statement."""
        related = self.related().filter(**{f"{self.back}__isnull": False}).order_by()
        groups = related.values(self.back).annotate(_number=Count("pk"))
        return groups.filter(**condition).values(self.back)


# Filters of history -----------------------------------------------------------------------


def with_record(model, **condition):
    """`(Q, whether it is costly)`: the rows with a history record that fits."""
    manager = getattr(model, model._meta.simple_history_manager_attribute)
    records = manager.model._base_manager.filter(**condition)
    key = model._meta.pk.attname
    keys = few_keys(records, key)
    if keys is not None:
        return Q(pk__in=set(keys)), False
    return Q(Exists(records.filter(**{key: OuterRef("pk")}))), True


class SinceFilter(DateFilter):
    """A history record of the day or later; of the type, if one is given."""

    def __init__(self, *, history_type=None, **kwargs):
        self.condition = {"history_type": history_type} if history_type else {}
        super().__init__(field_name="pk", **kwargs)

    def filter(self, queryset, value):
        if value is None:
            return queryset
        start = timezone.make_aware(datetime.datetime.combine(value, datetime.time.min))
        return narrow(
            queryset, with_record(self.model, history_date__gte=start, **self.condition)
        )


class ImportField(forms.IntegerField):
    """The number of an import of the model, cleaned to its ImportJob."""

    def __init__(self, *, model, **kwargs):
        self.model = model
        super().__init__(min_value=1, **kwargs)

    def clean(self, value):
        number = super().clean(value)
        if number is None:
            return None
        jobs = ImportJob.objects.filter(model=self.model._meta.label, applied_at__isnull=False)
        try:
            return jobs.get(pk=number)
        except ImportJob.DoesNotExist as error:
            raise ValidationError(
                _("No import of %(models)s that wrote something has the number %(number)s."),
                code="unknown",
                params={
                    "number": number,
                    "models": self.model._meta.verbose_name_plural,
                },
            ) from error


class ImportFilter(django_filters.Filter):
    """What an import created or changed."""

    field_class = ImportField

    def __init__(self, **kwargs):
        super().__init__(field_name="pk", **kwargs)

    @property
    def field(self):
        self.extra.setdefault("model", self.model)
        return super().field

    def filter(self, queryset, value):
        if value is None:
            return queryset
        return narrow(
            queryset,
            with_record(
                self.model, history_date=value.applied_at, history_change_reason=value.reason
            ),
        )


def history_filters():
    return {
        "added_since": SinceFilter(history_type="+", label=gettext_lazy("Added since")),
        "changed_since": SinceFilter(label=gettext_lazy("Added or changed since")),
        "changed_by_import": ImportFilter(label=gettext_lazy("Changed by import no.")),
    }


# The FilterSet ----------------------------------------------------------------------------


class FilterForm(forms.Form):
    """What takes one value does not take two: the first would be passed over in silence."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, auto_id="filter_%s", label_suffix="", **kwargs)

    def clean(self):
        for parameter, (name, _part) in parameters_of(self).items():
            several = getattr(self.fields[name].widget, "allow_multiple_selected", False)
            values = getattr(self.data, "getlist", lambda key: [self.data.get(key)])(parameter)
            if len(set(values)) > 1 and not several:
                self.add_error(name, _("There is more than one value: name one."))
        return super().clean()


def parameters_of(form):
    """`{parameter of the query string: (name of the field, which part of it)}`."""
    parameters = {}
    for name, field in form.fields.items():
        widget = field.widget
        if isinstance(widget, SuffixedMultiWidget):
            names = [widget.suffixed(name, suffix) for suffix in widget.suffixes]
        elif isinstance(widget, forms.MultiWidget):
            names = [name + suffix for suffix in widget.widgets_names]
        else:
            parameters[name] = (name, "")
            continue
        for parameter, part in zip(names, widget.widgets, strict=True):
            parameters[parameter] = (name, part.attrs.get("aria-label", ""))
    return parameters


class FilterSet(django_filters.FilterSet):
    """Which rows of a model.

    request: whose; filters of related rows are left out for whom may not view those ·
    elsewhere: names of filters that are offered and checked, but that somebody else applies.
    """

    #: Other names for parameters, for scripts: `{"state": "library__state"}`.
    aliases: dict[str, str] = {}

    _INTEGER = {"filter_class": IntegerFilter}
    _TEXT = {"filter_class": TextFilter, "extra": lambda f: {"max_length": f.max_length}}
    _REFERENCE = {"filter_class": ReferenceFilter}
    FILTER_DEFAULTS = FILTER_FOR_DBFIELD_DEFAULTS | {
        models.CharField: _TEXT,
        models.TextField: _TEXT,
        models.BooleanField: {"filter_class": YesNoFilter},
        models.DateField: {"filter_class": DateFilter},
        models.IntegerField: _INTEGER,
        models.PositiveIntegerField: _INTEGER,
        models.SmallIntegerField: _INTEGER,
        models.PositiveSmallIntegerField: _INTEGER,
        models.ForeignKey: _REFERENCE,
        models.OneToOneField: _REFERENCE,
        models.ManyToManyField: _REFERENCE,
    }

    def __init__(self, *args, elsewhere=(), **kwargs):
        super().__init__(*args, **kwargs)
        self.elsewhere = elsewhere
        for name, each in list(self.filters.items()):
            if isinstance(each, RelatedFilter) and not each.may_be_used():
                del self.filters[name]

    @classmethod
    def get_filters(cls):
        filters = super().get_filters()
        model = cls._meta.model
        if model is not None and hasattr(model._meta, "simple_history_manager_attribute"):
            filters = history_filters() | filters
            for name in history_filters():
                filters[name] = filters.pop(name)  # at the end
        return filters

    def get_form_class(self):
        form_class = super().get_form_class()
        return type(form_class.__name__, (FilterForm, form_class), {})

    @cached_property
    def parameters(self):
        """See `parameters_of`."""
        return parameters_of(self.form)

    @property
    def qs(self):
        """The rows; none where a value can't be."""
        return super().qs if self.is_valid() or not self.is_bound else self.queryset.none()

    def filter_queryset(self, queryset):
        for name, value in self.form.cleaned_data.items():
            if name not in self.elsewhere:
                queryset = self.filters[name].filter(queryset, value)
        return queryset

    def describe(self, parameter, value):
        """`(label, text)` of a value of the query string, as the form words them."""
        name, part = self.parameters[parameter]
        label = self.form[name].label
        choices = flatten_choices(iter(getattr(self.form.fields[name], "choices", ())))
        text = {str(key): str(text) for key, text in choices}.get(value, value)
        return f"{label} {part}" if part else label, text
