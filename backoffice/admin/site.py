"""The admin site: its name, and what every page of it shares."""

from django.contrib import admin


class AdminSite(admin.AdminSite):
    site_title = "Library back office"
    site_header = "Library back office"
    index_title = "Branches, patrons, librarians and titles"

    def _build_app_dict(self, request, label=None):
        """Django's, with a ModelAdmin's `menu_title` for the name where it has one."""
        app_dict = super()._build_app_dict(request, label)
        for app in [app_dict] if label else app_dict.values():
            for entry in app.get("models", ()):
                model_admin = self.get_model_admin(entry["model"])
                entry["name"] = getattr(model_admin, "menu_title", entry["name"])
        return app_dict
