"""A form that is sent again with something else in it is another form."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from backoffice.changes.models import Change
from library.models import Library, Patron
from tests.backoffice.admin.pages import url
from tests.backoffice.admin.submissions.tokens import filled, hidden, token, twice
from tests.factories import make_library, make_patron, make_user

pytestmark = pytest.mark.django_db

FILE = b"name,address,state,phone_number,zip_code\nNew,1 Main Street,NY,212-222-6559,10001\n"


def test_another_page_of_the_same_form_is_another_form(admin_client):
    library = make_library().pk
    for _ in range(2):
        data = filled(admin_client, url(Patron, "add"), name="Ann", library=library)
        admin_client.post(url(Patron, "add"), data)
    assert Patron.objects.count() == 2


def test_back_and_another_name_asks_whether_a_second_record_is_meant(admin_client):
    address = url(Patron, "add")
    data = filled(admin_client, address, name="Ann", library=make_library().pk)
    admin_client.post(address, data)
    asked = admin_client.post(address, data | {"name": "Bob"})
    assert asked.status_code == 409
    assert "was added successfully" in asked.text
    assert Patron.objects.count() == 1
    assert hidden(asked)["name"] == ["Bob"]
    assert hidden(asked)["_once"] != [data["_once"]]
    twice(admin_client, address, hidden(asked))
    assert sorted(Patron.objects.values_list("name", flat=True)) == ["Ann", "Bob"]


def test_back_and_another_name_changes_the_record_again(admin_client):
    patron = make_patron(name="Old")
    address = url(Patron, "change", patron.pk)
    data = filled(admin_client, address, name="Ann")
    for name in ("Ann", "Bob"):
        assert admin_client.post(address, data | {"name": name}).status_code == 302
        data |= {
            name: value
            for name, value in filled(admin_client, address).items()
            if name != "_once"
        }
    patron.refresh_from_db()
    assert patron.name == "Bob"


def test_back_and_forth_is_done_each_time(admin_client):
    user = make_user(username="ann")
    address = reverse("admin:auth_user_password_change", args=[user.pk])
    data = token(admin_client.get(address)) | {"usable_password": "true"}
    for password in ("Zq9x-ruby-4", "Other-opal-7", "Zq9x-ruby-4"):
        sent = data | {"password1": password, "password2": password}
        assert admin_client.post(address, sent).status_code == 302
        user.refresh_from_db()
        assert user.check_password(password)


def test_back_and_forth_between_two_files_is_done_each_time(admin_client):
    address = url(Library, "import")
    data = token(admin_client.get(address))
    for name in ("a.csv", "b.csv", "a.csv", "a.csv"):
        file = SimpleUploadedFile(name, FILE)
        assert admin_client.post(address, data | {"import_file": file}).status_code == 302
    assert Change.objects.count() == 3


def test_another_button_to_save_adds_no_other_record(admin_client):
    address = url(Patron, "add")
    data = filled(admin_client, address, name="Ann", library=make_library().pk)
    first = admin_client.post(address, data | {"_continue": "1"})
    assert admin_client.post(address, data | {"_save": "1"}).url == first.url
    assert Patron.objects.count() == 1


def test_another_file_is_another_form(admin_client):
    address = url(Library, "import")
    data = token(admin_client.get(address))
    mended = FILE.replace(b"10001", b"10002")
    for name, rows in (("a.csv", FILE), ("b.csv", FILE), ("b.csv", mended), ("b.csv", mended)):
        file = SimpleUploadedFile(name, rows)
        assert admin_client.post(address, data | {"import_file": file}).status_code == 302
    assert Change.objects.count() == 3
    uploaded = Change.objects.latest("pk").file.directory / "upload"
    assert uploaded.read_bytes() == mended
