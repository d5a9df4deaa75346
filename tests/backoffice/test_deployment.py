"""What `check --deploy` says of a deployment; to the guide's settings it says nothing."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.contrib.auth.models import Group, User
from django.core.checks import Tags, run_checks
from django.db import connection
from django.db.models.functions import Now
from django_otp.plugins.otp_totp.models import TOTPDevice

from backoffice.jobs import workers
from tests.backoffice.admin.pages import perm
from tests.factories import make_user

ROOT = Path(__file__).resolve().parent.parent.parent
GUIDE = (ROOT / "docs/how-to/deploy.md").read_text(encoding="utf-8")


def test_the_settings_of_the_guide_pass_the_check(tmp_path):
    """The database of the guide is not there: what can be checked without it is."""
    given = re.search(r"^```env\n(ALLOWED_HOSTS=.*?)^```", GUIDE, re.M | re.S)[1]
    given += re.search(r"^Environment=(.*)$", GUIDE, re.M)[1].replace(" ", "\n")
    environment = dict(line.split("=", 1) for line in given.splitlines())
    assert {"ALLOWED_HOSTS", "DATABASE_URL", "WEB_CONCURRENCY"} <= set(environment)
    run = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **environment, "DATA_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (run.returncode, run.stderr) == (0, "")


MODEL_BACKEND = "django.contrib.auth.backends.ModelBackend"
THROTTLE = "backoffice.signin.throttle.Backend"


@pytest.fixture
def deployed(settings, tmp_path, monkeypatch, db):
    """The settings of a deployment by the guide, a role, and a worker that is alive."""
    Group.objects.create(name="Administrator")
    monkeypatch.delenv("WEB_CONCURRENCY", raising=False)
    settings.DATA_DIR = tmp_path
    workers.give_sign()
    settings.ALLOWED_HOSTS = ["library.example.org"]
    settings.SECOND_FACTOR_ROLES = ["superusers", "Administrator"]
    settings.BEHIND_PROXY = settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    settings.SECURE_HSTS_SECONDS = 3600
    return settings


def warnings(*, deploy=True):
    """The ids of our own, and what they say."""
    found = run_checks(tags=[Tags.security], include_deployment_checks=deploy)
    return {each.id: f"{each.msg} {each.hint}" for each in found if "backoffice.W1" in each.id}


@pytest.mark.parametrize(("name", "made"), [("data", Path.mkdir), (".env", Path.touch)])
def test_what_everybody_on_the_machine_may_read_is_named(deployed, tmp_path, name, made):
    deployed.DATA_DIR, deployed.BASE_DIR = tmp_path / "data", tmp_path
    path = tmp_path / name
    made(path)
    for rights, is_open in ((0o700, False), (0o750, False), (0o701, True), (0o744, True)):
        path.chmod(rights)
        assert (f"chmod o-rwx {path}" in warnings().get("backoffice.W123", "")) == is_open


@pytest.mark.parametrize(
    ("wrong", "number", "named"),
    [
        ({}, None, ""),
        ({"DEBUG": True}, "W100", "library.example.org"),
        ({"DEBUG": True, "ALLOWED_HOSTS": ["localhost", "*"]}, "W100", "*"),
        ({"SESSION_COOKIE_SECURE": False}, "W103", "SESSION_COOKIE_SECURE"),
        ({"SECURE_HSTS_SECONDS": 0}, "W103", "SECURE_HSTS_SECONDS"),
        ({"BEHIND_PROXY": False}, "W103", "BEHIND_PROXY"),
        ({"BEHIND_PROXY": False, "SECURE_PROXY_SSL_HEADER": None}, "W104", "BEHIND_PROXY=on"),
        ({"AUTHENTICATION_BACKENDS": [MODEL_BACKEND]}, "W101", "Nobody counts"),
        ({"AUTHENTICATION_BACKENDS": [MODEL_BACKEND, THROTTLE]}, "W101", "Nobody counts"),
        ({"AXES_ENABLED": False}, "W101", "Nobody counts"),
        ({"SIGN_IN_ACCOUNT_FAILURES": 1000}, "W101", "is 1000"),
        ({"SECOND_FACTOR_ROLES": ()}, "W102", "No account has to"),
        ({"SESSION_HOURS": 1000}, "W105", "1000 hours"),
        ({"SESSION_IDLE_MINUTES": 10_000}, "W105", "10000 minutes"),
        (
            {"SESSION_ENGINE": "django.contrib.sessions.backends.db"},
            "W105",
            "do not end when nobody uses them",
        ),
    ],
)
def test_what_is_set_wrong_is_told(deployed, wrong, number, named):
    for name, value in wrong.items():
        setattr(deployed, name, value)
    found = warnings()
    assert list(found) == ([f"backoffice.{number}"] if number else [])
    assert named in "".join(found.values())


def test_only_the_one_about_debug_is_made_at_every_start(deployed):
    deployed.DEBUG, deployed.BEHIND_PROXY = True, False
    assert list(warnings(deploy=False)) == ["backoffice.W100"]
    deployed.ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
    assert warnings(deploy=False) == {}


def test_accounts_that_manage_accounts_without_a_second_factor_are_counted(deployed):
    make_user(username="root", is_superuser=True)
    may = make_user(username="anna", permissions=[perm("change", User)])
    make_user(username="away", permissions=[perm("change", Group)], is_active=False)
    make_user(username="reader", permissions=[perm("view", User)])
    assert "1 accounts may change accounts" in warnings()["backoffice.W102"]
    deployed.SECOND_FACTOR_ROLES = ["Administrator"]
    assert "2 accounts" in warnings()["backoffice.W102"]
    deployed.SECOND_FACTOR_ROLES = ["superusers", "Administrator"]

    device = TOTPDevice.objects.create(user=may, name="app", confirmed=False)
    assert "1 accounts" in warnings()["backoffice.W102"]
    TOTPDevice.objects.filter(pk=device.pk).update(confirmed=True)
    assert warnings() == {}
    device.delete()
    may.groups.add(Group.objects.get(name="Administrator"))
    assert warnings() == {}
    may.groups.clear()
    deployed.SECOND_FACTOR_ROLES = ["*"]
    assert warnings() == {}


def test_a_missing_worker_is_told_unless_none_is_needed(deployed):
    workers.sign_off()
    assert "manage.py worker" in warnings()["backoffice.W106"]
    deployed.TASKS = {
        "default": {"BACKEND": "django_tasks.backends.immediate.ImmediateBackend"}
    }
    assert warnings() == {}


@pytest.mark.skipif(connection.vendor != "sqlite", reason="others let many write")
def test_many_processes_on_sqlite_are_told(deployed, monkeypatch):
    monkeypatch.setenv("WEB_CONCURRENCY", "4")
    assert "4 processes of gunicorn and 1 workers" in warnings()["backoffice.W107"]
    monkeypatch.setenv("WEB_CONCURRENCY", "2")
    assert warnings() == {}
    workers.Worker.objects.create(name="another-1", seen_at=Now())
    assert "2 workers" in warnings()["backoffice.W107"]


@pytest.mark.skipif(connection.vendor == "sqlite", reason="one file is one writer's")
def test_many_processes_on_postgresql_are_fine(deployed, monkeypatch):
    monkeypatch.setenv("WEB_CONCURRENCY", "4")
    assert warnings() == {}
