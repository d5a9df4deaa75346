"""The keys that need no other beside them, and the switch that turns them off."""

from tests.browser.clean import assert_clean

KEYS = "/admin/help/reference/keyboard/"


def is_searching(page):
    return page.evaluate("document.activeElement.id") == "search-everything"


def test_single_keys_work_until_they_are_turned_off(open_page):
    page = open_page("/admin/")
    page.keyboard.press("?")
    page.wait_for_selector("dialog.keys .single-keys")
    assert_clean(page)
    page.uncheck("dialog.keys .single-keys input")
    page.keyboard.press("Escape")
    page.goto("/admin/library/library/")
    page.keyboard.press("?")
    page.keyboard.press("/")
    assert not is_searching(page)
    assert page.locator("dialog.keys").count() == 0
    assert page.locator(".find kbd").is_hidden()
    page.keyboard.press("Control+k")
    assert is_searching(page)
    page.goto(KEYS)
    assert_clean(page)
    page.check(".manual-text .single-keys input")
    page.keyboard.press("/")
    assert not is_searching(page)  # the box has the focus: a field
    page.locator("h1").click()
    page.keyboard.press("/")
    assert is_searching(page)
