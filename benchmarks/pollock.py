"""Pollock: how much of 2,290 polluted CSV files the reader gets right, told nothing.

`python -m benchmarks.pollock FOLDER`, a checkout of HPI-Information-Systems/Pollock (Vitagliano
et al., VLDB 2023), writes the section of RESULTS.md and ends with 1 where a bound is missed.
With `--metrics PYTHON`, one that has what `pollock/metrics.py` imports, the benchmark's own
program measures the same rows beside our own measure.
"""

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import django

from benchmarks import report

BOUNDS = {"weighted": 9.85, "simple": 9.95}
HEAD = """\
# Polluted files, read

Written by `python -m benchmarks.pollock FOLDER`; don't edit. The {files:,} files of the Pollock
benchmark, read without being told a dialect. Its measure is 10 where all is right: one for a
file that is read, and precision, recall and F1 of its header's cells, its records (their cells
joined) and its cells. Rows that are rejected count as they are shown; those of a second table
are left out. Our measure compares text; its own program, `pollock/metrics.py`, run on the rows
that we read (`--metrics`), takes numbers, dates and prices that are written differently for
equal in headers and records. A file is silently wrong where no warning is given and the header
or a row that is taken differs, cell by cell, from the clean file's, or a row is not there.

- {stamp}
"""

Rows = list[list[str]]


def shares(source: list[str], loaded: list[str]) -> float:
    """Precision + recall + F1 of two collections (Pollock's names for them, its order)."""
    common = sum((Counter(source) & Counter(loaded)).values())
    if not source:
        return 3.0
    if not common:
        return 0.0
    precision, recall = common / len(source), common / len(loaded)
    return precision + recall + 2 * precision * recall / (precision + recall)


def score(clean: Rows, loaded: Rows | None) -> float:
    """Pollock's measure of one file, 0 to 10; `loaded` is None for one that was refused."""
    if loaded is None:
        return 0.0
    if not clean:
        return 10.0
    if not loaded:
        return 1.0
    records = [["".join(row).lower() for row in rows[1:]] for rows in (clean, loaded)]
    cells = [[cell for row in rows for cell in row] for rows in (clean, loaded)]
    headers = [[cell.lower() for cell in rows[0]] for rows in (clean, loaded)]
    return 1.0 + shares(*headers) + shares(*records) + shares(*cells)


def read(path: Path) -> tuple[Rows | None, Rows, list[str]]:
    """Rows as they are read, None for a file refused; those that are taken; what was said."""
    from backoffice.readers.source import ReaderError, open_source

    try:
        source = open_source(path)
        records = [record for chunk in source.chunks() for record in chunk]
    except ReaderError as error:
        # A file without anything in it is read when that is said.
        return ([] if not path.stat().st_size else None), [], [str(error)]
    loaded = [cells for _, cells, problem in records if "a second table" not in (problem or "")]
    taken = [cells for _, cells, problem in records if problem is None]
    return [source.headers, *loaded], [source.headers, *taken], source.warnings


def is_silently_wrong(clean: Rows, loaded: Rows | None, taken: Rows, said: list[str]) -> bool:
    if said or not taken[1:]:
        return False
    # Blank cells at the end, with a blank header above, are no column.
    header, *rows = (tuple(row[: len(taken[0])]) for row in clean)
    wrong = Counter(map(tuple, taken[1:])) - Counter(rows)
    return bool(wrong) or tuple(taken[0]) != header or len(loaded or ()) < len(clean)


def measure(folder: Path, converted: Path) -> Iterator[tuple[str, float, bool]]:
    """(file, score, whether it is silently wrong) for each file.

    converted: where to write the rows as they are read, as Pollock's program wants them.
    """
    for path in sorted((folder / "polluted_files" / "csv").glob("*.csv")):
        with (folder / "polluted_files" / "clean" / path.name).open(newline="") as file:
            clean = list(csv.reader(file))
        loaded, taken, said = read(path)
        with (converted / path.name).open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([["Application Error"]] if loaded is None else loaded)
        yield path.name, score(clean, loaded), is_silently_wrong(clean, loaded, taken, said)


THEIRS = """
import functools, json, os, sys
sys.path.insert(0, os.getcwd())
from pollock import metrics
metrics.normalize_cell = functools.cache(metrics.normalize_cell)  # it takes a millisecond
scores = {}
for name in sorted(os.listdir(sys.argv[1])):
    converted, scores[name] = os.path.join(sys.argv[1], name), 0.0
    if metrics.successful_csv(converted):
        clean = os.path.join("polluted_files", "clean", name)
        shares = metrics.header_record_cell_measures_csv(clean, converted)
        scores[name] = 1.0 + sum(map(float, shares))
print(json.dumps(scores))
"""


def their_scores(python: str, folder: Path, converted: Path) -> dict[str, float]:
    """What Pollock's own program gives each file."""
    command = [python, "-c", THEIRS, str(converted)]
    done = subprocess.run(command, cwd=folder, check=True, stdout=subprocess.PIPE, text=True)
    scores: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return scores


def means(scores: dict[str, float], weights: dict[str, float]) -> dict[str, float]:
    """The two means of Pollock: by how often a fault is met, and of all files alike."""
    weight = sum(weights.get(name, 0) for name in scores)
    return {
        "weighted": sum(weights.get(name, 0) * of for name, of in scores.items()) / weight,
        "simple": sum(scores.values()) / len(scores),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pollock", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--files", action="store_true", help="List files below 10.")
    parser.add_argument("--metrics", metavar="PYTHON", help="Run pollock/metrics.py as well.")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_name("RESULTS.md"))
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backoffice.settings")
    django.setup()
    weights = json.loads((options.folder / "pollock_weights.json").read_text())
    theirs: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as converted:
        found = list(measure(options.folder, Path(converted)))
        if not found:
            parser.error(f"no polluted_files/csv/*.csv in {options.folder}")
        if options.metrics:
            theirs = their_scores(options.metrics, options.folder, Path(converted))
    if options.files:
        for name, points, silent in found:
            if points < 10 or silent:
                their = f"{theirs[name]:.3f} " if theirs else ""
                print(f"{points:.3f} {their}{'SILENT' if silent else '      '} {name}")
    scores = means({name: points for name, points, _ in found}, weights)
    own = means(theirs, weights) if theirs else {}
    wrong = [name for name, _, is_silent in found if is_silent]
    head = HEAD.format(files=len(found), stamp=report.stamp())
    lines = [head, "| measure | is | must be | |", "|---|--:|--:|---|"]
    for name, bound in BOUNDS.items():
        mark = "holds" if min(scores[name], own.get(name, 10)) >= bound else "**fails**"
        lines.append(f"| our measure, {name} | {scores[name]:.3f} | ≥ {bound} | {mark} |")
        if own:
            lines.append(f"| its `metrics.py`, {name} | {own[name]:.3f} | ≥ {bound} | {mark} |")
    mark = "**fails**" if wrong else "holds"
    lines.append(f"| files that are silently wrong | {len(wrong)} | 0 | {mark} |")
    text = "\n".join(lines) + "\n"
    print(text)
    report.write_section(options.output, text)
    sys.exit("fails" in text)


if __name__ == "__main__":
    main()
