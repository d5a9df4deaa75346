"""Values that the file need not have: defaults of Python and of the database; odd names."""

import uuid

from django.db import models
from django.db.models import F
from django.db.models.functions import Concat, Lower, Now
from django.utils import timezone

from backoffice.history.historical_records import HistoricalRecords
from tests.everything.models.base import Owned


class Given(Owned):
    text = models.CharField(max_length=20, default="given", blank=True)
    number = models.IntegerField(default=7)
    unlike = models.UUIDField(default=uuid.uuid4, unique=True)
    mapping = models.JSONField(default=dict, blank=True)
    since = models.DateTimeField(default=timezone.now)
    by_database = models.IntegerField(db_default=42)
    text_by_database = models.CharField(max_length=20, db_default="base", blank=True)
    at_by_database = models.DateTimeField(db_default=Now())
    digit = models.GeneratedField(
        expression=F("number") % 10, output_field=models.IntegerField(), db_persist=True
    )
    lowered = models.GeneratedField(
        expression=Lower(Concat("code", "text")),
        output_field=models.CharField(max_length=40),
        db_persist=True,
    )

    history = HistoricalRecords()


class Odd(Owned):
    """Names that must be quoted: reserved words, capitals, a blank, quotes.

    No quote in the name of a table: Django's own `flush` breaks on it on SQLite.
    """

    order = models.IntegerField(null=True, blank=True)
    group = models.CharField(max_length=20, blank=True)
    select = models.CharField(max_length=20, blank=True, db_column="Select")
    line = models.IntegerField(null=True, blank=True)
    pk_of = models.IntegerField(null=True, blank=True, db_column="live")
    quoted = models.CharField(max_length=20, blank=True, db_column="it's a `column`")
    ünïcode = models.CharField(max_length=20, blank=True)
    friends = models.ManyToManyField("self", blank=True, db_table="Odd friends")

    history = HistoricalRecords(m2m_fields=["friends"], table_name="Odd History")

    class Meta:
        db_table = "Odd Table"
