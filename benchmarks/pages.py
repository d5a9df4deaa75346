"""`python -m benchmarks.pages`: every page with 1,000 and with 1,000,000 rows, from a server.

Two servers run side by side, one on each database. Requests alternate, and the fastest of
each counts. Writes its own section of RESULTS.md; exits with 1 if a bound is missed.
"""

import argparse
import contextlib
import http.client
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import astuple, dataclass
from pathlib import Path

from benchmarks import report
from benchmarks.databases import ROOT, PostgreSQL, SQLite, manage
from benchmarks.forms import changed_form
from benchmarks.rows import Sizes
from tests.browser.server import free_port, wait_for

LIBRARY, PATRON, LIBRARIAN, BOOK = (
    f"/admin/library/{model}/" for model in ("library", "patron", "librarian", "book")
)
EVERYTHING = "/admin/search/?part&q="  # the search over everything, as its script asks
CHOICE = "/admin/autocomplete/?app_label=library&model_name=patron&field_name=library&term="
BYTES = 0.10  # the most that a list's size may differ by


@dataclass(frozen=True)
class Page:
    """A page: its address in the small database, and in the large one."""

    name: str
    small: str
    large: str
    most: float  # times as long
    limit: int | None = None  # bytes; a list is as large as the small one instead
    is_search: bool = False
    changes: str = ""  # the field of its form that is changed, then the form is sent


def pages(small, large, per_page=50):
    """small, large: rows of the two databases. 10,000 rows and fewer are counted exactly."""

    def last(rows):
        return "?p=-1" if rows > 10_000 else f"?p={-(-rows // per_page)}"

    def of(name, address, query, most=2, **options):
        return Page(f"{name}", address + query, address + query, most, **options)

    for model, address in (
        ("libraries", LIBRARY),
        ("patrons", PATRON),
        ("librarians", LIBRARIAN),
        ("books", BOOK),
    ):
        state = {LIBRARY: "state", BOOK: "libraries__state"}.get(address, "library__state")
        yield of(model, address, "")
        yield of(f"{model}, filtered", address, f"?{state}=NY")
        yield of(f"{model}, page 2", address, "?p=2")
        yield of(f"{model}, sorted backwards", address, "?o=-1")
        yield Page(f"{model}, last page", address + last(small), address + last(large), 2)
    deep = "?p=2000" if large > 10_000 * per_page else "?p=2"
    yield Page("libraries, page 2,000", LIBRARY + "?p=2", LIBRARY + deep, 2)
    middle = f"?p={large // 2 // per_page}" if large > 10_000 else "?p=2"
    yield Page("libraries, the middle page", LIBRARY + "?p=2", LIBRARY + middle, 4)
    yield of("libraries, sorted by state", LIBRARY, "?o=3")
    book = "Rivers+of+Seaford,+volume+0"
    for name, address, query in (
        ("libraries, two states", LIBRARY, "?state=NY&state=NJ"),
        ("libraries, a name", LIBRARY, "?name=seaford"),
        ("libraries, a name that none has", LIBRARY, "?name=zebra"),
        ("libraries, a ZIP prefix", LIBRARY, "?zip_code=112"),
        ("libraries with a librarian", LIBRARY, "?librarian=yes"),
        ("libraries without (there is none)", LIBRARY, "?librarian=no"),
        ("libraries with a patron", LIBRARY, "?patron_count_min=1"),
        ("libraries with 5 patrons (one has)", LIBRARY, "?patron_count_min=5"),
        ("libraries with 2 patrons at most", LIBRARY, "?patron_count_max=2"),
        ("libraries that hold a book", LIBRARY, f"?book={book}"),
        ("libraries, added since", LIBRARY, "?added_since=2026-01-01"),
        ("patrons, a name", PATRON, "?name=ann"),
        ("patrons of a library", PATRON, "?library=Seaford+Public+Library+0"),
        ("books, a title", BOOK, "?title=bread"),
        ("books in 2 libraries or more", BOOK, "?library_count_min=2"),
        ("books of a library", BOOK, "?libraries=Seaford+Public+Library+0"),
    ):
        # As a search: how the rows are looked for depends on how many there are.
        yield of(f"filter: {name}", address, query, is_search=True)
    for name, address, query in (
        ("libraries, no hit", LIBRARY, "?q=zebra"),
        ("libraries, hits", LIBRARY, "?q=seaford"),
        ("libraries, two words", LIBRARY, "?q=street+seaford"),
        ("libraries, a word that all have", LIBRARY, "?q=library"),
        ("patrons, no hit", PATRON, "?q=zebra"),
        ("patrons, hits by both tables", PATRON, "?q=ann+seaford"),
        ("books, no hit", BOOK, "?q=zebra"),
        ("books, hits", BOOK, "?q=rivers"),
        ("autocomplete, no hit", CHOICE, "zebra"),
        ("autocomplete, hits", CHOICE, "seaford"),
        ("autocomplete, nothing typed", CHOICE, ""),
    ):
        yield of(f"search: {name}", address, query, 3, is_search=True)
    one = [f"?q=library+{rows - 1}" for rows in (small, large)]
    yield Page("search: libraries, one", *(LIBRARY + q for q in one), 3, is_search=True)
    yield Page(
        "delete a library with many patrons", f"{LIBRARY}2/delete/", f"{LIBRARY}1/delete/", 2,
        limit=100_000,
    )  # fmt: skip
    yield Page(
        "history of a book in many libraries", f"{BOOK}1/history/", f"{BOOK}1/history/", 10,
        limit=100_000,
    )  # fmt: skip
    yield from form_pages(small)
    # What it counts is kept: so how many statements it takes depends on what is.
    yield of("start page", "/admin/", "", 1.3, is_search=True)
    for name, query in (
        ("the beginning of names", "seaford"),
        ("a ZIP code", "11203"),
        ("two words", "street+seaford"),
        ("no hit", "zebra"),
    ):
        yield of(f"search over everything: {name}", EVERYTHING, query, 3, is_search=True)
    one = [f"{EVERYTHING}library+{rows - 1}" for rows in (small, large)]
    yield Page("search over everything: one library", *one, 3, is_search=True)
    yield of("activity", "/admin/backoffice/entry/", "")
    yield of("activity, page 2", "/admin/backoffice/entry/", "?p=2")


def form_pages(small):
    """The forms of the library and the book with many related rows, in both databases."""
    library, book = f"{LIBRARY}1/change/", f"{BOOK}1/change/"
    last = -(-small // 25)
    for name, small_query, large_query in (
        ("a library with many patrons and books", "", ""),
        ("its last page of patrons", f"?patron_set-p={last}", "?patron_set-p=4000"),
        ("its patrons, searched", "?patron_set-q=ann", "?patron_set-q=ann"),
        ("its patrons, no hit", "?patron_set-q=zebra", "?patron_set-q=zebra"),
    ):
        yield Page(name, library + small_query, library + large_query, 2, limit=200_000)
    yield Page("a book in many libraries", book, book, 2, limit=200_000)
    for side in ("available", "chosen"):
        for term in ("", "seaford", "zebra"):
            picker = (
                f"/admin/library/book/picker/libraries/?side={side}&object_id=1&term={term}"
            )
            name = f"picker: {side} libraries, {term or 'nothing typed'}"
            yield Page(name, picker, picker, 3, limit=200_000)
    yield Page("save of that library", library, library, 2, limit=1_000, changes="address")
    yield Page(
        "save of one of its patrons", library, library, 2, limit=1_000, changes="-0-name"
    )
    yield Page("save of that book", book, book, 2, limit=1_000, changes="title")


@dataclass(frozen=True)
class Answer:
    seconds: float
    bytes: int
    statements: int


@dataclass(frozen=True)
class Result:
    database: str
    page: Page
    small: Answer
    large: Answer

    @property
    def ratio(self):
        return self.large.seconds / self.small.seconds

    @property
    def misses(self):
        if self.ratio > self.page.most:
            yield "time"
        # How a search looks for its rows may depend on how many there are.
        if not self.page.is_search and self.large.statements > self.small.statements:
            yield "statements"
        if self.page.limit:
            if self.large.bytes > self.page.limit:
                yield "bytes"
        elif not self.page.is_search and abs(self.large.bytes / self.small.bytes - 1) > BYTES:
            yield "bytes"


class Server:
    """A database with so many rows, and gunicorn on it."""

    def __init__(self, databases, name, sizes, folder):
        databases.make(name)
        self.environment = databases.environment(name) | {
            "WEB_CONCURRENCY": "1",
            "HTTPS": "off",
            "PORT": str(free_port()),
        }
        manage(self.environment, "migrate", "--verbosity", 0)
        manage(self.environment, "collectstatic", "--no-input", "--verbosity", 0)
        numbers = map(str, astuple(sizes))
        command = [sys.executable, "-m", "benchmarks.served", *numbers]
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=self.environment,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.limited, self.session = done.stdout.split()[-2:]
        self.log = folder / f"{name}.log"

    @contextlib.contextmanager
    def running(self):
        command = [sys.executable, "-m", "gunicorn", "benchmarks.served"]
        port = self.environment["PORT"]
        with (
            self.log.open("wb") as log,
            subprocess.Popen(
                command, cwd=ROOT, env=self.environment, stdout=log, stderr=log
            ) as process,
        ):
            try:
                url = f"http://127.0.0.1:{port}/admin/login/"
                wait_for(url, process, self.log)
                self.connection = http.client.HTTPConnection("127.0.0.1", int(port))
                yield self
            finally:
                process.terminate()

    def get(self, path):
        """GET a page. Raises RuntimeError if the response is none."""
        return self.ask("GET", path, 200)[0]

    def save(self, path, field):
        """Send the form at `path` with another value in the first field of that name.

        Raises RuntimeError if it is not saved.
        """
        _answer, page, cookies = self.ask("GET", path, 200)
        changed = []

        def change(name, value):
            if name.endswith(field) and not changed:
                changed.append(name)
                return f"{value[:150]} {time.monotonic_ns() % 1000}"
            return value

        body = changed_form(page, change)
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "Cookie": f"sessionid={self.session}; {cookies}",
        }
        return self.ask("POST", path, 302, body, headers)[0]

    def ask(self, method, path, expected, body=None, headers=None):
        started = time.perf_counter()
        cookie = {"Cookie": f"sessionid={self.session}"}
        self.connection.request(method, path, body, headers or cookie)
        response = self.connection.getresponse()
        page = response.read()
        seconds = time.perf_counter() - started
        self.connection.close()  # gunicorn would, while the other server is asked
        if response.status != expected:
            raise RuntimeError(f"{method} {path}: {response.status}")
        answer = Answer(seconds, len(page), int(response.headers["X-Statements"]))
        cookies = (response.headers.get("Set-Cookie") or "").partition(";")[0]
        return answer, page.decode(), cookies


def ask(server, page, path):
    return server.save(path, page.changes) if page.changes else server.get(path)


def measure(database, page, small, large, repeat):
    answers = [
        (ask(small, page, page.small), ask(large, page, page.large))
        for _turn in range(repeat + 1)
    ]
    first, second = (
        min(of[1:], key=lambda answer: answer.seconds) for of in zip(*answers, strict=True)
    )
    return Result(database, page, first, second)


HEAD = """\
# Pages, measured

Written by `make bench-pages`; don't edit. Each page is asked for over gunicorn, on a database
of {small:,} rows of each model and on one of {large:,}; the fastest of {repeat} counts. The
machine and the databases are those above unless it says otherwise here.

{machine}

| database | page | ms at {small:,} | at {large:,} | ratio | at most | kB | kB | statements | |
|---|---|--:|--:|--:|--:|--:|--:|--:|---|
"""


def row(result):
    small, large, page = result.small, result.large, result.page
    statements = str(large.statements)
    if small.statements != large.statements:
        statements = f"{small.statements} → {large.statements}"
    verdict = ", ".join(result.misses)
    return (
        f"| {result.database} | {page.name} | {small.seconds * 1000:.0f} |"
        f" {large.seconds * 1000:.0f} | {result.ratio:.2f}× | {page.most:g}× |"
        f" {small.bytes / 1000:.1f} | {large.bytes / 1000:.1f} | {statements} |"
        f" {f'**{verdict}**' if verdict else 'holds'} |\n"
    )


def run(databases, folder, small, large, repeat):
    servers = [
        Server(databases, f"pages_{rows}", Sizes.alike(rows), folder)
        for rows in dict.fromkeys((small, large))
    ]
    with servers[0].running(), servers[-1].running():
        for page in pages(small, large):
            result = measure(databases.name, page, servers[0], servers[-1], repeat)
            print(row(result), end="", flush=True)
            yield result


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pages", description=__doc__)
    parser.add_argument("--small", type=int, default=1_000)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=7)
    parser.add_argument("--only", choices=("sqlite", "postgresql"))
    parser.add_argument("--output", type=Path, default=Path(__file__).with_name("RESULTS.md"))
    options = parser.parse_args()
    url = os.environ.get("DATABASE_URL", "")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        databases = [] if options.only == "postgresql" else [SQLite(folder)]
        if url.startswith("postgres") and options.only != "sqlite":
            databases.append(PostgreSQL(folder, url))
        results = [
            result
            for each in databases
            for result in run(each, folder, options.small, options.rows, options.repeat)
        ]
        machine = "\n".join(f"- {line}" for line in report.machine(databases))
        text = HEAD.format(
            small=options.small, large=options.rows, repeat=options.repeat, machine=machine
        )
        report.write_section(options.output, text + "".join(map(row, results)))
    sys.exit(any(any(result.misses) for result in results))


if __name__ == "__main__":
    main()
