"""Migration operations for any model."""

from typing import Any

from django.db import DatabaseError, transaction
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

MISSING = """
  No search index for {model}: {error}
  Search works without it and reads every row. docs/how-to/deploy.md says how to add it.
"""


class AddSearchIndex(Operation):
    """A trigram index for `icontains` over text fields, on PostgreSQL; nothing elsewhere.

    It has the expressions that Django's `icontains` compares. Needs the extension pg_trgm,
    which an owner of the database may create; where that fails the migration goes on.
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
        try:
            with transaction.atomic(using=schema_editor.connection.alias):
                schema_editor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
                schema_editor.execute(
                    f"CREATE INDEX IF NOT EXISTS {quote(self.name)} ON {table}"
                    f" USING gin ({columns})"
                )
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
