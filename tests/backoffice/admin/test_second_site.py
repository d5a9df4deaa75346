"""A stock AdminSite, with our ModelAdmins on it and no other site in the project's URLs."""

import re

import pytest
from django.contrib.admin import AdminSite
from django.urls import path, reverse

from library.admin import BookAdmin, LibraryAdmin, PatronAdmin
from library.models import Book, Library, Patron
from tests.backoffice.admin.pages import form_data
from tests.factories import make_book, make_librarian, make_library, make_patron

site = AdminSite(name="second")
site.site_url = None
for model, model_admin in ((Library, LibraryAdmin), (Patron, PatronAdmin), (Book, BookAdmin)):
    site.register(model, model_admin)
urlpatterns = [path("second/", site.urls)]

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


@pytest.fixture
def library():
    library = make_library(name="Seaford", state="NY")
    make_librarian(library=library)
    make_patron(name="Ann", library=library)
    make_book(title="Dune", libraries=[library])
    return library


def url(model, page, *args):
    return reverse(f"second:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)


def get(client, address, query=""):
    response = client.get(address + query)
    assert response.status_code == 200, address
    addresses = re.findall(r'(?:href|action|data-url|data-ajax--url)="(/[^"]*)"', response.text)
    elsewhere = {a for a in addresses if not a.startswith(("/second/", "/static/"))}
    assert not elsewhere, address
    return response


@pytest.mark.parametrize("model", [Library, Patron, Book])
def test_every_page_leads_to_pages_of_its_site(admin_client, library, model):
    row = model.objects.get()
    for query in ("", "?q=a", "?o=-1", "?state=NY", "?e=1"):
        if model is Library or query != "?state=NY":
            get(admin_client, url(model, "changelist"), query)
    for page in ("add", "export", "import"):
        get(admin_client, url(model, page))
    for page in ("change", "history", "delete"):
        get(admin_client, url(model, page, row.pk))
    record = row.history.first()
    get(admin_client, url(model, "simple_history", row.pk, record.pk))


@pytest.mark.parametrize("model", [Library, Book])
def test_pickers_and_autocompletion_ask_their_site(admin_client, library, monkeypatch, model):
    for each in (Library, Book):
        monkeypatch.setattr(site.get_model_admin(each), "picker_max_rows", 0)
    row = model.objects.get()
    name = "book_set" if model is Library else "libraries"
    picker = url(model, "picker", name)
    assert f'data-url="{picker}"' in get(admin_client, url(model, "change", row.pk)).text
    query = {"side": "chosen", "object_id": row.pk}
    chosen = admin_client.get(picker, query).json()["results"]
    assert [each["text"] for each in chosen] == ["Dune" if model is Library else "Seaford"]
    source = {"app_label": "library", "model_name": "patron", "field_name": "library"}
    found = admin_client.get(reverse("second:autocomplete"), source | {"term": "sea"}).json()
    assert [each["text"] for each in found["results"]] == ["Seaford"]


def test_forms_with_inlines_and_actions_write(admin_client, library):
    change = url(Library, "change", library.pk)
    data = form_data(get(admin_client, change), name="Seaford Library")
    assert admin_client.post(change, data).url == url(Library, "changelist")
    library.refresh_from_db()
    assert library.name == "Seaford Library"
    chosen = {"action": "delete_selected", "_selected_action": [library.pk]}
    page = admin_client.post(url(Library, "changelist"), chosen)
    assert "expected" in page.context, "the deletion is ours"
    data = chosen | {"post": "yes", "expected": page.context["expected"]}
    admin_client.post(url(Library, "changelist"), data)
    assert not Library.objects.exists()


def test_the_state_before_comes_back(admin_client, library):
    record = library.history.get()
    library.name = "Another"
    library.save()
    page = url(Library, "simple_history", library.pk, record.pk)
    assert admin_client.post(page, {}).url.startswith("/second/")
    library.refresh_from_db()
    assert library.name == "Seaford"
