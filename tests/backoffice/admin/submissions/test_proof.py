"""Some things are done only by who has just typed their password; the form is kept."""

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from django.urls import reverse

from backoffice.signin import second_factor
from library.models import Book, Library
from tests.backoffice.admin.changes.test_imports import GOOD, HEADER, check
from tests.backoffice.admin.changes.test_undo import imported
from tests.backoffice.admin.changes.test_undo import page as change_page
from tests.backoffice.admin.pages import form_data, url
from tests.backoffice.admin.submissions.tokens import ORIGIN, csrf, hidden, token
from tests.backoffice.sessions.later import later
from tests.factories import make_book, make_library, make_user

pytestmark = pytest.mark.django_db

PASSWORD = "Zq9x-ruby-4"
NEW = "kd83-Opal-x"
TITLE = "Type your password again"
PROOF = {"proof-password": PASSWORD}


@pytest.fixture(autouse=True)
def _quick(settings, tmp_path):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.DATA_DIR = tmp_path


@pytest.fixture
def ann():
    return make_user(username="ann", password=PASSWORD, is_superuser=True)


@pytest.fixture
def browser(ann):
    """A client whose CSRF tokens are checked; ann signed in a while ago."""
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(ann)
    return browser


def undo(browser):
    address = change_page("import_undo", imported("New"))
    return address, {}, lambda: not Library.objects.exists()


def list_deletion(browser):
    book, address = make_book(), url(Book, "changelist")
    data = {"action": "delete_selected", "_selected_action": book.pk, "post": "yes"}
    return address, data, lambda: not Book.objects.exists()


def mirror(browser):
    make_library(name="Gone", state="NJ", zip_code="08540")
    data = {"with-mirror": "state=NJ\n"}
    review = check(unchecked(browser), HEADER + GOOD, columns=data)
    address = review.request["PATH_INFO"]
    state = {"_apply": review.context["review"].state}
    return address, state, lambda: Library.objects.get().name == "Princeton"


def unchecked(browser):
    """The same session in a client that checks no CSRF tokens."""
    client = Client()
    client.cookies = browser.cookies
    return client


def role(browser):
    group, bob = Group.objects.create(name="Readers"), make_user(username="bob")
    address = url(User, "change", bob.pk)
    data = form_data(browser.get(address), groups=[group.pk])
    return address, data, lambda: bob.groups.exists()


def new_staff(browser):
    bob = make_user(username="bob", is_staff=False)
    address = url(User, "change", bob.pk)
    data = form_data(browser.get(address), is_staff="on")
    return address, data, lambda: User.objects.get(pk=bob.pk).is_staff


def rights_of_a_role(browser):
    group = Group.objects.create(name="Readers")
    address = url(Group, "change", group.pk)
    right = Permission.objects.first()
    data = form_data(browser.get(address), permissions=[right.pk])
    return address, data, lambda: group.permissions.exists()


def new_role(browser):
    address = url(Group, "add")
    data = form_data(
        browser.get(address), name="N", permissions=[Permission.objects.first().pk]
    )
    return address, data, lambda: Group.objects.filter(name="N").exists()


def deleted_account(browser):
    bob = make_user(username="bob")
    address = url(User, "delete", bob.pk)
    return address, {"post": "yes"}, lambda: not User.objects.filter(pk=bob.pk).exists()


CASES = (
    undo,
    list_deletion,
    mirror,
    role,
    new_staff,
    rights_of_a_role,
    new_role,
    deleted_account,
)


def opened(browser, case):
    """The case's form, filled in; and that it is sent a while after the sign-in."""
    address, data, is_done = case(browser)
    shown = browser.get(address)
    data |= csrf(shown) | token(shown)
    later(minutes=16)
    return address, data, is_done


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_the_form_is_kept_until_the_password_is_typed(browser, ann, case):
    address, data, is_done = opened(browser, case)
    asked = browser.post(address, data, **ORIGIN)
    assert asked.status_code == 403
    assert asked.context["title"] == TITLE
    assert not is_done()
    asked = browser.post(address, hidden(asked) | {"proof-password": "no"}, **ORIGIN)
    assert "This is not your password." in asked.text
    assert 'value="no"' not in asked.text
    assert not is_done()
    done = browser.post(address, hidden(asked) | PROOF, **ORIGIN)
    assert done.status_code == 302
    assert is_done()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_who_has_just_signed_in_is_not_asked(browser, case):
    address, data, is_done = case(browser)
    shown = browser.get(address)
    later(minutes=14)
    response = browser.post(address, data | csrf(shown) | token(shown), **ORIGIN)
    assert response.status_code == 302
    assert is_done()


def test_a_password_is_enough_for_some_minutes_and_changes_the_key(browser):
    address, data, _is_done = opened(browser, list_deletion)
    key = browser.cookies["sessionid"].value
    asked = browser.post(address, data, **ORIGIN)
    browser.post(address, hidden(asked) | PROOF, **ORIGIN)
    assert browser.cookies["sessionid"].value != key
    for minutes, status in ((14, 302), (2, 403)):
        make_book()
        address, data, _is_done = list_deletion(browser)
        shown = browser.get(address)
        later(minutes=minutes)
        response = browser.post(address, data | csrf(shown) | token(shown), **ORIGIN)
        assert response.status_code == status


def test_a_form_without_a_token_is_kept_as_well(browser):
    address, data, is_done = opened(browser, list_deletion)
    del data["_once"]
    asked = browser.post(address, data, **ORIGIN)
    assert browser.post(address, hidden(asked) | PROOF, **ORIGIN).status_code == 302
    assert is_done()


def test_what_lets_nobody_do_more_asks_for_nothing(browser, ann):
    def name(browser):
        address = url(User, "change", ann.pk)
        data = form_data(browser.get(address), last_name="Smith")
        return address, data, lambda: User.objects.get(pk=ann.pk).last_name == "Smith"

    def account(browser):
        data = {"username": "carl", "usable_password": "true"}
        data |= {"password1": NEW, "password2": NEW}
        return url(User, "add"), data, lambda: User.objects.filter(username="carl").exists()

    for case in (name, account):
        address, data, is_done = opened(browser, case)
        assert browser.post(address, data, **ORIGIN).status_code == 302
        assert is_done()
        browser.force_login(ann)


def test_errors_of_the_form_come_first(browser):
    address, data, _is_done = opened(browser, new_role)
    response = browser.post(address, data | {"name": ""}, **ORIGIN)
    assert response.status_code == 200
    assert "This field is required." in response.text


@pytest.mark.parametrize("whose", ["ann", "bob"])
def test_a_password_page_asks_before_it_opens(browser, ann, whose):
    user = User.objects.filter(username=whose).first() or make_user(username=whose)
    address = reverse("admin:auth_user_password_change", args=[user.pk])
    later(minutes=16)
    asked = browser.get(address)
    assert (asked.status_code, asked.context["title"]) == (403, TITLE)
    again = browser.post(address, hidden(asked) | {"proof-password": "no"}, **ORIGIN)
    assert "This is not your password." in again.text
    opens = browser.post(address, hidden(again) | PROOF, **ORIGIN)
    assert (opens.status_code, opens.url) == (302, address)
    shown = browser.get(address)
    data = {"usable_password": "true", "password1": NEW, "password2": NEW, "set-password": ""}
    # It stays open for too long: the new password is typed again, as no page has passwords.
    later(minutes=16)
    asked = browser.post(address, data | csrf(shown) | token(shown), **ORIGIN)
    assert asked.status_code == 403
    assert NEW not in asked.text
    typed = PROOF | {"password1": NEW, "password2": NEW}
    done = browser.post(address, hidden(asked) | typed, **ORIGIN)
    assert done.status_code == 302
    user.refresh_from_db()
    assert user.check_password(NEW)
    assert browser.get(url(Book, "changelist")).status_code == 200


def test_ones_own_password_takes_the_old_one(browser, ann):
    address = reverse("admin:password_change")
    later(minutes=16)
    shown = browser.get(address)
    data = {"old_password": "no", "new_password1": NEW, "new_password2": NEW}
    response = browser.post(address, data | csrf(shown) | token(shown), **ORIGIN)
    assert "old_password" in response.context["form"].errors
    data["old_password"] = PASSWORD
    assert browser.post(address, data | csrf(shown) | token(shown), **ORIGIN).status_code == 302


def test_another_password_does_not_count(browser, ann):
    make_user(username="bob", password=NEW, is_superuser=True)
    address, data, is_done = opened(browser, list_deletion)
    asked = browser.post(address, data, **ORIGIN)
    typed = {"proof-password": NEW, "proof-username": "bob", "username": "bob"}
    asked = browser.post(address, hidden(asked) | typed, **ORIGIN)
    assert "This is not your password." in asked.text
    assert not is_done()


def test_an_account_without_a_password_signs_in_again(browser, ann):
    address, data, is_done = opened(browser, list_deletion)
    ann.set_unusable_password()
    ann.save()
    browser.force_login(ann)
    later(minutes=16)
    shown = browser.get(address)
    asked = browser.post(address, data | csrf(shown) | token(shown), **ORIGIN)
    assert asked.status_code == 403
    assert "your account has no password here" in asked.text
    assert "proof-password" not in asked.text
    assert not is_done()
    browser.force_login(ann)  # in another tab, by single sign-on
    assert browser.post(address, hidden(asked), **ORIGIN).status_code == 302
    assert is_done()


def test_a_second_factor_is_set_up_by_its_owner(browser, ann):
    address = reverse("admin:second_factor")
    assert browser.get(address).status_code == 200
    later(minutes=16)
    asked = browser.get(address)
    assert asked.context["title"] == TITLE
    assert browser.post(address, hidden(asked) | PROOF, **ORIGIN).url == address
    assert browser.get(address).status_code == 200


def test_a_second_factor_is_asked_for_too(browser, ann):
    address, data, is_done = opened(browser, list_deletion)
    code, *_others = second_factor.enroll(ann, second_factor.new_key(), 0)
    asked = browser.post(address, data, **ORIGIN)
    assert "Code of your app" in asked.text
    for typed in (PROOF, PROOF | {"proof-code": "000000"}):
        asked = browser.post(address, hidden(asked) | typed, **ORIGIN)
        assert asked.status_code == 403
        assert not is_done()
    wrong = {"proof-password": "no", "proof-code": code}
    asked = browser.post(address, hidden(asked) | wrong, **ORIGIN)
    assert second_factor.codes_left(ann) == second_factor.CODES
    typed = PROOF | {"proof-code": code}
    assert browser.post(address, hidden(asked) | typed, **ORIGIN).status_code == 302
    assert is_done()


def test_whoever_guesses_is_stopped_and_the_form_is_kept(browser, settings):
    settings.SIGN_IN_ACCOUNT_FAILURES = 2
    address, data, is_done = opened(browser, list_deletion)
    asked = browser.post(address, data, **ORIGIN)
    for status in (403, 403, 429):
        typed = hidden(asked) | {"proof-password": "no"}
        asked = browser.post(address, typed, **ORIGIN)
        assert asked.status_code == status
    assert hidden(asked)["action"] == ["delete_selected"]
    typed = hidden(asked) | PROOF
    assert browser.post(address, typed, **ORIGIN).status_code == 429
    assert not is_done()


def test_a_hash_that_is_written_anew_signs_nobody_out(browser, ann, settings):
    address, data, is_done = opened(browser, list_deletion)
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.PBKDF2PasswordHasher",
        *settings.PASSWORD_HASHERS,
    ]
    asked = browser.post(address, data, **ORIGIN)
    assert browser.post(address, hidden(asked) | PROOF, **ORIGIN).status_code == 302
    assert is_done()
    ann.refresh_from_db()
    assert ann.password.startswith("pbkdf2")
    assert browser.get(address).status_code == 200
