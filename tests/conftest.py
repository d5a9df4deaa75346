"""Fixtures for all tests: real files, which may be absent, and signed-in users."""

import gc
import os
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.utils import translation
from hypothesis import settings as hypothesis_settings
from redis import Redis
from xdist.scheduler import LoadScopeScheduling

from backoffice.filters.filterset import filtersets
from backoffice.resources.registry import resources
from tests.factories import make_user

# A slow machine is no failure: what takes time is measured in benchmarks/.
# What stops a landing doesn't depend on luck: with CI set, the examples are always the same.
hypothesis_settings.register_profile("tests", deadline=None, derandomize="CI" in os.environ)
hypothesis_settings.load_profile("tests")

SHARED = Path(__file__).resolve().parent.parent.parent / "shared" / "data"


def pytest_xdist_auto_num_workers():
    """Of `-n auto`: one more than there are processors, as they wait for their browsers."""
    return (os.cpu_count() or 1) + 1


#: A third of the browser tests, by their time: those of imports. Another is the walk over all
#: pages.
IMPORTS = ("columns", "horizontal", "imports", "mirror", "review", "second_person", "undo")


class Scheduling(LoadScopeScheduling):
    """Three workers drive a browser and its server each; other tests go to whoever is free.

    `--dist loadgroup` would do it, but pytest-xdist 3.8 can't name groups to pytest 9.2.
    """

    def _split_scope(self, nodeid):
        browser = re.match(r"tests/browser/test_(\w+)\.py::", nodeid)
        if browser is None:
            return nodeid
        if browser[1] == "pages":
            return "browser, pages"
        return "browser, imports" if browser[1] in IMPORTS else "browser, records"


def pytest_xdist_make_scheduler(config, log):
    return Scheduling(config, log)


def pytest_configure():
    # Argon2 takes its time, as it should: only its own test waits for it.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    # Without `collectstatic` there is no manifest to look names up in.
    settings.STORAGES["staticfiles"]["BACKEND"] = (
        "django.contrib.staticfiles.storage.StaticFilesStorage"
    )


def pytest_collection_modifyitems(items):
    """The slow tests first, so that at the end nobody waits for one."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def pytest_collection_finish():
    """What is loaded by now stays: looking for garbage in it takes a tenth of the time."""
    gc.freeze()
    gc.set_threshold(5_000, 20, 20)


@pytest.fixture(autouse=True)
def _declared():
    """What a test declares is gone after it, and not only when garbage is collected."""
    before = {registry: list(registry._declared) for registry in (resources, filtersets)}
    yield
    for registry, declared in before.items():
        for each in set(registry._declared) - set(declared):
            del registry._declared[each]


@pytest.fixture(autouse=True)
def _language():
    """What a request or a sign-in chose is gone after the test, as after a request's end."""
    yield
    translation.deactivate()


@pytest.fixture(autouse=True)
def _queue():
    """What a test leaves in the queue of `.ci/with-redis` is gone after it."""
    yield
    if os.environ["TASKS_URL"]:
        with Redis.from_url(os.environ["TASKS_URL"]) as redis:
            redis.flushdb()


@pytest.fixture(autouse=bool(os.environ.get("IMPORTS_BUCKET")))
def _elsewhere():
    """With uploads in a bucket (`make test-bucket`), each step is on another machine."""
    from tests.buckets import alone, always_elsewhere

    with alone(), always_elsewhere():
        yield


@pytest.fixture(scope="session")
def shared_data():
    """The folder of real files; a test that asks for it is skipped where it is absent."""
    if not SHARED.is_dir():
        pytest.skip(f"the folder of real files is absent: {SHARED}")
    return SHARED


@pytest.fixture
def superuser(db):
    return make_user(username="admin", is_superuser=True)


@pytest.fixture
def admin_client(client, superuser):
    client.force_login(superuser)
    return client
