"""The mirror on the pages: chosen, shown, confirmed, and only for who may delete."""

import pytest
from django.urls import reverse

from backoffice.changes.models import Change
from library.models import Library, Patron
from tests.backoffice.admin.changes.test_imports import (
    BAD,
    GOOD,
    HEADER,
    JOB,
    RIGHTS,
    check,
    press,
    sent,
    upload,
)
from tests.backoffice.admin.changes.test_review import Form, page, send
from tests.backoffice.admin.pages import model_admin
from tests.factories import make_library, make_patron, make_user

MIRROR = {"with-mirror": "state=NJ\n"}
DELETE = [*RIGHTS, "library.delete_library", "library.delete_patron"]

pytestmark = pytest.mark.django_db


def told(response):
    return [str(message) for message in response.context["messages"]]


def names():
    return sorted(Library.objects.values_list("name", flat=True))


@pytest.fixture
def gone():
    library = make_library(name="Gone", state="NJ", zip_code="08540")
    make_patron(name="Jo", library=library)
    return library


def test_what_goes_is_said_listed_and_downloaded(admin_client, gone):
    response = check(admin_client, HEADER + GOOD, columns=MIRROR)
    assert "deleted, because the file lacks them: 1 library, 1 patron" in response.text
    assert "Write 1 library, and delete" in response.text
    missing = page(admin_client, response, tab="missing")
    assert reverse("admin:library_library_change", args=[gone.pk]) in missing.text
    address = reverse(
        "admin:library_library_import_file", args=[response.context["job"].pk, "missing.csv"]
    )
    assert b"Gone" in admin_client.get(address).getvalue()
    press(admin_client, response)
    assert (names(), Patron.objects.count()) == (["Princeton"], 0)


def test_without_a_mirror_there_is_no_such_tab(admin_client, gone):
    response = check(admin_client, HEADER + GOOD)
    assert "tab=missing" not in response.text
    assert page(admin_client, response, tab="missing").status_code == 200
    press(admin_client, response)
    assert names() == ["Gone", "Princeton"]


def test_a_filter_that_is_none_is_said_on_the_columns_page(admin_client, gone):
    response = check(admin_client, HEADER + GOOD, columns={"with-mirror": "nonsense=1"})
    assert "A mirror wants NAME=VALUE with one of these names: " in response.text
    assert Change.objects.get().status == "uploaded"


def test_while_rows_are_rejected_nothing_is_deleted(admin_client, gone):
    response = check(admin_client, HEADER + GOOD + BAD, columns=MIRROR)
    assert "Nothing is deleted while rows are rejected" in response.text
    press(admin_client, response)
    assert names() == ["Gone", "Princeton"]


def test_many_are_confirmed_by_typing_their_number(admin_client):
    for n in range(101):
        make_library(name=f"L{n}", state="NJ")
    response = check(admin_client, HEADER + GOOD, columns=MIRROR)
    assert "Type <strong>101</strong> to delete" in response.text
    assert told(press(admin_client, response)) == [
        "Nothing was written: what you typed does not match."
    ]
    form = Form(response)
    send(admin_client, response, form.press("_apply") | {"confirmation": ["101"]})
    assert names() == ["Princeton"]


def test_who_may_not_delete_is_told_that_the_profile_would(client, admin_user, gone):
    client.force_login(admin_user)
    page = upload(client, HEADER + GOOD)
    data = sent(page.context) | MIRROR | {"with-name": "County", "_keep": "1"}
    client.post(reverse(JOB, args=[page.context["job"].pk]), data)
    client.force_login(make_user(permissions=RIGHTS))
    page = upload(client, HEADER + GOOD)
    assert "The records inside state=NJ that the file lacks are not deleted" in page.text
    address = reverse(JOB, args=[page.context["job"].pk])
    again = client.post(address, sent(page.context) | {"_show": "1"})
    assert "The records inside state=NJ that the file lacks are not deleted" in again.text
    client.force_login(admin_user)
    assert "are not deleted" not in upload(client, HEADER + GOOD).text


def test_it_takes_the_right_to_delete(client, gone):
    client.force_login(make_user(permissions=[*RIGHTS, "library.delete_library"]))
    response = check(client, HEADER + GOOD, columns=MIRROR)
    assert "you may not delete patrons" in told(press(client, response))[0]
    assert names() == ["Gone"]
    client.force_login(make_user(permissions=DELETE))
    press(client, response)
    assert names() == ["Princeton"]


def test_it_is_not_offered_to_who_may_not_delete(client, gone):
    client.force_login(make_user(permissions=RIGHTS))
    columns = upload(client, HEADER + GOOD).text
    assert "Delete the records that the file lacks" not in columns
    response = check(client, HEADER + GOOD, columns=MIRROR)
    assert "missing" not in response.context["job"].file.found


def test_what_one_may_not_see_is_neither_shown_nor_deleted(client, gone, monkeypatch):
    admin = model_admin(Library)
    seen = type(admin).get_queryset

    def get_queryset(self, request):
        return seen(self, request).exclude(pk=gone.pk)

    client.force_login(make_user(permissions=DELETE))
    monkeypatch.setattr(type(admin), "get_queryset", get_queryset)
    response = check(client, HEADER + GOOD, columns=MIRROR)
    missing = page(client, response, tab="missing").text
    assert "A record that you may not see." in missing
    assert "Gone" not in missing
    assert "that you may not see" in told(press(client, response))[0]
    assert names() == ["Gone"]


def test_the_second_person_is_asked_for(client, settings):
    settings.IMPORT_SECOND_PERSON = True
    client.force_login(make_user(permissions=RIGHTS))
    response = check(client, HEADER + GOOD)
    assert "It takes a second person" in response.text
    assert 'name="_apply"' not in response.text
    assert "It takes a second person" in told(press(client, response))[0]
    client.force_login(make_user(username="zoe", permissions=RIGHTS))
    again = client.get(reverse(JOB, args=[response.context["job"].pk]))
    press(client, again)
    record = Library.history.get()
    assert record.history_user.username == "zoe"
    assert "checked by" in record.history_change_reason


def test_each_download_has_rows_and_a_name_of_its_own(admin_client, gone):
    response = check(admin_client, HEADER + GOOD, columns=MIRROR)
    for shown in (response, press(admin_client, response)):
        assert shown.text.count("Download what the file lacks") == 1
        assert shown.text.count("Download all changes") == 1
        assert "Download the rejected rows" not in shown.text
    assert "The first records that were written or deleted" in shown.text
