"""`python -m benchmarks.plans`: the plans of PostgreSQL for what the back office asks it most.

Of a consortium with a tenth of ROWS patrons, and with ROWS: what a list, a search, an export,
an import and an undo read of the tables, and whether that grows with them. PostgreSQL's own
auto_explain tells the plan of each statement as it ran. Writes PLANS.md beside this file; run
it as `.ci/with-postgres python -m benchmarks.plans`.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import report
from benchmarks.databases import ROOT, PostgreSQL
from benchmarks.rows import Sizes, fill

FILE = 10_000  # rows of the file that is imported: a tenth of them changes a patron
SHOWN = 2  # plans of each step: those that took longest
LIVE = re.compile(r"^library_(?:library|patron|librarian|book|book_libraries)$")
NODE = re.compile(
    r"(Seq Scan|Index Only Scan|Index Scan|Bitmap Heap Scan)(?: Backward)?(?: using \S+)?"
    r" on (\S+).*?actual time=\S+ rows=(\d+) loops=(\d+)"
)
REMOVED = re.compile(r"Rows Removed by \w+(?: \w+)?: (\d+)")
UNHURRIED = {"DEBUG": "on", "HTTPS": "off", "DATABASE_SILENT_SECONDS": "0"}
GROWS = 3  # times as many rows read of tables ten times as long

HEAD = """\
# Plans of PostgreSQL

Written by `.ci/with-postgres python -m benchmarks.plans`; don't edit. {branches:,} branches;
{small:,} patrons and {large:,}, and up to 100,000 more of the first branch; a tenth as many
titles, in 5 branches each. The file that is imported has {file:,} patrons, a tenth of them
known, the others new. Milliseconds are those of PostgreSQL's statements alone, on warm
caches, with the clock of `EXPLAIN ANALYZE` running; then those of the whole, and the rows of
the library system's tables that scans looked at, those thrown away too, both at the larger
size. The last two columns are not measured: what reads hardly more of a table ten times as
long is taken to cost the same at any size, and all else ten times as much. A patron takes
{bytes} bytes, with its indexes.

{machine}

| what | ms, {small:,} | ms, {large:,} | ms with Python | rows read | {more} |
|---|--:|--:|--:|--:|--:|--:|
"""


class Plans:
    """What auto_explain says: `(seconds, text)` of each statement."""

    def __init__(self, connection):
        self.found = []
        connection.ensure_connection()
        connection.connection.add_notice_handler(self.take)
        with connection.cursor() as cursor:
            cursor.execute("LOAD 'auto_explain'")
            for name, value in (
                ("log_analyze", "on"),
                ("log_level", "notice"),
                ("log_min_duration", "0"),
            ):
                cursor.execute(f"SET auto_explain.{name} = {value}")

    def take(self, notice):
        said = re.match(r"duration: ([\d.]+) ms\s+plan:\n(.*)", notice.message_primary, re.S)
        if said:
            self.found.append((float(said[1]), said[2]))

    def of(self, work):
        self.found.clear()
        started = time.perf_counter()
        work()
        whole = 1000 * (time.perf_counter() - started)
        found = sorted(self.found, key=lambda each: -each[0])
        read = sum(rows_read(text) for _ms, text in found)
        ms = sum(each[0] for each in found)
        return {
            "ms": ms,
            "whole": whole,
            "read": read,
            "statements": len(found),
            "plans": found[:SHOWN],
        }


def rows_read(plan):
    """How many rows of the live tables its scans looked at."""
    total = loops = 0
    for line in plan.splitlines():
        if node := NODE.search(line):
            loops = int(node[4]) if LIVE.match(node[2]) else 0
            total += int(node[3]) * loops
        elif removed := REMOVED.search(line):
            total += int(removed[1]) * loops
        elif "->" in line:
            loops = 0
    return total


def steps(sizes, folder):
    """`(name, work)` of what is looked at, in its order."""
    from django.contrib.auth import get_user_model
    from django.test import Client

    from backoffice.changes.models import Change
    from backoffice.exports.export import Export
    from backoffice.exports.formats import format_named
    from backoffice.jobs import steps as jobs
    from library.models import Library, Patron
    from library.resources import PatronResource

    client = Client()
    client.force_login(get_user_model().objects.get())

    def get(query):
        answer = client.get(f"/admin/library/patron/{query}", headers={"host": "localhost"})
        if answer.status_code != 200:
            sys.exit(f"{query}: {answer.status_code}")

    def export(filters):
        rows = Patron.objects.filter(**filters)
        list(Export(PatronResource(), rows, format_named("csv")).blocks())

    name = Patron.objects.get(pk=sizes.patrons // 2).name
    pages = {
        "a list": "",
        "its page 100": "?p=100",
        "its last page": "?p=-1",
        "the list of a branch": "?library=7",
        "a name": f"?q={name.replace(' ', '+')}",
        "a part of a name": f"?q={name.split()[-1]}",
        "a state of their branches": "?library__state=NY",
    }
    for called, query in pages.items():
        get(query)  # warms caches
        yield called, lambda query=query: get(query)
    yield "an export of a branch", lambda: export({"library": 7})
    yield "an export of everything", lambda: export({})

    path = folder / "patrons.csv"
    known = Patron.objects.filter(pk__lte=FILE // 10).values_list("name", "library__name")
    homes = list(Library.objects.order_by("pk").values_list("name", flat=True)[:100])
    with path.open("w") as file:
        file.write("name,library\n")
        file.writelines(f'"{name}","{home}"\n' for name, home in known)
        new = FILE - FILE // 10
        file.writelines(f'"New Patron {i}","{homes[i % 100]}"\n' for i in range(new))
    with path.open("rb") as file:
        job = jobs.create_job(PatronResource, file, file_name=path.name)

    def fresh():
        return Change.objects.get(pk=job.pk)

    yield "the check of a file", lambda: jobs.check_job(fresh())
    yield "its writing", lambda: jobs.apply_job(fresh())
    yield "its undo", lambda: jobs.undo_job(fresh())


def inside(rows, branches):
    """In a process with a database of its own: prints what was found, as JSON."""
    import django

    django.setup()
    from django.contrib.auth import get_user_model
    from django.core.management import call_command
    from django.db import connection

    sizes = Sizes(branches, rows, rows // 10, 5)
    call_command("migrate", verbosity=0)
    get_user_model().objects.create_superuser("admin", "admin@example.org", "x")
    fill(connection, sizes)
    plans, found = Plans(connection), {}
    with tempfile.TemporaryDirectory() as name:
        for step, work in steps(sizes, Path(name)):
            found[step] = plans.of(work)
            print(f"{step}: {found[step]['ms']:.0f} ms", file=sys.stderr)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_total_relation_size('library_patron') / count(*) FROM library_patron"
        )
        ((size,),) = cursor.fetchall()
    print(json.dumps({"steps": found, "bytes": int(size)}))


def expected(small, large, times):
    """Milliseconds of the whole where tables are so many times as long as the large ones."""
    grows = large["read"] > GROWS * max(small["read"], 1)
    return large["whole"] * (times if grows else 1)


def text(small, large, head):
    out = [head]
    for step in small:
        before, after = small[step], large[step]
        later = [f"{expected(before, after, times):,.0f}" for times in (10, 100)]
        out.append(
            f"| {step} | {before['ms']:,.0f} | {after['ms']:,.0f} |"
            f" {after['whole']:,.0f} | {after['read']:,} | {' | '.join(later)} |\n"
        )
    for step, one in large.items():
        out.append(f"\n## {step.capitalize()}\n\n{one['statements']} statements.\n")
        for ms, plan in one["plans"]:
            query, _newline, nodes = plan.partition("\n")
            while not re.match(r"\S.*\(cost=", nodes) and "\n" in nodes:
                line, _newline, nodes = nodes.partition("\n")
                query += f" {line.strip()}"
            query = " ".join(query.removeprefix("Query Text: ").split())
            short = query if len(query) <= 400 else f"{query[:400]}…"
            out.append(f"\n{ms:,.1f} ms\n\n```sql\n{short}\n```\n\n```\n{nodes}\n```\n")
    return "".join(out)


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks.plans", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="patrons, at most")
    parser.add_argument("--branches", type=int, default=2_000)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--output", type=Path, default=Path(__file__).with_name("PLANS.md"))
    options = parser.parse_args()
    if options.inside:
        inside(options.rows, options.branches)
        return
    found, started = [], time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        databases = PostgreSQL(Path(folder), os.environ["DATABASE_URL"])
        for rows in (options.rows // 10, options.rows):
            databases.make("plans")
            command = [sys.executable, "-m", "benchmarks.plans", "--inside"]
            sizes = ["--rows", str(rows), "--branches", str(options.branches)]
            done = subprocess.run(
                [*command, *sizes],
                cwd=ROOT,
                env=databases.environment("plans") | UNHURRIED,
                stdout=subprocess.PIPE,
                text=True,
                check=True,
            )
            found.append(json.loads(done.stdout.splitlines()[-1]))
        machine = "\n".join(f"- {line}" for line in report.machine([databases]))
        databases.drop("plans")
    head = HEAD.format(
        branches=options.branches,
        small=options.rows // 10,
        large=options.rows,
        file=FILE,
        machine=machine,
        more=f"ms, {options.rows * 10:,} | ms, {options.rows * 100:,}",
        bytes=found[-1]["bytes"],
    )
    options.output.write_text(text(*(each["steps"] for each in found), head))
    print(f"{options.output}: {time.monotonic() - started:.0f} s")


if __name__ == "__main__":
    main()
