"""`Session`: whose it is, and from which browser and address it is used."""

import hashlib
from collections.abc import Iterable
from typing import Any, ClassVar

from django.contrib.auth import HASH_SESSION_KEY
from django.contrib.sessions.base_session import AbstractBaseSession, BaseSessionManager
from django.db import models
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext_lazy


class SessionManager(BaseSessionManager["Session"]):
    def alive(self, user: Any) -> "list[Session]":
        """The account's sessions that can still be used, the one seen last first.

        Not those from before its password was changed: Django takes them for ended.
        """
        rows = self.filter(account=str(user.pk), expire_date__gt=timezone.now())
        return [row for row in rows.order_by("-last_seen") if row.is_of(user)]

    def end_stale(self, user: Any) -> int:
        """End those that the account's new password, or its being inactive, has ended."""
        rows: Iterable[Session] = self.filter(account=str(user.pk))
        is_active = getattr(user, "is_active", True)
        stale = [row.pk for row in rows if not (is_active and row.is_of(user))]
        self.filter(pk__in=stale).delete()
        return len(stale)


class Session(AbstractBaseSession):
    """A session. It ends at `expire_date`, by its idle time or its age."""

    #: The primary key of the account as text; "" while nobody is signed in.
    account = models.CharField(max_length=255, blank=True, db_index=True)
    #: From where it was seen last.
    address = models.GenericIPAddressField(gettext_lazy("address"), null=True, blank=True)
    browser = models.CharField(gettext_lazy("browser"), max_length=100, blank=True)
    first_seen = models.DateTimeField(gettext_lazy("since"), default=timezone.now)
    last_seen = models.DateTimeField(gettext_lazy("last seen"), default=timezone.now)

    scope = None  # one sees one's own

    objects: ClassVar[SessionManager] = SessionManager()

    class Meta(AbstractBaseSession.Meta):
        pass

    def __str__(self) -> str:
        return self.browser or self.name

    @classmethod
    def get_session_store_class(cls) -> Any:
        from backoffice.sessions.engine import SessionStore

        return SessionStore

    @property
    def name(self) -> str:
        """What a page calls it: who knows the key could use the session."""
        return hashlib.sha256(self.session_key.encode()).hexdigest()[:16]

    def is_of(self, user: Any) -> bool:
        """Whether the account has the password that it had when it signed in."""
        if not hasattr(user, "get_session_auth_hash"):
            return True
        known = self.get_decoded().get(HASH_SESSION_KEY, "")
        valid = [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]
        return any(constant_time_compare(known, each) for each in valid)
