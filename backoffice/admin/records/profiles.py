"""Import profiles: made on the columns page of an import; renamed, changed and deleted here."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django import forms
from django.apps import apps
from django.conf import settings
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from backoffice.admin.base import PlainModelAdmin
from backoffice.admin.changes.columns import owner_note
from backoffice.admin.menu import WORK
from backoffice.admin.records.changes import ModelFilter
from backoffice.changes.profiles import OPTIONS, Profile
from backoffice.changes.undo import plural
from backoffice.imports.rows import Only
from backoffice.imports.twins import Alike

TAB = "\t"
WORDS = {
    "format": gettext_lazy("Format"),
    "encoding": gettext_lazy("Encoding"),
    "delimiter": gettext_lazy("Between cells"),
    "sheet": gettext_lazy("Sheet"),
    "header_row": gettext_lazy("Row of the header"),
    "match": gettext_lazy("Records are told apart by"),
    "nothing": gettext_lazy("Read as blank"),
    "clear_blank": gettext_lazy("A blank cell clears the present value"),
    "repairs": gettext_lazy("Repairs"),
    "alike": gettext_lazy("If a row looks like a record"),
    "only": gettext_lazy("What is written"),
    "protected": gettext_lazy("Updates leave as they are"),
    "mirror": gettext_lazy("Mirrors"),
}


class ProfileForm(forms.ModelForm[Profile]):
    class Meta:
        model = Profile
        fields = ("name", "owner", "mail", "run_at", "options")

    def clean_options(self) -> dict[str, Any]:
        """Refuse what is no option of an import, or names no field of the Resource."""
        options = self.cleaned_data["options"]
        if not isinstance(options, dict) or set(options) - set(OPTIONS):
            known = ", ".join(OPTIONS)
            raise forms.ValidationError(_("Write a list in braces with some of: %s.") % known)
        fields = self.instance.resource_class.spellings()
        try:
            unknown = [name for name in _fields(options) if name not in fields]
            Alike(options.get("alike") or Alike.REJECT)
            Only(options.get("only") or Only.BOTH)
            int(options.get("header_row") or 1)
        except (TypeError, ValueError) as error:
            raise forms.ValidationError(_("A value is of another kind.")) from error
        if unknown:
            raise forms.ValidationError(_("These are no fields: %s.") % ", ".join(unknown))
        return options


def _fields(options: dict[str, Any]) -> Iterator[str]:
    for name in ("overrides", "constants"):
        "".join(dict(options.get(name) or {}).values())  # which are texts
        yield from options.get(name) or {}
    for name, values in dict(options.get("values") or {}).items():
        "".join(dict(values).values())
        yield name
    for name in ("match", "protected"):
        yield from options.get(name) or ()


class ProfileAdmin(PlainModelAdmin):
    """All who may import into a model see, change and delete its profiles."""

    menu_group = WORK
    form = ProfileForm
    list_display = ("name", "records", "owner", "mail", "updated_at")
    list_filter = [("model", ModelFilter)]
    list_select_related = ("owner",)
    search_fields = ("name",)
    ordering = ("name",)
    fieldsets = (
        (None, {"fields": ("name", "records", "owner", "choices", "for_headers")}),
        (gettext_lazy("Feed"), {"fields": ("folder", "run_at", "mail")}),
        (gettext_lazy("Choices as JSON"), {"fields": ("options",), "classes": ("collapse",)}),
    )
    readonly_fields = ("records", "choices", "for_headers", "folder")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Feeds write in the owner's name: only a superuser makes somebody else the owner."""
        fields = super().get_readonly_fields(request, obj)
        return fields if request.user.is_superuser else (*fields, "owner")

    def save_model(self, request: HttpRequest, obj: Profile, form: Any, change: bool) -> None:
        """Whoever changes a profile is its owner; a superuser can leave it to its owner.

        So nobody has a feed write in another's name. Of one that has no owner, or one who
        has left, whoever saves it is the owner.
        """
        user: Any = request.user
        is_vacant = obj.owner is None or not obj.owner.is_active
        is_anothers = obj.owner != user and form.changed_data and not user.is_superuser
        if is_vacant or is_anothers:
            obj.owner = user
            if note := owner_note():
                messages.info(request, note)
        super().save_model(request, obj, form, change)

    @admin.display(description=gettext_lazy("folder"))
    def folder(self, profile: Profile) -> str:
        if not settings.IMPORT_FOLDER:
            return _("Feeds are off: IMPORT_FOLDER is not set.")
        return str(Path(settings.IMPORT_FOLDER) / profile.name)

    @admin.display(description=gettext_lazy("records"), ordering="model")
    def records(self, profile: Profile) -> str:
        return plural(profile.model)

    @admin.display(description=gettext_lazy("choices"))
    def choices(self, profile: Profile) -> str:
        lines = [(line,) for line in described(profile.options)]
        return format_html_join("", "<div>{}</div>", lines) or "–"

    @admin.display(description=gettext_lazy("for files with the headers"))
    def for_headers(self, profile: Profile) -> str:
        return ", ".join(filter(None, profile.headers))

    # Who may ------------------------------------------------------------------------

    def _labels(self, request: HttpRequest) -> list[str]:
        """The models into which the user may import."""
        site = self.admin_site
        return [
            model._meta.label
            for model in filter(site.is_registered, apps.get_models())
            for model_admin in [site.get_model_admin(model)]
            if hasattr(model_admin, "has_import_permission")
            and model_admin.has_import_permission(request)
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).filter(model__in=self._labels(request))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return bool(self._labels(request))

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # they are made on the columns page

    def has_view_permission(self, request: HttpRequest, obj: Profile | None = None) -> bool:
        labels = self._labels(request)
        return bool(labels) if obj is None else obj.model in labels

    def has_change_permission(self, request: HttpRequest, obj: Profile | None = None) -> bool:
        return self.has_view_permission(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Profile | None = None) -> bool:
        return self.has_view_permission(request, obj)


def described(options: dict[str, Any]) -> Iterator[str]:
    """The options of a profile in words, a line each."""
    for name, header in (options.get("overrides") or {}).items():
        words = {"field": name, "header": header}
        from_column = _("%(field)s from the column “%(header)s”") % words
        yield from_column if header else _("%(field)s from no column") % words
    for name, text in (options.get("constants") or {}).items():
        yield _("%(field)s is “%(text)s” in every row") % {"field": name, "text": text}
    for name, values in (options.get("values") or {}).items():
        for value, text in values.items():
            words = {"field": name, "value": value, "text": text}
            yield _("%(field)s: “%(value)s” is read as “%(text)s”") % words
    for name, label in WORDS.items():
        if value := options.get(name):
            text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
            yield str(label) if value is True else f"{label}: {text.replace(TAB, _('tab'))}"
