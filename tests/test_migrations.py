"""No migration keeps staff from writing to a table while it builds an index of it."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import migrations, models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.state import ProjectState

from backoffice.tables.operations import AddIndexConcurrently, AddSearchIndex

APPS = ("backoffice", "library")
#: Tables of staff and of what they set in motion: thousands of rows after years.
SMALL = {
    *("change", "importfile", "importjob", "bulkedit"),
    *("savedfilter", "profile", "scope", "role", "language"),
}
#: These were applied everywhere before tables had grown.
APPLIED = {
    "library.0003_lists_and_search",
    "library.0004_patron_library_name",
    "library.0005_history_change",
    "library.0006_deleted_records",
}
#: They write the table's rows anew, and so lock it anyway.
REWRITE = {"library.0010_links_of_history_once"}


def is_indexed(field: Any) -> bool:
    return getattr(field, "db_index", False) or field.unique


def makes_an_index(operation: Any, app: str, before: ProjectState) -> bool:
    """Whether it builds an index in the way that locks writers out."""
    if isinstance(operation, AddIndexConcurrently):
        return False
    if isinstance(operation, migrations.AlterField):
        old = before.models[app, operation.model_name_lower].fields.get(operation.name)
        return is_indexed(operation.field) and not (old and is_indexed(old))
    return isinstance(
        operation, migrations.AddIndex | AddSearchIndex | migrations.AddConstraint
    ) or (isinstance(operation, migrations.AddField) and is_indexed(operation.field))


def locking(migration: migrations.Migration, before: ProjectState) -> Iterator[str]:
    """What is wrong with the indexes that a migration adds to tables that are there.

    before: the models as they are when it begins.
    """
    made = {
        operation.name_lower
        for operation in migration.operations
        if isinstance(operation, migrations.CreateModel)
    } | SMALL
    for operation in migration.operations:
        if getattr(operation, "model_name", "").lower() in made:
            continue
        beside = isinstance(operation, AddIndexConcurrently | AddSearchIndex)
        if beside and migration.atomic:
            yield f"{operation.describe()}: set `atomic = False`"
        elif not beside and makes_an_index(operation, migration.app_label, before):
            yield f"{operation.describe()}: take AddIndexConcurrently"


BY_TITLE = models.Index(fields=["title"], name="by_title")


@pytest.mark.parametrize(
    ("operation", "atomic", "remedy"),
    [
        (migrations.AddIndex("book", BY_TITLE), False, "AddIndexConcurrently"),
        (AddIndexConcurrently("book", BY_TITLE), True, "atomic = False"),
        (AddSearchIndex("book", ["title"], "by_title"), True, "atomic = False"),
        (AddIndexConcurrently("book", BY_TITLE), False, ""),
        (AddSearchIndex("book", ["title"], "by_title"), False, ""),
        (migrations.AddField("book", "isbn", models.CharField(unique=True)), False, "Concurr"),
        (
            migrations.AddField("book", "isbn", models.CharField(db_index=True)),
            False,
            "Concurr",
        ),
        (migrations.AddField("book", "isbn", models.CharField()), True, ""),
        (
            migrations.AlterField("book", "title", models.CharField(unique=True)),
            False,
            "Concurr",
        ),
        (migrations.AlterField("book", "title", models.CharField(max_length=9)), False, ""),
        (migrations.AlterField("book", "id", models.BigAutoField(primary_key=True)), False, ""),
    ],
)
def test_what_locks_writers_out_is_noticed(operation: Any, atomic: bool, remedy: str) -> None:
    migration = migrations.Migration("0099_test", "library")
    migration.operations, migration.atomic = [operation], atomic
    found = list(locking(migration, MigrationLoader(None).project_state()))
    assert len(found) == bool(remedy)
    assert all(remedy in line for line in found)


def test_indexes_are_built_beside_the_writers() -> None:
    loader = MigrationLoader(None)
    wrong = {
        f"{app}.{name}": lines
        for (app, name), migration in sorted(loader.disk_migrations.items())
        if app in APPS
        for before in [loader.project_state((app, name), at_end=False)]
        if (lines := list(locking(migration, before)))
    }
    known = APPLIED | REWRITE
    assert {name: lines for name, lines in wrong.items() if name not in known} == {}
    assert set(wrong) == known  # none is on the lists without need
