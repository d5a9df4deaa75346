"""A form is done once: a repeat gets the first answer, for every kind of form."""

import datetime

import pytest
from django.contrib.auth.models import Group, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError
from django.urls import reverse
from django.utils import timezone

from backoffice.admin.submissions import once
from backoffice.changes.models import Change
from backoffice.filters.models import SavedFilter
from backoffice.jobs.retention import retain
from backoffice.submissions import Submission, Token
from library.models import Book, Library, Patron
from tests.backoffice.admin.pages import url
from tests.backoffice.admin.submissions.tokens import filled, hidden, said, token, twice
from tests.factories import make_book, make_library, make_patron, make_user

pytestmark = pytest.mark.django_db

FILE = b"name,address,state,phone_number,zip_code\nNew,1 Main Street,NY,212-222-6559,10001\n"


# Each kind of form ----------------------------------------------------------------------


def test_two_clicks_add_one_record_and_say_it_once(admin_client):
    address = url(Patron, "add")
    data = filled(admin_client, address, name="Ann", library=make_library().pk)
    page = twice(admin_client, address, data)
    assert Patron.objects.count() == Patron.history.count() == 1
    (text,) = said(page)
    assert "“<a href=" in text
    assert "was added successfully" in text


def test_two_clicks_change_a_record_once(admin_client):
    library = make_library()
    address = url(Library, "change", library.pk)
    page = twice(admin_client, address, filled(admin_client, address, name="New"))
    assert [record.name for record in library.history.all()][:1] == ["New"]
    assert library.history.count() == 2
    assert len(said(page)) == 1


def test_two_clicks_delete_and_lead_to_the_list(admin_client):
    patron = make_patron(name="Ann")
    address = url(Patron, "delete", patron.pk)
    data = token(admin_client.get(address)) | {"post": "yes"}
    page = twice(admin_client, address, data)
    (text,) = said(page)
    assert text.startswith("The patron “Ann” was deleted successfully.")
    assert page.request["PATH_INFO"] == url(Patron, "changelist")


def test_two_clicks_delete_from_the_list(admin_client):
    rows = [make_book(), make_book()]
    address = url(Book, "changelist")
    asked = {"action": "delete_selected", "_selected_action": [row.pk for row in rows]}
    page = admin_client.post(address, asked | token(admin_client.get(address)))
    assert Book.objects.count() == 2
    assert not Submission.objects.exists()
    asked |= token(page) | {"post": "yes", "expected": page.context["expected"]}
    page = twice(admin_client, address, asked)
    assert not Book.objects.exists()
    (text,) = said(page)
    assert text.startswith("Successfully deleted 2 books.")


def test_two_clicks_edit_many_once(admin_client):
    rows = [make_library(state="NY"), make_library(state="NY")]
    address = url(Library, "changelist")
    asked = {
        "action": "edit_selected",
        "_selected_action": [row.pk for row in rows],
        "change": "state",
        "edit-state": "NJ",
    }
    page = admin_client.post(address, asked | {"_preview": "1"})
    asked |= token(page) | {"_apply": "1", "expected": page.context["expected"]}
    page = twice(admin_client, address, asked)
    assert page.context["job"].updated == 2
    assert Change.objects.count() == 1
    assert said(page) == []


def test_two_clicks_upload_check_write_and_undo_once(admin_client):
    address = url(Library, "import")
    data = token(admin_client.get(address))
    data["import_file"] = lambda: SimpleUploadedFile("f.csv", FILE)
    page = twice(admin_client, address, data)
    job = Change.objects.get()
    address = page.request["PATH_INFO"]
    data = {field.html_name: field.value() for field in page.context["form"] if field.value()}
    page = twice(admin_client, address, data | token(page))
    assert page.context["job"].status == "checked"
    data = token(page) | {"_apply": page.context["review"].state}
    page = twice(admin_client, address, data)
    assert said(page) == []
    assert [library.name for library in Library.objects.all()] == ["New"]
    address = url(Library, "import_undo", job.pk)
    page = twice(admin_client, address, token(admin_client.get(address)))
    assert said(page) == []
    assert page.context["job"].undoes == job
    assert not Library.objects.exists()
    assert Change.objects.count() == 2


def test_two_clicks_cancel_an_import(admin_client):
    page = admin_client.post(
        url(Library, "import"), {"import_file": SimpleUploadedFile("f.csv", FILE)}, follow=True
    )
    data = token(page) | {"job": page.context["job"].pk, "_cancel": "1"}
    page = twice(admin_client, url(Library, "process_import"), data)
    assert page.context["job"].status == "cancelled"
    assert said(page) == []


def test_two_clicks_revert_once(admin_client):
    library = make_library(name="Old")
    version = library.history.get().pk
    library.name = "New"
    library.save()
    address = url(Library, "simple_history", library.pk, version)
    twice(admin_client, address, token(admin_client.get(address)))
    assert [record.name for record in library.history.all()] == ["Old", "New", "Old"]


def test_two_clicks_restore_once(admin_client):
    patron = make_patron(name="Ann")
    admin_client.post(url(Patron, "delete", patron.pk), {"post": "yes"})
    address = url(Patron, "restore", patron.pk)
    page = twice(admin_client, address, token(admin_client.get(address)))
    assert sum("restored" in text.lower() for text in said(page)) <= 1
    assert Patron.objects.get().name == "Ann"
    assert [record.history_type for record in patron.history.all()] == ["+", "-", "+"]


def test_two_clicks_save_a_filter(admin_client):
    make_library(state="NY")
    page = admin_client.get(url(Library, "changelist") + "?state=NY")
    address = url(Library, "save_filter") + "?state=NY"
    page = twice(admin_client, address, token(page) | {"name": "Mine"})
    assert said(page) == ["The view “Mine” is saved."]
    assert SavedFilter.objects.count() == 1


def test_two_clicks_add_one_user_and_one_group(admin_client):
    password = {"password1": "Zq9x-ruby-4", "password2": "Zq9x-ruby-4"}
    data = filled(admin_client, url(User, "add"), username="ann", **password)
    twice(admin_client, url(User, "add"), data)
    data = filled(admin_client, url(Group, "add"), name="Staff")
    twice(admin_client, url(Group, "add"), data)
    assert (User.objects.count(), Group.objects.count()) == (2, 1)


def test_two_clicks_change_a_password_once(client):
    user = make_user(username="ann", password="Zq9x-ruby-4")
    client.force_login(user)
    address = reverse("admin:password_change")
    data = token(client.get(address)) | {"old_password": "Zq9x-ruby-4"}
    data |= {"new_password1": "Other-opal-7", "new_password2": "Other-opal-7"}
    page = twice(client, address, data)
    assert "Your password was changed." in page.text
    user.refresh_from_db()
    assert user.check_password("Other-opal-7")


def test_a_pop_up_closes_both_times(admin_client):
    address = url(Library, "add") + "?_popup=1"
    fields = make_library().__dict__
    data = filled(admin_client, address, _popup="1")
    data |= {name: fields[name] for name in ("address", "state", "phone_number", "zip_code")}
    first, second = (admin_client.post(address, data | {"name": "New"}) for _ in range(2))
    assert first.context_data == second.context_data
    assert "data-popup-response" in second.text
    assert Library.objects.filter(name="New").count() == 1


# An export ------------------------------------------------------------------------------


def export(client, page):
    fields = page.context["form"]
    data = {name: field.initial or "" for name, field in fields.fields.items()}
    data |= {"format": "0", "encoding": "utf-8", "resource": ""}
    data |= {name: "on" for name in fields.fields if name.startswith("patronresource_")}
    return client.post(url(Patron, "export"), data | token(page))


def test_one_click_twice_is_one_file(admin_client):
    make_patron(name="Ann")
    page = admin_client.get(url(Patron, "export"))
    first = export(admin_client, page)
    assert b"Ann" in b"".join(first.streaming_content)
    second = export(admin_client, page)
    assert second.status_code == 409
    assert "This file was sent before" in second.text
    again = admin_client.post(url(Patron, "export"), hidden(second))
    assert b"Ann" in b"".join(again.streaming_content)


# What is no repeat ----------------------------------------------------------------------


def test_a_form_with_errors_is_sent_again(admin_client):
    address = url(Patron, "add")
    data = filled(admin_client, address, library=make_library().pk)
    assert admin_client.post(address, data).status_code == 200
    assert not Submission.objects.exists()
    twice(admin_client, address, data | {"name": "Ann"})
    assert Patron.objects.count() == 1


def test_a_form_that_failed_is_sent_again(admin_client, monkeypatch):
    address = url(Patron, "add")
    data = filled(admin_client, address, name="Ann", library=make_library().pk)
    admin_client.raise_request_exception = False
    with monkeypatch.context() as broken:
        broken.setattr(Patron, "__str__", lambda patron: 1 / 0)
        assert admin_client.post(address, data).status_code == 500
    assert not Submission.objects.exists()
    assert admin_client.post(address, data).status_code == 302
    assert Patron.objects.count() == 1


def test_without_a_token_a_form_is_done_as_often_as_it_is_sent(admin_client):
    data = filled(admin_client, url(Patron, "add"), name="Ann", library=make_library().pk)
    del data["_once"]
    for _ in range(2):
        assert admin_client.post(url(Patron, "add"), data).status_code == 302
    assert Patron.objects.count() == 2


def test_the_form_of_another_user_is_not_answered(admin_client, client):
    address = url(Patron, "add")
    data = filled(admin_client, address, name="Ann", library=make_library().pk)
    admin_client.post(address, data)
    client.force_login(make_user(username="bob", is_superuser=True))
    page = client.post(address, data)
    assert page.status_code == 403
    assert "admin opened this form." in page.text
    assert "<strong>bob</strong>" in page.text


def test_a_late_repeat_is_told_when_the_form_was_sent(admin_client):
    address = url(Patron, "add")
    data = filled(admin_client, address, name="Ann", library=make_library().pk)
    admin_client.post(address, data)
    admin_client.get(url(Patron, "changelist"))
    Submission.objects.update(created_at=timezone.now() - datetime.timedelta(minutes=5))
    page = admin_client.post(address, data, follow=True)
    assert "Nothing was done again." in " ".join(said(page))
    assert Patron.objects.count() == 1


def test_what_is_remembered_of_a_password_is_never_the_same(admin_client):
    address = reverse("admin:auth_user_password_change", args=[make_user().pk])
    data = {"usable_password": "true", "password1": "Zq9x-ruby-4", "password2": "Zq9x-ruby-4"}
    for _ in range(2):
        sent = data | token(admin_client.get(address))
        assert admin_client.post(address, sent).status_code == 302
    first, second = Submission.objects.values_list("body", flat=True)
    assert first != second


# Files and memory -----------------------------------------------------------------------


def test_the_first_that_died_while_it_worked_in_steps_does_not_block(admin_client, monkeypatch):
    monkeypatch.setattr(once, "WAIT", 0)
    address = url(Library, "import")
    data = token(admin_client.get(address))
    file = lambda: {"import_file": SimpleUploadedFile("f.csv", FILE)}  # noqa: E731
    admin_client.post(address, data | file())
    Submission.objects.update(answer=None)
    assert admin_client.post(address, data | file()).status_code == 302
    assert Submission.objects.get().answer["to"]


def test_what_was_done_in_steps_is_told_where_the_answer_can_not_be_noted(
    admin_client, monkeypatch
):
    def busy(*_args):
        raise OperationalError("database is locked")

    address = url(Library, "import")
    data = token(admin_client.get(address)) | {"import_file": SimpleUploadedFile("f.csv", FILE)}
    monkeypatch.setattr(once.Sent, "end", busy)
    page = admin_client.post(address, data, follow=True)
    assert page.status_code == 200
    assert page.context["job"] == Change.objects.get()


def test_a_first_that_ends_with_errors_meanwhile_leaves_the_turn(rf, superuser, monkeypatch):
    request = rf.post("/")
    request.user = superuser
    sent = once.Sent(request, Token.new("admin"))
    begin, tried = sent.begin, []

    def there_at_first():
        tried.append(True)
        return len(tried) > 1 and begin()

    monkeypatch.setattr(sent, "begin", there_at_first)
    assert sent.first() is None
    assert Submission.objects.get().key == sent.key


def test_old_answers_are_forgotten():
    old = timezone.now() - datetime.timedelta(days=3)
    Submission.objects.create(key="old", body="", created_at=old)
    Submission.objects.create(key="new", body="")
    assert retain() == {"answers of forms": 1}
    assert Submission.objects.get().key == "new"
