"""Migration operations for any model."""

from typing import Any

from django.db import DatabaseError, NotSupportedError, transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations import AddIndex, RemoveIndex
from django.db.migrations.operations.base import Operation
from django.db.migrations.operations.models import IndexOperation
from django.db.migrations.state import ProjectState
from django.db.models import Model

MISSING = """
  No search index for {model}: {error}
  Search works without it and reads every row. docs/how-to/deploy.md says how to add it.
"""

#: An index that was built beside the writers, and given up half-way, is kept but not used.
UNFINISHED = """
    SELECT 1 FROM pg_index WHERE NOT indisvalid AND indexrelid = to_regclass(%s)
"""


def drop_unfinished(schema_editor: BaseDatabaseSchemaEditor, name: str) -> None:
    """Drop what an attempt to build the index left, so that it can be built again."""
    if schema_editor.collect_sql:  # sqlmigrate only shows what would be done
        return
    name = str(schema_editor.quote_name(name))
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(UNFINISHED, [name])
        if cursor.fetchone():
            cursor.execute(f"DROP INDEX CONCURRENTLY {name}")


class _Concurrently(IndexOperation):
    """On PostgreSQL others read and write the table meanwhile; elsewhere as Django does it."""

    atomic = False
    model_name: str

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        connection = schema_editor.connection
        if connection.vendor != "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
        elif self.allow_migrate_model(connection.alias, model):
            if connection.in_atomic_block:
                raise NotSupportedError(
                    f"“{self.describe()}” goes on beside the writers, which no transaction"
                    " can: set `atomic = False` on the migration."
                )
            self.execute(schema_editor, model)

    def execute(self, schema_editor: BaseDatabaseSchemaEditor, model: type[Model]) -> None:
        raise NotImplementedError


class AddIndexConcurrently(_Concurrently, AddIndex):
    """Django's AddIndex; on PostgreSQL others may write to the table while it is built.

    The migration needs `atomic = False`. After a failure it can simply be run again. SQLite
    has one writer at a time, whatever is built.
    """

    def execute(self, schema_editor: BaseDatabaseSchemaEditor, model: type[Model]) -> None:
        drop_unfinished(schema_editor, self.index.name)
        schema_editor.execute(self.index.create_sql(model, schema_editor, concurrently=True))


class RemoveIndexConcurrently(_Concurrently, RemoveIndex):
    """Django's RemoveIndex; on PostgreSQL it waits for those who read, and keeps nobody out.

    The migration needs `atomic = False`.
    """

    def execute(self, schema_editor: BaseDatabaseSchemaEditor, model: type[Model]) -> None:
        name = schema_editor.quote_name(self.name)
        schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")


class AddSearchIndex(Operation):
    """A trigram index for `icontains` over text fields, on PostgreSQL; nothing elsewhere.

    It has the expressions that Django's `icontains` compares. Needs the extension pg_trgm,
    which an owner of the database may create; where that fails the migration goes on. Others
    may write to the table meanwhile if the migration has `atomic = False`.
    """

    reversible = True
    reduces_to_sql = True

    def __init__(self, model_name: str, fields: list[str], name: str) -> None:
        self.model_name, self.fields, self.name = model_name, fields, name

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        kwargs = {"model_name": self.model_name, "fields": self.fields, "name": self.name}
        return self.__class__.__qualname__, [], kwargs

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """The index is in no model's state."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        model = to_state.apps.get_model(app_label, self.model_name)
        if schema_editor.connection.vendor != "postgresql" or not self.allow_migrate_model(
            schema_editor.connection.alias, model
        ):
            return
        quote = schema_editor.quote_name
        columns = ", ".join(
            f"UPPER({quote(model._meta.get_field(name).column)}::text) gin_trgm_ops"
            for name in self.fields
        )
        table = quote(model._meta.db_table)
        connection = schema_editor.connection
        build = f"IF NOT EXISTS {quote(self.name)} ON {table} USING gin ({columns})"
        try:
            if connection.in_atomic_block:
                with transaction.atomic(using=connection.alias):
                    schema_editor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
                    schema_editor.execute(f"CREATE INDEX {build}")
            else:
                schema_editor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
                drop_unfinished(schema_editor, self.name)
                schema_editor.execute(f"CREATE INDEX CONCURRENTLY {build}")
        except DatabaseError as error:
            print(MISSING.format(model=table, error=str(error).strip()))  # noqa: T201

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute(f"DROP INDEX IF EXISTS {schema_editor.quote_name(self.name)}")

    def describe(self) -> str:
        return f"Search index {self.name} on {self.model_name} (PostgreSQL)"

    @property
    def migration_name_fragment(self) -> str:
        return f"search_{self.model_name.lower()}"
