"""The review of an import: by mouse, by keyboard, without JavaScript, and by two at once."""

import pytest
from playwright.sync_api import Locator

from tests.browser.clean import NARROW, WIDE, assert_clean

HEADER = "name,address,state,phone_number,zip_code\n"
GOOD = "{},65 Witherspoon Street,NJ,609-924-9529,08542-3214\n"
BAD = "{},2234 Jackson Ave,NY,{},11783\n"
# Whether the bar hides what has the focus (WCAG 2.4.11).
IS_HIDDEN = """() => {
    const bar = document.getElementById("bar"), focused = document.activeElement;
    if (!bar || bar.contains(focused) || focused === document.body) return false;
    const a = bar.getBoundingClientRect(), b = focused.getBoundingClientRect();
    return b.top >= a.top && b.bottom <= a.bottom && b.left >= a.left && b.right <= a.right;
}"""


def write(tmp_path, name, *bad):
    """A file with a good row, and a row for each bad phone number."""
    path = tmp_path / "branches.csv"
    rows = [BAD.format(f"{name} {n}", phone) for n, phone in enumerate(bad)]
    path.write_text(HEADER + GOOD.format(name) + "".join(rows))
    return path


def open_review(page, path):
    """Upload, columns, check; the page is the review."""
    page.goto("/admin/library/library/import/")
    page.set_input_files("#id_import_file", path)
    page.click("#import-form input.default")
    page.wait_for_selector("#mapping-form")
    page.click("#mapping-form input.default")
    page.wait_for_selector("#bar", timeout=60_000)


def bar(page):
    return page.inner_text("#bar p")


def wait_said(page, text):
    page.wait_for_function(
        "text => document.getElementById('said').textContent.includes(text)", arg=text
    )


def test_a_cell_is_saved_when_it_is_left(open_page, tmp_path):
    page = open_page("/admin/")
    open_review(page, write(tmp_path, "Left", "-4", "-3"))
    assert page.get_attribute("#tabs [aria-current]", "href") == "?tab=rejected"
    assert bar(page) == "1 new library is written, 2 rows set aside. It can be undone."
    wait_said(page, "1 new library is written")
    assert_clean(page)
    page.fill("#row-3 input.cell", "212-222-6559")
    page.keyboard.press("Tab")
    wait_said(page, "Mended: row 3 is new now.")
    assert bar(page) == "2 new libraries are written, 1 row set aside. It can be undone."
    assert "Write 2 libraries" in page.inner_text("#bar button")
    # The focus is where it was, in the row's new form.
    assert page.evaluate("document.activeElement.closest('#row-3') !== null")
    assert_clean(page)
    page.click("#row-4 button:has-text('Skip row')")
    wait_said(page, "Row 4 is set aside.")
    page.click("#row-3 button:has-text('Take back')")
    wait_said(page, "Taken back.")
    assert bar(page) == "1 new library is written, 2 rows set aside. It can be undone."
    page.fill("#row-3 input.cell", "nothing of the kind")
    page.keyboard.press("Enter")
    wait_said(page, "Row 3 is still rejected")
    assert page.input_value("#row-3 input.cell") == "nothing of the kind"


def test_what_is_typed_is_not_written_unseen(open_page, tmp_path):
    page = open_page("/admin/")
    open_review(page, write(tmp_path, "Unseen", "-4"))
    page.fill("#row-3 input.cell", "212-222-6559")
    page.click("#bar button[name=_apply]")
    wait_said(page, "then press it again")
    assert "Write 2 libraries" in page.inner_text("#bar button")
    page.click("#bar button[name=_apply]")
    page.wait_for_selector("text=was imported")
    assert page.locator("dl.counts dd").all_text_contents()[:2] == ["2", "2"]


def test_an_answer_that_does_not_come_is_told(open_page, tmp_path):
    page = open_page("/admin/")
    open_review(page, write(tmp_path, "Broken", "-4"))
    page.route("**/import/*/", lambda route: route.abort("failed"))
    page.fill("#row-3 input.cell", "212-222-6559")
    page.keyboard.press("Tab")
    page.wait_for_selector("#failed:visible")
    page.problems.clear()


def test_values_and_causes_are_decided_for_all_rows(open_page, tmp_path):
    page = open_page("/admin/")
    open_review(page, write(tmp_path, "Values", "-4", "-4", "-3"))
    page.click("#causes a:has-text('by value')")
    page.wait_for_selector("#values")
    assert_clean(page)
    page.fill("#values input[name=instead] >> nth=0", "212-222-6559")
    page.click("#values button:has-text('Save')")
    page.wait_for_selector("#bar p:has-text('3 new libraries')")
    page.click("#causes button:has-text('set aside')")
    page.wait_for_selector("#causes button:has-text('Take back'), #causes a:has-text('aside')")
    page.click("#tabs a:has-text('Decisions')")
    page.wait_for_selector("td:has-text('read as')")
    assert "admin" in page.inner_text("table.rows")


def test_a_review_without_javascript(open_page, tmp_path):
    page = open_page("/admin/", java_script_enabled=False)
    open_review(page, write(tmp_path, "Plain", "-4", "-3", "-3"))
    page.fill("#row-3 input.cell", "212-222-6559")
    page.click(".foot button[name=_save]")
    page.wait_for_selector("text=Mended: row 3 is new now.")
    page.fill("#row-4 input.cell", "212-222-6559")
    page.press("#row-4 input.cell", "Enter")
    page.wait_for_selector("text=Mended: row 4 is new now.")
    page.fill("#row-5 input.cell", "212-222-6559")
    page.click("#bar button[name=_apply]")
    page.wait_for_selector("text=Nothing is written yet")
    assert bar(page) == "4 new libraries are written. It can be undone."
    page.click("#bar button[name=_apply]")
    page.wait_for_selector("text=was imported")


def test_two_people_see_what_the_other_decides(open_page, tmp_path):
    page = open_page("/admin/")
    open_review(page, write(tmp_path, "Two", "-4", "-3"))
    other = open_page(page.url, user="colleague")
    other.click("#row-3 button:has-text('Skip row')")
    wait_said(other, "Row 3 is set aside.")
    page.fill("#row-3 input.cell", "212-222-6559")
    page.keyboard.press("Tab")
    wait_said(page, "Meanwhile colleague decided")
    assert "set aside" in page.inner_text("#row-3")
    assert "colleague" in page.inner_text("#row-3")
    page.click("#bar button[name=_apply]")
    page.wait_for_selector("text=was imported")
    other.click("#bar button[name=_apply]")
    other.wait_for_selector("text=was imported")


def test_look_alikes_side_by_side(open_page, server):
    page = open_page(server.pages["import review of look-alikes"])
    assert page.get_attribute("#tabs [aria-current]", "href") == "?tab=alike"
    assert "2 New Street" in page.inner_text(".beside")
    page.click(".do button:has-text('Same record')")
    wait_said(page, "updates its record now")
    assert page.is_visible("#row-2 .pill.updated")
    page.click("#row-2 button:has-text('Take back')")
    wait_said(page, "Taken back.")
    assert page.is_visible("#row-2 .beside")


@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_the_bar_never_hides_what_has_the_focus(open_page, tmp_path, size):
    page = open_page("/admin/", viewport=size)
    open_review(page, write(tmp_path, "Hidden", *["-4"] * 20))
    for _ in range(90):
        page.keyboard.press("Tab")
        assert not page.evaluate(IS_HIDDEN), page.evaluate("document.activeElement.outerHTML")


class Keyboard:
    """Presses Tab until something has the focus, and counts."""

    def __init__(self, page):
        self.page, self.presses = page, 0

    def to(self, selector):
        for _ in range(60):
            if self.page.evaluate(f"document.activeElement.matches({selector!r})"):
                return
            self.page.keyboard.press("Tab")
            self.presses += 1
        raise AssertionError(f"{selector} is not reached")

    def enter(self, selector, then):
        self.to(selector)
        self.page.keyboard.press("Enter")
        self.page.wait_for_selector(then)
        self.page.wait_for_load_state()


def test_the_whole_way_by_keyboard(open_page, tmp_path):
    page = open_page("/admin/library/library/import/")
    keyboard = Keyboard(page)
    keyboard.to("#id_import_file")
    # The browser's own window, which no test can type into.
    page.set_input_files("#id_import_file", write(tmp_path, "Keys", "-4"))
    keyboard.to("#id_import_file")
    keyboard.enter("#import-form input.default", "#mapping-form")
    keyboard.enter("#mapping-form input.default", "#bar")
    keyboard.enter("#causes button[value*=skip]", "#bar:has-text('set aside')")
    keyboard.enter("#bar button[name=_apply]", "text=was imported")
    keyboard.enter("a.deletelink", "#undo-form")
    keyboard.enter("#undo-form input[type=submit]", "text=Undone on")
    assert keyboard.presses <= 60


@pytest.mark.slow
def test_the_survey_in_twelve_clicks(open_page, shared_data):
    """Its rejects are set aside; it is written, and undone."""
    page = open_page("/admin/library/library/")
    clicks = 0

    def click(selector, then):
        nonlocal clicks
        page.click(selector)
        clicks += 1
        page.wait_for_selector(then, timeout=120_000)

    click("a.import_link", "#import-form")
    page.set_input_files("#id_import_file", shared_data / "imls_pls_fy2018_outlets.csv")
    clicks += 1
    click("#import-form input.default", "#mapping-form")
    click("#mapping-form input.default", "#bar")
    while page.locator("#causes button:has-text('set aside')").count():
        click("#causes button:has-text('set aside')", "#bar")
    said = page.inner_text("#bar p")
    # Two of its rows look like libraries of the demo.
    assert said == "17,200 new libraries are written, 182 rows set aside. It can be undone."
    click("#bar button[name=_apply]", "text=was imported")
    click("a.deletelink", "#undo-form")
    page.fill("#undo-form [name=confirmation]", "17200")
    click("#undo-form input[type=submit]", "text=Undone on")
    assert "17,200" in page.inner_text("dl.counts")
    assert clicks <= 12


def test_head_and_side_bar_look_as_on_other_pages(open_page, tmp_path):
    page = open_page("/admin/library/library/")

    def places():
        parts = ["#account-button", "#menu", "#menu a >> nth=0"]
        boxes = map(Locator.bounding_box, map(page.locator, parts))
        return [(box["x"], box["y"], box["width"]) for box in boxes]

    before = places()
    open_review(page, write(tmp_path, "Look", "-4"))
    assert places() == before
