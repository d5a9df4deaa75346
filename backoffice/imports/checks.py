"""What a staged file would do, found by set operations: a statement a check, not a row.

Fills `import_targets_…`, `import_rejects` and `import_plan` of staging. The plan holds the
rows that a live row has the key of; a staged row that is in neither rejects nor plan is new.
Can be repeated: what an earlier run found is forgotten first.
"""

from django.db.models import NOT_PROVIDED

from backoffice.changes.counts import Counts
from backoffice.imports.constraints import Constraints
from backoffice.tables.planner import expect_many
from backoffice.tables.table import Table

ROW_CODES = (
    "unknown",
    "ambiguous",
    "duplicate",
    "many",
    "missing",
    "empty",
    "taken",
    "refused",
)


class Checks:
    def __init__(self, staging, model, match):
        self.staging, self.model, self.match = staging, model, match
        self.table = Table(model, staging.connection)
        self.has_rejects = False  # among the staged rows; cells reject theirs before

    def reject(self, select, params=()):
        """Put `line, field, value, code, message, detail` into the rejects."""
        columns = "line, field, value, code, message, detail"
        if self.table.execute(f"INSERT INTO import_rejects ({columns}) {select}", params):
            self.has_rejects = True

    # The staged rows, references looked up ------------------------------------------

    def column(self, staged):
        """The live table's column that a staged column is for."""
        return self.table.column(staged.model_field)

    def staged(self):
        """SELECT of the rows not rejected: `line`, and a column for each live column."""
        selected, joins = ["r.line"], []
        for c in self.staging.values:
            source = f"r.v_{c.name}"
            if c.kind == "reference":
                joins.append(
                    f"LEFT JOIN import_targets_{c.name} t_{c.name}"
                    f" ON t_{c.name}.ref = r.v_{c.name}"
                )
                source = f"t_{c.name}.target"
            selected.append(f"{source} AS {self.column(c)}")
        joins = " ".join(joins)
        return f"SELECT {', '.join(selected)} FROM import_rows r {joins}{self.accepted()}"

    def accepted(self, word="WHERE"):
        """The condition that row `r` is not rejected, after `word`; none where no row is."""
        if not self.has_rejects:
            return ""
        return f" {word} NOT EXISTS (SELECT 1 FROM import_rejects x WHERE x.line = r.line)"

    def planned(self):
        """SELECT of the rows not rejected: `line`, `pk` (NULL for a new one), `action`."""
        return (
            "SELECT r.line, p.pk, coalesce(p.action, 'new') AS action"
            f" FROM import_rows r LEFT JOIN import_plan p ON p.line = r.line{self.accepted()}"
        )

    def new_rows(self):
        """`staged()`, the new ones alone."""
        return (
            f"SELECT s.* FROM ({self.staged()}) s"
            " WHERE NOT EXISTS (SELECT 1 FROM import_plan p WHERE p.line = s.line)"
        )

    def new_value(self, staged, live):
        """What an update gives the column: a blank that keeps is the `live` row's value."""
        column = self.column(staged)
        return f"coalesce(s.{column}, {live}.{column})" if staged.keep_blank else f"s.{column}"

    def key_columns(self):
        by_name = {c.name: c for c in self.staging.values}
        return [self.column(by_name[name]) for name in self.match]

    # The checks ---------------------------------------------------------------------

    def run(self, rows):
        """Check the staged rows of a file of `rows`. The caller holds a transaction."""
        expect_many(self.table.connection, rows)
        marks = ", ".join(["%s"] * len(ROW_CODES))
        self.table.execute(f"DELETE FROM import_rejects WHERE code IN ({marks})", ROW_CODES)
        self.table.execute("DELETE FROM import_plan")
        self.has_rejects = False
        for column in [*self.staging.references, *self.staging.links]:
            self.look_up(column)
        self.match_rows()
        self.reject_incomplete()
        constraints = Constraints(self)
        constraints.reject_refused()
        # After what is wrong with a row by itself, so that a row that is not taken keeps
        # none from being taken that repeats it.
        self.reject_repeated(self.staged(), self.key_columns(), self.match)
        self.compare_links()
        constraints.reject_taken()
        self.table.execute(
            "DELETE FROM import_plan WHERE line IN (SELECT line FROM import_rejects)"
        )

    def look_up(self, column):
        """Find the record that each distinct reference of `column` names."""
        name, key = column.name, column.resource_field.widget.key
        live, params = key.queryset().query.sql_with_params()
        self.table.execute(f"DELETE FROM import_targets_{name}")
        self.table.execute(
            f"""
            WITH live (pk, label, whole) AS ({live}),
                 candidates AS (SELECT DISTINCT ref, label FROM import_candidates_{name})
            INSERT INTO import_targets_{name} (ref, target, hits)
            SELECT c.ref,
                   -- One's full text goes before another's label: exports write that in full.
                   coalesce(min(CASE WHEN live.whole = c.ref THEN live.pk END), min(live.pk)),
                   coalesce(
                       nullif(count(DISTINCT CASE WHEN live.whole = c.ref THEN live.pk END), 0),
                       count(DISTINCT live.pk)
                   )
            FROM candidates c
            JOIN live ON live.label = c.label AND (c.label = c.ref OR live.whole = c.ref)
            GROUP BY c.ref
            """,
            params,
        )
        source, ref = f"import_links_{name}", "ref"
        if column.kind == "reference":
            source, ref = "import_rows", f"v_{name}"
        self.reject(
            f"""
            SELECT r.line, %s, r.{ref},
                   CASE WHEN t.ref IS NULL THEN 'unknown' ELSE 'ambiguous' END, '', t.hits
            FROM {source} r LEFT JOIN import_targets_{name} t ON t.ref = r.{ref}
            WHERE r.{ref} IS NOT NULL AND (t.ref IS NULL OR t.hits > 1)
            """,
            [name],
        )

    def reject_repeated(self, rows, keys, names, params=()):
        """Of `rows`, a SELECT, with the same values in the columns `keys`, keep the first.

        names: of the fields that the keys are made of, for staff.
        """
        nulls = " AND ".join(f"{key} IS NOT NULL" for key in keys)
        same = " AND ".join(f"s.{key} = repeated.{key}" for key in keys)
        keys = ", ".join(keys)
        # CROSS JOIN: SQLite looks at the rows again only where there are repeated keys.
        self.reject(
            f"""
            SELECT s.line, %s, '', 'duplicate', '', repeated.first
            FROM (
                SELECT {keys}, min(line) AS first FROM ({rows}) s WHERE {nulls}
                GROUP BY {keys} HAVING count(*) > 1
            ) repeated CROSS JOIN ({rows}) s
            WHERE {same} AND s.line <> repeated.first
            """,
            [", ".join(names), *params, *params],
        )

    def match_rows(self):
        """Plan each row that a live row has the key of: updated or unchanged."""
        on = " AND ".join(f"live.{c} = s.{c}" for c in self.key_columns())
        same = " AND ".join(
            f"live.{self.column(c)} IS NOT DISTINCT FROM {self.new_value(c, 'live')}"
            for c in self.staging.values
        )
        # Of several live rows with the key, the row is rejected below, so any one will do.
        self.table.execute(
            f"""
            INSERT INTO import_plan (line, pk, hits, action)
            SELECT s.line, min(live.{self.table.pk}), count(live.{self.table.pk}),
                   CASE WHEN min(CASE WHEN {same} THEN 1 ELSE 0 END) = 1 THEN 'unchanged'
                        ELSE 'updated' END
            FROM ({self.staged()}) s JOIN {self.table.name} live ON {on}
            GROUP BY s.line
            """
        )
        self.staging.analyze("import_plan")
        self.reject(
            "SELECT line, %s, '', 'many', '', hits FROM import_plan WHERE hits > 1",
            [", ".join(self.match)],
        )

    def wanted_links(self, column, rows="import_plan"):
        """SELECT of what the file lists for `rows` of `line` and `pk`, and the `target`."""
        return (
            f"SELECT DISTINCT p.line, p.pk, t.target FROM {rows} p"
            f" JOIN import_links_{column.name} l ON l.line = p.line"
            f" JOIN import_targets_{column.name} t ON t.ref = l.ref"
        )

    def lists_links(self, column):
        """The condition that row `p` says which links there shall be."""
        if not column.keep_blank:
            return "1 = 1"
        return f"EXISTS (SELECT 1 FROM import_links_{column.name} b WHERE b.line = p.line)"

    def compare_links(self):
        """Rows whose many-to-many differs from what the file lists are updates too."""
        for column in self.staging.links:
            link = self.table.link(column.model_field)
            self.table.execute(
                f"""
                UPDATE import_plan SET action = 'updated'
                WHERE action = 'unchanged' AND line IN (
                    SELECT w.line FROM ({self.wanted_links(column)}) w
                    LEFT JOIN {link.table} m
                        ON m.{link.source} = w.pk AND m.{link.target} = w.target
                    WHERE m.{link.source} IS NULL
                    UNION ALL
                    SELECT p.line FROM import_plan p
                    JOIN {link.table} m ON m.{link.source} = p.pk
                    LEFT JOIN ({self.wanted_links(column)}) w
                        ON w.line = p.line AND w.target = m.{link.target}
                    WHERE w.line IS NULL AND {self.lists_links(column)}
                )
                """
            )

    def reject_incomplete(self):
        """New rows need a column for every field that has no value of its own."""
        given = {c.model_field for c in self.staging.columns}
        lacking = [
            (field.name, "missing", "")
            for field in self.model._meta.concrete_fields
            if not (field.primary_key or field.null or field.blank or field in given)
            and field.default is NOT_PROVIDED
        ]
        lacking += [
            (column.name, "empty", f" WHERE s.{self.column(column)} IS NULL")
            for column in self.staging.values
            if column.keep_blank and not column.model_field.null
        ]
        if lacking:  # at once, so that a row is told all that it lacks
            self.reject(
                " UNION ALL ".join(
                    f"SELECT line, %s, '', '{code}', '', CAST(NULL AS bigint)"
                    f" FROM ({self.new_rows()}) s{where}"
                    for _name, code, where in lacking
                ),
                [name for name, _code, _where in lacking],
            )

    def own_values(self, *, add):
        """Fields the file doesn't give, with the value Django would write there."""
        given = {column.model_field for column in self.staging.values}
        blank = self.model()
        for field in self.model._meta.concrete_fields:
            if field in given or field.primary_key:
                continue
            if add or getattr(field, "auto_now", False):
                value = field.pre_save(blank, add)
                yield field, field.get_db_prep_save(value, self.table.connection)

    def counts(self, rows):
        """The outcome for a file of `rows` rows; the four parts add up to it."""
        actions = dict(
            self.table.fetch("SELECT action, count(*) FROM import_plan GROUP BY action")
        )
        ((rejected,),) = self.table.fetch("SELECT count(DISTINCT line) FROM import_rejects")
        updated, unchanged = actions.get("updated", 0), actions.get("unchanged", 0)
        new = rows - rejected - updated - unchanged  # `Apply` proves it of what it writes
        return Counts(rows, new, updated, unchanged, rejected)
