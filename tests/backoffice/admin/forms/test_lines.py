"""Forms store single lines clean, and take nothing visible for blank."""

import pytest

from library.models import Library
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
