"""The rows that the policy's cells and the hostile requests are about."""

import logging

import pytest
from django.core.management import call_command
from django.db import transaction

from tests.policy.world import Files, World


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker, tmp_path_factory):
    """The same rows for all tests; nothing of it is there afterwards."""
    folder = tmp_path_factory.mktemp("policy")
    patch = pytest.MonkeyPatch()
    patch.setattr(logging.getLogger("django.request"), "disabled", True)  # tracebacks take time
    patch.setattr("django.conf.settings.DATA_DIR", folder / "data")
    patch.setattr(
        "django.conf.settings.PASSWORD_HASHERS",
        ["django.contrib.auth.hashers.MD5PasswordHasher"],
    )
    patch.setattr(
        "django.conf.settings.SESSION_PROOF_MINUTES", 600
    )  # passwords were just typed
    with django_db_blocker.unblock(), transaction.atomic():
        call_command("loaddata", "roles", verbosity=0)
        world = World()
        world.files = Files(folder / "copy")
        yield world
        transaction.set_rollback(True)
    patch.undo()
