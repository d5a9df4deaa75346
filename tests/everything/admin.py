"""A ModelAdmin for each model, on a stock AdminSite: a second one beside the project's."""

from django.contrib import admin
from django.db import models

from backoffice.admin.base import ModelAdmin, PlainModelAdmin
from tests.everything.filtersets import FILTERSETS
from tests.everything.resources import RESOURCES, models_of_the_app

site = admin.AdminSite(name="everything")


def admin_of(model: type[models.Model]) -> type[admin.ModelAdmin]:
    has_history = hasattr(model._meta, "simple_history_manager_attribute")
    keys = RESOURCES[model]._meta.import_id_fields
    body = {
        "search_fields": [key if key == "code" else f"{key}__code" for key in keys],
        "ordering": keys,
        "resource_classes": (RESOURCES[model],),
        "filterset_class": FILTERSETS[model],
    }
    base = ModelAdmin if has_history else PlainModelAdmin
    return type(f"{model.__name__}Admin", (base,), body)


for each in models_of_the_app():
    site.register(each, admin_of(each))
