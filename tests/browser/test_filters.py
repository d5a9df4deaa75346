"""The filters above a list: by mouse, by keyboard, and without JavaScript."""

from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.browser.clean import assert_clean

LIBRARIES = "/admin/library/library/"


def rows(page):
    return page.locator("#result_list tbody tr").count()


def parameters(page):
    return sorted(parse_qsl(urlsplit(page.url).query, keep_blank_values=True))


def chips(page):
    return [text.strip() for text in page.locator(".chips li").all_inner_texts()]


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without"])
def test_a_list_is_filtered_by_its_form(open_page, scripts):
    page = open_page(f"{LIBRARIES}?o=-1", java_script_enabled=scripts)
    page.click("#filterset > summary")
    page.select_option("#filter_state", ["NJ", "NY"])
    page.fill("#filter_name", "library")
    page.fill("#filter_patron_count_0", "1")
    page.click("#filterset-form input[type=submit]")
    page.wait_for_url("**name=library**")
    given = [(name, value) for name, value in parameters(page) if value]
    assert given == [
        ("name", "library"),
        ("o", "-1"),
        ("patron_count_min", "1"),
        ("state", "NJ"),
        ("state", "NY"),
    ]
    if scripts:  # else what is blank is in the address, and does nothing
        assert parameters(page) == given
    assert rows(page) > 0
    assert len(chips(page)) == 4
    page.click("a[aria-label='Remove State: New York']")
    page.wait_for_load_state()
    assert ("state", "NY") not in parameters(page)
    page.click("text=Clear")
    page.wait_for_load_state()
    assert parameters(page) == [("o", "-1")]


def test_a_list_is_filtered_by_keyboard(open_page):
    page = open_page(LIBRARIES)
    page.focus("#filterset > summary")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.type("princeton")
    page.keyboard.press("Enter")
    page.wait_for_url("**name=princeton")
    assert rows(page) == 1
    page.focus(".chips .chip")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{LIBRARIES}?")
    assert rows(page) > 1


def test_a_value_that_can_t_be_is_shown_with_its_error(open_page):
    page = open_page(LIBRARIES)
    page.click("#filterset > summary")
    page.fill("#filter_patron_count_1", "many")
    page.keyboard.press("Enter")
    page.wait_for_load_state()
    assert page.locator("#filterset").get_attribute("open") is not None
    assert page.input_value("#filter_patron_count_1") == "many"
    assert "Enter a whole number" in page.text_content(".filterset-field.errors")
    assert rows(page) == 0
    page.fill("#filter_patron_count_1", "0")
    page.keyboard.press("Enter")
    page.wait_for_url("**patron_count_max=0")
    assert page.locator("#filterset").get_attribute("open") is None


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without"])
def test_a_filter_is_saved_shared_and_removed(open_page, scripts):
    name = f"Without a librarian {scripts}"
    query = f"?librarian=no&patron_count_max={9 if scripts else 8}"
    page = open_page(LIBRARIES + query, java_script_enabled=scripts)
    page.click("#save-filter > summary")
    page.fill("#save_name", name)
    page.check("#save_shared")
    page.click("#save-filter input[type=submit]")
    page.wait_for_selector(".messagelist >> text=is saved")
    current = page.locator(".saved-filters a[aria-current]")
    assert current.text_content() == name
    # Another's page has it, and its name is asked about when it is taken.
    other = open_page(LIBRARIES, user="viewer", java_script_enabled=scripts)
    other.click("#views > summary")
    other.click(f".saved-filters a:has-text('{name}')")
    other.wait_for_url(f"**{query}")
    page.goto(f"{LIBRARIES}?name=x&librarian={'yes' if scripts else 'no'}")
    page.click("#save-filter > summary")
    page.fill("#save_name", name)
    page.click("#save-filter input[type=submit]")
    page.wait_for_selector("#save-filter-form")
    assert page.input_value("#id_name") == name
    page.check("#id_replace")
    page.click("#save-filter-form input[type=submit]")
    page.wait_for_selector(".messagelist >> text=is saved")
    page.click("#views > summary")
    page.click(".saved-filters > a")
    page.click(f"#result_list a:has-text('{name}')")
    page.click("a.deletelink")
    page.click("#content input[type=submit]")
    page.wait_for_selector(".messagelist >> text=was deleted")


def test_the_form_open_is_clean(open_page):
    page = open_page(f"{LIBRARIES}?state=NY&q=a")
    page.click("#filterset > summary")
    assert_clean(page)
    page.keyboard.press("Escape")
    page.click("#save-filter > summary")
    assert_clean(page)
