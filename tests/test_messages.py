"""Every text that staff read has its Spanish, and what stands in it is the same.

After a change of texts: `make messages`, then write what lacks in the catalog, then again.
"""

import importlib.util
import re
from pathlib import Path

import pytest
from django import contrib

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = ROOT / ".ci" / "messages.py"
SPEC = importlib.util.spec_from_file_location("messages", SCRIPT)
messages = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(messages)

PACKAGES = [ROOT / name for name in messages.PACKAGES]
CATALOGS = sorted(po for p in PACKAGES for po in p.glob("locale/es/LC_MESSAGES/django.po"))
WORDING = ROOT / "backoffice" / "locale" / messages.WORDING / "LC_MESSAGES" / "django.po"
PAGES = sorted(page for package in PACKAGES for page in package.rglob("templates/**/*.html"))
#: Read by everybody, and the same in every language.
SAME = {"CSV", "MB", "XLSX", "Ctrl", "Esc", "Enter"}

blocks = re.compile(
    r"{%\s*(blocktranslate|blocktrans|comment)\b.*?{%\s*end\1\s*%}|{#.*?#}"
    r"|{%\s*block (?:bodyclass|coltype)\s*%}.*?{%\s*endblock\b.*?%}",
    re.DOTALL,
)
tags = re.compile(r"{%.*?%}|{{.*?}}", re.DOTALL)
spoken = re.compile(r"\b(?:title|alt|placeholder|aria-label|aria-description)=\"([^\"]*)\"")
markup = re.compile(r"<(script|style|code)\b.*?</\1>|<[^>]*>|&\w+;|\u0000", re.DOTALL)
filled_in = re.compile(r"%\(\w+\)[a-z]|{\w*}")
objects = re.compile(r"\bobje(?:ct|to)s?\b", re.IGNORECASE)
#: Of Django's log, whose place our trail has.
UNSEEN = {"object id", "object repr", "LogEntry Object"}
words = re.compile(r"[^\W\d_]{2,}")


def where(path):
    return path.relative_to(ROOT).as_posix()


def literals(text):
    """The words of a template that stand in it as they are."""
    text = tags.sub("\0", blocks.sub("\0", text))
    texts = [*spoken.findall(text), *markup.sub("\n", text).split("\n")]
    return [each.strip() for each in texts if set(words.findall(each)) - SAME]


def test_there_is_a_catalog_of_each_package():
    assert [where(path) for path in CATALOGS] == [
        f"{name}/locale/es/LC_MESSAGES/django.po" for name in messages.PACKAGES
    ]


@pytest.mark.parametrize("path", CATALOGS, ids=where)
def test_every_text_has_its_translation(path):
    catalog, found = messages.read(path), messages.extracted(path.parents[3])
    known = {(each.id, each.context): each for each in catalog if each.id}
    lacks = [
        f"{each.id!r} ({each.locations[0][0]})"
        for each in found
        if each.id
        and not (
            (each.id, each.context) in known
            and all(messages.strings(known[each.id, each.context]))
        )
    ]
    if lacks:
        pytest.fail("\n".join(["Without Spanish, see CONTRIBUTING:", *lacks]), pytrace=False)


@pytest.mark.parametrize("path", [*CATALOGS, WORDING], ids=where)
def test_what_is_filled_in_is_in_both_languages(path):
    catalog = messages.read(path)
    assert [error for each in catalog for error in each.check(catalog)] == []
    inside = re.compile(r"</?\w[^>]*>|%\(\w+\)[sd]|%%")
    differ = [
        each.id
        for each in catalog
        if each.id
        and not each.pluralizable
        and each.string
        and sorted(inside.findall(each.id)) != sorted(inside.findall(each.string))
    ]
    assert differ == []


@pytest.mark.parametrize("path", [*CATALOGS, WORDING], ids=where)
def test_what_django_reads_is_made_of_the_catalog(path):
    assert path.with_suffix(".mo").read_bytes() == messages.compiled(messages.read(path)), (
        "make messages"
    )


def texts_of(path):
    """`(text, translation)` of each message; neither has the names of what is filled in."""
    for each in messages.read(path):
        pairs = each.id if each.pluralizable else (each.id,)
        for text in filter(None, pairs):
            said = " ".join(messages.strings(each))
            yield filled_in.sub("", text), filled_in.sub("", said)


def test_no_text_of_ours_speaks_of_objects():
    ours = {text for text, _said in texts_of(WORDING)}
    for path in [WORDING, *CATALOGS]:
        for text, said in texts_of(path):
            assert text in ours or not objects.search(text), where(path)
            assert not objects.search(said), where(path)


@pytest.mark.parametrize("app", ["admin", "auth", "contenttypes", "messages", "sessions"])
def test_what_django_says_of_objects_is_said_otherwise(app):
    path = Path(contrib.__path__[0]) / app / "locale" / "en" / "LC_MESSAGES" / "django.po"
    ours = {text for text, _said in texts_of(WORDING)} | UNSEEN
    texts = [text for text, _said in texts_of(path)] if path.exists() else []
    assert [text for text in texts if objects.search(text) and text not in ours] == []


@pytest.mark.parametrize("path", PAGES, ids=where)
def test_a_template_has_no_words_beside_translate(path):
    assert literals(path.read_text()) == []


def test_words_beside_translate_are_found():
    assert literals('<p title="A name">{{ x }} rows</p>') == ["A name", "rows"]
    assert literals('{% translate "rows" %} <p title="{% translate "A" %}">') == []


def test_a_text_that_is_new_has_no_translation_yet(tmp_path):
    package = tmp_path / "shop"
    path = package / "locale" / "es" / "LC_MESSAGES" / "django.po"
    path.parent.mkdir(parents=True)
    path.write_text('msgid ""\nmsgstr "Language: es\\n"\n\nmsgid "gone"\nmsgstr "ido"\n')
    page = package / "templates" / "page.html"
    page.parent.mkdir()
    page.write_text('{% load i18n %}\n  <p>\n {% translate "new" %}\n</p>')
    (package / "views.py").write_text('_ = str\nngettext("%d row", "%d rows", 2)\n')
    assert messages.update(path) == 2
    catalog = messages.read(path)
    assert {each.id for each in catalog if each.id} == {"new", ("%d row", "%d rows")}
    assert path.with_suffix(".mo").exists()
