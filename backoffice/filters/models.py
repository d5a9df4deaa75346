"""Filters that were saved under a name."""

from typing import Any, ClassVar

from django.contrib.auth import get_user_model
from django.db import models, transaction
from django.utils.translation import gettext_lazy

from backoffice.owned import Owned, OwnedQuerySet
from backoffice.querysets.scopes import declare, own


class SavedFilterQuerySet(OwnedQuerySet):
    def hand_over(self, to: Any) -> int:
        """As `Owned`; no list of the new owner opens with them."""
        with transaction.atomic():
            self.filter(start=True).update(start=False)
            return super().hand_over(to)


class SavedFilter(Owned):
    """A view: filters, search, order and columns of a list under a name, never rows."""

    query = models.TextField(gettext_lazy("query string"))
    start = models.BooleanField(
        gettext_lazy("my list opens with it"),
        default=False,
        db_default=False,
    )

    objects: ClassVar[Any] = SavedFilterQuerySet.as_manager()

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
