"""The defaults of our own settings: a project only sets those that it wants to change.

`apply_defaults` adds them to Django's settings, from which all code reads them.
docs/reference/settings.md explains each.
"""

from pathlib import Path
from typing import Any

from django.conf import settings

IMPORT_MAX_BYTES = 1_000_000_000  # of an upload
IMPORT_MAX_ROWS = 2_000_000
IMPORT_MAX_COLUMNS = 1_000
IMPORT_MAX_CELL = 250_000  # characters
IMPORT_MAX_UNPACKED = 1_000_000_000  # bytes
IMPORT_SHEET_MEMORY = 1_000_000_000  # bytes, of the process that reads a spreadsheet
IMPORT_SHEET_SECONDS = 120
IMPORT_IMMEDIATE_ROWS = 20_000
IMPORT_KEEP_DAYS = 30  # uploads, and what checks found
IMPORT_ABANDONED_DAYS = 14  # imports that nobody went on with
IMPORT_SECOND_PERSON = False  # whoever had a file checked can't have it written
TASKS_URL = ""  # the Redis that has the queue; it is in the database without one
IMPORTS_BUCKET = ""  # of S3, that keeps uploads; by default DATA_DIR does
IMPORTS_BUCKET_ENDPOINT = ""  # of what speaks like S3; Amazon's by default
IMPORTS_BUCKET_REGION = ""
IMPORTS_BUCKET_PREFIX = ""  # what names in the bucket begin with
IMPORT_FOLDER = ""  # watched for feeds; none by default
IMPORT_FOLDER_QUIET_SECONDS = 10
SESSION_IDLE_MINUTES = 30  # after which a session ends that nobody uses
SESSION_HOURS = 10  # after which it ends anyway: a working day
SESSION_PROOF_MINUTES = 15  # for which a password that was typed again is enough
BEHIND_PROXY = False  # the address of a client is the last of X-Forwarded-For
SIGN_IN_ACCOUNT_FAILURES = 10  # wrong passwords for one account in an hour
SIGN_IN_ADDRESS_FAILURES = 50  # from one address
SECOND_FACTOR_ROLES: tuple[str, ...] = ()  # groups; `superusers`; `*` for everybody
HISTORY_KEEP_DAYS = 0  # records of history; 0 keeps them for ever, as for the next two
ACTIVITY_KEEP_DAYS = 0  # lines of the activity
JOBS_KEEP_DAYS = 0  # imports, edits, deletions and undos that have ended
TASKS_KEEP_DAYS = 30  # what the queue has done
FORMS_KEEP_DAYS = 2  # what forms led to that were sent
SESSIONS_KEEP_DAYS = 1  # sessions that have ended
RETENTION_MINUTES = 60  # after which the worker looks again for what is too old; 0: never
DATA_MIN_FREE = 200_000_000  # bytes that uploads and checks leave free where DATA_DIR is
DATABASE_POOL = ""  # how connections are shared: psycopg, session or transaction
EXPORT_MAX_WHOLE_ROWS = 100_000  # of ODS and YAML
EXPORT_WORKER_ROWS = 100_000  # an export of more is made by the worker, unless one says no
EXPORT_KEEP_DAYS = 7  # files of exports that the worker made
SAVE_WAIT_SECONDS = 3  # for which a save waits for somebody else's lock, on PostgreSQL
DATABASE_IDLE_SECONDS = 20  # for which a client may do nothing in a transaction
DATABASE_SILENT_SECONDS = 20  # after which a connection without an answer is ended
REPLICA_WAIT_SECONDS = 0.2  # for which a list waits for a replica that is behind
METRICS_TOKEN = ""  # for Prometheus; no metrics without it
SENTRY_DSN = ""  # where faults are reported; nowhere by default
BRAND_STYLESHEET = ""  # a static file that sets other values than theme.css
BRAND_LOGO = ""  # a static file in place of our mark

DEFAULTS = {name: value for name, value in globals().items() if name.isupper()}


#: For STORAGES: uploads lie in DATA_DIR/imports.
IMPORTS_STORAGE = "backoffice.changes.files.LocalStorage"
#: Tags that all templates have without loading them: see the module.
BUILTIN_TAGS = "backoffice.templatetags.once"


def apply_defaults() -> None:
    """Give each of our settings that the project has not set its default.

    DATA_DIR, the folder of uploads, is `var` beside `manage.py`. Templates get `BUILTIN_TAGS`,
    STORAGES gets `imports`.
    """
    base = Path(getattr(settings, "BASE_DIR", Path.cwd()))
    for name, value in {"DATA_DIR": base / "var", **DEFAULTS}.items():
        if not hasattr(settings, name):
            setattr(settings, name, value)
    if "imports" not in settings.STORAGES:
        settings.STORAGES = {**settings.STORAGES, "imports": {"BACKEND": IMPORTS_STORAGE}}
    engines: Any = settings.TEMPLATES
    for engine in engines:
        if engine["BACKEND"] == "django.template.backends.django.DjangoTemplates":
            tags = engine.setdefault("OPTIONS", {}).setdefault("builtins", [])
            if BUILTIN_TAGS not in tags:
                tags.append(BUILTIN_TAGS)
