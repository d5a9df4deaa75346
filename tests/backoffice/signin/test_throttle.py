"""1,000 guesses at one account: ten are answered in the hour, and its owner gets in."""

import datetime
from concurrent.futures import ThreadPoolExecutor

import pytest
from axes.models import AccessFailureLog
from django.contrib.auth import authenticate
from django.core.management import call_command
from django.db import connection
from django.test import Client, RequestFactory
from django.urls import reverse
from django.utils import timezone

from backoffice.signin import links
from backoffice.signin.throttle import Throttle, digest
from backoffice.trail.models import Entry
from tests.factories import make_user

LOGIN = reverse("admin:login")
INDEX = reverse("admin:index")
PASSWORD = "Zq9x-ruby-4"


@pytest.fixture
def ann(db):
    return make_user(username="ann", password=PASSWORD, is_superuser=True)


def guess(name, password, address="192.0.2.1", client=None, **headers):
    data = {"username": name, "password": password}
    return (client or Client()).post(LOGIN, data, REMOTE_ADDR=address, **headers)


def an_hour_passes():
    for row in AccessFailureLog.objects.all():
        earlier = row.attempt_time - datetime.timedelta(minutes=61)
        AccessFailureLog.objects.filter(pk=row.pk).update(attempt_time=earlier)


@pytest.mark.parametrize("addresses", [1, 100])
@pytest.mark.parametrize("number", [30, pytest.param(1000, marks=pytest.mark.slow)])
def test_ten_of_many_guesses_are_answered_and_the_owner_gets_in(ann, number, addresses):
    answered = [
        guess("ann", f"guess {n}", f"192.0.2.{n % addresses}").status_code
        for n in range(number)
    ]
    assert answered.count(200) == 10
    assert set(answered[10:]) == {429}
    page = guess("ann", PASSWORD, "198.51.100.7")
    assert page.status_code == 429  # not even the right one tells anything
    assert page["Retry-After"] == "3600"
    assert reverse("admin:sign_in_link") in page.text
    owner = Client()
    address = reverse("admin:sign_in_by_link", args=[links.token_for(ann)])
    assert owner.post(address).url == INDEX
    assert owner.get(INDEX).status_code == 200
    assert guess("ann", "guess", "192.0.2.1").status_code == 429  # it opened nothing to others


def test_after_an_hour_the_password_is_taken_again(ann):
    for n in range(11):
        guess("ann", f"guess {n}")
    assert guess("ann", PASSWORD).status_code == 429
    an_hour_passes()
    assert guess("ann", PASSWORD).status_code == 302
    assert not AccessFailureLog.objects.exists()


def test_a_right_password_is_no_try_and_opens_nothing_again(ann):
    for n in range(9):
        guess("ann", f"guess {n}")
    for _ in range(20):
        assert guess("ann", PASSWORD).status_code == 302
    assert guess("ann", "tenth").status_code == 200
    assert guess("ann", PASSWORD).status_code == 429


@pytest.mark.parametrize("name", ["Ann", " ann", "ＡＮＮ"])
def test_a_name_in_another_spelling_is_the_same_account(ann, name):
    for n in range(10):
        guess(name, f"guess {n}")
    assert guess("ann", PASSWORD).status_code == 429


def test_one_address_that_tries_many_accounts_is_stopped(ann, settings):
    answered = [guess(f"user{n}", "Summer2026").status_code for n in range(60)]
    assert answered.count(200) == settings.SIGN_IN_ADDRESS_FAILURES
    assert guess("ann", PASSWORD).status_code == 429
    assert guess("ann", PASSWORD, "192.0.2.2").status_code == 302


def test_the_network_of_an_ipv6_address_is_one_address(ann, settings):
    settings.SIGN_IN_ADDRESS_FAILURES = 3
    for n in range(3):
        guess(f"user{n}", "x", f"2001:db8:0:1::{n + 1:x}")
    assert guess("ann", PASSWORD, "2001:db8:0:1:ffff::9").status_code == 429
    assert guess("ann", PASSWORD, "2001:db8:0:2::1").status_code == 302


@pytest.mark.parametrize(("behind_proxy", "answered"), [(False, 429), (True, 302)])
def test_the_header_of_a_proxy_counts_only_behind_one(ann, settings, behind_proxy, answered):
    settings.BEHIND_PROXY, settings.SIGN_IN_ADDRESS_FAILURES = behind_proxy, 3
    for n in range(3):
        guess(f"user{n}", "x", HTTP_X_FORWARDED_FOR=f"203.0.113.{n}, 198.51.100.1")
    page = guess("ann", PASSWORD, HTTP_X_FORWARDED_FOR="198.51.100.1, 198.51.100.2")
    assert page.status_code == answered


def test_what_a_client_adds_to_the_header_is_no_other_address(ann, settings):
    settings.BEHIND_PROXY, settings.SIGN_IN_ADDRESS_FAILURES = True, 3
    for n in range(3):
        guess(f"user{n}", "x", HTTP_X_FORWARDED_FOR=f"203.0.113.{n}, 198.51.100.1")
    page = guess("ann", PASSWORD, HTTP_X_FORWARDED_FOR="203.0.113.99, 198.51.100.1")
    assert page.status_code == 429


def test_tries_at_once_are_counted_before_their_passwords_are_looked_at(ann):
    handler = Throttle()
    allowed = []
    for _ in range(30):  # none of them has an answer yet
        request = RequestFactory().post(LOGIN, REMOTE_ADDR="192.0.2.1")
        request.axes_locked_out = False
        allowed.append(handler.is_allowed(request, {"username": "ann"}))
    assert allowed.count(True) == 10


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor == "sqlite", reason="one thread has the database")
def test_threads_guess_no_more_than_one_after_the_other():
    make_user(username="ann", password=PASSWORD)

    def one(n):
        try:
            return guess("ann", f"guess {n}", f"192.0.2.{n}").status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        answered = list(pool.map(one, range(60)))
    assert answered.count(200) <= 10


def test_a_user_name_is_not_in_the_table(ann):
    guess("my secret password", "x")
    row = AccessFailureLog.objects.get()
    assert row.username == digest("my secret password")
    assert "secret" not in "".join(map(str, row.__dict__.values()))


def test_who_asks_for_a_password_again_is_not_counted_for_a_right_one(ann):
    request = RequestFactory().post("/")
    assert authenticate(request, username="ann", password=PASSWORD) == ann
    assert AccessFailureLog.objects.count() == 1  # until the request ends: `settle`


def test_code_without_a_request_is_not_counted(ann, client):
    assert client.login(username="ann", password=PASSWORD)
    for _ in range(20):
        assert authenticate(username="ann", password="x") is None
    assert not AccessFailureLog.objects.exists()


def test_only_who_says_so_opens_the_account_again(ann):
    for n in range(11):
        guess("ann", f"guess {n}")
    call_command("unlock", "ann")
    assert guess("ann", PASSWORD).status_code == 429
    call_command("unlock", "ann", "--forget-failures")
    assert guess("ann", PASSWORD).status_code == 302


def test_a_lock_out_is_noted_once_in_the_hour(ann):
    for n in range(30):
        guess("ann", f"guess {n}", f"192.0.2.{n}")
    actions = list(Entry.objects.order_by("pk").values_list("action", "name", "address"))
    assert actions.count(("lock-out", "ann", "192.0.2.10")) == 1
    assert len(actions) == 11
    assert timezone.now() - Entry.objects.latest("at").at < datetime.timedelta(minutes=1)
