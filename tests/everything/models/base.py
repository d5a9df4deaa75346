"""What the models of this app have in common."""

from django.db import models


class Coded(models.Model):
    """An abstract model: its field and its `__str__` are inherited by ordinary ones."""

    code = models.CharField(max_length=20, unique=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.code
