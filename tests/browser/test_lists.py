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
    page = open_page("/admin/library/patron/?q=throng", java_script_enabled=False)
    page.check(".bar label")
    page.click(".bar button:has-text('Export')")
    page.wait_for_selector("text=120 rows will be in the file.")


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without"])
def test_columns_are_chosen_ordered_and_kept_as_a_view(open_page, scripts):
    state = "NJ" if scripts else "CT"  # what is a view already is not offered to be saved
    page = open_page(f"{LIBRARIES}?state={state}&o=3", java_script_enabled=scripts)
    page.click("#columns > summary")
    for name in ("address", "librarian", "patron_count", "book_count"):
        page.uncheck(f"#columns input[value={name}]")
    if scripts:
        assert_clean(page)
        for _step in range(2):
            page.click("#columns li:has([value=zip_code]) [data-move='-1']")
    else:
        page.fill("[name=_place-zip_code]", "2")
        page.fill("[name=_place-state]", "4")
    page.click("text=Show these columns")
    page.wait_for_url("**_columns=**")
    heads = page.locator("#result_list thead th .text").all_inner_texts()
    shown = [head.strip(" ▲") for head in heads if head.strip()]
    assert set(shown) == {"Name", "ZIP code", "State", "Phone number"}
    assert shown.index("ZIP code") < shown.index("State")
    assert page.locator("#result_list th.sorted").inner_text().startswith("State")
    page.click("#save-filter > summary")
    page.fill("#save_name", f"Jersey by ZIP {scripts}")
    page.click("#save-filter input[type=submit]")
    page.wait_for_selector(".messagelist >> text=is saved")
    page.goto(LIBRARIES)
    page.click("#views > summary")
    if scripts:
        assert_clean(page)
    page.click(f".saved-filters a:has-text('Jersey by ZIP {scripts}')")
    page.wait_for_url(f"**_columns=**state={state}**")
    assert page.locator("#result_list td.field-address").count() == 0
