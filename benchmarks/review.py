"""`python -m benchmarks.review`: how long the review of a large file takes, page and decision.

Checks a file of `--rows` and one of 1,000 rows in a database of its own (SQLite, and the
cluster of DATABASE_URL where it names one), and exits with 1 where a bound is missed. Times
are wall-clock seconds of one process, the best of several; of the check, seconds of CPU.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import files
from benchmarks.databases import ROOT, PostgreSQL, SQLite

FEW = 1_000
FIRST, TIMES, MENDED = 0.3, 2, {100_000: 1.0, 1_000_000: 2.0}  # seconds; times those of FEW


def best(function, times=10):
    seconds = []
    for _ in range(times):
        started = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def measure(path):
    """In a process on a migrated database: check the file, look at it, mend cells."""
    import django

    django.setup()
    from backoffice.changes.decisions import Decision
    from backoffice.changes.models import Change
    from backoffice.jobs.review import Review
    from backoffice.jobs.steps import check_job, create_job
    from library.resources import LibraryResource

    with Path(path).open("rb") as file:
        blocks = iter(lambda: file.read(1 << 20), b"")
        job = create_job(LibraryResource, blocks, file_name="libraries.csv")
    cpu = time.process_time()
    check_job(job)
    found = {"check": time.process_time() - cpu}
    job = Change.objects.get(pk=job.pk)
    review = Review(job)
    for tab in ("all", "new"):
        last = review.page(tab).paginator.num_pages
        for name, number in (("first", 1), ("middle", (last + 1) // 2), ("last", last)):

            def look(tab=tab, number=number):
                opened = Review(Change.objects.get(pk=job.pk))
                return opened.counts, opened.causes(), opened.page(tab, number=number)

            found[f"{tab}, {name}"] = best(look)
    line = job.rows // 2
    for name, field, texts in (
        ("a mended cell", "address", ["1 Elm St", "2 Elm St", "3 Elm St"]),
        ("a mended key", "name", ["One name", "Two names", "Three names"]),
    ):
        answers = iter(texts)

        def mend(field=field, answers=answers):
            text = next(answers)
            review.decide(None, Decision(line=line, field=field, answer="text", text=text))

        found[name] = best(mend, times=3)
    found["a row set aside"] = best(
        lambda: review.decide(None, Decision(line=5, answer="skip"))
    )
    print(json.dumps(found))


def run(database, path):
    code = f"from benchmarks.review import measure; measure({str(path)!r})"
    environment = database.fresh()
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, check=True, stdout=subprocess.PIPE
    )
    return json.loads(done.stdout.splitlines()[-1])


def missed(name, seconds, few, rows):
    """The bound that is missed, or None."""
    if ", " in name:
        bound = TIMES * few[name] + 0.01
        if name.endswith("first"):
            bound = min(bound, FIRST)
        return bound if seconds > bound else None
    bound = next((most for size, most in MENDED.items() if rows <= size), None)
    return bound if name != "check" and bound and seconds > bound else None


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--only", choices=("sqlite", "postgresql"))
    options = parser.parse_args()
    url, holds = os.environ.get("DATABASE_URL", ""), True
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        databases = [] if options.only == "postgresql" else [SQLite(folder)]
        if url.startswith("postgres") and options.only != "sqlite":
            databases.append(PostgreSQL(folder, url))
        for database in databases:
            database.template("empty")
            few, many = (
                run(database, files.write(folder / f"{count}.csv", files.libraries(count)))
                for count in (FEW, options.rows)
            )
            print(f"{database.name}, {options.rows:,} rows and {FEW:,}:")
            for what, seconds in many.items():
                bound = missed(what, seconds, few, options.rows)
                holds &= bound is None
                over = f"  MORE THAN {bound:.3f}" if bound else ""
                print(f"  {what:20} {seconds:8.3f} s {few[what]:8.3f} s{over}")
    sys.exit(not holds)


if __name__ == "__main__":
    main()
