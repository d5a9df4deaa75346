"""Which language the words of a file are in, and so which encoding: by letters in a row.

A word is the likelier to be of a language, the commoner its letters beyond ASCII are there
beside their neighbours. How common they are is counted in Django's own translations.
"""

import re
import struct
from collections import Counter
from collections.abc import Sequence
from functools import cache
from itertools import pairwise
from math import log
from pathlib import Path

import django

LOCALES = Path(django.__file__).parent
CATALOGUES = [
    f"{app}/locale/%s/LC_MESSAGES/django.mo"
    for app in ("conf", "contrib/admin", "contrib/auth")
]
WESTERN = "es pt fr de da nb sv fi is it nl ca et ga af sq"
LANGUAGES = {
    "cp1250": "cs pl hu sk hr sl ro",
    "cp1254": "tr az",
    "cp1257": "lt lv et",
    "cp1251": "ru uk bg mk",
    "cp1253": "el",
    "cp1255": "he",
    "cp1256": "ar fa",
    "koi8-r": "ru",
    "cp932": "ja",
    "euc_jp": "ja",
    "gb18030": "zh_Hans",
    "big5": "zh_Hant",
    "cp949": "ko",
}
LATIN = ("cp1250", "cp1254", "cp1257")
#: Letters that names and titles have oftener than those translations.
MORE = {
    "da": "bodø tromsø malmø læsø sø ærø",
    "fr": "œuvre œuvres cœur sœur bœuf nœud vœu aïcha anaïs maïs île benoît",
    "it": "virtù gesù cantù tribù gioventù laggiù così forlì mondovì niccolò",
    "pt": "irmã irmãs maçã amanhã manhã lã",
}
#: By how much the logarithm of another reading's likelihood must be above cp1252's.
STRONG = 12
#: Of bytes that most words have four of in a row, which no Western language has.
WEAK = -5

PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|%[sd]|\{[^}]*\}|<[^>]*>|&\w+;")
LETTERS = re.compile(r"[^\W\d_]+")
ROMANIAN = str.maketrans("șțȘȚ", "şţŞŢ")  # cp1250 has these, with a cedilla
SIGNS = frozenset("’‘“”„‚«»‹›–—…•·´°ºª¿¡§¶†‡©®™²€\xa0")
WITHIN_WORDS = frozenset("’´·")
OF_NUMBERS = frozenset("£¥¢¤±×÷‰µ¹³¼½¾")  # where cp1250 and others have letters: Ł12.50
NO_ALPHABET = "\u2e80"  # the first character of Chinese, Japanese and Korean, or near it


def likeliest(words: Sequence[bytes], western: str, *, is_other_script: bool) -> str | None:
    """The encoding that the words are in, if they are very likely not in `western`.

    words: distinct ones, with bytes beyond ASCII · western: the encoding for Western languages
    that they are in, if they are in one · is_other_script: Latin letters can't be meant.
    """
    # Each word may be of a language of its own: lists of names are.
    texts = _decoded(words, western)
    usual = sum(max(_likelihood(text, each) for each in WESTERN.split()) for text in texts)
    found = [
        (sum(_likelihood(text, language) for text in texts) - usual, codec)
        for codec, languages in LANGUAGES.items()
        if not (is_other_script and codec in LATIN) and (texts := _decoded(words, codec))
        for language in languages.split()
    ]
    gain, codec = max(found, default=(0.0, ""))
    return codec if gain > (WEAK if is_other_script else STRONG) else None


def _decoded(words: Sequence[bytes], codec: str) -> list[str]:
    """The words as text; none where they are not in the encoding."""
    try:
        return [f" {word.decode(codec)} " for word in words]
    except UnicodeDecodeError:
        return []


def _likelihood(text: str, language: str) -> float:
    """The logarithm of how likely the characters beyond ASCII are, in a word between blanks."""
    total, letters = 0.0, _Letters.of(language)
    for before, char, after in zip(text, text[1:], text[2:], strict=False):
        if char.isascii():
            continue
        if not char.isalpha() or char in SIGNS or char in OF_NUMBERS:
            total -= 4 if is_usual_sign(before, char, after) else 25
            continue
        if is_beside_number(before, char, after):
            total -= 25
            continue
        total += letters.follow(before, char)
        if after.isascii():
            total += letters.follow(char, after)
        if char > "\u024f" and (_is_ascii_letter(before) or _is_ascii_letter(after)):
            total -= 15  # two scripts in one word
        if (char.isupper() and before.islower()) or (char.islower() and after.isupper()):
            total -= 5  # as in “oUr”
        elif before.isupper() and char.isupper() and after.islower():
            total -= 3
    return total


def is_usual_sign(before: str, char: str, after: str) -> bool:
    """Whether a character is a sign that stands where such signs do."""
    if char in OF_NUMBERS:
        return not before.isalpha() and not after.isalpha()
    is_inside = before.isalpha() and after.isalpha()
    may_be_inside = char in WITHIN_WORDS or (char in "–—" and after.isupper())
    return char in SIGNS and (not is_inside or may_be_inside)


def is_beside_number(before: str, char: str, after: str) -> bool:
    """Whether it is a letter of an alphabet next to a digit, where a sign is likelier."""
    return char < NO_ALPHABET and (before.isdigit() or after.isdigit())


def _is_ascii_letter(char: str) -> bool:
    return char.isascii() and char.isalpha()


class _Letters:
    """How often a language has one letter after another; a blank is the end of a word."""

    def __init__(self, language: str) -> None:
        words = {f" {word} " for word in LETTERS.findall(_translations(language).lower())}
        self._letters = Counter(letter for word in words for letter in word[1:])
        self._firsts = Counter(letter for word in words for letter in word[:-1])
        self._pairs = Counter(pair for word in words for pair in pairwise(word))
        self._total = self._letters.total()

    @staticmethod
    @cache
    def of(language: str) -> "_Letters":
        return _Letters(language)

    @cache  # noqa: B019 -- there is one of each language
    def follow(self, first: str, second: str) -> float:
        first, second = (
            each.lower()[:1] if each.isalpha() else " " for each in (first, second)
        )
        usual = (self._letters[second] + 0.02) / (self._total + 20)
        return log((self._pairs[first, second] + 8 * usual) / (self._firsts[first] + 8))


def _translations(language: str) -> str:
    """The texts of Django's catalogues of a language."""
    texts = [MORE.get(language, "")]
    for catalogue in CATALOGUES:
        path = LOCALES / (catalogue % language)
        if path.exists():
            data = path.read_bytes()
            count, _originals, start = struct.unpack_from("<III", data, 8)
            for length, at in struct.iter_unpack("<II", data[start : start + 8 * count]):
                texts.append(data[at : at + length].decode(errors="ignore"))
    text = PLACEHOLDER.sub(" ", "\n".join(texts))
    return text.translate(ROMANIAN) if language == "ro" else text
