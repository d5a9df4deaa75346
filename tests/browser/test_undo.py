"""An undo as staff do it: by mouse, by keyboard alone, and without JavaScript."""

import pytest

from tests.browser.clean import assert_clean

HEADER = "name,address,state,phone_number,zip_code\n"
ROW = "{},65 Witherspoon Street,NJ,609-924-9529,08542-3214\n"


@pytest.fixture
def undo_page(open_page, server, tmp_path):
    """The undo's page of an import of its own, of two libraries."""

    def open_(name, **options):
        page = open_page("/admin/library/library/import/", **options)
        path = tmp_path / "branches.csv"
        path.write_text(HEADER + "".join(ROW.format(f"{name} {n}") for n in ("One", "Two")))
        page.set_input_files("#id_import_file", path)
        page.click("#import-form input[type=submit]")
        page.wait_for_selector("#mapping-form")
        page.click("#mapping-form input.default")
        page.wait_for_selector("#bar")
        page.click("button[name=_apply]")
        page.click("a:has-text('Undo this import')")
        page.wait_for_selector("#undo-form")
        return page

    return open_


def figures(page):
    return dict(
        zip(
            page.locator("dl.counts dt").all_text_contents(),
            page.locator("dl.counts dd").all_text_contents(),
            strict=True,
        )
    )


def names(page, name):
    page.goto(f"/admin/library/library/?q={name}")
    return page.locator("#result_list tbody th").all_text_contents()


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without"])
def test_one_record_is_left_alone(undo_page, scripts):
    name = f"Spared{scripts}"
    page = undo_page(name, java_script_enabled=scripts)
    assert figures(page)["Will be deleted"] == "2"
    page.click("text=Choose records to leave alone")
    page.fill("#id_q", "two")
    page.press("#id_q", "Enter")
    page.wait_for_selector("text=1 record")
    if scripts:
        assert_clean(page)
    page.check("input[name=leave]")
    page.click("input[name=_back]")
    page.wait_for_selector("text=1 is chosen")
    assert figures(page)["Will be deleted"] == "1"
    if scripts:
        assert_clean(page)
    page.click("#undo-form input.default")
    page.wait_for_selector("dt:has-text('Deleted')")
    assert figures(page) == {
        "Deleted": "1",
        "Got their old values back": "0",
        "Left alone": "1",
    }
    if scripts:
        assert_clean(page)
    assert names(page, name) == [f"{name} Two"]


def tab_to(page, selector, most=60):
    """Press Tab until the element has the focus."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate("s => document.activeElement.matches(s)", selector):
            return
    raise AssertionError(f"{selector} is not reached by {most} presses of Tab")


def test_by_keyboard_alone(undo_page):
    page = undo_page("Keyboard")
    tab_to(page, "a[href$='/undo/records/']")
    page.keyboard.press("Enter")
    page.wait_for_selector("#records-form")
    tab_to(page, "input[name=leave]")
    page.keyboard.press("Space")
    tab_to(page, "input[name=_back]")
    page.keyboard.press("Enter")
    page.wait_for_selector("#undo-form")
    tab_to(page, "#undo-form input.default")
    page.keyboard.press("Enter")
    page.wait_for_selector("dt:has-text('Deleted') + dd:has-text('1')")
    assert names(page, "Keyboard") == ["Keyboard One"]
