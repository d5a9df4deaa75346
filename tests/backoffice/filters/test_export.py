"""The same filters on the command line and on the export's page."""

import pytest
from django.core.management import call_command
from django.urls import reverse

from library.models import Library
from tests.backoffice.admin.pages import url

pytestmark = pytest.mark.django_db


# The command line and the export page -----------------------------------------------------


def exported(client, query):
    fields = ["name", "address", "state", "phone_number", "zip_code"]
    data = {"format": "0", "resource": "0", **{f"libraryresource_{f}": "on" for f in fields}}
    return client.post(reverse("admin:library_library_export") + query, data)


def test_an_export_has_the_rows_of_the_filtered_list(admin_client, rows):
    text = exported(admin_client, "?patron_count_min=1&state=CO").getvalue().decode()
    assert [line.partition(",")[0] for line in text.splitlines()] == ["name", "Cherry Branch"]


def test_an_export_with_a_filter_that_can_t_be_leads_back_to_its_error(admin_client, rows):
    query = "?patron_count_min=x&state=CO"
    for response in (
        exported(admin_client, query),
        admin_client.get(reverse("admin:library_library_export") + query),
    ):
        assert response.status_code == 302
        assert response.url == url(Library, "changelist") + query
    assert "Enter a whole number" in admin_client.get(response.url).text


@pytest.mark.parametrize(
    ("model", "pair", "name"),
    [
        ("library.Library", "patron_count_max=0", "Berry Branch"),
        ("library.Patron", "state=CO", "Jane"),
        ("library.Patron", "library__state=CO", "Jane"),
        ("library.Book", "state=NJ", "Emma"),
        ("library.Book", "libraries=Cherry Branch", "Dune"),
    ],
)
def test_the_command_line_takes_every_parameter(tmp_path, rows, model, pair, name):
    path = tmp_path / "out.csv"
    call_command("export", "csv", model, "--filter", pair, "-o", str(path))
    _header, *lines = path.read_text(encoding="utf-8").splitlines()
    assert [line.split(",")[0] for line in lines] == [name]
