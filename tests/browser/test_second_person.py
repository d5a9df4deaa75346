"""Where it takes two, whoever had the file checked sees why; the other one writes it."""

import shutil

import pytest

from tests.browser.clean import assert_clean
from tests.browser.server import serve
from tests.browser.test_review import bar, open_review, write


@pytest.fixture(scope="module")
def server(prepared, tmp_path_factory):
    """Of this module alone: the other tests write what they had checked themselves."""
    folder = shutil.copytree(prepared, tmp_path_factory.mktemp("second") / "data")
    with serve(folder, IMPORT_SECOND_PERSON="on") as running:
        yield running


def test_somebody_else_writes_it(open_page, tmp_path):
    page = open_page("/admin/")
    open_review(page, write(tmp_path, "Careful", "-4"))
    assert "somebody else has to write it" in bar(page)
    assert page.locator("#bar button[name=_apply]").count() == 0
    assert_clean(page)
    other = open_page(page.url, user="colleague")
    assert "somebody else" not in bar(other)
    other.click("#bar button[name=_apply]")
    other.wait_for_selector("text=was imported")
    other.goto("/admin/library/library/?q=Careful")
    other.click("#result_list tbody th a")
    other.click("a.historylink")
    history = other.inner_text("#content")
    assert "colleague" in history
    assert "checked by admin" in history


def test_who_decides_about_a_row_can_not_write_it_either(open_page, tmp_path):
    page = open_page("/admin/")
    open_review(page, write(tmp_path, "Both", "-4"))
    other = open_page(page.url, user="colleague")
    other.click("#row-3 button:has-text('Skip row')")
    other.wait_for_selector("#bar:has-text('somebody else has to write it')")
    assert other.locator("#bar button[name=_apply]").count() == 0
