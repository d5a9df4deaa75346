"""Export profiles: staff rename, share and delete their own; exports keep and use them."""

from typing import Any, ClassVar

from django.apps import apps
from django.contrib import admin
from django.contrib.admin.exceptions import NotRegistered
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from backoffice.admin.lists.export_forms import PURPOSES
from backoffice.admin.lists.lines import LineField
from backoffice.admin.lists.owned_forms import OwnedForm
from backoffice.admin.records.owned import OwnedAdmin
from backoffice.exports.names import label_of
from backoffice.exports.profiles import ExportProfile


class ExportProfileForm(OwnedForm):
    name_taken = _("You already have a profile of this name.")

    class Meta:
        model = ExportProfile
        fields = ("name", "shared")
        field_classes: ClassVar = {"name": LineField}


class ExportProfileAdmin(OwnedAdmin):
    page = "export"
    form = ExportProfileForm
    list_display = ("name", "open_list", "purpose", "shared", "user", "created_at")
    fields = ("name", "shared", "open_list", "purpose", "in_order")
    readonly_fields = ("open_list", "purpose", "in_order")

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Whether the user may export anything."""
        site: Any = self.admin_site
        return any(
            model_admin.has_export_permission(request)
            for model_admin in site._registry.values()
            if hasattr(model_admin, "has_export_permission")
        )

    @admin.display(description=_("what for"), ordering="format")
    def purpose(self, profile: ExportProfile) -> Any:
        return PURPOSES.get(profile.format, profile.format)

    @admin.display(description=_("columns"))
    def in_order(self, profile: ExportProfile) -> str:
        resource = self._resource(profile)
        labels = (resource and label_of(resource, name) for name in profile.columns)
        return ", ".join(
            label or name for label, name in zip(labels, profile.columns, strict=True)
        )

    def _resource(self, profile: ExportProfile) -> Any:
        """The class of its Resource; None if that is no longer there."""
        try:
            model_admin: Any = self.admin_site.get_model_admin(apps.get_model(profile.model))
        except (LookupError, NotRegistered):
            return None
        classes = getattr(model_admin, "resource_classes", ())
        return next((each for each in classes if each.__name__ == profile.resource), None)
