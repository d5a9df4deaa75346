"""Deleting much: what staff are shown, what they have to type, and the whole of a list."""

import pytest

from tests.browser.clean import assert_clean


def sure(page):
    page.click("#content input[type=submit]")
    page.wait_for_load_state()


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without"])
def test_a_library_with_many_patrons_is_deleted_by_its_name(open_page, server, scripts):
    page = open_page(server.pages["crowded delete"], java_script_enabled=scripts)
    text = page.text_content("#content")
    assert "Patrons: 160" in " ".join(text.split())
    sure(page)
    # The browser asks for what is required; nothing was sent.
    assert page.url.endswith("/delete/")
    page.fill("#id_confirmation", "Crowded")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Nothing was deleted")
    if scripts:
        assert_clean(page)


def test_a_whole_list_is_ticked_and_deleted_by_its_number(open_page, server):
    page = open_page("/admin/library/patron/?q=crowd")
    page.check("#action-toggle")
    page.click("span.question a")
    assert "All 160 selected" in page.text_content("div.actions")
    page.click(".bar button:has-text('Delete')")
    page.wait_for_load_state()
    assert "Patrons: 160" in " ".join(page.text_content("#content").split())
    assert page.locator("input[name=_selected_action]").count() == 1
    page.fill("#id_confirmation", "16")
    sure(page)
    page.wait_for_selector("text=Nothing was deleted")
    assert_clean(page)
    page.fill("#id_confirmation", "160")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Successfully deleted 160 patrons")
    assert "0 of" in page.text_content("h1")
