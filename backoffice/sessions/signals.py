"""What a sign-in, and a change of an account, mean for its sessions."""

from typing import Any

from django.conf import settings
from django.contrib.auth.signals import user_logged_in
from django.db.models.signals import post_save
from django.utils.translation import gettext as _

from backoffice.sessions.engine import is_used
from backoffice.sessions.fresh import note_sign_in
from backoffice.sessions.models import Session
from backoffice.trail.record import record


def end_stale_sessions(
    *, instance: Any, created: bool, raw: bool, update_fields: Any, **kwargs: Any
) -> None:
    """A new password ends the account's sessions, as does its being set inactive."""
    is_about_it = update_fields is None or {"password", "is_active"} & set(update_fields)
    if created or raw or not is_about_it or not is_used():
        return
    if ended := Session.objects.end_stale(instance):
        reason = _("By a new password, or because the account is no longer active")
        record("session ended", user=instance, obj=instance, message=reason, count=ended)


def connect() -> None:
    user_logged_in.connect(note_sign_in, dispatch_uid="backoffice.sessions")
    post_save.connect(
        end_stale_sessions,
        sender=settings.AUTH_USER_MODEL,
        dispatch_uid="backoffice.sessions",
    )
