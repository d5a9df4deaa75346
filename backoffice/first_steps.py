"""The first steps of a new account: whose start page no longer shows them."""

import datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.utils import timezone

NEW = datetime.timedelta(days=30)  # for so long an account is new


class FirstSteps(models.Model):
    """The owner of an account has put the first steps away."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="+"
    )

    class Meta:
        default_permissions = ()  # everybody has their own alone

    def __str__(self) -> str:
        return str(self.user)


def are_shown_to(user: Any) -> bool:
    """Whether the account is new, and its owner has not put them away."""
    joined = getattr(user, "date_joined", None)
    is_new = joined is not None and timezone.now() - joined < NEW
    return is_new and not FirstSteps.objects.filter(user=user).exists()


def put_away(user: Any) -> None:
    FirstSteps.objects.get_or_create(user=user)
