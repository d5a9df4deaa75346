"""Sessions as they are in a browser: seen, ended, and proved anew while a form is kept."""

import shutil
import sqlite3
from contextlib import closing

import pytest

from backoffice.sessions.fresh import PROVED
from backoffice.sessions.models import Session
from tests.browser.clean import WIDE, assert_clean
from tests.browser.conftest import Pages
from tests.browser.server import serve
from tests.browser.test_once import groups, sign_in, told

PASSWORD = "walk the pages"


class House:
    """A server of its own, whose sessions can be made older."""

    def __init__(self, running, folder):
        self.running, self.folder = running, folder

    def change(self, statement, *values):
        with closing(sqlite3.connect(self.folder / "db.sqlite3", timeout=20)) as database:
            found = database.execute(statement, values).fetchall()
            database.commit()
        return found

    def later(self):
        """All proved long ago that it is they."""
        rows = self.change("SELECT session_key, session_data FROM backoffice_session")
        for key, text in rows:
            data = Session(session_data=text).get_decoded() | {PROVED: 0}
            self.change(
                "UPDATE backoffice_session SET session_data = ? WHERE session_key = ?",
                Session.objects.encode(data),
                key,
            )

    def idle(self):
        """Nobody has used any for too long."""
        self.change("UPDATE backoffice_session SET expire_date = '2026-01-01 00:00:00'")


@pytest.fixture
def house(prepared, tmp_path):
    folder = shutil.copytree(prepared, tmp_path / "data")
    with serve(folder) as running:
        yield House(running, folder)


@pytest.fixture
def devices(chromium, house):
    """Two browsers of one person; the second has no JavaScript."""
    pages = Pages(chromium, house.running)
    first = pages.open("/admin/login/", user=None, viewport=WIDE)
    second = pages.open("/admin/login/", user=None, java_script_enabled=False)
    for page in (first, second):
        sign_in(page)
    yield first, second
    problems = pages.problems()
    pages.close()
    assert not problems


def prove(page, password=PASSWORD):
    page.wait_for_selector("text=Type your password again")
    page.fill("#id_proof-password", password)
    page.click("#kept-form input[type=submit]")


def test_sessions_are_seen_and_ended_and_forms_outlive_them(devices, house):
    here, there = devices

    # A role needs the password; the form is kept, by a wrong one as well.
    for page, name in ((here, "Kept"), (there, "Kept without scripts")):
        page.goto("/admin/auth/group/1/change/")
        page.fill("#id_name", name)
        house.later()
        page.click("input[name=_save]")
        prove(page, "wrong")
        page.wait_for_selector("text=This is not your password.")
        if page is here:
            assert page.evaluate("document.activeElement.id") == "id_proof-password"
            assert_clean(page)
            page.set_viewport_size(WIDE)
        prove(page)
        page.wait_for_selector(".messagelist:has-text('was changed successfully')")
        assert groups(page, name.replace(" ", "+")) == 1

    # A password's page asks before it opens.
    house.later()
    here.goto("/admin/auth/user/1/password/")
    prove(here)
    here.wait_for_selector("#id_password1")

    # Both are seen; the other one is ended.
    here.click("#account-button")
    here.click("#account-menu a:has-text('Sessions')")
    assert here.text_content("h1") == "Your sessions"
    assert here.locator("#sessions-form tbody tr:has-text('(this one)')").count() == 1
    assert here.locator("#sessions-form tbody tr:has-text('Chrome')").count() >= 2
    assert_clean(here)
    here.set_viewport_size(WIDE)
    here.click("input[name=_others]")
    here.wait_for_selector(".messagelist:has-text('ended.')")
    assert here.locator("#sessions-form tbody tr").count() == 1
    there.goto("/admin/")
    assert "/login/" in there.url

    # A form that is open while nobody uses the session is sent after its end.
    here.goto("/admin/auth/group/add/")
    here.fill("#id_name", "Outlived")
    house.idle()
    here.click("input[name=_save]")
    here.wait_for_selector("text=You are signed out")
    here.fill("#id_sign-in-password", PASSWORD)
    here.click("#kept-form input[type=submit]")
    here.wait_for_selector(".messagelist:has-text('was added successfully')")

    here.click("#account-button")
    here.click("#account-menu a:has-text('Sessions')")
    here.click("input[name=_all]")
    here.wait_for_selector("text=You are signed out.")
    assert "/login/" in here.url
    told(here, 403)
    told(there, 403)
