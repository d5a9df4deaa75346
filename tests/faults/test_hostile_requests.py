"""What no browser sends, byte by byte, to the server that the deploy guide starts.

Each is answered, by no error of the server's own, and others are still served afterwards.
"""

import re
import socket
import time
from urllib.parse import urlsplit

import pytest

from tests.faults.house import House, servers

pytestmark = pytest.mark.slow

SIGN_IN = """
from django.contrib.auth.models import User
from django.test import Client
client = Client()
client.force_login(User.objects.create_superuser("ann"))
print(client.session.session_key)
"""
CHANGES = "from backoffice.changes.models import Change; print(Change.objects.count())"
PAGE = "/admin/login/"
HOST = b"Host: localhost\r\nConnection: close\r\n"
GET = f"GET {PAGE} HTTP/1.1".encode()
POST = f"POST {PAGE} HTTP/1.1".encode()
FORM = b"Content-Type: application/x-www-form-urlencoded\r\n"
MULTIPART = b"Content-Type: multipart/form-data; boundary=x\r\n"
PART = b'--x\r\nContent-Disposition: form-data; name="import_file"; filename="a.csv"\r\n'
FILE = PART + b"\r\nname,library\r\nAnn,Home\r\n"
END = b"\r\n--x--\r\n"
LIMIT = 2_000_000  # of an upload


def length(number):
    return f"Content-Length: {number}\r\n".encode()


def request(line, headers=b"", body=b"", *, host=HOST):
    return line + b"\r\n" + host + headers + b"\r\n" + body


def line(target, method=b"GET"):
    return request(method + b" " + target + b" HTTP/1.1")


HEADERS = {
    "a large one": b"X-A: " + b"a" * 1_000_000 + b"\r\n",
    "a large cookie": b"Cookie: sessionid=" + b"a" * 8_000 + b"\r\n",
    "many": b"".join(b"X-A%d: b\r\n" % number for number in range(5_000)),
    "a line end": b"X-A: a\rSet-Cookie: zq7=1\r\n",
    "a null": b"X-A: a\0b\r\n",
    "a fold": b"X-A: a\r\n b\r\n",
    "no colon": b"XA\r\n",
    "no name": b": x\r\n",
    "a blank before the colon": b"X-A : x\r\n",
    "a name that is no text": b"X-\xff: x\r\n",
    "a value that is no text": b"X-A: \xff\xfe\r\nUser-Agent: \xed\xa0\x80\r\n",
    "a cookie that is no text": b"Cookie: sessionid=\xff\xed\xa0\x80; csrftoken=\xff\r\n",
    "another host": b"Host: zq7.example\r\n",
    "a scheme by two names": b"X-Forwarded-Proto: https\r\nX-Forwarded-Ssl: off\r\n",
    "the path": b"PATH_INFO: /zq7/\r\n",
    "the start of the path": b"SCRIPT_NAME: /zq7\r\n",
    "who it is": b"REMOTE_USER: ann\r\nRemote-User: ann\r\n",
    "an expectation": b"Expect: zq7\r\n",
    "an upgrade": b"Connection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n",
}
LENGTHS = {
    name: b"Content-Length:" + value + b"\r\n"
    for name, value in {
        "negative": b" -1",
        "a word": b" abc",
        "a sign": b" +3",
        "an underscore": b" 1_0",
        "digits of others": " ٣".encode(),
        "none": b"",
        "a list": b" 3, 3",
        "a hundred digits": b" " + b"9" * 100,
        "five thousand digits": b" " + b"9" * 5_000,
        "twice": b" 3\r\nContent-Length: 3",
        "two lengths": b" 3\r\nContent-Length: 4",
        "chunks as well": b" 3\r\nTransfer-Encoding: chunked",
    }.items()
}
CHUNKS = {
    "whole": b"3\r\na=b\r\n0\r\n\r\n",
    "a size that is none": b"zz\r\na=b\r\n0\r\n\r\n",
    "a negative size": b"-3\r\na=b\r\n0\r\n\r\n",
    "a large size": b"f" * 40 + b"\r\na=b\r\n",
    "a long extension": b"3;a=" + b"b" * 9_000 + b"\r\na=b\r\n0\r\n\r\n",
    "a trailer": b"3\r\na=b\r\n0\r\nContent-Length: 9\r\n\r\n",
}
WHOLE = {
    **{f"header: {name}": request(GET, value) for name, value in HEADERS.items()},
    **{f"length: {name}": request(POST, value, b"a=b") for name, value in LENGTHS.items()},
    **{
        f"chunks: {name}": request(POST, b"Transfer-Encoding: chunked\r\n" + FORM, value)
        for name, value in CHUNKS.items()
    },
    "chunks twice": request(POST, b"Transfer-Encoding: chunked\r\n" * 2, CHUNKS["whole"]),
    **{
        f"path: {target[:40]!r}": line(target)
        for target in (
            *(
                b"http://localhost/admin/login/",
                b"http://zq7.example/admin/",
                b"http:///admin/",
            ),
            *(b"http://[::1/admin/", b"http://a@b:99999999/admin/", b"javascript:zq7()"),
            *("http://a\u2100b/admin/".encode(), b"//zq7.example/admin", b"//[::1/admin/"),
            *(b"/static/../../../etc/passwd", b"/static/%2e%2e/%2e%2e/etc/passwd"),
            *(b"/static/%252e%252e%252fetc/passwd", b"/static/..\\..\\etc", b"/admin;/..;/x"),
            *(b"/admin/%0d%0aSet-Cookie:%20zq7=1", b"/admin/%00", b"/admin/%ED%A0%80/"),
            *(b"/admin/%zz%/%1", b"/admin/\xff\xfe/", b"/" * 50 + b"admin", b"*", b"?", b""),
            *(b"/admin/" + b"a" * 100_000, b"/admin/login/?next=" + b"a" * 4_000),
            *("/admin/é".encode("utf-16le"), b"admin/login/", b" /admin/ "),
        )
    },
    **{
        f"method: {method[:20]!r}": line(PAGE.encode(), method)
        for method in (
            *(b"CONNECT", b"OPTIONS", b"TRACE", b"PUT", b"PATCH", b"DELETE", b"PROPFIND"),
            *(b"get", b"A" * 5_000, "GÉT".encode(), b"G\0T", b"<zq7>", b"", b"HEAD"),
        )
    },
    **{
        f"version: {version!r}": request(b"GET /admin/login/" + version)
        for version in (b"", b" HTTP/0.9", b" HTTP/2.0", b" HTTP/9.9", b" HTTP/x", b" X/1.1")
    },
    **{
        f"host: {host[:40]!r}": request(GET, host=b"Connection: close\r\n" + host)
        for host in (
            *(b"", b"Host: zq7.example\r\n", b"Host: localhost:80@zq7.example\r\n"),
            *(b"Host: loc\xffal\r\n", b"Host:\r\n", b"Host: " + b"a" * 9_000 + b"\r\n"),
        )
    },
    "no line ends of HTTP": b"GET /admin/login/ HTTP/1.1\nHost: localhost\n\n",
    "another protocol": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a proxy's own": b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n" + request(GET),
    "bytes": b"\xff\xfe\0zq7\r\n\r\n",
    "nulls": b"\0" * 5_000,
}
BODIES = {
    "without its end": FILE,
    "empty": b"",
    "bytes": b"\0\xff" * 100,
    "cut off in a header": PART[:-10],
    "a long header": PART[:-7] + b"a" * 100_000 + b'"\r\n\r\nname' + END,
    "many fields": b"".join(
        b'--x\r\nContent-Disposition: form-data; name="a%d"\r\n\r\n1\r\n' % number
        for number in range(5_000)
    ),
    "many files": FILE * 500 + END,
    "base64 that is none": PART
    + b"Content-Transfer-Encoding: base64\r\n\r\n!!!!!\r\n--x"
    + END,
    "an unknown charset": PART + b"Content-Type: text/csv; charset=zq7\r\n\r\nname" + END,
    "a name in another way": PART.replace(b'filename="', b"filename*=zq7'en'%FF%00\"")
    + b"\r\nname"
    + END,
    "two names": PART.replace(b"filename", b'name="y"; filename="../x"; filename')
    + b"\r\nname"
    + END,
    "parts in a part": b"--x\r\nContent-Type: multipart/mixed; boundary=y\r\n\r\n--y--",
}


class Line:
    """Connections to the server."""

    def __init__(self, url, session):
        parts = urlsplit(url)
        self.address = (parts.hostname, parts.port)
        token = re.search(rb"csrftoken=(\w+)", self.ask(request(GET)))[1]
        self.signed_in = (
            b"Cookie: sessionid=%s; csrftoken=%s\r\nX-CSRFToken: %s\r\nOrigin: http://localhost\r\n"
            % (session.encode(), token, token)
        )

    def open(self, data):
        connection = socket.create_connection(self.address, timeout=60)
        connection.sendall(data)
        return connection

    def ask(self, *pieces, pause=0, ends=False):
        """The answer to what is sent, with a pause after each piece of it.

        ends: no more is sent, though more was announced.
        """
        got = b""
        with socket.create_connection(self.address, timeout=60) as connection:
            try:
                for piece in pieces:
                    connection.sendall(piece)
                    time.sleep(pause)
                if ends:
                    connection.shutdown(socket.SHUT_WR)
                while more := connection.recv(1 << 16):
                    got += more
            except ConnectionError:  # the server waits for no end of what it refuses
                pass
        return got


def status(answer):
    found = re.match(
        rb"HTTP/1\.[01] (\d{3}) ", answer.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
    )
    return int(found[1]) if found else None


def wrong(answer):
    """What is wrong with an answer; "" if nothing is."""
    head = answer.partition(b"\r\n\r\n")[0]
    if (status(answer) or 500) >= 500:
        return repr(head[:100])
    if re.search(rb"(?im)^(location: (//|\w+:)|set-cookie: zq7)", head):
        return repr(head)
    return ""


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    return House(tmp_path_factory.mktemp("house"), "")


@pytest.fixture(scope="module")
def server(house):
    session = house.shell(SIGN_IN)
    with servers(house, WEB_CONCURRENCY="1", IMPORT_MAX_BYTES=str(LIMIT)) as url:
        yield Line(url, session)


def test_no_request_breaks_the_server(server):
    found = {name: wrong(server.ask(data, ends=True)) for name, data in WHOLE.items()}
    for page in ("/admin/library/patron/import/", PAGE):
        start = f"POST {page} HTTP/1.1".encode()
        headers = server.signed_in + MULTIPART
        for name, body in BODIES.items():
            data = request(start, headers + length(len(body)), body)
            found[f"{page}: {name}"] = wrong(server.ask(data))
            data = request(start, headers + length(len(body) + 99), body)
            found[f"{page}: {name}, and cut off"] = wrong(server.ask(data, ends=True))
            if body:
                data = request(start, headers + length(len(body) // 2), body)
                found[f"{page}: {name}, of half the length"] = wrong(server.ask(data))
        form = request(start, server.signed_in + FORM + length(99), b"name=")
        found[f"{page}: a form that is cut off"] = wrong(server.ask(form, ends=True))
    assert not {name: each for name, each in found.items() if each}
    assert status(server.ask(request(GET))) == 200

    # An unknown coding is the one that HTTP itself wants answered by a 5xx (RFC 9112, 6.1).
    assert status(server.ask(request(POST, b"Transfer-Encoding: zq7\r\n", b"a=b"))) == 501


def test_a_file_is_imported_whole_or_not_at_all(server, house):
    start = b"POST /admin/library/patron/import/ HTTP/1.1"
    headers, whole = server.signed_in + MULTIPART, FILE + b"Bob,Home\r\n" * 2_000 + END

    before = house.json(CHANGES)

    def send(*pieces, of, **how):
        return status(server.ask(request(start, headers + length(of)), *pieces, **how))

    assert send(whole[:9_000], of=len(whole), ends=True) == 200  # the form again
    assert send(whole[:-8], of=len(whole), ends=True) == 200
    assert send(whole[: LIMIT // 2], of=LIMIT * 2, ends=True) == 413
    large = FILE + b"a" * 2 * LIMIT + END
    assert send(large, of=len(large)) == 413
    assert send(whole[:10], whole[10:5_000], whole[5_000:], of=len(whole), pause=0.5) == 302
    assert house.json(CHANGES) == before + 1


def test_clients_that_fall_silent_do_not_keep_others_out(server):
    """More than there are threads stop in the middle: of the head, of the body."""
    head = request(POST, server.signed_in + MULTIPART + length(100_000), FILE)
    silent = [server.open(data) for data in (GET, head) for _number in range(4)]
    time.sleep(0.5)
    assert status(server.ask(request(GET))) == 200
    for connection in silent:
        connection.close()
