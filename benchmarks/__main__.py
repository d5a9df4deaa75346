"""`python -m benchmarks`: measure, write RESULTS.md, end with 1 where a bound is missed."""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from benchmarks import files, report
from benchmarks.databases import PostgreSQL, SQLite
from benchmarks.measures import Bench

COMPARED, STOCK, POOL = 100_000, 20_000, 10_000


def arguments():
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    add = parser.add_argument
    add("--rows", type=int, default=1_000_000)
    add("--stock-rows", type=int, default=STOCK, help="Of stock, which takes 1 ms a row.")
    add("--repeat", type=int, default=3)
    add("--only", choices=("sqlite", "postgresql"))
    add("--output", type=Path, default=Path(__file__).with_name("RESULTS.md"))
    return parser.parse_args()


def write_files(folder, rows, compared, stock_rows):
    pool = min(POOL, rows)
    made = {"pool": files.write(folder / "pool.csv", files.libraries(pool))}
    for count in {rows, compared, stock_rows}:
        path = folder / f"libraries-{count}.csv"
        made["libraries", count] = files.write(path, files.libraries(count))
    for count in {compared, stock_rows}:
        for name, generate in (("patrons", files.patrons), ("books", files.books)):
            path = folder / f"{name}-{count}.csv"
            made[name, count] = files.write(path, generate(count, pool))
    return made


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
        made = write_files(folder, **sizes)
        databases = [] if options.only == "postgresql" else [SQLite(folder)]
        if url.startswith("postgres") and options.only != "sqlite":
            databases.append(PostgreSQL(folder, url))
        benches = []
        for database in databases:
            benches.append(Bench(database, made, repeat=options.repeat, **sizes))
            benches[-1].run()
        report.write(options.output, benches, repeat=options.repeat, **sizes)
    sys.exit(any(not measure.holds for bench in benches for measure in bench.measures))


if __name__ == "__main__":
    main()
