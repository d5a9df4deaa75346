"""Small things of pages: long texts, ticks after Back, why choices could not be loaded."""

import pytest

from tests.browser.clean import NARROW, WIDE

LONG = "W" * 200


@pytest.fixture
def long_patron(open_page):
    """The address of the form of a patron whose name has no blank."""
    page = open_page("/admin/library/patron/?q=reader")
    page.click("#result_list tbody th a")
    name = page.input_value("#id_name")
    page.fill("#id_name", LONG)
    page.click("input[name=_continue]")
    page.wait_for_selector(".messagelist")
    yield page
    page.goto(page.long_address)
    page.fill("#id_name", name)
    page.click("input[name=_save]")


def test_a_text_without_blanks_makes_no_page_wider(long_patron):
    page = long_patron
    page.long_address = page.url.partition("?")[0]
    record = page.long_address.removesuffix("change/")
    listed = "/admin/library/patron/?q=" + LONG

    def assert_fits():
        for size in (WIDE, NARROW):
            page.set_viewport_size(size)
            width = page.evaluate("document.scrollingElement.scrollWidth")
            assert width <= size["width"], page.url

    assert_fits()  # the form, with a message
    for address in (record + "history/", record + "delete/", listed):
        page.goto(address)
        assert_fits()
    page.set_viewport_size(WIDE)
    link, cell = (page.locator(f"#result_list tbody th{a}").bounding_box() for a in (" a", ""))
    assert link["x"] + link["width"] <= cell["x"] + cell["width"]
    page.click("button:has-text('Edit this one')")
    page.fill("#id_replace-find", "W")
    page.fill("#id_replace-put", "V")
    page.click("input[name=_preview]")
    page.wait_for_selector("text=Nothing is written yet")
    assert_fits()


def test_ticks_that_are_there_again_are_seen_and_no_more_than_these(open_page):
    page = open_page("/admin/library/patron/?q=reader")
    plain = page.evaluate(COLOUR)
    page.click("#action-toggle")
    page.click(".actions .question a")
    assert page.input_value("input.select-across") == "1"
    page.click(".bar button:has-text('Delete')")
    page.wait_for_selector("text=Are you sure")
    with page.expect_navigation():
        page.click(".cancel-link")
    page.wait_for_function("document.querySelector('input.select-across').value === '0'")
    if page.is_checked("#result_list tbody tr:first-child input"):
        assert page.evaluate(COLOUR) != plain
    page.uncheck("#action-toggle") if page.is_checked("#action-toggle") else None
    assert page.evaluate(COLOUR) == plain


COLOUR = "getComputedStyle(document.querySelector('#result_list tbody tr')).backgroundColor"


def test_it_is_said_why_choices_could_not_be_loaded(open_page):
    page = open_page("/admin/library/patron/add/")
    answers = [
        (lambda route: route.fulfill(status=403, body="no"), "you may not see these records"),
        (lambda route: route.fulfill(status=500, body="no"), "the server failed"),
    ]
    for answer, reason in answers:
        page.route("**/autocomplete/**", answer)
        page.click(".select2-selection")
        page.wait_for_selector(f".select2-results >> text={reason}")
        page.keyboard.press("Escape")
        page.unroute("**/autocomplete/**")
    page.context.clear_cookies()
    page.click(".select2-selection")
    page.wait_for_selector(".select2-results >> text=you are no longer signed in")
    page.problems.clear()
