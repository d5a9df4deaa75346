"""The app itself: its migration is what its models are, and a row of each can be made."""

import pytest
from django.core.management import call_command
from django.db import models

from tests.everything.factories import make_row
from tests.everything.resources import models_of_the_app

pytestmark = pytest.mark.django_db


def test_the_migration_is_what_the_models_are() -> None:
    call_command("makemigrations", "everything", check=True, dry_run=True, verbosity=0)


@pytest.mark.parametrize("model", models_of_the_app())
def test_a_row_can_be_made(model: type[models.Model]) -> None:
    row = make_row(model)
    assert model._base_manager.get() == row
