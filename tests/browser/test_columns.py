"""The columns page of an import: by mouse, by keyboard, and without JavaScript."""

import pytest

from tests.browser.clean import NARROW, assert_clean

HEADER = "name,address,state,phone_number,zip_code\n"
ROW = "{},65 Witherspoon Street,{},{},08542-3214\n"


def write(tmp_path, *rows, encoding="utf-8"):
    path = tmp_path / "branches.csv"
    path.write_bytes((HEADER + "".join(rows)).encode(encoding))
    return path


def open_columns(page, path):
    page.goto("/admin/library/library/import/")
    page.set_input_files("#id_import_file", path)
    page.click("#import-form input.default")
    page.wait_for_selector("#mapping-form")


def show_again(page):
    page.click("button[name=_show]")
    page.wait_for_load_state()


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without"])
def test_a_file_is_read_anew_and_its_values_mended_by_mouse(open_page, tmp_path, scripts):
    page = open_page("/admin/", java_script_enabled=scripts)
    name = f"Chávez {scripts}"
    rows = [ROW.format(name, "NJ", "609-924-9529"), ROW.format("Other", "Jersey", "-4")]
    open_columns(page, write(tmp_path, *rows, encoding="cp1252"))
    assert name in page.inner_text(".first-rows")
    page.select_option("#id_reading-encoding", "mac-roman")
    show_again(page)
    assert name not in page.inner_text(".first-rows")
    page.select_option("#id_reading-encoding", "cp1252")
    show_again(page)
    assert name in page.inner_text(".first-rows")

    row = page.locator(".mapping > tbody > tr:has(#id_state)")
    assert "1 can't be read" in row.inner_text()
    row.locator("summary").click()
    if scripts:
        assert_clean(page)
    row.get_by_label("Read “Jersey” as").fill("NJ")
    page.check("#match-1")
    page.click(".more > summary")
    page.check("#id_keep-address")
    show_again(page)
    assert "can't be read" not in row.inner_text()
    assert page.is_checked("#id_keep-address")
    page.click("#mapping-form input.default")
    page.wait_for_selector("#bar:has-text('1 new library')")


def test_the_page_by_keyboard_on_a_phone(open_page, tmp_path):
    page = open_page("/admin/", viewport=NARROW)
    open_columns(page, write(tmp_path, ROW.format("Keys", "NJ", "609-924-9529")))
    presses = 0

    def tab_to(selector):
        nonlocal presses
        while not page.evaluate(f"document.activeElement.matches({selector!r})"):
            page.keyboard.press("Tab")
            presses += 1
            assert presses < 60, selector

    tab_to("#id_address")
    page.keyboard.press("Home")  # not in the file
    tab_to("#id_constant-address")
    page.keyboard.type("1 Main Street")
    tab_to("[name=with-match]")
    tab_to("[name=with-only]")
    page.keyboard.press("ArrowDown")
    assert page.evaluate("document.activeElement.value") == "new"
    tab_to("#id_reading-header_row")
    page.keyboard.type("1")
    page.keyboard.press("Enter")  # the first button: the check
    page.wait_for_selector("text=1 Main Street")


def test_choices_are_kept_as_a_profile_and_offered(open_page, tmp_path):
    page = open_page("/admin/")
    header = HEADER.replace("name", "Profile Wo")
    path = tmp_path / "county.csv"
    path.write_text(header + ROW.format("One", "NJ", "609-924-9529"))
    open_columns(page, path)
    page.select_option("#id_name", "Profile Wo")
    page.check("text=New records alone")
    page.fill("#id_with-name", "The county")
    page.click("button[name=_keep]")
    page.wait_for_selector("text=kept as the profile “The county”")
    open_columns(page, path)
    assert "as in the profile The county" in page.inner_text("#content")
    assert page.input_value("#id_name") == "Profile Wo"
    assert page.is_checked("[name=with-only][value=new]")
    assert_clean(page)
    page.goto("/admin/backoffice/profile/")
    page.click("text=The county")
    page.wait_for_selector("text=name from the column “Profile Wo”")
    assert_clean(page)
    page.click("a.deletelink")
    page.click("input[type=submit]")
    page.wait_for_selector("text=was deleted")


def test_a_mended_file_takes_the_place_of_the_first(open_page, tmp_path):
    page = open_page("/admin/")
    path = write(tmp_path, ROW.format("Replaced", "ZZ", "609-924-9529"))
    open_columns(page, path)
    page.click("a:has-text('Replace the file')")
    assert_clean(page)
    path = write(tmp_path, ROW.format("Replaced", "NJ", "609-924-9529"))
    page.set_input_files("#id_import_file", path)
    page.click("#import-form input.default")
    page.wait_for_selector("text=The file was replaced.")
    assert "can't be read" not in page.inner_text("#mapping-form")


def test_a_template_is_filled_in(open_page, tmp_path):
    page = open_page("/admin/library/library/import/")
    with page.expect_download() as download:
        page.click("a:has-text('XLSX')")
    path = tmp_path / "template.xlsx"
    download.value.save_as(path)
    open_columns(page, path)
    assert "Main Library" in page.inner_text(".first-rows")
    assert page.input_value("#id_reading-sheet") == ""
    assert page.locator("#id_reading-sheet option").all_text_contents() == [
        "Rows",
        "Rows",
        "Choices",
    ]
