"""Passwords that are guessed first at this site are refused, and the sentence says why."""

import time

import pytest
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.utils import translation

from backoffice.signin import validators


@pytest.fixture
def host(settings):
    caches = (validators.own_words, validators._pattern)
    settings.ALLOWED_HOSTS = ["springfield.example.org"]
    for each in caches:
        each.cache_clear()
    yield
    for each in caches:
        each.cache_clear()


@pytest.mark.parametrize(
    ("password", "word"),
    [
        ("libraries", "libraries"),
        ("Summer2026", "summer"),
        ("2026Winter!", "winter"),
        ("L1brary!2026", "library"),
        ("LibraryBooks2026", "books"),
        ("Springfield2026", "springfield"),
        ("springfield-library", "springfield"),
        ("Back office", "back"),  # the site's title
        ("Librarians99", "librarians"),
        ("HistoricalBook1", "historicalbook"),  # a model
        ("Password2026!", "password"),
        ("Dr@gon2025", "dragon"),  # on the common list, dressed up
        ("ＳＵＭＭＥＲ2026", "summer"),
    ],
)
def test_what_is_tried_first_here_is_refused_with_the_word(host, password, word):
    with pytest.raises(ValidationError) as refused:
        validate_password(password)
    assert f"“{word}”" in " ".join(refused.value.messages)


@pytest.mark.parametrize(
    "password",
    [
        "Zq9x-ruby-4",
        "correct horse battery staple",
        "Maryland-quilt",
        "summerhouse-tango-7",
    ],
)
def test_other_passwords_are_taken(host, password):
    validate_password(password)


@pytest.mark.parametrize("language", ["en", "es"])
def test_names_are_refused_in_all_languages_whichever_came_first(host, language):
    with translation.override(language):
        assert {"imports", "importaciones", "bibliotecas"} <= validators.own_words()


def test_a_long_password_takes_no_longer():
    begun = time.process_time()
    assert not validators.words_in("logentry" * 20_000 + "Q")
    assert time.process_time() - begun < 5  # going back would take for ever


@pytest.mark.django_db
def test_the_page_to_change_a_password_says_why(admin_client, superuser):
    superuser.set_password("Zq9x-ruby-4")
    superuser.save()
    admin_client.force_login(superuser)
    typed = {"old_password": "Zq9x-ruby-4"}
    typed |= {"new_password1": "Summer2026", "new_password2": "Summer2026"}
    page = admin_client.post("/admin/password_change/", typed)
    assert "“summer”" in page.text
