"""PostgreSQL stops and starts while staff work: pages say so, nothing is lost or doubled."""

import html
import os
import random
import re
import threading
import time

import pytest
import requests

from tests.faults.house import House, servers
from tests.faults.test_restart import Cluster

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not os.environ.get("POSTGRES_CRASH"), reason="needs the server of .ci/with-postgres"
    ),
]
STOPS = int(os.environ.get("FAULTS_KILLS", 3))
SIGN_IN = """
from django.contrib.auth.models import User
from django.test import Client
from library.models import Library
phone = "212-222-6559"
Library.objects.create(name="L", address="1", state="NY", phone_number=phone, zip_code="10001")
client = Client()
client.force_login(User.objects.create_superuser("ann"))
print(client.session.session_key)
"""
NAMES = """
import json
from library.models import Patron
print(json.dumps([list(Patron.objects.values_list("name", flat=True)), Patron.history.count()]))
"""
ADD, LIST = "/admin/library/patron/add/", "/admin/library/patron/"


class Staff:
    """Somebody who saves one patron after the other, and sends again what was not answered."""

    def __init__(self, server, session):
        self.server, self.answers = server, []
        self.browser = requests.Session()
        self.browser.cookies.set("sessionid", session)
        self.browser.headers["Sec-Fetch-Site"] = "same-origin"

    def ask(self, method, path, **options):
        answer = self.browser.request(
            method, self.server + path, allow_redirects=False, timeout=60, **options
        )
        self.answers.append((method, answer))
        return answer

    def add(self, name):
        while (page := self.ask("GET", ADD)).status_code != 200:
            time.sleep(0.1)
        sent = self.form_of(page, "csrfmiddlewaretoken") | {"name": name, "library": "1"}
        while (page := self.ask("POST", ADD, data=sent)).status_code == 503:
            assert self.form_of(page, 'id="kept-form"') == sent
            time.sleep(0.1)
        assert page.status_code == 302, page.text

    @staticmethod
    def form_of(page, mark):
        """The hidden inputs of the form that has the mark and most of them."""
        forms = [
            form for form in re.findall(r"<form.*?</form>", page.text, re.S) if mark in form
        ]
        found = [
            re.findall(r'type="hidden" name="([^"]+)"(?: value="([^"]*)")?', form)
            for form in forms
        ]
        return {html.unescape(n): html.unescape(v) for n, v in max(found, key=len)}


def test_a_database_that_stops_is_a_page_and_what_was_typed_is_saved_once(tmp_path):
    chance = random.Random(20261127)  # noqa: S311 -- the same moments at every run
    cluster = Cluster()
    try:
        house = House(tmp_path, cluster.url)
        house.run("collectstatic", "--no-input", "-v0")
        session = house.shell(SIGN_IN)
        with servers(house, DEBUG="off", HTTPS="off", DATA_MIN_FREE="0") as server:
            staff, ended, saved = Staff(server, session), threading.Event(), []
            back = []  # seconds from the database's start to the next list

            def work():
                while not ended.is_set():
                    name = f"Reader {len(saved)}"
                    staff.add(name)
                    saved.append(name)

            worker = threading.Thread(target=work)
            worker.start()
            for _stop in range(STOPS):
                time.sleep(0.5 + 2 * chance.random())
                cluster.stop()
                ready = requests.get(f"{server}/ready", timeout=10)
                assert (ready.status_code, ready.json()["checks"]["database"]) == (
                    503,
                    "failed",
                )
                assert requests.get(f"{server}/live", timeout=10).status_code == 200
                nobody = requests.get(f"{server}/admin/login/", timeout=60)
                asked = {"Accept": "application/json"}
                told = requests.get(
                    server + LIST, headers=asked, cookies={"sessionid": session}, timeout=60
                )
                assert (told.status_code, told.json()["error"]) == (503, "no_database")
                assert nobody.status_code in (200, 503)
                cluster.start()
                started = time.monotonic()
                while Staff(server, session).ask("GET", LIST).status_code != 200:
                    assert time.monotonic() < started + 10
                back.append(time.monotonic() - started)
            time.sleep(3)
            ended.set()
            worker.join(60)
            assert not worker.is_alive()
            assert requests.get(f"{server}/ready", timeout=10).status_code == 200
        print(f"{STOPS} stops, {len(saved)} saved, back in {max(back):.2f} s")  # noqa: T201
        told = [answer for _method, answer in staff.answers if answer.status_code == 503]
        assert {answer.status_code for _method, answer in staff.answers} <= {200, 302, 503}
        assert told
        for answer in told:
            assert answer.headers["Retry-After"] == "10"
            assert "<h1>The database is not there</h1>" in answer.text
        names, history = house.json(NAMES)
        assert sorted(names) == sorted(saved)
        assert history == len(saved)
    finally:
        cluster.remove()
