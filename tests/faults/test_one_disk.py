"""The disk of the data, or of the database, is full or read-only, and the other is not.

Whatever is asked for is answered, what can't be done by a page of the house; nothing half is
left, and all goes on by itself.
"""

import io
import os
import re
import subprocess
import time
from contextlib import contextmanager

import pytest

from tests.faults.house import House, servers
from tests.faults.test_database_gone import Staff
from tests.faults.test_full_disk import (
    HEADER,
    MAKE_ADMIN,
    Visitor,
    is_told,
    nothing_free,
    small_disk,
)

__all__ = ["small_disk"]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="a small disk takes root to be mounted"),
    pytest.mark.skipif(
        os.environ.get("DATABASE_URL", "").startswith("postgres"),
        reason="of the disks of SQLite",
    ),
]
FILL = """
from library.models import Book, Library, Librarian, Patron
library = Library.objects.create(
    name="L", address="1", state="NY", phone_number="212-222-6559", zip_code="10001"
)
Patron.objects.create(name="P", library=library)
Librarian.objects.create(name="A", library=library)
Book.objects.create(title="T")
"""
LOOK = """
import json
from backoffice.changes import files
from backoffice.changes.models import Change, ImportFile
from backoffice.exports.made import ExportFile
from library.models import Book
named = {name for model in (ImportFile, ExportFile)
         for name in model.objects.exclude(folder="").values_list("folder", flat=True)}
kept = {path.name for path in files.root().iterdir()} if files.root().exists() else set()
print(json.dumps([
    sorted(Book.objects.values_list("title", flat=True)), Book.history.count(),
    sorted(Change.objects.values_list("kind", "status", "error")),
    Change.objects.exclude(waiting="").count(), sorted(kept - named),
]))
"""
IMPORT, EXPORT = "/admin/library/library/import/", "/admin/library/library/export/"
SAID = ("The disk is full", "Nothing can be written now")
ADD = "/admin/library/book/add/"
ROWS = "".join(f"Branch {i},1 Main,NY,212-222-6559,10001\n" for i in range(2_000))


@contextmanager
def read_only(folder):
    """As a disk that has failed is mounted again; not while a file of it is being written."""
    end = time.monotonic() + 60
    while subprocess.run(["mount", "-o", "remount,ro", folder], capture_output=True).returncode:
        assert time.monotonic() < end
        time.sleep(0.05)
    try:
        yield
    finally:
        subprocess.run(["mount", "-o", "remount,rw", folder], check=True)


def crawl(visitor, most=80):
    """Addresses that pages lead to, one of each kind."""
    found, left = {}, ["/admin/"]
    while left and len(found) < most:
        path = left.pop(0)
        page = visitor.get(path)
        found[path] = page.status_code
        for link in re.findall(r'href="(/admin/[^"#?]*)', page.text):
            if link not in found and link not in left and "logout" not in link:
                left.append(link)
    assert set(found.values()) <= {200, 302}, found
    return list(found)


class Work:
    """What staff send; each time something else."""

    def __init__(self, server):
        self.server, self.number, self.saved = server, 0, ["T"]

    def all(self, staff):
        self.number += 1
        title = f"Title {self.number}"
        answers = {
            "sign-in": Visitor(self.server).sign_in(),
            "save": self.save(staff, title),
            "upload": staff.post(
                IMPORT, {}, files={"import_file": ("b.csv", io.BytesIO(self.file()))}
            ),
            "export": staff.post(EXPORT, self.export()),
            "export by the worker": staff.post(EXPORT, self.export() | {"_background": "1"}),
        }
        if answers["save"].status_code == 302:
            self.saved.append(title)
        return answers

    @staticmethod
    def save(staff, title):
        page = staff.get(ADD)
        if page.status_code != 200:
            return page
        data = Staff.form_of(page, "csrfmiddlewaretoken")
        data |= {"title": title, "libraries": "1"}
        return staff.session.post(staff.server + ADD, data, allow_redirects=False, timeout=90)

    def file(self):
        return (HEADER + ROWS.replace("Branch", f"Branch {self.number}")).encode()

    @staticmethod
    def export():
        return {
            "resource": "0",
            "format": "0",
            "encoding": "utf-8",
            "libraryresource_name": "on",
        }


@pytest.mark.parametrize("fault", [nothing_free, read_only])
@pytest.mark.parametrize("place", ["data", "database"])
def test_a_disk_that_takes_nothing_is_a_page_and_all_goes_on(
    tmp_path, small_disk, place, fault
):
    other = tmp_path / "other"
    other.mkdir()
    data, database = (small_disk, other) if place == "data" else (other, small_disk)
    # Logs, and what gunicorn keeps in TMPDIR, are elsewhere: a file that is being written keeps
    # its disk from being remounted.
    house = House(tmp_path, f"sqlite:///{database / 'db.sqlite3'}", migrated=False)
    house.environment |= {"DATA_DIR": str(data), "DATA_MIN_FREE": "0"}
    if fault is nothing_free:
        house.environment["TMPDIR"] = str(data)
    house.run("migrate", "-v0")
    house.run("collectstatic", "--no-input", "-v0")
    house.shell(FILL + MAKE_ADMIN)
    settings = {"DEBUG": "off", "HTTPS": "off", "IMPORT_IMMEDIATE_ROWS": "0"}
    try:
        with servers(house, **settings) as server:
            staff, work = Visitor(server), Work(server)
            assert staff.sign_in().status_code == 302
            pages = crawl(staff)
            well = work.all(staff)
            assert {name: each.status_code for name, each in well.items()} == {
                "sign-in": 302,
                "save": 302,
                "upload": 302,
                "export": 200,
                "export by the worker": 302,
            }
            with fault(small_disk):
                house.start_worker()
                answers = {
                    (path, visitor is staff): visitor.get(path)
                    for visitor in (staff, Visitor(server))
                    for path in pages
                }
                sent = work.all(staff)
                answers |= sent
                ready = staff.get("/ready")
                assert staff.get("/live").status_code == 200
            bad = {
                what: page.text
                for what, page in answers.items()
                if page.status_code not in (200, 302) and not is_told(page)
            }
            told = [what for what, page in answers.items() if page.status_code == 503]
            print(place, fault.__name__, f"{len(told)} of {len(answers)}", told)  # noqa: T201
            assert not bad
            assert told
            assert place != "data" or ready.status_code == 503

            end = time.monotonic() + 10
            while staff.get("/admin/library/library/").status_code != 200:
                assert time.monotonic() < end
                time.sleep(0.1)
            again = work.all(staff)
            assert {each.status_code for each in again.values()} == {200, 302}
            end = time.monotonic() + 90
            while True:
                titles, records, changes, waiting, strays = house.json(LOOK)
                states = {status for _kind, status, _error in changes}
                if not waiting and "checking" not in states:
                    break
                assert time.monotonic() < end, (changes, house.log())
                time.sleep(0.5)
            assert titles == sorted(work.saved)
            assert records == len(work.saved)
            assert strays == []
            for kind, status, error in changes:
                assert status in ("uploaded", "checked") or kind == "export", changes
                assert status != "failed" or error.startswith(SAID), changes
    finally:
        house.kill_worker()
