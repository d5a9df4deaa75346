"""`Profile`: how the files of a supplier are imported, kept under a name for all staff."""

import hashlib
import json
from collections.abc import Iterable
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy

from backoffice.querysets.scopes import declare, own

#: What a profile keeps of an import's options.
OPTIONS = (
    "format",
    "encoding",
    "delimiter",
    "sheet",
    "header_row",
    "match",
    "overrides",
    "constants",
    "nothing",
    "clear_blank",
    "repairs",
    "alike",
    "only",
    "protected",
    "values",
    "mirror",
)
#: The last column of a rejects file; a mended one is for the same profile as the file it is of.
IGNORED = "error"


def headers_key(headers: Iterable[str]) -> str:
    """The same for files with the same headers: their order, case and blanks don't count."""
    names = {" ".join(header.casefold().split()) for header in headers} - {"", IGNORED}
    return hashlib.sha256(json.dumps(sorted(names)).encode()).hexdigest()


class ProfileQuerySet(models.QuerySet["Profile"]):
    def for_model(self, model: type[models.Model]) -> Self:
        """The profiles of a model's imports, by name."""
        return self.filter(model=model._meta.label).order_by("name")

    def for_headers(self, headers: Iterable[str]) -> Self:
        """Those that were made for files with these headers, the latest first."""
        return self.filter(headers_key=headers_key(headers)).order_by("-updated_at", "-pk")

    def needed_without(self, owners: models.QuerySet[Any]) -> Self:
        """Those of the owners: others import by them, and feeds write in an owner's name."""
        return self.filter(owner__in=owners.values("pk"))

    def hand_over(self, to: Any) -> int:
        """Make another user their owner, and return how many they are."""
        return self.update(owner=to)


class Profile(models.Model):
    """The options of an import under a name, shared with all who may import into the model."""

    name = models.CharField(gettext_lazy("name"), max_length=100)
    #: The model's label.
    model = models.CharField(gettext_lazy("model"), max_length=200)
    #: The Resource's dotted path.
    resource = models.CharField(gettext_lazy("resource"), max_length=200)
    #: Of `OPTIONS`, those that were chosen.
    options = models.JSONField(gettext_lazy("options"), default=dict, blank=True)
    #: Of the file that it was made with.
    headers = models.JSONField(gettext_lazy("headers"), default=list, blank=True)
    headers_key = models.CharField(max_length=64, db_index=True, blank=True, editable=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=gettext_lazy("owner"),
    )
    mail = models.BooleanField(
        gettext_lazy("mail to the owner"),
        default=True,
        help_text=gettext_lazy("When rows of a feed were rejected."),
    )
    run_at = models.TimeField(
        gettext_lazy("imported at"),
        null=True,
        blank=True,
        help_text=gettext_lazy(
            "The time of day at which the files in its folder are imported; if there is none,"
            " as they come."
        ),
    )
    created_at = models.DateTimeField(gettext_lazy("created at"), auto_now_add=True)
    updated_at = models.DateTimeField(gettext_lazy("updated at"), auto_now=True)

    objects = ProfileQuerySet.as_manager()

    class Meta:
        verbose_name = gettext_lazy("import profile")
        verbose_name_plural = gettext_lazy("import profiles")
        constraints = [
            models.UniqueConstraint(fields=["model", "name"], name="profile_name_once")
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def resource_class(self) -> Any:
        return import_string(self.resource)


declare(Profile, own("owner"))  # others' name the rows that they were made for
