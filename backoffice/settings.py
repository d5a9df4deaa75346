"""The settings of the project, read from the environment or `.env`; the defaults are safe.

docs/reference/settings.md lists the variables, and tests/backoffice/test_settings.py
compares that list with this file.
"""

from pathlib import Path
from typing import Any
from urllib.parse import quote

from csp.constants import NONE, SELF
from django.conf.locale import LANG_INFO
from django.core.exceptions import ImproperlyConfigured

from backoffice import addresses, conf, logs
from backoffice.databases import replica_of, tuned
from backoffice.environment import Env
from backoffice.optional import is_installed
from backoffice.queues import queue_settings
from backoffice.secret_key import read_or_create_secret_key

BASE_DIR = Path(__file__).resolve().parent.parent

env = Env()
env.read_env(BASE_DIR / ".env")

DATA_DIR = (BASE_DIR / env.str("DATA_DIR", default="var")).resolve()
DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)  # people's data: only for the owner

DEBUG = env.bool("DEBUG", default=False)
DATA_MIN_FREE = env.int("DATA_MIN_FREE", default=conf.DATA_MIN_FREE)
SECRET_KEY = env.str("SECRET_KEY", default="") or read_or_create_secret_key(DATA_DIR)
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    # Ours comes first: its commands and templates override those of the packages below.
    "backoffice",
    "library",
    "backoffice.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "localflavor",
    "import_export",
    "django_filters",
    "simple_history",
    "django_tasks",
    "django_tasks_db",
    "django_extensions",
    "csp",
    "axes",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    # Apps of your own, beside `library`.
    *env.list("EXTRA_APPS", default=[]),
]

MIDDLEWARE = [
    "backoffice.access.log_requests",
    "backoffice.headers.add_headers",
    "backoffice.health.middleware.answer",
    "django.middleware.security.SecurityMiddleware",
    # Before whitenoise: static files get these headers too.
    "csp.middleware.CSPMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "backoffice.admin.submissions.unavailable.begin_streams",
    "backoffice.admin.methods.only_known_methods",
    "backoffice.sessions.middleware.SessionMiddleware",
    "backoffice.languages.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "backoffice.admin.methods.say_what_takes_forms",
    "backoffice.signin.throttle.settle",
    "axes.middleware.AxesMiddleware",
    "backoffice.admin.signin.gate.Gate",
    "simple_history.middleware.HistoryRequestMiddleware",
    "backoffice.admin.controls.show_controls",
]

ROOT_URLCONF = "backoffice.urls"
WSGI_APPLICATION = "backoffice.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# Database ---------------------------------------------------------------------------

#: Who shares connections out: "" nobody, `psycopg` a pool of each process; or a pool such as
#: PgBouncer's, that lends one for a `session` or for a `transaction`.
DATABASE_POOL = env.str("DATABASE_POOL", default=conf.DATABASE_POOL)
if DATABASE_POOL not in ("", "psycopg", "session", "transaction"):
    raise ImproperlyConfigured(
        f"DATABASE_POOL is {DATABASE_POOL!r}: leave it empty, or set it to psycopg, session or"
        " transaction."
    )
SAVE_WAIT_SECONDS = env.int("SAVE_WAIT_SECONDS", default=conf.SAVE_WAIT_SECONDS)
# backoffice/tables/waits.py tells PostgreSQL these two.
DATABASE_IDLE_SECONDS = env.int("DATABASE_IDLE_SECONDS", default=conf.DATABASE_IDLE_SECONDS)
DATABASE_SILENT_SECONDS = env.int(
    "DATABASE_SILENT_SECONDS", default=conf.DATABASE_SILENT_SECONDS
)
shared: dict[str, Any] = {"pool": DATABASE_POOL, "silent_seconds": DATABASE_SILENT_SECONDS}
# quote(): the name of a folder may contain characters that have a meaning in URLs.
url = env.str("DATABASE_URL", default=f"sqlite:///{quote(f'{DATA_DIR}/db.sqlite3')}")
DATABASES = {"default": tuned(addresses.read("DATABASE_URL", url, env.db_url_config), **shared)}
# Lists and exports are read from there, where it is not behind: backoffice/tables/replica.py.
REPLICA_WAIT_SECONDS = env.float("REPLICA_WAIT_SECONDS", default=conf.REPLICA_WAIT_SECONDS)
if url := env.str("DATABASE_REPLICA_URL", default=""):
    DATABASES["replica"] = replica_of(
        DATABASES["default"],
        addresses.read("DATABASE_REPLICA_URL", url, env.db_url_config),
        **shared,
    )
    DATABASE_ROUTERS = ["backoffice.tables.replica.Router"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Sign-in ----------------------------------------------------------------------------

LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
#: The first says no to users who are limited to some rows, see backoffice/querysets/scopes.py;
#: the second counts who guesses passwords, and stops them.
AUTHENTICATION_BACKENDS = [
    "backoffice.querysets.refusals.RefusalBackend",
    "backoffice.signin.throttle.Backend",
    "django.contrib.auth.backends.ModelBackend",
]
PASSWORD_HASHERS = [
    f"django.contrib.auth.hashers.{name}"
    for name in (
        "Argon2PasswordHasher",
        # Read, and written anew at the next sign-in.
        "PBKDF2PasswordHasher",
        "ScryptPasswordHasher",
    )
]
AUTH_PASSWORD_VALIDATORS = [
    *(
        {"NAME": f"django.contrib.auth.password_validation.{name}"}
        for name in (
            "UserAttributeSimilarityValidator",
            "MinimumLengthValidator",
            "CommonPasswordValidator",
            "NumericPasswordValidator",
        )
    ),
    {"NAME": "backoffice.signin.validators.OwnWordsValidator"},
]
SIGN_IN_ACCOUNT_FAILURES = env.int(
    "SIGN_IN_ACCOUNT_FAILURES", default=conf.SIGN_IN_ACCOUNT_FAILURES
)
SIGN_IN_ADDRESS_FAILURES = env.int(
    "SIGN_IN_ADDRESS_FAILURES", default=conf.SIGN_IN_ADDRESS_FAILURES
)
SECOND_FACTOR_ROLES = env.list("SECOND_FACTOR_ROLES", default=conf.SECOND_FACTOR_ROLES)
# Single sign-on by OpenID Connect, with the extra packages of requirements-sso.txt.
OIDC_RP_CLIENT_ID = env.str("OIDC_RP_CLIENT_ID", default="")
if OIDC_RP_CLIENT_ID:
    AUTHENTICATION_BACKENDS.append("backoffice.signin.oidc.Backend")
    OIDC_RP_CLIENT_SECRET = env.str("OIDC_RP_CLIENT_SECRET")
    OIDC_OP_ISSUER = env.str("OIDC_OP_ISSUER")
    OIDC_OP_AUTHORIZATION_ENDPOINT = env.str("OIDC_OP_AUTHORIZATION_ENDPOINT")
    OIDC_OP_TOKEN_ENDPOINT = env.str("OIDC_OP_TOKEN_ENDPOINT")
    OIDC_OP_USER_ENDPOINT = env.str("OIDC_OP_USER_ENDPOINT")
    OIDC_OP_JWKS_ENDPOINT = env.str("OIDC_OP_JWKS_ENDPOINT")
    OIDC_RP_SIGN_ALGO = env.str("OIDC_RP_SIGN_ALGO", default="RS256")
    OIDC_USE_PKCE = True
    OIDC_CREATE_USER = False
    OIDC_TIMEOUT = 10  # seconds
# See backoffice.signin.throttle: axes' own counts are not used, and its log would name names.
AXES_HANDLER = "backoffice.signin.throttle.Throttle"
AXES_LOCKOUT_CALLABLE = "backoffice.admin.signin.locked.locked_out"
AXES_CLIENT_IP_CALLABLE = "backoffice.signin.throttle.counted_address"
AXES_USERNAME_CALLABLE = "backoffice.signin.throttle.username_of"
AXES_COOLOFF_TIME = 1  # hour
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False

# Sessions ---------------------------------------------------------------------------

SESSION_ENGINE = "backoffice.sessions.engine"
SESSION_IDLE_MINUTES = env.int("SESSION_IDLE_MINUTES", default=conf.SESSION_IDLE_MINUTES)
SESSION_HOURS = env.int("SESSION_HOURS", default=conf.SESSION_HOURS)
SESSION_PROOF_MINUTES = env.int("SESSION_PROOF_MINUTES", default=conf.SESSION_PROOF_MINUTES)

#: A form that is open while somebody signs in anew is not lost.
CSRF_FAILURE_VIEW = "backoffice.admin.submissions.kept.csrf_failure"

# Language and time ------------------------------------------------------------------

#: The first is for browsers that ask for none of them, and for commands.
LANGUAGES = [
    (code, LANG_INFO.get(code, {}).get("name_local", code))
    for code in env.list("LANGUAGES", default=["en", "es"])
]
LANGUAGE_CODE = LANGUAGES[0][0]
FORMAT_MODULE_PATH = ["backoffice.formats"]
TIME_ZONE = env.str("TIME_ZONE", default="America/New_York")
USE_I18N = True
USE_TZ = True

# Files ------------------------------------------------------------------------------

STATIC_URL = "static/"
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "backoffice.joined.JoinedFinder",
]
STATIC_ROOT = DATA_DIR / "static"
# The colours and the mark of a library system; the files of the folder are brand/….
BRAND_FOLDER = env.str("BRAND_FOLDER", default="")
STATICFILES_DIRS = [("brand", BASE_DIR / BRAND_FOLDER)] if BRAND_FOLDER else []
BRAND_STYLESHEET = env.str("BRAND_STYLESHEET", default=conf.BRAND_STYLESHEET)
BRAND_LOGO = env.str("BRAND_LOGO", default=conf.BRAND_LOGO)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        # The manifest needs `collectstatic`, which developers don't want to run.
        "BACKEND": (
            "django.contrib.staticfiles.storage.StaticFilesStorage"
            if DEBUG
            else "whitenoise.storage.CompressedManifestStaticFilesStorage"
        )
    },
    "imports": {"BACKEND": conf.IMPORTS_STORAGE},
}
# Uploads where all machines see them: a bucket of S3; needs requirements-s3.txt.
IMPORTS_BUCKET = env.str("IMPORTS_BUCKET", default=conf.IMPORTS_BUCKET)
IMPORTS_BUCKET_ENDPOINT = env.str(
    "IMPORTS_BUCKET_ENDPOINT", default=conf.IMPORTS_BUCKET_ENDPOINT
)
IMPORTS_BUCKET_REGION = env.str("IMPORTS_BUCKET_REGION", default=conf.IMPORTS_BUCKET_REGION)
IMPORTS_BUCKET_PREFIX = env.str("IMPORTS_BUCKET_PREFIX", default=conf.IMPORTS_BUCKET_PREFIX)
if IMPORTS_BUCKET:
    STORAGES["imports"] = {"BACKEND": "backoffice.changes.bucket.Bucket"}
MEDIA_ROOT = DATA_DIR / "media"
FIXTURE_DIRS = [BASE_DIR / "fixtures"]
SERIALIZATION_MODULES = {  # link history to its row, and read some thousand rows at once
    kind: f"backoffice.fixtures.serializers.{kind}" for kind in ("json", "jsonl", "xml", "yaml")
}
FILE_UPLOAD_PERMISSIONS = 0o600

# Transport --------------------------------------------------------------------------
# On by default, except with DEBUG: a back office has people's data. Without TLS, as in
# `make run` on 127.0.0.1, set HTTPS=off.

HTTPS = env.bool("HTTPS", default=not DEBUG)
SECURE_SSL_REDIRECT = HTTPS
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
if HTTPS:
    # By these names, browsers take a cookie only from this very host, over TLS.
    SESSION_COOKIE_NAME = "__Host-sessionid"
    CSRF_COOKIE_NAME = "__Host-csrftoken"
    MESSAGE_STORAGE = "backoffice.headers.MessageStorage"
SESSION_COOKIE_HTTPONLY = True
CSRF_COOKIE_HTTPONLY = True  # scripts read the token from the page's forms
# "Strict" would show who follows a link in a mail, or comes from single sign-on, as signed out.
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
BEHIND_PROXY = env.bool("BEHIND_PROXY", default=conf.BEHIND_PROXY)
if BEHIND_PROXY:
    # Only if a proxy sets this header and removes the client's: else clients can forge it.
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    }
}

# Imports ----------------------------------------------------------------------------

IMPORT_MAX_BYTES = env.int("IMPORT_MAX_BYTES", default=conf.IMPORT_MAX_BYTES)
IMPORT_MAX_ROWS = env.int("IMPORT_MAX_ROWS", default=conf.IMPORT_MAX_ROWS)
IMPORT_MAX_COLUMNS = env.int("IMPORT_MAX_COLUMNS", default=conf.IMPORT_MAX_COLUMNS)
IMPORT_MAX_CELL = env.int("IMPORT_MAX_CELL", default=conf.IMPORT_MAX_CELL)
IMPORT_MAX_UNPACKED = env.int("IMPORT_MAX_UNPACKED", default=conf.IMPORT_MAX_UNPACKED)
IMPORT_SHEET_MEMORY = env.int("IMPORT_SHEET_MEMORY", default=conf.IMPORT_SHEET_MEMORY)
IMPORT_SHEET_SECONDS = env.int("IMPORT_SHEET_SECONDS", default=conf.IMPORT_SHEET_SECONDS)
# Files of up to so many rows are imported in the request, larger ones by the worker.
IMPORT_IMMEDIATE_ROWS = env.int("IMPORT_IMMEDIATE_ROWS", default=conf.IMPORT_IMMEDIATE_ROWS)
IMPORT_KEEP_DAYS = env.int("IMPORT_KEEP_DAYS", default=conf.IMPORT_KEEP_DAYS)
IMPORT_ABANDONED_DAYS = env.int("IMPORT_ABANDONED_DAYS", default=conf.IMPORT_ABANDONED_DAYS)
IMPORT_SECOND_PERSON = env.bool("IMPORT_SECOND_PERSON", default=conf.IMPORT_SECOND_PERSON)
IMPORT_FOLDER = env.str("IMPORT_FOLDER", default=conf.IMPORT_FOLDER)
if IMPORT_FOLDER:
    IMPORT_FOLDER = str((BASE_DIR / IMPORT_FOLDER).resolve())
IMPORT_FOLDER_QUIET_SECONDS = env.int(
    "IMPORT_FOLDER_QUIET_SECONDS", default=conf.IMPORT_FOLDER_QUIET_SECONDS
)
TASKS_URL = env.str("TASKS_URL", default=conf.TASKS_URL)
TASKS, RQ_QUEUES = queue_settings(TASKS_URL)
FILE_UPLOAD_HANDLERS = [
    "backoffice.admin.changes.uploads.LimitUploadHandler",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "backoffice.admin.changes.uploads.TemporaryFileUploadHandler",
]

# Retention --------------------------------------------------------------------------

HISTORY_KEEP_DAYS = env.int("HISTORY_KEEP_DAYS", default=conf.HISTORY_KEEP_DAYS)
ACTIVITY_KEEP_DAYS = env.int("ACTIVITY_KEEP_DAYS", default=conf.ACTIVITY_KEEP_DAYS)
JOBS_KEEP_DAYS = env.int("JOBS_KEEP_DAYS", default=conf.JOBS_KEEP_DAYS)
TASKS_KEEP_DAYS = env.int("TASKS_KEEP_DAYS", default=conf.TASKS_KEEP_DAYS)
FORMS_KEEP_DAYS = env.int("FORMS_KEEP_DAYS", default=conf.FORMS_KEEP_DAYS)
SESSIONS_KEEP_DAYS = env.int("SESSIONS_KEEP_DAYS", default=conf.SESSIONS_KEEP_DAYS)
RETENTION_MINUTES = env.int("RETENTION_MINUTES", default=conf.RETENTION_MINUTES)

# Mail -------------------------------------------------------------------------------
# Told by mail: rejected rows of feeds. Without a server, mails go to the log.

url = env.str("EMAIL_URL", default="consolemail://")
vars().update(addresses.read("EMAIL_URL", url, env.email_url_config))
EMAIL_TIMEOUT = 30  # seconds
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="library@localhost")

# Exports ----------------------------------------------------------------------------

EXPORT_MAX_WHOLE_ROWS = env.int("EXPORT_MAX_WHOLE_ROWS", default=conf.EXPORT_MAX_WHOLE_ROWS)
EXPORT_WORKER_ROWS = env.int("EXPORT_WORKER_ROWS", default=conf.EXPORT_WORKER_ROWS)
EXPORT_KEEP_DAYS = env.int("EXPORT_KEEP_DAYS", default=conf.EXPORT_KEEP_DAYS)

# Packages ---------------------------------------------------------------------------

IMPORT_EXPORT_USE_TRANSACTIONS = True
SIMPLE_HISTORY_ENFORCE_HISTORY_MODEL_PERMISSIONS = False
SHELL_PLUS_PRINT_SQL = False

# Seeing ----------------------------------------------------------------------------

LOG_FORMAT = env.str("LOG_FORMAT", default="plain")
if LOG_FORMAT not in ("plain", "json"):
    raise ImproperlyConfigured(f"LOG_FORMAT is {LOG_FORMAT!r}: set plain or json.")
METRICS_TOKEN = env.str("METRICS_TOKEN", default=conf.METRICS_TOKEN)
if METRICS_TOKEN and is_installed("METRICS_TOKEN"):
    MIDDLEWARE.insert(1, "backoffice.metrics.measure")
SENTRY_DSN = env.str("SENTRY_DSN", default=conf.SENTRY_DSN)
ACCESS_LOG = env.bool("ACCESS_LOG", default=LOG_FORMAT == "json")
LOGGING = logs.configured(LOG_FORMAT, with_requests=ACCESS_LOG)
