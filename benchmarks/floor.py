"""`python -m benchmarks.floor FILE`: the fastest way to get these rows into the table.

On SQLite `csv.reader` and `executemany` in one transaction; on PostgreSQL `COPY` of the file
as it is. Table, indexes and settings are the same; nothing is checked, and there is no history.
"""

import csv
import json
import os
import sqlite3
import sys

COLUMNS = "name, address, state, phone_number, zip_code"
PRAGMAS = "journal_mode=WAL", "synchronous=NORMAL", "cache_size=-32000", "temp_store=FILE"


def sqlite(path, database):
    connection = sqlite3.connect(database, isolation_level=None)
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    with open(path, encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        next(rows)
        connection.execute("BEGIN IMMEDIATE")
        insert = f"INSERT INTO library_library ({COLUMNS}) VALUES (?, ?, ?, ?, ?)"
        connection.executemany(insert, rows)
        connection.execute("COMMIT")
    connection.close()


def postgresql(path, url):
    import psycopg

    copy_in = f"COPY library_library ({COLUMNS}) FROM STDIN WITH (FORMAT csv, HEADER)"
    with (
        open(path, "rb") as file,
        psycopg.connect(url) as connection,
        connection.cursor().copy(copy_in) as copy,
    ):
        while block := file.read(1 << 20):
            copy.write(block)


if __name__ == "__main__":
    url = os.environ["DATABASE_URL"]
    if url.startswith("sqlite:///"):
        sqlite(sys.argv[1], url.removeprefix("sqlite:///"))
    else:
        postgresql(sys.argv[1], url)
    print(json.dumps({}))
