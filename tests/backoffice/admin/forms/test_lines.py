"""Forms store single lines clean, and take nothing visible for blank."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.test import RequestFactory
from django.urls import reverse

from backoffice.admin.lists.filtersets import SaveFilterForm
from backoffice.admin.lists.lines import LineField
from backoffice.filters.models import SavedFilter
from library.models import Book, Librarian, Library, Patron
from tests.backoffice.admin.pages import url

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("name", "stored"), [("Cafe\u0301\u00a0 Library\u200b", ["Café Library"]), ("\u200b", [])]
)
def test_a_form_stores_clean_lines(admin_client, name, stored):
    data = {"name": name, "address": "1 Main", "state": "NY", "zip_code": "12180"}
    data |= {"phone_number": "518-274-7071"}
    page = admin_client.get(url(Library, "add"))
    for formset in page.context["inline_admin_formsets"]:
        management = formset.formset.management_form
        data |= {management.add_prefix(key): value for key, value in management.initial.items()}
    admin_client.post(url(Library, "add"), data)
    assert list(Library.objects.values_list("name", flat=True)) == stored


BLANK = "\u200b\u2060\ufeff\xa0"  # shows nothing


def test_what_shows_nothing_is_no_name_in_any_form(admin_client, superuser):
    """Of every ModelAdmin that has a form: each single line that it needs."""
    checked = []
    for model, model_admin in admin.site._registry.items():
        request = RequestFactory().get("/")
        request.user = superuser
        if not model_admin.has_add_permission(request):
            continue
        form = model_admin.get_form(request)
        lines = [n for n, f in form.base_fields.items() if isinstance(f, LineField)]
        sent = form(data=dict.fromkeys(form.base_fields, BLANK))
        for name in lines:
            if sent.fields[name].required:
                assert sent.errors[name].as_data()[0].code == "required"
                checked.append((model, name))
    assert {model for model, _name in checked} >= {Library, Patron, Librarian, Book, Group}


def test_a_saved_filter_and_a_user_have_names_that_show(admin_client, superuser):
    form = SaveFilterForm({"name": BLANK}, instance=SavedFilter(user=superuser))
    assert form.errors["name"].as_data()[0].code == "required"
    page = admin_client.post(reverse("admin:auth_user_add"), {"username": BLANK})
    assert "username" in page.context["adminform"].form.errors
