from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps
from django.core import checks
from django.utils.module_loading import autodiscover_modules


class BackofficeConfig(AppConfig):
    name = "backoffice"
    verbose_name = "Back office"
    default = True

    def ready(self) -> None:
        autodiscover_modules("resources", "filtersets")
        from backoffice.resources.checks import check_resources

        checks.register(check_resources)


class AdminConfig(admin_apps.AdminConfig):
    """Django's admin with our site (branding, theme) as `admin.site`."""

    default = False
    default_site = "backoffice.admin.site.AdminSite"

    def ready(self) -> None:
        super().ready()
        # After Django's own have registered: ours take their place.
        from backoffice.admin.accounts import activity, auth  # noqa: F401
        from backoffice.admin.changes import jobs  # noqa: F401
        from backoffice.admin.lists import saved_filters  # noqa: F401
