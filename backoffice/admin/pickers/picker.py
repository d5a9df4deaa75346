"""The two-pane pickers of a ModelAdmin, for either side of a many-to-many.

If there are few rows to choose from, it is Django's own widget, with all of them on the page;
if many, that of `horizontal.py`, which asks the server for them.
"""

from typing import Any
from weakref import WeakKeyDictionary

from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.core import checks
from django.core.exceptions import FieldDoesNotExist, PermissionDenied
from django.db.models import ManyToManyRel
from django.forms.models import ModelMultipleChoiceField
from django.http import Http404, HttpRequest, JsonResponse
from django.urls import path, reverse
from django.utils.functional import cached_property
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from backoffice.admin.pickers.autocomplete import picker_rows
from backoffice.admin.pickers.choices import show_names
from backoffice.admin.pickers.horizontal import (
    AnchoredSelect,
    LinksField,
    LinksWidget,
    picks_to_save,
)
from backoffice.admin.pickers.keys import KeysField
from backoffice.admin.pickers.linked import LinkedNames
from backoffice.admin.pickers.links import Links, has_more_than
from backoffice.admin.typing import ModelAdminBase
from backoffice.history.historical_records import hold_records, release_records
from backoffice.querysets.reach import Reach
from backoffice.querysets.relations import ManyToMany


class PickerMixin(ModelAdminBase):
    """`filter_horizontal`, and `related_filter_horizontal = ("book_set",)` for reverse sides.

    The latter has names of accessors. Linking a book to a library changes the book too: users
    who may change books get the picker, those who may view them get their names, others get
    nothing. If `fields` or `fieldsets` are declared, the name in them places the picker; else
    it comes last.

    A picker of more than `picker_max_rows` rows asks the server for them, for users who may
    view the related rows; without that permission it is left out.
    """

    related_filter_horizontal: tuple[str, ...] = ()
    picker_max_rows = 500

    @cached_property
    def reverse_relations(self) -> dict[str, Any]:
        """The many-to-many relations to this model, by accessor."""
        relations: Any = self.opts.related_objects
        return {
            relation.get_accessor_name(): relation
            for relation in relations
            if relation.many_to_many and relation.through._meta.auto_created
        }

    def check(self, **kwargs: Any) -> list[Any]:
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
            else:
                errors += self.check_search_fields("related_filter_horizontal", name)
        for name in self.filter_horizontal:
            if name in self.paging_names:
                errors += self.check_search_fields("filter_horizontal", name)
        return errors

    def check_search_fields(self, option: str, name: str) -> list[Any]:
        related_admin = self.related_admin(name)
        if related_admin.search_fields:
            return []
        return [
            checks.Error(
                f"{type(related_admin).__name__} must define 'search_fields', because"
                f" '{option}' of {type(self).__name__} refers to {name!r}: a picker of"
                " many rows searches them.",
                obj=self.__class__,
                id="backoffice.E003",
            )
        ]

    # Few or many --------------------------------------------------------------------

    @cached_property
    def paging_names(self) -> list[str]:
        """The names of the pickers that are paged if they have many rows."""
        return [*filter(self.may_page, self.filter_horizontal), *self.related_filter_horizontal]

    def may_page(self, name: str) -> bool:
        try:
            related_model: Any = self.opts.get_field(name).related_model
        except FieldDoesNotExist:
            return False  # Django's checks report it
        return self.admin_site.is_registered(related_model)

    def related_field(self, name: str) -> Any:
        return self.reverse_relations.get(name) or self.opts.get_field(name)

    def related_admin(self, name: str) -> Any:
        return self.admin_site.get_model_admin(self.related_field(name).related_model)

    def is_paged(self, request: HttpRequest, name: str) -> bool:
        """Whether the picker asks the server for its rows; found out once per request."""
        if name not in self.paging_names:
            return False
        if f"{name}-added" in request.POST:
            return True  # it was when the page was opened
        known = self.known_paged.setdefault(request, {})
        if name not in known:
            rows = self.related_admin(name).get_queryset(request)
            known[name] = has_more_than(self.picker_max_rows, rows)
        return known[name]

    @cached_property
    def known_paged(self) -> WeakKeyDictionary[HttpRequest, dict[str, bool]]:
        """The results of `is_paged`, for the lifetime of each request."""
        return WeakKeyDictionary()

    # The rows, for the page's script ------------------------------------------------

    def get_urls(self) -> list[Any]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_picker"
        view = self.admin_site.admin_view(self.picker_view)
        return [path("picker/<str:name>/", view, name=name), *super().get_urls()]

    def picker_view(self, request: HttpRequest, name: str) -> JsonResponse:
        """See `picker_rows`; on POST, `picks_to_save`."""
        if request.method == "POST":
            links = self.get_links(request, name, request.GET.get("object_id"))
            return JsonResponse(picks_to_save(links, request.POST))
        return picker_rows(self, request, name)

    # Permissions --------------------------------------------------------------------

    def get_guarded(self, request: HttpRequest) -> list[str]:
        """The names of the pickers that need permissions for the related rows."""
        paged = [name for name in self.paging_names if self.is_paged(request, name)]
        return list(dict.fromkeys([*paged, *self.related_filter_horizontal]))

    def get_pickers(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Which of them the form of `obj`, None for a new row, shows as pickers."""
        if obj is not None and not self.has_change_permission(request, obj):
            return []
        return [
            name
            for name in self.get_guarded(request)
            if name not in self.readonly_fields
            and (
                self.related_admin(name).has_change_permission(request)
                if name in self.related_filter_horizontal
                else self.related_admin(name).has_view_permission(request)
            )
        ]

    def get_linked_names(
        self, request: HttpRequest, obj: Any = None
    ) -> dict[str, "LinkedNames"]:
        """What the form shows instead, by name, if the user may only view."""
        pickers = self.get_pickers(request, obj)
        return {
            name: LinkedNames(name, self, request)
            for name in self.get_guarded(request)
            if name not in pickers and self.related_admin(name).has_view_permission(request)
        }

    def get_links(self, request: HttpRequest, name: str, object_id: str | None) -> Links:
        """The Links that the picker `name` shows on the form of a row, or of a new one.

        Raises PermissionDenied if that form has no such picker, and Http404 if there is no
        such row.
        """
        if name not in self.paging_names:
            raise PermissionDenied
        if not self.related_admin(name).has_view_permission(request):
            raise PermissionDenied
        obj = self.get_object(request, object_id) if object_id else None
        if object_id and obj is None:
            raise Http404
        if obj is None and not self.has_add_permission(request):
            raise PermissionDenied
        form = self.get_form(request, obj, change=obj is not None)
        form_field: Any = form.base_fields.get(name)
        if isinstance(form_field, LinksField):
            links: Links = form_field.links
            return links
        if isinstance(form_field, ModelMultipleChoiceField):  # there are few rows now
            rows: Any = form_field.queryset
            relation = ManyToMany.of(self.related_field(name))
            return Links(relation, rows, obj, reach=Reach.of(request.user))
        raise PermissionDenied

    # The form -----------------------------------------------------------------------

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        names = self.get_pickers(request, obj)
        pickers = {
            name: self.related_picker_field(request, name, obj)
            for name in self.related_filter_horizontal
            if name in names
        }
        if pickers:
            base = kwargs.get("form", self.form)
            kwargs["form"] = type(base)(base.__name__, (base,), pickers)
        form = super().get_form(request, obj, change=change, **kwargs)
        for name in self.get_guarded(request):
            if name not in names:
                form.base_fields.pop(name, None)
        paged = {n: f for n, f in form.base_fields.items() if isinstance(f, LinksField)}
        for form_field in paged.values():
            form_field.links.obj = obj
        # Otherwise each form would load all links as its initial value.
        form._meta.exclude = [*(form._meta.exclude or ()), *paged]
        return form

    def formfield_for_manytomany(
        self, db_field: Any, request: HttpRequest, **kwargs: Any
    ) -> Any:
        form_field: Any = super().formfield_for_manytomany(db_field, request, **kwargs)
        if not self.is_paged(request, db_field.name):
            return form_field
        return self.links_field(
            request,
            db_field.name,
            Links(
                ManyToMany.forward(db_field),
                form_field.queryset,
                reach=Reach.of(request.user),
            ),
            required=form_field.required,
            label=form_field.label,
        )

    def links_field(
        self, request: HttpRequest, name: str, links: Any, **kwargs: Any
    ) -> LinksField:
        opts = self.opts
        page = f"{self.admin_site.name}:{opts.app_label}_{opts.model_name}_picker"
        url = reverse(page, args=[name])
        return LinksField(
            links, widget=LinksWidget(links, url=url, params=request.GET), **kwargs
        )

    def related_picker_field(self, request: HttpRequest, name: str, obj: Any) -> Any:
        relation, related_admin = self.reverse_relations[name], self.related_admin(name)
        label = relation.related_model._meta.verbose_name_plural
        rows = related_admin.get_queryset(request)
        options: dict[str, Any] = {"required": False, "label": capfirst(label)}
        form_field: Any
        if self.is_paged(request, name):
            links = Links(
                ManyToMany.backward(relation), rows, obj, reach=Reach.of(request.user)
            )
            form_field = self.links_field(request, name, links, **options)
        else:
            form_field = KeysField(
                rows,
                widget=AnchoredSelect(label, is_stacked=False),
                help_text=_(
                    "Hold down “Control”, or “Command” on a Mac, to select more than one."
                ),
                initial=lambda: linked_keys(obj, name),
                **options,
            )
            show_names(form_field, request.user)
        # The wrapper needs the relation to books; `relation` is the one to libraries.
        to_related: Any = ManyToManyRel(
            relation.field, relation.related_model, through=relation.through
        )
        form_field.widget = RelatedFieldWidgetWrapper(
            form_field.widget,
            to_related,
            self.admin_site,
            can_add_related=related_admin.has_add_permission(request),
        )
        return form_field

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        linked_names = self.get_linked_names(request, obj)
        readonly_fields = super().get_readonly_fields(request, obj)
        return [
            *(name for name in readonly_fields if name not in linked_names),
            *linked_names.values(),
        ]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        instead = dict.fromkeys(self.get_guarded(request))
        instead |= {name: name for name in self.get_pickers(request, obj)}
        instead |= self.get_linked_names(request, obj)
        return [
            (title, options | {"fields": replaced(options["fields"], instead)})
            for title, options in super().get_fieldsets(request, obj)
        ]

    # Saving -------------------------------------------------------------------------

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        if form is not None:
            hold_records(obj)  # the row and its links make one record
        super().save_model(request, obj, form, change)

    def save_related(
        self, request: HttpRequest, form: Any, formsets: Any, change: bool
    ) -> None:
        super().save_related(request, form, formsets, change)
        for name in form.changed_data:
            # Without a value where a form's own cleaning has taken it out.
            form_field, chosen = form.fields[name], form.cleaned_data.get(name)
            if isinstance(form_field, LinksField):
                form_field.links.obj = form.instance
                form_field.links.change(added=chosen.added, removed=chosen.removed)
            elif name in self.related_filter_horizontal:
                # Not `set()`, which would undo what others link meanwhile.
                before, after = set(form[name].initial or ()), {row.pk for row in chosen}
                relation = ManyToMany.backward(self.reverse_relations[name])
                links = Links(
                    relation, form_field.queryset, form.instance, reach=Reach.of(request.user)
                )
                links.change(added=after - before, removed=before - after)
        release_records(form.instance)


def linked_keys(obj: Any, name: str) -> list[Any]:
    return list(getattr(obj, name).values_list("pk", flat=True)) if obj else []


def replaced(fields: Any, instead: Any) -> list[Any]:
    """`fields` of a fieldset, nested lines too, replaced by `instead`; None drops a field."""
    result = []
    for item in fields:
        if isinstance(item, list | tuple):
            result.append(replaced(item, instead))
        elif (item := instead.get(item, item)) is not None:
            result.append(item)
    return result
