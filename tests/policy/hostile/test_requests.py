"""Headers, bodies and files that no browser sends."""

import json

import pytest

from tests.policy.hostile.sending import Sender, report
from tests.policy.hostile.texts import TEXTS, some

PAGES = [
    "/",
    "/admin/",
    "/admin/login/",
    "/admin/library/patron/",
    "/admin/library/patron/add/",
]
HEADERS = [
    *("Host", "Origin", "Referer", "Accept", "Accept-Language", "Accept-Encoding"),
    *("Accept-Charset", "User-Agent", "Cookie", "Range", "If-Modified-Since", "If-None-Match"),
    *("X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port"),
    *("Forwarded", "X-Real-Ip", "X-Original-Url", "X-Rewrite-Url", "X-Http-Method-Override"),
    *("X-Requested-With", "Sec-Fetch-Site", "X-Csrftoken", "Authorization", "Content-Length"),
    *(
        "Transfer-Encoding",
        "Expect",
        "Upgrade",
        "Connection",
        "Remote-User",
        "Content-Encoding",
    ),
]

pytestmark = pytest.mark.django_db


def as_given(text):
    """As a server gives it: bytes as Latin-1, without line ends."""
    return text.encode().decode("latin-1").translate({10: None, 13: None, 0: None})


@pytest.mark.parametrize("part", range(4))
def test_a_header_of_any_text_breaks_nothing(world, part):
    sender, found = Sender(world), []
    for number, header in enumerate(HEADERS[part::4]):
        for kind, text in some(number, 24).items():
            for method in ("get", "post"):
                page = PAGES[number % len(PAGES)]
                wrong = sender.send(method, page, headers={header: as_given(text)})
                found.append((header, method + page, kind, wrong))
    report(found)


BODIES = {
    "no boundary": ("multipart/form-data", b"--x\r\n\r\n"),
    "a blank boundary": ('multipart/form-data; boundary=""', b"--\r\n\r\n--"),
    "a boundary that is no text": (
        "multipart/form-data; boundary=\xff\x00",
        b"--x\r\n\r\n--x--",
    ),
    "a long boundary": (f"multipart/form-data; boundary={'x' * 300}", b"--x\r\n"),
    "cut off": (
        "multipart/form-data; boundary=x",
        b'--x\r\nContent-Disposition: form-data; name="import_file"; filename="a"\r\n\r\nna',
    ),
    "a file name that is no text": (
        "multipart/form-data; boundary=x",
        b'--x\r\nContent-Disposition: form-data; name="import_file"; filename="\xff\x00\r"'
        b"\r\n\r\nname\r\n--x--\r\n",
    ),
    "base64 that is none": (
        "multipart/form-data; boundary=x",
        b'--x\r\nContent-Disposition: form-data; name="name"\r\n'
        b"Content-Transfer-Encoding: base64\r\n\r\n!!!\r\n--x--\r\n",
    ),
    "an unknown charset": ("application/x-www-form-urlencoded; charset=zq7", b"name=\xff"),
    "utf-7": ("application/x-www-form-urlencoded; charset=utf-7", b"name=+ADw-script+AD4-"),
    "a lone surrogate": (
        "application/x-www-form-urlencoded",
        b"name=%ED%A0%80&_once=%ED%A0%80",
    ),
    "bytes that are no text": ("application/x-www-form-urlencoded", b"name=%FF&\xff=\xfe"),
    "the same name often": ("application/x-www-form-urlencoded", b"&".join([b"name=a"] * 900)),
    "too many names": (
        "application/x-www-form-urlencoded",
        b"&".join(b"a%d=" % n for n in range(2_000)),
    ),
    "too long": ("application/x-www-form-urlencoded", b"name=" + b"a" * 3_000_000),
    "json": ("application/json", json.dumps({"name": "x"}).encode()),
    "deep json": ("application/json", b"[" * 100_000),
    "xml": ("text/xml", TEXTS["xml"].encode()),
    "no type": ("", b"name=x"),
    "a type of any text": (TEXTS["format"], b"name=x"),
    "nothing": ("application/x-www-form-urlencoded", b""),
}
FORMS = [
    *("/admin/login/", "/admin/library/patron/add/", "/admin/library/patron/import/"),
    *("/admin/library/patron/", "/admin/library/patron/export/", "/admin/password_change/"),
    *("/admin/library/library/picker/book_set/", "/admin/library/patron/process_import/"),
    *("/admin/library/patron/save-filter/?name=x", "/admin/auth/user/add/", "/admin/logout/"),
]


@pytest.mark.parametrize("kind", BODIES)
def test_a_body_of_any_kind_breaks_nothing(world, kind):
    sender, (content_type, body) = Sender(world), BODIES[kind]
    report(
        (page, kind, "", sender.send("generic", "POST", page, body, content_type))
        for page in FORMS
    )
