"""Changes of others, and undos, for a Manager who is limited to one library."""

import pytest
from django.urls import reverse

from backoffice.changes.decisions import Decision
from backoffice.changes.deletion import Deletion
from backoffice.changes.edits import Edit
from backoffice.changes.link_edits import LinkEdit
from backoffice.changes.models import Change
from backoffice.jobs.review import Review
from backoffice.jobs.steps import apply_job, create_undo
from backoffice.querysets.relations import ManyToMany
from library.models import Book, Library, Patron
from tests.backoffice.admin.changes.limited import RIGHTS, checked, create, names, page, written
from tests.backoffice.admin.pages import statements
from tests.factories import limit, make_book, make_patron, make_user

pytestmark = pytest.mark.django_db


# Changes of others ----------------------------------------------------------------------


def pages_of(job, model="patron"):
    return [
        page("import_job", job.pk, model=model),
        page("import_progress", job.pk, model=model),
        page("import_undo", job.pk, model=model),
        page("import_undo_records", job.pk, model=model),
        page("import_replace", job.pk, model=model),
        page("import_file", job.pk, "rejects.csv", model=model),
        page("import_file", job.pk, "changes.csv", model=model),
    ]


def listed(client, name="change"):
    page = client.get(reverse(f"admin:backoffice_{name}_changelist"))
    return [job.pk for job in page.context["cl"].result_list]


@pytest.mark.parametrize("step", [create, checked, written])
def test_imports_of_others_are_hidden(client, manager, mine, other, step):
    job = step("name,library\nAnn,Mine\nBen,Secret\nCid,Nowhere\n", make_user())
    assert {client.get(url).status_code for url in pages_of(job)} == {404}
    for name in ("import_columns", "import_profile"):
        assert client.post(page(name, job.pk)).status_code == 404
    assert (
        client.post(page("process_import"), {"job": job.pk, "_cancel": "1"}).status_code == 404
    )
    assert listed(client) == []


def test_an_import_that_lies_within_is_seen_without_its_file(client, manager, mine, other):
    job = written("name,library\nAnn,Mine\nBen,Secre\n", make_user(is_superuser=True))
    assert listed(client) == [job.pk]
    ended = client.get(page("import_job", job.pk))
    assert ended.status_code == 200
    assert "rejects.csv" not in ended.text
    assert client.get(page("import_file", job.pk, "rejects.csv")).status_code == 404
    assert client.post(page("import_undo", job.pk), follow=True).status_code == 200
    assert not Patron.objects.exists()


def test_deletions_and_edits_of_others_are_seen_by_what_they_wrote(
    client, manager, mine, other
):
    somebody = make_user(is_superuser=True)
    for library, is_seen in ((mine, True), (other, False)):
        patron = make_patron(name="Ann", library=library)
        rows = Patron.objects.filter(pk=patron.pk)
        edit = Edit(rows, {Patron._meta.get_field("name"): "Bea"}).run(
            user=somebody, title="Bea"
        )
        deletion = Deletion(rows).run(title="Ann", user=somebody)
        for job in (edit, deletion):
            found = client.get(page("import_job", job.pk)).status_code
            assert found == (200 if is_seen else 404)
            assert (job.pk in listed(client, "bulkedit")) == is_seen


def test_an_edit_of_somebody_else_does_not_say_what_it_linked(client, manager, mine, other):
    book = make_book(title="Emma", libraries=[mine])
    links = LinkEdit.adding(ManyToMany.of(Book._meta.get_field("libraries")), [other.pk])
    edit = Edit(Book.objects.filter(pk=book.pk), links=[links]).run(
        user=make_user(is_superuser=True), title="Added: Secret"
    )
    undo = create_undo(edit)
    apply_job(undo)
    for job in (edit, undo):
        assert client.get(page("import_job", job.pk, model="book")).status_code == 404
    assert listed(client, "bulkedit") == []


def test_a_second_person_with_the_same_limits_sees_what_waits(client, settings, mine, other):
    settings.IMPORT_SECOND_PERSON = True
    first, second, wider, none = (make_user(permissions=RIGHTS) for _n in range(4))
    for user, libraries in ((first, [mine]), (second, [mine]), (wider, [mine, other])):
        limit(user, *libraries)
    jobs = [checked("name,library\nAnn,Mine\n", user) for user in (first, wider, none)]
    for job in jobs:
        Change.objects.filter(pk=job.pk).update(checked_by=job.user)
    client.force_login(second)
    assert listed(client) == [jobs[0].pk]
    shown = [client.get(page("import_job", job.pk)).status_code for job in jobs]
    assert shown == [200, 404, 404]


def test_files_of_many_imports_of_others_are_offered_for_the_same_statements(
    client, manager, mine
):
    colleague = limit(make_user(permissions=RIGHTS), mine)
    address, taken = reverse("admin:backoffice_change_changelist"), []
    for number in (2, 5):
        for n in range(number):
            job = written(f"name,library\nP{number}{n},Mine\n", colleague)
            assert page("import_file", job.pk, "changes.csv") in client.get(address).text
        taken.append(statements(client, address))
    assert taken[0] == taken[1]


# Undo -----------------------------------------------------------------------------------


def undone(client, job, model="patron"):
    response = client.post(page("import_undo", job.pk, model=model), follow=True)
    job.refresh_from_db()
    return job.status, response


def test_an_undo_takes_back_what_lies_within(client, manager, mine, other):
    book = make_book(title="Emma", libraries=[other])
    job = written("title,libraries\nEmma,Mine\nNew,Mine\n", manager, "book")
    assert undone(client, job, "book")[0] == "undone"
    assert list(Book.objects.all()) == [book]


def test_an_undo_of_what_has_left_the_limits_is_refused(client, manager, mine, other):
    limit(manager, mine, other)
    job = written("name,library\nAnn,Mine\nBen,Secret\n", manager)
    limit(manager, mine)
    status, response = undone(client, job)
    assert status == "done"
    assert "records that you may not see" in response.text
    assert "Secret" not in response.text
    assert names(Patron) == ["Ann", "Ben"]


def test_an_undo_that_waits_while_the_limits_shrink_is_stopped(manager, mine, other):
    limit(manager, mine, other)
    job = written("name,library\nAnn,Mine\nBen,Secret\n", manager)
    undo = create_undo(job, user=manager)
    limit(manager, mine)
    apply_job(Change.objects.get(pk=undo.pk))
    undo.refresh_from_db()
    assert undo.status == "failed"
    assert names(Patron) == ["Ann", "Ben"]


def test_nothing_is_moved_out_by_an_undo(client, manager, mine, other):
    patron = make_patron(name="Ann", library=other)
    field = Patron._meta.get_field("library")
    rows = Patron.objects.filter(pk=patron.pk)
    job = Edit(rows, {field: mine.pk}).run(user=make_user(is_superuser=True), title="moved")
    assert undone(client, job)[0] == "done"
    patron.refresh_from_db()
    assert patron.library == mine


def test_links_elsewhere_are_not_taken_back(client, manager, mine, other):
    book = make_book(title="Emma", libraries=[mine])
    job = written("title,libraries\nEmma,Mine|Secret\n", make_user(is_superuser=True), "book")
    assert undone(client, job, "book")[0] == "done"
    assert book.libraries.count() == 2


def test_a_deleted_library_comes_back_with_all_that_went(client, manager, mine, other):
    make_patron(name="Ann", library=mine)
    book = make_book(title="Emma", libraries=[mine])
    shared = make_book(title="Shared", libraries=[mine, other])
    job = Deletion(Library.objects.filter(pk=mine.pk)).run(title="Mine", user=manager)
    assert undone(client, job, "library")[0] == "undone"
    assert names(Patron) == ["Ann"]
    assert book.libraries.count() == 1
    assert shared.libraries.count() == 2


def test_decisions_are_taken_in_within_the_limits_of_the_check(settings, manager, mine, other):
    """Also where somebody else was to write it, and it came back."""
    job = checked("name,library\nAnn,Mine\nBen,Nowhere\n", manager)
    admin = make_user(is_superuser=True)
    Change.objects.filter(pk=job.pk).update(user=admin)
    review = Review(Change.objects.get(pk=job.pk))
    mended = {"line": 3, "field": "library", "answer": "text"}
    review.decide(admin, Decision(**mended, text="Secret"))
    assert review.counts["rejected"] == 1
    review.decide(admin, Decision(**mended, text="Mine"))
    assert review.counts["new"] == 2
