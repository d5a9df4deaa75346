"""The import pages: upload, columns, check, preview, write; permissions, and errors."""

import json
import os
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django_tasks_db.models import DBTaskResult

from backoffice.changes.models import Change, ImportFile
from library.models import Library
from tests.backoffice.admin.pages import url
from tests.factories import make_library, make_user

HEADER = "name,address,state,phone_number,zip_code\n"
GOOD = "Princeton,65 Witherspoon Street,NJ,609-924-9529,08542-3214\n"
BAD = "Seaford,2234 Jackson Ave,NY,-4,11783\n"
FIELDS = HEADER.strip().split(",")
IMPORT = "admin:library_library_import"
JOB = "admin:library_library_import_job"
PROCESS = "admin:library_library_process_import"
RIGHTS = ["library.view_library", "library.add_library", "library.change_library"]

pytestmark = pytest.mark.django_db


def upload(client, text, *, name="branches.csv", **data):
    content = text if isinstance(text, bytes) else text.encode()
    data |= {"import_file": SimpleUploadedFile(name, content)}
    return client.post(reverse(IMPORT), data, follow=True)


def check(client, text, *, columns=None, **options):
    """Upload and check; the preview's response."""
    page = upload(client, text, **options).context
    data = sent(page) | (columns or {})
    job = Change.objects.latest("pk")
    return client.post(reverse(JOB, args=[job.pk]), data, follow=True)


def sent(page):
    """What a browser would send of the columns page."""
    data = {
        field.html_name: field.value()
        for form in (page["reading"], page["form"])
        for field in form
    }
    for row in page["rows"]:
        data[f"values-{row.field.name}"] = row.originals
        for i, value in enumerate(row.values or ()):
            text = value.text if value.rule is None else value.rule
            data[f"values-{row.field.name}-{i}"] = text
    return {name: "" if value is None else value for name, value in data.items()}


def press(client, response, button="_apply"):
    job = response.context["job"]
    if button == "_apply":
        sent = {button: response.context["review"].state}
        return client.post(response.request["PATH_INFO"], sent, follow=True)
    return client.post(reverse(PROCESS), {"job": job.pk, button: "1"}, follow=True)


def test_columns_are_suggested_with_examples_and_unused_ones_named(admin_client):
    response = upload(admin_client, "LIBNAME,ZIP,Colour\nPrinceton,08542,red\n")
    form = response.context["form"]
    assert (form["name"].value(), form["zip_code"].value(), form["state"].value()) == (
        "LIBNAME",
        "ZIP",
        "",
    )
    assert form.samples["LIBNAME"] == ["Princeton"]
    assert form.unused == ["Colour"]
    assert not Library.objects.exists()


def test_of_columns_under_the_same_header_one_can_be_chosen(admin_client):
    text = "name,zip_code,name\nPrinceton,08542,Main\n"
    form = upload(admin_client, text).context["form"]
    assert form["name"].value() == "name"
    assert "differ: row 2 has “Princeton”" in check(admin_client, text).context["job"].error
    columns = {"name": "name (column C)"}
    found = check(admin_client, text, columns=columns).context["job"].file.found
    assert found["mapping"] == {"name": "name (column C)", "zip_code": "zip_code"}


def test_columns_that_were_chosen_once_are_suggested_next_time(admin_client):
    make_library(name="Princeton", zip_code="08542", address="?")
    text = "LIBNAME,ZIP,Wo\nPrinceton,08542,1 Street\n"
    check(admin_client, text, columns={"address": "Wo"})
    assert upload(admin_client, text).context["form"]["address"].value() == "Wo"


def test_a_needed_column_must_be_chosen(admin_client):
    response = check(admin_client, HEADER + GOOD, columns={"zip_code": ""})
    assert response.context["form"].errors["zip_code"]
    response = check(admin_client, HEADER + GOOD, columns={"zip_code": "nowhere"})
    assert response.context["form"].errors["zip_code"]
    assert Change.objects.latest("pk").status == "uploaded"


def test_a_header_of_two_lines_can_be_chosen(admin_client):
    text = HEADER.replace("zip_code", '"ZIP\ncode"') + GOOD
    assert check(admin_client, text).context["job"].new == 1


def test_half_a_character_is_shown_and_rejected(admin_client):
    row = dict(zip(FIELDS, GOOD.strip().split(","), strict=True))
    text = json.dumps([row, row | {"name": "\ud83d"}])
    assert upload(admin_client, text).context["form"].samples["name"][1] == "?"
    preview = check(admin_client, text)
    assert "has half of a character (a surrogate) in column A" in preview.text
    assert press(admin_client, preview).context["job"].new == 1


@pytest.mark.parametrize("number", ["", "abc", "0", "-1", "1" * 30, "\0"])
def test_a_job_that_is_none_is_not_found(admin_client, number):
    assert admin_client.post(reverse(PROCESS), {"job": number}).status_code == 404


def test_a_file_is_shown_before_it_is_written(admin_client):
    preview = check(admin_client, HEADER + GOOD)
    assert preview.context["job"].new == 1
    assert "08542-3214" in preview.text
    assert not Library.objects.exists()


def test_what_was_shown_is_written_with_the_user_in_history(admin_client, superuser):
    done = press(admin_client, check(admin_client, HEADER + GOOD))
    assert done.context["job"].status == "done"
    record = Library.objects.get().history.get()
    assert (record.history_user, record.history_change_reason) == (
        superuser,
        f"import {done.context['job'].pk}: branches.csv",
    )
    assert "Princeton" in done.text


def test_rejected_rows_are_set_aside_and_the_others_written(admin_client):
    preview = check(admin_client, HEADER + GOOD + BAD)
    assert "phone_number" in preview.text
    assert "1 row set aside" in preview.text
    press(admin_client, preview)
    assert Library.objects.get().name == "Princeton"


def test_where_all_rows_are_rejected_nothing_is_written(admin_client):
    preview = check(admin_client, HEADER + BAD)
    assert "There is nothing to write." in preview.text
    press(admin_client, preview)
    assert not Library.objects.exists()


def test_rejects_and_changes_can_be_downloaded(admin_client):
    preview = check(admin_client, HEADER + GOOD + BAD)
    links = re.findall(r'href="([^"]+\.csv)"', preview.text)
    texts = [b"".join(admin_client.get(link).streaming_content).decode() for link in links]
    assert "row 3, phone_number '-4'" in texts[0]
    assert "Princeton" in texts[1]
    for name in ("upload", "review.sqlite3", "secret_key"):
        assert admin_client.get(links[0].replace("rejects.csv", name)).status_code == 404


@pytest.mark.parametrize(
    "content", [b"", b"\x00\x01\x02\xff" * 50, b"PK\x03\x04 no zip at all"]
)
def test_a_file_that_can_t_be_read_is_an_error_of_the_form(admin_client, content, settings):
    response = upload(admin_client, content)
    assert response.status_code == 200
    assert response.context["form"].errors["import_file"]
    assert not Change.objects.exists()
    assert not list(settings.DATA_DIR.glob("imports/*"))


def test_a_file_that_is_too_large_is_refused_with_the_limit(admin_client, settings):
    settings.IMPORT_MAX_BYTES = 2000
    response = upload(admin_client, HEADER + GOOD * 100)
    assert response.status_code == 413
    assert "larger than 2.0" in response.context["form"].errors["import_file"][0]
    assert not Change.objects.exists()
    settings.IMPORT_MAX_BYTES, settings.IMPORT_MAX_ROWS = 100_000, 3
    job = upload(admin_client, HEADER + GOOD * 4).context["job"]
    assert job.status == "failed"
    assert "3" in job.error


def test_a_file_with_a_header_alone_has_nothing_to_write(admin_client):
    assert "There is nothing to write." in check(admin_client, HEADER).text


def test_a_database_that_moved_stops_the_import_and_can_be_checked_again(admin_client):
    preview = check(admin_client, HEADER + GOOD)
    make_library(name="Princeton", zip_code="08542-3214", address="1 Old Street")
    failed = press(admin_client, preview)
    assert "The database has changed since the check" in failed.text
    assert Library.objects.get().address == "1 Old Street"
    again = press(admin_client, failed, "_again")
    assert again.context["job"].status == "uploaded"
    assert again.context["job"].pk != failed.context["job"].pk


def test_repairs_are_off_unless_chosen_and_shown_one_by_one(admin_client):
    short = HEADER + GOOD.replace("08542-3214", "8542")
    assert check(admin_client, short).context["job"].rejected == 1
    preview = check(admin_client, short, columns={"with-repairs": ["zip_zeros"]})
    assert preview.context["job"].new == 1
    page = admin_client.get(preview.redirect_chain[-1][0], {"tab": "repaired"})
    assert "<del>8542</del> <ins>08542</ins>" in page.text


def test_a_second_click_does_nothing(admin_client):
    preview = check(admin_client, HEADER + GOOD)
    press(admin_client, preview)
    assert "has moved on since" in press(admin_client, preview).text
    assert Library.objects.count() == 1


def test_a_cancelled_import_can_t_be_written(admin_client):
    preview = check(admin_client, HEADER + GOOD)
    assert "Cancelled" in press(admin_client, preview, "_cancel").text
    press(admin_client, preview)
    assert not Library.objects.exists()


def test_the_same_file_again_is_pointed_out(admin_client):
    press(admin_client, check(admin_client, HEADER + GOOD))
    assert "The very same file was imported" in check(admin_client, HEADER + GOOD).text


@pytest.mark.parametrize(
    "permissions",
    [
        [],
        ["library.view_library"],
        ["library.view_library", "library.add_library"],
        ["library.view_library", "library.change_library"],
        ["library.add_patron", "library.change_patron"],
    ],
)
def test_import_takes_the_right_to_add_and_to_change(admin_client, client, permissions):
    preview = check(admin_client, HEADER + GOOD + BAD)
    job = preview.context["job"]
    links = re.findall(r'href="([^"]+\.csv)"', preview.text)
    client.force_login(make_user(permissions=permissions))
    pages = [reverse(IMPORT), reverse(JOB, args=[job.pk]), *links]
    pages += [
        reverse(f"admin:library_library_{n}", args=[job.pk])
        for n in ("import_progress", "import_undo")
    ]
    assert [client.get(page).status_code for page in pages] == [403] * len(pages)
    assert upload(client, HEADER + GOOD).status_code == 403
    assert client.post(reverse(PROCESS), {"job": job.pk}).status_code == 403
    assert Change.objects.get().status == "checked"
    listing = client.get(reverse("admin:library_library_changelist"))
    assert reverse(IMPORT) not in listing.text


def test_a_job_of_another_model_is_not_found(admin_client):
    job = check(admin_client, HEADER + GOOD).context["job"]
    url = reverse("admin:library_patron_import_job", args=[job.pk])
    assert admin_client.get(url).status_code == 404


def test_whoever_may_add_and_change_may_import(client):
    client.force_login(make_user(permissions=RIGHTS))
    listing = client.get(reverse("admin:library_library_changelist"))
    assert reverse(IMPORT) in listing.text
    press(client, check(client, HEADER + GOOD))
    assert Library.objects.exists()


def test_the_list_of_imports_has_those_that_one_may_make(admin_client, client):
    job = check(admin_client, HEADER + GOOD).context["job"]
    listing = reverse("admin:backoffice_change_changelist")
    assert "branches.csv" in admin_client.get(listing).text
    entry = admin_client.get(reverse("admin:backoffice_change_change", args=[job.pk]))
    assert entry.url == reverse(JOB, args=[job.pk])
    client.force_login(make_user(permissions=["library.add_patron", "library.change_patron"]))
    assert "branches.csv" not in client.get(listing).text
    client.force_login(make_user())
    assert client.get(listing).status_code == 403


def test_the_list_of_imports_names_records_as_staff_do(admin_client):
    upload(admin_client, HEADER + GOOD)
    page = admin_client.get(reverse("admin:backoffice_change_changelist")).text
    assert '<td data-l="What" class="field-what">libraries</td>' in page
    assert ">library.Library" not in page


@pytest.mark.parametrize("model", ["", "abc", "a.b.c", "library.Gone"])
def test_a_model_that_is_none_has_no_imports(admin_client, model):
    response = admin_client.get(url(Change, "changelist"), {"model": model})
    assert response.status_code == 200


@pytest.mark.parametrize("key", ["abc", "0", "9" * 30])
def test_an_import_that_is_none_is_not_found(admin_client, key):
    assert admin_client.get(url(Change, "change", key)).status_code == 404


def test_each_header_that_is_understood_is_named_once(admin_client):
    columns = admin_client.get(reverse(IMPORT)).context["columns"]
    name, title, headers = columns[0]
    assert (name, title, headers[:2]) == ("name", "Name", ("name", "LIBNAME"))
    assert all(len(set(headers)) == len(headers) for _name, _title, headers in columns)


def test_progress_is_told_to_the_page(admin_client):
    job = upload(admin_client, HEADER + GOOD).context["job"]
    job.take("uploaded", to="checking")
    ImportFile.objects.filter(pk=job.pk).update(lines=2)
    job.beat(1)
    url = reverse("admin:library_library_import_progress", args=[job.pk])
    progress = admin_client.get(url).json()
    assert (progress["running"], progress["rows"], progress["total"]) == (True, 1, 2)
    assert not progress["is_read"]
    page = admin_client.get(reverse(JOB, args=[job.pk]))
    assert "Checking the file" in page.text
    assert "Cancel" in page.text
    job.beat(2)
    assert admin_client.get(url).json()["is_read"]


def test_a_large_file_waits_for_the_worker_and_says_so(
    admin_client, settings, django_capture_on_commit_callbacks
):
    settings.IMPORT_IMMEDIATE_ROWS = 0
    with django_capture_on_commit_callbacks(execute=True):
        page = check(admin_client, HEADER + GOOD)
    assert "Waiting for the worker" in page.text
    assert "No worker has been seen lately" in page.text
    # A second click, or another tab, queues nothing more.
    job = page.context["job"]
    clicked = admin_client.post(reverse(JOB, args=[job.pk]), follow=True)
    assert "Waiting for the worker" in clicked.text
    assert "moved on since" in clicked.text
    assert os.environ["TASKS_URL"] or DBTaskResult.objects.count() == 1
    assert "Cancelled" in press(admin_client, page, "_cancel").text


def test_the_survey_imports_as_it_comes(admin_client, shared_data):
    content = (shared_data / "imls_pls_fy2018_outlets.csv").read_bytes()
    preview = check(admin_client, content, name="outlets.csv")
    job = preview.context["job"]
    assert (job.new, job.rejected) == (17_202, 180)
    assert "17,202 new libraries are written, 180 rows set aside." in preview.text
    assert len(preview.content) < 100_000
    press(admin_client, preview)
    assert Library.objects.count() == 17_202
