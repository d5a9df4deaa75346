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
