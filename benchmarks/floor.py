"""`python -m benchmarks.floor FILE`: the fastest way known to write new libraries.

The same rows, history and indexes as an import writes, the search index too; nothing is
checked. Secondary indexes of the libraries, and what keeps the search index, are dropped and
made again; indexes of history only grow at their end. On SQLite
`csv.reader`, `executemany` and `INSERT … SELECT`, on PostgreSQL `COPY` of both tables.
"""

import csv
import itertools
import json
import os
import sqlite3
import sys

COLUMNS = "name, address, state, phone_number, zip_code"
PRAGMAS = "journal_mode=WAL", "synchronous=NORMAL", "cache_size=-32000", "temp_store=FILE"
HISTORY = f"library_historicallibrary (id, {COLUMNS}, history_date, history_type)"
SIGNED = "2026-01-01", "+"
MADE = "SELECT name, sql FROM sqlite_master WHERE type = ? AND tbl_name = 'library_library'"
SEARCH = (
    "SELECT name FROM sqlite_master WHERE sql LIKE 'CREATE VIRTUAL TABLE %library_library%'"
)
INDEXES_OF_POSTGRESQL = (
    "SELECT relname, pg_get_indexdef(oid) FROM pg_index JOIN pg_class ON oid = indexrelid"
    " WHERE indrelid = 'library_library'::regclass AND NOT indisunique"
)
LINES = 5_000  # in a block of COPY


def drop(connection, kind, *query):
    """Drop the indexes or triggers; the statements that make them again."""
    made = connection.execute(*query).fetchall()
    for name, _sql in made:
        connection.execute(f'DROP {kind} "{name}"')
    return [sql for _name, sql in made]


def sqlite(path, database):
    connection = sqlite3.connect(database, isolation_level=None)
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    with open(path, encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        next(rows)
        connection.execute("BEGIN IMMEDIATE")
        made = [
            sql for kind in ("index", "trigger") for sql in drop(connection, kind, MADE, [kind])
        ]
        insert = f"INSERT INTO library_library ({COLUMNS}) VALUES (?, ?, ?, ?, ?)"
        connection.executemany(insert, rows)
        select = f"SELECT id, {COLUMNS}, ?, ? FROM library_library"
        connection.execute(f"INSERT INTO {HISTORY} {select}", SIGNED)
        for (name,) in connection.execute(SEARCH).fetchall():
            connection.execute(f"INSERT INTO {name} ({name}) VALUES ('rebuild')")
        for sql in made:
            connection.execute(sql)
        connection.execute("COMMIT")
    connection.close()


def copy(connection, path, table, after=""):
    """Copy the file's lines with their numbers as keys, and the text `after` each."""
    with (
        open(path, encoding="utf-8") as file,
        connection.cursor().copy(f"COPY {table} FROM STDIN WITH (FORMAT csv)") as copying,
    ):
        next(file)
        lines = (f"{n},{line[:-1]}{after}\n" for n, line in enumerate(file, 1))
        while block := "".join(itertools.islice(lines, LINES)):
            copying.write(block)


def postgresql(path, url):
    import psycopg

    with psycopg.connect(url) as connection:
        connection.execute("SET LOCAL maintenance_work_mem = '256MB'")
        indexes = drop(connection, "index", INDEXES_OF_POSTGRESQL)
        copy(connection, path, f"library_library (id, {COLUMNS})")
        copy(connection, path, HISTORY, "".join(f",{value}" for value in SIGNED))
        for sql in indexes:
            connection.execute(sql)


if __name__ == "__main__":
    url = os.environ["DATABASE_URL"]
    if url.startswith("sqlite:///"):
        sqlite(sys.argv[1], url.removeprefix("sqlite:///"))
    else:
        postgresql(sys.argv[1], url)
    print(json.dumps({}))
