"""A library system's colours and mark, by setting."""

import re

import pytest
from django.contrib import admin
from django.test import Client

from backoffice.admin.base import PlainModelAdmin
from backoffice.admin.brand import check_brand
from library.models import Library

COLOURS = ":root, html[data-theme] { --brand: #123456; }"


@pytest.fixture
def brand(settings, tmp_path):
    (tmp_path / "colours.css").write_text(COLOURS)
    (tmp_path / "mark.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    settings.STATICFILES_DIRS = [("brand", str(tmp_path))]
    settings.BRAND_STYLESHEET, settings.BRAND_LOGO = "brand/colours.css", "brand/mark.svg"


def sheets(page):
    return re.findall(r'<link rel="stylesheet" href="/static/([^"]+)"', page.text)


@pytest.mark.usefixtures("brand")
def test_colours_and_mark_are_on_every_page_and_the_colours_last(admin_client):
    outsider = Client(raise_request_exception=False)
    for page in (
        admin_client.get("/admin/"),
        admin_client.get("/admin/library/library/"),
        outsider.get("/admin/login/"),
        outsider.get("/nowhere/"),
    ):
        assert sheets(page).index("brand/colours.css") > sheets(page).index(
            "backoffice/theme.css"
        )
        assert "/static/brand/mark.svg" in page.text
    assert check_brand(None) == []


def test_without_settings_it_is_ours(admin_client):
    page = admin_client.get("/admin/")
    assert not any(sheet.startswith("brand/") for sheet in sheets(page))
    assert "/static/backoffice/logo.svg" in page.text


@pytest.mark.parametrize("name", ["BRAND_STYLESHEET", "BRAND_LOGO"])
@pytest.mark.parametrize("value", ["brand/typo.css", "/etc/hostname", "../settings.py"])
def test_a_file_that_is_not_there_is_a_system_check(settings, name, value):
    setattr(settings, name, value)
    (error,) = check_brand(None)
    assert (error.id, name in error.msg) == ("backoffice.E098", True)


def test_scripts_for_slugs_come_with_slugs_alone():
    class Slugged(PlainModelAdmin):
        prepopulated_fields = {"name": ("address",)}

    assert "xregexp" in str(Slugged(Library, admin.site).media)
    plain = str(PlainModelAdmin(Library, admin.site).media)
    assert "actions.js" in plain
    assert not any(name in plain for name in ("xregexp", "urlify", "prepopulate"))
