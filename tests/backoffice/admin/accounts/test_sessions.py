"""The pages of sessions: one's own, and those of an account; they end, and that is noted."""

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from backoffice.sessions.models import Session
from backoffice.trail.models import Entry
from tests.backoffice.admin.pages import perm, url
from tests.backoffice.sessions.later import later
from tests.backoffice.sessions.test_engine import FIREFOX
from tests.factories import make_user

pytestmark = pytest.mark.django_db

OWN = reverse("admin:own_sessions")
SAFARI = "Mozilla/5.0 (Macintosh) AppleWebKit/605 Version/18.5 Safari/605.1.15"


def signed_in(user, user_agent=FIREFOX):
    client = Client(headers={"user-agent": user_agent})
    client.force_login(user)
    later(minutes=2)
    client.get(reverse("admin:index"))
    return client


def is_signed_in(client):
    return client.get(reverse("admin:index")).status_code == 200


def button(page, name):
    """What the button of this browser sends."""
    return {
        "end": re.search(f'name="end" value="([^"]*)" aria-label="End {name}', page.text)[1]
    }


@pytest.fixture
def ann():
    return make_user(username="ann", password="Zq9x-ruby-4")


@pytest.fixture
def here(ann):
    return signed_in(ann)


@pytest.fixture
def there(ann, here):
    return signed_in(ann, SAFARI)


# One's own ------------------------------------------------------------------------------


def test_everybody_sees_their_own(here, there):
    signed_in(make_user(username="bob"), "curl/8.1")
    page = here.get(OWN)
    shown = [(str(row), is_this) for row, is_this in page.context["sessions"]]
    assert sorted(shown) == [("Firefox 140, Linux", True), ("Safari 18, macOS", False)]
    assert page.text.count("(this one)") == 1
    assert page.text.count("127.0.0.1") == 2
    assert "curl" not in page.text
    assert f'<a href="{OWN}">Sessions</a>' in page.text
    for row in Session.objects.all():
        assert row.session_key not in page.text


def test_one_is_ended(here, there, ann):
    page = here.get(OWN)
    response = here.post(OWN, button(page, "Safari"), follow=True)
    assert "1 session is ended." in response.text
    assert (is_signed_in(here), is_signed_in(there)) == (True, False)
    entry = Entry.objects.get(action="session ended")
    assert (entry.user_id, entry.object_id, entry.count) == (ann.pk, str(ann.pk), 1)
    assert (entry.message, entry.address) == ("Safari 18, macOS", "127.0.0.1")


def test_this_one_is_ended(here, there):
    page = here.get(OWN)
    response = here.post(OWN, button(page, "Firefox"))
    assert response.url == reverse("admin:login")
    assert (is_signed_in(here), is_signed_in(there)) == (False, True)


def test_all_others_are_ended(here, there):
    assert "End all others" in here.get(OWN).text
    here.post(OWN, {"_others": ""})
    assert (is_signed_in(here), is_signed_in(there)) == (True, False)
    assert "End all others" not in here.get(OWN).text


def test_one_signs_out_everywhere(here, there):
    response = here.post(OWN, {"_all": ""}, follow=True)
    assert "You are signed out." in response.text
    assert (is_signed_in(here), is_signed_in(there)) == (False, False)
    assert not Session.objects.filter(account__gt="").exists()


def test_nobody_ends_what_is_not_theirs(here):
    bob = make_user(username="bob")
    other = signed_in(bob)
    row = Session.objects.get(account=str(bob.pk))
    for name in (row.name, row.session_key, "", "x"):
        response = here.post(OWN, {"end": name}, follow=True)
        assert "0 sessions are ended." in response.text
    assert is_signed_in(other)


def test_a_new_password_ends_all_others(here, there, ann):
    new = "kd83-Opal-x"
    data = {"old_password": "Zq9x-ruby-4", "new_password1": new, "new_password2": new}
    assert here.post(reverse("admin:password_change"), data).status_code == 302
    assert (is_signed_in(here), is_signed_in(there)) == (True, False)
    assert Session.objects.filter(account=str(ann.pk)).count() == 1
    assert Entry.objects.filter(action="session ended", user=ann).exists()


# Somebody's -----------------------------------------------------------------------------


@pytest.fixture
def manager(client):
    client.force_login(make_user(permissions=[perm("view", User), perm("change", User)]))
    return client


def test_who_may_change_an_account_ends_its_sessions(manager, here, ann):
    page = manager.get(url(User, "change", ann.pk))
    address = url(User, "sessions", ann.pk)
    assert f'<a href="{address}">Sessions</a>' in page.text
    page = manager.get(address)
    assert "Sessions of ann" in page.text
    assert "(this one)" not in page.text
    manager.post(address, {"_all": ""})
    assert (is_signed_in(manager), is_signed_in(here)) == (True, False)
    assert "Nowhere." in manager.get(address).text
    entry = Entry.objects.get(action="session ended")
    assert (entry.object_id, entry.user_id == ann.pk) == (str(ann.pk), False)


def test_who_may_not_change_it_sees_none(client, manager, here, ann):
    root = make_user(username="root", is_superuser=True)
    there = signed_in(root)
    for method in (manager.get, manager.post):
        assert method(url(User, "sessions", root.pk), {"_all": ""}).status_code == 403
    page = manager.get(url(User, "change", root.pk))
    assert url(User, "sessions", root.pk) not in page.text
    reader = make_user(permissions=[perm("view", User)])
    client.force_login(reader)
    assert client.post(url(User, "sessions", ann.pk), {"_all": ""}).status_code == 403
    assert is_signed_in(here)
    assert is_signed_in(there)


def test_an_account_that_is_not_there_is_said(manager):
    for pk in ("999999", "x"):
        assert manager.get(url(User, "sessions", pk)).status_code == 302


def test_who_is_not_signed_in_is_asked_to(client, ann):
    for address in (OWN, url(User, "sessions", ann.pk)):
        for method in (client.get, client.post):
            assert method(address).url.startswith(reverse("admin:login"))
