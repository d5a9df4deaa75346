"""What is kept of a row, and which rows are seen: history, managers, order."""

from typing import Self

from django.db import models

from backoffice.history.historical_records import HistoricalRecords
from tests.everything.models.base import Coded
from tests.everything.models.keys import AutoKey


class Unkept(Coded):
    """No history."""

    name = models.CharField(max_length=20, blank=True)
    plain = models.ManyToManyField(AutoKey, blank=True)


class PartlyKept(Coded):
    """History of some fields, and of none of its links."""

    name = models.CharField(max_length=20, blank=True)
    secret = models.CharField(max_length=20, blank=True)
    plain = models.ManyToManyField(AutoKey, blank=True)

    history = HistoricalRecords(excluded_fields=["secret"])


class Shown(models.Manager["Hiding"]):
    def get_queryset(self) -> models.QuerySet["Hiding"]:
        return super().get_queryset().filter(hidden=False)


class Hiding(Coded):
    """The default manager hides rows; each of them is there nevertheless."""

    name = models.CharField(max_length=20, blank=True)
    hidden = models.BooleanField(default=False)

    objects = Shown()
    everyone: models.Manager[Self] = models.Manager()

    history = HistoricalRecords()


class Ordered(Coded):
    """`Meta.ordering`, and a default manager that is not the first."""

    name = models.CharField(max_length=20, blank=True)
    place = models.IntegerField(default=0)

    few = Shown()
    everyone: models.Manager[Self] = models.Manager()

    history = HistoricalRecords()

    class Meta:
        ordering = ["-place", "name"]
        default_manager_name = "everyone"
