"""Every constraint, and models that check themselves."""

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Deferrable, F, Q
from django.db.models.functions import Lower

from backoffice.history.historical_records import HistoricalRecords
from tests.everything.models.base import Owned


class Unique(Owned):
    char = models.CharField(max_length=20, unique=True)
    or_null = models.IntegerField(unique=True, null=True, blank=True)
    for_date = models.CharField(max_length=20, unique_for_date="date", blank=True)
    date = models.DateField(null=True, blank=True)

    history = HistoricalRecords()


class Together(Owned):
    left = models.IntegerField(null=True, blank=True)
    right = models.IntegerField(null=True, blank=True)

    history = HistoricalRecords()

    class Meta:
        unique_together = [("left", "right")]


class Pairs(Owned):
    """UniqueConstraint: of several columns, and under a condition."""

    left = models.IntegerField(null=True, blank=True)
    right = models.IntegerField(null=True, blank=True)
    room = models.CharField(max_length=20, blank=True)
    closed = models.BooleanField(default=False)

    history = HistoricalRecords()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["left", "right"], include=["room"], name="everything_pair_unique"
            ),
            models.UniqueConstraint(
                fields=["room"],
                condition=Q(closed=False) & ~Q(room=""),
                name="everything_room_open",
                violation_error_message="The room is taken.",
            ),
        ]


class Expressed(Owned):
    name = models.CharField(max_length=20, blank=True)
    number = models.IntegerField(null=True, blank=True)

    history = HistoricalRecords()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                Lower("name").desc(), F("number") % 10, name="everything_name_last_digit"
            )
        ]


class NullsAlike(Owned):
    """Two rows without a number are alike. SQLite has no such constraint; `clean` keeps it."""

    room = models.CharField(max_length=20, blank=True)
    number = models.IntegerField(null=True, blank=True)

    history = HistoricalRecords()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["room", "number"], nulls_distinct=False, name="everything_nulls_alike"
            )
        ]


class Deferred(Owned):
    """Rows may change places. SQLite has no such constraint; validation keeps it."""

    place = models.IntegerField(null=True, blank=True)

    history = HistoricalRecords()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["place"], deferrable=Deferrable.DEFERRED, name="everything_place_free"
            )
        ]


class Checked(Owned):
    low = models.IntegerField(default=0)
    high = models.IntegerField(null=True, blank=True)

    history = HistoricalRecords()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(high__isnull=True) | Q(low__lte=F("high")),
                name="everything_low_high",
                violation_error_message="Low is above high.",
            )
        ]


class Refusing(Owned):
    """`clean` refuses a row."""

    low = models.IntegerField(default=0)
    high = models.IntegerField(default=9)

    history = HistoricalRecords()

    def clean(self) -> None:
        if self.low > self.high:
            raise ValidationError({"low": "Low is above high."})


class Warden(Owned):
    """`clean` changes a value."""

    name = models.CharField(max_length=40, blank=True)
    initials = models.CharField(max_length=10, blank=True)

    history = HistoricalRecords()

    def clean(self) -> None:
        self.initials = "".join(word[0] for word in self.name.split()).upper()
