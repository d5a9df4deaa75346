"""Choices of related rows: only those the related model's admin shows the user."""

from django.contrib.admin.exceptions import NotRegistered
from django.forms.models import ModelMultipleChoiceField


class RelatedScopeMixin:
    """For a ModelAdmin or an inline: its choices come from the related ModelAdmin."""

    def get_field_queryset(self, db, db_field, request):
        try:
            related_admin = self.admin_site.get_model_admin(db_field.remote_field.model)
        except NotRegistered:
            return super().get_field_queryset(db, db_field, request)
        return related_admin.get_queryset(request).using(db)


class KeepUnseenLinksMixin(RelatedScopeMixin):
    """Keeps links to rows that the user can't see, when a form that offers none is saved."""

    def save_related(self, request, form, formsets, change):
        if change:
            keep_unseen_links(form)
        super().save_related(request, form, formsets, change)


def keep_unseen_links(form):
    """Add to each many-to-many choice of `form` the links that it did not offer.

    One statement for each such field.
    """
    for name, field in form.fields.items():
        if isinstance(field, ModelMultipleChoiceField) and name in form.cleaned_data:
            seen = field.queryset.order_by().values("pk")
            unseen = getattr(form.instance, name).exclude(pk__in=seen)
            form.cleaned_data[name] = [*form.cleaned_data[name], *unseen]
