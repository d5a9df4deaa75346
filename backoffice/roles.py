"""What a role, a group of Django's, is for: a sentence for whoever gives it to somebody."""

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy, pgettext


def said(text: str) -> str:
    """A role's name or sentence as pages say it: those that come with the project are theirs in
    every language; what somebody else has written stays as it is."""
    return pgettext("role", text) if text else ""


class RoleManager(models.Manager["Role"]):
    def get_by_natural_key(self, name: str) -> "Role":
        return self.get(group__name=name)


class Role(models.Model):
    """The sentence of a group; a group without one lists its permissions instead."""

    group = models.OneToOneField(
        "auth.Group",
        on_delete=models.CASCADE,
        primary_key=True,
        related_name="role",
        verbose_name=gettext_lazy("group"),
    )
    sentence = models.CharField(gettext_lazy("what it is for"), max_length=300)

    objects = RoleManager()

    class Meta:
        verbose_name = gettext_lazy("sentence of a role")
        verbose_name_plural = gettext_lazy("sentences of roles")
        default_permissions = ()  # whoever may change the group may change it

    def __str__(self) -> str:
        return self.sentence

    def natural_key(self) -> tuple[Any, ...]:
        return (self.group.name,)

    natural_key.dependencies = ["auth.group"]  # type: ignore[attr-defined] # Django's own way
