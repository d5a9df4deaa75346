"""Every field that holds a value of its own."""

from pathlib import Path

from django.db import models

from backoffice.history.historical_records import HistoricalRecords
from tests.everything.models.base import Owned


class Texts(Owned):
    char = models.CharField(max_length=40, blank=True)
    char_or_null = models.CharField(max_length=40, null=True, blank=True)  # noqa: DJ001
    text = models.TextField(blank=True)
    slug = models.SlugField(blank=True)
    email = models.EmailField(blank=True)
    url = models.URLField(blank=True)

    history = HistoricalRecords()


class Numbers(Owned):
    integer = models.IntegerField(null=True, blank=True)
    big = models.BigIntegerField(null=True, blank=True)
    small = models.SmallIntegerField(null=True, blank=True)
    positive = models.PositiveIntegerField(null=True, blank=True)
    positive_big = models.PositiveBigIntegerField(null=True, blank=True)
    positive_small = models.PositiveSmallIntegerField(null=True, blank=True)
    float = models.FloatField(null=True, blank=True)
    decimal = models.DecimalField(max_digits=12, decimal_places=3, null=True, blank=True)
    whole = models.DecimalField(max_digits=30, decimal_places=0, null=True, blank=True)
    boolean = models.BooleanField(default=False)
    boolean_or_null = models.BooleanField(null=True, blank=True)

    history = HistoricalRecords()


class Moments(Owned):
    date = models.DateField(null=True, blank=True)
    time = models.TimeField(null=True, blank=True)
    moment = models.DateTimeField(null=True, blank=True)
    duration = models.DurationField(null=True, blank=True)
    changed_on = models.DateField(auto_now=True)
    added_on = models.DateField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)
    added_at = models.DateTimeField(auto_now_add=True)
    changed_time = models.TimeField(auto_now=True)

    history = HistoricalRecords()


FOLDER = Path(__file__).parent


def folder() -> Path:
    return FOLDER  # a function, so that no migration names it


class Others(Owned):
    uuid = models.UUIDField(null=True, blank=True)
    json = models.JSONField(null=True, blank=True)
    address = models.GenericIPAddressField(null=True, blank=True)
    address_v4 = models.GenericIPAddressField(
        protocol="both", unpack_ipv4=True, null=True, blank=True
    )
    path = models.FilePathField(path=folder, blank=True)
    binary = models.BinaryField(null=True, blank=True)
    file = models.FileField(blank=True)

    history = HistoricalRecords()


class Colour(models.TextChoices):
    RED = "r", "Red"
    BLUE = "b", "Blue"


class Size(models.IntegerChoices):
    NONE = 0, "None"
    SMALL = 1, "Small"
    LARGE = 20, "Large"


MEDIA = {
    "Audio": {"vinyl": "Vinyl", "cd": "CD"},
    "Video": {"vhs": "VHS Tape", "dvd": "DVD"},
    "unknown": "Unknown",
}


class Chosen(Owned):
    colour = models.CharField(max_length=1, choices=Colour, default=Colour.RED)
    colour_or_null = models.CharField(  # noqa: DJ001
        max_length=1, choices=Colour, null=True, blank=True
    )
    size = models.IntegerField(choices=Size, null=True, blank=True)
    media = models.CharField(max_length=10, choices=MEDIA, blank=True)

    history = HistoricalRecords()


class Required(Owned):
    """Neither null nor blank, and no default."""

    char = models.CharField(max_length=40)
    integer = models.IntegerField()
    decimal = models.DecimalField(max_digits=6, decimal_places=2)
    date = models.DateField()
    moment = models.DateTimeField()
    uuid = models.UUIDField()
    json = models.JSONField()

    history = HistoricalRecords()
