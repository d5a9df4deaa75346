"""One search over everything: by keyboard from any page, and without scripts."""

from tests.browser.clean import WIDE, assert_clean


def test_anything_is_found_by_keyboard_from_any_page(open_page):
    page = open_page("/admin/password_change/", viewport=WIDE)  # few targets lie below
    page.click("h1")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "search-everything"
    page.keyboard.type("main")
    page.wait_for_selector(".found a")
    assert "Links to what was found" in page.inner_text("form.find [role=status]")
    headings = page.locator(".found h2").all_inner_texts()
    assert "Libraries" in headings
    assert_clean(page, in_all_looks=True)
    page.set_viewport_size(WIDE)

    page.keyboard.press("ArrowDown")
    first = page.locator(".found a").first
    assert first.evaluate("link => link === document.activeElement")
    page.keyboard.press("ArrowUp")
    assert page.evaluate("document.activeElement.id") == "search-everything"
    page.keyboard.press("Escape")
    assert page.is_hidden(".found")
    page.keyboard.press("Control+k")
    page.wait_for_selector(".found a")
    page.keyboard.press("ArrowDown")
    name = first.inner_text().split("\n")[0]
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert page.url.endswith("/change/")
    assert page.input_value("#id_name")
    assert page.input_value("#id_name") in name

    page.keyboard.press("Control+k")
    page.keyboard.type("zebra")
    page.wait_for_selector(".found-none")
    assert page.inner_text("form.find [role=status]") == "Nothing was found."
    with page.expect_navigation():
        page.keyboard.press("Enter")
    assert page.input_value(".found-form input") == "zebra"


def test_it_is_a_page_without_scripts(open_page):
    page = open_page("/admin/", java_script_enabled=False, viewport=WIDE)
    page.fill("#search-everything", "new library")
    with page.expect_navigation():
        page.press("#search-everything", "Enter")
    page.click(".found-page >> text=Add library")
    assert page.url.endswith("/admin/library/library/add/")
