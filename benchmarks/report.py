"""RESULTS.md: what was measured, on which machine, and its bounds."""

import os
import platform
import re
import subprocess
from datetime import date

from benchmarks.databases import ROOT

IMPORTS = """\
# Imports, measured

Written by `make bench`; don't edit. Each run is a process of its own on a fresh, migrated
database; ours and what it is compared with take turns, and the fastest of {repeat} counts (of
stock, one). Whole processes include Python's start; the others are the seconds of the phase
itself, on both sides. Ours checks every cell and writes history; the floor writes rows and
history, checks nothing, and drops indexes and makes them again; stock writes no history.
Stock django-import-export runs with {stock_rows:,} rows and is compared by the row, ours with
{compared:,}. Stock's bulk: `use_bulk`, `batch_size`, `skip_diff`, `skip_html_diff`.

{machine}
"""
EXPORTS = """\
# Exports, measured

Written by `make bench ARGS=exports`; don't edit. Each run is a process of its own; ours and
what it is compared with take turns, and the fastest of {repeat} counts. Whole processes
include Python's start. The floor of PostgreSQL is `COPY … TO`, that of SQLite a plain cursor
into `csv.writer`, both in the order of the primary key. A server is gunicorn with one worker,
asked by the export page's form as its list is ordered; its first byte is that of a second
export. Stock django-import-export exports {stock_rows:,} books and is compared by the row, ours
{compared:,}, each in {links} libraries.

{machine}
"""


def stamp():
    """When it was measured, and of which commit; "-dirty" where files differ from it."""
    command = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    commit = f", commit {done.stdout.strip()}" if done.returncode == 0 else ""
    return date.today().isoformat() + commit


def machine(databases):
    with open("/proc/cpuinfo") as file:
        models = [line.partition(":")[2].strip() for line in file if "model name" in line]
    with open("/proc/meminfo") as file:
        memory = int(file.readline().split()[1]) / 1024**2
    yield stamp()
    yield f"{os.cpu_count()} × {models[0] if models else platform.machine()}, {memory:.0f} GB"
    yield f"Python {platform.python_version()} on {platform.system()} {platform.release()}"
    for database in databases:
        yield database.describe()


def write(path, head, benches, **sizes):
    """Write a section, which begins with `head`, in place of the one with its title."""
    lines = "\n".join(f"- {line}" for line in machine([b.databases for b in benches]))
    text = head.format(machine=lines, **sizes)
    text += "\n| database | measure | is | must be | |\n|---|---|--:|--:|---|\n"
    for bench in benches:
        text += "".join(map(measure_row, bench.measures))
    text += "\n| database | run | rows | seconds | rows/s | peak MB | statements |\n"
    text += "|---|---|--:|--:|--:|--:|--:|\n"
    for bench in benches:
        text += "".join(map(timing_row, bench.timings))
    write_section(path, text)


def write_section(path, text):
    """Replace the section with the title of `text`; keep those of other benchmarks."""
    title = text.partition("\n")[0]
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    sections = {s.partition("\n")[0]: s for s in re.split(r"^(?=# )", before, flags=re.M) if s}
    sections[title] = text
    path.write_text("\n".join(s.strip() + "\n" for s in sections.values()), encoding="utf-8")


def measure_row(m):
    bound, holds = "", ""
    if m.most is not None:
        bound, holds = f"≤ {m.most:.4g}{m.unit}", "holds" if m.holds else "**fails**"
    elif m.least is not None:
        bound, holds = f"≥ {m.least:.4g}{m.unit}", "holds" if m.holds else "**fails**"
    value = f"{m.value:.3g}{m.unit}"
    return f"| {m.database} | {m.what} | {value} {m.note} | {bound} | {holds} |\n"


def timing_row(t):
    statements = "" if t.statements is None else f"{t.statements:,}"
    return (
        f"| {t.database} | {t.what} | {t.rows:,} | {t.seconds:.2f} |"
        f" {t.rows / t.seconds:,.0f} | {t.peak:.0f} | {statements} |\n"
    )
