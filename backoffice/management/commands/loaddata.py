"""`manage.py loaddata`: Django's command, which checks what it loads and writes it in sets."""

import contextlib
import os
import sys
import warnings
import zipfile
from collections.abc import Iterator, Sequence
from typing import Any

from django.contrib.auth import get_user_model
from django.core import serializers
from django.core.management import CommandError, CommandParser
from django.core.management.commands import loaddata
from django.core.management.utils import parse_apps_and_model_labels
from django.db import DatabaseError, connections, router, transaction
from django.db.models import Model

from backoffice import keepers
from backoffice.fixtures.load import Load, Refused
from backoffice.fixtures.reading import READERS, FixtureError
from backoffice.management.accounts import NotesAccounts

SHOWN = 20  # sentences on the terminal
END = (
    "Nothing was written. Mend the file and load it again; --no-validate loads it unchecked, as"
    " Django would."
)


class Command(NotesAccounts, loaddata.Command):
    """Django's; accounts and roles that it writes are in the trail."""

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument(
            "--no-validate",
            action="store_false",
            dest="validate",
            help="Load as Django does: values are not checked, and no history is written.",
        )

    def handle(self, *fixture_labels: str, **options: Any) -> None:
        if not options["validate"]:
            super().handle(*fixture_labels, **options)
            return
        self.ignore, self.using = options["ignore"], options["database"]
        self.app_label, self.format = options["app_label"], options["format"]
        self.verbosity = options["verbosity"]
        excluded = parse_apps_and_model_labels(options["exclude"])
        self.excluded_models, self.excluded_apps = excluded
        self.models: set[type[Model]] = set()
        self.objs_with_deferred_fields: list[Any] = []
        self.serialization_formats = serializers.get_public_serializer_formats()
        connection, found = connections[self.using], 0
        load = Load(
            connection,
            is_wanted=self.is_wanted,
            ignore=self.ignore,
            reason="manage.py loaddata",
            progress=self.progress if self.has_terminal else None,
        )
        try:
            with load:
                for label in fixture_labels:
                    found += self.read(load, label)
                self.write(load)
        except Refused as error:
            raise self.refused(error) from error
        except DatabaseError as error:
            raise CommandError(f"The database refused it: {error}\n{END}") from error
        finally:
            if self.has_terminal:
                self.stderr.write("\r\033[K", ending="")
        if self.verbosity >= 1:
            self.report(load, found)

    def loaddata(self, fixture_labels: Sequence[str]) -> None:
        """Django's way, of `--no-validate`."""
        with self.locking_nobody_out(get_user_model()):
            super().loaddata(fixture_labels)

    @contextlib.contextmanager
    def locking_nobody_out(self, *models: type[Model]) -> Iterator[None]:
        """What is saved as `raw` looks new, so that it is asked at the end."""
        try:
            with keepers.kept(self.using, *models):
                yield
        except keepers.LockedOut as error:
            raise CommandError(f"{error}\nNothing was written.") from error

    def is_wanted(self, model: type[Model]) -> bool:
        return (
            model._meta.app_config not in self.excluded_apps
            and model not in self.excluded_models
            and router.allow_migrate_model(self.using, model)
        )

    def read(self, load: Load, label: str) -> int:
        """Read the files of a label; how many there are."""
        files = self.find_fixtures(label)
        for path, folder, name in files:
            parsed: Any = self.parse_name(os.path.basename(path))
            _name, kind, compression = parsed
            if self.verbosity >= 2:
                where = loaddata.humanize(folder or "")
                self.stdout.write(f"Installing {kind} fixture '{name}' from {where}.")
            if kind not in READERS:
                raise CommandError(
                    f"{path}: fixtures of the format “{kind}” can't be checked. Write it as one"
                    f" of {', '.join(READERS)}, or load it with --no-validate."
                )
            try:
                with self.opened(path, compression) as file:
                    count = load.read(path, file, kind)
            except (FixtureError, OSError, zipfile.BadZipFile) as error:
                raise CommandError(f"{path}: {error}.\nNothing was written.") from error
            if not count:
                warnings.warn(
                    f"No fixture data found for '{name}'. (File format may be invalid.)",
                    RuntimeWarning,
                    stacklevel=2,
                )
        return len(files)

    def opened(self, path: str, compression: str | None) -> Any:
        if compression == "stdin":
            return _Left(sys.stdin)
        if compression == "zip":
            archive = zipfile.ZipFile(path)
            names = archive.namelist()
            if len(names) != 1:
                raise FixtureError("zip-compressed fixtures must contain one file")
            try:
                return archive.open(names[0])
            except RuntimeError as error:  # it wants a password, or a method of its own
                raise FixtureError(
                    f"it can't be unpacked ({error}); unpack it first"
                ) from error
        how: Any = self.compression_formats[compression]
        opener, mode = how
        return opener(path, mode)

    def write(self, load: Load) -> None:
        connection = connections[self.using]
        with (
            transaction.atomic(using=self.using),
            connection.constraint_checks_disabled(),
            self.locking_nobody_out(*load.other_models),
        ):
            load.write(self.save_obj)
            tables = [model._meta.db_table for model in self.models]
            connection.check_constraints(table_names=tables)
            self.reset_sequences(connection, self.models)

    def report(self, load: Load, files: int) -> None:
        objects = f"{load.loaded} object(s)"
        if load.line != load.loaded:
            objects += f" (of {load.line})"
        self.stdout.write(f"Installed {objects} from {files} fixture(s)")
        for written in load.written if self.verbosity >= 2 else ():
            said = ", ".join(f"{number} {what}" for what, number in written.counts.items())
            self.stdout.write(f"{written.table.opts.label}: {said}")

    @staticmethod
    def refused(error: Refused) -> CommandError:
        sentences = error.sentences[:SHOWN]
        if error.count > len(sentences):
            sentences.append(f"… and {error.count - len(sentences):,} more.")
        return CommandError("\n".join([*sentences, END]))

    @property
    def has_terminal(self) -> bool:
        return self.verbosity >= 1 and bool(self.stderr.isatty())

    def progress(self, words: str) -> None:
        self.stderr.write(f"\r\033[K{words}", ending="")
        self.stderr.flush()


class _Left:
    """A stream that is left open."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream

    def __enter__(self) -> Any:
        return self.stream

    def __exit__(self, *exc_info: object) -> None:
        pass
