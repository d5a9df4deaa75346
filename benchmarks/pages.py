"""`python -m benchmarks.pages`: every page at 1,000 and at 1,000,000 rows, over a real server.

Two servers run side by side, one on each database; requests take turns, and the fastest of
each counts. Writes its own section of RESULTS.md; ends with 1 where a bound is missed.
"""

import argparse
import contextlib
import http.client
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks import report
from benchmarks.databases import ROOT, PostgreSQL, SQLite, manage
from tests.browser.server import free_port, wait_for

LIBRARY, PATRON, LIBRARIAN, BOOK = (
    f"/admin/library/{model}/" for model in ("library", "patron", "librarian", "book")
)
CHOICE = "/admin/autocomplete/?app_label=library&model_name=patron&field_name=library&term="
BYTES = 0.10  # the most that a list's size may differ by


@dataclass(frozen=True)
class Page:
    """`small` is asked for of the small database, `large` of the large one."""

    name: str
    small: str
    large: str
    most: float  # times as long
    limit: int | None = None  # bytes; a list is as large as the small one instead
    is_search: bool = False


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
    yield of("activity", "/admin/admin/logentry/", "")
    yield of("activity, page 2", "/admin/admin/logentry/", "?p=2")


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
        if self.large.statements > self.small.statements:
            yield "statements"
        if self.page.limit:
            if self.large.bytes > self.page.limit:
                yield "bytes"
        elif not self.page.is_search and abs(self.large.bytes / self.small.bytes - 1) > BYTES:
            yield "bytes"


class Server:
    """A database of so many rows, and gunicorn on it."""

    def __init__(self, databases, name, rows, folder):
        databases.make(name)
        self.environment = databases.environment(name) | {
            "WEB_CONCURRENCY": "1",
            "HTTPS": "off",
            "PORT": str(free_port()),
        }
        manage(self.environment, "migrate", "--verbosity", 0)
        manage(self.environment, "collectstatic", "--no-input", "--verbosity", 0)
        command = [sys.executable, "-m", "benchmarks.served", str(rows)]
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=self.environment,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.session = done.stdout.split()[-1]
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
        """Raises RuntimeError where the answer is no page."""
        started = time.perf_counter()
        self.connection.request("GET", path, headers={"Cookie": f"sessionid={self.session}"})
        response = self.connection.getresponse()
        body = response.read()
        seconds = time.perf_counter() - started
        self.connection.close()  # gunicorn would, while the other server is asked
        if response.status != 200:
            raise RuntimeError(f"{path}: {response.status}")
        return Answer(seconds, len(body), int(response.headers["X-Statements"]))


def measure(database, page, small, large, repeat):
    answers = [(small.get(page.small), large.get(page.large)) for _turn in range(repeat + 1)]
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
        Server(databases, f"pages_{rows}", rows, folder)
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
