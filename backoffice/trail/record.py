"""`record` writes a line of the trail; `address_of` says from where a request came."""

import ipaddress
import json
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.db.models import Model
from django.http import HttpRequest

from backoffice.trail.models import Entry


def address_of(request: HttpRequest) -> str | None:
    """The address that the request came from; None if the server does not know it.

    Behind a proxy (BEHIND_PROXY) it is the last of X-Forwarded-For, which that proxy wrote:
    what stands before it, a client may have made up. Else the header is not looked at.
    """
    text = request.META.get("REMOTE_ADDR", "")
    if settings.BEHIND_PROXY:
        text = request.headers.get("X-Forwarded-For", text).rpartition(",")[2].strip()
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None


def record(
    action: str,
    *,
    user: Any = None,
    name: str = "",
    request: HttpRequest | None = None,
    model: type[Model] | None = None,
    obj: Any = None,
    message: Any = "",
    count: int | None = None,
    address: str | None = None,
) -> None:
    """Write a line of the trail: one statement, in the caller's transaction.

    Args:
        user: who did it; the request's user by default.
        name: who, if there is no account: a name that was typed, or a command.
        obj: the row it was done to · model: its model, or that of many rows.
        message: a sentence, or a list as Django's log has it.
        count: to how many rows.
        address: from where, if there is no request any more.
    """
    if user is None and request is not None:
        user = getattr(request, "user", None)
    if user is not None and user.pk is None:  # nobody is signed in
        user = None
    if obj is not None:
        model = model or obj._meta.model  # not its type: `request.user` is a proxy
    Entry(
        action=action,
        user_id=user and user.pk,
        name=_text(name or (user.get_username() if user else ""), 200),
        address=address_of(request) if request is not None else address,
        model=model._meta.label if model else "",
        object_id=_text("" if obj is None else obj.pk, 255),
        object_name=_text("" if obj is None else obj, 200),
        message=_text(message if isinstance(message, str) else json.dumps(message)),
        count=count,
    ).save()


def record_each(
    action: str, rows: Iterable[Any], *, request: HttpRequest, model: type[Model]
) -> None:
    """A line for each of the rows that the request's user did something to."""
    user: Any = request.user
    who = {"user_id": user.pk, "name": user.get_username()[:200]}
    where, what = address_of(request), {"action": action, "model": model._meta.label}
    Entry.objects.bulk_create(
        (
            Entry(
                **who,
                **what,
                address=where,
                object_id=_text(row.pk, 255),
                object_name=_text(row, 200),
            )
            for row in rows
        ),
        batch_size=500,
    )


def _text(value: Any, most: int | None = None) -> str:
    """As a column takes it: PostgreSQL has no null characters."""
    return str(value).replace("\0", "\N{REPLACEMENT CHARACTER}")[:most]
