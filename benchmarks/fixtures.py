"""`python -m benchmarks.fixtures`: our loaddata beside Django's, and dumpdata: time and memory.

Libraries by natural keys, and books with three libraries each, into a new database, out of it
in each format, and in again: of SQLite, and of PostgreSQL too, where DATABASE_URL is one.
Django's loaddata takes a minute or more for 100,000 records: `--stock-rows` says how many it
gets. `--ten` does it all with ten times the rows, too, and compares the peaks of memory.
"""

import argparse
import json
import os
import tempfile
from pathlib import Path

from benchmarks.databases import PostgreSQL, SQLite
from benchmarks.processes import run
from benchmarks.rows import LINKS, STATES

LOADING = "benchmarks.loading"
MODELS = ("library", "book")
FORMATS = ("json", "jsonl", "xml", "yaml")


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


def measure(database, folder, rows):
    """Of each model and step, its run: a load, dumps in all formats, and loads of those."""
    runs = {}
    environment = database.fresh()
    for model in MODELS:
        if model == "book":  # which refer to libraries
            database.copy("run", "libraries")
        path = write(folder, model, rows)
        runs[model, "loaddata", "json"] = run(environment, LOADING, "loaddata", path)
        for kind in FORMATS:
            path = folder / f"dump.{model}.{kind}"
            how = ["--format", kind, "--natural-foreign", "--natural-primary", "-o", path]
            runs[model, "dumpdata", kind] = run(
                environment, LOADING, "dumpdata", f"library.{model}", *how
            )
    for kind in FORMATS[1:]:
        for model, before in zip(MODELS, ("empty", "libraries"), strict=True):
            path = folder / f"dump.{model}.{kind}"
            environment = database.fresh(before)
            runs[model, "loaddata", kind] = run(environment, LOADING, "loaddata", path)
    return runs


def stock(database, folder, rows):
    """Of each model, the CPU seconds that Django takes for a record."""
    environment = database.fresh()
    return {
        model: run(
            environment, LOADING, "loaddata", write(folder, model, rows), "--no-validate"
        ).said["cpu"]
        / rows
        for model in MODELS
    }


def compare(database, folder, options):
    """Lines that say what was measured."""
    database.template("empty")
    theirs = stock(database, folder, options.stock_rows)
    ours = measure(database, folder, options.rows)
    large = measure(database, folder, 10 * options.rows) if options.ten else {}
    for key, found in ours.items():
        model, command, kind = key
        cpu = found.said["cpu"]
        said = (
            f"{database.name}, {command} of {options.rows:,} × {model} as {kind}:"
            f" {found.seconds:.1f} s, CPU {cpu:.1f} s, {found.peak:.0f} MB"
        )
        if command == "loaddata" and kind == "json":
            said += (
                f"; Django takes {theirs[model] / cpu * options.rows:.0f} × the CPU a record"
            )
        if key in large:
            said += f"; ten times the rows: {large[key].peak / found.peak:.2f} × the memory"
        yield said


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
            for line in compare(database, folder, options):
                print(line, flush=True)


if __name__ == "__main__":
    main()
