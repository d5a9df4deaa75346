"""Every kind of primary key. DEFAULT_AUTO_FIELD, a BigAutoField, is the key elsewhere."""

import uuid
from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.sql.compiler import SQLCompiler

from backoffice.history.historical_records import HistoricalRecords
from tests.everything.models.base import Owned


class AutoKey(Owned):
    number = models.AutoField(primary_key=True)
    name = models.CharField(max_length=20, blank=True)

    history = HistoricalRecords()


class SmallKey(Owned):
    id = models.SmallAutoField(primary_key=True)
    name = models.CharField(max_length=20, blank=True)

    history = HistoricalRecords()


class UuidKey(Owned):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=20, blank=True)

    history = HistoricalRecords()


class TextKey(models.Model):
    code = models.CharField(max_length=20, primary_key=True)
    name = models.CharField(max_length=20, blank=True)

    history = HistoricalRecords()

    def __str__(self) -> str:
        return self.code


class NumberKey(models.Model):
    code = models.IntegerField(primary_key=True)
    name = models.CharField(max_length=20, blank=True)

    history = HistoricalRecords()

    def __str__(self) -> str:
        return str(self.code)


class RandomText(models.Func):
    """32 hexadecimal digits, others each time."""

    output_field = models.CharField(max_length=32)
    arity = 0

    def as_sql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any
    ) -> tuple[str, list[Any]]:
        if connection.vendor == "sqlite":
            return "lower(hex(randomblob(16)))", []
        return "md5(random()::text)", []


class DatabaseKey(Owned):
    id = models.CharField(
        primary_key=True, max_length=32, db_default=RandomText(), editable=False
    )
    name = models.CharField(max_length=20, blank=True)

    history = HistoricalRecords()


class OneToOneKey(models.Model):
    """Its key is another row's, of a model with a key of text."""

    text = models.OneToOneField(TextKey, models.CASCADE, primary_key=True)
    name = models.CharField(max_length=20, blank=True)

    history = HistoricalRecords()

    def __str__(self) -> str:
        return str(self.text_id)
