"""A full disk, and a database that is not there, are pages of the house: 503, try again."""

import errno
import os
import sqlite3

import psycopg
import pytest
import redis
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import InterfaceError, OperationalError
from django.http import StreamingHttpResponse
from django.test import Client, RequestFactory
from psycopg import errors as postgres

from backoffice.admin.submissions.errors import server_error
from backoffice.admin.submissions.unavailable import begin_streams
from backoffice.changes.models import Change
from backoffice.outages import NO_DATABASE, NO_FILES, NO_QUEUE, NO_ROOM, READ_ONLY, outage_of
from library.admin import LibraryAdmin
from library.models import Library
from library.resources import LibraryResource
from tests.backoffice.admin.pages import url
from tests.factories import make_user


def of_sqlite(code, text):
    error = sqlite3.OperationalError(text)
    error.sqlite_errorcode = code
    return error


def full_sqlite():
    """What SQLite itself raises where its file may not grow."""
    with sqlite3.connect(":memory:") as small:
        small.execute("PRAGMA max_page_count = 3")
        small.execute("CREATE TABLE t (a)")
        try:
            small.execute("INSERT INTO t VALUES (zeroblob(100000))")
        except sqlite3.Error as error:
            return error


def wrapped(cause, kind=OperationalError):
    """As Django raises what its driver has raised."""
    error = kind(*cause.args)
    error.__cause__ = cause
    return error


KINDS = [
    (OSError(errno.ENOSPC, "No space left on device"), NO_ROOM),
    (OSError(errno.EDQUOT, "Quota exceeded"), NO_ROOM),
    (OSError(errno.EFBIG, "File too large"), NO_ROOM),
    (OSError(errno.EROFS, "Read-only file system"), READ_ONLY),
    (OSError(errno.EIO, "Input/output error"), NO_FILES),
    (OSError(errno.ESTALE, "Stale file handle"), NO_FILES),
    (redis.ConnectionError("Connection refused"), NO_QUEUE),
    (redis.TimeoutError("Timeout reading from socket"), NO_QUEUE),
    (full_sqlite(), NO_ROOM),
    (wrapped(full_sqlite()), NO_ROOM),
    (of_sqlite(sqlite3.SQLITE_IOERR_SHMSIZE, "disk I/O error"), NO_ROOM),
    (wrapped(of_sqlite(sqlite3.SQLITE_IOERR_WRITE, "disk I/O error")), NO_DATABASE),
    (wrapped(of_sqlite(sqlite3.SQLITE_CANTOPEN, "unable to open")), NO_DATABASE),
    (wrapped(of_sqlite(sqlite3.SQLITE_READONLY, "readonly database")), READ_ONLY),
    (wrapped(psycopg.OperationalError("connection refused")), NO_DATABASE),
    (wrapped(psycopg.InterfaceError("closed"), InterfaceError), NO_DATABASE),
    (wrapped(postgres.AdminShutdown()), NO_DATABASE),
    (wrapped(postgres.CannotConnectNow()), NO_DATABASE),
    (wrapped(postgres.TooManyConnections()), NO_DATABASE),
    (wrapped(postgres.DiskFull()), NO_ROOM),
    (wrapped(postgres.ReadOnlySqlTransaction()), READ_ONLY),
]
FAULTS = [
    ValueError("a fault"),
    OSError(errno.EPIPE, "Broken pipe"),
    OSError(errno.ENOENT, "No such file"),
    OperationalError("no such table"),
    wrapped(of_sqlite(sqlite3.SQLITE_BUSY, "database is locked")),
    wrapped(of_sqlite(sqlite3.SQLITE_ERROR, "no such column")),
    wrapped(postgres.LockNotAvailable()),
    wrapped(postgres.QueryCanceled()),
    wrapped(postgres.UndefinedColumn()),
]


@pytest.mark.parametrize(("error", "outage"), KINDS)
def test_the_kinds_are_told_apart(error, outage):
    assert outage_of(error) is outage
    later = RuntimeError("raised while that was handled")
    later.__context__ = error
    assert outage_of(later) is outage


@pytest.mark.parametrize("error", FAULTS)
def test_what_is_a_fault_or_another_kind_stays_one(error):
    assert outage_of(error) is None


def test_a_folder_of_data_that_is_gone_is_no_fault_of_the_code(settings, tmp_path):
    settings.DATA_DIR = tmp_path / "not mounted"
    assert outage_of(FileNotFoundError(errno.ENOENT, "No such file")) is NO_FILES


@pytest.fixture
def broken(monkeypatch):
    """Has the list of libraries raise an error."""

    def break_it(error):
        def get_changelist_instance(*args):
            raise error

        monkeypatch.setattr(LibraryAdmin, "get_changelist_instance", get_changelist_instance)

    return break_it


@pytest.fixture
def staff(superuser):
    client = Client(raise_request_exception=False)
    client.force_login(superuser)
    return client


LIST = "/admin/library/library/"


@pytest.mark.django_db
def test_it_is_a_page_with_a_way_on_and_json_for_scripts(staff, broken):
    broken(full_sqlite())
    page = staff.get(LIST)
    assert (page.status_code, page.headers["Retry-After"]) == (503, "10")
    assert "<h1>The disk is full</h1>" in page.text
    assert f'<a class="btn main" href="{LIST}">Try again</a>' in page.text
    assert "<form" not in page.text
    told = staff.get(LIST, headers={"accept": "application/json, text/javascript, */*; q=0.01"})
    assert (told.status_code, told.headers["Retry-After"]) == (503, "10")
    assert told.json()["error"] == "no_room"
    assert told.json()["message"].startswith("The disk is full. There is no room")
    spanish = staff.get(LIST, headers={"accept-language": "es"})
    assert "El disco está lleno" in spanish.text
    broken(ValueError("a fault"))
    page = staff.get(LIST)
    assert (page.status_code, "Retry-After" in page.headers) == (500, False)
    assert "Something went wrong here" in page.text


def test_nobody_is_asked_who_it_is(monkeypatch):
    """Without a database and a session, as before either is there."""
    request = RequestFactory().get(LIST, headers={"accept-language": "es"})
    try:
        raise wrapped(psycopg.OperationalError("connection refused"))
    except OperationalError:
        page = server_error(request)
    assert page.status_code == 503
    assert 'lang="es"' in page.content.decode()


@pytest.mark.django_db
def test_what_was_typed_can_be_sent_again_but_to_no_one_else_and_without_secrets(staff, broken):
    broken(wrapped(psycopg.OperationalError("gone")))
    own = {"sec-fetch-site": "same-origin"}
    sent = {"name": 'a "<b>"', "two": ["1", "2"]}
    page = staff.post(LIST, sent, headers=own)
    assert page.status_code == 503
    assert 'name="name" value="a &quot;&lt;b&gt;&quot;"' in page.text
    assert page.text.count('name="two"') == 2
    assert f'<form method="post" action="{LIST}"' in page.text
    for data, headers in (
        (sent, {"sec-fetch-site": "cross-site"}),
        (sent, {}),
        (sent | {"password": "x"}, own),
        (sent | {"file": SimpleUploadedFile("f.csv", b"a")}, own),
    ):
        page = staff.post(LIST, data, headers=headers)
        assert page.status_code == 503
        assert "<form" not in page.text
        assert "Go back with your browser" in page.text


@pytest.mark.django_db  # a response that is closed ends its request's connections
def test_what_is_streamed_fails_before_its_status_is_sent():
    closed = []

    def blocks():
        try:
            yield from fails
        finally:
            closed.append(1)

    fails = iter([b"a", b"b"])
    request = RequestFactory().get("/")
    response = begin_streams(lambda request: StreamingHttpResponse(blocks()))(request)
    assert b"".join(response) == b"ab"
    response = begin_streams(lambda request: StreamingHttpResponse(iter([])))(request)
    assert b"".join(response) == b""

    fails = map(os.stat, ["/no/such/file"])
    with pytest.raises(OSError, match="No such file"):
        begin_streams(lambda request: StreamingHttpResponse(blocks()))(request)
    fails = iter([b"a"])
    response = begin_streams(lambda request: StreamingHttpResponse(blocks()))(request)
    response.close()  # nobody fetches it
    assert len(closed) == 3


# Uploads --------------------------------------------------------------------------------

HEADER = b"name,address,state,phone_number,zip_code\n"
ROW = b"Princeton,65 Witherspoon Street,NJ,609-924-9529,08542-3214\n"
LARGE = HEADER + ROW * 50_000  # is read into a temporary file


@pytest.fixture
def folders(settings, tmp_path):
    settings.DATA_DIR, settings.FILE_UPLOAD_TEMP_DIR = tmp_path / "data", tmp_path / "temp"
    settings.DATA_DIR.mkdir()
    settings.FILE_UPLOAD_TEMP_DIR.mkdir()
    return settings


def kept(folders):
    found = [*folders.DATA_DIR.rglob("*"), *folders.FILE_UPLOAD_TEMP_DIR.rglob("*")]
    return [path for path in found if path.is_file()]


@pytest.mark.django_db
@pytest.mark.parametrize("content", [HEADER + ROW, LARGE], ids=["small", "large"])
def test_an_upload_without_room_is_refused_and_leaves_nothing(staff, folders, content):
    folders.DATA_MIN_FREE = 10**18
    page = staff.post(
        url(Library, "import"), {"import_file": SimpleUploadedFile("b.csv", content)}
    )
    assert (page.status_code, page.headers["Retry-After"]) == (503, "10")
    assert "The disk is full" in page.text
    assert kept(folders) == []
    assert not Change.objects.exists()
    folders.DATA_MIN_FREE = 0
    page = staff.post(
        url(Library, "import"), {"import_file": SimpleUploadedFile("b.csv", content)}
    )
    assert page.status_code == 302


@pytest.mark.django_db
def test_a_check_without_room_ends_with_a_sentence_and_leaves_the_upload_alone(folders):
    from backoffice.jobs.steps import check_job, create_job

    folders.DATA_MIN_FREE = 0
    job = create_job(LibraryResource, [HEADER, ROW], file_name="b.csv", user=make_user())
    folders.DATA_MIN_FREE = 10**18
    check_job(job)
    job.refresh_from_db()
    assert job.status == Change.Status.FAILED
    assert job.error.startswith("The disk is full. There is no room left for this")
    assert kept(folders) == [job.file.directory / "upload"]
    folders.DATA_MIN_FREE = 0
    assert job.reopen()
    job.refresh_from_db()
    check_job(job)
    assert Change.objects.get().status == Change.Status.CHECKED


@pytest.mark.django_db
def test_an_upload_that_fails_at_any_write_leaves_nothing(folders, monkeypatch):
    from backoffice.jobs.steps import create_job

    folders.DATA_MIN_FREE = 0

    def blocks():
        yield LARGE
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(OSError, match="No space"):
        create_job(LibraryResource, blocks(), file_name="b.csv")
    assert list((folders.DATA_DIR / "imports").iterdir()) == []
