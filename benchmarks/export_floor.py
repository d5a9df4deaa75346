"""`python -m benchmarks.export_floor FILE [cursor]`: the fastest way to a CSV of libraries.

On PostgreSQL `COPY … TO`; on SQLite, and with "cursor" on PostgreSQL, a plain cursor and
`csv.writer`. Rows are in the order of the primary key, and nothing is escaped or logged.
"""

import csv
import json
import os
import sqlite3
import sys

from benchmarks.floor import COLUMNS

SELECT = f"SELECT {COLUMNS} FROM library_library ORDER BY id"


def write(file, rows):
    writer = csv.writer(file)
    writer.writerow(COLUMNS.split(", "))
    writer.writerows(rows)


def sqlite(path, database):
    with open(path, "w", encoding="utf-8", newline="") as file:
        connection = sqlite3.connect(database)
        write(file, connection.execute(SELECT))
        connection.close()


def postgresql(path, url, *, cursor):
    import psycopg

    with psycopg.connect(url) as connection:
        if cursor:
            with (
                open(path, "w", encoding="utf-8", newline="") as file,
                connection.cursor("rows") as rows,
            ):
                rows.itersize = 2000
                write(file, rows.execute(SELECT))
            return
        copy_out = f"COPY ({SELECT}) TO STDOUT WITH (FORMAT csv, HEADER)"
        with open(path, "wb") as file, connection.cursor().copy(copy_out) as copy:
            file.writelines(copy)


if __name__ == "__main__":
    url = os.environ["DATABASE_URL"]
    if url.startswith("sqlite:///"):
        sqlite(sys.argv[1], url.removeprefix("sqlite:///"))
    else:
        postgresql(sys.argv[1], url, cursor="cursor" in sys.argv)
    print(json.dumps({}))
