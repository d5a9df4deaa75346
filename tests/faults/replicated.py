"""A site on a primary and its replica, with somebody who sees all, and Bea."""

import csv
import io
import re

import pytest

from tests.faults.house import House, servers
from tests.faults.standby import Pair, wait_for
from tests.faults.test_cut_exports import begun, read_to_the_end
from tests.faults.test_database_gone import Staff

LIST, EXPORT = "/admin/library/library/", "/admin/library/library/export/"
FILL = """
import json
import secrets
from django.contrib.auth.models import User
from django.test import Client
from library.models import Library
from tests.factories import make_user
letters = str.maketrans("0123456789", "ghijklmnop")  # a search for a number finds names alone
Library.objects.bulk_create(
    (
        Library(
            name=f"L {n:05}",
            address=secrets.token_hex(100).translate(letters),
            state="NY" if n % 2 else "CA", phone_number="212-222-6559", zip_code="10001",
        )
        for n in range(30_000)
    ),
    batch_size=5000,
)
rights = ["library.view_library", "library.export_library"]
sessions = []
ann = User.objects.create_superuser("ann")
for user in (ann, make_user(username="bea", permissions=rights)):
    client = Client()
    client.force_login(user)
    sessions.append(client.session.session_key)
print(json.dumps(sessions))
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    pair = Pair()
    try:
        house = House(tmp_path_factory.mktemp("site"), pair.primary.url)
        house.sessions = house.json(FILL)
        pair.copy()
        house.environment["DATABASE_REPLICA_URL"] = pair.standby.url
        house.pair = pair
        with servers(house, WEB_CONCURRENCY="1", WEB_THREADS="1") as house.server:
            yield house
    finally:
        pair.remove()


@pytest.fixture
def ann(site):
    staff = Staff(site.server, site.sessions[0])
    wait_for(lambda: is_read(site, staff))
    return staff


@pytest.fixture
def bea(site):
    return Staff(site.server, site.sessions[1])


def is_read(site, staff):
    """Whether a list comes from the replica: a while after it was away."""
    before = len(site.pair.standby.statements())
    page = staff.ask("GET", LIST)
    assert page.status_code == 200
    return any("library_library" in each for each in site.pair.standby.statements()[before:])


def times_asked(site):
    return sum("pg_last_wal_replay_lsn" in each for each in site.pair.standby.statements())


def names(page):
    return re.findall(r'class="field-name[^>]*>\s*<a [^>]*>([^<]*)</a>', page.text)


def exported(staff):
    with begun(staff.server, staff.browser.cookies["sessionid"], "csv") as response:
        got, is_all = read_to_the_end(response)
    assert is_all
    return list(csv.DictReader(io.StringIO(got.decode())))


def add(staff, name):
    page = staff.ask("GET", f"{LIST}add/")
    data = staff.form_of(page, "csrfmiddlewaretoken") | {
        "name": name, "address": "1", "state": "NY", "phone_number": "212-222-6559",
        "zip_code": "10001",
    }  # fmt: skip
    saved = staff.ask("POST", f"{LIST}add/", data=data)
    assert saved.status_code == 302, saved.text
