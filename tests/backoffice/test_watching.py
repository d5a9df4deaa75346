"""Metrics are for whoever knows the token; a report to Sentry names nobody."""

import gzip
import http.server
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from django.db import DatabaseError
from prometheus_client.parser import text_string_to_metric_families

from backoffice import optional
from backoffice.changes.models import Change
from backoffice.metrics import Jobs
from backoffice.tables.replica import Outcome, asked

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "b2" * 16


def numbers(text):
    return {
        (sample.name, *(v for k, v in sorted(sample.labels.items()) if k != "le")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.mark.django_db
def test_metrics_are_for_whoever_knows_the_token(client, settings):
    settings.METRICS_TOKEN = TOKEN
    first, *others = settings.MIDDLEWARE
    settings.MIDDLEWARE = [first, "backoffice.metrics.measure", *others]
    settings.ALLOWED_HOSTS, settings.SECURE_SSL_REDIRECT = ["library.example.org"], True
    Change.objects.create(model="library.Library", status="checked", waiting="applying")
    asked.send(sender=None, outcome=Outcome.BEHIND)
    secure = {"HTTP_HOST": "library.example.org", "secure": True}
    client.get("/admin/login/?q=Fry", **secure)
    client.generic("FRY", "/admin/login/", **secure)
    for header in ("", "Bearer", "Bearer " + TOKEN[:-1], "Bearer é"):
        closed = client.get("/metrics", headers={"Authorization": header}, **secure)
        assert closed.status_code == 404
    answer = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})  # no TLS
    assert answer.status_code == 200
    text = answer.content.decode()
    found = numbers(text)
    login = ("backoffice_request_seconds_count", "GET", "admin:login", "200")
    assert found[login] >= 1
    assert found["backoffice_request_seconds_count", "GET", "none", "404"] >= 4
    assert found["backoffice_request_seconds_count", "other", "none", "405"] >= 1
    assert "Fry" not in text
    assert "FRY" not in text
    assert found["backoffice_replica_reads_total", "behind"] >= 1
    assert found["backoffice_jobs", "waiting"] == 1
    assert found["backoffice_jobs", "running"] == 0
    assert found["backoffice_database_up",] == 1


@pytest.mark.django_db
def test_metrics_tell_that_the_database_does_not_answer(monkeypatch):
    def fail(**lookups):
        raise DatabaseError

    monkeypatch.setattr(Change.objects, "exclude", fail)
    jobs, _workers, reached = Jobs().collect()
    assert (jobs.samples, [s.value for s in reached.samples]) == ([], [0])


def test_what_is_on_without_its_package_is_an_error(settings, monkeypatch):
    assert optional.check_packages() == []
    settings.METRICS_TOKEN, settings.SENTRY_DSN = "short", "https://key@example.org/1"
    assert [error.id for error in optional.check_packages()] == ["backoffice.E111"]
    monkeypatch.setattr(optional, "find_spec", lambda name: None)
    *missing, _short = optional.check_packages()
    assert [error.id for error in missing] == ["backoffice.E110"] * 2
    assert "requirements-watch.txt" in missing[0].hint
    settings.METRICS_TOKEN = settings.SENTRY_DSN = ""
    settings.TASKS_URL = "redis://127.0.0.1"
    (error,) = optional.check_packages()
    assert "requirements-rq.txt" in error.hint


FAULTS = """
import logging, django
from django.conf import settings
django.setup()
import sentry_sdk
from django.http import HttpResponse
from django.test import Client
from django.urls import path
from backoffice.logs import about

def broken(request, pk):
    patron = request.POST["name"]
    try:
        raise KeyError(patron)
    except KeyError:
        raise ValueError(f"{patron} lives in {request.GET['q']}")

urlpatterns = [path("broken/<pk>/", broken, name="broken")]
settings.ROOT_URLCONF = "__main__"
settings.MIDDLEWARE = ["backoffice.access.log_requests"]
Client(raise_request_exception=False).post(
    "/broken/Philip/?q=Philip+street", {"name": "Philip J. Fry"},
    headers={"X-Request-ID": "seen-1", "Cookie": "a=Philip", "User-Agent": "Philip"},
    REMOTE_ADDR="192.0.2.99",
)
settings.MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
Client().get("/Philip/", headers={"Host": "Philip"})
with about(job=77, user="Philip"):
    logging.getLogger("backoffice.feeds").error("The file of %s is odd", "Philip")
    logging.getLogger("elsewhere").error("Philip wrote this")
sentry_sdk.flush()
"""


def test_a_report_says_what_broke_where_and_names_nobody(tmp_path):
    bodies = []

    class Sentry(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            zipped = self.headers.get("Content-Encoding") == "gzip"
            bodies.append((gzip.decompress(body) if zipped else body).decode())
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Sentry)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    run = subprocess.run(
        [sys.executable, "-c", FAULTS],
        cwd=ROOT,
        env=os.environ
        | {
            "DJANGO_SETTINGS_MODULE": "backoffice.settings",
            "DATA_DIR": str(tmp_path),
            "BEHIND_PROXY": "on",
            "ALLOWED_HOSTS": "testserver",
            "SENTRY_DSN": f"http://key@127.0.0.1:{server.server_port}/1",
        },
        capture_output=True,
        text=True,
        timeout=120,
    )
    server.shutdown()
    server.server_close()
    assert run.returncode == 0, run.stderr
    everything = "\n".join(bodies)
    for personal in ("Philip", "192.0.2.99", "street"):
        assert personal not in everything
    events = [json.loads(line) for line in everything.splitlines() if '"event_id"' in line]
    events = [event for event in events if "level" in event]
    page, host, feed, other = events
    assert [each["type"] for each in page["exception"]["values"]] == ["KeyError", "ValueError"]
    assert "broken" in json.dumps(page["exception"]["values"][-1]["stacktrace"])
    assert page["tags"] == {"request": "seen-1"}
    assert page["transaction"] == "/broken/{pk}/"
    assert [each["type"] for each in host["exception"]["values"]] == ["DisallowedHost"]
    assert not {"transaction", "logentry"} & host.keys()
    assert feed["logentry"]["message"] == "The file of %s is odd"
    assert feed["tags"] == {"job": "77"}
    assert "logentry" not in other
