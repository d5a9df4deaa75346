"""Every FilterSet, and one bound to what an address says."""

from django.contrib import admin
from django.http import QueryDict

FILTERSETS = {
    model: model_admin.filterset_class
    for model, model_admin in admin.site._registry.items()
    if getattr(model_admin, "filterset_class", None)
}


def filterset(model, parameter, *values, **options):
    data = QueryDict(mutable=True)
    data.setlist(parameter, values)
    return FILTERSETS[model](data, model.objects.all(), admin_site=admin.site, **options)


def found(bound):
    return sorted(map(str, bound.qs))


def label(value):
    return value if isinstance(value, str) else value._meta.model_name
