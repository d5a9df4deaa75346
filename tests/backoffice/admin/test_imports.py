"""The import pages: upload, check, write; who may, and what happens to bad files."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from backoffice.admin.imports import uploads_dir
from library.models import Library
from tests.factories import make_library, make_user

HEADER = "name,address,state,phone_number,zip_code\n"
GOOD = "Princeton,65 Witherspoon Street,NJ,609-924-9529,08542-3214\n"
BAD = "Seaford,2234 Jackson Ave,NY,-4,11783\n"
IMPORT = "admin:library_library_import"
PROCESS = "admin:library_library_process_import"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def data_dir(settings, tmp_path):
    settings.DATA_DIR = tmp_path


def upload(client, text, *, on_error="abort", name="branches.csv"):
    content = text if isinstance(text, bytes) else text.encode()
    file = SimpleUploadedFile(name, content)
    return client.post(reverse(IMPORT), {"import_file": file, "on_error": on_error})


def confirm(client, preview, **data):
    return client.post(
        reverse(PROCESS), {"token": preview.context["token"], **data}, follow=True
    )


def test_a_file_is_shown_before_it_is_written(admin_client):
    preview = upload(admin_client, HEADER + GOOD)
    assert preview.status_code == 200
    assert preview.context["counts"].new == 1
    assert "08542-3214" in preview.text
    assert not Library.objects.exists()


def test_what_was_shown_is_written_with_the_user_in_history(admin_client, superuser):
    preview = upload(admin_client, HEADER + GOOD)
    done = confirm(admin_client, preview)
    assert "Imported branches.csv: 1 new, 0 updated, 0 unchanged, 0 rejected." in done.text
    record = Library.objects.get().history.get()
    assert (record.history_user, record.history_change_reason) == (
        superuser,
        "import of branches.csv",
    )
    assert list(uploads_dir().iterdir()) == []


def test_old_and_new_values_are_shown(admin_client):
    make_library(name="Princeton", zip_code="08542-3214", state="NJ", address="1 Old Street")
    preview = upload(admin_client, HEADER + GOOD)
    assert "<del>1 Old Street</del> <ins>65 Witherspoon Street</ins>" in preview.text


def test_a_rejected_row_stops_all_unless_told_otherwise(admin_client):
    preview = upload(admin_client, HEADER + GOOD + BAD)
    assert "phone_number" in preview.text
    assert not preview.context["may_write"]
    confirm(admin_client, preview)
    assert not Library.objects.exists()

    preview = upload(admin_client, HEADER + GOOD + BAD, on_error="skip")
    confirm(admin_client, preview)
    assert Library.objects.get().name == "Princeton"


def test_rejected_rows_can_be_downloaded(admin_client):
    preview = upload(admin_client, HEADER + GOOD + BAD)
    response = confirm(admin_client, preview, _rejects="1")
    text = b"".join(response.streaming_content).decode()
    assert text.splitlines()[0].endswith(",error")
    assert "row 3, phone_number '-4'" in text
    assert "branches-rejects.csv" in response["Content-Disposition"]


@pytest.mark.parametrize(
    "content",
    [b"", b"\x00\x01\x02\xff" * 50, b"a,b\n1,2\n", b"PK\x03\x04 no zip at all"],
)
def test_a_file_that_can_t_be_used_is_an_error_of_the_form(admin_client, content):
    response = upload(admin_client, content)
    assert response.status_code == 200
    assert response.context["form"].errors["import_file"]
    assert list(uploads_dir().iterdir()) == []


def test_a_file_with_a_header_alone_has_nothing_to_write(admin_client):
    assert "There is nothing to write." in upload(admin_client, HEADER).text


def test_a_database_that_moved_stops_the_import(admin_client):
    preview = upload(admin_client, HEADER + GOOD)
    make_library(name="Princeton", zip_code="08542-3214")
    assert "The database has changed since the check" in confirm(admin_client, preview).text
    assert Library.objects.count() == 1


def test_a_preview_can_t_be_confirmed_twice(admin_client):
    preview = upload(admin_client, HEADER + GOOD)
    confirm(admin_client, preview)
    again = confirm(admin_client, preview)
    assert "That upload is no longer here" in again.text
    assert Library.objects.count() == 1


def test_a_preview_can_t_be_forged_nor_used_by_another(admin_client, client):
    preview = upload(admin_client, HEADER + GOOD)
    token = preview.context["token"]
    client.force_login(make_user(is_superuser=True))
    for forged in (token, token[:-2] + "xx", "", "../../etc/passwd"):
        response = client.post(reverse(PROCESS), {"token": forged}, follow=True)
        assert "That upload is no longer here" in response.text
    assert not Library.objects.exists()


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
def test_import_takes_the_right_to_add_and_to_change(client, permissions):
    client.force_login(make_user(permissions=permissions))
    assert client.get(reverse(IMPORT)).status_code == 403
    assert upload(client, HEADER + GOOD).status_code == 403
    assert client.post(reverse(PROCESS), {"token": "x"}).status_code == 403
    listing = client.get(reverse("admin:library_library_changelist"))
    assert reverse(IMPORT) not in listing.text


def test_whoever_may_add_and_change_may_import(client):
    rights = ["library.view_library", "library.add_library", "library.change_library"]
    client.force_login(make_user(permissions=rights))
    listing = client.get(reverse("admin:library_library_changelist"))
    assert reverse(IMPORT) in listing.text
    confirm(client, upload(client, HEADER + GOOD))
    assert Library.objects.exists()


def test_the_survey_imports_as_it_comes(admin_client, shared_data):
    content = (shared_data / "imls_pls_fy2018_outlets.csv").read_bytes()
    preview = upload(admin_client, content, on_error="skip", name="outlets.csv")
    counts = preview.context["counts"]
    assert (counts.new, counts.rejected) == (17_202, 276)
    assert len(preview.content) < 200_000
    done = confirm(admin_client, preview)
    assert "17202 new, 0 updated, 0 unchanged, 276 rejected" in done.text
    assert Library.objects.count() == 17_202
