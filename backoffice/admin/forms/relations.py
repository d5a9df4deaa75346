"""Choices of related rows: only those that the related model's admin shows the user."""

from copy import deepcopy
from typing import Any

from django.contrib.admin.exceptions import NotRegistered
from django.db.models import QuerySet
from django.forms.models import ModelMultipleChoiceField
from django.http import HttpRequest

from backoffice.admin.typing import ModelAdminBase


class RelatedScopeMixin(ModelAdminBase):
    """For a ModelAdmin or an inline: its choices come from the related ModelAdmin."""

    def get_field_queryset(self, db: str | None, db_field: Any, request: HttpRequest) -> Any:
        try:
            related_admin = self.admin_site.get_model_admin(db_field.remote_field.model)
        except NotRegistered:
            return super().get_field_queryset(db, db_field, request)
        return related_admin.get_queryset(request).using(db)


class KeepUnseenLinksMixin(RelatedScopeMixin):
    """Keeps links to rows that the user can't see, and so the form can't offer, on saving."""

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        if obj is not None and request.method == "POST":
            for name, field in form.base_fields.items():
                if name not in request.POST and is_required_choice(field):
                    # A copy: a field declared on a form class is shared by all requests.
                    field = form.base_fields[name] = deepcopy(field)
                    field.required = not unseen_links(obj, name, field).exists()
        return form

    def save_related(
        self, request: HttpRequest, form: Any, formsets: Any, change: bool
    ) -> None:
        rows = [row for formset in formsets for row in formset.initial_forms]
        for each in [form, *rows] if change else []:
            if each is form or each.has_changed():
                keep_unseen_links(each)
        super().save_related(request, form, formsets, change)


def keep_unseen_links(form: Any) -> None:
    """Add to each many-to-many choice of `form` the links that it did not offer.

    It takes one statement for each such field.
    """
    for name, field in form.fields.items():
        if isinstance(field, ModelMultipleChoiceField) and name in form.cleaned_data:
            unseen = unseen_links(form.instance, name, field)
            form.cleaned_data[name] = [*form.cleaned_data[name], *unseen]


def is_required_choice(field: Any) -> bool:
    return isinstance(field, ModelMultipleChoiceField) and field.required


def unseen_links(obj: Any, name: str, field: Any) -> QuerySet[Any]:
    """The linked rows that `field` does not offer."""
    seen = field.queryset.order_by().values("pk")
    linked: QuerySet[Any] = getattr(obj, name).all()
    return linked.exclude(pk__in=seen)
