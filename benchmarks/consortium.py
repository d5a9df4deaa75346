"""`python -m benchmarks.consortium`: every page of a system with few branches and many patrons.

Unlike `benchmarks.pages`, a table is not as long as the next one. Each page is asked for
twice, over gunicorn on the database of DATABASE_URL; the second counts. Writes its own section
of RESULTS.md; exits with 1 if a page takes longer than a second.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from benchmarks import report
from benchmarks.databases import PostgreSQL, SQLite
from benchmarks.pages import LIBRARIAN, LIBRARY, Server, ask, pages
from benchmarks.rows import Sizes

MOST = 1.0  # seconds

HEAD = """\
# Pages of a consortium, measured

Written by `python -m benchmarks.consortium`; don't edit. {sizes.libraries:,} branches,
{sizes.patrons:,} patrons, {sizes.books:,} titles in {sizes.links} branches each. No page may
take more than {most:g} s.

{machine}

| database | page | ms | kB | statements | |
|---|---|--:|--:|--:|---|
"""


def addresses(sizes):
    """Each page, with its address where there are few libraries and many of all else."""
    for page in pages(sizes.libraries, sizes.patrons):
        yield page, page.small if page.small.startswith((LIBRARY, LIBRARIAN)) else page.large


def row(database, page, answer):
    verdict = "**time**" if answer.seconds > MOST else "holds"
    return (
        f"| {database} | {page.name} | {answer.seconds * 1000:.0f} |"
        f" {answer.bytes / 1000:.1f} | {answer.statements} | {verdict} |\n"
    )


def run(databases, folder, sizes):
    """Each page with its second answer; the first warms caches."""
    with Server(databases, "consortium", sizes, folder).running() as server:
        for page, address in addresses(sizes):
            ask(server, page, address)
            answer = ask(server, page, address)
            print(row(databases.name, page, answer), end="", flush=True)
            yield page, answer


def main():
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.consortium", description=__doc__
    )
    parser.add_argument("--branches", type=int, default=2_000)
    parser.add_argument("--patrons", type=int, default=1_000_000)
    parser.add_argument("--books", type=int, default=200_000)
    parser.add_argument("--links", type=int, default=20, help="branches of each title")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_name("RESULTS.md"))
    options = parser.parse_args()
    sizes = Sizes(options.branches, options.patrons, options.books, options.links)
    url = os.environ.get("DATABASE_URL", "")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        databases = PostgreSQL(folder, url) if url.startswith("postgres") else SQLite(folder)
        answers = list(run(databases, folder, sizes))
        machine = "\n".join(f"- {line}" for line in report.machine([databases]))
        text = HEAD.format(sizes=sizes, machine=machine, most=MOST)
        text += "".join(row(databases.name, *each) for each in answers)
        report.write_section(options.output, text)
    sys.exit(any(answer.seconds > MOST for _page, answer in answers))


if __name__ == "__main__":
    main()
