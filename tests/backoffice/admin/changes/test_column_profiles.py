"""What is chosen on the columns page is kept as a profile, and offered again."""

from unittest.mock import Mock

import pytest
from django.db import DatabaseError, connection
from django.urls import reverse

from backoffice.changes.decisions import Decision
from backoffice.changes.models import ImportFile
from backoffice.changes.profiles import Profile
from backoffice.jobs import profiles
from backoffice.jobs.opening import open_job
from backoffice.jobs.profiles import remember
from tests.backoffice.admin.changes.test_columns import send
from tests.backoffice.admin.changes.test_imports import (
    BAD,
    GOOD,
    HEADER,
    JOB,
    RIGHTS,
    check,
    upload,
)
from tests.backoffice.admin.submissions.tokens import token
from tests.factories import make_user

pytestmark = pytest.mark.django_db
PROFILE = "admin:library_library_import_profile"


def keep(client, text, *, name="County", **choices):
    page = upload(client, text)
    return send(client, page, button="_keep", **{"with-name": name}, **choices)


def test_choices_are_kept_as_a_profile_and_offered_for_such_a_file(admin_client, superuser):
    keep(admin_client, HEADER + GOOD, state="", **{"constant-state": "VT", "with-only": "new"})
    profile = Profile.objects.get()
    assert (profile.name, profile.owner, profile.model) == (
        "County",
        superuser,
        "library.Library",
    )
    page = upload(admin_client, HEADER + BAD)
    assert "as in the profile <strong>County</strong>" in page.text
    assert page.context["form"]["constant-state"].value() == "VT"
    assert page.context["form"]["with-only"].value() == "new"
    other = upload(admin_client, HEADER.replace("address", "street") + GOOD)
    assert other.context["used"] in (None, "")


def test_a_profile_can_be_left_and_taken(admin_client):
    keep(admin_client, HEADER + GOOD, **{"with-only": "new"})
    page = upload(admin_client, HEADER + GOOD)
    page = send(admin_client, page, **{"with-profile": ""})
    assert page.context["form"]["with-only"].value() == ""
    page = send(admin_client, page, **{"with-profile": "County"})
    assert page.context["form"]["with-only"].value() == "new"


def test_a_profile_is_chosen_at_the_upload(admin_client):
    keep(admin_client, HEADER + GOOD, **{"with-only": "updates"})
    text = HEADER.replace("address", "street") + GOOD
    page = upload(admin_client, text, profile=Profile.objects.get().pk)
    assert page.context["form"]["with-only"].value() == "updates"
    assert page.context["form"]["address"].value() == ""  # there is no such column


def test_a_profile_needs_a_name_and_is_replaced_by_one_of_its_name(admin_client, client):
    page = keep(admin_client, HEADER + GOOD, name=" ")
    assert page.context["form"].errors["with-name"]
    keep(admin_client, HEADER + GOOD)
    keep(admin_client, HEADER + GOOD, **{"with-only": "new"})
    assert Profile.objects.get().options["only"] == "new"


def test_another_profile_is_not_overwritten(admin_client):
    keep(admin_client, HEADER + GOOD, name="County", **{"with-only": "new"})
    other = HEADER.replace("address", "Street")
    page = keep(admin_client, other + GOOD, name="County", address="Street")
    assert "There is a profile “County” already." in page.text
    job = page.context["job"]
    admin_client.post(reverse(PROFILE, args=[job.pk]), {"name": "County"})
    assert Profile.objects.get().options["only"] == "new"


def test_a_profile_that_another_makes_meanwhile_is_not_overwritten(admin_client, monkeypatch):
    page = upload(admin_client, HEADER + GOOD)

    def made_meanwhile(options):
        Profile.objects.create(model="library.Library", name="County", options={"only": "new"})
        return options

    monkeypatch.setattr(profiles, "chosen", made_meanwhile)
    page = send(admin_client, page, button="_keep", **{"with-name": "County"})
    assert "There is a profile “County” already." in page.text
    assert Profile.objects.get().options == {"only": "new"}


def test_whoever_keeps_a_profile_is_its_owner(client, admin_client, settings):
    settings.IMPORT_FOLDER = "/srv/feeds"
    keep(admin_client, HEADER + GOOD)
    ann = make_user(permissions=RIGHTS)
    client.force_login(ann)
    page = send(client, upload(client, HEADER + GOOD), button="_keep")
    assert "written in your name" in page.text
    assert Profile.objects.get().owner == ann


def test_what_was_decided_about_values_is_kept_from_the_review(admin_client, superuser):
    job = check(admin_client, HEADER + GOOD + BAD, columns={"with-only": "new"}).context["job"]
    decide = job.file.decisions.create
    decide(field="phone_number", value="-4", answer="text", text="212-222-6559")
    decide(line=3, field="phone_number", value="-4", answer="blank")
    decide(code="code", field="phone_number", answer="skip")
    keep_it = reverse(PROFILE, args=[job.pk])
    assert keep_it in admin_client.get(reverse(JOB, args=[job.pk])).text
    admin_client.post(keep_it, {"name": " "})
    assert not Profile.objects.exists()
    page = admin_client.post(keep_it, {"name": "County"}, follow=True)
    assert "kept as the profile “County”" in page.text
    profile = Profile.objects.get()
    assert profile.options["values"] == {"phone_number": {"-4": "212-222-6559"}}
    assert (profile.options["only"], profile.owner) == ("new", superuser)
    jersey = Decision(field="state", value="Jersey", answer="text", text="NJ")
    ann = make_user()
    assert remember(profile, ann, jersey)
    profile.refresh_from_db()
    assert profile.options["values"]["state"] == {"Jersey": "NJ"}
    assert (profile.owner, "phone_number" in profile.options["values"]) == (ann, True)
    assert not remember(profile, superuser, Decision(line=3, answer="skip"))
    profile.refresh_from_db()
    assert profile.owner == ann
    assert check(admin_client, HEADER + BAD).context["job"].new == 1


@pytest.mark.django_db(transaction=True)
def test_a_profile_is_kept_as_a_whole_and_no_transaction_waits_for_a_large_sheet(
    admin_client, monkeypatch
):
    page = check(admin_client, HEADER + GOOD)
    keep_it = reverse(PROFILE, args=[page.context["job"].pk])
    form = token(page) | {"name": "County"}
    in_transaction = []

    def opened(job):
        in_transaction.append(connection.in_atomic_block)
        return open_job(job)

    monkeypatch.setattr("backoffice.admin.changes.columns.open_job", opened)
    with monkeypatch.context() as cut:
        cut.setattr(ImportFile, "save", Mock(side_effect=DatabaseError))
        with pytest.raises(DatabaseError):
            admin_client.post(keep_it, form)
    assert not Profile.objects.exists()
    for _click in range(2):
        assert admin_client.post(keep_it, form).status_code == 302
    assert Profile.objects.get().name == "County"
    assert in_transaction == [False, False]
