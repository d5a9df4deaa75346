"""The picker of many rows, by mouse, by keyboard and without JavaScript."""

import re
import shutil
import subprocess
import sys

import pytest

from tests.browser.clean import assert_clean
from tests.browser.leaving import leaving
from tests.browser.server import ROOT, environment, serve

FROM, TO = "#id_libraries_from", "#id_libraries_to"
MANY = 700


LIBRARY = "Kiosk-{0:03},{0} Main Street,NY,212-222-6559,{1}"


@pytest.fixture(scope="module")
def server(prepared, tmp_path_factory):
    """One of its own, with more libraries and books than a page takes."""
    folder = shutil.copytree(prepared, tmp_path_factory.mktemp("many") / "data")
    import_many(folder, "library.Library", "name,address,state,phone_number,zip_code", LIBRARY)
    import_many(folder, "library.Book", "title,libraries", "Book {0:03},Kiosk-{0:03}")
    with serve(folder) as running:
        yield running


def import_many(folder, model, header, row):
    path = folder / "many.csv"
    lines = [header, *(row.format(n, 10000 + n) for n in range(MANY))]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    command = [sys.executable, "manage.py", "import", model, path, "--no-input"]
    subprocess.run(command, cwd=ROOT, env=environment(folder), check=True, capture_output=True)


def options(page, box):
    return page.locator(f"{box} option").all_text_contents()


def wait_for_options(page, box, *texts):
    page.wait_for_function(
        "([box, texts]) => JSON.stringify([...document.querySelector(box).options]"
        ".map((option) => option.text)) === JSON.stringify(texts)",
        arg=[box, list(texts)],
    )


def wait_for_option(page, box, text):
    page.wait_for_selector(f"{box} option:text-is('{text}')", state="attached")


def wait_for_number(page, box, number):
    page.wait_for_function(
        "([box, number]) => document.querySelector(box).options.length === number",
        arg=[box, number],
    )


def wait_for_state(page, pattern, name="libraries"):
    # The page may still be on its way.
    page.wait_for_function(
        "([id, pattern]) => new RegExp(pattern).test(document.getElementById(id)?.textContent)",
        arg=[f"id_{name}_state", pattern],
    )


def submit(page, name="_continue"):
    page.click(f"input[name={name}]")
    page.wait_for_load_state()


@pytest.fixture
def book(open_page):
    """The page of a new book in Kiosk-001, 002 and 003."""
    page = open_page("/admin/library/book/add/")
    page.fill("#id_title", "A Book to Pick For")
    for number in (1, 2, 3):
        page.fill("#id_libraries_input", f"Kiosk-00{number}")
        page.press("#id_libraries_input", "Enter")
        wait_for_state(page, f"Not saved yet: {number} added")
    submit(page)
    wait_for_state(page, "Chosen: 3")
    return page


def test_libraries_are_picked_by_mouse(book):
    page = book
    wait_for_options(page, TO, "Kiosk-001", "Kiosk-002", "Kiosk-003")
    assert "Kiosk-001" not in options(page, FROM)
    page.locator("#id_libraries_input").press_sequentially("kiosk-01")
    wait_for_options(page, FROM, *(f"Kiosk-01{n}" for n in range(10)))
    page.select_option(FROM, label=["Kiosk-010", "Kiosk-012"])
    page.click("#id_libraries_add")
    page.dblclick(f"{FROM} option >> text=Kiosk-013")
    page.select_option(TO, label="Kiosk-002")
    page.click("#id_libraries_remove")
    wait_for_state(page, "Chosen: 5. Not saved yet: 3 added, 1 removed.")
    chosen = ("Kiosk-010", "Kiosk-012", "Kiosk-013", "Kiosk-001", "Kiosk-003")
    wait_for_options(page, TO, *chosen)
    assert page.get_attribute(f"{TO} optgroup", "label") == "Added, not saved yet"
    assert_clean(page)
    # Undone: back where it came from.
    page.dblclick(f"{TO} option >> text=Kiosk-012")
    assert "Kiosk-012" in options(page, FROM)
    submit(page)
    wait_for_state(page, "Chosen: 4. Not saved yet: 0 added, 0 removed.")
    wait_for_options(page, TO, "Kiosk-001", "Kiosk-003", "Kiosk-010", "Kiosk-013")


def test_libraries_are_picked_by_keyboard(book):
    page = book
    page.focus("#id_libraries_input")
    page.keyboard.type("kiosk-02")
    wait_for_options(page, FROM, *(f"Kiosk-02{n}" for n in range(10)))
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "id_libraries_from"
    page.keyboard.press("Home")
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("Enter")
    wait_for_state(page, "Not saved yet: 3 added")
    assert page.evaluate("document.activeElement.id") == "id_libraries_from"
    page.focus(TO)
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    wait_for_state(page, "Chosen: 5. Not saved yet: 3 added, 1 removed.")
    page.focus("#id_libraries_remove")
    page.keyboard.press("Enter")
    wait_for_state(page, "2 removed")
    assert page.evaluate("document.activeElement.id") == "id_libraries_to"
    submit(page)
    wait_for_state(page, "Chosen: 4.")
    wait_for_options(page, TO, "Kiosk-001", "Kiosk-020", "Kiosk-021", "Kiosk-022")


def test_enter_waits_for_what_was_typed(book):
    page = book
    wait_for_state(page, "Chosen: 3")
    page.locator("#id_libraries_input").press_sequentially("Kiosk-699")
    page.keyboard.press("Enter")
    wait_for_state(page, "1 added")
    assert options(page, f"{TO} optgroup") == ["Kiosk-699"]


def test_a_box_loads_on_where_it_ends(book):
    page = book
    wait_for_number(page, FROM, 100)
    page.eval_on_selector(FROM, "box => { box.scrollTop = box.scrollHeight; }")
    wait_for_number(page, FROM, 200)
    page.click("#id_libraries_from_more")
    wait_for_number(page, FROM, 300)
    assert "300 shown; more can be loaded." in page.text_content(f"{FROM}_status")


def test_all_that_match_are_chosen_and_removed(book):
    page = book
    page.locator("#id_libraries_input").press_sequentially("Kiosk-")
    page.click("#id_libraries_add_all")
    wait_for_state(page, "697 added")
    wait_for_option(page, f"{TO} optgroup", "Kiosk-699")
    submit(page)
    wait_for_state(page, "Chosen: 700.")
    wait_for_number(page, TO, 100)
    page.fill("#id_libraries_selected_input", "Kiosk-1")
    page.wait_for_function(
        f"() => document.querySelector('{TO}').options[0].text === 'Kiosk-100'"
    )
    page.click("#id_libraries_remove_all")
    wait_for_state(page, "100 removed")
    page.fill("#id_libraries_selected_input", "")
    submit(page)
    wait_for_state(page, "Chosen: 600.")
    page.fill("#id_libraries_selected_input", "Kiosk-1")
    wait_for_number(page, TO, 0)


def pick_and_remove(page):
    page.fill("#id_libraries_input", "Kiosk-050")
    page.press("#id_libraries_input", "Enter")
    wait_for_state(page, "1 added")
    page.select_option(TO, label="Kiosk-002")
    page.click("#id_libraries_remove")
    wait_for_state(page, "1 added, 1 removed")


def assert_picked_and_removed(page):
    wait_for_state(page, "Chosen: 3. Not saved yet: 1 added, 1 removed.")
    assert options(page, f"{TO} optgroup") == ["Kiosk-050"]


def test_what_an_error_interrupts_is_kept(book):
    page = book
    pick_and_remove(page)
    page.eval_on_selector(
        "#id_title", "input => { input.required = false; input.value = ' '; }"
    )
    submit(page)
    assert page.locator(".field-title.errors").count() == 1
    assert_picked_and_removed(page)
    assert options(page, f"{FROM} optgroup") == ["Kiosk-002"]


def test_what_was_picked_is_asked_about_and_comes_back(book):
    page = book
    pick_and_remove(page)
    assert leaving(page, lambda: page.click(".breadcrumbs a >> nth=0"), stay=False)
    page.wait_for_url("**/admin/")
    page.go_back()
    assert_picked_and_removed(page)
    assert leaving(page, lambda: page.click(".breadcrumbs a >> nth=0"))
    submit(page, "_save")
    page.go_back()
    wait_for_state(page, "Chosen: 3. Not saved yet: 0 added, 0 removed.")
    assert not leaving(page, lambda: page.click(".breadcrumbs a >> nth=0"))


def test_a_library_added_in_the_popup_is_chosen(book):
    page = book
    with page.expect_popup() as opened:
        page.click("#add_id_libraries")
    popup = opened.value
    popup.fill("#id_name", "Popped up")
    popup.fill("#id_address", "1 Main Street")
    popup.select_option("#id_state", "NY")
    popup.fill("#id_phone_number", "212-222-6559")
    popup.fill("#id_zip_code", "10016")
    with popup.expect_event("close"):
        popup.click("input[name=_save]")
    wait_for_state(page, "Chosen: 4. Not saved yet: 1 added")
    submit(page)
    wait_for_state(page, "Chosen: 4. Not saved yet: 0 added")
    wait_for_option(page, TO, "Popped up")


def test_books_are_picked_on_a_library(open_page):
    page = open_page("/admin/library/library/?q=Kiosk-005")
    page.click("#result_list tbody th a")
    wait_for_state(page, "Chosen: [1-9]", "book_set")
    wait_for_option(page, "#id_book_set_to", "Book 005")
    page.fill("#id_book_set_input", "Book 006")
    page.press("#id_book_set_input", "Enter")
    wait_for_state(page, "1 added", "book_set")
    submit(page)
    wait_for_state(page, "Chosen: [1-9].* 0 added", "book_set")
    wait_for_option(page, "#id_book_set_to", "Book 006")


def test_what_can_not_be_loaded_is_said_and_tried_again(book):
    page = book
    page.route("**/picker/**", lambda route: route.fulfill(status=500))
    page.fill("#id_libraries_input", "Kiosk-07")
    page.wait_for_selector(f"{FROM}_status >> text=could not be loaded")
    page.unroute("**/picker/**")
    page.click("#id_libraries_from_more")
    wait_for_options(page, FROM, *(f"Kiosk-07{n}" for n in range(10)))
    page.problems[:] = [problem for problem in page.problems if "status of 500" not in problem]


def test_the_page_is_clean_in_every_state(book):
    page = book
    page.fill("#id_libraries_input", "Kiosk-08")
    wait_for_options(page, FROM, *(f"Kiosk-08{n}" for n in range(10)))
    page.select_option(FROM, index=[0, 1])
    page.select_option(TO, index=0)
    assert_clean(page)
    page.click("#id_libraries_remove")
    assert_clean(page)


def test_links_are_changed_without_javascript(book, open_page):
    path = re.sub(r"^https?://[^/]+", "", book.url)
    page = open_page(path, java_script_enabled=False)
    page.click("a[href='?libraries-page=1']")
    page.wait_for_load_state()
    page.check("label:has-text('Kiosk-002') input")
    page.fill("#id_libraries_names", "Kiosk-100\nKiosk-101 (10101)\nNowhere")
    submit(page)
    assert "“Nowhere” is not the name" in page.text_content(".field-libraries")
    assert page.is_checked("label:has-text('Kiosk-002') input")
    page.fill("#id_libraries_names", "Kiosk-100\nKiosk-101 (10101)")
    submit(page)
    listed = page.locator(".selector-plain li").all_text_contents()
    assert [text.strip() for text in listed] == [
        *("Kiosk-001", "Kiosk-003"),
        *("Kiosk-100", "Kiosk-101"),
    ]
