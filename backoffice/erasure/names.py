"""The names of a person, found in any text: as they stand, in JSON, addresses and HTML."""

import html
import json
import re
import unicodedata
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

MARK = "[erased]"  # what stands in place of a name
#: What may stand before a name without being part of its word: an escape of a character.
_ESCAPES = (
    r"(?<=%[0-9A-Fa-f]{2})",
    r"(?<=%25[0-9A-Fa-f]{2})",
    r"(?<=\\u[0-9A-Fa-f]{4})",
    r"(?<=\\x[0-9A-Fa-f]{2})",
)
_BEFORE = rf"(?:(?<![^\W_])|{'|'.join(_ESCAPES)}|(?<=\\[nrt]))"
_AFTER = r"(?![^\W_])"
_BETWEEN = r"(?:[\s_+.,;|\"\-]|%(?:25)*(?:20|2B)|\\[nrtu]|00a0)+"  # also in the names of files


class Names:
    """texts: the values that name the person; blank ones name nobody.

    A name is found as a whole word, in upper and lower case, whatever is between its words.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        cleaned = {" ".join(text.split()) for text in texts if text}
        self.texts = sorted(filter(None, cleaned), key=lambda text: (-len(text), text))
        patterns = [_BETWEEN.join(map(_word, text.split())) for text in self.texts]
        either = "|".join(patterns) or r"(?!)"
        self._found = re.compile(f"{_BEFORE}(?:{either}){_AFTER}", re.IGNORECASE)
        #: Each name has one of these, in whatever it is written; None if not all have one.
        self.words: list[str] | None = None
        words = [
            max(re.findall(r"[A-Za-z0-9]+", text), key=len, default="") for text in self.texts
        ]
        if all(words):
            self.words = sorted(set(words))

    def __bool__(self) -> bool:
        return bool(self.texts)

    def are_in(self, text: str) -> bool:
        return bool(self._found.search(text))

    def removed_from(self, value: Any) -> Any:
        """The value, a text or what JSON has, without the names."""
        if isinstance(value, str):
            return self._found.sub(MARK, value)
        if isinstance(value, list | tuple):
            return [self.removed_from(each) for each in value]
        if isinstance(value, dict):
            return {
                self.removed_from(name): self.removed_from(each) for name, each in value.items()
            }
        return value


def _word(word: str) -> str:
    return "".join(map(_character, word))


def _character(character: str) -> str:
    """A pattern for it, in whatever way it is written."""
    ways = {character}
    for form in ("NFC", "NFD"):
        ways.add(unicodedata.normalize(form, character))
    for way in list(ways):
        ways |= {quote(way), json.dumps(way)[1:-1], html.escape(way)}
        ways |= {f"&#{ord(c)};" for c in way if not c.isalnum()}
    if not character.isascii() and ord(character) < 256:
        ways.add(f"\\x{ord(character):02x}")  # as YAML has it
    patterns = sorted(map(re.escape, ways), key=len, reverse=True)
    # JSON within JSON has its backslashes twice.
    patterns = [pattern.replace(r"\\", r"\\+") for pattern in patterns]
    if character != "%":  # and an address within an address its percent signs
        patterns = [pattern.replace("%", "%(?:25)*") for pattern in patterns]
    return patterns[0] if len(patterns) == 1 else f"(?:{'|'.join(patterns)})"
