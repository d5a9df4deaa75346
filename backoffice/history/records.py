"""History records of many rows at once, as django-simple-history would write them."""

from dataclasses import dataclass
from dataclasses import field as dataclass_field
from datetime import datetime
from typing import Any

from django.utils import timezone

from backoffice.tables.table import Table

#: The change reason of a record of what no record had said before a row is changed.
BEFORE = "as it was before the next change"


@dataclass(frozen=True)
class Signature:
    """What records say of the write that made them: when, who, why, and which change."""

    date: datetime = dataclass_field(default_factory=timezone.now)
    user_id: Any = None
    reason: str | None = None
    change_id: int | None = None


class Records:
    """The history of one model. Without django-simple-history, nothing is written."""

    def __init__(self, connection, model):
        self.connection, self.row = connection, Table(model, connection)
        self.live, self.pk = self.row.name, self.row.pk
        name = getattr(model._meta, "simple_history_manager_attribute", None)
        self.model = getattr(model, name).model if name else None

    @property
    def table(self):
        return self.row.quote(self.model._meta.db_table)

    @property
    def columns(self):
        """The columns that a record copies from its row."""
        return [self.row.column(field) for field in self.model.tracked_fields]

    @property
    def m2m_fields(self):
        return self.model._history_m2m_fields

    def links(self, field):
        """The tables of a many-to-many: `(live, history, source, target, all columns)`."""
        link = self.row.link(field)
        history = self.row.quote(getattr(self.model, field.name).model._meta.db_table)
        return link.table, history, link.source, link.target, [link.key, *link.columns]

    @property
    def tables(self):
        """All that is written to with a row: its own, history's, and those of its links."""
        if self.model is None:
            return [self.live]
        links = (table for field in self.m2m_fields for table in self.links(field)[:2])
        return [self.live, self.table, *links]

    def adapt(self, date):
        return self.connection.ops.adapt_datetimefield_value(date)

    @property
    def names_change(self):
        """Whether a record says which change wrote it: it has our HistoricalRecords' column."""
        return self.model is not None and "history_change" in {
            field.name for field in self.model._meta.fields
        }

    def write_missing(self, keys, date):
        """Rows about to change get their present state written down where no record has it.

        Of some there is no record, others were changed without one, as `loaddata` and
        `QuerySet.update()` do. keys: a SELECT of primary keys · date: that of the change.
        """
        if self.model is None:
            return
        same = [f"live.{column} IS NOT DISTINCT FROM h.{column}" for column in self.columns]
        same += [self._same_links(field) for field in self.m2m_fields]
        self.write(
            f"""
            live.{self.pk} IN ({keys}) AND NOT EXISTS (
                SELECT 1 FROM {self.table} h WHERE h.{self.pk} = live.{self.pk}
                AND {" AND ".join(same)}
                AND NOT EXISTS (SELECT 1 FROM {self.table} n
                                WHERE n.{self.pk} = h.{self.pk} AND n.history_id > h.history_id)
            )
            """,
            history_type="~",
            signature=Signature(date, reason=BEFORE),
        )

    def _same_links(self, field):
        """The condition that a row has the links of its record `h`, no more and no less."""
        live, history, source, target, _columns = self.links(field)
        of_row = f"SELECT 1 FROM {live} m WHERE m.{source} = h.{self.pk}"
        of_record = f"SELECT 1 FROM {history} l WHERE l.history_id = h.history_id"
        same = f"l.{target} = m.{target}"
        return (
            f"NOT EXISTS ({of_row} AND NOT EXISTS ({of_record} AND {same}))"
            f" AND NOT EXISTS ({of_record} AND NOT EXISTS ({of_row} AND {same}))"
        )

    def write(self, condition, params=(), *, history_type, signature):
        """Copy live rows, and their links, into history.

        condition: SQL about the row `live`, and its params. Of one change, type and reason,
        only one write.
        """
        if self.model is None:
            return
        reason = signature.reason and signature.reason[:100]
        said = {
            "history_type": history_type,
            "history_date": self.adapt(signature.date),
            "history_change_reason": reason,
            "history_user_id": signature.user_id,
        }
        if self.names_change:
            said["history_change_id"] = signature.change_id
        columns = [*self.columns, *said]
        values = [*(f"live.{column}" for column in self.columns), *("%s" for _name in said)]
        self.row.execute(
            f"""
            INSERT INTO {self.table} ({", ".join(columns)})
            SELECT {", ".join(values)}
            FROM {self.live} live WHERE {condition} ORDER BY live.{self.pk}
            """,
            [*said.values(), *params],
        )
        self._copy_links(
            "h.history_type = %s AND h.history_date = %s"
            " AND h.history_change_reason IS NOT DISTINCT FROM %s",
            [history_type, self.adapt(signature.date), reason],
        )

    def write_links(self, history_ids):
        """Copy the links, as they stand, of the rows that these records are of."""
        keys = ", ".join(["%s"] * len(history_ids))
        self._copy_links(f"h.history_id IN ({keys})", list(history_ids))

    def _copy_links(self, condition, params):
        for field in self.m2m_fields:
            live, history, source, _target, columns = self.links(field)
            self.row.execute(
                f"""
                INSERT INTO {history} (history_id, {", ".join(columns)})
                SELECT h.history_id, {", ".join(f"m.{column}" for column in columns)}
                FROM {self.table} h JOIN {live} m ON m.{source} = h.{self.pk}
                WHERE {condition}
                """,
                params,
            )
