"""A mirror in the browser: chosen on the columns page, looked at in the review, and undone."""

import pytest

from tests.browser.clean import NARROW, assert_clean
from tests.browser.test_columns import open_columns, write
from tests.browser.test_review import bar, open_review

ROW = "{},65 Witherspoon Street,NJ,609-924-9529,08542-3214\n"


def two_libraries(page, tmp_path, name):
    """Import two libraries; then open the columns page of a file that has one of them."""
    open_review(page, write(tmp_path, ROW.format(f"{name} stays"), ROW.format(f"{name} goes")))
    page.click("#bar button[name=_apply]")
    page.wait_for_selector("text=was imported")
    open_columns(page, write(tmp_path, ROW.format(f"{name} stays")))


def found(page, name):
    page.goto(f"/admin/library/library/?q={name}")
    return page.locator("#result_list tbody tr").count()


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without"])
def test_what_the_file_lacks_is_looked_at_deleted_and_brought_back(
    open_page, tmp_path, scripts
):
    name = f"Mirrored{scripts}"
    page = open_page("/admin/", java_script_enabled=scripts)
    two_libraries(page, tmp_path, name)
    page.click(".more > summary")
    page.fill("#id_with-mirror", f"name={name}")
    page.click("#mapping-form input.default")
    page.wait_for_selector("#bar")
    assert "deleted, because the file lacks them: 1 library" in bar(page)
    page.click("#tabs a:has-text('Not in the file')")
    page.wait_for_selector(f"table.rows a:has-text('{name} goes')")
    if scripts:
        assert_clean(page)
    page.click("#bar button[name=_apply]")
    page.wait_for_selector("text=was imported")
    done = page.url
    assert found(page, name) == 1
    page.goto(f"{done}undo/")
    page.click("form input.default, form input[type=submit], form button.default")
    page.wait_for_url(lambda url: "undo" not in url)
    assert found(page, name) == 2


def test_a_mirror_by_keyboard_on_a_phone(open_page, tmp_path):
    page = open_page("/admin/", viewport=NARROW)
    two_libraries(page, tmp_path, "MirrorKeys")

    def tab_to(selector):
        for _press in range(60):
            if page.evaluate(f"document.activeElement.matches({selector!r})"):
                return
            page.keyboard.press("Tab")
        raise AssertionError(selector)

    tab_to(".more > summary")
    page.keyboard.press("Enter")
    tab_to("#id_with-mirror")
    page.keyboard.type("name=MirrorKeys")
    page.keyboard.press("Shift+Tab")
    page.focus("[name=_check]")
    page.keyboard.press("Enter")
    page.wait_for_selector("#bar")
    assert_clean(page)
    tab_to("#bar button[name=_apply]")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=was imported")
    assert found(page, "MirrorKeys") == 1
