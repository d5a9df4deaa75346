"""What the machines of one site have alike: the secret key, and the place of the uploads.

The first that starts writes both into the database, the key as a fingerprint. Another whose
key or uploads are not the same does not start. `manage.py adopt` takes this machine's.
"""

import secrets
import socket
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from django.conf import settings
from django.contrib.auth.hashers import ScryptPasswordHasher
from django.db import connection, models, transaction
from django.db.models.functions import Now
from django.utils import timezone

from backoffice import conf

KEY, DATA = "key", "data"
NAMES = (KEY, DATA)


class Shared(models.Model):
    """name: of `NAMES` · value: a fingerprint, or a token · machine: the one that set it."""

    name = models.CharField(max_length=20, primary_key=True)
    value = models.CharField(max_length=300)
    machine = models.CharField(max_length=300)
    set_at = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.name


class Stranger(Exception):
    """A sentence: this machine does not belong to the others, and why."""


class Known(NamedTuple):
    """A row of `Shared`, as others have set it."""

    name: str
    value: str
    machine: str
    set_at: datetime


def demand_same() -> None:
    """Raise Stranger if this machine does not belong to the others; the first sets what is.

    Raises DatabaseError where nobody can tell.
    """
    known = {row.name for row in known_by(connection)}
    for name in NAMES:
        if name not in known:
            _set_first(name)
    rows = known_by(connection)
    if said := problem(rows):
        raise Stranger(said)
    _take_on_key(rows)


def known_by(connection: Any) -> list[Known]:
    rows = Shared.objects.values_list("name", "value", "machine", "set_at")
    return [
        Known(*row) for row in rows.query.get_compiler(connection=connection).results_iter()
    ]


def problem(rows: Iterable[Known]) -> str:
    """What is not alike, and the remedy, in sentences; "" if nothing is."""
    said = []
    for row in rows:
        when = f"{row.machine} set on {timezone.localtime(row.set_at):%Y-%m-%d at %H:%M}"
        if row.name == KEY and not any(is_of(key, row.value) for key in _keys()):
            said.append(
                f"The secret key of this machine is not the one that {when}: who is signed in"
                " on one of them is not on the other. Give all the same SECRET_KEY, or the same"
                " file secret_key in DATA_DIR. If the key was changed, name the one before in"
                " SECRET_KEY_FALLBACKS of all, or accept this one: manage.py adopt key."
            )
        if row.name == DATA and not _has_token(row.value):
            said.append(
                f"{_elsewhere() or settings.DATA_DIR} is not the place of uploads that {when}:"
                " those of one machine are not found on the other. Give all the same DATA_DIR,"
                " or bucket, or mount it. If it was moved, accept this one: manage.py adopt"
                " data."
            )
    return " ".join(said)


def adopt(name: str) -> None:
    """Take this machine's for that of all."""
    with transaction.atomic():
        Shared.objects.filter(name=name).delete()
        _set_first(name)


def _set_first(name: str) -> None:
    """Unless another machine is first: whoever comes second waits for its transaction."""
    with transaction.atomic():
        token = _token() if name == DATA else ""
        value = fingerprint(_keys()[0]) if name == KEY else token or secrets.token_hex(16)
        made = {"value": value, "machine": socket.gethostname()}
        _row, is_new = Shared.objects.get_or_create(name=name, defaults=made)
        if is_new and name == DATA and not token:
            _put_token(value)


# The key --------------------------------------------------------------------------------


def fingerprint(key: str) -> str:
    """As slow to try out as a password: a weak key is not guessed by it."""
    hasher = ScryptPasswordHasher()
    return hasher.encode(key, hasher.salt())


@lru_cache(maxsize=20)
def is_of(key: str, value: str) -> bool:
    return bool(ScryptPasswordHasher().verify(key, value))


def _keys() -> list[str]:
    """The key that signs, and those that are only read."""
    return [str(key) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)]


def _take_on_key(rows: Iterable[Known]) -> None:
    """After a change of the key the new one is that of all, so that the old one can go."""
    for row in rows:
        if row.name == KEY and not is_of(_keys()[0], row.value):
            made = {"value": fingerprint(_keys()[0]), "machine": socket.gethostname()}
            # As it was seen: of two machines that do so, one does.
            Shared.objects.filter(name=KEY, value=row.value).update(**made, set_at=Now())


# The uploads ----------------------------------------------------------------------------


def _has_token(value: str) -> bool:
    try:
        return _token() == value
    except OSError:  # it is not there at the moment: others say so
        return True


def _token() -> str:
    """What tells the place of the uploads from others; "" where nothing is yet."""
    if place := _elsewhere():
        return place
    with suppress(FileNotFoundError):
        return _token_file().read_text().strip()
    return ""


def _elsewhere() -> str:
    """Where uploads are, if not in DATA_DIR: it is named, and asked for nothing."""
    backend = settings.STORAGES["imports"]["BACKEND"]
    if backend == conf.IMPORTS_STORAGE:
        return ""
    bucket = f"{settings.IMPORTS_BUCKET}/{settings.IMPORTS_BUCKET_PREFIX}"
    place = (backend, settings.IMPORTS_BUCKET_ENDPOINT, bucket)
    return " ".join(filter(None, place))[:300]


def _put_token(value: str) -> None:
    path = _token_file()
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    draft.write_text(value)
    draft.replace(path)


def _token_file() -> Path:
    return Path(settings.DATA_DIR) / "store"
