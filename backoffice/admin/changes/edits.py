"""Editing from the list: sets the same values on all rows that are ticked or listed."""

from functools import partial
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin import helpers
from django.contrib.admin.utils import flatten_fieldsets, model_ngettext
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import FileField, QuerySet
from django.forms.models import construct_instance, modelform_factory
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.admin.submissions.once import confirmed_by
from backoffice.admin.typing import ModelAdminBase
from backoffice.changes.edits import Edit, Refused, RowsMoved
from backoffice.history.checks import check_history
from backoffice.history.records import history_model
from backoffice.querysets.counts import Count

SHOWN = 20  # rows whose old and new values a preview shows
PREFIX = "edit"


class EditForm(forms.ModelForm):  # type: ignore[type-arg] # takes none when it runs
    """Validates each field on its own: there is no complete object to validate."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs, prefix=PREFIX)  # type: ignore[misc] # given once

    def _post_clean(self) -> None:
        self.instance = construct_instance(self, self.instance)
        try:
            self.instance.clean_fields(exclude=self._get_validation_exclusions())  # type: ignore[attr-defined] # not in the stubs
        except ValidationError as error:
            self._update_errors(error)  # type: ignore[attr-defined] # not in the stubs

    def values(self) -> dict[Any, Any]:
        """`{field: value}`, as the model's fields clean it."""
        fields = [self.instance._meta.get_field(name) for name in self.fields]
        return {field: getattr(self.instance, field.attname) for field in fields}


class EditMixin(ModelAdminBase):
    """For a ModelAdmin with history: the action “Edit selected …”.

    Each page is the answer to a POST of the action, as in Django's deletion: the fields, a
    preview, and then the page of the change, where it can be undone.
    """

    _url: Any  # ImportMixin's

    def check(self, **kwargs: Any) -> list[Any]:
        return [*super().check(**kwargs), *check_history(self.model)]

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
            return self.show_fields(request, queryset, data=request.POST if steps else None)
        form = self.get_edit_form(request, request.POST.getlist("change"))(request.POST)
        if not form.fields or not form.is_valid():
            return self.show_fields(request, queryset, data=request.POST, asked=True)
        edit = Edit(queryset, form.values())
        if steps != ["_apply"]:
            return self.preview_edit(request, edit, form)
        expected = request.POST.get("expected", "")
        try:
            job = edit.run(user=request.user, title=titled(form), expected=expected)
        except RowsMoved:
            problem = _("The records have changed since. Nothing was written; look again.")
        except Refused as error:
            problem = str(error)
        else:
            return HttpResponseRedirect(self._url("import_job", job.pk))
        self.message_user(request, problem, messages.ERROR)
        return self.preview_edit(request, edit, form)

    def may_change_all(self, request: HttpRequest, queryset: QuerySet[Any]) -> bool:
        """Ask for each row, as Django does; only once if the answer is the same for all."""
        if type(self).has_change_permission is admin.ModelAdmin.has_change_permission:
            return self.has_change_permission(request)
        return all(
            self.has_change_permission(request, row)
            for row in queryset.iterator(chunk_size=1000)
        )

    # The form -----------------------------------------------------------------------

    def get_edit_fields(self, request: HttpRequest) -> list[str]:
        """The fields of the form that can have the same value in many rows: not unique ones.

        Files are left out, since each row has its own; so are fields that history doesn't
        keep, since the edit couldn't be undone.
        """
        kept = {field.name for field in history_model(self.model).tracked_fields}
        shown = flatten_fieldsets(self.get_fieldsets(request))
        readonly = self.get_readonly_fields(request)
        return [
            field.name
            for field in self.opts.concrete_fields
            if field.editable
            and not field.unique
            and field.name in kept
            and not isinstance(field, FileField)
            and field.name in shown
            and field.name not in readonly
        ]

    def get_edit_form(self, request: HttpRequest, names: list[str] | None = None) -> Any:
        """The form with all fields, or with those in `names`."""
        fields = self.get_edit_fields(request)
        return modelform_factory(
            self.model,
            form=type("EditForm", (EditForm, self.form), {}),
            fields=[name for name in fields if names is None or name in names],
            formfield_callback=partial(self.formfield_for_dbfield, request=request),
        )

    # Pages --------------------------------------------------------------------------

    def show_fields(
        self, request: HttpRequest, queryset: QuerySet[Any], *, data: Any, asked: bool = False
    ) -> HttpResponse:
        form = self.get_edit_form(request)(data)
        chosen = set(request.POST.getlist("change")) & set(form.fields)
        for name in form.fields:
            if name not in chosen:
                form.fields[name].required = False
                form.errors.pop(name, None)
        context = {
            "fields": [(form[name], name in chosen) for name in form.fields],
            "none_chosen": asked and not chosen,
            "has_errors": asked and chosen,
            "media": self.media + form.media,
        }
        return self.edit_page(request, "edit_fields", queryset, context)

    def preview_edit(self, request: HttpRequest, edit: Edit, form: Any) -> HttpResponse:
        fields = list(edit.values)
        # First, so that rows changed while the page is made don't match the fingerprint.
        number, expected = edit.fingerprint()
        related = [field.name for field in fields if field.is_relation]
        rows = edit.changing.select_related(*related).order_by(
            *self.get_ordering(request), "pk"
        )
        new = {field: shown(field, form.instance) for field in fields}
        refused = edit.refused()
        context = {
            "hidden": [form[name].as_hidden() for name in form.fields],
            "chosen": list(form.fields),
            "new": [(capfirst(field.verbose_name), new[field]) for field in fields],
            "columns": [capfirst(field.verbose_name) for field in fields],
            "sample": [
                (row, [(shown(field, row), new[field]) for field in fields])
                for row in rows[:SHOWN]
            ],
            "number": Count(number),
            "expected": expected,
            "refused": refused,
            "media": self.media,
        }
        return self.edit_page(request, "edit_preview", edit.rows, context)

    def edit_page(
        self, request: HttpRequest, page: str, queryset: QuerySet[Any], context: dict[str, Any]
    ) -> HttpResponse:
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


def shown(field: Any, row: Any) -> str:
    """A field's value as shown to staff."""
    value = getattr(row, field.name)
    if getattr(field, "flatchoices", None):
        value = dict(field.flatchoices).get(value, value)
    return "" if value is None else str(value)


def titled(form: Any) -> str:
    """The title of an edit: "State: New York"."""
    opts, row = form.instance._meta, form.instance
    fields = [opts.get_field(name) for name in form.fields]
    return ", ".join(f"{capfirst(f.verbose_name)}: {shown(f, row) or '–'}" for f in fields)
