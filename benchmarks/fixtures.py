"""`python -m benchmarks.fixtures`: our loaddata beside Django's, and dumpdata: time and memory.

Libraries by natural keys, and books with three libraries each, into a new database and out of
it, in each format; on SQLite, and on PostgreSQL too, where DATABASE_URL is one. A run goes into
RESULTS.md in place of the same one there, so that parts can be measured again: `--rows`,
`--models`, `--formats`, `--commands`, `--only`.

Django's loaddata takes a minute or more for 100,000 records: `--stock-rows` says how many it
gets, and it is compared by the CPU that a record takes. A parser alone is what makes events or
records of a file, without anything done with them.
"""

import argparse
import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks import report
from benchmarks.databases import PostgreSQL, SQLite
from benchmarks.processes import run
from benchmarks.rows import LINKS, STATES

LOADING = "benchmarks.loading"
MODELS = ("library", "book")
FORMATS = ("json", "jsonl", "yaml", "xml")
COMMANDS = ("loaddata", "dumpdata", "stock", "parser")
FEWER = 100_000  # rows that ten times as many are compared with
TITLE = "# Fixtures, measured"
HEAD = f"""\
{TITLE}

Written by `python -m benchmarks.fixtures`; don't edit. Each run is a process of its own, on a
fresh, migrated database; books, with {LINKS} libraries each, on one with as many libraries.
Stock is Django's loaddata (`--no-validate`), which checks no values and writes no history; it
is compared by the CPU that a record takes. Ours does both. Parser alone: PyYAML's events
(libyaml), expat's with empty handlers, `json`'s records; nothing is done with what they give.
Memory is the peak of the process, without a server's of PostgreSQL, beside that of
{FEWER:,} rows. Where other programs were at work, seconds are more than those of the CPU.

"""
COLUMNS = (
    "database",
    "what",
    "of",
    "format",
    "rows",
    "seconds",
    "CPU s",
    "peak MB",
    "stock's CPU a record ÷ ours",
    f"memory ÷ {FEWER:,}",
)


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


# Files, as dumpdata writes them ----------------------------------------------------------


def as_yaml(model, fields):
    lines = [f"- model: library.{model}", "  fields:"]
    for name, value in fields.items():
        if isinstance(value, str):
            lines.append(
                f"    {name}: '{value}'" if value.isdigit() else f"    {name}: {value}"
            )
            continue
        lines.append(f"    {name}:")
        for first, second in value:
            lines += [f"    - - {first}", f"      - '{second}'"]
    return "\n".join(lines) + "\n"


def as_xml(model, fields):
    text = f'<object model="library.{model}">'
    for name, value in fields.items():
        if isinstance(value, str):
            text += f'<field name="{name}" type="CharField">{value}</field>'
            continue
        text += f'<field name="{name}" rel="ManyToManyRel" to="library.library">'
        for each in value:
            parts = "".join(f"<natural>{part}</natural>" for part in each)
            text += f"<object>{parts}</object>"
        text += "</field>"
    return text + "</object>"


def as_json(model, fields):
    return json.dumps({"model": f"library.{model}", "fields": fields})


#: By format: a record, and what stands before, between and after records.
WRITTEN = {
    "json": (as_json, "[\n", ",\n", "\n]\n"),
    "jsonl": (as_json, "", "\n", "\n"),
    "yaml": (as_yaml, "", "", ""),
    "xml": (
        as_xml,
        '<?xml version="1.0"?>\n<django-objects version="1.0">',
        "",
        "</django-objects>",
    ),
}


def write(folder, model, rows, kind="json"):
    path = folder / f"{model}{rows}.{kind}"
    if path.exists():
        return path
    written, before, between, after = WRITTEN[kind]
    with path.open("w", encoding="utf-8") as file:
        file.write(before)
        for number in range(rows):
            fields = library(number) if model == "library" else book(number, rows)
            file.write((between if number else "") + written(model, fields))
        file.write(after)
    return path


# Runs ------------------------------------------------------------------------------------


@dataclass
class Measured:
    database: str
    what: str
    model: str
    kind: str
    rows: int
    seconds: float
    cpu: float
    peak: float

    @property
    def key(self):
        return self.database, self.what, self.model, self.kind, self.rows

    @property
    def cells(self):
        texts = self.database, self.what, self.model, self.kind, f"{self.rows:,}"
        return [*texts, f"{self.seconds:.2f}", f"{self.cpu:.2f}", f"{self.peak:.0f}"]

    @classmethod
    def of(cls, cells):
        *texts, rows, seconds, cpu, peak = cells[:8]
        return cls(*texts, int(rows.replace(",", "")), float(seconds), float(cpu), float(peak))


class Bench:
    def __init__(self, database, folder, options):
        self.database, self.folder, self.options = database, folder, options
        database.template("empty")

    def runs(self):
        for model in self.options.models:
            sizes = {
                what: self.options.stock_rows if what == "stock" else self.options.rows
                for what in self.options.commands
            }
            for rows in sorted(set(sizes.values())):
                if model == "book":
                    self._load("empty", "library", rows)
                    self.database.copy("run", "libraries")
                for what in [what for what, size in sizes.items() if size == rows]:
                    yield from self._runs(what, model, rows)

    def _runs(self, what, model, rows):
        before = "libraries" if model == "book" else "empty"
        if what == "dumpdata":
            environment = self._load(before, model, rows)
        for kind in self.options.formats:
            path = write(self.folder, model, rows, kind)
            if what == "dumpdata":
                out = self.folder / "dump"
                how = ["--format", kind, "--natural-foreign", "--natural-primary", "-o", out]
                found = run(environment, LOADING, what, f"library.{model}", *how)
            elif what == "parser":
                found = run(self.database.environment("run"), LOADING, "parser", path)
            else:
                environment = self.database.fresh(before)
                how = ["--no-validate"] if what == "stock" else []
                found = run(environment, LOADING, "loaddata", path, *how)
            said = found.said["cpu"], found.peak
            yield Measured(self.database.name, what, model, kind, rows, found.seconds, *said)

    def _load(self, before, model, rows):
        environment = self.database.fresh(before)
        run(environment, LOADING, "loaddata", write(self.folder, model, rows))
        return environment


# The report ------------------------------------------------------------------------------


def kept(path):
    """What was measured before, by its key."""
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    section = text.partition(f"{TITLE}\n")[2].partition("\n# ")[0]
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if "|" in line]
    return {found.key: found for found in map(Measured.of, rows[2:])}


def write_report(path, found, machine):
    text = HEAD + "\n".join(f"- {line}" for line in machine) + "\n\n"
    text += f"| {' | '.join(COLUMNS)} |\n|{'---|' * 4}{'--:|' * 6}\n"
    stock = {
        each.key[:1] + each.key[2:4]: each for each in found.values() if each.what == "stock"
    }
    places = [*FORMATS], [*MODELS], [*COMMANDS]

    def place(each):
        kind, model, what = places
        return (
            each.database != "SQLite",
            what.index(each.what),
            model.index(each.model),
            each.rows,
            kind.index(each.kind),
        )

    for each in sorted(found.values(), key=place):
        cells = each.cells
        theirs = stock.get(each.key[:1] + each.key[2:4])
        is_compared = theirs and each.what in ("loaddata", "parser")
        times = theirs.cpu / theirs.rows / (each.cpu / each.rows) if is_compared else 0
        fewer = found.get((*each.key[:4], FEWER)) if each.rows > FEWER else None
        cells += [
            f"{times:.1f}×" if times else "",
            f"{each.peak / fewer.peak:.2f}" if fewer else "",
        ]
        text += f"| {' | '.join(cells)} |\n"
    report.write_section(path, text)


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fixtures", description=__doc__)
    add = parser.add_argument
    add("--rows", type=int, default=FEWER)
    add("--stock-rows", type=int, default=10_000)
    add("--models", nargs="+", choices=MODELS, default=MODELS)
    add("--formats", nargs="+", choices=FORMATS, default=FORMATS)
    add("--commands", nargs="+", choices=COMMANDS, default=COMMANDS)
    add("--only", choices=("sqlite", "postgresql"))
    add("--output", type=Path, default=Path(__file__).with_name("RESULTS.md"))
    options = parser.parse_args()
    url = os.environ.get("DATABASE_URL", "")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        databases = [] if options.only == "postgresql" else [SQLite(folder)]
        if url.startswith("postgres") and options.only != "sqlite":
            databases.append(PostgreSQL(folder, url))
        for database in databases:
            for measured in Bench(database, folder, options).runs():
                print(" | ".join(measured.cells), flush=True)
                found = kept(options.output) | {measured.key: measured}
                write_report(options.output, found, report.machine(databases))


if __name__ == "__main__":
    main()
