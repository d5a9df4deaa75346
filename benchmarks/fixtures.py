"""`python -m benchmarks.fixtures`: our loaddata beside Django's, in CPU seconds and memory.

Libraries by natural keys, and books with three libraries each, into a new SQLite database of
their own. Django's takes a minute or more for 100,000 records: `--stock-rows` says how many it
gets. `--ten` loads ten times the rows, too, and compares the peaks of memory.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.databases import ROOT
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


def manage(folder, *arguments):
    """Run a command; the CPU seconds and the peak of memory, in megabytes, that it took."""
    environment = {**os.environ, "DATA_DIR": str(folder)}
    environment.pop("DATABASE_URL", None)
    command = [sys.executable, "manage.py", *map(str, arguments)]
    child = subprocess.Popen(command, cwd=ROOT, env=environment)
    _pid, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise RuntimeError(f"{command} ended with {child.returncode}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def load(folder, rows, *options):
    """`{model: (seconds, megabytes)}`, without the seconds that any command takes to start."""
    data = folder / "data"
    shutil.rmtree(data, ignore_errors=True)
    data.mkdir()
    manage(data, "migrate", "-v0")
    start, _peak = manage(data, "loaddata", write(folder, "library", 1), *options)
    manage(data, "flush", "--no-input", "-v0")
    found = {}
    for model in ("library", "book"):
        seconds, peak = manage(data, "loaddata", write(folder, model, rows), *options)
        found[model] = (seconds - start, peak)
    return found


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fixtures", description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--stock-rows", type=int, default=10_000)
    parser.add_argument("--ten", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ours = load(folder, options.rows)
        stock = load(folder, options.stock_rows, "--no-validate")
        large = load(folder, 10 * options.rows) if options.ten else {}
    for model, (seconds, peak) in ours.items():
        per_row = seconds / options.rows
        theirs = stock[model][0] / options.stock_rows
        print(f"{model}: {seconds:.2f} s CPU and {peak:.0f} MB for {options.rows:,};", end=" ")
        print(f"Django takes {theirs / per_row:.0f} times as long a record", end="")
        if model in large:
            print(
                f"; ten times the rows: {large[model][1] / peak:.2f} times the memory", end=""
            )
        print()


if __name__ == "__main__":
    main()
