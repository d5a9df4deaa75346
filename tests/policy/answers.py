"""What an answer is in the symbols of the policy, and which tables it wrote."""

import re
from contextlib import contextmanager

from django.contrib.messages import WARNING, get_messages
from django.db import connection
from django.urls import reverse

#: What any request may write: who is signed in, what is remembered of a form, the trail.
OTHERS = re.compile(r"django_session|backoffice_(submission|session|entry)|axes_|otp_")
WRITES = re.compile(
    r"(?:INSERT (?:OR \w+ )?INTO|UPDATE|DELETE FROM|MERGE INTO|COPY|TRUNCATE(?: TABLE)?)\s+"
    r'(?:ONLY\s+)?((?:"?(?:pg_)?temp"?\.)?"?\w+)',
    re.IGNORECASE,
)
TEMPORARY = re.compile(
    r"CREATE TEMP(?:ORARY)? TABLE (?:IF NOT EXISTS )?\"?(\w+)", re.IGNORECASE
)
LOGS = {"django_admin_log"}
METHODS = ("PUT", "PATCH", "DELETE", "TRACE", "OPTIONS")


@contextmanager
def watched():
    """Yields the set of tables that are written meanwhile, by one row or more."""
    written: set[str] = set()
    temporary: set[str] = set()

    def watch(execute, sql, params, many, context):
        result = execute(sql, params, many, context)
        temporary.update(name.lower() for name in TEMPORARY.findall(sql))
        # SQLite counts the rows of a RETURNING only when they are fetched.
        if context["cursor"].rowcount or "RETURNING" in sql:
            written.update(name.replace('"', "") for name in WRITES.findall(sql))
        return result

    with connection.execute_wrapper(watch):
        yield written
    for name in list(written):
        is_temporary = name.lower() in temporary or name.startswith(("temp.", "pg_temp."))
        if is_temporary or OTHERS.match(name):
            written.discard(name)


def symbol(response, written):
    """One of the symbols that `policy.txt` explains; else what went wrong."""
    status = response.status_code
    if status == 302 and response.url.startswith(reverse("admin:login")):
        return "s" if not written else "s, but writes"
    if response.get("Content-Disposition", "").startswith("attachment"):
        return "f" if written <= LOGS else "f, but writes"
    warnings = [m for m in get_messages(response.wsgi_request) if m.level >= WARNING]
    if status in (200, 302) and written:
        return "w"
    if written:
        return f"{status}, but writes"
    if status == 302 and warnings:
        return "0" if response.url == reverse("admin:index") else "<"
    if status == 302 and not re.match(r"\.?\.?/|\?", response.url):
        return f"to {response.url}"
    known = {200: "r", 302: "r", 403: "-", 404: "0", 405: "x"}
    return known.get(status, str(status))


def fingerprint():
    """Every row of every table but `OTHERS`."""
    found = {}
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            if not OTHERS.match(table):
                cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608
                found[table] = set(map(repr, cursor.fetchall()))
    return found
