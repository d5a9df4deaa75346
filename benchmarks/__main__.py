"""`python -m benchmarks`: measure, write RESULTS.md, exit with 1 if a bound is missed."""

import argparse
import multiprocessing
import os
import sys
import tempfile
from pathlib import Path

from benchmarks import files, report
from benchmarks.databases import PostgreSQL, SQLite
from benchmarks.exports import ExportBench
from benchmarks.files import LINKS
from benchmarks.measures import Bench

COMPARED, STOCK = 100_000, 20_000
SECTIONS = {"imports": (Bench, report.IMPORTS), "exports": (ExportBench, report.EXPORTS)}


def arguments():
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    add = parser.add_argument
    add("sections", nargs="*", help="imports, exports; both if left out.")
    add("--rows", type=int, default=1_000_000)
    add("--stock-rows", type=int, default=STOCK, help="Of stock, which takes 1 ms a row.")
    add("--repeat", type=int, default=3)
    add("--ten", action="store_true", help="Import ten times the rows, too.")
    add("--only", choices=("sqlite", "postgresql"))
    add("--output", type=Path, default=Path(__file__).with_name("RESULTS.md"))
    options = parser.parse_args()
    if unknown := set(options.sections) - set(SECTIONS):
        parser.error(f"no section {', '.join(unknown)}; choose of {', '.join(SECTIONS)}")
    return options


def main():
    options = arguments()
    rows, compared = options.rows, min(COMPARED, options.rows)
    sizes = {
        "rows": rows,
        "compared": compared,
        "stock_rows": min(options.stock_rows, compared),
    }
    url = os.environ.get("DATABASE_URL", "")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # Rows are shuffled in another process: Linux counts the memory that this one ever had
        # as the peak of each process that it starts.
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            made = pool.apply(files.write_all, [folder], {"ten": options.ten, **sizes})
        databases = [] if options.only == "postgresql" else [SQLite(folder)]
        if url.startswith("postgres") and options.only != "sqlite":
            databases.append(PostgreSQL(folder, url))
        all_hold = True
        for section in options.sections or SECTIONS:
            bench_class, head = SECTIONS[section]
            benches = []
            for database in databases:
                benches.append(bench_class(database, made, repeat=options.repeat, **sizes))
                benches[-1].run()
            report.write(
                options.output, head, benches, repeat=options.repeat, links=LINKS, **sizes
            )
            all_hold &= all(measure.holds for bench in benches for measure in bench.measures)
    sys.exit(not all_hold)


if __name__ == "__main__":
    main()
