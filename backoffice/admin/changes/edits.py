"""Editing from the list: changes all rows that are ticked or listed alike."""

from collections.abc import Collection
from functools import partial
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import helpers
from django.contrib.admin.utils import flatten_fieldsets, model_ngettext
from django.core.exceptions import PermissionDenied
from django.db.models import FileField, QuerySet
from django.forms.models import ModelMultipleChoiceField, modelform_factory
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.admin.changes.edit_cells import columns_of
from backoffice.admin.changes.edit_forms import (
    LABELS,
    SET,
    EditForm,
    EditLinksField,
    KeysOrNames,
    ReplaceForm,
    titled,
)
from backoffice.admin.lists.address import keeping_list
from backoffice.admin.pickers.choices import show_names
from backoffice.admin.pickers.horizontal import LinksField
from backoffice.admin.submissions.once import confirmed_by
from backoffice.admin.typing import ModelAdminBase
from backoffice.changes.edits import LISTED, Edit, Refused, RowsMoved
from backoffice.changes.link_edits import keeps_links
from backoffice.changes.replacing import Clean
from backoffice.history.checks import check_history
from backoffice.history.records import history_model
from backoffice.querysets.counts import Count
from backoffice.querysets.names import names
from backoffice.querysets.reach import Reach
from backoffice.querysets.relations import ManyToMany
from backoffice.tables.table import ModelField, Table
from backoffice.tables.texts import is_line, is_text
from backoffice.trail.record import address_of

SHOWN = 20  # rows whose old and new values a preview shows


class EditMixin(ModelAdminBase):
    """For a ModelAdmin with history: the action “Edit selected …”.

    Each page is the answer to a POST of the action, as in Django's deletion: the fields, a
    preview, and then the page of the change, where it can be undone.
    """

    _url: Any  # ImportMixin's

    def check(self, **kwargs: Any) -> list[Any]:
        return [*super().check(**kwargs), *check_history(self.model)]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        may_edit = "edit_selected" in self.get_actions(request)
        return super().changelist_view(
            request, {"may_edit_list": may_edit, **(extra_context or {})}
        )

    @confirmed_by("_apply")
    @admin.action(
        permissions=["change"],
        description=gettext_lazy("Edit selected %(verbose_name_plural)s"),
    )
    def edit_selected(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse:
        if not self.may_change_all(request, queryset):
            raise PermissionDenied
        steps = [name for name in ("_back", "_preview", "_apply") if name in request.POST]
        if not steps or steps == ["_back"]:
            return self.show_fields(request, queryset, asks=False, is_sent=bool(steps))
        chosen = request.POST.getlist("change")
        form = self.get_edit_form(request, chosen)(request.POST)
        replacing = ReplaceForm(self.get_texts(request), request.POST, chosen)
        are_right = all([form.is_valid(), replacing.is_valid()])
        is_asked_for = form.fields or replacing.replacement
        if not (are_right and is_asked_for) or self.get_unticked(request):
            return self.show_fields(request, queryset, asks=True)
        replacement = replacing.replacement
        fields = replacing.chosen if replacement else {}
        links = form.links()
        reach = Reach.of(request.user)
        with Edit(
            queryset, form.values(), [*links.values()], replacement, fields, reach
        ) as edit:
            if steps == ["_apply"]:
                response = self.apply_edit(request, edit, form, replacing)
                if response is not None:
                    return response
            # Rendered now: what it shows is found in tables that are dropped afterwards.
            return self.preview_edit(request, queryset, edit, form, replacing).render()

    def apply_edit(
        self, request: HttpRequest, edit: Edit, form: EditForm, replacing: ReplaceForm
    ) -> HttpResponse | None:
        """Write it, and show the change; None if it can't be, with a message that says why."""
        title, expected = titled(form, replacing), request.POST.get("expected", "")
        try:
            job = edit.run(
                user=request.user, title=title, expected=expected, address=address_of(request)
            )
        except RowsMoved:
            problem = _("The records have changed since. Nothing was written; look again.")
        except Refused as error:
            problem = str(error)
        else:
            page = self._url("import_job", job.pk) + keeping_list(request, self.opts)
            return HttpResponseRedirect(page)
        self.message_user(request, problem, messages.ERROR)
        return None

    def may_change_all(self, request: HttpRequest, queryset: QuerySet[Any]) -> bool:
        """Ask for each row, as Django does; only once if the answer is the same for all."""
        if type(self).has_change_permission is admin.ModelAdmin.has_change_permission:
            return self.has_change_permission(request)
        return all(
            self.has_change_permission(request, row)
            for row in queryset.iterator(chunk_size=1000)
        )

    # The forms ----------------------------------------------------------------------

    def get_editable_fields(self, request: HttpRequest) -> list[ModelField]:
        """The fields of the form that can be written in many rows.

        History keeps them, so that it can be undone. Where something must be unique in them,
        the database sees to it: what only a form checks, like `unique_for_date`, isn't checked.
        """
        by_validation = {
            name
            for key in Table(self.model).unique_keys
            if not key.is_kept_by_database
            for name in key.fields
        }
        kept = {field.name for field in history_model(self.model).tracked_fields}
        shown = flatten_fieldsets(self.get_fieldsets(request))
        readonly = self.get_readonly_fields(request)
        return [
            field
            for field in self.opts.concrete_fields
            if field.editable
            and field.name in kept - by_validation
            and field.name in shown
            and field.name not in readonly
        ]

    def get_edit_fields(self, request: HttpRequest) -> list[str]:
        """The fields that can have the same value in many rows: no unique ones, no files."""
        return [
            field.name
            for field in self.get_editable_fields(request)
            if not field.unique and not isinstance(field, FileField)
        ]

    def get_edit_links(self, request: HttpRequest) -> dict[str, EditLinksField]:
        """What can be done to the many-to-many fields of the form, from either side.

        The rows to choose from are those that the form offers; links to others stay.
        """
        form_fields: Any = self.get_form(request).base_fields
        sides: dict[str, Any] = {field.name: field for field in self.opts.many_to_many}
        for side in self.opts.related_objects:
            if side.many_to_many:
                sides[side.get_accessor_name() or ""] = side
        links = {}
        for name, side in sides.items():
            offered = form_fields.get(name)
            rows = offered.links.queryset if isinstance(offered, LinksField) else None
            if isinstance(offered, ModelMultipleChoiceField):
                rows = offered.queryset
            relation = rows is not None and ManyToMany.of(side)
            if not relation or not self.may_link(request, relation):
                continue
            for how, label in LABELS.items():
                links[name + how] = EditLinksField(
                    relation,
                    how,
                    queryset=rows,
                    limit_choices_to=relation.limit or {},
                    required=how != SET or (relation.is_forward and not relation.field.blank),
                    label=label % {"names": capfirst(offered.label)},
                    widget=self.get_links_widget(request, side),
                )
        return {name: show_names(field, request.user) for name, field in links.items()}

    def may_link(self, request: HttpRequest, relation: ManyToMany) -> bool:
        """Whether the links may be edited: they are kept, and the user may view the rows."""
        opts: Any = relation.through._meta
        if not opts.auto_created or not keeps_links(relation):
            return False
        if not self.admin_site.is_registered(relation.related_model):
            return True
        related_admin = self.admin_site.get_model_admin(relation.related_model)
        return related_admin.has_view_permission(request)

    def get_links_widget(self, request: HttpRequest, side: Any) -> Any:
        """Autocompletion, where the rows can be searched."""
        site, model = self.admin_site, side.related_model
        is_registered = site.is_registered(model)
        if is_registered and site.get_model_admin(model).get_search_fields(request):
            return KeysOrNames(side, site)
        return forms.SelectMultiple()

    def get_edit_form(self, request: HttpRequest, names: Collection[str] | None = None) -> Any:
        """The form with all fields, or with those in `names`."""
        own, links = self.get_edit_fields(request), self.get_edit_links(request)
        if names is not None:
            own = [name for name in own if name in names]
            links = {name: field for name, field in links.items() if name in names}
        return modelform_factory(
            self.model,
            form=type(
                "EditForm", (EditForm, self.form), links | {"reach": Reach.of(request.user)}
            ),
            fields=own,
            formfield_callback=partial(self.formfield_for_dbfield, request=request),
        )

    def get_texts(self, request: HttpRequest) -> dict[ModelField, Clean]:
        """The fields to find and replace in, each with what cleans its texts."""
        texts: dict[ModelField, Clean] = {}
        for field in self.get_editable_fields(request):
            if not is_text(field) or field.primary_key:
                continue
            form_field = self.formfield_for_dbfield(field, request=request)
            if isinstance(form_field, forms.CharField):
                texts[field] = partial(cleaned, field, form_field, self.model)
        return texts

    def get_unticked(self, request: HttpRequest) -> list[str]:
        """The fields that were filled but not ticked, and not asked about yet."""
        if "_preview" not in request.POST:
            return []
        known = {*request.POST.getlist("change"), *request.POST.getlist("unticked")}
        form = self.get_edit_form(request)(request.POST)
        return [name for name in form.changed_data if name not in known]

    # Pages --------------------------------------------------------------------------

    def show_fields(
        self, request: HttpRequest, queryset: QuerySet[Any], *, asks: bool, is_sent: bool = True
    ) -> HttpResponse:
        """The fields; `asks` for what is missing in what was sent, or is wrong in it."""
        data = request.POST if is_sent else None
        names = request.POST.getlist("change")
        form, chosen = self.get_edit_form(request)(data), self.get_edit_form(request, names)
        replacing = ReplaceForm(self.get_texts(request), data, names)
        unticked = self.get_unticked(request) if asks else []
        problems = chosen(data).errors if asks else {}
        form._errors = problems
        for name, field in form.fields.items():
            field.required &= name in names
        context = {
            "fields": [(form[name], name in names) for name in form.fields],
            "replacing": replacing if replacing.texts else None,
            "none_chosen": asks
            and not chosen.base_fields
            and replacing.is_valid()
            and not replacing.replacement,
            "has_errors": asks and (problems or replacing.errors),
            "asked": [form[name].label for name in unticked],
            "unticked": [*request.POST.getlist("unticked"), *unticked],
            "is_typed": is_sent,
            "media": self.media + form.media,
        }
        return self.edit_page(request, "edit_fields", queryset, context)

    def preview_edit(
        self,
        request: HttpRequest,
        queryset: QuerySet[Any],
        edit: Edit,
        form: EditForm,
        replacing: ReplaceForm,
    ) -> TemplateResponse:
        """What would change, row by row in the order of the list, which is the queryset's."""
        edit.look()
        # First, so that rows changed while the page is made don't match the fingerprint.
        number, expected = edit.fingerprint()
        related = [field.name for field in edit.values if field.is_relation]
        listed = queryset.using(edit.using).select_related(*related)
        rows = list(listed.filter(pk__in=edit.changing.values("pk"))[:SHOWN])
        left_out = list(listed.filter(pk__in=edit.left_out.values("pk"))[:LISTED])
        texts = edit.texts.of([row.pk for row in [*rows, *left_out]]) if edit.texts else {}
        columns = list(columns_of(edit, form, rows, texts))
        context = {
            "hidden": [*form.hidden(), *(bound.as_hidden() for bound in replacing)],
            "chosen": list(form.fields),
            "new": [*form.described(), *replacing.described()],
            "columns": [label for label, _cells in columns],
            "sample": list(
                zip(names(rows, edit.reach), *(cells for _label, cells in columns), strict=True)
            ),
            "number": Count(number),
            "expected": expected,
            "refused": named_pairs(edit.refused(), edit.reach),
            "left_out": named_pairs([(row, texts[row.pk][0]) for row in left_out], edit.reach),
            "left": Count(edit.left_out.count()) if left_out else 0,
            "is_typed": True,
            "media": self.media,
        }
        return self.edit_page(request, "edit_preview", edit.rows, context)

    def edit_page(
        self, request: HttpRequest, page: str, queryset: QuerySet[Any], context: dict[str, Any]
    ) -> TemplateResponse:
        total = Count(queryset.count())
        keys = request.POST.getlist(helpers.ACTION_CHECKBOX_NAME)
        is_across = request.POST.get("select_across") == "1"
        name = model_ngettext(self.opts, total)
        context |= {
            **self.admin_site.each_context(request),
            "title": _("Edit %(number)s %(name)s") % {"number": total, "name": name},
            "opts": self.opts,
            "total": total,
            "objects_name": name,
            # Django's list requires at least one key; the filter is in the URL.
            "keys": keys[:1] if is_across else keys,
            "is_across": is_across,
            "action_checkbox_name": helpers.ACTION_CHECKBOX_NAME,
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, f"admin/backoffice/{page}.html", context)


def named_pairs(pairs: list[tuple[Any, str]], reach: Reach) -> list[tuple[str, str]]:
    """The records of `(record, sentence)` by their names."""
    texts = names([record for record, _sentence in pairs], reach)
    return [(text, sentence) for text, (_row, sentence) in zip(texts, pairs, strict=True)]


def cleaned(field: Any, form_field: forms.Field, model: Any, text: str) -> Any:
    """The text as the field's form would store it. Raises ValidationError."""
    value = form_field.clean(text)
    # Text of several lines keeps its blank edges, if it has anything else: only what was
    # found is to change.
    return field.clean(value if is_line(field) or not value else text, model())
