"""What staff keep under a name, for themselves or for all: views, profiles of exports."""

import itertools
from typing import Any, ClassVar, Self

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy


class OwnedQuerySet(models.QuerySet[Any]):
    def seen_by(self, user: Any, model: type[models.Model]) -> Self:
        """The user's own for a model by name, then those that others share by name."""
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
        rest, every = list(self.order_by("pk")), self.model._base_manager
        taken = set(every.filter(user=to).values_list("model", "name"))
        for row in rest:
            names = (f"{row.name[:80]} ({n})" for n in itertools.count(2))
            while (row.model, row.name) in taken:
                row.name = next(names)
            taken.add((row.model, row.name))
            row.user = to
        every.bulk_update(rest, ["user", "name"], batch_size=200)
        return len(rest)


class Owned(models.Model):
    """A user has a name only once for a model: each subclass has the constraint."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        related_name="+",
        verbose_name=gettext_lazy("user"),
    )
    #: The model's label.
    model = models.CharField(gettext_lazy("model"), max_length=200)
    name = models.CharField(gettext_lazy("name"), max_length=100)
    shared = models.BooleanField(gettext_lazy("shared with all staff"), default=False)
    created_at = models.DateTimeField(gettext_lazy("created at"), auto_now_add=True)

    objects: ClassVar[Any] = OwnedQuerySet.as_manager()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name
