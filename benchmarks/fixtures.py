"""`python -m benchmarks.fixtures`: our loaddata beside Django's, in seconds and memory.

Libraries by natural keys, and books with three libraries each, into a new database: of SQLite,
and of PostgreSQL too, where DATABASE_URL is one. Django's takes a minute or more for 100,000
records: `--stock-rows` says how many it gets. `--ten` loads ten times the rows, too, and
compares the peaks of memory.
"""

import argparse
import json
import os
import tempfile
from pathlib import Path

from benchmarks.databases import PostgreSQL, SQLite
from benchmarks.processes import run
from benchmarks.rows import LINKS, STATES


def library(number):
    return {
        "name": f"Maple {number % 97} Public Library {number}",
        "address": f"{number % 9973 + 1} Oak Street",
        "state": STATES[number % len(STATES)],
        "phone_number": f"{212 + number % 700}-{200 + number // 9000}-{1000 + number % 9000}",
        "zip_code": str(10000 + number % 89000),
    }


def key(number):
    fields = library(number)
    return [fields["name"], fields["zip_code"]]


def book(number, rows):
    libraries = [key((number * 31 + step * 7) % rows) for step in range(LINKS)]
    return {"title": f"Rivers, volume {number}", "libraries": libraries}


def write(folder, model, rows):
    path = folder / f"{model}{rows}.json"
    with path.open("w", encoding="utf-8") as file:
        for number in range(rows):
            fields = library(number) if model == "library" else book(number, rows)
            file.write("," if number else "[")
            file.write(json.dumps({"model": f"library.{model}", "fields": fields}) + "\n")
        file.write("]\n")
    return path


def load(database, folder, rows, *options):
    """Of each model, its run."""
    environment = database.fresh()
    return {
        model: run(environment, "benchmarks.loading", write(folder, model, rows), *options)
        for model in ("library", "book")
    }


def compare(database, folder, options):
    """Lines that say what was measured."""
    database.template("empty")
    ours = load(database, folder, options.rows)
    stock = load(database, folder, options.stock_rows, "--no-validate")
    large = load(database, folder, 10 * options.rows) if options.ten else {}
    for model, found in ours.items():
        theirs = stock[model].seconds / options.stock_rows
        said = [
            f"{database.name}, {options.rows:,} of {model}: {found.seconds:.1f} s and"
            f" {found.peak:.0f} MB",
            f"Django takes {theirs / found.seconds * options.rows:.0f} times as long a record",
        ]
        if model in large:
            times = large[model].peak / found.peak
            said.append(f"ten times the rows: {times:.2f} times the memory")
        yield "; ".join(said)


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fixtures", description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--stock-rows", type=int, default=10_000)
    parser.add_argument("--ten", action="store_true")
    options = parser.parse_args()
    url = os.environ.get("DATABASE_URL", "")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        databases = [SQLite(folder)]
        if url.startswith("postgres"):
            databases.append(PostgreSQL(folder, url))
        for database in databases:
            print(*compare(database, folder, options), sep="\n")


if __name__ == "__main__":
    main()
