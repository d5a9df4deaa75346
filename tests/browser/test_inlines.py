"""A library of many patrons as staff use it: by the page, searched, and two at once."""

import pytest

from tests.browser.clean import assert_clean
from tests.browser.leaving import leaving
from tests.browser.test_use import submit


@pytest.fixture
def open_library(open_page, server):
    """`open_library(query="", **options)`: the form of the library with 1,100 patrons."""

    def open_(query="", **options):
        return open_page(server.pages["library of many patrons"] + query, **options)

    return open_


def row_of(page, name):
    """The input that holds this name."""
    return page.locator(f"#patron_set-group input[value='{name}']").first


def errors(page):
    return " ".join(page.locator("#patron_set-group .errorlist").all_text_contents())


def test_a_patron_on_another_page_is_edited_by_mouse(open_library):
    page = open_library()
    page.click(".inline-pages a:has-text('Next')")
    page.wait_for_url("**patron_set-p=2#patron_set-rows")
    assert page.text_content(".inline-pages [aria-current]").strip() == "Page 2"
    row_of(page, "Reader 0030").fill("Reader 0030 edited")
    page.click("#patron_set-group .add-row a")
    page.fill("#id_patron_set-26-name", "Zoe")
    row = page.locator("#patron_set-group tr.has_original", has_text="Reader 0031")
    row.locator("input[type=checkbox]").check()
    submit(page, "_continue")
    assert "patron_set-p=2" in page.url
    assert row_of(page, "Reader 0030 edited").is_visible()
    assert row_of(page, "Reader 0031").count() == 0
    page.click(".inline-pages a:has-text('44')")
    page.wait_for_url("**patron_set-p=44**")
    assert row_of(page, "Zoe").is_visible()


def test_a_patron_is_found_and_edited_by_keyboard(open_library):
    page = open_library()
    page.focus("#id_patron_set-q")
    page.keyboard.type("0777")
    page.keyboard.press("Enter")
    page.wait_for_url("**patron_set-q=0777#patron_set-rows")
    assert "1 result" in page.text_content(".inline-search")
    assert page.input_value("#id_patron_set-q") == "0777"
    page.focus("#id_patron_set-0-name")
    page.keyboard.press("End")
    page.keyboard.type(" by keyboard")
    page.keyboard.press("Enter")
    page.wait_for_selector(".messagelist .success")
    page = open_library("?patron_set-q=by+keyboard")
    assert row_of(page, "Reader 0777 by keyboard").is_visible()
    page.focus(".inline-search a")
    page.keyboard.press("Enter")
    page.wait_for_url("**change/**")
    assert "1–25 of 1,1" in page.text_content(".inline-pages")


def test_pages_are_turned_by_keyboard(open_library):
    page = open_library("?patron_set-p=3")
    page.focus("#patron_set-group .add-row a")
    for _ in range(2):
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "Page 1"
    page.keyboard.press("Enter")
    page.wait_for_url("**patron_set-p=1#patron_set-rows")


def test_errors_come_back_on_their_page(open_library):
    page = open_library("?_changelist_filters=q%3Dmany&patron_set-p=5")
    emptied = "#" + row_of(page, "Reader 0110").get_attribute("id")
    page.fill(emptied, "")
    row_of(page, "Reader 0111").fill("Typed before the error")
    submit(page)
    assert "This field is required" in errors(page)
    assert page.text_content(".inline-pages [aria-current]").strip() == "Page 5"
    assert row_of(page, "Typed before the error").is_visible()
    assert_clean(page)
    assert leaving(page, lambda: page.click(".inline-pages a:has-text('Next')"))
    page.fill(emptied, "Reader 0110")
    submit(page)
    assert page.url.endswith("/library/library/?q=many")


def test_two_people_edit_and_delete_at_once(open_library):
    query = "?patron_set-p=8"
    mine, theirs = open_library(query), open_library(query)
    row_of(theirs, "Reader 0180").fill("Reader 0180 theirs")
    row = theirs.locator("#patron_set-group tr.has_original", has_text="Reader 0181")
    row.locator("input[type=checkbox]").check()
    submit(theirs, "_continue")

    row_of(mine, "Reader 0180").fill("Reader 0180 mine")
    row_of(mine, "Reader 0181").fill("Reader 0181 mine")
    row_of(mine, "Reader 0182").fill("Reader 0182 mine")
    submit(mine, "_continue")
    assert "Name is now “Reader 0180 theirs”" in errors(mine)
    assert "Somebody else deleted or moved this patron" in errors(mine)
    assert_clean(mine)
    submit(mine, "_continue")
    assert "deleted or moved meanwhile: Reader 0181." in mine.text_content(".messagelist")
    assert row_of(mine, "Reader 0180 mine").is_visible()
    assert row_of(mine, "Reader 0182 mine").is_visible()
    assert row_of(mine, "Reader 0181 mine").count() == 0


def test_pages_and_search_without_javascript(open_library):
    page = open_library(java_script_enabled=False)
    assert "Save before you turn the page" in page.text_content(".inline-pages")
    page.click(".inline-pages a:has-text('Next')")
    page.wait_for_url("**patron_set-p=2**")
    page.fill("#id_patron_set-q", "0999")
    page.click(".inline-search input[type=submit]")
    page.wait_for_url("**patron_set-q=0999**")
    row_of(page, "Reader 0999").fill("Reader 0999 without script")
    page.fill("#id_patron_set-1-name", "Reader 0999 bis")
    submit(page, "_continue")
    assert "patron_set-q=0999" in page.url
    assert row_of(page, "Reader 0999 without script").is_visible()
    assert row_of(page, "Reader 0999 bis").is_visible()


def test_who_may_only_view_pages_and_searches(open_library):
    page = open_library(user="viewer")
    page.click(".inline-pages a:has-text('Next')")
    page.wait_for_url("**patron_set-p=2**")
    page.fill("#id_patron_set-q", "0555")
    page.keyboard.press("Enter")
    page.wait_for_url("**patron_set-q=0555**")
    assert "Reader 0555" in page.text_content("#patron_set-group")
    assert page.locator("#patron_set-group input[type=text]").count() == 0
    assert_clean(page)
