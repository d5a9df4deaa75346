"""A ModelAdmin for each model, on a stock AdminSite: a second one beside the project's."""

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.db import models

from backoffice.admin.base import ModelAdmin, PlainModelAdmin
from tests.everything.filtersets import FILTERSETS
from tests.everything.resources import KEYS, RESOURCES, columns_of, models_of_the_app

site = admin.AdminSite(name="everything")


def admin_of(model: type[models.Model]) -> type[admin.ModelAdmin[Any]]:
    keys = KEYS.get(model, ("code",))
    columns = [model._meta.get_field(name) for name in columns_of(model)]
    body: dict[str, Any] = {
        "search_fields": [key if key == "code" else f"{key}__code" for key in keys],
        "ordering": keys,
        "autocomplete_fields": [f.name for f in columns if f.many_to_one or f.one_to_one],
        "filter_horizontal": [
            f.name
            for f in columns
            if f.many_to_many and f.remote_field.through._meta.auto_created
        ],
    }
    if model in RESOURCES:
        body |= {
            "resource_classes": (RESOURCES[model],),
            "filterset_class": FILTERSETS[model],
        }
    has_history = hasattr(model._meta, "simple_history_manager_attribute")
    base = ModelAdmin if has_history and model in RESOURCES else PlainModelAdmin
    return type(f"{model.__name__}Admin", (base,), body)


site.register(User, UserAdmin)
for each in models_of_the_app():
    site.register(each, admin_of(each))
