"""When somebody signed in, and when they last proved that it is they.

Both are in the session's data, so that any session engine keeps them.
"""

import datetime
import time
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest

SIGNED_IN = "_signed_in_at"  # keys of the data; seconds since 1970
PROVED = "_proved_at"


def note_sign_in(*, request: HttpRequest | None, **kwargs: Any) -> None:
    """For Django's signal `user_logged_in`."""
    if request is not None and hasattr(request, "session"):
        request.session[SIGNED_IN] = request.session[PROVED] = time.time()


def note_proof(request: HttpRequest) -> None:
    """Somebody typed their password anew: the session gets a new key, too."""
    request.session[PROVED] = time.time()
    request.session.cycle_key()


def is_fresh(request: HttpRequest) -> bool:
    """Whether it is minutes ago that they proved it: SESSION_PROOF_MINUTES."""
    proved_at: float = request.session.get(PROVED, 0)
    minutes: int = settings.SESSION_PROOF_MINUTES
    return 0 <= time.time() - proved_at < minutes * 60


def signed_in_at(data: Mapping[str, Any]) -> datetime.datetime | None:
    """When the session's user signed in; None if the data don't say so."""
    seconds = data.get(SIGNED_IN)
    return None if seconds is None else datetime.datetime.fromtimestamp(seconds, datetime.UTC)
