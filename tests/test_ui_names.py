"""What the how-tos put in *italics* or **bold**, as the name of a button or page, is one."""

import re
from functools import cache

import pytest
from django.apps import apps
from django.utils.translation import override, trans_real
from localflavor.us.us_states import STATE_CHOICES

from tests.docs import DOCS

PAGES = [*sorted((DOCS / "how-to").glob("*.md"))]
#: What is emphasised and names nothing of the pages.
OTHERS = {
    "To adapt",  # in the changelog
    "never copy `db.sqlite3` itself while the server runs",
    "A user name that no account has is not noted either",
    "Nothing else goes",
    "The second way in",
}
PLACE = r"%(?:\(\w+\))?[sd]"


def plain(text):
    return " ".join(str(text).split()).strip(" .:").casefold()


@cache
def texts():
    """What pages say, and the patterns of what has a value in it."""
    with override("es"):
        catalog = trans_real.catalog()._catalog
    said = {key if isinstance(key, str) else key[0] for key, _text in catalog.items()}
    for model in apps.get_models():
        opts = model._meta
        said |= {opts.verbose_name, opts.verbose_name_plural}
        said |= {f"{action} {opts.verbose_name}" for action in opts.default_permissions}
        said |= {name for _codename, name in opts.permissions}
        said |= {getattr(field, "verbose_name", "") for field in opts.get_fields()}
    said |= {name for _code, name in STATE_CHOICES}
    for file in DOCS.parent.glob("*/locale/es/LC_MESSAGES/django.po"):  # plurals are no keys
        said |= set(
            re.findall(r'^msgid_plural "(.+)"$', file.read_text(encoding="utf-8"), re.M)
        )
    patterns = [re.escape(plain(text)) for text in said if re.search(PLACE, str(text))]
    patterns = [
        re.sub(re.escape(r"%") + r"(?:\\\(\w+\\\))?[sd]", ".+", each) for each in patterns
    ]
    # A text that is hardly more than its values would match whatever is written.
    patterns = [each for each in patterns if len(each.replace(".+", "")) > 4]
    return {plain(text) for text in said}, re.compile("|".join(patterns))


def is_known(name):
    said, patterns = texts()
    return bool(
        plain(name) in said
        or plain(name).strip("… ") in said
        or (name.endswith("…") and any(each.startswith(plain(name)[:-1]) for each in said))
        or patterns.fullmatch(plain(name))
    )


def names(page):
    """What is emphasised, but for the words that a paragraph or a bullet begins with."""
    text = re.sub(r"^ *```.*?^ *```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    text = re.sub(r"^ *(?:- |\d\. |)\*\*[^*]+\*\*", "", text, flags=re.M)
    return [
        " ".join(found[2].split())
        for found in re.finditer(r"(\*\*?)(?!\s)([^*\n]+(?:\n[^*\n]+)?)\1", text)
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_is_named_is_on_the_pages(page):
    for name in names(page):
        for part in re.split(" [·→] ", name):
            assert part in OTHERS or is_known(part), f"{part}: no page has this"


def test_a_name_that_no_page_has_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "1. **Lead.** Press **Imprt**, *Import*, or *Choose all 7*.\n- **Lead**: *x*\n"
    )
    assert names(page) == ["Imprt", "Import", "Choose all 7", "x"]
    assert [is_known(name) for name in names(page)] == [False, True, True, False]
