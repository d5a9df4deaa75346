"""Whoever leaves typed text unsaved is asked, whichever the way; nobody else is."""

import pytest

from tests.browser.leaving import leaving
from tests.browser.test_use import submit

LIBRARY = "library of many patrons"

WAYS_OUT = {
    "breadcrumb": lambda page: page.click(".breadcrumbs a >> nth=2"),
    "menu": lambda page: page.click("#menu a:has-text('Patrons')"),
    "History": lambda page: page.click(".object-tools .historylink"),
    "Back": lambda page: page.evaluate("history.back()"),
    "reload": lambda page: page.evaluate("location.reload()"),
    "a page of an inline": lambda page: page.click(".inline-pages a:has-text('Next')"),
    "a search of an inline": lambda page: page.click(".inline-search input[type=submit]"),
    "closing": lambda page: page.close(run_before_unload=True),
}


@pytest.fixture
def open_library(open_page, server):
    """`open_library()`: the form of the library with 1,100 patrons; Back leads to the list."""

    def open_():
        page = open_page("/admin/library/library/?q=Many+Patrons")
        page.click("#result_list tbody th a")
        page.wait_for_load_state()
        return page

    return open_


def test_every_way_out_asks_who_typed_and_nobody_else(open_library):
    page = open_library()
    page.fill("#id_address", "2 Main Street")
    for name, leave in WAYS_OUT.items():
        assert leaving(page, lambda leave=leave: leave(page)), name
        assert page.input_value("#id_address") == "2 Main Street", name
    page.fill("#id_address", "1 Main Street")  # as it was
    for name, leave in list(WAYS_OUT.items())[:-1]:
        with page.expect_navigation():
            assert not leaving(page, lambda leave=leave: leave(page)), name
        page.goto("/admin/library/library/?q=Many+Patrons")
        page.click("#result_list tbody th a")
        page.wait_for_load_state()
    page.fill("#id_address", "2 Main Street")
    assert leaving(page, lambda: WAYS_OUT["menu"](page), stay=False)
    page.wait_for_url("**/patron/")


def test_every_kind_of_control_is_compared(open_library):
    page = open_library()
    tick = "#id_patron_set-0-DELETE"
    add = "#patron_set-group .add-row a"
    for name, edit, put_back in (
        ("choice", *(lambda s=s: page.select_option("#id_state", s) for s in ("NJ", "NY"))),
        ("tick", lambda: page.check(tick), lambda: page.uncheck(tick)),
        (
            "new row",
            lambda: [page.click(add), page.fill("#id_patron_set-26-name", "Zoe")],
            lambda: page.fill("#id_patron_set-26-name", ""),
        ),
        (
            "two boxes",
            lambda: page.dblclick("#id_book_set_from option >> nth=0"),
            lambda: page.dblclick("#id_book_set_to option >> nth=0"),
        ),
    ):
        edit()
        assert leaving(page, lambda: page.click(".inline-pages a:has-text('Next')")), name
        put_back()
        assert page.evaluate(
            "!Array.from(document.forms).some((f) => f.matches('[data-unsaved]'))"
        )
    assert not leaving(page, lambda: page.click(".inline-pages a:has-text('Next')"))
    page.wait_for_url("**patron_set-p=2**")


def test_filters_searches_and_what_saves_are_left_without_a_word(open_library):
    page = open_library()
    page.locator("#id_book_set_input").press_sequentially("hitch")
    page.click("#patron_set-group .add-row a")
    page.fill("#id_patron_set-q", "reader 0777")
    assert not leaving(page, lambda: page.click(".inline-search input[type=submit]"))
    page.wait_for_url("**patron_set-q=reader**")
    page.fill("#id_patron_set-0-name", "Reader 0777")
    page.fill("#id_address", "3 Main Street")
    assert not leaving(page, lambda: submit(page, "_continue"))
    assert page.input_value("#id_address") == "3 Main Street"
    page.go_back()  # the page that was saved
    assert not leaving(page, lambda: page.click(".breadcrumbs a >> nth=0"))
    page.goto("/admin/library/library/")
    page.click("#filterset summary")
    page.fill("#filter_name", "Main")
    page.keyboard.press("Escape")
    page.fill("#searchbar", "Main")
    page.check("#result_list tbody tr:first-child .action-select")
    assert not leaving(page, lambda: page.click("#menu a:has-text('Patrons')"))


def test_what_was_typed_and_refused_is_asked_about(open_page):
    page = open_page("/admin/library/library/add/")
    page.fill("#id_name", "Typed")
    page.fill("#id_zip_code", "1")
    page.eval_on_selector("#library_form", "form => { form.noValidate = true; }")
    assert not leaving(page, lambda: submit(page))
    assert page.locator(".errornote").count() == 1
    assert leaving(page, lambda: page.click("#menu a:has-text('Patrons')"))


def test_every_form_of_the_house_asks(open_page, server):
    for name, edit in {
        "user change": lambda page: page.fill("#id_email", "typed@example.org"),
        "user add": lambda page: page.fill("#id_username", "typed"),
        "group change": lambda page: page.fill("#id_name", "typed"),
        "saved filter change": lambda page: page.fill("#id_name", "typed"),
        "profile change": lambda page: page.fill("#id_name", "typed"),
        "library save filter": lambda page: page.fill("#id_name", "typed"),
        "import columns": lambda page: page.fill("input[type=text] >> nth=0", "typed"),
        "import review of one row": lambda page: page.locator("input.cell").first.press("x"),
    }.items():
        page = open_page(server.pages[name])
        assert not leaving(page, lambda page=page: page.evaluate("location.reload()")), name
        page.wait_for_load_state()
        edit(page)
        assert leaving(page, lambda page=page: page.evaluate("location.reload()")), name
        page.close()


def test_a_bulk_edit_asks_from_the_first_value_to_the_last_page(open_page):
    page = open_page("/admin/library/library/")
    page.check("#result_list tbody tr:first-child .action-select")
    page.click(".bar button:has-text('Edit')")
    page.wait_for_selector("#edit-form")
    cancel = lambda: page.evaluate("location.assign('/admin/')")  # noqa: E731
    page.select_option("select[name=edit-state]", "WY")
    assert leaving(page, cancel)
    assert not leaving(page, lambda: page.click("[name=_preview]"))
    page.wait_for_selector("[name=_apply]")
    assert leaving(page, cancel)


def test_choices_come_back_with_back(open_page, open_library):
    page = open_library()
    page.dblclick("#id_book_set_from option >> nth=1")
    chosen = page.locator("#id_book_set_to option").all_text_contents()
    assert leaving(page, lambda: page.click(".breadcrumbs a >> nth=0"), stay=False)
    page.wait_for_url("**/admin/")
    page.go_back()
    page.wait_for_function(
        "t => [...document.querySelectorAll('#id_book_set_to option')].some(o => o.text === t)",
        arg=chosen[0],
    )
    assert page.locator("#id_book_set_to option").all_text_contents() == chosen
    assert leaving(page, lambda: page.click(".breadcrumbs a >> nth=0"))

    page = open_page("/admin/library/patron/add/")
    page.fill("#id_name", "Ann")
    page.click("#id_library + .select2 [role=combobox]")
    page.locator(".select2-search__field").press_sequentially("Crowded")
    page.click(".select2-results__option:has-text('Crowded Branch')")
    assert leaving(page, lambda: page.click(".breadcrumbs a >> nth=0"), stay=False)
    page.go_back()
    page.wait_for_selector(".select2-selection__rendered:has-text('Crowded Branch')")
    assert not leaving(page, lambda: submit(page))
    assert "was added successfully" in page.text_content(".messagelist")
