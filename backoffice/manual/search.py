"""Search in the manual: some hundred sections in memory, no index."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from backoffice.manual.pages import Page, Section, in_words

BEFORE, AFTER = 60, 140  # characters of an excerpt, about the first word that was found


@dataclass(frozen=True)
class Hit:
    """A section in which all words were found, or a page by its title."""

    page: Page
    section: Section
    excerpt: str

    @property
    def anchor(self) -> str:
        return "" if self.section is self.page.sections[0] else self.section.anchor

    @property
    def title(self) -> str:
        return f"{self.page.title} · {self.section.title}" if self.anchor else self.page.title


def search(
    text: str,
    pages: dict[str, Page],
    is_for_me: Callable[[str], bool],
    *,
    limit: int = 30,
    in_titles: bool = False,
) -> list[Hit]:
    """The sections that have all words of `text`, or words that begin so: by a title first.

    Within each, those of the pages that concern the user first, then in the manual's order.
    in_titles: by titles alone.
    """
    words = in_words(text).split()
    if not words:
        return []
    found = []
    for order, page in enumerate(pages.values()):
        for number, section in enumerate(page.sections):
            rank = _rank(words, page, section)
            if rank is not None and not (in_titles and rank == TEXT):
                hit = Hit(page, section, _excerpt(words[0], section.text))
                found.append(((rank, not is_for_me(page.name), order, number), hit))
    return [hit for _key, hit in sorted(found, key=lambda each: each[0])][:limit]


PAGE_TITLE, SECTION_TITLE, TEXT = range(3)


def _rank(words: list[str], page: Page, section: Section) -> int | None:
    """In what all the words are; None if in nothing."""
    if section is page.sections[0]:
        if _has(words, in_words(f"{page.title} {page.purpose}")):
            return PAGE_TITLE
    elif _has(words, in_words(section.title)):
        return SECTION_TITLE
    return TEXT if _has(words, section.words) else None


def _has(words: list[str], text: str) -> bool:
    return all(f" {word}" in text for word in words)


def _excerpt(word: str, text: str) -> str:
    """A part of the text about the word, at whole words."""
    match = re.search(rf"\b{re.escape(word)}", text, re.IGNORECASE)
    start = max(match.start() - BEFORE, 0) if match else 0
    end = start + BEFORE + AFTER
    if start:
        start = text.find(" ", start) + 1
    part = text[start:end]
    if end < len(text):
        part = part.rpartition(" ")[0] + " …"
    return f"… {part}" if start else part
