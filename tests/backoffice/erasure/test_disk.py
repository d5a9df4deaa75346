"""A real server and its files: no log has whom one looks for, nothing has who was erased."""

import json
import subprocess
import sys
import urllib.error
import urllib.request
from urllib.parse import quote

import pytest

from tests.backoffice.erasure.traces import BEFORE, NAME
from tests.browser.server import MADE, ROOT, environment, serve

PARTS = (NAME, BEFORE, "Quimby")


def run(folder, *arguments):
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment(folder, HTTPS="off"),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done


def with_a_part(folder):
    """The files that have a part of the name, in UTF-8 or in addresses."""
    found = set()
    for path in folder.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        if any(part.encode() in content for part in PARTS) or "Quimby" in path.name:
            found.add(str(path.relative_to(folder)))
    return found


@pytest.mark.slow
def test_no_log_has_whom_somebody_looked_for_and_no_file_who_was_erased(tmp_path):
    made = json.loads(run(tmp_path, "-m", "tests.backoffice.erasure.traces").stdout)
    (tmp_path / MADE).write_text(json.dumps({"sessions": {}, "pages": {}}))
    name = quote(NAME)
    with serve(tmp_path) as server:
        for address, status in (
            (f"/admin/library/patron/?q={name}", 200),
            (f"/admin/library/patron/?name={name}", 200),
            (f"/admin/library/patron/export/?name={name}", 200),
            (f"/admin/library/patron/deleted/?q={name}", 200),
            (f"/admin/library/patron/999999/change/?_changelist_filters=q%3D{name}", 200),
            (f"/admin/nowhere/?q={name}", 404),
            (f"/admin/library/patron/import/?q={name}", 200),
        ):
            request = urllib.request.Request(  # noqa: S310 -- our own, on loopback
                server.url + address,
                headers={"Cookie": f"{made['name']}={made['value']}"},
            )
            try:
                answered = urllib.request.urlopen(request, timeout=60).status  # noqa: S310 -- as above
            except urllib.error.HTTPError as error:
                answered = error.code
            assert answered == status, address
    log = (tmp_path / "server.log").read_text()
    assert log
    assert not [part for part in (*PARTS, name) if part in log]
    assert with_a_part(tmp_path)
    done = run(tmp_path, "manage.py", "erase", "library.Patron", str(made["pk"]), "--no-input")
    assert not [part for part in PARTS if part in done.stdout + done.stderr]
    assert with_a_part(tmp_path) == set()
