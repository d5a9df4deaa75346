"""The columns page: how a file is read, which column is which field, what is written."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from backoffice.admin.changes.columns import ColumnPages
from backoffice.changes.models import Change, ImportFile
from backoffice.exports.sheets import xlsx_blocks
from backoffice.jobs import tasks
from backoffice.jobs.profiles import save_profile
from library.models import Library
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
from tests.factories import make_library, make_patron, make_user

pytestmark = pytest.mark.django_db


def send(client, page, *, button="_show", **changes):
    """What a browser sends of the columns page, with these changes, by a button."""
    job = page.context["job"]
    data = sent(page.context) | changes | {button: "1"}
    return client.post(reverse(JOB, args=[job.pk]), data, follow=True)


def rows_by_name(page):
    return {row.field.name: row for row in page.context["rows"]}


def job_of(page):
    return Change.objects.get(pk=page.context["job"].pk)


# How the file is read -------------------------------------------------------------------


def test_the_first_rows_are_shown_as_they_are_read(admin_client):
    page = upload(admin_client, "Branches of 2026\n" + HEADER + GOOD)
    assert "Branches of 2026" in page.text
    assert '<tr class="header"><th scope="row">2' in page.text
    assert page.context["source"].header_row == 2


def test_another_encoding_or_delimiter_is_shown_anew(admin_client):
    page = upload(admin_client, (HEADER + GOOD.replace("Princeton", "Chávez")).encode("cp1252"))
    assert "Chávez" in page.text
    page = send(admin_client, page, **{"reading-encoding": "mac-roman"})
    assert "Ch·vez" in page.text
    assert job_of(page).file.options["encoding"] == "mac-roman"
    page = send(admin_client, page, **{"reading-delimiter": "tab"})
    assert "None of the file" not in page.text
    assert page.context["source"].headers == [HEADER.strip()]
    page = send(admin_client, page, **{"reading-delimiter": ",", "reading-encoding": ""})
    assert page.context["form"]["zip_code"].value() == "zip_code"


def test_choices_that_come_when_somebody_has_begun_to_check_are_not_kept(
    admin_client, monkeypatch
):
    """What is reviewed is found by the choices of the check: these would be written."""
    page, open_it = upload(admin_client, HEADER + GOOD), ColumnPages._open

    def open_late(job, options):
        tasks.start_check(Change.objects.get(pk=job.pk))
        return open_it(job, options)

    monkeypatch.setattr(ColumnPages, "_open", staticmethod(open_late))
    page = send(admin_client, page, button="_check", **{"reading-encoding": "mac-roman"})
    assert "the import has moved on since" in page.text
    assert (job_of(page).status, job_of(page).checked_by) == ("checked", None)
    assert not job_of(page).file.options.get("encoding")


def test_a_profile_that_is_kept_brings_no_choices_of_before_back(admin_client):
    file = job_of(upload(admin_client, HEADER + GOOD)).file
    ImportFile.objects.get(pk=file.pk).choose({**file.options, "encoding": "mac-roman"})
    save_profile(file, "County", headers=["name"], user=None)
    options = ImportFile.objects.get(pk=file.pk).options
    assert (options["encoding"], options["profile"]) == ("mac-roman", "County")


def test_an_encoding_that_does_not_fit_is_said_and_not_kept(admin_client):
    page = upload(admin_client, (HEADER + GOOD.replace("Princeton", "Chávez")).encode("cp1252"))
    page = send(admin_client, page, **{"reading-encoding": "utf-8"})
    assert "encoding" in page.context["reading"].non_field_errors()[0]
    assert not job_of(page).file.options.get("encoding")
    assert job_of(page).status == "uploaded"


def test_a_header_that_is_not_found_is_chosen_among_the_first_rows(admin_client):
    text = "a,1,2,3,4\nb,5,6,7,8\nWo,Wie,Was,Ruf,PLZ\n" + GOOD
    page = upload(admin_client, text)
    assert "No row is surely the header" in page.context["problem"]
    assert "Ruf" in page.text
    page = send(admin_client, page, **{"reading-header_row": "3"})
    assert page.context["problem"] == ""
    assert page.context["source"].headers == ["Wo", "Wie", "Was", "Ruf", "PLZ"]
    assert job_of(page).file.options["header_row"] == 3


def test_a_row_that_is_no_header_is_said(admin_client):
    page = upload(admin_client, HEADER + GOOD)
    page = send(admin_client, page, **{"reading-header_row": "9"})
    assert "Row 9 can't be the header" in page.context["problem"]
    page = send(admin_client, page, button="_check", **{"reading-header_row": "9"})
    assert job_of(page).status == "uploaded"


def test_the_sheet_can_be_chosen_among_those_with_data(admin_client):
    one, two = [["name"], ["A"]], [HEADER.strip().split(","), GOOD.strip().split(",")]
    book = b"".join(xlsx_blocks([one], [two], names=["Notes", "Branches & more"]))
    page = upload(admin_client, book, name="branches.xlsx")
    choices = page.context["reading"].fields["sheet"].choices
    assert choices == [("", "Notes"), ("Notes", "Notes"), ("Branches & more",) * 2]
    page = send(admin_client, page, **{"reading-sheet": "Branches & more"})
    assert page.context["form"]["zip_code"].value() == "zip_code"
    assert send(admin_client, page, button="_check").context["job"].new == 1


# Columns --------------------------------------------------------------------------------


def test_fields_have_the_names_of_their_form(admin_client):
    row = rows_by_name(upload(admin_client, HEADER + GOOD))["zip_code"]
    assert (row.field.label, row.constant.label) == ("ZIP code", "ZIP code in every row")


def test_a_text_for_every_row_stands_in_for_a_column(admin_client):
    text = "name,address,phone_number,zip_code\nPrinceton,65 Street,609-924-9529,08542\n"
    preview = check(admin_client, text, columns={"constant-state": "NJ"})
    assert preview.context["job"].new == 1
    press(admin_client, preview)
    assert Library.objects.get().state == "NJ"


def test_a_column_and_a_text_for_every_row_contradict_each_other(admin_client):
    page = check(admin_client, HEADER + GOOD, columns={"constant-state": "NJ"})
    assert "not both" in page.context["form"].errors["state"][0]


def test_values_are_listed_with_what_they_become_the_bad_ones_first(admin_client):
    page = upload(admin_client, HEADER + GOOD * 2 + GOOD.replace("NJ", "New York") + BAD)
    listed = {v.text: v for v in rows_by_name(page)["state"].values}
    assert (listed["New York"].becomes, listed["NJ"].rows) == ("NY", 2)
    first = rows_by_name(page)["phone_number"].values[0]
    assert (first.text, first.rows) == ("-4", 1)
    assert "code, not a number" in first.problem
    assert rows_by_name(page)["phone_number"].bad == 1


def test_references_are_looked_up(admin_client):
    make_library(name="Main")
    page = upload_patrons(admin_client, "name,library\nAnn,Main\nBob,Nowhere\n")
    listed = {v.text: v for v in rows_by_name(page)["library"].values}
    assert (listed["Main"].becomes, listed["Main"].problem) == ("Main", "")
    assert "No such record" in listed["Nowhere"].problem


def upload_patrons(client, text):
    file = SimpleUploadedFile("patrons.csv", text.encode())
    url = reverse("admin:library_patron_import")
    return client.post(url, {"import_file": file}, follow=True)


def test_a_value_is_read_as_another_where_that_was_written(admin_client):
    page = upload(admin_client, HEADER + GOOD + BAD)
    values = [v.text for v in rows_by_name(page)["phone_number"].values]
    at = f"values-phone_number-{values.index('-4')}"
    page = send(admin_client, page, **{at: "212-222-6559"})
    row = rows_by_name(page)["phone_number"]
    assert (row.values[0].rule, row.values[0].becomes) == ("212-222-6559", "212-222-6559")
    preview = send(admin_client, page, button="_check")
    assert (preview.context["job"].new, preview.context["job"].rejected) == (2, 0)


def test_a_value_that_an_input_would_change_is_left_out(admin_client):
    text = HEADER + GOOD.replace("65 Witherspoon Street", '"65 Street\nFloor 2"') + GOOD
    page = upload(admin_client, text)
    assert [v.text for v in rows_by_name(page)["address"].values] == ["65 Witherspoon Street"]
    preview = send(admin_client, page, button="_check")
    assert preview.context["job"].file.options["values"] == {}


# What is written ------------------------------------------------------------------------


def test_match_keys_are_offered_with_what_they_would_find(admin_client):
    make_library(name="Princeton", zip_code="99999", phone_number="609-924-9529")
    rows = "".join(f"B{i},{i} Main St,NY,212-222-{i:04},10001\n" for i in range(20))
    page = upload(admin_client, HEADER + GOOD + rows)
    keys = {key.fields: key for key, _named in page.context["keys"]}
    assert (keys["name", "zip_code"].one, keys["name", "zip_code"].none) == (0, 21)
    assert (keys["name",].one, keys["name",].none) == (1, 20)
    assert ("state",) not in keys
    assert "of the first 21 rows, 1 find a record, 20 find none" in page.text
    preview = send(admin_client, page, button="_check", **{"with-match": "name"})
    assert (preview.context["job"].updated, preview.context["job"].new) == (1, 20)


def test_a_large_table_is_not_searched_without_an_index(admin_client, monkeypatch):
    monkeypatch.setattr("backoffice.imports.sample.LARGE", 0)
    rows = "".join(f"B{i},{i} Main St,NY,212-222-{i:04},{i:05}\n" for i in range(20))
    page = upload(admin_client, HEADER + rows)
    assert ("address",) in [key.fields for key, _named in page.context["keys"]]
    make_library()
    page = upload(admin_client, HEADER + rows)
    found = [key.fields for key, _named in page.context["keys"]]
    assert ("name", "address") in found
    assert ("address",) not in found


def test_a_key_that_finds_several_says_so(admin_client):
    make_library(name="Princeton", zip_code="1")
    make_library(name="Princeton", zip_code="2")
    page = upload(admin_client, HEADER + GOOD)
    assert "<b>1 find several</b>" in page.text


def test_a_key_of_references_finds_records(admin_client):
    library = make_library(name="Main")
    make_patron(name="Ann", library=library)
    page = upload_patrons(admin_client, "name,library\nAnn,Main\nBob,Main\n")
    key, named = page.context["keys"][0]
    assert (key.fields, key.one, key.none) == (("name", "library"), 1, 1)
    assert named == ["Name", "Library"]


def test_a_key_that_is_none_is_refused(admin_client):
    page = upload(admin_client, HEADER + GOOD)
    page = send(admin_client, page, button="_check", **{"with-match": "colour"})
    assert "be matched by colour" in page.context["form"].non_field_errors()[0]
    assert job_of(page).status == "uploaded"


def test_new_records_alone_and_fields_that_stay(admin_client):
    library = make_library(name="Princeton", zip_code="08542-3214", address="1 Old", state="NY")
    text = HEADER + GOOD + GOOD.replace("Princeton", "Other")
    preview = check(admin_client, text, columns={"keep-address": "on"})
    press(admin_client, preview)
    library.refresh_from_db()
    assert (library.address, library.state) == ("1 Old", "NJ")
    preview = check(admin_client, text, columns={"with-only": "new"})
    assert preview.context["job"].unchanged == 2


def test_texts_that_say_nothing_are_blank(admin_client):
    text = HEADER + GOOD.replace("NJ", "N/A") + GOOD.replace("Princeton", "B")
    preview = check(admin_client, text, columns={"with-nothing": "N/A\r\n\r\n -1 "})
    assert preview.context["job"].file.options["nothing"] == ["N/A", "-1"]
    assert "A new record needs it, and the cell is blank." in preview.text


def test_what_the_file_lacks_goes_with_the_right_to_delete(admin_client, client):
    make_library(name="Gone", state="NJ")
    make_library(name="Elsewhere", state="NY")
    preview = check(admin_client, HEADER + GOOD, columns={"with-mirror": "state=NJ\r\n"})
    job = preview.context["job"]
    assert job.file.options["mirror"] == ["state=NJ"]
    assert job.file.found["missing"]["count"] == 1
    page = check(admin_client, HEADER + GOOD, columns={"with-mirror": "colour=red"})
    assert "A mirror wants" in page.context["form"].non_field_errors()[0]
    client.force_login(make_user(permissions=RIGHTS))
    assert upload(client, HEADER + GOOD).context["form"]["with-mirror"].is_hidden
    preview = check(client, HEADER + GOOD, columns={"with-mirror": "state=NJ"})
    assert preview.context["job"].file.options["mirror"] == []


# Staying and coming back ----------------------------------------------------------------


def test_choices_stay_when_the_rows_are_shown_again(admin_client):
    page = upload(admin_client, HEADER + GOOD)
    page = send(admin_client, page, address="", **{"constant-address": "?", "with-only": "new"})
    page = admin_client.get(reverse(JOB, args=[page.context["job"].pk]))
    assert page.context["form"]["constant-address"].value() == "?"
    assert page.context["form"]["with-only"].value() == "new"
    assert page.context["form"]["address"].value() == ""


def test_from_the_review_one_can_go_back_to_the_columns(admin_client):
    preview = check(admin_client, HEADER + GOOD, columns={"address": ""})
    job = preview.context["job"]
    back = reverse("admin:library_library_import_columns", args=[job.pk])
    page = admin_client.post(back, follow=True)
    assert page.context["form"]["address"].value() == ""
    again = send(admin_client, page, button="_check", address="address")
    assert again.context["job"].new == 1
    press(admin_client, again)
    assert "has moved on since" in admin_client.post(back, follow=True).text


def test_an_import_that_failed_goes_back_to_the_columns(admin_client):
    text = "name,zip_code,name\nPrinceton,08542,Main\n"
    failed = check(admin_client, text)
    back = reverse("admin:library_library_import_columns", args=[failed.context["job"].pk])
    assert (job_of(failed).status, back in failed.text) == ("failed", True)
    page = admin_client.post(back, follow=True)
    assert page.context["form"]["name"].value() == "name"
    again = send(admin_client, page, button="_check", name="name (column C)")
    assert again.context["job"].status == "checked"


# Profiles -------------------------------------------------------------------------------
