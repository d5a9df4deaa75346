"""System checks: what would leave the second factor unasked, or right passwords counted."""

from typing import Any

from django.conf import settings
from django.contrib.admin.sites import all_sites
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import DatabaseError
from django.urls import NoReverseMatch, reverse

from backoffice.signin import second_factor

GATE = "backoffice.admin.signin.gate.Gate"
BACKEND, SETTLE = "backoffice.signin.throttle.Backend", "backoffice.signin.throttle.settle"


def register_checks() -> None:
    """For the AppConfig."""
    register(check_sign_in, Tags.security)
    register(check_roles, Tags.security, deploy=True)


def check_sign_in(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    errors: list[CheckMessage] = []
    is_whole = GATE in settings.MIDDLEWARE and second_factor.is_installed()
    if settings.SECOND_FACTOR_ROLES and not is_whole:
        errors.append(
            Error(
                "SECOND_FACTOR_ROLES names who must have a second factor, and nobody asks"
                " for one.",
                hint=f"Add “{GATE}” to MIDDLEWARE, and django_otp, django_otp.plugins.otp_totp"
                " and django_otp.plugins.otp_static to INSTALLED_APPS.",
                id="backoffice.E095",
            )
        )
    if is_whole and not any(has_pages(site) for site in all_sites):
        errors.append(
            Error(
                "No admin site has the pages that ask for a second factor.",
                hint="Use backoffice.admin.site.AdminSite, or derive yours from"
                " backoffice.admin.signin.pages.SignInPages.",
                id="backoffice.E096",
            )
        )
    if BACKEND in settings.AUTHENTICATION_BACKENDS and SETTLE not in settings.MIDDLEWARE:
        errors.append(
            Error(
                "Right passwords count as wrong ones: whoever signs in often is locked out.",
                hint=f"Add “{SETTLE}” to MIDDLEWARE, before axes.middleware.AxesMiddleware.",
                id="backoffice.E097",
            )
        )
    return errors


def check_roles(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    from django.contrib.auth.models import Group

    special = {second_factor.EVERYBODY, second_factor.SUPERUSERS}
    unknown = set(settings.SECOND_FACTOR_ROLES) - special
    if not unknown:
        return []
    try:
        unknown -= set(Group.objects.filter(name__in=unknown).values_list("name", flat=True))
    except DatabaseError:  # there are no tables yet
        return []
    if not unknown:
        return []
    return [
        Warning(
            f"SECOND_FACTOR_ROLES names no group there is: {', '.join(sorted(unknown))}. Nobody"
            " is asked for a second factor by it.",
            hint="Write the names as the groups have them.",
            id="backoffice.W109",
        )
    ]


def has_pages(site: Any) -> bool:
    try:
        return bool(reverse(f"{site.name}:second_factor_code"))
    except NoReverseMatch:
        return False
