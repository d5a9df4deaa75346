"""What PostgreSQL is told before whole tables are joined and written."""

from django.db.backends.base.base import BaseDatabaseWrapper

MANY = 1_000  # rows


def expect_many(connection: BaseDatabaseWrapper, rows: int) -> None:
    """Make PostgreSQL plan for `rows` rows until the transaction ends, whatever statistics say.

    Statistics lag behind what was written a moment ago. A table that was empty when they were
    taken is expected to have one row: a nested loop over 17,000 by 17,000 rows had not ended
    after 24 minutes, a hash join takes a moment. The search index takes its new entries in
    larger batches; the next save adds the last of them, in 0.3 s. SQLite needs none of this.
    """
    if connection.vendor != "postgresql":
        return
    settings = {"work_mem": "128MB", "maintenance_work_mem": "256MB", "jit": "off"}
    if rows >= MANY:
        settings |= {"enable_nestloop": "off", "gin_pending_list_limit": "64MB"}
    with connection.cursor() as cursor:
        calls = ", ".join(f"set_config('{name}', %s, true)" for name in settings)
        cursor.execute(f"SELECT {calls}", list(settings.values()))


def keep_statistics(connection: BaseDatabaseWrapper, rows: int, *tables: str) -> None:
    """Have PostgreSQL analyze the tables, by quoted name, if `rows` written to them are many.

    Autovacuum would do it a minute later, by the same rule. Until then queries would be
    planned for what the tables held before: nothing, after the first import.
    """
    if connection.vendor != "postgresql" or not tables:
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
