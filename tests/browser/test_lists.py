"""Lists: what fits, the head, the bar of actions, cards on a phone."""

import pytest

from tests.browser.clean import NARROW, WIDE, assert_clean

LIBRARIES = "/admin/library/library/"


def rows_in_sight(page):
    return page.evaluate(
        "[...document.querySelectorAll('#result_list tbody tr')]"
        ".filter(row => row.getBoundingClientRect().bottom <= innerHeight).length"
    )


def heights(page, column):
    """How many lines the cells of a column have, at most."""
    return page.evaluate(
        "name => Math.max(...[...document.querySelectorAll(`#result_list .field-${name}`)]"
        ".map(cell => { const range = document.createRange(); range.selectNodeContents(cell);"
        " return range.getClientRects().length }))",
        column,
    )


def test_fourteen_rows_are_in_sight_and_the_head_stays(open_page):
    page = open_page(LIBRARIES, viewport=WIDE)
    assert rows_in_sight(page) >= 14
    assert heights(page, "phone_number") == heights(page, "zip_code") == 1
    page.mouse.wheel(0, 500)
    page.wait_for_function("scrollY > 300")
    assert page.locator("#result_list thead th.column-name").bounding_box()["y"] >= -1
    align = "getComputedStyle(document.querySelector('td.field-patron_count')).textAlign"
    assert page.evaluate(align) == "end"


def test_a_phone_shows_cards(open_page):
    page = open_page(LIBRARIES, viewport=NARROW)
    cell = page.locator("#result_list td.field-zip_code").first
    label = "cell => getComputedStyle(cell, '::before').content"
    assert "ZIP code" in cell.evaluate(label)
    assert page.evaluate("document.scrollingElement.scrollWidth") <= NARROW["width"]


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without"])
def test_the_bar_has_a_button_for_each_action(open_page, scripts):
    page = open_page(f"{LIBRARIES}?state=NJ", java_script_enabled=scripts)
    bar = page.locator("#changelist .bar")
    assert bar.is_visible() is not scripts
    assert bar.locator("button").all_text_contents() == ["Edit", "Export", "Delete"]
    page.locator(".action-select").first.check()
    assert bar.is_visible()
    if scripts:
        assert_clean(page)
    page.click(".bar button:has-text('Export')")
    page.wait_for_selector("text=1 row will be in the file.")


def test_all_rows_are_chosen_without_scripts(open_page):
    page = open_page("/admin/library/patron/?q=crowd", java_script_enabled=False)
    page.check(".bar label")
    page.click(".bar button:has-text('Export')")
    page.wait_for_selector("text=160 rows will be in the file.")
