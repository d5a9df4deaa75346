"""A form that outlived its session keeps what was typed, for its own site alone."""

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from backoffice.changes.models import Change
from library.models import Library, Patron
from tests.backoffice.admin.pages import form_data, url
from tests.backoffice.admin.submissions.tokens import ORIGIN, csrf, hidden, token
from tests.factories import make_library, make_user

pytestmark = pytest.mark.django_db

ADD = url(Patron, "add")
LOGIN = reverse("admin:login")
PASSWORD = "Zq9x-ruby-4"
LONG = "word " * 1000
NEWLINES = "a\r\nb <&\" 'ü"


@pytest.fixture
def ann():
    return make_user(username="ann", password=PASSWORD, is_superuser=True)


@pytest.fixture
def bob():
    return make_user(username="bob", password=PASSWORD, is_superuser=True)


@pytest.fixture
def browser():
    """A client whose CSRF tokens are checked."""
    return Client(enforce_csrf_checks=True)


def sign_in(browser, name):
    browser.cookies["sessionid"] = ""  # whoever was signed in is not
    page = browser.get(LOGIN)
    return browser.post(LOGIN, {"username": name, "password": PASSWORD} | csrf(page), **ORIGIN)


def opened(browser, **typed):
    """A form for a patron that is open, and filled in."""
    page = browser.get(ADD)
    typed = {"name": "Typed", "library": make_library().pk} | typed
    return form_data(page) | csrf(page) | token(page) | typed


@pytest.fixture
def form(browser, ann):
    sign_in(browser, "ann")
    return opened(browser)


# Signed in again, elsewhere -------------------------------------------------------------


def test_signed_in_again_in_another_tab_the_form_is_sent_from_the_page(browser, form):
    browser.post(reverse("admin:logout"), csrf(browser.get(ADD)), **ORIGIN)
    sign_in(browser, "ann")
    page = browser.post(ADD, form | {"_addanother": "1"}, **ORIGIN)
    assert page.status_code == 403
    assert "opened before the last sign-in" in page.text
    assert "opened this form" not in page.text  # it was the same person
    assert not Patron.objects.exists()
    response = browser.post(ADD, hidden(page), **ORIGIN)
    assert (response.status_code, response.url) == (302, ADD)
    assert Patron.objects.get().name == "Typed"


def test_whoever_else_signed_in_sees_whose_form_it_is(browser, form, bob):
    sign_in(browser, "bob")
    page = browser.post(ADD, form | {"note": LONG}, **ORIGIN)
    assert page.status_code == 403
    assert "ann opened this form." in page.text
    assert "<dt>Name</dt><dd>Typed</dd>" in page.text
    assert f"<dt>Note</dt><dd>{LONG}</dd>" in page.text
    assert "<strong>bob</strong>" in page.text
    browser.post(ADD, hidden(page), **ORIGIN)
    assert Patron.history.get().history_user == bob


@pytest.mark.parametrize(
    "origin",
    [
        {},
        {"HTTP_ORIGIN": "null"},
        {"HTTP_ORIGIN": "https://evil.example"},
        {"HTTP_ORIGIN": "http://testserver:81"},
        {"HTTP_ORIGIN": "https://testserver"},
        {"HTTP_ORIGIN": "http://testserver.evil.example"},
        {"HTTP_REFERER": "http://evil.example/testserver/"},
        {"HTTP_REFERER": "http://["},
        {"HTTP_REFERER": "http://testserver:81/"},
        {"HTTP_ORIGIN": "https://partner.example"},
        {"HTTP_ORIGIN": "https://www.partner.example"},
        {"HTTP_ORIGIN": "https://partner.example", "HTTP_SEC_FETCH_SITE": "none"},
        ORIGIN | {"HTTP_SEC_FETCH_SITE": "same-site"},
        ORIGIN | {"HTTP_SEC_FETCH_SITE": "cross-site"},
    ],
    ids=str,
)
def test_what_another_site_sends_gets_no_form(browser, form, origin, settings):
    trusted = ["https://partner.example", "https://*.partner.example"]
    settings.CSRF_TRUSTED_ORIGINS = trusted
    page = browser.post(ADD, form | {"csrfmiddlewaretoken": "x" * 64}, **origin)
    assert page.status_code == 403
    assert "Typed" not in page.text
    assert "kept-form" not in page.text
    assert 'href="/admin/"' in page.text
    assert not Patron.objects.exists()


def test_behind_a_proxy_that_changes_the_host_name_the_form_is_kept(browser, form):
    own = {"HTTP_ORIGIN": "https://library.example", "HTTP_SEC_FETCH_SITE": "same-origin"}
    page = browser.post(ADD, form | {"csrfmiddlewaretoken": "x" * 64}, **own)
    assert hidden(page)["name"] == ["Typed"]


# Signed out -----------------------------------------------------------------------------


def test_signed_out_one_signs_in_on_the_page_and_it_is_saved(browser, form):
    browser.cookies["sessionid"] = ""
    page = browser.post(ADD, form, **ORIGIN)
    assert page.status_code == 403
    assert "You are signed out" in page.text
    assert 'name="sign-in-username" value="ann"' in page.text
    wrong = {"sign-in-username": "ann", "sign-in-password": "no"}
    page = browser.post(ADD, hidden(page) | wrong, **ORIGIN)
    assert "Please enter the correct username and password" in page.text
    assert 'value="no"' not in page.text
    assert not Patron.objects.exists()
    right = {"sign-in-username": "ann", "sign-in-password": PASSWORD}
    response = browser.post(ADD, hidden(page) | right, **ORIGIN)
    assert response.status_code == 302
    assert Patron.objects.get().name == "Typed"
    assert browser.get(ADD).status_code == 200


def test_signed_out_one_signs_in_in_a_new_tab_and_comes_back(browser, form):
    browser.cookies["sessionid"] = ""
    page = browser.post(ADD, form, **ORIGIN)
    sign_in(browser, "ann")
    page = browser.post(ADD, hidden(page) | {"sign-in-username": "ann"}, **ORIGIN)
    assert "sign-in" not in page.text.partition("kept-form")[2]
    assert browser.post(ADD, hidden(page), **ORIGIN).status_code == 302
    assert Patron.objects.get().name == "Typed"


def test_another_who_signs_in_on_the_page_is_asked_first(browser, form, bob):
    browser.cookies["sessionid"] = ""
    page = browser.post(ADD, form, **ORIGIN)
    typed = {"sign-in-username": "bob", "sign-in-password": PASSWORD}
    page = browser.post(ADD, hidden(page) | typed, **ORIGIN)
    assert page.status_code == 403
    assert "ann opened this form." in page.text
    assert not Patron.objects.exists()
    browser.post(ADD, hidden(page), **ORIGIN)
    assert Patron.history.get().history_user == bob


def test_who_may_not_use_the_site_gets_no_further(browser, form):
    make_user(username="reader", password=PASSWORD, is_staff=False)
    browser.cookies["sessionid"] = ""
    page = browser.post(ADD, form, **ORIGIN)
    typed = {"sign-in-username": "reader", "sign-in-password": PASSWORD}
    page = browser.post(ADD, hidden(page) | typed, **ORIGIN)
    assert page.status_code == 403
    assert not Patron.objects.exists()


def test_signed_out_without_an_origin_one_is_led_to_sign_in(client):
    response = client.post(ADD, {"name": "Typed"})
    assert response.url == f"{LOGIN}?next={ADD}"


# What is kept ---------------------------------------------------------------------------


def test_every_character_is_kept(browser, form):
    page = browser.post(ADD, form | {"name": NEWLINES, "x": ["1", "", "1"]}, **ORIGIN | other())
    kept = hidden(page)
    assert kept["name"] == [NEWLINES]
    assert kept["x"] == ["1", "", "1"]


def other():
    return {"HTTP_COOKIE": f"csrftoken={'y' * 32}"}


def test_passwords_are_not_given_back(browser, ann):
    sign_in(browser, "ann")
    address = url(User, "add")
    page = browser.get(address)
    typed = {"username": "new", "usable_password": "true", "password1": PASSWORD}
    typed |= {"password2": PASSWORD}
    page = browser.post(address, typed | {"csrfmiddlewaretoken": "x" * 64}, **ORIGIN)
    assert PASSWORD not in page.text
    assert hidden(page).keys() == {
        "csrfmiddlewaretoken",
        "_once",
        "username",
        "usable_password",
    }
    assert page.text.count('<input type="password"') == 2
    again = {"password1": PASSWORD, "password2": PASSWORD}
    assert browser.post(address, hidden(page) | again, **ORIGIN).status_code == 302
    assert User.objects.get(username="new").check_password(PASSWORD)


def test_a_file_is_named_and_asked_for_again(browser, ann):
    sign_in(browser, "ann")
    address = url(Library, "import")
    file = SimpleUploadedFile("branches.csv", b"name,zip_code\nA,10001\n")
    data = {"import_file": file, "csrfmiddlewaretoken": "x" * 64}
    page = browser.post(address, data, **ORIGIN)
    assert page.status_code == 403
    assert "Choose branches.csv again:" in page.text
    assert '<input type="file" name="import_file"' in page.text
    assert 'enctype="multipart/form-data"' in page.text
    file.seek(0)
    assert (
        browser.post(address, hidden(page) | {"import_file": file}, **ORIGIN).status_code == 302
    )
    assert Change.objects.get().title == "branches.csv"


def test_an_action_of_a_list_goes_on_after_the_sign_in(browser, ann):
    sign_in(browser, "ann")
    library, address = make_library(), url(Library, "changelist")
    page = browser.get(address)
    sent = {"action": "edit_selected", "_selected_action": library.pk, "index": "0"}
    browser.cookies["sessionid"] = ""
    page = browser.post(address, sent | csrf(page) | token(page), **ORIGIN)
    typed = {"sign-in-username": "ann", "sign-in-password": PASSWORD}
    page = browser.post(address, hidden(page) | typed, **ORIGIN)
    assert 'id="edit-form"' in page.text


# The page to sign in --------------------------------------------------------------------


def test_a_second_page_to_sign_in_works(browser, ann):
    second = browser.get(LOGIN, {"next": ADD})
    sign_in(browser, "ann")
    typed = {"username": "ann", "password": PASSWORD, "next": ADD}
    response = browser.post(f"{LOGIN}?next={ADD}", typed | csrf(second), **ORIGIN)
    assert (response.status_code, response.url) == (302, ADD)
    assert browser.get(ADD).status_code == 200


def test_a_second_page_to_sign_in_takes_whoever_is_typed_there(browser, ann, bob):
    second = browser.get(LOGIN)
    sign_in(browser, "ann")
    typed = {"username": "bob", "password": PASSWORD, "next": ADD}
    browser.post(LOGIN, typed | csrf(second), **ORIGIN)
    assert browser.get(ADD).context["user"] == bob


def test_one_leaves_from_a_page_that_was_opened_before(browser, ann):
    sign_in(browser, "ann")
    page = browser.get(ADD)
    sign_in(browser, "ann")
    response = browser.post(reverse("admin:logout"), csrf(page), **ORIGIN)
    assert "Thanks for spending" in response.text
    assert browser.get(ADD).status_code == 302


def test_nobody_is_signed_in_from_another_site(browser, ann):
    second = browser.get(LOGIN)
    sign_in(browser, "ann")
    browser.get(LOGIN)
    typed = {"username": "ann", "password": PASSWORD} | csrf(second)
    page = browser.post(LOGIN, typed, HTTP_ORIGIN="https://evil.example")
    assert page.status_code == 403


def test_a_form_is_kept_while_the_account_takes_no_password(browser, form, settings):
    settings.SIGN_IN_ACCOUNT_FAILURES = 2
    browser.cookies["sessionid"] = ""
    page = browser.post(ADD, form, **ORIGIN)
    wrong = {"sign-in-username": "ann", "sign-in-password": "no"}
    for status in (403, 403, 429, 429):
        page = browser.post(ADD, hidden(page) | wrong, **ORIGIN)
        assert page.status_code == status
        assert hidden(page)["name"] == ["Typed"]
    assert "Too many wrong passwords" in page.text
    sign_in(browser, "ann")
    assert not Patron.objects.exists()
    settings.SIGN_IN_ACCOUNT_FAILURES = 10  # the hour is over
    right = {"sign-in-username": "ann", "sign-in-password": PASSWORD}
    assert browser.post(ADD, hidden(page) | right, **ORIGIN).status_code == 302
    assert Patron.objects.get().name == "Typed"
