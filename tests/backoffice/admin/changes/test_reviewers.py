"""Reviewers: two at once, and what one may not see, decide or forge."""

import json

import pytest
from django.urls import reverse

from backoffice.changes.decisions import Decision
from backoffice.changes.models import Change
from backoffice.jobs.review import Review
from library.models import Library
from tests.backoffice.admin.changes.test_imports import (
    BAD,
    GOOD,
    HEADER,
    PROCESS,
    RIGHTS,
    check,
)
from tests.backoffice.admin.changes.test_review import (
    WORSE,
    Form,
    counts,
    make_alike,
    page,
    send,
)
from tests.backoffice.admin.pages import model_admin
from tests.factories import make_library, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann(client):
    return make_user(username="ann", permissions=RIGHTS)


def decide_as(user, response, **fields):
    job = Change.objects.get(pk=response.context["job"].pk)
    Review(job).decide(user, Decision(**fields))


def test_what_another_decided_about_a_row_is_not_overwritten(admin_client, ann):
    review = check(admin_client, HEADER + GOOD + BAD)
    decide_as(ann, review, line=3, field="phone_number", answer="text", text="212-222-6559")
    data = Form(review).data | {"cell:3:phone_number": ["609-924-9529"]}
    after = send(admin_client, review, data)
    assert "Meanwhile ann decided: row 3" in after.text
    assert Decision.objects.get().user == ann
    # Seen by now, it may be replaced.
    after = page(admin_client, review, tab="all", edit="3")
    form = Form(after)
    send(admin_client, after, form.data | {"decide": ['{"line": 3, "answer": "skip"}']})
    assert set(Decision.objects.values_list("answer", flat=True)) >= {"skip"}


def test_what_another_decided_for_a_cause_is_not_overwritten(admin_client, ann):
    review = check(admin_client, HEADER + GOOD + BAD + WORSE)
    says = Form(review).press("decide", "set aside")
    about = json.loads(says["decide"][0])
    decide_as(ann, review, **about | {"answer": "blank"})
    assert "Meanwhile ann decided" in send(admin_client, review, says).text
    assert Decision.objects.get().answer == "blank"


def test_what_another_decided_is_told_with_the_next_answer(admin_client, ann):
    review = check(admin_client, HEADER + GOOD + BAD + WORSE)
    decide_as(ann, review, line=4, answer="skip")
    after = send(admin_client, review, Form(review).press("decide", "Skip row 3"))
    assert "Since this page was made, ann decided (1," in after.text
    assert counts(after)["aside"] == 2


def test_only_what_the_page_says_is_written(admin_client, ann):
    review = check(admin_client, HEADER + GOOD + BAD)
    write = Form(review).press("_apply")
    decide_as(ann, review, line=2, answer="skip")
    after = send(admin_client, review, write)
    assert "Nothing is written yet" in after.text
    assert not Library.objects.exists()


def test_what_was_typed_is_saved_and_shown_before_it_is_written(admin_client):
    review = check(admin_client, HEADER + GOOD + BAD)
    form = Form(review)
    typed = form.press("_apply") | {"cell:3:phone_number": ["212-222-6559"]}
    after = send(admin_client, review, typed)
    assert "Nothing is written yet" in after.text
    assert not Library.objects.exists()
    done = send(admin_client, after, Form(after).press("_apply"))
    assert done.context["job"].status == "done"
    assert Library.objects.count() == 2


def test_nobody_writes_twice(admin_client):
    review = check(admin_client, HEADER + GOOD)
    write = Form(review).press("_apply")
    send(admin_client, review, write)
    send(admin_client, review, write)
    assert Library.objects.count() == 1


def test_only_a_review_writes(admin_client):
    job = check(admin_client, HEADER + GOOD).context["job"].pk
    sent = admin_client.post(reverse(PROCESS), {"job": job, "_apply": "1"})
    assert sent.status_code == 400
    assert not Library.objects.exists()


def test_nothing_is_decided_about_what_is_written(admin_client):
    review = check(admin_client, HEADER + GOOD + BAD)
    skip = Form(review).press("decide", "Skip row 3")
    send(admin_client, review, Form(review).press("_apply"))
    send(admin_client, review, skip)
    assert not Decision.objects.exists()


# What may not be done -------------------------------------------------------------------


def test_a_record_that_may_not_be_seen_is_not_shown(admin_client, monkeypatch):
    make_library(name="Princeton", zip_code="08542-3214", address="1 Secret Street")
    kind = type(model_admin(Library))
    seen = kind.get_queryset
    monkeypatch.setattr(
        kind, "get_queryset", lambda *args: seen(*args).exclude(address__contains="Secret")
    )
    review = check(admin_client, HEADER + GOOD)
    assert "Its record is not shown to you." in review.text
    assert "Secret" not in review.text


def test_a_look_alike_that_may_not_be_seen_is_not_shown(admin_client, monkeypatch):
    text = make_alike()
    kind = type(model_admin(Library))
    seen = kind.get_queryset
    monkeypatch.setattr(kind, "get_queryset", lambda *args: seen(*args).exclude(name="Seaford"))
    review = check(admin_client, text)
    assert "Seaford" not in review.text
    assert "9 Other Street" not in review.text
    assert "It concerns a record that you may not see." in review.text


def test_downloads_have_nothing_of_records_that_may_not_be_seen(admin_client, monkeypatch):
    text = make_alike() + GOOD
    make_library(name="Princeton", zip_code="08542-3214", address="1 Secret Street")
    review = check(admin_client, text)

    def download(name):
        job = review.context["job"].pk
        address = reverse("admin:library_library_import_file", args=[job, name])
        return b"".join(admin_client.get(address).streaming_content).decode()

    assert "1 Secret Street" in download("changes.csv")
    assert "Seaford" in download("rejects.csv")
    kind = type(model_admin(Library))
    seen = kind.get_queryset
    monkeypatch.setattr(kind, "get_queryset", lambda *args: seen(*args).filter(name="Dover"))
    assert "3,updated" in download("changes.csv")
    assert "Secret" not in download("changes.csv")
    assert "SEAFORD" in download("rejects.csv")
    assert "Seaford" not in download("rejects.csv")


def test_decisions_take_the_rights_of_an_import(admin_client, client):
    review = check(admin_client, HEADER + GOOD + BAD)
    skip = Form(review).press("decide", "Skip row 3")
    client.force_login(make_user(permissions=["library.view_library", "library.add_library"]))
    assert send(client, review, skip).status_code == 403
    assert not Decision.objects.exists()


@pytest.mark.parametrize(
    "data",
    [
        {"decide": "x"},
        {"decide": "[]"},
        {"decide": '{"line": 3, "pk": "1"}'},
        {"decide": '{"line": 3, "answer": 5}'},
        {"decide": '{"line": "-1", "answer": "skip"}'},
        {"decide": '{"line": 99, "answer": "skip"}'},
        {"take_back": "x"},
        {"seen:3": "[1]"},
        {"seen:x": "{}"},
        {"cell:" + "9" * 30 + ":name": "x"},
    ],
)
def test_a_forged_form_is_refused(admin_client, data):
    review = check(admin_client, HEADER + GOOD + BAD)
    assert send(admin_client, review, data).status_code == 400
    assert not Decision.objects.exists()


@pytest.mark.parametrize(
    "data",
    [
        {"decide": '{"line": 3, "answer": "text"}'},
        {"decide": '{"line": 3, "field": "nowhere", "answer": "blank"}'},
        {"decide": '{"answer": "skip"}'},
        {"cell:3:phone_number": "\0"},
        {"take_back": "99"},
        {"since": "yesterday"},
    ],
)
def test_what_can_not_be_decided_is_said(admin_client, data):
    review = check(admin_client, HEADER + GOOD + BAD)
    assert send(admin_client, review, data).status_code == 200
    assert not Decision.objects.exists()


def test_what_is_no_longer_kept_can_be_checked_again(admin_client):
    review = check(admin_client, HEADER + GOOD)
    job = Change.objects.get(pk=review.context["job"].pk)
    job.file.remove()
    assert page(admin_client, review).status_code == 200
