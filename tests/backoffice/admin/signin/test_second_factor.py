"""The second factor: set up, asked for, used up, lost, forced; no page opens without it."""

import base64
import re
import time
from binascii import unhexlify

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from backoffice.signin import second_factor
from backoffice.trail.models import Entry
from library.models import Library
from tests.backoffice.admin.pages import url
from tests.backoffice.admin.submissions.tokens import hidden
from tests.factories import make_user

pytestmark = pytest.mark.django_db

LOGIN, INDEX = reverse("admin:login"), reverse("admin:index")
CODE, OWN = reverse("admin:second_factor_code"), reverse("admin:second_factor")
LIST = url(Library, "changelist")
PASSWORD = "Zq9x-ruby-4"
KEY = "00112233445566778899aabbccddeeff00112233"


def code_now(key=KEY, steps=0):
    totp = TOTP(unhexlify(key))
    totp.time = time.time() + 30 * steps
    return f"{totp.token():06}"


def wrong_code(key=KEY):
    right = {code_now(key, steps) for steps in range(-2, 3)}
    return next(code for code in map("{:06}".format, range(9)) if code not in right)


@pytest.fixture
def ann():
    return make_user(username="ann", password=PASSWORD, is_superuser=True)


@pytest.fixture
def codes(ann):
    return second_factor.enroll(ann, KEY, 0)


def sign_in(client, name="ann", to=""):
    return client.post(LOGIN, {"username": name, "password": PASSWORD, "next": to})


def shown_key(page):
    text = re.search(r'<code class="secret">([^<]*)<', page.text)[1].replace(" ", "")
    return base64.b32decode(text).hex()


# Asked for ------------------------------------------------------------------------------


def test_without_a_device_nobody_is_asked(client, ann):
    sign_in(client)
    assert client.get(INDEX).status_code == 200


def test_after_the_password_the_code_opens_the_site(client, ann, codes):
    assert sign_in(client, to=LIST).url == LIST
    asked = client.get(LIST)
    assert asked.url == f"{CODE}?next=%2Fadmin%2Flibrary%2Flibrary%2F"
    page = client.get(asked.url)
    assert "ann" in page.text
    assert 'autocomplete="one-time-code"' in page.text
    assert "user-tools" not in page.text
    before = client.session.session_key
    answer = client.post(asked.url, {"code": code_now(), "next": LIST})
    assert answer.url == LIST
    assert client.get(LIST).status_code == 200
    assert client.session.session_key != before
    assert [e.action for e in Entry.objects.order_by("pk")] == ["first step", "sign-in"]


def test_no_page_and_no_form_is_open_before_the_code(client, ann, codes):
    sign_in(client)
    registered = [url(model, "changelist") for model in admin.site._registry]
    for address in (INDEX, OWN, reverse("admin:password_change"), *registered):
        for method in (client.get, client.post):
            response = method(address)
            assert response.status_code == 302, address
            assert response.url.startswith(CODE)
    assert client.get("/admin/no-such-page/").status_code == 302
    assert "user-tools" not in client.get("/nowhere/").text


def test_a_wrong_code_opens_nothing_and_a_code_is_taken_once(client, ann, codes):
    sign_in(client)
    page = client.post(CODE, {"code": wrong_code()})
    assert "This code is not right" in page.text
    TOTPDevice.objects.update(throttling_failure_timestamp=None)
    code = code_now()
    assert client.post(CODE, {"code": code}).status_code == 302
    other = Client()
    sign_in(other)
    assert other.post(CODE, {"code": code}).status_code == 200
    assert "second factor failed" in [entry.action for entry in Entry.objects.all()]


def test_codes_are_not_guessed(client, ann, codes):
    sign_in(client)
    for _ in range(5):
        client.post(CODE, {"code": wrong_code()})
    assert client.post(CODE, {"code": code_now()}).status_code == 200  # has to wait
    assert client.get(LIST).status_code == 302


def test_a_recovery_code_is_good_once(client, ann, codes):
    for answered in (302, 200):
        other = Client()
        sign_in(other)
        assert other.post(CODE, {"code": codes[0].upper()}).status_code == answered
    assert second_factor.codes_left(ann) == 9


def test_recovery_codes_are_not_in_the_database(ann, codes):
    kept = set(StaticToken.objects.values_list("token", flat=True))
    assert len(kept) == len(codes) == 10
    plain = {code.replace("-", "") for code in codes}
    assert not plain & {token.lower() for token in kept}


def test_a_session_of_another_ends_with_the_sign_in(client, ann, codes):
    bob = make_user(username="bob", password=PASSWORD, is_superuser=True)
    sign_in(client)
    sign_in(client, "bob")
    assert client.get(INDEX).context["user"] == bob


def test_the_next_address_is_of_this_site(client, ann, codes):
    sign_in(client)
    answer = client.post(CODE, {"code": code_now(), "next": "https://evil.example/"})
    assert answer.url == INDEX


# Set up, and turned off -----------------------------------------------------------------


def test_one_sets_it_up_with_the_app_and_gets_codes_once(client, ann):
    client.force_login(ann)
    page = client.get(OWN)
    assert "<svg" in page.text
    assert "style=" not in page.text.partition("<svg")[2].partition("</svg>")[0]
    key, secret = shown_key(page), page.context["form"]["secret"].value()
    page = client.post(OWN, {"secret": secret, "code": wrong_code(key)})
    assert shown_key(page) == key  # the app has it by now
    assert not TOTPDevice.objects.exists()
    code = code_now(key)
    page = client.post(OWN, {"secret": secret, "code": code})
    assert page.text.count("<li><code>") == 10
    assert client.get(INDEX).status_code == 200
    assert "10 recovery codes" in client.get(OWN).text
    other = Client()
    sign_in(other)
    assert other.get(INDEX).url.startswith(CODE)
    assert other.post(CODE, {"code": code}).status_code == 200  # used to set it up
    assert Entry.objects.filter(action="second factor on", user=ann).exists()


def test_a_secret_of_somebody_else_is_none(client, ann):
    client.force_login(make_user(is_superuser=True))
    page = client.get(OWN)
    stolen, key = page.context["form"]["secret"].value(), shown_key(page)
    client.force_login(ann)
    client.post(OWN, {"secret": stolen, "code": code_now(key)})
    assert not TOTPDevice.objects.exists()


def test_new_codes_and_turning_it_off_take_a_code(client, ann, codes):
    client.force_login(ann)
    client.post(CODE, {"code": codes[0]})
    page = client.post(OWN, {"code": wrong_code(), "_remove": ""})
    assert "This code is not right" in page.text
    page = client.post(OWN, {"code": codes[1], "_codes": ""})
    new = page.context["codes"]
    assert second_factor.codes_left(ann) == 10
    page = client.post(OWN, {"code": codes[2], "_remove": ""})
    assert page.status_code == 200
    StaticDevice.objects.update(throttling_failure_timestamp=None)  # a while passes
    assert client.post(OWN, {"code": new[0], "_remove": ""}).status_code == 302
    assert second_factor.device_of(ann) is None


# Forced ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("roles", "asked"),
    [([], False), (["Manager"], True), (["Other"], False), (["*"], True)],
    ids=str,
)
def test_a_role_can_be_forced(client, settings, roles, asked):
    settings.SECOND_FACTOR_ROLES = roles
    user = make_user(username="mia", password=PASSWORD)
    user.groups.add(Group.objects.create(name="Manager"))
    sign_in(client, "mia")
    page = client.get(INDEX, follow=True)
    assert ("Your role needs a second factor" in page.text) == asked


def test_a_forced_role_sets_it_up_and_goes_on(client, ann, settings):
    settings.SECOND_FACTOR_ROLES = ["superusers"]
    sign_in(client)
    page = client.get(LIST, follow=True)
    assert page.request["PATH_INFO"] == OWN
    key, secret = shown_key(page), page.context["form"]["secret"].value()
    page = client.post(OWN, {"secret": secret, "code": code_now(key), "next": LIST})
    assert f'href="{LIST}"' in page.text
    assert client.get(LIST).status_code == 200
    code = page.context["codes"][0]
    page = client.post(OWN, {"code": code, "_remove": ""})
    assert second_factor.device_of(ann) is not None


def test_the_setting_reaches_sessions_that_are_open(client, ann, settings):
    client.force_login(ann)
    assert client.get(INDEX).status_code == 200
    settings.SECOND_FACTOR_ROLES = ["*"]
    assert client.get(INDEX).url.startswith(CODE)


def test_a_password_alone_sets_up_no_second_device(client, ann, codes):
    sign_in(client)
    assert client.get(OWN).url == CODE
    client.post(OWN, {"secret": "x", "code": "000000"})
    assert TOTPDevice.objects.get().key == KEY


# A form that outlived its session -------------------------------------------------------


ORIGIN = {"HTTP_ORIGIN": "http://testserver"}


def test_a_form_that_outlived_its_session_is_done_after_both_steps(client, ann, codes):
    address = url(User, "add")
    typed = {"username": "new", "password1": PASSWORD, "password2": PASSWORD}
    typed |= {"usable_password": "true", "_once": "abc ann"}
    page = client.post(address, typed, **ORIGIN)
    assert "You are signed out" in page.text
    again = {"password1": PASSWORD, "password2": PASSWORD}
    first = {"sign-in-username": "ann", "sign-in-password": PASSWORD}
    page = client.post(address, hidden(page) | again | first, **ORIGIN)
    assert "Your second factor is still missing" in page.text
    assert 'name="sign-in-code"' in page.text
    assert client.get(LIST).status_code == 302
    wrong = {"sign-in-code": wrong_code()}
    page = client.post(address, hidden(page) | again | wrong, **ORIGIN)
    assert "This code is not right" in page.text
    assert not User.objects.filter(username="new").exists()
    right = {"sign-in-code": codes[0]}
    page = client.post(address, hidden(page) | again | right, **ORIGIN)
    assert page.status_code == 302
    assert User.objects.filter(username="new").exists()
    assert client.get(LIST).status_code == 200


def test_a_form_of_another_site_is_not_kept(client, ann, codes):
    sign_in(client)
    page = client.post(LIST, {"x": "1"}, HTTP_ORIGIN="https://evil.example")
    assert page.url.startswith(CODE)


# Lost -----------------------------------------------------------------------------------


def removal(account):
    return url(User, "second_factor", account.pk)


def test_who_may_change_the_account_takes_a_lost_device_away(admin_client, ann, codes):
    assert removal(ann) in admin_client.get(url(User, "change", ann.pk)).text
    assert "ann" in admin_client.get(removal(ann)).text
    assert second_factor.device_of(ann) is not None
    page = admin_client.post(removal(ann), follow=True)
    assert "The second factor of ann is taken away." in page.text
    assert not StaticDevice.objects.exists()
    entry = Entry.objects.get(action="second factor off")
    assert (entry.name, entry.object_name) == ("admin", "ann")


def test_nobody_else_takes_it_away(client, ann, codes):
    viewer = make_user(permissions=["auth.view_user"])
    keeper = make_user(permissions=["auth.view_user", "auth.change_user"])
    for user in (viewer, keeper):  # ann may more than the keeper
        client.force_login(user)
        for method in (client.get, client.post):
            assert method(removal(ann)).status_code == 403
    client.force_login(ann)
    client.post(CODE, {"code": codes[0]})
    assert client.post(removal(ann)).status_code == 403  # one's own takes a code
    assert second_factor.device_of(ann) is not None


def test_the_lists_of_devices_that_show_secrets_are_not_there(admin_client):
    assert TOTPDevice not in admin.site._registry
    assert admin_client.get("/admin/otp_totp/totpdevice/").status_code == 404
