"""`Entry`, a line of the trail. It is written once; retention and erasure alone remove it."""

from typing import Any, NoReturn

from django.apps import apps
from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy


class AppendOnly(Exception):
    """Something tried to change or delete what is in the trail."""


class EntryQuerySet(models.QuerySet["Entry"]):
    def update(self, **kwargs: Any) -> NoReturn:
        raise AppendOnly("The trail is not changed.")

    def delete(self) -> NoReturn:
        raise AppendOnly("Nothing is deleted from the trail; retention removes what is old.")


class Entry(models.Model):
    """Who did something, from where, to what, and to how many."""

    at = models.DateTimeField(gettext_lazy("when"), default=timezone.now, db_index=True)
    #: A short name: "add", "import", "sign-in".
    action = models.CharField(gettext_lazy("action"), max_length=40, db_index=True)
    #: The account's key outlives the account, as history's does; `name` says whose it was.
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=gettext_lazy("user"),
        db_index=False,
    )
    name = models.CharField(gettext_lazy("who"), max_length=200, blank=True, db_index=True)
    address = models.GenericIPAddressField(gettext_lazy("from where"), null=True, blank=True)
    #: The model's label.
    model = models.CharField(gettext_lazy("model"), max_length=200, blank=True)
    object_id = models.CharField(gettext_lazy("key"), max_length=255, blank=True)
    object_name = models.CharField(gettext_lazy("record"), max_length=200, blank=True)
    #: A sentence, or JSON as Django's log has it; see `said`.
    message = models.TextField(gettext_lazy("what"), blank=True)
    count = models.PositiveBigIntegerField(gettext_lazy("how many"), null=True, blank=True)

    objects = EntryQuerySet.as_manager()

    class Meta:
        verbose_name = gettext_lazy("entry of the activity")
        verbose_name_plural = gettext_lazy("activity")
        base_manager_name = "objects"  # no way around it
        indexes = [
            models.Index(fields=["model", "object_id"], name="trail_of_an_object"),
            models.Index(fields=["user", "at"], name="trail_of_a_user"),
        ]

    def __str__(self) -> str:
        return " ".join(filter(None, (self.name, self.action, self.object_name)))

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Add the entry. Raises AppendOnly if it is in the trail already."""
        if not self._state.adding:
            raise AppendOnly("The trail is not changed.")
        # A new object with the key of an entry would be written over it.
        super().save(*args, **kwargs | {"force_insert": True})

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise AppendOnly("Nothing is deleted from the trail; retention removes what is old.")

    @property
    def said(self) -> str:
        """The message in words, in the reader's language."""
        return str(LogEntry(change_message=self.message).get_change_message())

    @property
    def model_class(self) -> type[models.Model] | None:
        """The model; None if there is none, or if it is no longer installed."""
        try:
            return apps.get_model(self.model) if self.model else None
        except LookupError:
            return None
