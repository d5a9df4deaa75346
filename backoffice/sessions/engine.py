"""For `SESSION_ENGINE`: sessions in the database that end by idle time and by age.

Each request reads the session in one statement, as with Django's; whether it has ended is a
condition of that. When it was seen last is written by `touch`, at most once a minute.
"""

import datetime
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends import db
from django.db import OperationalError, connections, router
from django.utils import timezone

from backoffice.sessions.fresh import signed_in_at
from backoffice.sessions.models import Session

EVERY = datetime.timedelta(minutes=1)  # between two that are written


@dataclass(frozen=True)
class Visitor:
    """From where a session is used: an IP address and the name of a browser, if known."""

    address: str | None = None
    browser: str = ""


NOBODY = Visitor()


def is_used() -> bool:
    """Whether this project has these sessions, and not Django's."""
    return issubclass(import_module(settings.SESSION_ENGINE).SessionStore, SessionStore)


class SessionStore(db.SessionStore):
    """Django's, which also knows whose the session is, from where, and since when."""

    def __init__(self, session_key: str | None = None, visitor: Visitor = NOBODY) -> None:
        super().__init__(session_key)
        self.visitor = visitor
        self.row: Any = None  # as it was read

    @classmethod
    def get_model_class(cls) -> Any:
        return Session

    def get_session_cookie_age(self) -> int:
        hours: int = settings.SESSION_HOURS
        return hours * 3600

    def load(self) -> dict[str, Any]:
        row: Any = self._get_session_from_db()  # type: ignore[attr-defined] # the stubs lack it
        self.row = row
        return self.decode(self.row.session_data) if self.row else {}

    def flush(self) -> None:
        super().flush()
        self.row = None

    def create_model_instance(self, data: dict[str, Any]) -> Any:
        row: Any = super().create_model_instance(data)
        known, now = self.row, timezone.now()
        row.account = data.get(SESSION_KEY, "")
        row.address, row.browser = self.visitor.address, self.visitor.browser
        row.first_seen = signed_in_at(data) or (known.first_seen if known else now)
        # Only `touch` moves it: what a page writes by itself is no sign of life.
        row.last_seen = known.last_seen if known else now
        row.expire_date = self.ends_at(row.first_seen, row.last_seen, row.expire_date)
        return row

    def ends_at(
        self,
        first_seen: datetime.datetime,
        last_seen: datetime.datetime,
        limit: datetime.datetime,
    ) -> datetime.datetime:
        idle = datetime.timedelta(minutes=settings.SESSION_IDLE_MINUTES)
        age = datetime.timedelta(hours=settings.SESSION_HOURS)
        return min(first_seen + age, last_seen + idle, limit)

    def touch(self) -> None:
        """Note that the session was seen now, unless that was noted within a minute.

        Somebody else who writes for a while is not waited for: the next request notes it.
        """
        row, now = self.row, timezone.now()
        if row is None or not row.account or now - row.last_seen < EVERY:
            return
        limit = self.get_expiry_date(modification=now)
        values = {
            "last_seen": now,
            "expire_date": self.ends_at(row.first_seen, now, limit),
            "address": self.visitor.address,
            "browser": self.visitor.browser,
        }
        using = router.db_for_write(Session)
        rows = Session.objects.using(using).filter(pk=self.session_key)
        is_sqlite = connections[using].vendor == "sqlite"
        with connections[using].cursor() as cursor:
            if is_sqlite:
                cursor.execute("PRAGMA busy_timeout")
                (patience,) = cursor.fetchone()
                cursor.execute("PRAGMA busy_timeout = 0")
            try:
                rows.update(**values)
            except OperationalError:
                if not is_sqlite:
                    raise
            finally:
                if is_sqlite:
                    cursor.execute(f"PRAGMA busy_timeout = {patience:d}")
