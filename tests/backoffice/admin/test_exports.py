"""The export page: who may, and which rows."""

import csv
import io

import pytest
from django.urls import reverse

from tests.factories import make_library, make_user

EXPORT = "admin:library_library_export"
CSV = "0"

pytestmark = pytest.mark.django_db


def export(client, query=""):
    fields = ["name", "address", "state", "phone_number", "zip_code"]
    data = {"format": CSV, "resource": "0", **{f"libraryresource_{f}": "on" for f in fields}}
    return client.post(reverse(EXPORT) + query, data)


def names(response):
    return [row["name"] for row in csv.DictReader(io.StringIO(response.getvalue().decode()))]


def test_a_file_with_the_rows_of_the_list(admin_client):
    make_library(name="Apple", state="NY")
    make_library(name="Berry", state="NJ")
    response = export(admin_client)
    assert "attachment" in response["Content-Disposition"]
    assert names(response) == ["Apple", "Berry"]
    assert names(export(admin_client, "?state=NJ")) == ["Berry"]
    assert names(export(admin_client, "?q=apple")) == ["Apple"]


def test_the_list_hands_its_filters_to_the_export(admin_client):
    make_library(state="NY")
    listing = admin_client.get(reverse("admin:library_library_changelist") + "?state=NY")
    assert f"{reverse(EXPORT)}?state=NY" in listing.text


def test_a_filter_that_can_t_be_leads_back_to_the_list(admin_client):
    response = export(admin_client, "?nothing=1")
    assert response.status_code == 302


@pytest.mark.parametrize("permissions", [[], ["library.view_patron"]])
def test_export_takes_the_right_to_view(client, permissions):
    client.force_login(make_user(permissions=permissions))
    assert client.get(reverse(EXPORT)).status_code == 403
    assert export(client).status_code == 403


def test_whoever_may_view_may_export(client):
    make_library(name="A")
    client.force_login(make_user(permissions=["library.view_library"]))
    assert names(export(client)) == ["A"]


def test_a_formula_is_not_exported_live(admin_client):
    make_library(name="=HYPERLINK(1)")
    assert names(export(admin_client)) == ["'=HYPERLINK(1)"]
