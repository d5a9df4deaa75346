"""The manual: its pages as HTML, its sections in a search."""

import pytest
from django.utils import translation

from backoffice.manual import pages
from backoffice.manual.concerns import CONCERNS, concerns
from backoffice.manual.html import html
from backoffice.manual.search import search
from tests.docs import DOCS
from tests.factories import make_user

INDEX = """
| to | read |
|---|---|
| bring in a file | [how to import](how-to/import.md) |
| look at errors | [errors](errors.md) |
"""
PAGE = """# How to import

An <script>alert(1)</script> upload. See [errors](../errors.md#e-1),
[the list](../README.md),
[a mirror](https://example.org/?a=1&b=2), [here](#write-it),
[the code](../../Makefile), [bad](javascript:alert(1)) and ![a list](../images/list.png "x").

| a | b |
|---|---|
| one<br>two | `<b>` |

## Write it

Press **Write**.

## Write it
"""
ERRORS = "# Errors\n\n## E 1\n\nA file of nothing: press **write** no more.\n"


@pytest.fixture
def manual(tmp_path, monkeypatch):
    """A small manual in place of ours; a function that adds a file to it."""

    def write(name, text):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())

    write("README.md", INDEX)
    write("how-to/import.md", PAGE)
    write("errors.md", ERRORS)
    write("images/list.png", b"\x89PNG")
    write("images/secret.txt", b"no image")
    monkeypatch.setattr(pages, "folder", lambda: tmp_path)
    pages._read.cache_clear()
    pages._images.cache_clear()
    yield write
    pages._read.cache_clear()
    pages._images.cache_clear()


def shown(name):
    found = pages.pages()
    return html(found[name], set(found), "/h/{}".format, "/i/{}".format)


def test_a_page_is_shown_with_the_addresses_that_it_has_here(manual):
    text = shown("how-to/import")
    assert "<h1" not in text
    assert '<a href="/h/errors#e-1">errors</a>' in text
    assert '<a href="/h/">the list</a>' in text
    assert '<a href="https://example.org/?a=1&amp;b=2">a mirror</a>' in text
    assert '<a href="#write-it">here</a>' in text
    assert '<img src="/i/list.png" alt="a list" loading="lazy">' in text
    assert '<h2 id="write-it">' in text
    assert '<h2 id="write-it_1">' in text


def test_nothing_in_a_page_is_run_and_what_leads_out_of_the_manual_is_text(manual):
    text = shown("how-to/import")
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert 'href="javascript' not in text
    assert "Makefile" not in text
    assert "the code" in text
    assert "<td>one<br>two</td>" in text
    assert "<code>&lt;b&gt;</code>" in text


def test_images_are_those_of_the_folder_alone(manual):
    assert pages.image("list.png").name == "list.png"
    assert pages.image("secret.txt") is None
    assert pages.image("../README.md") is None


def test_a_search_finds_all_words_titles_first_then_what_concerns_the_user(manual):
    found = pages.pages()

    def titles(text, *mine):
        return [
            (hit.page.name, hit.section.title)
            for hit in search(text, found, lambda name: name in mine)
        ]

    assert titles("IMPORT") == [("how-to/import", "How to import")]
    assert titles("bring file") == [("how-to/import", "How to import")]
    assert titles("write")[:2] == [("how-to/import", "Write it")] * 2
    assert titles("write")[2] == ("errors", "E 1")
    assert titles("press", "errors") == [("errors", "E 1"), ("how-to/import", "Write it")]
    assert titles("press unheard") == []
    assert titles("  ") == []
    (hit, *_rest) = search("nothing", found, lambda name: True)
    assert hit.excerpt == "A file of nothing: press write no more."


def test_a_page_is_shown_in_the_users_language_where_it_is_translated(manual):
    manual("es/README.md", "| traer un archivo | [importar](how-to/import.md) |\n")
    manual(
        "es/how-to/import.md",
        PAGE.replace("# How to import", "# Importar").replace("Write it", "Escribir"),
    )
    with translation.override("es-mx"):
        found = pages.pages()
        text = shown("how-to/import")
    assert (found["how-to/import"].title, found["errors"].title) == ("Importar", "Errors")
    assert found["how-to/import"].purpose == "traer un archivo"
    assert '<h2 id="write-it">Escribir</h2>' in text  # links from elsewhere lead there
    assert pages.pages()["how-to/import"].title == "How to import"


def test_every_page_of_ours_is_in_the_manual_and_every_translation_has_its_headings():
    found = pages.pages()
    originals = [p for p in DOCS.rglob("*.md") if p.relative_to(DOCS).parts[0] != "es"]
    assert {f"{name}.md" for name in found} == {
        p.relative_to(DOCS).as_posix() for p in originals
    } - {"README.md"}
    with translation.override("es"):
        for name, page in pages.pages().items():
            assert [s.anchor for s in page.sections] == [s.anchor for s in found[name].sections]


def test_links_of_ours_lead_to_sections_that_there_are():
    found = pages.pages()
    for page in found.values():
        text = html(page, set(found), "/h/{}".format, "/i/{}".format)
        for part in text.split('href="')[1:]:
            href = part.partition('"')[0]
            name, _hash, anchor = href.removeprefix("/h/").partition("#")
            if anchor and not href.startswith("http"):
                assert anchor in found[name or page.name].anchors, f"{page.name}: {href}"


@pytest.mark.django_db
def test_a_page_concerns_who_may_do_what_it_is_about():
    assert set(CONCERNS) <= set(pages.pages())
    clerk = make_user(permissions=["library.add_patron", "library.view_patron"])
    keeper = make_user(permissions=["auth.view_user", "auth.change_user"])
    chief = make_user(is_superuser=True)
    asked = (
        "how-to/start",
        "how-to/import-a-file",
        "how-to/export",
        "how-to/give-a-role",
        "how-to/deploy",
    )
    answers = {
        user: [concerns(name, user) for name in asked] for user in (clerk, keeper, chief)
    }
    assert answers == {
        clerk: [True, True, False, False, False],
        keeper: [True, False, False, True, False],
        chief: [True] * 5,
    }
