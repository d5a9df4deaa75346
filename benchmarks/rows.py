"""Fill a migrated database with a library system of any size, always the same, by SQL."""

import contextlib
from dataclasses import dataclass

STATES = "NY NJ CT CO CA TX WA OR MA PA OH IL FL GA MI VA AZ NM NC SC".split()  # noqa: SIM905
TOWNS = "Sea North Spring Maple Green River Oak Stone Fair West Clear Ash".split()  # noqa: SIM905
ENDINGS = "ford ville field burg port mont wood dale haven bridge".split()  # noqa: SIM905
FIRST = "Ann Bob Cleo Dora Ed Fay Gus Hana Ivan Joan Kofi Lee".split()  # noqa: SIM905
LAST = "Smith Jones Garcia Chen Patel Novak Silva Okafor Kim Rossi".split()  # noqa: SIM905
TOPICS = "Rivers Gardens Winter Bread Comets Tides Maps Wolves Islands Trains".split()  # noqa: SIM905
LINKS = 3  # libraries of a book
HELD = 5_000  # libraries of the book with many, where there are so many
FULL = 100_000  # patrons, and books, of the library with many, where there are so many
RECORDS = 30  # of the history of the book with many
#: A number that has nothing to do with the one that names are made of.
SCATTERED = "i * 2654435761 / 65536"
ORDERED = 7919  # a prime: names come in another order than keys


@dataclass(frozen=True)
class Sizes:
    """How many rows: one librarian for each library; `links` libraries of each book."""

    libraries: int
    patrons: int
    books: int
    links: int = LINKS

    @classmethod
    def alike(cls, rows):
        return cls(rows, rows, rows)


def pick(words, number):
    cases = " ".join(f"WHEN {n} THEN '{word}'" for n, word in enumerate(words))
    return f"CASE ({number}) % {len(words)} {cases} END"


def series(rows):
    return (
        "WITH RECURSIVE s(i) AS (SELECT CAST(0 AS BIGINT) UNION ALL SELECT i + 1 FROM s"
        f" WHERE i < {rows - 1}), numbered AS (SELECT i, i * {ORDERED} % {rows} AS n FROM s)"
    )


def town(number):
    return f"{pick(TOWNS, number)} || {pick(ENDINGS, f'{number} / 12')}"


def person(number):
    return f"{pick(FIRST, number)} || ' ' || {pick(LAST, f'{number} / 12')} || ' ' || {number}"


def statements(sizes):
    """SQL for both SQLite and PostgreSQL; the keys of each table are 1 … its number of rows."""
    libraries, patrons, books = sizes.libraries, sizes.patrons, sizes.books
    held = min(HELD, libraries)
    yield f"""
        INSERT INTO library_library (id, name, address, state, phone_number, zip_code)
        {series(libraries)}
        SELECT i + 1, {town("n")} || ' Public Library ' || n,
               (i % 9973 + 1) || ' ' || {town("i / 7")} || ' Street', {pick(STATES, SCATTERED)},
               (212 + i % 700) || '-' || (200 + i / 10000 % 800) || '-' || (1000 + i % 9000),
               CAST(10000 + n % 89000 AS VARCHAR(10))
        FROM numbered
    """
    yield f"""
        INSERT INTO library_patron (id, name, library_id)
        {series(patrons)} SELECT i + 1, {person("n")}, i * 31 % {libraries} + 1 FROM numbered
    """
    yield f"""
        INSERT INTO library_librarian (id, name, library_id)
        {series(libraries)} SELECT i + 1, {person("n")}, i + 1 FROM numbered
    """
    yield f"""
        INSERT INTO library_book (id, title)
        {series(books)}
        SELECT i + 1, {pick(TOPICS, "n")} || ' of ' || {town("n / 10")} || ', volume ' || n
        FROM numbered
    """
    for step in range(sizes.links):
        yield f"""
            INSERT INTO library_book_libraries (book_id, library_id)
            {series(books)} SELECT i + 1, (i * 31 + {step} * 7) % {libraries} + 1 FROM s
        """
    # A library that is full and a book that is everywhere.
    yield f"""
        INSERT INTO library_patron (id, name, library_id)
        {series(min(FULL, patrons))} SELECT {patrons} + i + 1, {person("n")}, 1 FROM numbered
    """
    yield f"""
        INSERT INTO library_book_libraries (book_id, library_id)
        {series(min(FULL, books))} SELECT i + 1, 1 FROM s
        WHERE NOT EXISTS (
            SELECT 1 FROM library_book_libraries WHERE book_id = i + 1 AND library_id = 1
        )
    """
    yield f"""
        INSERT INTO library_book_libraries (book_id, library_id)
        {series(held)} SELECT 1, i + 1 FROM s
        WHERE NOT EXISTS (
            SELECT 1 FROM library_book_libraries WHERE book_id = 1 AND library_id = i + 1
        )
    """
    # The history of the book that is everywhere: each record has all of its links but one.
    yield f"""
        INSERT INTO library_historicalbook
            (id, title, history_id, history_date, history_type, history_change_reason)
        {series(RECORDS)} SELECT 1, 'Volume ' || i, i + 1, CURRENT_TIMESTAMP, '~', '' FROM s
    """
    yield f"""
        INSERT INTO library_historicalbook_libraries
            (id, book_id, library_id, history_id, history_until)
        SELECT id, book_id, library_id, 1, CASE
            WHEN library_id BETWEEN 11 AND {RECORDS} + 9 THEN library_id - 9 END
        FROM library_book_libraries WHERE book_id = 1 AND library_id <> 10
        UNION ALL
        SELECT id, book_id, library_id, library_id - 8, NULL
        FROM library_book_libraries
        WHERE book_id = 1 AND library_id BETWEEN 10 AND {RECORDS} + 8
    """
    yield f"""
        INSERT INTO django_admin_log
            (action_time, user_id, content_type_id, object_id, object_repr, action_flag,
             change_message)
        {series(libraries)}
        SELECT CURRENT_TIMESTAMP, (SELECT min(id) FROM auth_user),
               (SELECT min(id) FROM django_content_type) + i % 3,
               CAST(i AS VARCHAR(20)), {town("n")} || ' ' || n, 1 + i % 3, ''
        FROM numbered
    """


#: The tables whose keys were given, and the keys.
KEYS = {
    **dict.fromkeys(("library", "patron", "librarian", "book", "book_libraries"), "id"),
    "historicalbook": "history_id",
}


@contextlib.contextmanager
def made_after(connection, sizes):
    """Indexes are made after the rows: ten million patrons take minutes, not an hour."""
    from django.db import transaction

    from backoffice.tables.indexes import made_again
    from backoffice.tables.table import Table
    from library.models import Book, Library, Patron

    tables = {
        Library: sizes.libraries,
        Patron: sizes.patrons,
        Book: sizes.books,
        Book.libraries.through: sizes.books * sizes.links,
    }
    with contextlib.ExitStack() as stack:
        stack.enter_context(transaction.atomic(using=connection.alias))
        for model, rows in tables.items():
            stack.enter_context(made_again(Table(model, connection), rows))
        yield


@contextlib.contextmanager
def without_checks(connection, cursor):
    """Foreign keys are right: they aren't looked up, row by row."""
    if connection.vendor == "postgresql":
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("SET maintenance_work_mem = '1GB'")
    yield
    if connection.vendor == "postgresql":
        cursor.execute("RESET session_replication_role")
        cursor.execute("RESET maintenance_work_mem")


def fill(connection, sizes):
    """`connection` is Django's, to a migrated database that has only a user account."""
    with connection.cursor() as cursor:
        with without_checks(connection, cursor), made_after(connection, sizes):
            for statement in statements(sizes):
                cursor.execute(statement)
        if connection.vendor == "postgresql":
            for table, key in KEYS.items():
                cursor.execute(
                    f"SELECT setval(pg_get_serial_sequence('library_{table}', '{key}'),"
                    f" max({key})) FROM library_{table}"
                )
            cursor.execute("VACUUM ANALYZE")
