"""`python -m benchmarks.staff`: staff who work while a large file is written.

So many of them ask for pages and save records of their own, with a pause for thought between,
at two web servers on the database of DATABASE_URL; a file of new libraries is imported
meanwhile. A save that meets the import is told so by a page that keeps the form (503). Writes
its own section of RESULTS.md; exits with 1 if a bound is missed.
"""

import argparse
import copy
import http.client
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks import files, report
from benchmarks.databases import ROOT, PostgreSQL, SQLite
from benchmarks.pages import LIBRARY, PATRON, Server, pages
from benchmarks.rows import Sizes

PAGE, SAVE = 2.0, 5.0  # seconds: of a page, at the 99th percentile, and of a save, at most
THOUGHT = 1.0, 3.0  # seconds between two requests
SAVES = 0.25  # of what they do
STARTS = 10.0  # seconds after which the import begins

HEAD = """\
# Staff at work during an import, measured

Written by `python -m benchmarks.staff`; don't edit. {staff} people for {seconds:g} s at
{rows:,} libraries and {others:,} of each other model, with {first:g} to {last:g} s of thought
between requests, of which every fourth is a save; meanwhile {imported:,} new libraries are
imported, which takes {took:.0f} s.

{machine}

| database | what | times | median s | 99 % s | longest s | at most | |
|---|---|--:|--:|--:|--:|--:|---|
"""


@dataclass(frozen=True)
class Done:
    """What somebody did: `what`, the answer's status, and how long it took in seconds."""

    what: str
    status: int
    seconds: float


class Person(threading.Thread):
    """Works until `ended`; `done` is what was done."""

    def __init__(self, server, number, rows, ended):
        super().__init__(daemon=True)
        self.server, self.ended, self.done = copy.copy(server), ended, []
        self.server.connection = http.client.HTTPConnection(
            "127.0.0.1", int(server.environment["PORT"]), timeout=120
        )
        self.chance = random.Random(number)  # noqa: S311
        self.pages = [page.large for page in pages(rows, rows) if not page.changes]
        # Their own records: nobody else's changes stand against theirs.
        self.forms = [(f"{LIBRARY}{100 + number}/change/", "address")]
        self.forms.append((f"{PATRON}{100 + number}/change/", "name"))

    def run(self):
        while not self.ended.wait(self.chance.uniform(*THOUGHT)):
            if self.chance.random() < SAVES:
                path, field = self.chance.choice(self.forms)
                self.note(f"save of a {path.split('/')[3]}", self.server.save, path, field)
            else:
                self.note("page", self.server.get, self.chance.choice(self.pages))

    def note(self, what, ask, *arguments):
        started = time.perf_counter()
        try:
            answer = ask(*arguments)
        except RuntimeError as error:  # another status than expected
            seconds = time.perf_counter() - started
            self.done.append(Done(what, int(str(error).rpartition(" ")[2]), seconds))
        except OSError:
            self.done.append(Done(what, 0, time.perf_counter() - started))
        else:
            self.done.append(Done(what, 200, answer.seconds))


def work(server, options, path):
    """`(what was done, the seconds of the import)`."""
    ended = threading.Event()
    people = [Person(server, n, options.rows, ended) for n in range(options.staff)]
    for person in people:
        person.start()
    begun = time.monotonic()
    time.sleep(min(STARTS, options.seconds / 4))
    command = [sys.executable, "manage.py", "import", "library.Library", path, "--no-input"]
    started = time.monotonic()
    subprocess.run(
        command, cwd=ROOT, env=server.environment, check=True, stdout=subprocess.DEVNULL
    )
    took = time.monotonic() - started
    time.sleep(max(0, begun + options.seconds - time.monotonic()))
    ended.set()
    for person in people:
        person.join()
    return [done for person in people for done in person.done], took


def results(done):
    """`(what, those of that kind, seconds at most or None, which of them count)`."""
    for what in sorted({each.what for each in done}):
        these = [each for each in done if each.what == what]
        good = [each for each in these if each.status == 200]
        yield what, good, PAGE if what == "page" else SAVE
        if told := [each for each in these if each.status == 503 and what != "page"]:
            yield f"{what}: told that it is being imported", told, SAVE
        if bad := [each for each in these if each not in good and each not in told]:
            statuses = ", ".join(sorted({str(each.status) for each in bad}))
            yield f"{what}: answered otherwise ({statuses})", bad, 0.0


def row(database, what, done, most):
    seconds = sorted(each.seconds for each in done)
    last = seconds[int(len(seconds) * 0.99)] if seconds else 0.0
    median = seconds[len(seconds) // 2] if seconds else 0.0
    longest = seconds[-1] if seconds else 0.0
    is_missed = (last if what == "page" else longest) > most
    text = (
        f"| {database} | {what} | {len(done)} | {median:.3f} | {last:.2f} | {longest:.2f} |"
        f" {most:g} | {'**fails**' if is_missed else 'holds'} |\n"
    )
    return text, is_missed


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks.staff", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="libraries")
    parser.add_argument("--others", type=int, default=200_000, help="of each other model")
    parser.add_argument("--imported", type=int, default=600_000)
    parser.add_argument("--staff", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--output", type=Path, default=Path(__file__).with_name("RESULTS.md"))
    options = parser.parse_args()
    url = os.environ.get("DATABASE_URL", "")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        databases = PostgreSQL(folder, url) if url.startswith("postgres") else SQLite(folder)
        path = files.write(folder / "new.csv", files.libraries(options.imported))
        sizes = Sizes(options.rows, options.others, options.others)
        server = Server(databases, "staff", sizes, folder)
        server.environment["WEB_CONCURRENCY"] = "2"
        with server.running():
            done, took = work(server, options, path)
        rows = [row(databases.name, *each) for each in results(done)]
        text = HEAD.format(
            **vars(options),
            first=THOUGHT[0],
            last=THOUGHT[1],
            took=took,
            machine="\n".join(f"- {line}" for line in report.machine([databases])),
        )
        report.write_section(options.output, text + "".join(text for text, _missed in rows))
    print("".join(text for text, _missed in rows), end="")
    sys.exit(any(missed for _text, missed in rows))


if __name__ == "__main__":
    main()
