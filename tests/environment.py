"""The environment of a test run, set before the settings are read.

pyproject.toml loads this as pytest's first plugin. DATABASE_URL is left alone: it says
which database the tests run on.
"""

import atexit
import os
import shutil
import tempfile

data_dir = tempfile.mkdtemp(prefix="backoffice-tests-")
atexit.register(shutil.rmtree, data_dir, ignore_errors=True)
os.mkdir(os.path.join(data_dir, "static"))  # WhiteNoise warns where it is absent
os.environ.update(
    DATA_DIR=data_dir,
    DEBUG="off",
    HTTPS="off",
    SECRET_KEY="only-for-tests",
    EXTRA_APPS="tests.everything.loans,tests.everything",
    # Playwright keeps an event loop running in the process; Django would refuse to query.
    DJANGO_ALLOW_ASYNC_UNSAFE="1",
)
# The queue is in the database, or in the Redis of .ci/with-redis, where each process of
# pytest-xdist has a database of its own. A Redis that is somebody's is left alone.
number = 1 + int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
redis = os.environ.get("TESTS_REDIS")
os.environ["TASKS_URL"] = f"{redis}/{number}" if redis else ""
of_a_site = ("ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS", "BEHIND_PROXY", "DATABASE_REPLICA_URL")
for name in of_a_site:
    os.environ.pop(name, None)
