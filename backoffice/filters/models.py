"""Filters that were saved under a name."""

import itertools
from typing import Any, Self

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import models, transaction
from django.utils.translation import gettext_lazy

from backoffice.querysets.scopes import declare, own


class SavedFilterQuerySet(models.QuerySet["SavedFilter"]):
    def seen_by(self, user: Any, model: type[models.Model]) -> Self:
        """The user's own filters of a model's list by name, then the shared ones by name."""
        seen = self.filter(models.Q(user=user) | models.Q(shared=True), model=model._meta.label)
        is_shared = models.Case(models.When(user=user, then=0), default=1)
        return seen.select_related("user").order_by(is_shared, "name", "pk")

    def needed_without(self, owners: models.QuerySet[Any]) -> Self:
        """Those of the owners that others use, so that they outlive the owners' accounts."""
        return self.filter(user__in=owners.values("pk"), shared=True)

    def hand_over(self, to: Any) -> int:
        """Give them all to another user, and return how many.

        Of two that have the same name then, one is renamed.
        """
        rest = list(self.order_by("pk"))
        taken = set(SavedFilter.objects.filter(user=to).values_list("model", "name"))
        for saved in rest:
            names = (f"{saved.name[:80]} ({n})" for n in itertools.count(2))
            while (saved.model, saved.name) in taken:
                saved.name = next(names)
            taken.add((saved.model, saved.name))
            saved.user, saved.start = to, False
        fields = ["user", "name", "start"]
        return self.model._base_manager.bulk_update(rest, fields, batch_size=200)


class SavedFilter(models.Model):
    """A view: filters, search, order and columns of a list under a name, never rows."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="+",
        verbose_name=gettext_lazy("user"),
    )
    model = models.CharField(gettext_lazy("model"), max_length=200)
    name = models.CharField(gettext_lazy("name"), max_length=100)
    query = models.TextField(gettext_lazy("query string"))
    shared = models.BooleanField(gettext_lazy("shared with all staff"), default=False)
    start = models.BooleanField(
        gettext_lazy("my list opens with it"),
        default=False,
        db_default=False,
    )
    created_at = models.DateTimeField(gettext_lazy("created at"), auto_now_add=True)

    objects = SavedFilterQuerySet.as_manager()

    class Meta:
        verbose_name = gettext_lazy("saved view")
        verbose_name_plural = gettext_lazy("saved views")
        constraints = [
            models.UniqueConstraint(
                fields=["user", "model", "name"], name="savedfilter_name_once"
            ),
            models.UniqueConstraint(
                fields=["user", "model"],
                condition=models.Q(start=True),
                name="savedfilter_start_once",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Save it; a list that opens with it opens with no other."""
        with transaction.atomic():
            if self.start:
                # One save after the other: two at once would each find no other.
                owner = get_user_model()._base_manager.filter(pk=self.user_id)
                owner.select_for_update(no_key=True).first()
                others = SavedFilter.objects.filter(user=self.user, model=self.model)
                others.exclude(pk=self.pk).filter(start=True).update(start=False)
            super().save(*args, **kwargs)


declare(SavedFilter, own())  # others' name what they were looking for
