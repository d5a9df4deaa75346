"""Editing from the list as staff do it: ticked, seen, written, taken back."""

import pytest

from tests.browser.clean import assert_clean as every_check


def assert_clean(page, scripts=True):
    if scripts:  # axe is one
        every_check(page)


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without"])
def test_an_edit_from_the_list_to_its_undo(open_page, scripts):
    page = open_page("/admin/library/library/?state=NJ", java_script_enabled=scripts)
    for tick in page.locator("input.action-select").all()[:3]:
        tick.check()
    page.click(".bar button:has-text('Edit')")
    page.wait_for_selector("#edit-form")
    assert_clean(page, scripts)
    page.click("input[name=_preview]")
    page.wait_for_selector("text=Tick at least one field")
    page.select_option("#id_edit-state", "CT")
    if not scripts:
        page.check("input[name=change][value=state]")
    assert page.is_checked("input[name=change][value=state]")
    page.press("input[name=_preview]", "Enter")
    page.wait_for_selector("text=Nothing is written yet")
    assert page.locator("table.changes tbody tr").count() == 3
    assert_clean(page, scripts)
    page.press("input[name=_apply]", "Enter")
    page.wait_for_selector("text=Changed to State: Connecticut")
    assert page.locator("dl.counts dd").all_text_contents() == ["3", "0", "3", "0", "0"]
    assert_clean(page, scripts)
    page.click("a:has-text('Undo this edit')")
    page.wait_for_selector("text=Undoing the edit")
    page.click("input.default")
    page.wait_for_selector("dt:has-text('Got their old values back') + dd:has-text('3')")


def test_a_wrong_value_is_said_beside_its_field(open_page):
    page = open_page("/admin/library/library/?state=NJ")
    page.locator("input.action-select").first.check()
    page.click(".bar button:has-text('Edit')")
    page.fill("#id_edit-zip_code", "8542")
    page.click("input[name=_preview]")
    error = page.locator(".form-row.errors .errorlist")
    assert "Enter a ZIP code of 5 digits" in error.text_content()
    assert_clean(page)


def edit_without_its_script(open_page):
    """The page of an edit, and the requests of its script: they wait for `continue_`."""
    page = open_page("/admin/library/library/?state=NJ")
    page.locator("input.action-select").first.check()
    held = []
    page.route("**/edit*.js", lambda route: held.append(route))
    page.click(".bar button:has-text('Edit')", no_wait_after=True)
    return page, held


def test_what_was_entered_before_the_script_came_is_ticked(open_page):
    page, held = edit_without_its_script(open_page)
    page.fill("#id_edit-zip_code", "08542")
    tick = page.locator("input[name=change][value=zip_code]")
    assert not tick.is_checked()
    assert held
    held[0].continue_()
    page.wait_for_load_state()
    assert tick.is_checked()
    assert not page.is_checked("input[name=change][value=state]")


def test_what_the_browser_chooses_by_itself_is_not_ticked(open_page):
    """The first option that can be chosen; a colour."""
    page, held = edit_without_its_script(open_page)
    page.locator("#id_edit-zip_code").evaluate(
        """(input) => input.insertAdjacentHTML("afterend", `
            <select name="one"><option disabled>a</option><option>b</option></select>
            <select name="several" size="3"><option>a</option><option>b</option></select>
            <input type="color" name="colour">`)"""
    )
    held[0].continue_()
    page.wait_for_load_state()
    page.focus("#id_edit-zip_code")
    assert page.locator("input[name=change]:checked").count() == 0
    page.select_option("select[name=several]", "a")
    assert page.is_checked("input[name=change][value=zip_code]")
