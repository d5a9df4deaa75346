"""What PostgreSQL's planner is told before whole tables are joined."""

MANY = 1_000  # rows


def expect_many(connection, rows):
    """Until the transaction ends, plan for joins of `rows` rows, whatever statistics say.

    Statistics lag behind what was written a moment ago: of a table that was empty when they
    were last taken they expect one row, and looping over 17,000 by 17,000 took half an hour
    where hashing takes a moment. SQLite needs no word.
    """
    if connection.vendor != "postgresql":
        return
    settings = {"work_mem": "128MB", "jit": "off"}
    if rows >= MANY:
        settings["enable_nestloop"] = "off"
    with connection.cursor() as cursor:
        calls = ", ".join(f"set_config('{name}', %s, true)" for name in settings)
        cursor.execute(f"SELECT {calls}", list(settings.values()))
