"""Forms that were sent: a form is done once, and whoever sends it again gets its answer.

`{% csrf_token %}` puts the token of a form beside it, see `backoffice.templatetags.once`.
"""

import datetime
import hashlib
import secrets
from dataclasses import dataclass
from typing import Any, Self

from django.core.files.uploadedfile import UploadedFile
from django.db import models
from django.http import HttpRequest
from django.utils import timezone

NAME = "_once"  # of the hidden input
OWN = ("csrfmiddlewaretoken", NAME)  # what is in a form beside its own inputs
BUTTONS = ("_save", "_addanother", "_continue")  # what they write is the same


@dataclass(frozen=True)
class Token:
    """Tells forms apart, and says who opened them.

    nonce: as random as a key · user: a user name, as the form says; nothing is granted by it.
    """

    nonce: str
    user: str

    @classmethod
    def new(cls, user: str) -> Self:
        return cls(secrets.token_urlsafe(16), user)

    @classmethod
    def of(cls, request: HttpRequest) -> Self | None:
        """The token that was sent; None where the form had none."""
        nonce, _space, user = request.POST.get(NAME, "").partition(" ")
        return cls(nonce, user) if nonce else None

    def __str__(self) -> str:
        return f"{self.nonce} {self.user}"


def digest(*parts: Any) -> str:
    return hashlib.sha256(repr(parts).encode(errors="surrogatepass")).hexdigest()


def body_of(request: HttpRequest, token: Token) -> str:
    """A digest of what was sent; the nonce is stored nowhere, so no password is found by it."""
    fields = [pair for pair in request.POST.lists() if pair[0] not in (*OWN, *BUTTONS)]
    files = [
        (name, file.name, content_of(file))
        for name, sent in request.FILES.lists()
        for file in sent
        if file is not None
    ]
    return digest(token.nonce, fields, files)


def content_of(file: "UploadedFile[Any]") -> str:
    """A digest of it. A digit that was mended in a file changes neither name nor size."""
    sha256 = hashlib.sha256()
    for chunk in file.chunks():
        sha256.update(chunk)
    file.seek(0)
    return sha256.hexdigest()


class Submission(models.Model):
    """A form that was sent and did something, or is about to: the last of its token.

    Where the form is done in one transaction, its row is written in that: a repeat waits for
    the row at the database, whichever process it reaches.
    """

    #: The digest of user, address and token, and of whether it adds.
    key = models.CharField(max_length=64, primary_key=True)
    body = models.CharField(max_length=64)  # see `body_of`
    #: Where it led and what was said, see `backoffice.admin.submissions.answers`; null while
    #: it is being done.
    answer = models.JSONField(null=True)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    def __str__(self) -> str:
        return self.key

    @property
    def age(self) -> datetime.timedelta:
        return timezone.now() - self.created_at
