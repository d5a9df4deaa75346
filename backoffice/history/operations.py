"""A migration operation for the history of any model."""

from typing import Any

from django.db.migrations.operations.base import Operation


class FillHistoryChange(Operation):
    """Fill `history_change` of existing records, by the date and reason that they have.

    Imports and edits used to write the time they were applied, and their kind, number and
    title as the reason; an undo wrote "undo of …". Reversing does nothing.
    """

    reduces_to_sql = True
    reversible = True

    def __init__(self, model_name: str) -> None:
        self.model_name = model_name

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return self.__class__.__qualname__, [], {"model_name": self.model_name}

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Change no model."""

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        history = to_state.apps.get_model(app_label, f"historical{self.model_name}")
        change = to_state.apps.get_model("backoffice", "Change")
        if not self.allow_migrate_model(schema_editor.connection.alias, history):
            return
        quote = schema_editor.quote_name
        table, changes = quote(history._meta.db_table), quote(change._meta.db_table)
        reason = "substr({0}.kind || ' ' || {0}.id || ': ' || {0}.title, 1, 100)".format
        label = to_state.apps.get_model(app_label, self.model_name)._meta.label
        with schema_editor.connection.cursor() as cursor:
            cursor.execute(
                f"""
                UPDATE {table} SET history_change_id = written.id FROM {changes} written
                WHERE written.model = %s AND written.kind IN ('import', 'edit')
                AND {table}.history_date = written.applied_at
                AND {table}.history_change_reason = {reason("written")}
                """,
                [label],
            )
            cursor.execute(
                f"""
                UPDATE {table} SET history_change_id = undo.id
                FROM {changes} undo JOIN {changes} undone ON undone.id = undo.undoes_id
                WHERE undo.model = %s AND {table}.history_change_reason
                    = substr('undo of ' || {reason("undone")}, 1, 100)
                """,
                [label],
            )

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        """Do nothing: the next operation drops the column."""

    def describe(self) -> str:
        return f"Name the change that wrote each record of {self.model_name}"

    @property
    def migration_name_fragment(self) -> str:
        return f"history_change_of_{self.model_name.lower()}"
