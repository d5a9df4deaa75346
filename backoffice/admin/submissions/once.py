"""Once is once: two clicks on *Save*, or a page loaded again, write one time.

Every form that a signed-in user opens has a token. What was done with it last is remembered
with the answer, in the transaction of the work itself, so that a repeat waits for the first
and gets the same answer, and a form that ended with errors can be sent again. A form without
a token is done as often as it is sent.
"""

import logging
import time
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

from django.conf import settings
from django.contrib import messages
from django.db import Error, IntegrityError, OperationalError, connections, router, transaction
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import URLPattern, URLResolver
from django.utils import formats, timezone
from django.utils.translation import gettext as _

from backoffice.admin.submissions import busy, kept, proof
from backoffice.admin.submissions.answers import answer_of, said_in, say_again
from backoffice.submissions import Submission, Token, body_of, digest
from backoffice.tables.waits import limit_waits, met_lock

logger = logging.getLogger(__name__)

WAIT = 60  # seconds for the answer of a form that is done in several transactions
AT_ONCE = 10  # seconds within which a repeat is a second click

Work = Callable[[], Any]


View = TypeVar("View", bound=Callable[..., Any])


def in_steps(view: View) -> View:
    """Mark a view that can't be one transaction: it commits step by step.

    It has to keep a second run from doing the same itself; a repeat still waits for the first
    and gets its answer.
    """
    view.in_steps = True  # type: ignore[attr-defined] # Django's decorators copy it
    return view


def confirmed_by(name: str) -> Callable[[View], View]:
    """Mark an action of a list that only asks until its form sends `name`."""

    def mark(action: View) -> View:
        action.confirmed_by = name  # type: ignore[attr-defined] # as `admin.action` does it
        return action

    return mark


def guard(patterns: list[Any], model_admin: Any) -> list[Any]:
    """Have each view of the URL patterns do a form once."""
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            guard(pattern.url_patterns, model_admin)
        elif isinstance(pattern, URLPattern):
            pattern.callback = guarded(pattern.callback, model_admin.admin_site, model_admin)
    return patterns


def guarded(view: Callable[..., Any], site: Any, model_admin: Any = None) -> Callable[..., Any]:
    """The view, but doing a form once."""
    is_in_steps = getattr(view, "in_steps", False)

    @wraps(view)
    def once(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        try:
            return checked(request, *args, **kwargs)
        except proof.ProofNeeded:
            return proof.ask(request, site)
        except OperationalError as error:
            if request.method != "POST" or not met_lock(error):
                raise
            return busy.page(request, site, in_steps=is_in_steps)

    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        if request.method != "POST":
            return view(request, *args, **kwargs)
        if not site.has_permission(request):
            if not kept.is_own(request):
                return view(request, *args, **kwargs)  # asks to sign in
            if refused := kept.sign_in(request, site):
                return refused
        if refused := proof.take(request, site):
            return refused
        token = Token.of(request)
        if token is None or kept.is_fetch(request) or asks(request, model_admin):
            return view(request, *args, **kwargs)
        if token.user != request.user.get_username():
            return kept.page(request, site, kept.ANOTHER)
        sent = Sent(request, token)
        do = sent.in_steps if is_in_steps else sent.at_once
        return do(lambda: view(request, *args, **kwargs), site)

    once.is_guarded = True  # type: ignore[attr-defined] # a function takes any
    return once


def asks(request: HttpRequest, model_admin: Any) -> bool:
    """Whether the form is a list's action that only asks, as its `confirmed_by` says.

    It writes nothing, and may take a while to count what it would: that locks nobody out.
    """
    for name in request.POST.getlist("action"):
        confirmed = getattr(getattr(model_admin, name, None), "confirmed_by", None)
        if confirmed is not None and confirmed not in request.POST:
            return True
    return False


class Sent:
    """A form that was sent."""

    def __init__(self, request: HttpRequest, token: Token) -> None:
        self.request, self.at = request, timezone.now()
        self.body, self.adds = body_of(request, token), adds(request)
        address = request.get_full_path()
        self.key = digest(str(request.user.pk), address, token.nonce, self.adds)
        self.using = router.db_for_write(Submission)

    @property
    def row(self) -> Any:
        return Submission.objects.using(self.using).filter(pk=self.key)

    def at_once(self, work: Work, site: Any) -> Any:
        """Do the work and note its answer in one transaction.

        It waits for the same form to be done, but not for long for what others write.
        """
        with transaction.atomic(using=self.using):
            if first := self.first():
                return self.repeat(first, site)
            limit_waits(connections[self.using], settings.SAVE_WAIT_SECONDS)
            response = work()
            self.end(response)
        return response

    def in_steps(self, work: Work, site: Any) -> Any:
        """Do work that commits step by step; its answer is noted after it."""
        if first := self.first():
            return self.repeat(first, site)
        try:
            response = work()
        except BaseException:
            self.row.delete()
            raise
        try:
            self.end(response)
        except Error:  # it is done, and told so; a repeat has to find that out itself
            logger.exception("The answer of a form that was done is not noted")
        return response

    def first(self) -> Submission | None:
        """The one whose answer this gets; None if it is this one's turn to be done."""
        while not self.begin():
            first: Submission | None = self.row.first()
            if first is None:
                continue  # it ended with errors
            if first.answer is None and first.age.total_seconds() <= WAIT:
                time.sleep(0.05)
            elif first.answer is not None and self.repeats(first):
                return first
            elif self.take_over(first):
                break  # it was something else, or its process has died
        return None

    def begin(self) -> bool:
        """Write the row; False if there is one. This waits for whoever is writing it."""
        try:
            with transaction.atomic(using=self.using):
                new = Submission(key=self.key, body=self.body)
                new.save(using=self.using, force_insert=True)
        except IntegrityError:
            return False
        return True

    def repeats(self, first: Submission) -> bool:
        """Whether this is not to be done after `first`. A form that adds asks: see `repeat`."""
        return self.adds or first.body == self.body

    def take_over(self, first: Submission) -> bool:
        """Make the row this one's; False if another has. This waits, as `begin` does."""
        row = self.row.filter(created_at=first.created_at)
        return bool(row.update(body=self.body, answer=None, created_at=timezone.now()))

    def end(self, response: HttpResponseBase) -> None:
        answer = answer_of(self.request, response)
        if answer is None:
            self.row.delete()
        else:
            self.row.update(answer=answer)

    def repeat(self, first: Submission, site: Any) -> HttpResponseBase:
        """The first's answer; or, if this is not the same, ask whether it is meant."""
        answer: Any = first.answer
        sent_at = formats.time_format(timezone.localtime(first.created_at), "H:i:s")
        if first.body != self.body or "file" in answer:
            why = kept.FILE if "file" in answer else kept.ADDED
            return kept.page(
                self.request,
                site,
                why,
                at=sent_at,
                said=said_in(answer),
                led_to=answer.get("to"),
            )
        response = say_again(self.request, answer)
        if (self.at - first.created_at).total_seconds() > AT_ONCE:
            told = _("This form was sent before, at %s. Nothing was done again.") % sent_at
            messages.info(self.request, told)
        return response


def adds(request: HttpRequest) -> bool:
    """Whether the form makes a new record each time it is sent."""
    match = request.resolver_match
    is_form = match is not None and (match.url_name or "").endswith("_add")
    return is_form or "_saveasnew" in request.POST
