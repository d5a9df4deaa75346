"""Tasks of the staff from the start page, by links alone: how many clicks they take."""

import pytest

from tests.browser.clean import assert_clean

COUNT = """
document.addEventListener("pointerdown", (event) => event.isTrusted && countClick(), true);
"""


class Clicks:
    """A page whose clicks are counted; choosing in a list of options takes two."""

    def __init__(self, page):
        self.page, self.number = page, 0
        page.expose_function("countClick", self.count)
        page.add_init_script(COUNT)
        page.goto("/admin/")

    def count(self, number=1):
        self.number += number

    def search(self, model, term):
        """The list of a model, by its link, and what a search finds there."""
        self.page.click(f"#menu a[href$='/library/{model}/']")
        self.page.click("#searchbar")
        self.page.keyboard.type(term)
        self.page.keyboard.press("Enter")
        self.page.wait_for_url("**q=*")

    def edit_all(self):
        self.page.click("#action-toggle")
        if self.page.locator(".actions .question a").is_visible():
            self.page.click(".actions .question a")
        self.page.click(".bar button:has-text('Edit')")
        self.count(1)
        self.page.wait_for_selector("#edit-form")

    def complete(self, field, term):
        """Choose what an autocompletion finds."""
        row = self.page.locator(".form-row", has=self.page.locator(f"#id_edit-{field}"))
        row.locator(".select2-selection").click()
        self.page.keyboard.type(term)
        self.page.click(f".select2-results__option:has-text('{term}')")
        assert row.locator("input[name=change]").is_checked()

    def write(self):
        self.page.click("input[name=_preview]")
        self.page.wait_for_selector("text=Nothing is written yet")
        assert_clean(self.page)
        self.page.set_viewport_size({"width": 1280, "height": 900})
        self.page.click("input[name=_apply]")
        self.page.wait_for_selector("a:has-text('Undo this edit')")


def take_back(page):
    page.click("a:has-text('Undo this')")
    page.wait_for_selector("h1:has-text('Undo')")
    if page.locator("#id_confirmation").count():
        page.fill("#id_confirmation", page.text_content("label[for=id_confirmation] strong"))
    page.click("input.default")
    page.wait_for_selector("text=Undone on")


@pytest.fixture
def imported(open_page, tmp_path):
    """`imported(model, header, rows)`: rows that are there until the test ends."""
    pages = []

    def make(model, header, rows):
        path = tmp_path / f"{model}.csv"
        path.write_text("\n".join([header, *rows, ""]))
        page = open_page(f"/admin/library/{model}/import/")
        page.set_input_files("#id_import_file", path)
        page.click("#import-form input[type=submit]")
        page.wait_for_selector("#mapping-form")
        page.click("#mapping-form input.default")
        page.wait_for_selector("#bar")
        page.click("button[name=_apply]")
        page.wait_for_selector("text=was imported")
        pages.append(page)

    yield make
    for page in pages:
        take_back(page)


def test_twenty_patrons_move_to_another_library(open_page, imported):
    imported("patron", "name,library", [f"Mover {n},Crowded Branch" for n in range(20)])
    task = Clicks(open_page("/admin/"))
    task.search("patron", "mover")
    task.edit_all()
    task.complete("library", "Denver")
    task.write()
    assert task.number <= 12
    assert task.page.locator("dl.counts dd").first.text_content() == "20"
    take_back(task.page)


def test_books_go_to_a_library_and_a_word_is_mended_in_500_titles(open_page, imported):
    titles = [f"Teh Tome {n:03}{' boxed' if n < 30 else ''}" for n in range(500)]
    imported("book", "title,libraries", [f"{title},Crowded Branch" for title in titles])
    task = Clicks(open_page("/admin/"))
    task.search("book", "boxed")
    task.edit_all()
    assert_clean(task.page)
    task.page.set_viewport_size({"width": 1280, "height": 900})
    task.complete("libraries-add", "Denver")
    task.write()
    assert task.number <= 10
    assert task.page.locator("dl.counts dd").first.text_content() == "30"
    take_back(task.page)

    task = Clicks(open_page("/admin/"))
    task.page.click("#menu a[href$='/library/book/']")
    task.page.click("button:has-text('Edit these')")
    task.page.click("#id_replace-find")
    task.page.keyboard.type("Teh ")
    task.page.keyboard.press("Tab")
    task.page.keyboard.type("The ")
    task.write()
    assert task.number <= 8
    updated = task.page.locator("dt:has-text('Updated') + dd, dt:has-text('updated') + dd")
    assert updated.text_content() == "500"
    take_back(task.page)
