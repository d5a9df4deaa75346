"""The same form at the same moment, to two web servers: done once, and all get its answer."""

import html
import http.cookiejar
import re
import threading
import urllib.error
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.faults.house import servers

pytestmark = pytest.mark.slow

AT_ONCE = 6
SIGN_IN = """
from django.contrib.auth.models import User
from django.test import Client
from library.models import Book, Library, Patron
client = Client()
client.force_login(User.objects.create_superuser("ann"))
phone = "212-222-6559"
Library.objects.create(name="L", address="1", state="NY", phone_number=phone, zip_code="10001")
Book.objects.create(title="T")
print(client.session.session_key)
"""
CHECK = """
from backoffice.jobs.steps import check_job
from backoffice.changes.models import Change
check_job(Change.objects.get(pk={pk}))
print(1)
"""
COUNTS = """
import json
from backoffice.changes.models import Change
from library.models import Book, Library, Patron
print(json.dumps({
    "patrons": [Patron.objects.count(), Patron.history.count()],
    "books": [Book.objects.count(), Book.history.count()],
    "libraries": [Library.objects.count(), Library.history.count()],
    "changes": Change.objects.count(),
}))
"""


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args):
        return None


class Browser:
    """Cookies, forms as they are in the page, and answers as they come."""

    def __init__(self, url, session):
        self.url, self.session = url, session
        self.jar = http.cookiejar.CookieJar()
        cookies = urllib.request.HTTPCookieProcessor(self.jar)
        self.opener = urllib.request.build_opener(cookies, NoRedirect)

    def send(self, path, data=None, headers=()):
        """`(status, where it leads to, text)`."""
        cookies = [f"{cookie.name}={cookie.value}" for cookie in self.jar]
        cookies.append(f"sessionid={self.session}")
        headers = dict(headers) | {"Cookie": "; ".join(cookies), "Origin": self.url}
        request = urllib.request.Request(self.url + path, data, headers)  # noqa: S310
        try:
            with self.opener.open(request, timeout=60) as answer:
                return answer.status, None, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.headers.get("Location"), error.read().decode()

    def form(self, path, mark, **data):
        """The hidden inputs of the form that has `mark`, and `data`."""
        _status, _to, text = self.send(path)
        return self.form_in(text, mark, **data)

    @staticmethod
    def form_in(text, mark, **data):
        for form in re.findall(r"<form[^>]*>.*?</form>", text, re.S):
            if mark in form:
                inputs = re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', form)
                found = {html.unescape(n): html.unescape(v) for n, v in inputs}
                return found | data
        raise AssertionError(text)

    def post(self, path, data):
        return self.send(path, urllib.parse.urlencode(data, doseq=True).encode())

    def post_file(self, path, data, name, content):
        border = "xXx"
        parts = [
            f'--{border}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'
            for key, value in data.items()
        ]
        parts.append(
            f"--{border}\r\nContent-Disposition: form-data;"
            f' name="{name}"; filename="f.csv"\r\n\r\n{content}\r\n--{border}--\r\n'
        )
        kind = {"Content-Type": f"multipart/form-data; boundary={border}"}
        return self.send(path, "".join(parts).encode(), kind)


def together(send):
    """What each of AT_ONCE answers is, sent at the same moment."""
    barrier = threading.Barrier(AT_ONCE)

    def one(_number):
        barrier.wait(10)
        return send()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(one, range(AT_ONCE)))


def assert_one_answer(answers):
    assert {status for status, _to, _text in answers} == {302}, answers
    (to,) = {to for _status, to, _text in answers}
    return to


def test_the_same_form_at_once_is_done_once(house):
    session = house.shell(SIGN_IN)
    with servers(house) as url:
        browser = Browser(url, session)

        # First: the race is there, as a form without its token shows.
        add, books = "/admin/library/patron/add/", "/admin/library/book/"
        data = browser.form(add, "patron_form", name="Ann", library="1")
        token = data.pop("_once")
        together(lambda: browser.post(add, data))
        assert house.json(COUNTS)["patrons"] == [AT_ONCE, AT_ONCE]

        data |= {"_once": token, "name": "Bob"}
        assert_one_answer(together(lambda: browser.post(add, data)))
        assert house.json(COUNTS)["patrons"] == [AT_ONCE + 1, AT_ONCE + 1]

        # A list's deletion, which counts what it would do.
        asked = {"action": "delete_selected", "_selected_action": "1", "index": "0"}
        first = browser.form(books, "changelist-form") | asked
        _status, _to, text = browser.post(books, first)
        data = browser.form_in(text, 'name="post"')
        assert_one_answer(together(lambda: browser.post(books, data)))
        counts = house.json(COUNTS)
        assert (counts["books"], counts["changes"]) == ([0, 2], 1)

        # An import, which commits step by step.
        upload = "/admin/library/library/import/"
        data = browser.form(upload, "import-form")
        lines = ["name,address,state,phone_number,zip_code"]
        lines += [f"N{n},1 Main Street,NY,212-222-6559,10001" for n in range(200)]
        rows = "\n".join(lines)
        sent = together(lambda: browser.post_file(upload, data, "import_file", rows))
        job = assert_one_answer(sent)
        assert house.json(COUNTS)["changes"] == 2
        house.shell(CHECK.format(pk=job.split("/")[-2]))
        _status, _to, text = browser.send(job)
        state = html.unescape(re.search(r'name="_apply" value="([^"]*)"', text)[1])
        data = browser.form_in(text, 'id="review"', _apply=state)
        assert_one_answer(together(lambda: browser.post(job, data)))
        assert house.json(COUNTS)["libraries"] == [201, 201]
