"""What a Manager limited to one library reads and writes by imports, exports and edits."""

import csv
import io

import pytest
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from backoffice.changes.deletion import Deletion
from backoffice.changes.models import Change
from backoffice.changes.profiles import Profile
from backoffice.exports.formats import FORMATS
from backoffice.filters.scopes import Scope
from backoffice.jobs import feeds, tasks
from backoffice.jobs.steps import apply_job
from library.models import Book, Library, Patron
from tests.backoffice.admin.changes.limited import checked, create, names, page, written
from tests.backoffice.admin.changes.test_imports import sent
from tests.factories import limit, make_book, make_library, make_patron, make_user

pytestmark = pytest.mark.django_db

CSV = str([format_class.name for format_class in FORMATS].index("csv"))

# Imports --------------------------------------------------------------------------------


def test_no_page_of_an_import_says_what_is_elsewhere(client, manager, other):
    make_patron(name="Ann", library=other)
    make_patron(name="Ben", library=Library.objects.get(name="Mine"))
    text = "name,library\nAnn,Mine\nAnn,Secrets\nben,Mine\nCid,secret\n"
    file = SimpleUploadedFile("p.csv", text.encode())
    columns = client.post(page("import"), {"import_file": file}, follow=True)
    job = Change.objects.latest("pk")
    assert [
        key.none for key, _named in columns.context["keys"] if key.name == "name,library"
    ] == [2]
    seen = [columns]
    seen.append(client.post(page("import_job", job.pk), sent(columns.context), follow=True))
    seen += [
        client.get(page("import_job", job.pk), {"tab": tab, "values": "library"})
        for tab in ("all", "new", "rejected", "alike")
    ]
    job.refresh_from_db()
    assert (job.new, job.rejected) == (1, 3)
    for response in seen:
        shown = response.text.replace("Secrets", "")
        assert "Secret" not in shown
        assert "07001" not in shown
    rejects = client.get(page("import_file", job.pk, "rejects.csv"))
    assert "07001" not in rejects.getvalue().decode()
    assert "Is it one of" not in rejects.getvalue().decode()


def test_what_is_written_is_inside(client, manager, mine, other):
    book = make_book(title="Emma", libraries=[mine, other])
    job = checked("title,libraries\nEmma,Secret\nNew,Mine\n", manager, "book")
    response = client.post(
        page("import_job", job.pk, model="book"),
        {
            "_apply": client.get(page("import_job", job.pk, model="book"))
            .context["review"]
            .state
        },
        follow=True,
    )
    assert response.context["job"].status == "done"
    assert book.libraries.count() == 2
    assert list(Book.objects.get(title="New").libraries.all()) == [mine]
    assert "Secret" not in client.get(page("import_job", job.pk, model="book")).text


def test_the_activity_has_what_one_imported_oneself(client, manager, mine, other):
    manager.user_permissions.add(Permission.objects.get(codename="view_entry"))
    for user, name in ((manager, "Ann"), (make_user(is_superuser=True), "Ben")):
        written(f"name,library\n{name},Mine\n", user)
    listing = client.get(reverse("admin:backoffice_entry_changelist"))
    entries = listing.context["cl"].result_list
    assert {(entry.user, entry.action) for entry in entries} == {
        (manager, "sign-in"),
        (manager, "import"),
    }


def test_limits_that_shrank_stop_the_writing(manager, mine, other):
    limit(manager, mine, other)
    job = checked("name,library\nAnn,Mine\nBen,Secret\n", manager)
    assert job.new == 2
    limit(manager, mine)
    apply_job(job)
    job.refresh_from_db()
    assert job.status == "failed"
    assert not Patron.objects.exists()


def test_limits_that_are_gone_stop_the_writing(manager, mine):
    job = checked("name,library\nAnn,Mine\n", manager)
    Scope.objects.all().delete()
    Change.objects.filter(pk=job.pk).update(user=None)
    apply_job(Change.objects.get(pk=job.pk))
    job.refresh_from_db()
    assert (job.status, "had limits then" in job.error) == ("failed", True)


def test_somebody_without_limits_writes_what_was_checked_within_them(manager, mine, other):
    book = make_book(title="Emma", libraries=[mine, other])
    second = make_library(name="Second")
    limit(manager, mine, second)
    job = checked("title,libraries\nEmma,Second\n", manager, "book")
    tasks.start_apply(job, user=make_user(is_superuser=True))
    job.refresh_from_db()
    assert job.status == "done"
    assert set(book.libraries.all()) == {second, other}


def test_a_feed_reaches_as_far_as_the_owner_of_its_profile(settings, tmp_path, manager, other):
    settings.IMPORT_FOLDER = tmp_path / "feeds"
    settings.IMPORT_FOLDER_QUIET_SECONDS = 0
    Profile.objects.create(
        name="Supplier",
        model="library.Patron",
        resource="library.resources.PatronResource",
        options={"overrides": {}},
        owner=manager,
    )
    (settings.IMPORT_FOLDER / "Supplier").mkdir(parents=True)
    path = settings.IMPORT_FOLDER / "Supplier" / "p.csv"
    path.write_text("name,library\nAnn,Mine\nBen,Secret\n")
    (outcome,) = feeds.look(at_once=True)
    assert names(Patron) == ["Ann"]
    assert "07001" not in outcome.report


# Deletion and restoration ---------------------------------------------------------------


def delete_ticked(client, model, *rows):
    data = {
        "action": "delete_selected",
        "_selected_action": [row.pk for row in rows],
        "post": "1",
    }
    return client.post(page("changelist", model=model), data, follow=True)


def test_a_book_that_others_hold_is_not_deleted(client, manager, mine, other):
    shared = make_book(title="Shared", libraries=[mine, other])
    own = make_book(title="Own", libraries=[mine])
    refused = delete_ticked(client, "book", shared, own)
    assert "Secret" not in refused.text
    assert (
        client.post(page("delete", shared.pk, model="book"), {"post": "yes"}).status_code == 403
    )
    assert names(Book) == ["Own", "Shared"]
    delete_ticked(client, "book", own)
    assert names(Book) == ["Shared"]


def test_ticked_rows_elsewhere_are_not_deleted(client, manager, other):
    patron = make_patron(name="Ann", library=other)
    assert "Ann" not in delete_ticked(client, "patron", patron).text
    assert names(Patron) == ["Ann"]


def test_a_deleted_record_does_not_tell_what_went_with_it_elsewhere(
    client, manager, mine, other
):
    somebody = make_user(is_superuser=True)
    for libraries, told in (((mine,), "1 patron"), ((mine, other), "")):
        for library in libraries:
            make_patron(name="Ann", library=library)
            make_patron(name="Ben", library=library)
        job = Deletion(Patron.objects.all()).run(title="people", user=somebody)
        response = client.get(page("deleted"))
        assert {row["with_it"] for row in response.context["rows"][:2]} == {told}
        assert (page("import_job", job.pk) in response.text) == bool(told)


def test_only_what_was_inside_is_restored(client, manager, mine, other):
    somebody = make_user(is_superuser=True)
    for library in (mine, other):
        make_patron(name=f"of {library}", library=library)
    Deletion(Patron.objects.all()).run(title="all", user=somebody)
    for record in Patron.history.filter(history_type="-"):
        client.post(page("restore", record.id), {}, follow=True)
    assert names(Patron) == ["of Mine"]


# Edits ----------------------------------------------------------------------------------


def edit(client, model, rows, **data):
    """Preview and apply; the last page."""
    data |= {"action": "edit_selected", "_selected_action": [row.pk for row in rows]}
    preview = client.post(page("changelist", model=model), data | {"_preview": "1"})
    if "expected" not in preview.context:
        return preview
    expected = preview.context["expected"]
    applied = data | {"_apply": "1", "expected": expected}
    return client.post(page("changelist", model=model), applied, follow=True)


def test_no_edit_moves_a_record_outside(client, manager, mine, other):
    limit(manager, filter="state=NY")
    patron = make_patron(name="Ann", library=mine)
    response = edit(client, "library", [mine], change="state", **{"edit-state": "NJ"})
    assert "outside what you are limited to" in response.text
    edit(client, "patron", [patron], change="library", **{"edit-library": other.pk})
    for row in (mine, patron):
        row.refresh_from_db()
    assert (mine.state, patron.library) == ("NY", mine)


def test_no_edit_takes_hidden_links_away(client, manager, mine, other):
    second = make_library(name="Second")
    limit(manager, mine, second)
    book = make_book(title="Emma", libraries=[mine, other])
    data = {"edit-libraries-set": [second.pk]}
    response = edit(client, "book", [book], change="libraries-set", **data)
    assert "Secret" not in response.text
    assert set(book.libraries.all()) == {second, other}


def test_no_edit_takes_the_link_away_by_which_a_book_is_seen(client, manager, mine, other):
    book = make_book(title="Emma", libraries=[mine, other])
    data = {"edit-libraries-remove": [mine.pk]}
    response = edit(client, "book", [book], change="libraries-remove", **data)
    assert "outside what you are limited to" in response.text
    assert book.libraries.count() == 2


def test_finding_and_replacing_stays_inside(client, manager, mine, other):
    patrons = [make_patron(name="Ann", library=library) for library in (mine, other)]
    data = {"replace-find": "Ann", "replace-put": "Bea", "replace-where": ["name"]}
    edit(client, "patron", patrons, select_across="1", **data)
    assert names(Patron) == ["Ann", "Bea"]


# Exports --------------------------------------------------------------------------------


def test_an_export_names_no_library_elsewhere(client, manager, mine, other):
    Library.objects.filter(pk=other.pk).update(name="Mine")  # a namesake
    make_book(title="Shared", libraries=[mine, other])
    hidden = make_book(title="Hidden", libraries=[other])
    data = {"format": CSV, "resource": "0", "encoding": "utf-8"}
    data |= {"bookresource_title": "on", "bookresource_libraries": "on"}
    for query, ticked in (("", []), ("", [hidden.pk]), (f"?id={hidden.pk}", [])):
        response = client.post(
            page("export", model="book") + query, data | {"_selected_action": ticked}
        )
        rows = list(csv.reader(io.StringIO(response.getvalue().decode("utf-8-sig"))))
        assert rows[1:] == ([["Shared", "Mine"]] if not query and not ticked else [])


# Profiles -------------------------------------------------------------------------------


def test_profiles_of_others_are_hidden(client, manager):
    theirs = Profile.objects.create(
        name="Theirs",
        model="library.Patron",
        resource="library.resources.PatronResource",
        options={"values": {"library": {"S": "Secret"}}},
        owner=make_user(),
    )
    job = create("name,library\nAnn,S\n", manager)
    response = client.get(page("import_job", job.pk))
    assert "Theirs" not in response.text
    posted = sent(response.context) | {"with-profile": "Theirs"}
    assert "Secret" not in client.post(page("import_job", job.pk), posted, follow=True).text
    change = reverse("admin:backoffice_profile_change", args=[theirs.pk])
    assert client.get(change, follow=True).redirect_chain


def test_the_same_file_of_somebody_else_is_not_told(client, manager, mine, other):
    text = "name,library\nAnn,Mine\nBen,Secret\n"
    written(text, make_user(is_superuser=True))
    job = checked(text, manager)
    assert client.get(page("import_job", job.pk)).context["same_file"] is None
