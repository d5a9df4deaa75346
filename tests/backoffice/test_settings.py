"""Settings are safe when nothing is set, and what can be set is written down."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import pytest
from django.apps import apps

from backoffice import conf

ROOT = Path(__file__).resolve().parent.parent.parent
PRINT = """
import json
from django.conf import settings
print(json.dumps({name: getattr(settings, name) for name in dir(settings)}, default=str))
"""


def python(*arguments, cwd=ROOT, **environment):
    """A new process with nothing in its environment but these."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=cwd,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(cwd),
            "DJANGO_SETTINGS_MODULE": "backoffice.settings",
        }
        | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


def read_settings(data_dir, **environment):
    run = python("-c", PRINT, DATA_DIR=str(data_dir), **environment)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def test_defaults_are_safe(tmp_path):
    settings = read_settings(tmp_path)
    assert settings["DEBUG"] is False
    for name in ("SECURE_SSL_REDIRECT", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE"):
        assert settings[name] is True
    assert settings["CONTENT_SECURITY_POLICY"]["DIRECTIVES"]["default-src"] == ["'self'"]
    assert "*" not in settings["ALLOWED_HOSTS"]


def test_the_secret_key_is_made_once_and_kept_to_its_owner(tmp_path):
    first = read_settings(tmp_path / "a")["SECRET_KEY"]
    assert first == read_settings(tmp_path / "a")["SECRET_KEY"]
    assert first != read_settings(tmp_path / "b")["SECRET_KEY"]
    assert len(first) >= 50
    assert (tmp_path / "a" / "secret_key").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o700


def test_a_database_url_of_postgresql_is_understood(tmp_path):
    url = "postgres://staff:p%40ss@db.example.org:5433/library"
    database = read_settings(tmp_path, DATABASE_URL=url)["DATABASES"]["default"]
    assert database["ENGINE"] == "django.db.backends.postgresql"
    assert (database["USER"], database["PASSWORD"]) == ("staff", "p@ss")
    assert (database["HOST"], database["PORT"]) == ("db.example.org", 5433)
    assert database["NAME"] == "library"
    assert database["CONN_HEALTH_CHECKS"] is True


def test_a_replica_is_told_the_same_and_is_postgresql(tmp_path):
    url = "postgres://staff:p%40ss@db.example.org:5433/library"
    other = url.replace("db.", "db2.")
    read = read_settings(tmp_path, DATABASE_URL=url, DATABASE_REPLICA_URL=other)
    primary, replica = read["DATABASES"]["default"], read["DATABASES"]["replica"]
    assert (primary["HOST"], replica["HOST"]) == ("db.example.org", "db2.example.org")
    differs = {name for name in primary if primary[name] != replica.get(name)}
    assert differs == {"ENGINE", "HOST", "CONN_HEALTH_CHECKS", "OPTIONS"}
    short = {"connect_timeout": 2, "tcp_user_timeout": 2000}
    assert replica["OPTIONS"] == primary["OPTIONS"] | short
    assert read["DATABASE_ROUTERS"] == ["backoffice.tables.replica.Router"]
    pooled = read_settings(
        tmp_path, DATABASE_URL=url, DATABASE_REPLICA_URL=other, DATABASE_POOL="transaction"
    )["DATABASES"]["replica"]
    assert replica["ENGINE"] == pooled["ENGINE"] == "backoffice.postgresql.replica"
    assert "options" not in pooled["OPTIONS"]
    assert "replica" not in read_settings(tmp_path, DATABASE_URL=url)["DATABASES"]
    refused = python("-c", PRINT, DATA_DIR=str(tmp_path), DATABASE_REPLICA_URL=url)
    assert "must both name PostgreSQL" in refused.stderr


@pytest.mark.parametrize(
    "name", ["DATABASE_URL", "DATABASE_REPLICA_URL", "EMAIL_URL", "TASKS_URL"]
)
@pytest.mark.parametrize(
    "password", ["giraffe/x", "giraffe?x", "12/giraffe", "12?giraffe", "x@giraffe/"]
)
def test_no_part_of_a_password_is_shown_where_an_address_can_t_be_read(
    tmp_path, name, password
):
    kind = {"EMAIL_URL": "smtp+tls", "TASKS_URL": "redis"}.get(name, "postgres")
    url = f"{kind}://library:{password}@127.0.0.1/library"
    refused = python("-c", PRINT, DATA_DIR=str(tmp_path), **{name: url})
    assert refused.returncode
    assert f"{name} is no address that can be read" in refused.stderr
    assert "giraffe" not in refused.stderr


def test_addresses_that_can_be_read_are_read(tmp_path):
    for password in ("x#giraffe", "x[2]giraffe", "x%2F%3F%40giraffe", "x@giraffe"):
        url = f"postgres://library:{password}@127.0.0.1/library?application_name=a@b"
        database = read_settings(tmp_path, DATABASE_URL=url)["DATABASES"]["default"]
        assert database["PASSWORD"] == unquote(password)
    database = read_settings(tmp_path, DATABASE_URL="sqlite:////srv/a@b/c")["DATABASES"]
    assert database["default"]["NAME"] == "/srv/a@b/c"


def test_an_empty_variable_is_one_that_is_not_set(tmp_path):
    names = (
        "ALLOWED_HOSTS",
        "DATABASE_URL",
        "EMAIL_URL",
        "HTTPS",
        "IMPORT_KEEP_DAYS",
        "LANGUAGES",
    )
    empty = read_settings(tmp_path, **dict.fromkeys(names, ""))
    unset = read_settings(tmp_path)
    assert empty["SECURE_SSL_REDIRECT"]
    for name in (*names[:1], "DATABASES", "EMAIL_BACKEND", *names[3:]):
        assert empty[name] == unset[name]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("HTTPS", "enabled", "HTTPS is a switch: set on or off"),
        ("IMPORT_KEEP_DAYS", "30d", "IMPORT_KEEP_DAYS is not a number"),
        ("REPLICA_WAIT_SECONDS", "short", "REPLICA_WAIT_SECONDS is not a number"),
    ],
)
def test_what_can_t_be_read_is_named_and_not_guessed(tmp_path, name, text, said):
    refused = python("-c", PRINT, DATA_DIR=str(tmp_path), **{name: text})
    assert refused.returncode
    assert said in refused.stderr


def test_any_folder_name_holds_the_data(tmp_path):
    folder = tmp_path / "a b+c#1%41?"
    database = read_settings(folder)["DATABASES"]["default"]
    assert database["NAME"] == str(folder / "db.sqlite3")


def test_the_env_file_is_honoured_and_the_environment_wins(tmp_path):
    (tmp_path / "backoffice").symlink_to(ROOT / "backoffice")
    (tmp_path / ".env").write_text("DEBUG=on\nTIME_ZONE=America/Denver\nDATA_DIR=data\n")
    code = f"""
import pathlib, runpy
# BASE_DIR is found from __file__, which must not follow the link.
pathlib.Path.resolve = pathlib.Path.absolute
values = runpy.run_path({str(tmp_path / "backoffice/settings.py")!r})
print(values["DEBUG"], values["TIME_ZONE"], values["DATA_DIR"])
"""
    run = python("-c", code, cwd=tmp_path, DEBUG="off")
    assert run.returncode == 0, run.stderr
    assert run.stdout.split() == ["False", "America/Denver", str(tmp_path / "data")]
    run = python("-c", code, cwd=tmp_path, DATA_DIR="", TIME_ZONE="Asia/Tokyo")
    assert run.stdout.split() == ["True", "Asia/Tokyo", str(tmp_path / "var")]


def test_every_variable_is_in_the_reference_and_the_reverse():
    source = (ROOT / "backoffice/settings.py").read_text()
    source += (ROOT / "gunicorn.conf.py").read_text()
    read = set(re.findall(r'(?:env\.\w+|environ\.get)\(\s*"([A-Z_]+)"', source))
    page = (ROOT / "docs/reference/settings.md").read_text()
    example = (ROOT / ".env.example").read_text()
    assert set(re.findall(r"^\| `([A-Z_]+)`", page, re.M)) == read
    assert set(re.findall(r"^# ?([A-Z_]+)=", example, re.M)) == read


def test_no_setting_of_ours_has_to_be_set():
    """Each that the code reads has its default in one place."""
    ours = re.compile(r"\bsettings\.((?:IMPORT|EXPORT|DATA)_(?!UPLOAD_)[A-Z_]+)")
    sources = "".join(path.read_text() for path in (ROOT / "backoffice").rglob("*.py"))
    assert set(ours.findall(sources)) <= {"DATA_DIR", *conf.DEFAULTS}


def test_defaults_leave_alone_what_the_project_sets(settings):
    settings.IMPORT_MAX_ROWS = 7
    del settings.IMPORT_MAX_CELL, settings.DATA_DIR
    apps.get_app_config("backoffice").ready()
    assert (settings.IMPORT_MAX_ROWS, settings.IMPORT_MAX_CELL) == (7, conf.IMPORT_MAX_CELL)
    assert settings.DATA_DIR == settings.BASE_DIR / "var"


def test_the_defaults_of_the_reference_are_those_of_the_code():
    page = (ROOT / "docs/reference/settings.md").read_text()
    written = dict(re.findall(r"^\| `([A-Z_]+)` \| `([0-9]+)`", page, re.M))
    for name in set(conf.DEFAULTS) & set(written):
        assert int(written[name]) == conf.DEFAULTS[name]
    assert "IMPORT_MAX_ROWS" in written
