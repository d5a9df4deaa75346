"""Sign-ins, failures, sign-outs and lock-outs are in the trail and in the log; no secret is."""

import logging

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import Argon2PasswordHasher, check_password, make_password
from django.test import Client
from django.urls import reverse

from backoffice.trail.models import Entry
from tests.factories import make_user

pytestmark = pytest.mark.django_db

LOGIN = reverse("admin:login")
PASSWORD = "Zq9x-ruby-4"
FROM = {"REMOTE_ADDR": "192.0.2.9"}


@pytest.fixture
def ann():
    return make_user(username="ann", password=PASSWORD, is_superuser=True)


@pytest.fixture
def browser():
    return Client(**FROM)


def sign_in(browser, name, password):
    return browser.post(LOGIN, {"username": name, "password": password})


def noted():
    return list(Entry.objects.order_by("pk").values_list("action", "name", "address"))


def test_coming_and_going_is_noted_with_the_address(ann, browser, caplog):
    caplog.set_level(logging.INFO, "backoffice.signin")
    sign_in(browser, "ann", "wrong")
    sign_in(browser, "ann", PASSWORD)
    browser.post(reverse("admin:logout"))
    assert noted() == [
        ("sign-in failed", "ann", "192.0.2.9"),
        ("sign-in", "ann", "192.0.2.9"),
        ("sign-out", "ann", "192.0.2.9"),
    ]
    assert set(Entry.objects.values_list("user", flat=True)) == {ann.pk}
    assert "sign-in failed: ann from 192.0.2.9" in caplog.text
    assert "sign-out: ann from 192.0.2.9" in caplog.text
    assert "wrong" not in caplog.text


def test_a_password_typed_as_user_name_is_noted_nowhere(ann, browser, caplog):
    caplog.set_level(logging.DEBUG)
    sign_in(browser, PASSWORD, "x")
    assert noted() == [("sign-in failed", "", "192.0.2.9")]
    assert PASSWORD not in caplog.text
    assert PASSWORD not in str(list(Entry.objects.values_list()))


@pytest.mark.parametrize("name", ["a\0b", "x" * 100_000, "", "\ufffe", "<b>"], ids=len)
def test_any_user_name_gets_an_answer(browser, name):
    assert sign_in(browser, name, "x").status_code == 200


def test_an_account_that_is_not_staff_is_no_sign_in(browser):
    make_user(username="reader", password=PASSWORD, is_staff=False)
    sign_in(browser, "reader", PASSWORD)
    assert "sign-in" not in [action for action, _name, _address in noted()]


def test_passwords_are_hashed_by_argon2_and_old_ones_are_read(settings):
    from django.conf import global_settings

    from backoffice import settings as ours

    settings.PASSWORD_HASHERS = ours.PASSWORD_HASHERS
    assert make_password("x").startswith(Argon2PasswordHasher.algorithm)
    assert global_settings.PASSWORD_HASHERS[0] in ours.PASSWORD_HASHERS
    old = make_password("x", hasher="pbkdf2_sha256")
    assert check_password("x", old)
    user = get_user_model()(username="ann", password=old)
    user.save()
    assert Client().login(username="ann", password="x")
    user.refresh_from_db()
    assert user.password.startswith("argon2")
