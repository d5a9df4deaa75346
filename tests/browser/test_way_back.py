"""The way back: what was deleted or changed is found and brought back in a few clicks."""

import pytest

from tests.browser.clean import assert_clean

INDEX = "/admin/"


class Clicks:
    """A page on which the clicks are counted; it opens no address by itself."""

    def __init__(self, page):
        self.page, self.number = page, 0

    def __call__(self, selector):
        self.number += 1
        self.page.click(selector)
        self.page.wait_for_load_state()


@pytest.fixture
def library(open_page):
    """Makes a library with a patron and a librarian; opens its form."""

    def make(name):
        page = open_page("/admin/library/library/add/")
        fields = {
            "name": name,
            "address": "1 Main Street",
            "phone_number": "212-222-6559",
            "zip_code": "10016",
            "librarian-0-name": f"Librarian of {name}",
            "patron_set-0-name": f"Patron of {name}",
        }
        for field, value in fields.items():
            page.fill(f"[name={field}]", value)
        page.select_option("[name=state]", "NY")
        page.click("[name=_continue]")
        page.wait_for_selector(".messagelist .success")
        return page

    return make


def test_a_deleted_library_comes_back_with_its_people_in_five_clicks(library):
    page = library("Way Back")
    page.click("a.deletelink")
    page.click("#content input[type=submit]")
    page.wait_for_selector(".messagelist a:has-text('Undo')")
    page.goto(INDEX)
    click = Clicks(page)
    click("#menu a:has-text('Libraries')")
    click(".object-tools a:has-text('Deleted')")
    row = page.locator("tbody tr", has_text="Way Back").text_content()
    assert "1 patron, 1 librarian" in row
    assert_clean(page)
    click("[aria-label='Restore Way Back']")
    assert "Patron of Way Back" in page.text_content("#content")
    assert_clean(page)
    click("input[value=Restore]")
    assert click.number <= 5
    assert "was restored, with 1 patron, 1 librarian" in page.text_content(".messagelist")
    assert page.input_value("[name=name]") == "Way Back"
    assert page.input_value("[name=patron_set-0-name]") == "Patron of Way Back"
    # The restoration is undone as easily, and that from the message of a deletion.
    click("a:has-text('Undo')")
    click("input[value='Undo the restoration']")
    assert "Undone on" in page.text_content("#content")
    page.goto("/admin/library/library/?q=way+back")
    assert "0 libraries" in page.text_content("#content")


def test_a_deletion_is_undone_from_its_message(library):
    page = library("Slip of the Mouse")
    page.click("a.deletelink")
    page.click("#content input[type=submit]")
    click = Clicks(page)
    click(".messagelist a:has-text('Undo')")
    click("input[value=Restore]")
    assert click.number == 2
    assert page.input_value("[name=librarian-0-name]") == "Librarian of Slip of the Mouse"


def test_one_phone_number_goes_back_in_five_clicks(library):
    page = library("Wrong Number")
    page.fill("[name=phone_number]", "609-924-9529")
    page.click("[name=_continue]")
    page.fill("[name=name]", "Wrong Number Branch")
    page.click("[name=_continue]")
    page.goto(INDEX)
    click = Clicks(page)
    click("#menu a:has-text('Libraries')")
    page.fill("#searchbar", "wrong number")
    page.keyboard.press("Enter")
    page.wait_for_load_state()
    click("#result_list th a:has-text('Wrong Number')")
    click(".object-tools a.historylink")
    assert_clean(page)
    click("[aria-label='Put back Phone number: 212-222-6559']")
    cells = page.locator("#version-changes tbody tr").all_text_contents()
    assert len(cells) == 1
    assert "609-924-9529" in cells[0]
    assert_clean(page)
    click("[aria-label='Put back Phone number']")
    assert click.number <= 5
    assert "was changed successfully" in page.text_content(".messagelist")
    page.goto("/admin/library/library/?q=wrong+number")
    text = page.text_content("#result_list")
    assert "212-222-6559" in text
    assert "Wrong Number Branch" in text


def test_a_version_shows_what_reverting_would_change(open_page, server):
    page = open_page(server.pages["book version"])
    assert page.locator("#version-changes tbody tr").count() == 2
    assert page.locator("button:has-text('Take away')").count() > 10
    assert_clean(page)
