"""The pages of the manual, as they lie in `docs/`.

A page is named by its path in the folder, without `.md`: `how-to/export`. `README.md` is the
index: it lists the pages in their order, each with what one reads it for. A translation lies in
a folder named by its language, under the same name: `es/how-to/export.md`; it has the headings
of the original, in their order, so that their anchors stay.
"""

import re
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

from django.utils.text import slugify
from django.utils.translation import get_language
from markdown_it import MarkdownIt
from markdown_it.token import Token

INDEX = "README"
IMAGES = {".png": "image/png", ".svg": "image/svg+xml", ".webp": "image/webp"}
ROW = re.compile(r"^\| (.+?) \| \[[^]]*\]\(([\w/-]+)\.md\) \|$", re.MULTILINE)

# Markdown's own HTML is shown as text, and addresses that run something are no links.
PARSER = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])


def in_words(text: str) -> str:
    """The words of a text in small letters, a blank before each."""
    return "".join(f" {word}" for word in re.findall(r"\w+", text.casefold()))


@dataclass(frozen=True)
class Section:
    """What stands under a heading of level 2 or 3, as text; the first has the page's title."""

    anchor: str
    title: str
    text: str

    @cached_property
    def words(self) -> str:
        return in_words(f"{self.title} {self.text}")


@dataclass(frozen=True)
class Page:
    """name: `how-to/export` · purpose: what one reads it for · tokens: of markdown-it."""

    name: str
    title: str
    purpose: str
    sections: tuple[Section, ...]
    tokens: tuple[Token, ...]

    @property
    def kind(self) -> str:
        """Its folder: "how-to", "reference", "explanation", or "" for none."""
        return self.name.rpartition("/")[0]

    @property
    def anchors(self) -> set[str]:
        return {section.anchor for section in self.sections}


@cache
def folder() -> Path | None:
    """`docs/`: inside of the package where it is installed, beside it in a checkout.

    None if there is neither. A folder of that name that is another project's has no such index.
    """
    package = Path(__file__).resolve().parent.parent
    for place in (package / "docs", package.parent / "docs"):
        index = place / f"{INDEX}.md"
        if index.is_file() and ROW.search(index.read_text(encoding="utf-8")):
            return place
    return None


def pages() -> dict[str, Page]:
    """`{name: page}` in the language of the request, in the order of the index."""
    place = folder()
    language = (get_language() or "en").partition("-")[0]
    return _read(place, language) if place else {}


def image(name: str) -> Path | None:
    """The file of an image of the manual."""
    place = folder()
    return _images(place).get(name) if place else None


@cache
def _images(place: Path) -> dict[str, Path]:
    return {
        path.name: path
        for path in (place / "images").glob("*")
        if path.suffix in IMAGES and path.is_file()
    }


@cache
def _read(place: Path, language: str) -> dict[str, Page]:
    index = place / f"{INDEX}.md"
    local = place / language / f"{INDEX}.md"
    purposes: dict[str, str] = {}
    for path in (index, local):
        if path.is_file():
            found = ROW.findall(path.read_text(encoding="utf-8"))
            purposes |= {name: purpose for purpose, name in found}
    originals = {
        name: _page(place / f"{name}.md", name, purpose)
        for name, purpose in purposes.items()
        if (place / f"{name}.md").is_file()
    }
    translations = {
        name: _page(place / language / f"{name}.md", name, page.purpose, page)
        for name, page in originals.items()
        if (place / language / f"{name}.md").is_file()
    }
    return originals | translations


def _page(path: Path, name: str, purpose: str, original: Page | None = None) -> Page:
    tokens = PARSER.parse(path.read_text(encoding="utf-8"))
    given = [section.anchor for section in original.sections] if original else []
    sections: list[Section] = []
    used: dict[str, int] = {}
    for number, token in enumerate(tokens):
        if token.type == "heading_open" and token.tag in ("h1", "h2", "h3"):
            title = _text(tokens[number + 1])
            at = len(sections)
            anchor = given[at] if at < len(given) else _anchor(title, used)
            token.attrSet("id", anchor)
            sections.append(Section(anchor, title, ""))
        elif sections and token.type in ("inline", "fence", "code_block"):
            if tokens[number - 1].type == "heading_open":
                continue
            last = sections[-1]
            text = f"{last.text} {_text(token)}".strip()
            sections[-1] = Section(last.anchor, last.title, text)
    title = sections[0].title if sections else name
    return Page(name, title, purpose, tuple(sections), tuple(tokens))


def _anchor(title: str, used: dict[str, int]) -> str:
    """As Python-Markdown makes it, so that the site of `make docs` has the same."""
    anchor = slugify(title) or "section"
    used[anchor] = used.get(anchor, -1) + 1
    return f"{anchor}_{used[anchor]}" if used[anchor] else anchor


def _text(token: Token) -> str:
    """What a token shows, without its markup."""
    if token.children is None:
        return token.content
    shown = (
        " " if child.type in ("softbreak", "hardbreak") else child.content
        for child in token.children
        if child.type in ("text", "code_inline", "softbreak", "hardbreak")
    )
    return "".join(shown).replace("<br>", " ")
