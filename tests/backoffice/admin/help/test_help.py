"""The manual in the admin, and where *Help* leads."""

import pytest
from django.urls import reverse

from backoffice.admin.help.sections import SECTIONS, section
from backoffice.manual import pages
from library.models import Library
from tests.backoffice.admin.pages import url
from tests.factories import make_library, make_user
from tests.policy.table import SHORT, read

pytestmark = pytest.mark.django_db

#: URLs that show no page: what scripts load, files, what only leads elsewhere.
NO_PAGES = {
    SHORT,
    "picker",
    "autocomplete",
    "jsi18n",
    "language",
    "first_steps",
    "view_on_site",
    "import_file",
    "file",
    "import_progress",
    "progress",
    "import_template_csv",
    "import_template_xlsx",
    "help_image",
    "(root)",
    "admin/(?P<url>.*)$",
}


def leads_to(client, address):
    text = client.get(address).content.decode()
    return text.partition('class="help-link"')[0].rpartition('href="')[2].partition('"')[0]


def test_every_page_of_the_policy_leads_to_a_section_that_there_is():
    lost = set()
    for row in read()[1]:
        is_of_site = row.url.startswith("site.")
        page = row.url.split(".", 1 if is_of_site else 2)[-1]
        if page not in NO_PAGES:
            name = page if is_of_site else row.url.replace(".", "_")
            about, _hash, anchor = (section(name) or "").partition("#")
            found = pages.pages().get(about)
            if found is None or (anchor and anchor not in found.anchors):
                lost.add((row.url, section(name)))
    assert lost == set(), "add a line to backoffice/admin/help/sections.py"


def test_every_line_of_the_table_names_a_section_that_there_is():
    for key, target in SECTIONS.items():
        name, _hash, anchor = target.partition("#")
        assert name in pages.pages(), key
        assert not anchor or anchor in pages.pages()[name].anchors, key


def test_a_page_leads_to_its_own_section(admin_client):
    library = make_library()
    manual = "/admin/help/how-to"
    addresses = {
        reverse("admin:index"): f"{manual}/start/#start",
        url(Library, "changelist"): f"{manual}/filter-a-list/",
        url(Library, "add"): f"{manual}/fill-in-a-form/",
        url(
            Library, "history", library.pk
        ): f"{manual}/restore-what-was-deleted/#one-field-or-one-link",
        url(Library, "import"): f"{manual}/import-a-file/#in-the-admin",
        "/admin/backoffice/entry/": f"{manual}/see-who-did-what/",
        "/admin/auth/user/": f"{manual}/give-a-role/",
        "/admin/second-factor/": f"{manual}/sign-in/#a-second-factor",
        "/admin/no/such/page/": "/admin/help/",
    }
    assert {a: leads_to(admin_client, a) for a in addresses} == addresses


def test_where_one_address_shows_several_pages_each_leads_to_its_own():
    assert section("library_library_import_job") == "how-to/review-an-import"
    at = "admin/backoffice/import_map.html"
    assert section("library_library_import_job", at) == "how-to/import-a-file#in-the-admin"
    assert section("shop_article_sales_report") is None


def test_who_is_not_signed_in_gets_no_manual(client):
    for address in ("/admin/help/", "/admin/help/how-to/undo/", "/admin/help/images/admin.png"):
        assert client.get(address).status_code == 302
    assert b"help-link" not in client.get("/admin/login/").content
    client.force_login(make_user(is_staff=False))
    assert client.get("/admin/help/").status_code == 302


def test_pages_that_concern_the_user_come_first(client):
    client.force_login(make_user(permissions=["library.view_patron", "library.add_patron"]))
    groups = dict(client.get("/admin/help/").context["groups"])
    assert next(iter(groups)) == "For you"
    mine, others = (
        [page.name for page, _address in groups[t]] for t in ("For you", "For other roles")
    )
    assert "how-to/import-a-file" in mine
    assert {"how-to/export", "how-to/deploy", "how-to/give-a-role"} <= set(others)


def test_the_search_leads_to_sections(admin_client):
    page = admin_client.get("/admin/help/", {"q": "recovery CODES"}).content.decode()
    assert "/admin/help/how-to/sign-in/#a-second-factor" in page
    page = admin_client.get("/admin/help/", {"q": "<b>unheard</b>"}).content.decode()
    assert "<b>unheard</b>" not in page
    assert "0 places" in page


def test_the_search_over_everything_finds_pages_by_their_titles(admin_client):
    page = admin_client.get("/admin/search/", {"q": "second fact"}).content.decode()
    assert "/admin/help/how-to/sign-in/#a-second-factor" in page
    page = admin_client.get("/admin/search/", {"q": "smartphone seaford"}).content.decode()
    assert "/admin/help/how-to/" not in page.partition("<main")[2]


def test_a_page_that_is_not_there_is_not_found(admin_client):
    for name in ("no-such", "../settings", "README", "how-to/export.md"):
        assert admin_client.get(f"/admin/help/{name}/").status_code == 404
    assert admin_client.get("/admin/help/images/none.png").status_code == 404
    image = admin_client.get("/admin/help/images/admin.png")
    assert (image.status_code, image["Content-Type"]) == (200, "image/png")


def test_a_project_without_the_folder_is_told_so(admin_client, monkeypatch):
    monkeypatch.setattr(pages, "folder", lambda: None)
    assert "has no manual" in admin_client.get("/admin/help/").content.decode()
    assert admin_client.get("/admin/help/how-to/undo/").status_code == 404
    assert leads_to(admin_client, "/admin/") == "/admin/help/"
    steps = admin_client.get("/admin/").context["start"]["steps"]
    assert {address for _step, address in steps} == {"/admin/help/"}
