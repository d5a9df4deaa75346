"""The admin site: its name, and what every page of it shares."""

from django.contrib import admin

from backoffice.admin.changes.deletion import delete_selected
from backoffice.admin.pickers.autocomplete import ChoicesJsonView


class AdminSite(admin.AdminSite):
    site_title = "Library back office"
    site_header = "Library back office"
    index_title = "Branches, patrons, librarians and titles"
    site_url = None  # there is no other site to view

    def __init__(self, name="admin"):
        super().__init__(name)
        self.add_action(delete_selected)  # in the place of Django's

    def autocomplete_view(self, request):
        return ChoicesJsonView.as_view(admin_site=self)(request)

    def get_app_list(self, request, app_label=None):
        """Django's, with a ModelAdmin's `menu_title` for the name where it has one."""
        app_list = super().get_app_list(request, app_label)
        for app in app_list:
            for entry in app["models"]:
                model_admin = self.get_model_admin(entry["model"])
                entry["name"] = getattr(model_admin, "menu_title", entry["name"])
        return app_list
