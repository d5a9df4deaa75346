"""The pages of an undo: what it will do, who may, what is left alone, what it did."""

import pytest
from django.contrib import admin
from django.urls import reverse

from backoffice.admin.changes.undo import UndoPages
from backoffice.changes.models import Change
from backoffice.jobs.steps import apply_job, check_job, create_job, undo_job
from library.models import Library
from library.resources import LibraryResource
from tests.backoffice.admin.pages import perm, seeing_history
from tests.factories import make_library, make_patron, make_user

HEADER = "name,address,state,phone_number,zip_code\n"
ROW = "{},1 Main Street,NY,212-222-6559,10001\n"
RIGHTS = [f"library.{action}_library" for action in ("view", "add", "change", "delete")]

pytestmark = pytest.mark.django_db


def imported(*names, user=None):
    text = HEADER + "".join(map(ROW.format, names))
    job = create_job(LibraryResource, [text.encode()], file_name="f.csv", user=user)
    check_job(job)
    apply_job(job)
    return job


def page(name, job):
    return reverse(f"admin:library_library_{name}", args=[job.pk])


def records(job, *names):
    found = Library.history.filter(history_change=job, name__in=names)
    return list(found.order_by("history_id").values_list("history_id", flat=True))


def test_it_says_what_it_will_do_and_then_what_it_did(admin_client):
    make_library(name="Kept", zip_code="10001", address="1 Old Street")
    job = imported("New", "Used", "Kept")
    make_patron(library=Library.objects.get(name="Used"))
    before = admin_client.get(page("import_undo", job))
    assert "will do this" in before.text
    assert "<dt>Will be deleted</dt><dd>1</dd>" in before.text
    assert "<dt>Will get their old values back</dt><dd>1</dd>" in before.text
    assert Library.objects.count() == 3
    after = admin_client.post(page("import_undo", job), follow=True)
    assert str(after.context["title"]).startswith("Undo ")
    assert "<dt>Deleted</dt><dd>1</dd>" in after.text
    assert [text for _page, text in after.context["left"]] == ["Used"]
    assert "Done" not in after.text
    undone = admin_client.get(page("import_job", job))
    assert "It was undone" in undone.text
    assert "Done" not in undone.text


def test_to_delete_what_was_created_takes_the_right_to_delete(client):
    user = make_user(permissions=RIGHTS[:3])
    client.force_login(user)
    job = imported("New", user=user)
    ended = client.get(page("import_job", job))
    assert page("import_undo", job) not in ended.text
    assert "undoing it deletes libraries, which you may not" in ended.text
    for name in ("import_undo", "import_undo_records"):
        for method in (client.get, client.post):
            assert "Nothing was undone" in method(page(name, job), follow=True).text
    assert Library.objects.exists()


def test_an_import_that_only_changed_needs_no_right_to_delete(client):
    make_library(name="Kept", zip_code="10001", address="1 Old Street")
    user = make_user(permissions=RIGHTS[:3])
    client.force_login(user)
    client.post(page("import_undo", imported("Kept", user=user)))
    assert Library.objects.get().address == "1 Old Street"


def test_it_takes_the_rights_of_what_it_does_and_no_others(client):
    job = imported("New")
    sees = [perm("view", Library), *seeing_history(Library)]
    client.force_login(make_user(permissions=sees))
    ended = client.get(page("import_job", job))
    assert "but not by you" in ended.text
    assert "Nothing was undone" in client.post(page("import_undo", job), follow=True).text
    client.force_login(make_user(permissions=[*sees, perm("delete", Library)]))
    assert page("import_undo", job) in client.get(page("import_job", job)).text
    client.post(page("import_undo", job))
    assert not Library.objects.exists()


def test_a_row_that_may_not_be_deleted_stops_it(client, monkeypatch):
    job = imported("New", "Mine", user=(user := make_user(permissions=RIGHTS)))

    def may_delete(self, request, obj=None):
        return obj is None or obj.name != "Mine"

    library_admin = admin.site.get_model_admin(Library)
    monkeypatch.setattr(type(library_admin), "has_delete_permission", may_delete)
    client.force_login(user)
    client.post(page("import_undo", job))
    assert Library.objects.count() == 2


def test_a_large_deletion_is_confirmed_by_its_number(admin_client):
    job = imported(*(f"Branch {n}" for n in range(1_001)))
    assert "Type <strong>1,001</strong>" in admin_client.get(page("import_undo", job)).text
    for typed in ("", "1", "1,002"):
        answer = admin_client.post(page("import_undo", job), {"confirmation": typed})
        assert "Nothing was undone" in answer.text
    assert Library.objects.count() == 1_001
    admin_client.post(page("import_undo", job), {"confirmation": "1,001"})
    assert not Library.objects.exists()


def test_ticked_records_are_left_alone_page_by_page(admin_client):
    job = imported(*(f"Branch {n:03}" for n in range(150)))
    shown = admin_client.get(page("import_undo_records", job))
    first = [record.history_id for record, *_rest in shown.context["records"]]
    data = {"shown": first, "leave": records(job, "Branch 001", "Branch 149"), "p": "2"}
    answer = admin_client.post(page("import_undo_records", job), data)
    # The second was not on the page that was shown.
    assert answer.url == page("import_undo_records", job) + "?p=2"
    assert [row.record for row in job.exemptions.all()] == records(job, "Branch 001")
    second = admin_client.get(answer.url)
    assert "Page 2 of 2" in second.text
    rest = [record.history_id for record, *_rest in second.context["records"]]
    assert len(rest) == 50
    data = {"shown": rest, "leave": records(job, "Branch 149"), "_back": "1"}
    admin_client.post(page("import_undo_records", job), data)
    undo = admin_client.get(page("import_undo", job))
    assert (undo.context["counts"].removed, undo.context["counts"].exempt) == (148, 2)
    admin_client.post(page("import_undo", job), {"confirmation": "148"})
    names = [library.name for library in Library.objects.order_by("pk")]
    assert names == ["Branch 001", "Branch 149"]


def test_records_are_searched_and_those_chosen_listed(admin_client):
    job = imported("Alpha", "Beta", "Beta Two")

    def listed(**query):
        response = admin_client.get(page("import_undo_records", job), query)
        return [record.name for record, *_rest in response.context["records"]]

    assert listed(q="beta") == ["Beta", "Beta Two"]
    assert listed(q="beta 10001 two") == ["Beta Two"]
    assert listed(q="a\x00lpha") == ["Alpha"]
    shown = records(job, "Alpha", "Beta")
    data = {"shown": shown, "leave": shown[1:], "q": "beta", "show": "chosen"}
    answer = admin_client.post(page("import_undo_records", job), data)
    found = admin_client.get(answer.url).context["records"]
    assert [record.name for record, *_rest in found] == ["Beta"]
    admin_client.post(page("import_undo_records", job), {"shown": shown})
    assert listed(show="chosen") == []


def test_what_is_ticked_when_the_undo_has_begun_is_said_not_to_be_left_alone(
    admin_client, monkeypatch
):
    job = imported("Alpha", "Beta")
    data = {"shown": records(job, "Alpha"), "leave": records(job, "Alpha")}
    written = UndoPages._written

    def undone_first(pages, change):
        if change.undo is None:
            undo_job(Change.objects.get(pk=change.pk))
        return written(pages, change)

    monkeypatch.setattr(UndoPages, "_written", undone_first)
    answer = admin_client.post(page("import_undo_records", job), data, follow=True)
    assert "Nothing was done" in answer.text
    assert not job.exemptions.exists()


def test_records_of_another_change_can_not_be_chosen(admin_client):
    job, other = imported("Alpha"), imported("Beta")
    foreign = records(other, "Beta")
    data = {"shown": foreign, "leave": [*foreign, "x", "9" * 30]}
    admin_client.post(page("import_undo_records", job), data)
    assert not job.exemptions.exists()


def test_rows_out_of_sight_can_be_undone_by_nobody_else(client, monkeypatch):
    job = imported("Hidden", "Seen", user=make_user())
    library_admin = admin.site.get_model_admin(Library)
    rows = Library.objects.exclude(name="Hidden")
    monkeypatch.setattr(library_admin, "get_queryset", lambda _request: rows)
    client.force_login(make_user(permissions=RIGHTS))
    answer = client.get(page("import_undo_records", job), follow=True)
    assert "records that you may not see" in answer.text
    assert Change.objects.get(pk=job.pk).status == "done"
