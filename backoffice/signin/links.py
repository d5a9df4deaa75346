"""A link that signs in once: the way in while somebody keeps the account closed to passwords.

It goes to the account's own e-mail address, or is printed by `manage.py unlock`. It is for an
hour, and dead as soon as anybody has signed in to the account. The second factor is asked for
after it all the same.
"""

import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core import signing
from django.core.mail import send_mail
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.translation import gettext as _
from django_tasks import task

from backoffice.languages import read_by
from backoffice.trail.models import Entry

SALT = "backoffice.signin.links"
VALID = datetime.timedelta(hours=1)
PAUSE = datetime.timedelta(minutes=10)  # between two mails to one account
BY_LINK = "link asked for"  # in the trail


def token_for(user: Any) -> str:
    return signing.dumps([str(user.pk), _state(user)], salt=SALT)


def account_for(token: str) -> Any:
    """The account that the token signs in to; None if it is no good, or no longer."""
    try:
        pk, state = signing.loads(token, salt=SALT, max_age=VALID)
    except (signing.BadSignature, ValueError):
        return None
    user = get_user_model()._default_manager.filter(pk=pk, is_active=True).first()
    return user if user and constant_time_compare(state, _state(user)) else None


def use(user: Any) -> bool:
    """Use the link up; False if another request was first."""
    same = get_user_model()._default_manager.filter(pk=user.pk, last_login=user.last_login)
    return bool(same.update(last_login=timezone.now()))


def _state(user: Any) -> str:
    state = f"{user.password} {user.last_login and user.last_login.timestamp()}"
    return salted_hmac(SALT, state, algorithm="sha256").hexdigest()


# By mail --------------------------------------------------------------------------------


def can_mail() -> bool:
    """Whether there is a mail server: a link must not go to the log."""
    return not settings.EMAIL_BACKEND.endswith((".console.EmailBackend", ".dummy.EmailBackend"))


def mail_address(user: Any) -> str:
    return str(getattr(user, user.get_email_field_name(), "") or "")


def may_have(user: Any) -> bool:
    """Whether a link may be mailed to the account now."""
    if user is None or not user.is_active or not mail_address(user):
        return False
    lately = Entry.objects.filter(action=BY_LINK, user=user, at__gte=timezone.now() - PAUSE)
    return not lately.exists()


@task()
def mail_link(pk: str | None, address: str, language: str | None = None) -> None:
    """Mail a link to the account.

    pk: of the account, as text; None does nothing, and takes the request as long · address: of
    the page that the link leads to, up to the token · language: of the mail.
    """
    user = get_user_model()._default_manager.filter(pk=pk).first() if pk else None
    if user is None:
        return
    with read_by(user, language):
        send_mail(*_mail(user, address), None, [mail_address(user)])


def _mail(user: Any, address: str) -> tuple[str, str]:
    """Its subject and its text."""
    text = _(
        "Somebody, probably you, has asked for a link to sign in as %(user)s. It is good once,"
        " within an hour:\n\n%(link)s\n\nIf it was not you, nothing is to be done: whoever"
        " asked does not get this mail."
    )
    link = f"{address}{token_for(user)}/"
    return _("Your link to sign in"), text % {"user": user.get_username(), "link": link}
