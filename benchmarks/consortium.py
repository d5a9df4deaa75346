"""`python -m benchmarks.consortium`: every page of a system with few branches and many patrons.

Unlike `benchmarks.pages`, a table is not as long as the next one. Each page is asked for
twice, over gunicorn on the database of DATABASE_URL; the second counts: by a superuser, and by
somebody who is limited to five branches. Then 10,000 patrons are imported, twice. Writes its
own section of RESULTS.md; exits with 1 if a page takes longer than a second, or an import
longer than ten. History is empty, but for that of one book.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import report
from benchmarks.databases import ROOT, PostgreSQL, SQLite
from benchmarks.pages import BOOK, LIBRARIAN, LIBRARY, PATRON, Page, Server, ask, pages
from benchmarks.rows import ENDINGS, FIRST, LAST, ORDERED, TOWNS, Sizes

MOST, MOST_IMPORT = 1.0, 10.0  # seconds
FILE = 10_000  # patrons of an import

HEAD = """\
# Pages of a consortium, measured

Written by `python -m benchmarks.consortium`; don't edit. {sizes.libraries:,} branches,
{sizes.patrons:,} patrons, {sizes.books:,} titles in {sizes.links} branches each. No page may
take more than {most:g} s, and no import of {file:,} patrons more than {most_import:g} s, check
and writing together. *Limited* is somebody who sees five branches, the full one among them.

{machine}

| database | page | ms | kB | statements | |
|---|---|--:|--:|--:|---|
"""


def addresses(sizes):
    """Each page, with its address where there are few libraries and many of all else."""
    for page in pages(sizes.libraries, sizes.patrons):
        yield page, page.small if page.small.startswith((LIBRARY, LIBRARIAN)) else page.large
    each = sizes.patrons // sizes.libraries
    for address in (
        f"{PATRON}?p={sizes.patrons // 100}",
        f"{BOOK}?p={sizes.books // 100}",
        f"{PATRON}?q=ann+smith",
        f"{PATRON}?q=xq",
        f"{LIBRARY}?o=-7",
        f"{LIBRARY}?o=-8",
        f"{LIBRARY}?area_code=212",
        f"{LIBRARY}?patron_count_min={each + each // 10}",
        f"{BOOK}?library_count_min={sizes.links + 1}",
        f"{BOOK}?library_count_max={sizes.links - 1}",
        f"{BOOK}?library_count_max=0",
        *(f"{each}?looks_like_another=yes" for each in (LIBRARY, PATRON, BOOK)),
        *(f"{each}?changed_since=2026-01-01" for each in (PATRON, BOOK)),
        *(
            f"{PATRON}?library__state={states}"
            for states in ("NY&library__state=NJ", "NY&q=ann")
        ),
        *(
            f"{each}{page}/"
            for each in (LIBRARY, PATRON, BOOK)
            for page in (
                "add",
                "2/change",
                "2/history",
                "2/delete",
                "export",
                "import",
                "deleted",
            )
        ),
        "/admin/",
        "/admin/search/?q=ann+seaford",
    ):
        name = address.removeprefix("/admin/").removeprefix("library/")
        yield Page(f"`{name or 'start'}`", address, address, 1), address


def row(database, name, seconds, most, size="", statements=""):
    verdict = "**time**" if seconds > most else "holds"
    return (
        f"| {database} | {name} | {seconds * 1000:.0f} | {size} | {statements} | {verdict} |\n"
    )


def walk(server, sizes):
    """`(name, seconds, bound, kB, statements)` of each page's second answer.

    The first warms caches.
    """
    for who, session in (("", server.session), ("limited: ", server.limited)):
        server.session = session
        for page, address in addresses(sizes):
            try:
                ask(server, page, address)
                answer = ask(server, page, address)
            except RuntimeError:
                if not who:
                    raise
                continue  # who is limited may not see it
            size = f"{answer.bytes / 1000:.1f}"
            yield f"{who}{page.name}", answer.seconds, MOST, size, answer.statements


def patron(i, sizes):
    """Name and branch of the patron with the key `i + 1`, as `rows` makes them."""
    n, home = (
        i * ORDERED % sizes.patrons,
        (i * 31 % sizes.libraries) * ORDERED % sizes.libraries,
    )
    name = f"{FIRST[n % 12]} {LAST[n // 12 % 10]} {n}"
    return name, f"{TOWNS[home % 12]}{ENDINGS[home // 12 % 10]} Public Library {home}"


def imports(server, sizes, folder):
    """As `walk`, of a file of new patrons, and of one half of which are known."""
    for known in (0, FILE // 2):
        path = folder / "patrons.csv"
        step = max(1, sizes.patrons // FILE)
        rows = [patron(i * step % sizes.patrons, sizes) for i in range(FILE)]
        rows[known:] = [(f"{known} New {name}", home) for name, home in rows[known:]]
        path.write_text("".join(f'"{a}","{b}"\n' for a, b in [("name", "library"), *rows]))
        command = [sys.executable, "manage.py", "import", "library.Patron", str(path), "--json"]
        # Who is in the full branch, too, is there twice: the row is rejected.
        command += ["--on-error", "skip"]
        done = subprocess.run(
            command, cwd=ROOT, env=server.environment, check=True, stdout=subprocess.PIPE
        )
        said = json.loads(done.stdout)
        if said["new"] != FILE - known:
            raise RuntimeError(f"{known} are known: {said}")
        yield f"import of {FILE:,} patrons, {known:,} known", said["seconds"], MOST_IMPORT


def run(databases, folder, sizes):
    with Server(databases, "consortium", sizes, folder).running() as server:
        yield from walk(server, sizes)
        yield from imports(server, sizes, folder)


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
        answers = []
        for answer in run(databases, folder, sizes):
            answers.append(answer)
            print(row(databases.name, *answer), end="", flush=True)
        machine = "\n".join(f"- {line}" for line in report.machine([databases]))
        bounds = {"most": MOST, "most_import": MOST_IMPORT, "file": FILE}
        text = HEAD.format(sizes=sizes, machine=machine, **bounds)
        text += "".join(row(databases.name, *each) for each in answers)
        report.write_section(options.output, text)
    sys.exit(any(seconds > most for _name, seconds, most, *_size in answers))


if __name__ == "__main__":
    main()
