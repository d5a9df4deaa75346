"""The two-pane picker for the reverse side of a many-to-many."""

from dataclasses import dataclass, field

from django.contrib.admin.widgets import FilteredSelectMultiple, RelatedFieldWidgetWrapper
from django.core import checks
from django.db.models import ManyToManyRel
from django.forms.models import ModelMultipleChoiceField
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.text import capfirst
from django.utils.translation import gettext as _


class RelatedPickerMixin:
    """`related_filter_horizontal = ("book_set",)`: as `filter_horizontal`, from behind.

    Named by accessor. Linking a book to a library changes the book too: who may change
    books gets the picker, who may view them gets their names, others get nothing. Where
    `fields` or `fieldsets` are declared they place it by its name; else it comes last.
    """

    related_filter_horizontal = ()

    @cached_property
    def reverse_relations(self):
        """The many-to-many relations to this model, by accessor."""
        return {
            relation.get_accessor_name(): relation
            for relation in self.opts.related_objects
            if relation.many_to_many and relation.through._meta.auto_created
        }

    def check(self, **kwargs):
        errors = super().check(**kwargs)
        for name in self.related_filter_horizontal:
            relation = self.reverse_relations.get(name)
            if relation is None:
                usable = ", ".join(map(repr, self.reverse_relations)) or "none"
                errors.append(
                    checks.Error(
                        f"The value of 'related_filter_horizontal' refers to {name!r}, which"
                        f" is no reverse many-to-many of {self.opts.label}; it has: {usable}.",
                        obj=self.__class__,
                        id="backoffice.E001",
                    )
                )
            elif not self.admin_site.is_registered(relation.related_model):
                errors.append(
                    checks.Error(
                        f"An admin for {relation.related_model._meta.label} has to be"
                        f" registered: 'related_filter_horizontal' refers to {name!r}.",
                        obj=self.__class__,
                        id="backoffice.E002",
                    )
                )
        return errors

    # Who gets what ------------------------------------------------------------------

    def related_admin(self, name):
        return self.admin_site.get_model_admin(self.reverse_relations[name].related_model)

    def get_pickers(self, request, obj=None):
        """The names of the pickers in the form of `obj`; None for a new one."""
        if obj is not None and not self.has_change_permission(request, obj):
            return []
        return [
            name
            for name in self.related_filter_horizontal
            if self.related_admin(name).has_change_permission(request)
        ]

    def get_linked_names(self, request, obj=None):
        """What the form shows instead, by name, where the user may only look."""
        pickers = self.get_pickers(request, obj)
        return {
            name: LinkedNames(name, self.related_admin(name), request)
            for name in self.related_filter_horizontal
            if name not in pickers and self.related_admin(name).has_view_permission(request)
        }

    # The form -----------------------------------------------------------------------

    def get_form(self, request, obj=None, change=False, **kwargs):
        pickers = {
            name: self.picker_field(request, name, obj)
            for name in self.get_pickers(request, obj)
        }
        if pickers:
            base = kwargs.get("form", self.form)
            kwargs["form"] = type(base)(base.__name__, (base,), pickers)
        return super().get_form(request, obj, change=change, **kwargs)

    def picker_field(self, request, name, obj):
        relation, related_admin = self.reverse_relations[name], self.related_admin(name)
        label = relation.related_model._meta.verbose_name_plural
        widget = RelatedFieldWidgetWrapper(
            FilteredSelectMultiple(label, is_stacked=False),
            # The wrapper asks for the relation to books; ours is the one to libraries.
            ManyToManyRel(relation.field, relation.related_model, through=relation.through),
            self.admin_site,
            can_add_related=related_admin.has_add_permission(request),
        )
        return ModelMultipleChoiceField(
            related_admin.get_queryset(request),
            required=False,
            widget=widget,
            label=capfirst(label),
            help_text=_("Hold down “Control”, or “Command” on a Mac, to select more than one."),
            initial=lambda: linked_keys(obj, name),
        )

    def get_readonly_fields(self, request, obj=None):
        readonly_fields = super().get_readonly_fields(request, obj)
        return [*readonly_fields, *self.get_linked_names(request, obj).values()]

    def get_fieldsets(self, request, obj=None):
        instead = dict.fromkeys(self.related_filter_horizontal)
        instead |= {name: name for name in self.get_pickers(request, obj)}
        instead |= self.get_linked_names(request, obj)
        return [
            (title, options | {"fields": replaced(options["fields"], instead)})
            for title, options in super().get_fieldsets(request, obj)
        ]

    def save_related(self, request, form, formsets, change):
        super().save_related(request, form, formsets, change)
        for name in self.related_filter_horizontal:
            if name in form.changed_data:
                getattr(form.instance, name).set(form.cleaned_data[name])


@dataclass(frozen=True)
class LinkedNames:
    """The related rows that the user may see, as a read-only field of a form."""

    name: str
    related_admin: object = field(compare=False, repr=False)
    request: HttpRequest = field(compare=False, repr=False)

    @property
    def __name__(self):
        return self.name

    @property
    def short_description(self):
        return self.related_admin.opts.verbose_name_plural

    def __call__(self, obj):
        if obj.pk is None:
            return self.related_admin.get_empty_value_display()
        linked = getattr(obj, self.name).values("pk")
        rows = self.related_admin.get_queryset(self.request).filter(pk__in=linked)
        return ", ".join(map(str, rows)) or self.related_admin.get_empty_value_display()


def linked_keys(obj, name):
    return list(getattr(obj, name).values_list("pk", flat=True)) if obj else []


def replaced(fields, instead):
    """`fields` of a fieldset, lines of several too, by `instead`: None drops one."""
    result = []
    for item in fields:
        if isinstance(item, list | tuple):
            result.append(replaced(item, instead))
        elif (item := instead.get(item, item)) is not None:
            result.append(item)
    return result
