"""The menu has what staff do, in groups, and only what they may open."""

import pytest
from django.contrib import admin

from backoffice.admin.base import ModelAdmin
from library.models import Library
from tests.backoffice.admin.pages import url
from tests.factories import make_library, make_user

pytestmark = pytest.mark.django_db


def menu(client, address="/admin/"):
    page = client.get(address)
    return [(name, [link.name for link in links]) for name, links in page.context["menu"]]


def test_it_has_what_staff_do_in_the_order_of_the_day(admin_client):
    groups = dict(menu(admin_client))
    assert groups["Collections"] == ["Libraries", "Patrons", "Librarians", "Books"]
    assert groups["Work"][:3] == ["Imports", "Edits and deletions", "Activity"]
    assert groups["Work"][3] == "Deleted"
    assert groups["Administration"] == ["Users", "Roles"]
    names = list(groups)
    assert names.index("Collections") < names.index("Work") < names.index("Administration")


def test_an_app_that_says_nothing_is_a_group_before_those_of_the_house(admin_client):
    names = [name for name, _links in menu(admin_client)]
    assert names.index("Loans") < names.index("Work")


def test_a_model_admin_chooses_its_group(admin_client, monkeypatch):
    monkeypatch.setattr(admin.site.get_model_admin(Library), "menu_group", "Places")
    groups = dict(menu(admin_client))
    assert groups["Places"] == ["Libraries"]
    assert groups["Collections"] == ["Patrons", "Librarians", "Books"]
    assert ModelAdmin.menu_group is None


def test_it_has_only_what_the_user_may_open(client):
    client.force_login(make_user(permissions=("library.view_book",)))
    groups = dict(menu(client))
    assert groups["Collections"] == ["Books"]
    assert "Administration" not in groups


def test_there_is_none_before_one_is_signed_in(client):
    assert b'id="menu' not in client.get("/admin/login/").content
    client.force_login(make_user(is_staff=False))
    assert b'id="menu' not in client.get("/admin/login/").content
    client.force_login(make_user())
    assert b'id="menu"' in client.get("/admin/").content


def test_it_marks_where_one_is_also_below_a_list(admin_client):
    library = make_library()
    for address in (
        url(Library, "changelist"),
        url(Library, "change", library.pk),
        url(Library, "import"),
    ):
        page = admin_client.get(address)
        marked = [
            link.name
            for _name, links in page.context["menu"]
            for link in links
            if link.is_current
        ]
        assert marked == ["Libraries"], address
    assert (
        b'aria-current="page">Libraries' in admin_client.get(url(Library, "changelist")).content
    )


def test_what_was_deleted_is_a_line_that_leads_to_where_it_comes_back(admin_client):
    library = make_library(name="Gone")
    admin_client.post(url(Library, "delete", library.pk), {"post": "yes"})
    links = [
        link for _name, links in admin_client.get("/admin/").context["menu"] for link in links
    ]
    (address,) = [link.url for link in links if link.name == "Deleted"]
    page = admin_client.get(address)
    assert page.context["cl"].result_count == 1
    assert url(Library, "restore", library.pk) in page.content.decode()
    marked = [
        link.name for _name, links in page.context["menu"] for link in links if link.is_current
    ]
    assert marked == ["Deleted"]


def test_a_title_says_what_the_page_is_and_how_many(admin_client):
    for state in ("NY", "NY", "NJ"):
        make_library(state=state)
    address = url(Library, "changelist")
    assert admin_client.get(address).context["title"] == "Libraries · 3"
    narrowed = admin_client.get(address, {"state": "NJ"})
    assert narrowed.context["title"] == "Libraries · 1 of 3"
    popup = admin_client.get(address, {"_popup": "1"})
    assert popup.context["title"] == "Select library"


def test_the_page_of_a_record_has_its_name_as_heading(admin_client):
    library = make_library(name="Main Library")
    page = admin_client.get(url(Library, "change", library.pk)).content.decode()
    assert "<h1>Main Library <small>Library</small></h1>" in page
