"""The second way in: a link, by mail or from the command line, good once and for an hour."""

import datetime
import re

import pytest
from django.contrib.auth.models import User
from django.core import mail
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from backoffice.languages import Language
from backoffice.signin import links, second_factor
from backoffice.trail.models import Entry
from tests.factories import make_user

pytestmark = pytest.mark.django_db

INDEX, ASK = reverse("admin:index"), reverse("admin:sign_in_link")


@pytest.fixture(autouse=True)
def _at_once(settings):
    settings.TASKS = {
        "default": {"BACKEND": "django_tasks.backends.immediate.ImmediateBackend"}
    }


@pytest.fixture
def ann():
    return make_user(username="ann", email="ann@example.org", password="x", is_superuser=True)


def asked(name, client=None):
    page = (client or Client()).post(ASK, {"username": name})
    return page, [re.search(r"http://\S+", each.body)[0] for each in mail.outbox]


def test_the_link_comes_by_mail_and_signs_in_once(ann):
    page, (link,) = asked("ann")
    assert "on its way" in page.text
    assert mail.outbox[0].to == ["ann@example.org"]
    owner = Client()
    assert "ann" in owner.get(link).text
    assert owner.get(INDEX).status_code == 302  # to look at it is not to use it
    assert owner.post(link).url == INDEX
    assert owner.get(INDEX).status_code == 200
    again = Client()
    assert again.get(link).status_code == 410
    assert again.post(link).status_code == 410
    assert again.get(INDEX).status_code == 302
    actions = [entry.action for entry in Entry.objects.order_by("pk")]
    assert actions == ["link asked for", "sign-in"]


def test_the_mail_is_in_the_language_of_the_page_that_asked(ann):
    asked("ann", Client(headers={"Accept-Language": "es"}))
    assert mail.outbox[0].subject == "Su enlace para iniciar sesión"


def test_the_mail_is_in_the_language_of_the_account_whoever_asked(ann):
    Language.objects.create(user=ann, code="es")
    asked("ann", Client(headers={"Accept-Language": "en"}))
    assert mail.outbox[0].subject == "Su enlace para iniciar sesión"
    assert "Alguien" in mail.outbox[0].body


def test_two_uses_at_once_are_one(ann):
    first, second = (links.account_for(links.token_for(ann)) for _ in range(2))
    assert [links.use(first), links.use(second)] == [True, False]


def test_nobody_learns_whether_there_is_an_account(ann):
    make_user(username="bob")  # without an address
    make_user(username="out", email="out@example.org", is_active=False)
    names = ("bob", "out", "nobody", "ann")
    token = re.compile(r'name="csrfmiddlewaretoken" value="\w+"')  # masked anew on each page
    pages = {token.sub("", asked(name)[0].text.partition("<body")[2]) for name in names}
    assert len(pages) == 1
    assert len(mail.outbox) == 1


def test_one_mail_in_ten_minutes(ann):
    for _ in range(5):
        asked("ann")
    assert len(mail.outbox) == 1


def test_a_link_is_good_for_an_hour(ann, monkeypatch):
    token = links.token_for(ann)
    assert links.account_for(token) == ann
    monkeypatch.setattr(links, "VALID", datetime.timedelta(seconds=-1))
    assert links.account_for(token) is None


def test_a_sign_in_a_new_password_or_another_key_end_a_link(ann, settings):
    token = links.token_for(ann)
    settings.SECRET_KEY = "another"
    assert links.account_for(token) is None
    settings.SECRET_KEY = "only-for-tests"
    assert links.account_for(token) == ann
    User.objects.filter(pk=ann.pk).update(last_login=timezone.now())
    assert links.account_for(token) is None
    ann.refresh_from_db()
    token = links.token_for(ann)
    ann.set_password("y")
    ann.save()
    assert links.account_for(token) is None


def test_who_may_not_sign_in_gets_in_by_no_link(ann):
    token = links.token_for(ann)
    User.objects.filter(pk=ann.pk).update(is_active=False)
    assert links.account_for(token) is None
    assert links.account_for("forged") is None


def test_without_a_mail_server_no_link_goes_to_the_log(ann, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.console.EmailBackend"
    page, _none = asked("ann")
    assert "manage.py unlock" in page.text
    assert not Entry.objects.exists()


def test_the_command_prints_a_link(ann, capsys, client):
    call_command("unlock", "ann", site="http://testserver")
    link = capsys.readouterr().out.strip()
    assert client.post(link).url == INDEX
    assert Entry.objects.order_by("pk").first().object_name == "ann"


def test_the_command_takes_a_lost_second_factor_away(ann, capsys, client):
    second_factor.enroll(ann, second_factor.new_key(), 0)
    call_command("unlock", "ann", "--remove-second-factor")
    assert second_factor.device_of(ann) is None
    link = capsys.readouterr().out.strip()
    assert link.startswith("http://localhost/admin/sign-in/link/")


def test_the_command_names_a_user_that_is_not_there():
    with pytest.raises(CommandError, match="There is no user nobody"):
        call_command("unlock", "nobody")
