from django.apps import AppConfig
from django.conf import settings
from django.contrib.admin import apps as admin_apps
from django.core import checks
from django.db.models.signals import post_migrate, pre_migrate
from django.utils.module_loading import autodiscover_modules

from backoffice.conf import apply_defaults


class BackofficeConfig(AppConfig):
    name = "backoffice"
    verbose_name = "Back office"
    default = True

    def ready(self) -> None:
        apply_defaults()
        autodiscover_modules("resources", "filtersets")
        from backoffice.erasure.personal import check_personal
        from backoffice.filters.checks import check_filtersets
        from backoffice.health.storage import check_storage
        from backoffice.optional import check_packages, is_installed
        from backoffice.querysets.names import check_names
        from backoffice.querysets.scope_checks import check_scopes
        from backoffice.resources.checks import check_resources
        from backoffice.sessions import signals
        from backoffice.sessions.checks import check_sessions
        from backoffice.signin.checks import register_checks as register_sign_in_checks
        from backoffice.signin.events import connect

        connect()
        register_sign_in_checks()
        checks.register(check_filtersets)
        checks.register(check_names)
        checks.register(check_packages)
        checks.register(check_personal)
        checks.register(check_resources)
        checks.register(check_scopes)
        checks.register(check_sessions)
        checks.register(check_storage, checks.Tags.security, deploy=True)
        signals.connect()

        if settings.SENTRY_DSN and is_installed("SENTRY_DSN"):
            from backoffice import sentry

            sentry.start(settings.SENTRY_DSN)

        from backoffice.deployment import register_checks

        register_checks()

        from backoffice.admin.lists.export_rights import make_export_permissions

        post_migrate.connect(make_export_permissions)

        from backoffice import keepers, languages
        from backoffice.tables import waits

        keepers.connect()
        waits.connect()
        languages.connect()


class AdminConfig(admin_apps.AdminConfig):
    """Django's admin with our site (branding, theme) as `admin.site`."""

    default = False
    default_site = "backoffice.admin.site.AdminSite"

    def ready(self) -> None:
        super().ready()
        # After Django's own have registered: ours take their place.
        from django.contrib.admin import site

        from backoffice.admin.accounts.auth import register_accounts
        from backoffice.admin.brand import check_brand
        from backoffice.admin.lists.scoped import check_sites
        from backoffice.admin.records.registration import register_records

        checks.register(check_sites)
        checks.register(check_brand)
        register_records(site)
        register_accounts(site)

        from backoffice.admin.lists.search_indexes import after_migrations, before_migrations

        pre_migrate.connect(before_migrations, sender=self)
        post_migrate.connect(after_migrations, sender=self)
