"""Headers of every response, static files and errors too, and cookies of this host alone."""

import json

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import path

from backoffice.headers import HEADERS
from backoffice.urls import (  # noqa: F401 -- of this URLconf as well
    handler400,
    handler403,
    handler404,
    handler500,
)
from backoffice.urls import (
    urlpatterns as house,
)
from tests.backoffice.test_settings import python

pytestmark = pytest.mark.django_db

#: Signs in, saves and signs out over TLS; prints the attributes of each cookie that was set.
SIGN_IN = """
import json
import django
django.setup()
from django.conf import settings
from django.core.management import call_command
from django.test import Client
from django.contrib.auth.models import Group, User
settings.ALLOWED_HOSTS = ["testserver"]
settings.STORAGES["staticfiles"]["BACKEND"] = (
    "django.contrib.staticfiles.storage.StaticFilesStorage"
)
call_command("migrate", verbosity=0)
User.objects.create_superuser("ann", password="Zq9x-ruby-4")
client, cookies = Client(), {}

def note(response):
    for name, morsel in response.cookies.items():
        if morsel.value:
            cookies[name] = {key: value for key, value in morsel.items() if value}
    return response

note(client.get("/admin/login/", secure=True))
typed = {"username": "ann", "password": "Zq9x-ruby-4"}
assert note(client.post("/admin/login/", typed, secure=True)).status_code == 302
note(client.post("/admin/auth/group/add/", {"name": "Readers"}, secure=True))
assert Group.objects.exists()
print(json.dumps(cookies))
"""


def broken(request):
    raise RuntimeError


urlpatterns = [*house, path("broken/", broken)]


@pytest.fixture
def responses(admin_client, settings):
    """A response of each kind, by what it is."""
    settings.ROOT_URLCONF = __name__
    settings.WHITENOISE_USE_FINDERS = settings.WHITENOISE_AUTOREFRESH = True
    assert finders.find("backoffice/theme.css")
    outsider = Client(raise_request_exception=False)
    file = outsider.get("/static/backoffice/theme.css")
    b"".join(file.streaming_content)  # closes it, and not the connection of the test
    return {
        "a page": admin_client.get("/admin/"),
        "the page to sign in": outsider.get("/admin/login/"),
        "a redirect": outsider.get("/admin/"),
        "a static file": file,
        "an error 404": outsider.get("/nowhere/"),
        "a form from elsewhere": Client(enforce_csrf_checks=True).post("/admin/login/"),
        "an error 500": outsider.get("/broken/"),
        "another host": outsider.get("/admin/", headers={"host": "evil.example"}),
    }


def test_every_response_has_them(responses):
    statuses = {what: response.status_code for what, response in responses.items()}
    assert statuses == {
        "a page": 200,
        "the page to sign in": 200,
        "a redirect": 302,
        "a static file": 200,
        "an error 404": 404,
        "a form from elsewhere": 403,
        "an error 500": 500,
        "another host": 400,
    }
    for what, response in responses.items():
        found = {name: response.headers.get(name) for name in HEADERS}
        assert found == HEADERS, what
        assert "frame-ancestors 'none'" in response.headers["Content-Security-Policy"], what


@pytest.mark.slow
def test_cookies_are_of_this_host_alone_over_tls_and_no_script_reads_them(tmp_path):
    run = python("-c", SIGN_IN, DATA_DIR=str(tmp_path), ALLOWED_HOSTS="testserver")
    assert run.returncode == 0, run.stderr
    cookies = json.loads(run.stdout)
    assert set(cookies) == {"__Host-sessionid", "__Host-csrftoken", "__Host-messages"}
    for name, attributes in cookies.items():
        assert "domain" not in attributes
        kept = {key: attributes.get(key) for key in ("path", "secure", "httponly", "samesite")}
        assert kept == {"path": "/", "secure": True, "httponly": True, "samesite": "Lax"}, name
