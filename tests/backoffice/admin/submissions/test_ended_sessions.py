"""A session ends while a form is open, by idle time or by age: the form is kept, and done."""

import datetime

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from backoffice.changes.models import Change
from backoffice.sessions.models import Session
from library.models import Book, Library, Patron
from tests.backoffice.admin.changes.test_undo import imported
from tests.backoffice.admin.changes.test_undo import page as change_page
from tests.backoffice.admin.pages import form_data, url
from tests.backoffice.admin.submissions.tokens import ORIGIN, csrf, hidden, token
from tests.backoffice.sessions.later import later
from tests.factories import make_book, make_library, make_user

pytestmark = pytest.mark.django_db

PASSWORD = "Zq9x-ruby-4"
MINUTE = datetime.timedelta(minutes=1)
SIGN_IN = {"sign-in-username": "ann", "sign-in-password": PASSWORD}


@pytest.fixture(autouse=True)
def _quick(settings, tmp_path):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.DATA_DIR = tmp_path


@pytest.fixture
def browser():
    """A client whose CSRF tokens are checked, signed in."""
    browser = Client(enforce_csrf_checks=True)
    user = make_user(username="ann", password=PASSWORD, is_superuser=True)
    browser.force_login(user)
    return browser


def idle(browser):
    later(minutes=31)


def old(browser):
    """A working day is over, though a page was asked for a minute ago."""
    later(hours=9, minutes=59)
    soon = timezone.now() + datetime.timedelta(minutes=1)
    Session.objects.update(last_seen=timezone.now(), expire_date=soon)
    assert browser.get(url(Book, "changelist")).status_code == 200
    later(minutes=1)


def added(browser):
    address = url(Patron, "add")
    data = form_data(browser.get(address), name="Typed", library=make_library().pk)
    return address, data, lambda: Patron.objects.filter(name="Typed").exists()


def uploaded(browser):
    def file():
        return SimpleUploadedFile("branches.csv", b"name,zip_code\nA,10001\n")

    return url(Library, "import"), {"import_file": file}, lambda: Change.objects.exists()


def deleted_from_a_list(browser):
    data = {"action": "delete_selected", "_selected_action": make_book().pk, "post": "yes"}
    return url(Book, "changelist"), data, lambda: not Book.objects.exists()


def undone(browser):
    address = change_page("import_undo", imported("New"))
    return address, {}, lambda: not Library.objects.exists()


@pytest.mark.parametrize("end", [idle, old])
@pytest.mark.parametrize("case", [added, uploaded, deleted_from_a_list, undone])
def test_the_form_is_sent_after_its_session_ended(browser, end, case):
    address, data, is_done = case(browser)
    files = {name: value for name, value in data.items() if callable(value)}
    opened = browser.get(address)
    data |= csrf(opened) | token(opened)
    end(browser)
    data |= {name: file() for name, file in files.items()}
    page = browser.post(address, data, **ORIGIN)
    assert (page.status_code, str(page.context["title"])) == (403, "You are signed out")
    assert not is_done()
    again = {name: file() for name, file in files.items()}
    done = browser.post(address, hidden(page) | SIGN_IN | again, **ORIGIN)
    assert done.status_code == 302  # and no password is asked for once more
    assert is_done()
    assert browser.get(url(Book, "changelist")).status_code == 200
    assert Session.objects.latest("first_seen").first_seen > timezone.now() - MINUTE


def test_a_page_is_asked_for_after_its_session_ended(browser):
    address = url(Book, "changelist") + "?q=dune"
    assert browser.get(address).status_code == 200
    idle(browser)
    assert browser.get(address).url == "/admin/login/?next=/admin/library/book/%3Fq%3Ddune"
