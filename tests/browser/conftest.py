"""Chromium, and a page that notes whatever is wrong while it is used."""

import fcntl
import os
import shutil
import tempfile
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from tests.browser.server import prepare, serve

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NOTE_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) => {
    const {violatedDirective, blockedURI, sourceFile, lineNumber} = event;
    console.error("CSP", violatedDirective, blockedURI, sourceFile, lineNumber);
});
"""


def find_chromium():
    """Its path; the shell, which draws no windows, opens a page in a third of the time."""
    return shutil.which("chromium-headless-shell") or shutil.which("chromium")


@pytest.fixture(scope="session")
def prepared(tmp_path_factory):
    """A folder to start servers from copies of; the workers of a run make it once."""
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent
    folder = base / "prepared"
    with (base / "prepared.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            new = Path(tempfile.mkdtemp(dir=base))
            prepare(new)
            new.rename(folder)
    return folder


@pytest.fixture(scope="session")
def server(prepared, tmp_path_factory):
    folder = shutil.copytree(prepared, tmp_path_factory.mktemp("server") / "data")
    with serve(folder) as running:
        yield running


@pytest.fixture(scope="session")
def chromium():
    """The browser. Skips where there is none; fails where one is required."""
    path = find_chromium()
    if path is None:
        reason = "Chromium is not installed (Debian: apt-get install chromium-headless-shell)"
        if os.environ.get("REQUIRE_BROWSER"):
            pytest.fail(reason)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield browser
        browser.close()


class Pages:
    """Opens pages, and collects what the console, the network or the policy complains of."""

    def __init__(self, browser, server):
        self.browser, self.server = browser, server
        self.contexts, self.pages = [], []

    def open(self, path, *, user="admin", **options):
        """A page that is signed in; `options` are those of the browser's context."""
        context = self.browser.new_context(base_url=self.server.url, **options)
        self.contexts.append(context)
        context.add_init_script(NOTE_VIOLATIONS)
        if user:
            session = self.server.sessions[user]
            cookie = {"name": "sessionid", "value": session, "url": self.server.url}
            context.add_cookies([cookie])
        page = context.new_page()
        page.problems = []
        self.pages.append(page)
        page.on(
            "console",
            lambda m: (
                m.type in ("error", "warning") and page.problems.append(f"{m.type}: {m.text}")
            ),
        )
        page.on("pageerror", lambda error: page.problems.append(f"script: {error}"))
        page.on(
            "requestfailed",
            # Aborted: the page was left, or the answer is a download.
            lambda r: (
                r.failure == "net::ERR_ABORTED" or page.problems.append(f"{r.url}: {r.failure}")
            ),
        )
        page.goto(path)
        return page

    def problems(self):
        return [problem for page in self.pages for problem in page.problems]

    def close(self):
        for context in self.contexts:
            context.close()


@pytest.fixture
def open_page(chromium, server):
    """`open_page(path, user="admin", **context options)`: a page that is signed in.

    What the console, the network or the policy complains of fails the test at its end;
    `page.problems` has it, for a test that expects something.
    """
    pages = Pages(chromium, server)
    yield pages.open
    problems = pages.problems()
    pages.close()
    assert not problems
