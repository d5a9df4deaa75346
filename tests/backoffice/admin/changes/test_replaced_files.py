"""A mended file takes the place of the first, and a template is there to be filled in."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from backoffice.changes.models import Change
from tests.backoffice.admin.changes.test_columns import job_of
from tests.backoffice.admin.changes.test_imports import (
    BAD,
    GOOD,
    HEADER,
    check,
    press,
)
from tests.factories import make_user

pytestmark = pytest.mark.django_db


REPLACE = "admin:library_library_import_replace"


# Another file ---------------------------------------------------------------------------


def replace(client, job, text):
    file = SimpleUploadedFile("mended.csv", text.encode())
    return client.post(reverse(REPLACE, args=[job.pk]), {"import_file": file}, follow=True)


def test_a_mended_file_takes_the_place_of_the_first_and_is_checked_at_once(admin_client):
    first = check(admin_client, HEADER + GOOD + BAD, columns={"with-only": "new"})
    page = replace(
        admin_client, first.context["job"], HEADER + GOOD + BAD.replace("-4", "212-222-6559")
    )
    job = page.context["job"]
    assert (job.status, job.new, job.rejected, job.title) == ("checked", 2, 0, "mended.csv")
    assert job.file.options["only"] == "new"
    assert job_of(first).status == "cancelled"


def test_decisions_about_rows_that_are_there_too_stay(admin_client, superuser):
    rows = [GOOD.replace("Princeton", name) for name in "ABCD"]
    first = check(admin_client, HEADER + "".join(rows)).context["job"]
    decide = first.file.decisions.create
    decide(line=2, answer="skip", value="x", user=superuser)
    decide(line=3, field="address", value="65 Witherspoon Street", answer="text", text="1 St")
    decide(line=5, field="address", value="65 Witherspoon Street", answer="text", text="2 St")
    decide(field="state", value="NJ", answer="text", text="NY", user=superuser)
    new = [rows[0], GOOD, rows[1], rows[2]]  # B is a row lower, D is gone
    page = replace(admin_client, first, HEADER + "".join(new))
    job = page.context["job"]
    kept = {(d.line, d.field): d for d in job.file.decisions.all()}
    assert set(kept) == {(2, ""), (4, "address"), (None, "state")}
    assert kept[2, ""].value != "x"
    assert kept[None, "state"].user == superuser
    assert "Decisions that still hold: 3" in page.text
    assert "row 5, address" in page.text


def test_a_file_with_other_headers_is_asked_about(admin_client):
    first = check(admin_client, HEADER + GOOD)
    page = replace(admin_client, first.context["job"], HEADER.replace("name", "Wo") + GOOD)
    assert page.context["job"].status == "uploaded"
    assert page.context["form"]["address"].value() == "address"


def test_a_file_that_can_not_be_read_replaces_nothing(admin_client):
    first = check(admin_client, HEADER + GOOD)
    page = replace(admin_client, first.context["job"], "")
    assert page.context["form"].errors["import_file"]
    assert job_of(first).status == "checked"
    assert Change.objects.count() == 1


def test_what_is_written_is_not_replaced(admin_client):
    done = press(admin_client, check(admin_client, HEADER + GOOD))
    assert "has moved on since" in replace(admin_client, done.context["job"], HEADER).text


# Templates ------------------------------------------------------------------------------


def template(client, kind):
    response = client.get(reverse(f"admin:library_library_import_template_{kind}"))
    name = f'attachment; filename="libraries template.{kind}"'
    assert response["Content-Disposition"] == name
    return b"".join(response.streaming_content)


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_template_can_be_filled_in_and_imported(admin_client, kind):
    preview = check(admin_client, template(admin_client, kind), name=f"template.{kind}")
    assert (preview.context["job"].new, preview.context["job"].rejected) == (1, 0)


def test_a_template_takes_the_right_to_import(client):
    client.force_login(make_user(permissions=["library.view_library"]))
    page = client.get(reverse("admin:library_library_import_template_csv"))
    assert page.status_code == 403
