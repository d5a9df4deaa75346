"""Errors are pages of the house, with their status and a way on."""

import pytest
from django.contrib.staticfiles.storage import staticfiles_storage

from backoffice.admin.submissions.errors import server_error
from library.models import Library, Patron
from tests.backoffice.admin.pages import url
from tests.factories import make_patron, make_user

pytestmark = pytest.mark.django_db


def assert_house(page, status, *, menus=True):
    assert page.status_code == status
    assert 'id="site-name"' in page.text
    assert 'href="/admin/"' in page.text
    assert ('id="user-tools"' in page.text) == menus


def test_what_is_not_there_leads_to_its_list(admin_client):
    page = admin_client.get(url(Library, "import_job", 999))
    assert_house(page, 404)
    assert "There is no such page" in page.text
    assert f'href="{url(Library, "changelist")}">Libraries</a></li>' in page.text


def test_what_is_not_there_outside_the_site(client, admin_client):
    assert_house(admin_client.get("/nothing/"), 404)
    client.logout()
    page = client.get("/nothing/")
    assert_house(page, 404, menus=False)
    assert 'href="/admin/login/"' in page.text


def test_what_one_may_not_see_says_so(client):
    client.force_login(make_user(permissions=["library.view_library"]))
    page = client.get(url(Library, "import"))
    assert_house(page, 403)
    assert "You may not do this" in page.text
    assert url(Library, "changelist") in page.text
    page = client.get(url(Patron, "changelist"))
    assert_house(page, 403)
    assert f'href="{url(Patron, "changelist")}"' not in page.text


@pytest.mark.parametrize("path", [url(Library, "process_import"), "/admin/logout/"])
def test_what_takes_forms_alone_says_so(client, path):
    client.force_login(make_user(permissions=["library.view_library", "library.add_library"]))
    page = client.get(path)
    assert_house(page, 405)
    assert "POST" in page.headers["Allow"]
    assert "Open the page that has it" in page.text
    listed = f'<a class="btn" href="{url(Library, "changelist")}">Libraries</a></li>'
    assert (listed in page.text) == path.startswith("/admin/library/")
    assert client.put(path).content == b""


def test_with_debug_too(client, settings):
    settings.DEBUG = True
    client.force_login(make_user())
    assert_house(client.get(url(Patron, "changelist")), 403)


def test_what_can_not_be_read(admin_client):
    page = admin_client.post(url(Library, "process_import"), {"job": "x"})
    assert_house(page, 404)
    page = admin_client.get(url(Library, "changelist") + "?_to_field=secret")
    assert_house(page, 400)


def test_too_many_fields(admin_client, settings):
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 3
    page = admin_client.post(url(Patron, "add"), dict.fromkeys("abcd", ""))
    assert_house(page, 413)
    assert "3 fields" in page.text
    assert url(Patron, "changelist") in page.text


def test_too_much_text(admin_client, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100_000
    page = admin_client.post(
        url(Patron, "add"), "name=" + "x" * 100_001, "application/x-www-form-urlencoded"
    )
    assert_house(page, 413)
    assert "0.1 MB" in page.text


def test_an_unknown_host(client):
    page = client.get("/admin/", HTTP_HOST="elsewhere.example")
    assert_house(page, 400, menus=False)


def test_the_page_of_a_fault_needs_neither_database_nor_session(rf, django_assert_num_queries):
    request = rf.get("/admin/")
    assert not hasattr(request, "session")
    with django_assert_num_queries(0):
        assert_house(server_error(request), 500, menus=False)


@pytest.mark.parametrize("has_manifest", [True, False])
def test_the_page_of_a_fault_leads_on_also_without_static_files(
    admin_client, monkeypatch, has_manifest
):
    patron = make_patron()
    admin_client.raise_request_exception = False
    monkeypatch.setattr(Patron, "__str__", lambda patron: 1 / 0)

    def no_manifest(name, **options):
        raise ValueError(name)

    if not has_manifest:
        monkeypatch.setattr(staticfiles_storage, "url", no_manifest)
    page = admin_client.get(url(Patron, "delete", patron.pk))
    assert page.status_code == 500
    assert "Something went wrong here" in page.text
    assert 'href="/admin/"' in page.text
    assert f'href="{url(Patron, "delete", patron.pk)}"' in page.text
    assert ("base.css" in page.text) == has_manifest
