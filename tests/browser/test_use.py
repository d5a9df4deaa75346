"""The pages as staff use them: by mouse, by keyboard, and without JavaScript."""

import csv
import re

import pytest

from tests.browser.clean import assert_clean

HEADER = "name,address,state,phone_number,zip_code\n"
ROW = "{},65 Witherspoon Street,NJ,609-924-9529,08542-3214\n"


def submit(page, name="_save"):
    page.click(f"input[name={name}]")
    page.wait_for_load_state()


def add_library(page, name):
    """A library of this name, made through its form; the page is its form again."""
    page.goto("/admin/library/library/add/")
    page.fill("#id_name", name)
    page.fill("#id_address", "1 Main Street")
    page.select_option("#id_state", "NY")
    page.fill("#id_phone_number", "(212) 222-6559")
    page.fill("#id_zip_code", "10016")
    submit(page, "_continue")
    assert page.input_value("#id_phone_number") == "212-222-6559"


def rows(page):
    return page.locator("#result_list tbody tr").count()


def test_signing_in_and_out(open_page):
    page = open_page("/admin/", user=None)
    assert_clean(page)
    page.fill("#id_username", "admin")
    page.fill("#id_password", "wrong")
    page.click("input[type=submit]")
    assert "Please enter the correct username" in page.text_content("body")
    page.fill("#id_password", "walk the pages")
    page.click("input[type=submit]")
    page.wait_for_url("**/admin/")
    page.click("#account-button")
    page.click("#logout-form button")
    page.wait_for_load_state()
    assert "Thanks for spending some quality time" in page.text_content("#content")
    assert_clean(page)


def test_a_library_is_chosen_by_keyboard(open_page):
    page = open_page("/admin/library/patron/add/")
    page.fill("#id_name", "Keyboard Patron")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector(".select2-results__option[role=option], .select2-results__option")
    page.keyboard.type("New York")
    page.wait_for_selector(".select2-results__option--highlighted:has-text('New York')")
    assert_clean(page)
    page.keyboard.press("Enter")
    submit(page)
    assert "was added successfully" in page.text_content(".messagelist")


def test_a_patron_is_added_to_a_library(open_page):
    page = open_page("/admin/")
    add_library(page, "Inline Library")
    page.click("#patron_set-group .add-row a")
    page.fill("#id_patron_set-0-name", "Ann")
    page.fill("#id_patron_set-1-name", "Bob")
    assert page.get_attribute("#id_patron_set-1-name", "aria-label").startswith("Patron")
    assert_clean(page)
    submit(page, "_continue")
    assert page.input_value("#id_patron_set-1-name") == "Bob"
    page.check("#id_patron_set-0-DELETE")
    submit(page, "_continue")
    assert page.input_value("#id_patron_set-0-name") == "Bob"


def test_a_library_is_chosen_by_mouse(open_page):
    page = open_page("/admin/library/librarian/add/")
    page.fill("#id_name", "Mouse Librarian")
    page.click(".select2-selection")
    page.locator(".select2-search__field").press_sequentially("denver")
    page.click(".select2-results__option:has-text('Denver Public Library')")
    submit(page, "_continue")
    assert "Denver" in page.text_content(".select2-selection")


def test_libraries_are_picked_on_a_book(open_page):
    page = open_page("/admin/library/book/add/")
    page.fill("#id_title", "A New Book")
    page.locator("#id_libraries_input").press_sequentially("seaford")
    page.wait_for_function("document.querySelector('#id_libraries_from').options.length === 1")
    page.select_option("#id_libraries_from", index=0)
    page.click("#id_libraries_add")
    assert_clean(page)
    submit(page, "_continue")
    chosen = page.locator("#id_libraries_to option").all_text_contents()
    assert chosen == ["Seaford Public Library"]


def test_deleting_what_is_ticked_is_asked_about(open_page):
    page = open_page("/admin/library/book/?q=the")
    page.check("#result_list tbody tr:nth-child(2) input.action-select")
    page.check("#result_list tbody tr:nth-child(3) input.action-select")
    page.click(".bar button:has-text('Delete')")
    page.wait_for_load_state()
    assert "Are you sure" in page.text_content("#content")
    assert_clean(page)


def test_books_are_picked_from_the_librarys_side(open_page):
    page = open_page("/admin/")
    add_library(page, "Picker Library")
    page.locator("#id_book_set_input").press_sequentially("hitchhiker")
    page.wait_for_function("document.querySelector('#id_book_set_from').options.length < 9")
    first = page.locator("#id_book_set_from option").first
    title = first.text_content()
    page.select_option("#id_book_set_from", label=title)
    page.click("#id_book_set_add")
    submit(page, "_continue")
    assert page.locator("#id_book_set_to option").all_text_contents() == [title]
    # By keyboard: take it out again.
    page.focus("#id_book_set_to")
    page.keyboard.press("ArrowDown")
    page.focus("#id_book_set_remove")
    page.keyboard.press("Enter")
    submit(page, "_continue")
    assert page.locator("#id_book_set_to option").count() == 0


def test_errors_are_shown_and_nothing_typed_is_lost(open_page):
    page = open_page("/admin/")
    add_library(page, "Mistaken Library")
    page.fill("#id_phone_number", "-4")
    page.fill("#id_zip_code", "8542")
    submit(page)
    assert "Please correct the errors below" in page.text_content(".errornote")
    assert page.input_value("#id_zip_code") == "8542"
    assert_clean(page)


def test_a_list_is_filtered_searched_and_sorted(open_page):
    page = open_page("/admin/library/library/")
    everything = rows(page)
    page.click("#filterset > summary")
    page.select_option("#filter_state", "NJ")
    page.click("#filterset-form input[type=submit]")
    page.wait_for_url("**state=NJ**")
    assert 0 < rows(page) < everything
    page.fill("#searchbar", "princeton")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=princeton**")
    assert rows(page) == 1


def test_the_theme_can_be_switched(open_page):
    page = open_page("/admin/", color_scheme="light")
    themes = set()
    for _ in range(3):
        page.click("#header .theme-toggle")
        themes.add(page.get_attribute("html", "data-theme"))
    assert themes == {"light", "dark", "auto"}


def test_a_record_is_deleted_and_brought_back_from_its_history(open_page):
    page = open_page("/admin/")
    add_library(page, "Lost Library")
    page.goto(page.url.replace("change/", "delete/"))
    address = page.url.replace("delete/", "history/")
    page.click("input[type=submit]")
    page.wait_for_load_state()
    page.goto(address)
    page.click("#change-history tbody tr:last-child a")
    page.wait_for_load_state()
    submit(page)
    page.goto(address)
    assert "Reverted to the version" in page.text_content("#change-history")


def write_file(tmp_path, *names):
    path = tmp_path / "branches.csv"
    bad = "Seaford,2234 Jackson Ave,NY,-4,11783\n"
    path.write_text(HEADER + "".join(map(ROW.format, names)) + bad)
    return path


def import_file(page, path):
    """Upload, columns, check; the page is the review."""
    page.goto("/admin/library/library/import/")
    page.set_input_files("#id_import_file", path)
    page.click("#import-form input[type=submit]")
    page.wait_for_selector("#mapping-form")
    page.click("#mapping-form input.default")
    page.wait_for_selector("#bar")


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without"])
def test_an_import_from_end_to_end(open_page, tmp_path, scripts):
    page = open_page("/admin/", java_script_enabled=scripts)
    names = [f"Import {scripts} {n}" for n in range(3)]
    page.goto("/admin/library/library/import/")
    assert page.is_visible("#droppable") == scripts
    import_file(page, write_file(tmp_path, *names))
    assert "3 new libraries are written, 1 row set aside." in page.text_content("#bar")
    assert "This is a code, not a number" in page.text_content("table.rows")
    page.click("button[name=_apply]")
    page.wait_for_selector("text=was imported")
    page.click("a:has-text('Undo this import')")
    page.wait_for_load_state()
    assert page.locator("dl.counts dd").all_text_contents() == ["3", "0", "0"]
    page.click("input.default")
    page.wait_for_selector("dt:has-text('Deleted') + dd:has-text('3')")
    page.goto(f"/admin/library/library/?q=Import+{scripts}")
    assert rows(page) == 0


def test_a_running_import_shows_how_far_it_is_and_no_more(open_page, server):
    page = open_page(server.pages["import running"])
    assert page.locator("progress").is_visible()
    assert not page.locator("[data-worker]").is_visible()
    assert not page.locator("[data-read]").is_visible()
    assert not page.locator("[data-left]").is_visible()


def test_an_export_has_the_rows_of_the_list(open_page, tmp_path):
    page = open_page("/admin/library/library/?state=NJ")
    listed = rows(page)
    page.click("a.export_link")
    page.wait_for_load_state()
    page.select_option("#id_format", "0")
    with page.expect_download() as download:
        page.click("#export-form input.default")
    path = tmp_path / "export.csv"
    download.value.save_as(path)
    with path.open(newline="", encoding="utf-8") as file:
        states = [row["state"] for row in csv.DictReader(file)]
    assert states == ["NJ"] * listed


def test_ticked_rows_are_exported_with_the_columns_in_another_order(open_page, tmp_path):
    page = open_page("/admin/library/library/?state=NJ")
    for number in range(2):
        page.locator("#result_list input.action-select").nth(number).check()
    page.click(".bar button:has-text('Export')")
    page.wait_for_selector("text=2 rows will be in the file.")
    assert_clean(page)
    page.uncheck("#id_libraryresource_address")
    page.fill("#id_position_libraryresource_zip_code", "1")
    page.uncheck("#id_libraryresource_number_of_books")
    page.select_option("#id_format", "0")
    page.select_option("#id_encoding", "utf-8-sig")
    with page.expect_download() as download:
        page.click("#export-form input.default")
    assert re.fullmatch(
        r"libraries state-NJ 2 ticked \d{4}-\d\d-\d\d\.csv", download.value.suggested_filename
    )
    path = tmp_path / "export.csv"
    download.value.save_as(path)
    lines = path.read_bytes().splitlines()
    assert (
        lines[0]
        == "\ufeffzip_code,name,state,phone_number,librarian,number_of_patrons".encode()
    )
    assert len(lines) == 3
    assert page.text_content("#export-progress [role=status]") == "The file is complete."
    assert_clean(page)


def test_a_record_is_exported_from_its_page(open_page, tmp_path):
    page = open_page("/admin/library/library/?q=princeton")
    page.click("#result_list tbody th a")
    page.click("a.export_link")
    page.wait_for_selector("text=1 row will be in the file.")
    page.select_option("#id_format", "5")
    with page.expect_download() as download:
        page.click("#export-form input.default")
    path = tmp_path / "export.jsonl"
    download.value.save_as(path)
    assert "Princeton" in path.read_text()


def test_the_choices_of_an_export_are_kept_and_used_again(open_page, tmp_path):
    page = open_page("/admin/library/patron/export/")
    page.select_option("#id_format", "0")
    page.uncheck("#id_patronresource_library")
    page.fill("#id_profile_name", "Names")
    page.click("button[name=_keep]")
    page.wait_for_selector("text=The choices are kept as the profile “Names”.")
    page.goto("/admin/library/patron/export/")
    page.select_option("#use-profile", label="Names")
    page.click("button[name=_use]")
    page.wait_for_selector("#id_patronresource_library:not(:checked)")
    with page.expect_download() as download:
        page.click("#export-form input.default")
    path = tmp_path / "export.csv"
    download.value.save_as(path)
    assert "library" not in path.read_text().splitlines()[0].split(",")
    assert_clean(page)


def test_an_export_that_can_not_be_says_why(open_page, server):
    page = open_page(server.pages["book export"])
    page.uncheck("#id_bookresource_title")
    page.uncheck("#id_bookresource_libraries")
    page.uncheck("#id_bookresource_number_of_libraries")
    page.click("#export-form input.default")
    page.wait_for_selector("text=No file was made")
    assert_clean(page)
    page.check("#id_bookresource_title")
    page.route("**/export/", lose)
    page.click("#export-form input.default")
    page.wait_for_selector("text=The export broke off; nothing was saved.")
    page.problems.clear()
    page.unroute("**/export/")
    with page.expect_download():  # and no question whether another file is meant
        page.click("#export-form input.default")


def lose(route):
    """The server gets the request, and its answer is lost."""
    assert route.fetch().ok
    route.abort("failed")


def test_lists_and_files_without_javascript(open_page, tmp_path):
    page = open_page("/admin/", user=None, java_script_enabled=False)
    page.fill("#id_username", "admin")
    page.fill("#id_password", "walk the pages")
    page.click("input[type=submit]")
    page.goto("/admin/library/library/")
    page.click("#filterset > summary")
    page.select_option("#filter_state", "NJ")
    page.click("#filterset-form input[type=submit]")
    page.wait_for_url("**state=NJ**")
    page.fill("#searchbar", "princeton")
    page.click("#changelist-search input[type=submit]")
    page.wait_for_url("**q=princeton**")
    assert rows(page) == 1
    page.click("a.export_link")
    page.select_option("#id_format", "0")
    with page.expect_download() as download:
        page.click("#export-form input.default")
    path = tmp_path / "export.csv"
    download.value.save_as(path)
    assert len(path.read_text().splitlines()) == 2


def test_a_form_is_saved_without_javascript(open_page):
    page = open_page("/admin/library/library/?q=denver", java_script_enabled=False)
    page.click("#result_list tbody th a")
    page.wait_for_load_state()
    books = page.locator("#id_book_set option[selected]").count()
    page.fill("#id_address", "10 W 14th Avenue Parkway")
    page.fill("#id_patron_set-0-name", "Without Script")
    submit(page, "_continue")
    assert page.input_value("#id_address") == "10 W 14th Avenue Parkway"
    assert page.locator("input[value='Without Script']").count() == 1
    assert page.locator("#id_book_set option[selected]").count() == books


def test_a_page_says_what_may_not_be_done(open_page):
    page = open_page("/admin/library/library/", user="viewer")
    assert page.locator("a.import_link").count() == 0
    assert page.locator("a.export_link").count() == 0
    page.click("#result_list tbody th a")
    page.wait_for_load_state()
    assert page.locator("input[name=_save]").count() == 0
    assert_clean(page)
