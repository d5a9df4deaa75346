"""`manage.py demo FIXTURE…`: fill a new database, and make a sign-in to look around."""

import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser
from django.db import transaction
from django.db.models import Model

from backoffice.management.accounts import noted

USERNAME = "demo"


class Command(BaseCommand):
    help = (
        "Load the fixtures into a database that holds nothing yet, and make a demo sign-in "
        "where no superuser exists. Run again, it changes nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("fixtures", nargs="+", metavar="FIXTURE")

    @transaction.atomic
    def handle(self, *, fixtures: Sequence[str], verbosity: int, **options: Any) -> None:
        if has_data():
            self.stdout.write("The database holds data already: it stays as it is.")
        else:
            call_command("loaddata", *fixtures, verbosity=verbosity, stdout=self.stdout)
        with noted("manage.py demo"):
            self.make_sign_in()

    def make_sign_in(self) -> None:
        users = get_user_model()._default_manager
        superuser = users.filter(is_superuser=True, is_active=True).order_by("pk").first()
        if superuser:
            name = superuser.get_username()
            self.stdout.write(
                f"The sign-in {name} exists already. A new password for it: "
                f".venv/bin/python manage.py changepassword {name}"
            )
            return
        if users.filter(**{users.model.USERNAME_FIELD: USERNAME}).exists():
            self.stdout.write(
                f"A user {USERNAME} exists that is no superuser: no sign-in was made. "
                "Make one: .venv/bin/python manage.py createsuperuser"
            )
            return
        password = secrets.token_urlsafe(9)
        users.create_superuser(USERNAME, password=password)
        self.stdout.write(
            self.style.SUCCESS(f"Sign in as {USERNAME} with the password {password}")
            + "\n(made just now, shown only this once)"
        )


def has_data() -> bool:
    """Whether any model of the project's own apps, or Group, has a row.

    History models count too: somebody who deleted every record does not want the fixtures back.
    """
    own_apps = [
        config
        for config in apps.get_app_configs()
        if Path(config.path).parent == Path(settings.BASE_DIR)
    ]
    models: list[type[Model]] = [
        Group,
        *(model for config in own_apps for model in config.get_models()),
    ]
    return any(model._base_manager.exists() for model in models)
