"""Two clicks, sessions that end, and errors, as they are in a browser."""

import pytest

from tests.browser.clean import WIDE, assert_clean
from tests.browser.conftest import Pages

#: Two clicks; what the form's buttons are after them, and after a way back to the page.
TWO_CLICKS = """
async (name) => {
    const button = document.querySelector(name);
    const buttons = () => [button.value, document.querySelector("[name=_save]").disabled];
    button.click();
    button.click();
    await new Promise((resolve) => window.setTimeout(resolve, 100));
    const seen = [buttons()];
    window.dispatchEvent(new Event("pageshow"));
    return [...seen, buttons()];
}
"""


def told(page, *statuses):
    """Forget what the console says of these statuses; all else fails the test."""
    page.problems[:] = [
        problem
        for problem in page.problems
        if not any(f"status of {status}" in problem for status in statuses)
    ]


def groups(page, name):
    page.goto(f"/admin/auth/group/?q={name}")
    return page.locator("#result_list tbody tr").count()


# Once -----------------------------------------------------------------------------------


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without"])
def test_two_clicks_are_one_record(open_page, scripts):
    page = open_page("/admin/auth/group/add/", java_script_enabled=scripts)
    name = f"Twice{scripts}"
    page.fill("#id_name", name)
    page.dblclick("input[name=_save]")
    page.wait_for_selector(".messagelist")
    assert page.locator(".messagelist li").count() == 1
    assert "was added successfully" in page.text_content(".messagelist")
    assert groups(page, name) == 1


def test_a_button_says_that_it_is_at_work_and_comes_back(open_page):
    page = open_page("/admin/auth/group/add/")
    page.fill("#id_name", "At work")
    held = []
    page.route("**/admin/auth/group/add/", lambda route: held.append(route))
    working, back = page.evaluate(TWO_CLICKS, "input[name=_addanother]")
    assert working == ["Working…", True]
    assert back == ["Save and add another", False]
    assert len(held) == 1  # the second click sent nothing
    assert "_addanother=Save+and+add+another" in held[0].request.post_data
    held.pop().continue_()
    page.unroute("**/admin/auth/group/add/")
    page.wait_for_selector(".messagelist")
    assert page.url.endswith("/admin/auth/group/add/")


def test_back_and_save_again_asks_whether_another_is_meant(open_page):
    page = open_page("/admin/auth/group/add/")
    once = page.input_value("#group_form [name=_once]")
    page.fill("#id_name", "First of two")
    page.click("input[name=_save]")
    page.wait_for_selector(".messagelist")
    page.goto("/admin/auth/group/add/")
    # As a browser has it that kept the page.
    page.evaluate("(v) => document.querySelector('#group_form [name=_once]').value = v", once)
    page.fill("#id_name", "Second of two")
    page.click("input[name=_save]")
    page.wait_for_selector("text=This form was saved before")
    assert_clean(page)
    page.click("#kept-form input[type=submit]")
    page.wait_for_selector(".messagelist")
    assert groups(page, "of two") == 2
    told(page, 409)


# Sessions that end ----------------------------------------------------------------------


@pytest.fixture
def browser(chromium, server):
    """Tabs of one browser, which nobody is signed in to."""
    pages = Pages(chromium, server)
    first = pages.open("/admin/login/", user=None, viewport=WIDE)
    yield first
    pages.close()


def tab(page, address):
    other = page.context.new_page()
    other.goto(address)
    return other


def sign_in(page):
    page.goto("/admin/login/?next=/admin/auth/")
    page.fill("#id_username", "admin")
    page.fill("#id_password", "walk the pages")
    page.click("input[type=submit]")
    page.wait_for_url("**/admin/auth/")


def test_a_form_outlives_its_session(browser):
    waiting = tab(browser, "/admin/login/?next=/admin/auth/group/add/")
    sign_in(browser)
    form = tab(browser, "/admin/auth/group/add/")
    form.fill("#id_name", "Outlived")

    # A second page to sign in works, and leads to where it was to lead.
    waiting.fill("#id_username", "admin")
    waiting.fill("#id_password", "walk the pages")
    waiting.click("input[type=submit]")
    waiting.wait_for_url("**/admin/auth/group/add/")

    # The form that was open meanwhile is sent from the page that kept it.
    form.click("input[name=_save]")
    form.wait_for_selector("text=opened before the last sign-in")
    assert_clean(form)
    form.click("#kept-form input[type=submit]")
    form.wait_for_selector(".messagelist:has-text('was added successfully')")

    # Signed out, one signs in on the page.
    form.goto("/admin/auth/group/add/")
    form.fill("#id_name", "Signed out")
    browser.click("#account-button")
    browser.click("#logout-form button")
    browser.wait_for_selector("text=Thanks for spending")
    form.click("input[name=_save]")
    form.wait_for_selector("text=You are signed out")
    assert form.input_value("#id_sign-in-username") == "admin"
    assert_clean(form)
    form.fill("#id_sign-in-password", "walk the pages")
    form.click("#kept-form input[type=submit]")
    form.wait_for_selector(".messagelist:has-text('was added successfully')")
    assert groups(form, "Outlived") == groups(form, "Signed") == 1


def test_a_review_keeps_what_was_typed(open_page, server, tmp_path):
    path = tmp_path / "bad.csv"
    rows = [f"Bad {n},1 Main Street,NY,-4,08542\n" for n in range(2)]
    path.write_text("name,address,state,phone_number,zip_code\n" + "".join(rows))
    page = open_page("/admin/library/library/import/", viewport=WIDE)
    page.set_input_files("#id_import_file", path)
    page.click("#import-form input[type=submit]")
    page.click("#mapping-form input.default")
    page.wait_for_selector("#bar")
    cookies = [c for c in page.context.cookies() if c["name"] == "sessionid"]
    page.context.clear_cookies(name="sessionid")
    cell = page.locator("tbody[data-line] input.cell").first
    cell.fill("212-222-6559")
    page.keyboard.press("Tab")
    page.wait_for_selector("#signed-out")
    assert cell.input_value() == "212-222-6559"
    page.context.add_cookies(cookies)
    page.context.clear_cookies(name="csrftoken")  # a new session has a new one
    page.evaluate("window.dispatchEvent(new Event('focus'))")
    page.wait_for_selector("#signed-out", state="hidden")
    page.wait_for_selector("text=Mended")
    told(page, 403)


# Errors ---------------------------------------------------------------------------------


def test_errors_have_a_way_on(open_page):
    page = open_page("/admin/library/library/import/999999/")
    assert page.text_content("h1") == "There is no such page"
    assert_clean(page)
    page.click(".ways-on a:has-text('Libraries')")
    page.wait_for_selector("#changelist")
    page.goto("/nothing/")
    page.click(".ways-on a:has-text('Start page')")
    page.wait_for_url("**/admin/")
    other = open_page("/admin/library/library/import/", user="viewer")
    assert other.text_content("h1") == "You may not do this"
    assert_clean(other)
    told(page, 404)
    told(other, 403)
