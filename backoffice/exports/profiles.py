"""`ExportProfile`: the choices of an export's page under a name."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy

from backoffice.owned import Owned
from backoffice.querysets.scopes import declare, own


class ExportProfile(Owned):
    """Names of columns, never rights: what the user may not see is left out at each use."""

    #: The Resource's name, of those that the model's exports offer.
    resource = models.CharField(gettext_lazy("resource"), max_length=200)
    #: The names of the columns in their order.
    columns = models.JSONField(gettext_lazy("columns"), default=list)
    format = models.CharField(gettext_lazy("format"), max_length=20)
    encoding = models.CharField(gettext_lazy("encoding"), max_length=50, blank=True)

    class Meta:
        verbose_name = gettext_lazy("export profile")
        verbose_name_plural = gettext_lazy("export profiles")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user", "model", "name"], name="exportprofile_name_once"
            )
        ]


declare(ExportProfile, own())  # as saved views
