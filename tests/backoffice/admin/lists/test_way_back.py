"""Every page of a list's records leads back to the list as it was left."""

import html
import re
from urllib.parse import urlencode

import pytest
from django.urls import reverse

from library.models import Library
from tests.backoffice.admin.pages import form_data, url
from tests.factories import make_library

pytestmark = pytest.mark.django_db

LIST = reverse("admin:library_library_changelist")
FILTERED = f"{LIST}?state=NJ&state=NY&o=-1&q=main"
KEPT = "?" + urlencode({"_changelist_filters": FILTERED.partition("?")[2]})


@pytest.fixture
def library():
    return make_library(name="Main", state="NY")


def trail(page):
    """The addresses of the breadcrumbs."""
    (nav,) = re.findall(r'<nav aria-label="Breadcrumbs">(.*?)</nav>', page.text, re.DOTALL)
    return [html.unescape(link) for link in re.findall(r'href="([^"]*)"', nav)]


def test_each_record_of_a_list_keeps_the_way_back(admin_client, library):
    page = admin_client.get(FILTERED)
    assert f'href="{html.escape(url(Library, "change", library.pk) + KEPT)}"' in page.text


@pytest.mark.parametrize("name", ["change", "history", "delete"])
def test_the_pages_of_a_record_lead_back(admin_client, library, name):
    address = url(Library, name, library.pk)
    assert FILTERED in trail(admin_client.get(address + KEPT))
    assert LIST in trail(admin_client.get(address))


@pytest.mark.parametrize("name", ["export", "save_filter"])
def test_pages_that_take_the_filters_of_the_list_lead_back(admin_client, library, name):
    address = url(Library, name)
    assert FILTERED in trail(admin_client.get(FILTERED.replace(LIST, address)))


@pytest.mark.parametrize("action", ["edit_selected", "delete_selected", "export_admin_action"])
def test_what_a_list_s_actions_show_leads_back(admin_client, library, action):
    data = {"action": action, "_selected_action": library.pk}
    page = admin_client.post(FILTERED, data)
    assert FILTERED in trail(page)
    if action != "delete_selected":
        assert f'class="closelink" href="{html.escape(FILTERED)}"' in page.text


def test_saving_and_deleting_lead_back(admin_client, library):
    address = url(Library, "change", library.pk) + KEPT
    data = form_data(admin_client.get(address), name="Main 2")
    assert admin_client.post(address, data).url == FILTERED
    address = url(Library, "add") + KEPT
    page = admin_client.post(address, data | {"name": "Main 3", "patron_set-INITIAL_FORMS": 0})
    assert page.url == FILTERED
    address = url(Library, "delete", library.pk) + KEPT
    assert admin_client.post(address, {"post": "yes"}).url == FILTERED


def test_an_edit_that_is_done_leads_back(admin_client, library):
    data = {"action": "edit_selected", "_selected_action": library.pk}
    data |= {"change": "state", "edit-state": "NJ", "_preview": "1"}
    expected = admin_client.post(FILTERED, data).context["expected"]
    data |= {"_apply": "1", "expected": expected}
    del data["_preview"]
    page = admin_client.post(FILTERED, data, follow=True)
    assert FILTERED in trail(page)
    assert f'class="closelink" href="{html.escape(FILTERED)}"' in page.text


def test_an_export_of_one_record_leads_back(admin_client, library):
    page = admin_client.get(url(Library, "change", library.pk) + KEPT)
    page = admin_client.get(page.context["export_url"])
    assert "1 row will be in the file" in page.text
    assert FILTERED in trail(page)
