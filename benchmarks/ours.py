"""`python -m benchmarks.ours COMMAND …`: run a management command and count its statements.

Adds `statements` and `seconds` to the command's JSON, if it prints any, and `writing`: the
seconds from the first statement of the transaction that writes to the end of the last.
"""

import contextlib
import io
import json
import logging
import re
import sys
import time

import django

# The staging tables are created and dropped outside of that transaction.
FIRST, AFTER = re.compile(r"DELETE FROM \S*rejects\b"), "DROP TABLE"


class Count:
    def __init__(self):
        self.statements, self.begun, self.ended = 0, None, None

    def __call__(self, execute, sql, params, many, context):
        self.statements += 1
        now = time.perf_counter()
        if self.begun is None and FIRST.match(sql):
            self.begun = now
        elif self.begun and self.ended is None and sql.startswith(AFTER):
            self.ended = now
        return execute(sql, params, many, context)


def main(*arguments):
    django.setup()
    logging.disable(logging.INFO)  # what was exported
    from django.core.management import execute_from_command_line
    from django.db import connection

    output, count, started = io.StringIO(), Count(), time.perf_counter()
    with connection.execute_wrapper(count), contextlib.redirect_stdout(output):
        execute_from_command_line(["manage.py", *arguments])
    seconds = round(time.perf_counter() - started, 3)
    said = {"seconds": seconds, **json.loads(output.getvalue() or "{}")}
    said["statements"] = count.statements
    if count.ended:
        said["writing"] = round(count.ended - count.begun, 3)
    print(json.dumps(said))


if __name__ == "__main__":
    main(*sys.argv[1:])
