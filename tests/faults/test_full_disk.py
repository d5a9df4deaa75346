"""A disk that fills up: pages say so, nothing half is left, all goes on once there is room."""

import io
import os
import re
import subprocess
import time
from contextlib import contextmanager

import pytest
import requests

from tests.faults.house import servers

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() != 0, reason="a small disk takes root to be mounted"),
]
HEADER = "name,address,state,phone_number,zip_code\n"
MAKE_ADMIN = """
from django.contrib.auth import get_user_model
get_user_model().objects.create_superuser("root", "root@example.org", "a-long-Password-7")
print(1)
"""
JOB = """
import json
from backoffice.changes.models import Change
job = Change.objects.latest("pk")
print(json.dumps([job.pk, job.status, job.error]))
"""


@pytest.fixture
def small_disk(tmp_path):
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=44m", "tmpfs", folder], capture_output=True
    )
    if mounted.returncode:
        pytest.skip("nothing can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


@contextmanager
def nothing_free(folder):
    """The disk is full to its last byte until the block ends."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while file.write(bytes(size)):
                    pass
            except OSError:
                continue
    try:
        yield
    finally:
        ballast.unlink()


class Visitor:
    """A browser: follows no redirect by itself, and sends the token of the page before."""

    def __init__(self, server):
        self.server, self.session = server, requests.Session()
        self.session.headers["Sec-Fetch-Site"] = "same-origin"

    def get(self, path, **options):
        return self.session.get(
            self.server + path, allow_redirects=False, timeout=90, **options
        )

    def post(self, path, data, **options):
        hidden = re.findall(
            r'name="(csrfmiddlewaretoken|_once)" value="([^"]*)"', self.get(path).text
        )
        return self.session.post(
            self.server + path,
            {**dict(hidden), **data},
            allow_redirects=False,
            timeout=90,
            **options,
        )

    def sign_in(self):
        form = {"username": "root", "password": "a-long-Password-7"}
        return self.post("/admin/login/", form)


def is_told(page):
    """Whether the answer is the house's own 503."""
    return (
        page.status_code == 503
        and page.headers["Retry-After"] == "10"
        and 'id="site-name"' in page.text
        and "Traceback" not in page.text
    )


def uploads(folder):
    return [path for path in (folder / "imports").rglob("*") if path.is_file()]


def test_a_disk_that_fills_up_is_a_page_and_leaves_nothing_behind(new_house, small_disk):
    house = new_house(small_disk)
    house.environment |= {"DATA_MIN_FREE": "2000000", "TMPDIR": str(small_disk)}
    house.run("collectstatic", "--no-input", "-v0")
    house.shell(MAKE_ADMIN)
    large = HEADER + "".join(
        f"Branch {i},1 Main,NY,212-222-6559,10001\n" for i in range(600_000)
    )
    small = large[:4_000_000].rpartition("\n")[0] + "\n"
    import_page = "/admin/library/library/import/"

    def send(visitor, text):
        file = {"import_file": ("b.csv", io.BytesIO(text.encode()))}
        return visitor.post(import_page, {}, files=file)

    with servers(house, DEBUG="off", HTTPS="off") as server:
        staff, nobody = Visitor(server), Visitor(server)
        assert staff.sign_in().status_code == 302

        page = send(staff, large)  # 24 MB, twice
        assert is_told(page)
        assert "The disk is full" in page.text
        assert uploads(small_disk) == []
        assert not list(small_disk.glob("tmp*"))
        assert staff.get("/admin/library/library/").status_code == 200
        assert nobody.sign_in().status_code == 302

        assert send(staff, small).status_code == 302
        pk, *_state = house.json(JOB)
        house.environment["DATA_MIN_FREE"] = "0"
        house.shell(
            "from backoffice.changes.models import Change; from backoffice.jobs import tasks\n"
            f"tasks.start_check(Change.objects.get(pk={pk})); print(1)"
        )
        kept = uploads(small_disk)
        with nothing_free(small_disk):
            for visitor in (staff, Visitor(server)):
                for path in (
                    "/admin/",
                    "/admin/login/",
                    "/admin/library/library/",
                    import_page,
                ):
                    page = visitor.get(path)
                    assert page.status_code in (200, 302) or is_told(page), (path, page.text)
            late = Visitor(server)
            assert is_told(late.sign_in()) or house.environment["DATABASE_URL"].startswith("p")
            told = nobody.get("/ready")
            assert (told.status_code, told.json()["checks"]["data"]) == (503, "failed")
            assert nobody.get("/live").status_code == 200
            asked = {"Accept": "application/json"}
            told = staff.post("/admin/library/book/add/", {"title": "One"}, headers=asked)
            if told.status_code == 503:
                assert told.json()["error"] in ("no_room", "no_database")
            house.start_worker()
            time.sleep(8)
        assert uploads(small_disk) == kept  # nothing of the check is left
        end = time.monotonic() + 10
        while staff.get("/admin/library/library/").status_code != 200:
            assert time.monotonic() < end
            time.sleep(0.2)
        assert late.sign_in().status_code == 302
        end = time.monotonic() + 90
        while (state := house.json(JOB))[1] in ("uploaded", "checking"):
            assert time.monotonic() < end, house.log()
            time.sleep(1)
        assert state[1] == "checked" or state[2].startswith("The disk is full"), state
