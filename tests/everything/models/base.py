"""What the models of this app have in common."""

from django.db import models

from backoffice.history.historical_records import HistoricalRecords


class Coded(models.Model):
    """An abstract model: its field and its `__str__` are inherited by ordinary ones."""

    code = models.CharField(max_length=20, unique=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.code


class Owner(Coded):
    """Its form has rows of every other model as an inline."""

    history = HistoricalRecords()


class Owned(Coded):
    owner = models.ForeignKey(Owner, models.CASCADE, null=True, blank=True)

    class Meta:
        abstract = True
