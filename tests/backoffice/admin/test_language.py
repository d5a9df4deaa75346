"""The language of pages: the switch in the header, and the account's choice."""

import datetime

import pytest
from django import forms
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import translation
from django.utils.formats import date_format, number_format

from backoffice.languages import Language
from backoffice.resources.widgets import DateWidget
from library.models import Patron
from tests.factories import make_user

pytestmark = pytest.mark.django_db

SPANISH = '<html lang="es"'
LOGIN = {"username": "ann", "password": "secret"}


@pytest.fixture
def ann():
    return make_user(username="ann", password="secret", permissions=["library.view_library"])


def switch(client, code, to="/admin/"):
    return client.post(reverse("admin:language"), {"language": code, "next": to})


def signed_in(user):
    client = Client()
    client.force_login(user)
    return client


def test_a_page_is_in_the_language_that_the_browser_asks_for(client):
    page = client.get("/admin/login/", headers={"Accept-Language": "es-MX,es;q=0.9,en;q=0.5"})
    assert SPANISH in page.text
    assert "Contraseña" in page.text
    assert SPANISH not in client.get("/admin/login/").text


def test_the_header_has_a_button_for_the_other_language(ann):
    client = signed_in(ann)
    page = client.get("/admin/library/library/?state=NY")
    assert 'value="es" lang="es"' in page.text
    assert 'value="en" lang="en"' not in page.text
    answer = switch(client, "es", "/admin/library/library/?state=NY")
    assert answer.url == "/admin/library/library/?state=NY"
    page = client.get(answer.url)
    assert SPANISH in page.text
    assert 'value="en" lang="en"' in page.text


def test_the_account_keeps_it_wherever_its_owner_signs_in(ann):
    switch(signed_in(ann), "es")
    elsewhere = Client()
    elsewhere.post("/admin/login/", LOGIN)
    assert SPANISH in elsewhere.get("/admin/").text
    switch(elsewhere, "en")
    assert SPANISH not in elsewhere.get("/admin/").text
    assert Language.objects.get(user=ann).code == "en"


def test_before_signing_in_a_cookie_keeps_it(client, ann):
    switch(client, "es", "/admin/login/")
    assert SPANISH in client.get("/admin/login/").text
    client.post("/admin/login/", LOGIN)
    assert SPANISH in client.get("/admin/").text
    assert not Language.objects.exists()


def test_a_language_that_is_not_offered_changes_nothing(ann, settings):
    client = signed_in(ann)
    switch(client, "xx")
    switch(client, "de")
    assert not Language.objects.exists()
    switch(client, "es")
    settings.LANGUAGES = [("en", "English")]
    elsewhere = signed_in(ann)
    assert SPANISH not in elsewhere.get("/admin/").text
    assert 'class="language"' not in elsewhere.get("/admin/").text


def test_it_leads_to_no_other_site(ann):
    assert switch(signed_in(ann), "es", "https://example.org/").url == "/"


def test_numbers_are_written_as_in_the_united_states():
    with translation.override("es"):
        assert number_format(17269, force_grouping=True) == "17,269"
        assert number_format(1.5) == "1.5"


def test_a_day_in_figures_is_the_same_in_every_language():
    day = datetime.date(2026, 12, 10)
    with translation.override("es"):
        assert date_format(day, "SHORT_DATE_FORMAT") == "10 dic 2026"
        assert forms.DateField().clean("12/10/2026") == day


def test_a_date_in_a_file_is_the_same_day_in_every_language():
    with translation.override("es"):
        assert DateWidget().clean("12/10/2026") == datetime.date(2026, 12, 10)


def test_accounts_have_another_name_than_patrons():
    with translation.override("es"):
        for name in ("verbose_name", "verbose_name_plural"):
            assert str(getattr(User._meta, name)) != str(getattr(Patron._meta, name))
