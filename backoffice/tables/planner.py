"""What PostgreSQL is told before whole tables are joined and written."""

MANY = 1_000  # rows


def expect_many(connection, rows):
    """Until the transaction ends, be ready for `rows` rows, whatever statistics say.

    Statistics lag behind what was written a moment ago: of a table that was empty when they
    were last taken they expect one row, and looping over 17,000 by 17,000 had not ended after
    24 minutes, where hashing takes a moment. What is to go into a search index is gathered in
    larger lots; who saves next puts the last of them in, in 0.3 s. SQLite needs no word.
    """
    if connection.vendor != "postgresql":
        return
    settings = {"work_mem": "128MB", "jit": "off"}
    if rows >= MANY:
        settings |= {"enable_nestloop": "off", "gin_pending_list_limit": "64MB"}
    with connection.cursor() as cursor:
        calls = ", ".join(f"set_config('{name}', %s, true)" for name in settings)
        cursor.execute(f"SELECT {calls}", list(settings.values()))


def keep_statistics(connection, rows, *tables):
    """Have PostgreSQL look at quoted tables that so many rows were written to, if many.

    Autovacuum would, in a minute and by the same rule. Until then what is asked of the tables
    is planned for what they held before: for nothing, after the first import.
    """
    if connection.vendor != "postgresql":
        return
    names = ", ".join(f"'{table}'::regclass" for table in tables)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            DO $$ DECLARE t regclass; BEGIN
                FOR t IN SELECT oid FROM pg_class
                         WHERE oid IN ({names}) AND {rows:d} > 50 + reltuples / 10
                LOOP EXECUTE 'ANALYZE (SKIP_LOCKED) ' || t; END LOOP;
            END $$
            """
        )
