"""The page of imports as staff use it: by mouse, by keyboard alone, and without JavaScript."""

import pytest

from tests.browser.clean import assert_clean
from tests.browser.test_undo import tab_to


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without"])
def test_a_file_is_imported_into_a_model_of_ones_choice(open_page, server, scripts):
    page = open_page(server.pages["imports"], java_script_enabled=scripts)
    assert not page.is_visible(".import-menu a")
    page.click("text=Import a file")
    if scripts:
        assert_clean(page)
    page.click(".import-menu a:has-text('Patrons')")
    page.wait_for_url("**/library/patron/import/")
    assert page.is_visible("#id_import_file")


def test_by_keyboard_alone(open_page, server):
    page = open_page(server.pages["imports"])
    tab_to(page, ".import-menu summary")
    page.keyboard.press("Enter")
    tab_to(page, ".import-menu a[href='/admin/library/library/import/']", most=6)
    page.keyboard.press("Enter")
    page.wait_for_selector("#id_import_file")
    page.goto(server.pages["imports"])
    tab_to(page, "a[aria-label^=Continue]")
    page.keyboard.press("Enter")
    page.wait_for_url("**/import/**")
    assert "/import/" in page.url


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without"])
def test_a_row_leads_on(open_page, server, scripts):
    page = open_page(server.pages["imports"], java_script_enabled=scripts)
    row = page.locator("#result_list tr:has(.pill:has-text('To be reviewed'))").first
    with page.expect_download() as download:
        row.locator("a:has-text('Download')").click()
    assert download.value.suggested_filename.endswith(".csv")
    row.locator("a:has-text('Continue')").click()
    page.wait_for_selector("#bar")
    page.goto(server.pages["imports"])
    page.locator("#result_list a:has-text('Undo')").first.click()
    page.wait_for_selector("#undo-form")
