"""`ExportFile`: an export that a worker makes, what was chosen for it, and its file."""

from django.db import models
from django.utils.translation import gettext_lazy

from backoffice.changes.folders import Folder
from backoffice.changes.models import Change
from backoffice.querysets.scopes import declare, own


class ExportFile(Folder):
    """It belongs to whoever asked for it, the change's user.

    What was chosen, not what came of it: rows and rights are those of the moment it is made.
    """

    change = models.OneToOneField(
        Change, on_delete=models.CASCADE, primary_key=True, related_name="export"
    )
    #: The name of the AdminSite on whose page it was asked for.
    site = models.CharField(gettext_lazy("site"), max_length=100)
    #: The query string of the list: filters, search and order.
    query = models.TextField(gettext_lazy("filters"), blank=True)
    #: The keys of the rows that were ticked; all of the list if there are none.
    ticked = models.JSONField(gettext_lazy("ticked rows"), default=list)
    #: What the page's form sent: columns, format, encoding.
    form = models.JSONField(gettext_lazy("choices"), default=dict)
    name = models.CharField(gettext_lazy("file name"), max_length=200)
    content_type = models.CharField(gettext_lazy("type of file"), max_length=100)
    #: Its name in the folder; "" until it is whole.
    file = models.CharField(gettext_lazy("file"), max_length=64, blank=True)
    size = models.PositiveBigIntegerField(gettext_lazy("size in bytes"), default=0)
    #: A digest of what its user was limited to when it was made; "" for no limits.
    limits = models.CharField(gettext_lazy("limits"), max_length=64, blank=True)

    class Meta:
        verbose_name = gettext_lazy("export")
        verbose_name_plural = gettext_lazy("exports")

    def __str__(self) -> str:
        return self.name

    @property
    def is_kept(self) -> bool:
        """Whether the file is whole, and was not removed since."""
        return bool(self.folder and self.file)


declare(ExportFile, own("change__user"))
