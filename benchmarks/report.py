"""RESULTS.md: what was measured, on what machine, beside what it must hold."""

import os
import platform
import re
from datetime import date

HEAD = """\
Written by `make bench`; don't edit. Each run is a process of its own on a fresh, migrated
database; ours and what it is compared with take turns, and the fastest of {repeat} counts (of
stock, one). Whole processes include Python's start; the others are the seconds of the phase
itself, on both sides. Ours writes history and checks every cell; the floor and stock do not.
Stock django-import-export runs with {stock_rows:,} rows and is compared by the row, ours with
{compared:,}. Stock's bulk: `use_bulk`, `batch_size`, `skip_diff`, `skip_html_diff`.

{machine}
"""


def machine(databases):
    with open("/proc/cpuinfo") as file:
        models = [line.partition(":")[2].strip() for line in file if "model name" in line]
    with open("/proc/meminfo") as file:
        memory = int(file.readline().split()[1]) / 1024**2
    yield date.today().isoformat()
    yield f"{os.cpu_count()} × {models[0] if models else platform.machine()}, {memory:.0f} GB"
    yield f"Python {platform.python_version()} on {platform.system()} {platform.release()}"
    for database in databases:
        yield database.describe()


def write(path, benches, *, repeat, rows, compared, stock_rows):
    lines = "\n".join(f"- {line}" for line in machine([b.databases for b in benches]))
    text = HEAD.format(repeat=repeat, compared=compared, stock_rows=stock_rows, machine=lines)
    text += "\n| database | measure | is | must be | |\n|---|---|--:|--:|---|\n"
    for bench in benches:
        text += "".join(map(measure_row, bench.measures))
    text += "\n| database | run | rows | seconds | rows/s | peak MB | statements |\n"
    text += "|---|---|--:|--:|--:|--:|--:|\n"
    for bench in benches:
        text += "".join(map(timing_row, bench.timings))
    write_section(path, "Imports", text)


def write_section(path, name, text):
    """Put `text` below the heading of its name; the sections of other benchmarks stay."""
    title = f"# {name}, measured\n"
    written = path.read_text(encoding="utf-8") if path.exists() else ""
    sections = [section for section in re.split(r"(?m)^(?=# )", written) if section]
    section = f"{title}\n{text.rstrip()}\n"
    for place, other in enumerate(sections):
        if other.startswith(title):
            sections[place] = section
            break
    else:
        sections.append(section)
    whole = "\n".join(each.rstrip() + "\n" for each in sections)
    path.write_text(whole, encoding="utf-8")


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
