"""Each request has an id, in its answer and in all it logs, and a line of the access log."""

import json
import logging
from io import StringIO

import pytest
from django.test import Client
from django.urls import reverse

from backoffice.changes.models import Change
from backoffice.jobs import tasks
from backoffice.logs import JSONFormatter, subject
from backoffice.signin import links
from backoffice.signin.links import token_for
from tests.backoffice.admin.lists.test_exports import unread
from tests.factories import make_library, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def lines():
    """Call it for the lines of the log since, as JSON."""
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JSONFormatter())
    loggers = {
        logging.getLogger(name): logging.getLogger(name).level
        for name in ("backoffice.access", "backoffice.exports", "django.request", "backoffice")
    }
    for each in loggers:
        each.setLevel(logging.INFO)
    root = logging.getLogger()
    root.addHandler(handler)
    yield lambda: [
        line
        for line in map(json.loads, stream.getvalue().splitlines())
        if line["logger"] != "backoffice.signin"
    ]
    root.removeHandler(handler)
    for each, level in loggers.items():
        each.setLevel(level)


def test_a_page_is_a_line_without_its_query(client, lines):
    client.force_login(make_user(username="leela", is_superuser=True))
    answer = client.get("/admin/library/patron/?q=Philip+Fry", REMOTE_ADDR="10.1.2.3")
    (line,) = lines()
    number = answer.headers["X-Request-ID"]
    assert len(number) == 32
    assert line.pop("seconds") > 0
    assert "Fry" not in str(line)
    assert line | {"time": "", "message": ""} == {
        "time": "",
        "level": "INFO",
        "logger": "backoffice.access",
        "message": "",
        "request": number,
        "user": "leela",
        "address": "10.1.2.3",
        "method": "GET",
        "path": "/admin/library/patron/",
        "status": 200,
        "bytes": len(answer.content),
    }
    assert subject() == {}  # the next line is about something else


def test_whatever_a_request_logs_has_its_id(client, lines):
    client.force_login(make_user(username="leela", is_superuser=True))
    answer = client.get("/admin/nothing/")
    assert answer.status_code == 404
    found = lines()
    assert [line["logger"] for line in found] == ["backoffice.access", "django.request"]
    assert {line["request"] for line in found} == {answer.headers["X-Request-ID"]}
    assert {line["user"] for line in found} == {"leela"}


@pytest.mark.parametrize("trusted", [True, False])
def test_an_id_and_an_address_are_taken_from_a_trusted_proxy_alone(
    trusted, client, lines, settings
):
    settings.BEHIND_PROXY = trusted
    headers = {"X-Request-ID": "proxy-1", "X-Forwarded-For": "6.6.6.6, 192.0.2.7"}
    answer = client.get("/admin/login/", headers=headers, REMOTE_ADDR="10.0.0.1")
    (line,) = lines()
    assert (line["request"] == "proxy-1") is trusted
    assert line["request"] == answer.headers["X-Request-ID"]
    assert line["address"] == ("192.0.2.7" if trusted else "10.0.0.1")
    assert "user" not in line
    for odd in ("a b", "x" * 129, "a\u00e9", '"'):
        answer = client.get("/admin/login/", headers={"X-Request-ID": odd})
        assert len(answer.headers["X-Request-ID"]) == 32


def test_an_export_is_a_line_when_it_has_ended_or_was_cut_off(client, lines):
    client.force_login(make_user(username="leela", is_superuser=True))
    make_library(name="Apple")
    whole = unread(client)
    assert lines() == []  # not yet
    body = b"".join(whole.streaming_content)
    cut = unread(client)
    next(cut.streaming_content)
    cut._iterator.close()  # the client's, which leaves the test's connection open
    told, ended, told_cut, ended_cut = lines()
    assert (ended["bytes"], "cut" in ended) == (len(body), False)
    assert ended_cut["cut"] is True
    assert 0 < ended_cut["bytes"] <= len(body)
    assert told["request"] == ended["request"] == whole.headers["X-Request-ID"]
    assert told_cut["request"] == ended_cut["request"] != ended["request"]
    assert "broke off" in told_cut["message"]


def test_the_token_of_a_link_is_not_told(client, lines, settings):
    user = make_user(username="leela", is_superuser=True)
    settings.SECURE_SSL_REDIRECT = True  # answers before the path is looked at
    token = token_for(user)
    client.get(reverse("admin:sign_in_by_link", args=[token]))
    (line,) = lines()
    assert line["path"].endswith("/link/…/")
    assert token not in json.dumps(line, ensure_ascii=False)


@pytest.mark.parametrize("failing", [False, True], ids=["used", "fault"])
def test_a_link_that_fails_is_told_without_its_token(client, lines, monkeypatch, failing):
    """A fault leaves it as good as it was."""
    token = token_for(make_user())
    monkeypatch.setattr(links, "account_for", lambda token: 1 / 0 if failing else None)
    client.raise_request_exception = False
    client.get(reverse("admin:sign_in_by_link", args=[token]))
    found = lines()
    text = "Internal Server Error" if failing else "Gone"
    told = [line["message"] for line in found if line["logger"] == "django.request"]
    assert told == [f"{text}: /admin/sign-in/link/…/"]
    assert token not in json.dumps(found, ensure_ascii=False)


def test_a_form_of_elsewhere_is_told_without_token_and_query(lines):
    token = token_for(make_user())
    client = Client(enforce_csrf_checks=True)
    client.post(
        reverse("admin:sign_in_by_link", args=[token]),
        headers={"Referer": "https://elsewhere.example/?q=Fry"},
        secure=True,
    )
    found = lines()
    assert "django.security.csrf" in [line["logger"] for line in found]
    assert token not in json.dumps(found, ensure_ascii=False)
    assert "elsewhere.example/" in str(found)
    assert "Fry" not in str(found)


def test_lines_of_a_job_have_its_key(lines):
    job = Change.objects.create(model="library.Library", title="a.csv", status="uploaded")

    def fail(job):
        logging.getLogger("backoffice.jobs.steps").warning("Something")

    tasks._run(fail, job.pk, None, "")
    something, ended = lines()
    assert something["job"] == ended["job"] == job.pk
    assert f"Change {job.pk} is uploaded after" in ended["message"]
    assert subject() == {}


def test_a_probe_has_a_line_only_when_it_fails(client, lines):
    assert client.get("/live").status_code == 200
    assert client.get("/live/").status_code == 404  # no probe
    assert client.post("/live").status_code == 405
    found = [line["path"] for line in lines() if line["logger"] == "backoffice.access"]
    assert found == ["/live/", "/live"]
