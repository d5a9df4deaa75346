"""The rights to export and to erase: a permission for each model where they mean something.

`migrate` makes them, as it makes those to add, change, delete and view.
"""

from typing import Any

from django.apps import AppConfig
from django.apps import apps as installed
from django.contrib.admin.sites import all_sites
from django.contrib.auth import get_permission_codename
from django.contrib.contenttypes.management import create_contenttypes
from django.db import DEFAULT_DB_ALIAS, router
from django.db.models import Model
from django.http import HttpRequest

from backoffice.erasure.personal import personal_models
from backoffice.resources.registry import resources


def exported_models() -> set[type[Model]]:
    """Those that have a Resource, and those whose ModelAdmin, on any site, has one."""
    return {resource._meta.model for resource in resources.all()} | {
        model
        for site in all_sites
        for model, model_admin in site._registry.items()
        if getattr(model_admin, "resource_classes", ())
    }


def may_export(request: HttpRequest, model: type[Model]) -> bool:
    codename = get_permission_codename("export", model._meta)
    return bool(request.user.has_perm(f"{model._meta.app_label}.{codename}"))


def make_export_permissions(
    app_config: AppConfig,
    verbosity: int = 0,
    using: str = DEFAULT_DB_ALIAS,
    apps: Any = installed,
    **kwargs: Any,
) -> None:
    """After the migrations of an app: make the permissions of its models that are missing."""
    rights = [
        (right, model._meta)
        for right, models in (("export", exported_models()), ("erase", personal_models()))
        for model in models
        if model._meta.app_label == app_config.label
    ]
    try:
        content_types: Any = apps.get_model("contenttypes", "ContentType")
        permissions: Any = apps.get_model("auth", "Permission")
    except LookupError:  # not migrated yet
        return
    if not rights or not router.allow_migrate_model(using, permissions):
        return
    create_contenttypes(app_config, verbosity, using=using, apps=apps)
    for right, opts in sorted(rights, key=lambda each: (each[1].label, each[0])):
        # A model of a later migration has no content type yet.
        for kind in content_types._base_manager.using(using).filter(
            app_label=opts.app_label, model=opts.model_name
        ):
            permissions._base_manager.using(using).get_or_create(
                content_type=kind,
                codename=get_permission_codename(right, opts),
                defaults={"name": f"Can {right} {opts.verbose_name_raw}"},
            )
