"""The back office, counting the statements of each request: `gunicorn benchmarks.served`.

Responses have a header `X-Statements`. Run as a program, it fills its database with as many
rows as its arguments say (see `Sizes`), and prints the session keys of somebody who is limited
to the first LIMIT libraries, and of a superuser.
"""

import logging
import sys

from django.db import connection

from backoffice.wsgi import application as backoffice

LIMIT = 5


class Counter:
    def __init__(self):
        self.number = 0

    def __call__(self, execute, sql, params, many, context):
        self.number += 1
        return execute(sql, params, many, context)


def application(environ, start_response):
    counter = Counter()

    def start(status, headers, exc_info=None):
        return start_response(status, [*headers, ("X-Statements", str(counter.number))])

    with connection.execute_wrapper(counter):
        return backoffice(environ, start)


def prepare(*sizes):
    from django.contrib.auth.models import Permission, User
    from django.test import Client

    from backoffice.filters.scopes import Scope
    from benchmarks.rows import Sizes, fill

    user = User.objects.create_superuser("bench")
    fill(connection, Sizes(*sizes))
    limited = User.objects.create_user("limited", is_staff=True)
    limited.user_permissions.set(Permission.objects.filter(content_type__app_label="library"))
    Scope.objects.create(user=limited, keys=[*range(1, LIMIT + 1)])
    logging.disable(logging.INFO)  # nobody is told of this sign-in
    for each in (limited, user):
        client = Client()
        client.force_login(each)
        yield client.cookies["sessionid"].value


if __name__ == "__main__":
    print(*prepare(*map(int, sys.argv[1:])))
