"""Migration operations for the history of any model."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.migrations.operations import AlterField
from django.db.migrations.operations.base import Operation
from django.db.models import BigAutoField


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


class WidenHistoryKeys(Operation):
    """Make the keys of a model's history, and of the links that it keeps, bigint.

    PostgreSQL writes each table anew: once, whatever columns change. Until then nobody reads
    or writes it. Run again, it does nothing. SQLite's keys have 64 bits anyway; Django's
    AlterField would write the table anew.

    links: the many-to-many fields that the history keeps.
    """

    reduces_to_sql = True
    reversible = True

    def __init__(self, model_name: str, links: Sequence[str] = ()) -> None:
        self.model_name, self.links = model_name, links
        history = f"historical{model_name.lower()}"
        self._keys = {
            history: "history_id",
            **{f"{history}_{link}": "m2m_history_id" for link in links},
        }

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        kwargs = {"links": self.links} if self.links else {}
        return self.__class__.__qualname__, [self.model_name], kwargs

    def state_forwards(self, app_label: str, state: Any) -> None:
        for table, key in self._keys.items():
            field = BigAutoField(primary_key=True, serialize=False)
            AlterField(table, key, field).state_forwards(app_label, state)

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        connection, quote = schema_editor.connection, schema_editor.quote_name
        if connection.vendor != "postgresql":
            return
        for name in self._keys:
            before = from_state.apps.get_model(app_label, name)._meta
            after = to_state.apps.get_model(app_label, name)
            if not self.allow_migrate_model(connection.alias, after):
                continue
            # The links have the key of their record as well.
            types = [
                f"ALTER COLUMN {quote(field.column)} TYPE {field.db_type(connection)}"
                for field in after._meta.local_concrete_fields
                if field.db_type(connection) != before.get_field(field.name).db_type(connection)
            ]
            if types:
                schema_editor.execute(
                    f"ALTER TABLE {quote(after._meta.db_table)} {', '.join(types)}"
                )

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        self.database_forwards(app_label, schema_editor, from_state, to_state)

    def describe(self) -> str:
        return f"Make the keys of the history of {self.model_name} bigint"

    @property
    def migration_name_fragment(self) -> str:
        return f"wide_history_keys_of_{self.model_name.lower()}"


class KeepLinksOnce(Operation):
    """Say of each link of a history that its one record has it, as it was kept until now.

    It comes after the AddField of `history_until`. From then on a link is kept once, for all
    records that have it. Reversing keeps the links of each record again.

    model_name, link: the model and its many-to-many.
    """

    reduces_to_sql = True
    reversible = True

    def __init__(self, model_name: str, link: str) -> None:
        self.model_name, self.link = model_name, link

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return self.__class__.__qualname__, [self.model_name, self.link], {}

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Change no model."""

    def database_forwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        kept = self._kept(app_label, schema_editor, to_state)
        if kept is None:
            return
        if schema_editor.connection.vendor == "postgresql":
            # An UPDATE would leave all rows in the table twice.
            schema_editor.execute(
                f"ALTER TABLE {kept.table} ALTER history_until TYPE bigint USING history_id + 1"
            )
        else:
            schema_editor.execute(f"UPDATE {kept.table} SET history_until = history_id + 1")

    def database_backwards(
        self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any
    ) -> None:
        kept = self._kept(app_label, schema_editor, to_state)
        if kept is None:
            return
        columns = ", ".join(f"kept.{column}" for column in kept.names)
        schema_editor.execute(f"""
            INSERT INTO {kept.table} (history_id, {", ".join(kept.names)})
            SELECT record.history_id, {columns}
            FROM {kept.history} record
            JOIN {kept.table} kept ON kept.{kept.source} = record.{kept.pk}
            AND kept.history_id < record.history_id
            AND (kept.history_until IS NULL OR kept.history_until > record.history_id)
        """)

    def describe(self) -> str:
        return f"Keep each link of the history of {self.model_name} once"

    @property
    def migration_name_fragment(self) -> str:
        return f"links_of_{self.model_name.lower()}_once"

    def _kept(self, app_label: str, schema_editor: Any, state: Any) -> "_Kept | None":
        """The names in SQL; None where the router keeps the model elsewhere."""
        quote, model = (
            schema_editor.quote_name,
            state.apps.get_model(app_label, self.model_name),
        )
        link = model._meta.get_field(self.link)
        through = link.remote_field.through._meta.model_name
        history = state.apps.get_model(app_label, f"historical{self.model_name}")
        kept = state.apps.get_model(app_label, f"historical{through}")
        if not self.allow_migrate_model(schema_editor.connection.alias, kept):
            return None
        own = {"m2m_history_id", "history", "history_until"}
        names = [quote(f.column) for f in kept._meta.concrete_fields if f.name not in own]
        return _Kept(
            quote(kept._meta.db_table),
            quote(history._meta.db_table),
            quote(history._meta.get_field(model._meta.pk.name).column),
            quote(kept._meta.get_field(link.m2m_field_name()).column),
            names,
        )


@dataclass(frozen=True)
class _Kept:
    """The table of a history's links, and the history's, with their columns.

    pk, source: that of the row in each · names: the columns of a link.
    """

    table: str
    history: str
    pk: str
    source: str
    names: list[str]
