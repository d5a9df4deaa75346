"""Files to import: all rows are valid, match keys are unique, and all runs get the same."""

import csv
import random

STATES = "NY NJ CT CO CA TX WA OR MA PA OH IL FL GA MI VA".split()  # noqa: SIM905
LINKS = 3  # libraries of a book
POOL = 10_000  # libraries that patrons and books are in


def libraries(rows, first=0):
    """`rows` libraries, in the order of their keys; those of another `first` are others."""
    yield "name", "address", "state", "phone_number", "zip_code"
    for n in range(first, first + rows):
        phone = f"{212 + n % 700}-{200 + n // 10_000 % 800}-{n % 10_000:04}"
        yield (
            f"Library {n:07}",
            f"{n % 9_999 + 1} Main Street",
            STATES[n % len(STATES)],
            phone,
            f"{n * 7 % 99_000 + 501:05}",
        )


def shuffled(rows):
    header, *rows = rows
    random.Random(0).shuffle(rows)  # noqa: S311
    yield header
    yield from rows


def patrons(rows, libraries):
    yield "name", "library"
    for n in range(rows):
        yield f"Patron {n:07}", f"Library {n * 31 % libraries:07}"


def books(rows, libraries):
    yield "title", "libraries"
    for n in range(rows):
        held_by = (f"Library {(n * 31 + step * 7) % libraries:07}" for step in range(LINKS))
        yield f"Title {n:07}", "|".join(held_by)


def write(path, rows):
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def write_all(folder, rows, compared, stock_rows, ten):
    """Write all files that are imported: `{name: path}`."""
    pool = min(POOL, rows)
    million = {
        "pool": libraries(pool),
        "shuffled": shuffled(libraries(rows)),
        "others": libraries(rows, first=rows),
    }
    if ten:
        million["ten"] = libraries(10 * rows)
    made = {name: write(folder / f"{name}.csv", rows) for name, rows in million.items()}
    for count in {rows, compared, stock_rows}:
        path = folder / f"libraries-{count}.csv"
        made["libraries", count] = write(path, libraries(count))
    for count in {compared, stock_rows}:
        for name, generate in (("patrons", patrons), ("books", books)):
            path = folder / f"{name}-{count}.csv"
            made[name, count] = write(path, generate(count, pool))
    return made
