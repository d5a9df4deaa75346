"""History records of many rows at once, as django-simple-history would write them."""

from django.utils import timezone

#: The change reason of the first record of a row that had none.
BEFORE = "as it was before the first recorded change"


class Records:
    """The history of one model. Without django-simple-history, nothing is written.

    connection: where · now: the history date of all that is written.
    """

    def __init__(self, connection, model, now=None):
        self.connection, self.quote = connection, connection.ops.quote_name
        self.live = self.quote(model._meta.db_table)
        self.pk = self.quote(model._meta.pk.column)
        self.now = now or timezone.now()
        name = getattr(model._meta, "simple_history_manager_attribute", None)
        self.model = getattr(model, name).model if name else None

    @property
    def table(self):
        return self.quote(self.model._meta.db_table)

    @property
    def columns(self):
        """The columns that a record copies from its row."""
        return [self.quote(field.column) for field in self.model.tracked_fields]

    @property
    def m2m_fields(self):
        return self.model._history_m2m_fields

    def links(self, field):
        """The tables of a many-to-many: `(live, history, source, target, all columns)`."""
        return (
            self.quote(field.m2m_db_table()),
            self.quote(getattr(self.model, field.name).model._meta.db_table),
            self.quote(field.m2m_column_name()),
            self.quote(field.m2m_reverse_name()),
            [self.quote(f.column) for f in field.remote_field.through._meta.concrete_fields],
        )

    @property
    def tables(self):
        """All that is written to with a row: its own, history's, and those of its links."""
        if self.model is None:
            return [self.live]
        links = (table for field in self.m2m_fields for table in self.links(field)[:2])
        return [self.live, self.table, *links]

    def adapt(self, date):
        return self.connection.ops.adapt_datetimefield_value(date)

    def write_missing(self, keys):
        """A row changed for the first time gets its present state written down before.

        keys: a SELECT of primary keys.
        """
        if self.model is not None:
            self.write(
                f"live.{self.pk} IN ({keys}) AND NOT EXISTS"
                f" (SELECT 1 FROM {self.table} h WHERE h.{self.pk} = live.{self.pk})",
                history_type="~",
                reason=BEFORE,
                user_id=None,
            )

    def write(self, condition, params=(), *, history_type, reason, user_id):
        """Copy live rows, and their links, into history.

        condition: SQL about the row `live`, and its params. Of one type and reason, only
        one write.
        """
        if self.model is None:
            return
        columns = self.columns
        written = [history_type, self.adapt(self.now), reason]
        with self.connection.cursor() as cursor:
            cursor.execute(
                f"""
                INSERT INTO {self.table} ({", ".join(columns)}, history_type, history_date,
                                          history_change_reason, history_user_id)
                SELECT {", ".join(f"live.{column}" for column in columns)}, %s, %s, %s, %s
                FROM {self.live} live WHERE {condition} ORDER BY live.{self.pk}
                """,
                [*written, user_id, *params],
            )
        self._copy_links(
            "h.history_type = %s AND h.history_date = %s AND h.history_change_reason = %s",
            written,
        )

    def write_links(self, history_ids):
        """Copy the links, as they stand, of the rows that these records are of."""
        keys = ", ".join(["%s"] * len(history_ids))
        self._copy_links(f"h.history_id IN ({keys})", list(history_ids))

    def _copy_links(self, condition, params):
        for field in self.m2m_fields:
            live, history, source, _target, columns = self.links(field)
            with self.connection.cursor() as cursor:
                cursor.execute(
                    f"""
                    INSERT INTO {history} (history_id, {", ".join(columns)})
                    SELECT h.history_id, {", ".join(f"m.{column}" for column in columns)}
                    FROM {self.table} h JOIN {live} m ON m.{source} = h.{self.pk}
                    WHERE {condition}
                    """,
                    params,
                )
