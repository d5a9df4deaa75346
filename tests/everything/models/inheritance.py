"""Models that inherit: with a table of their own, without one, from two levels above."""

from django.db import models

from backoffice.history.historical_records import HistoricalRecords
from tests.everything.models.base import Coded


class Place(Coded):
    name = models.CharField(max_length=40, blank=True)

    history = HistoricalRecords()


class Restaurant(Place):
    stars = models.IntegerField(null=True, blank=True)

    history = HistoricalRecords()


class Bistro(Restaurant):
    wine = models.CharField(max_length=20, blank=True)

    history = HistoricalRecords()


class Cafe(Place):
    """Its key has a name of its own, and no history."""

    place = models.OneToOneField(Place, models.CASCADE, parent_link=True, primary_key=True)
    cups = models.IntegerField(default=0)


class QuietPlace(Place):
    class Meta:
        proxy = True
