"""Passwords that are guessed first at this very site, which no general list has."""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.admin.sites import all_sites
from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError
from django.utils import translation
from django.utils.translation import gettext as _

from backoffice.languages import offered

#: What people take a password from at work: the trade, the calendar, the usual words.
WORDS = re.findall(
    r"\w+",
    """
    library libraries librarian librarians branch branches patron patrons book books title
    titles reader readers reading catalog catalogue public county city town state
    spring summer autumn fall winter january february march april may june july august
    september october november december monday tuesday wednesday thursday friday saturday
    sunday password passwort passphrase passcode secret welcome hello letmein login signin
    admin administrator root user guest staff demo test testing changeme change default
    office backoffice front desk work computer internet service support
""",
)
# What takes the place of letters; a 1, of two.
LETTERS = [str.maketrans("013457@$!", f"o{one}eastasi") for one in "il"]
DECORATION = 6  # digits and signs around a common password that make it no better


class OwnWordsValidator:
    """Refuses what consists of the site's own names and of the usual words, dressed up or not.

    The names are those of the site, its hosts, its apps and models. A password on Django's
    list of common ones stays one with a few digits and signs around it.
    """

    def validate(self, password: str, user: Any = None) -> None:
        """Raises ValidationError, with the words."""
        found = words_in(password) or common_in(password)
        if found:
            raise ValidationError(
                _(
                    "This password is among the first that are tried here: it is made of"
                    " %(words)s, and numbers or signs add little. Take several words that have"
                    " nothing to do with this place."
                ),
                code="password_of_own_words",
                params={"words": ", ".join(f"“{word}”" for word in found)},
            )

    def get_help_text(self) -> str:
        return _(
            "Your password can’t consist of words such as the name of this site, of what it"
            " keeps, of a season or of a month, with numbers or without."
        )


def words_in(password: str) -> list[str]:
    """The words, if the password has no letter outside of them."""
    for text in spellings(password):
        match = _pattern().fullmatch(text)
        if match:
            return list(dict.fromkeys(re.findall(_alternatives(), text)))
    return []


def common_in(password: str) -> list[str]:
    """The common password within it, if there is little around it."""
    for text in spellings(password):
        core = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", text)
        if len(core) > 3 and len(text) - len(core) <= DECORATION and core in _common():
            return [core]
    return []


def spellings(password: str) -> Iterator[str]:
    """In small letters, and with letters for the digits and signs that stand for them."""
    small = unicodedata.normalize("NFKC", password).casefold()
    yield small
    core = small.rstrip("0123456789!?.,-_ ")
    for letters in LETTERS:
        yield core.translate(letters) + small[len(core) :]


@cache
def _common() -> set[str]:
    return set(CommonPasswordValidator().passwords)


def _alternatives() -> str:
    return "|".join(re.escape(word) for word in sorted(own_words(), key=len, reverse=True))


@cache
def _pattern() -> re.Pattern[str]:
    # Without going back, the longest word first: a long password takes no longer for it.
    return re.compile(rf"[\W\d_]*+(?:(?>{_alternatives()})[\W\d_]*+)++")


@cache
def own_words() -> frozenset[str]:
    """All that has at least three letters, in each language of the site."""
    texts = [*WORDS, *settings.ALLOWED_HOSTS]
    for language in {settings.LANGUAGE_CODE, *offered()}:
        with translation.override(language):
            texts += _names()
    words = {word for text in texts for word in re.findall(r"[^\W\d_]+", text.casefold())}
    return frozenset(word for word in words if len(word) > 2)


def _names() -> Iterator[str]:
    """Of the sites, the apps and the models, in the current language."""
    for site in all_sites:
        yield from (str(site.site_title), str(site.site_header))
    for app in apps.get_app_configs():
        yield from (app.label, str(app.verbose_name))
    for model in apps.get_models():
        meta = model._meta
        yield from (str(meta.verbose_name), str(meta.verbose_name_plural))
        yield meta.object_name or ""
