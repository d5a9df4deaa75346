"""An index by which the records are found that may look like a text, or like each other.

    class Meta:
        indexes = [AlikeIndex(AlikeForm("name"), "library", "name", name="patron_name_alike")]

First the text; then the other columns of the match key that are no texts; then the text's own
column, without which PostgreSQL would read the table for each entry of the index.

What it holds of a text is what `texts.alike` makes of it, where SQL can say that: of texts of
ASCII, and on PostgreSQL of European letters, quotes and dashes as well. Of any other, such as
one with two blanks in a row, it is "": those are found together, and have to be compared.
"""

import json
from collections.abc import Sequence
from typing import Any

from django.db.models import Func, Index, Model, TextField

from backoffice.tables.table import ModelField, Table, field_names
from backoffice.tables.texts import codes

UNKNOWN = ""  # what it has of any other text
#: Letters that `alike` only makes small ones of, each for itself, whatever stands beside it;
#: quotes and dashes, each of which it makes the same of.
LETTERS = "c0-d6 d8-de e0-f6 f8-12f 131 134-137 139-13e 141-148 14a-17e 401 410-44f 451"
QUOTES = "22 ab b4 bb 2018-201f 2032-2033"
DASHES = "2010-2015"


_LETTERS, _QUOTES, _DASHES = ("".join(map(chr, codes(r))) for r in (LETTERS, QUOTES, DASHES))
_CAPITALS = "".join(letter for letter in _LETTERS if letter != letter.lower())
_FROM = _CAPITALS + _QUOTES + _DASHES
_TO = _CAPITALS.lower() + "''" * len(_QUOTES) + "-" * len(_DASHES)
#: What PostgreSQL's regular expressions take for a character: all but the blank.
_KNOWN = "!-~" + "".join(
    "-".join(rf"\u{int(end, 16):04x}" for end in part.split("-"))
    for part in f"{LETTERS} {QUOTES} {DASHES}".split()
)
FORMS = {
    # COLLATE: the index is the same whatever the database's own, and whatever becomes of it.
    # ASCII by itself: `translate` takes twenty times as long, 10 µs a title.
    "postgresql": (
        """CASE WHEN {0} COLLATE "C" ~ '^[!-~]+(?: [!-~]+)*$'"""
        """ THEN replace(lower({0} COLLATE "C"), '"', '''')"""
        f""" WHEN {{0}} COLLATE "C" ~ '^[{_KNOWN}]+(?: [{_KNOWN}]+)*$'"""
        f""" THEN translate(lower({{0}} COLLATE "C"), '{_FROM}', '{_TO}')"""
        " ELSE '' END"
    ),
    "sqlite": (
        "CASE WHEN {0} NOT GLOB '*[^ -~]*' AND instr({0}, '  ') = 0 AND {0} = trim({0})"
        " THEN replace(lower({0}), '\"', '''') ELSE '' END"
    ),
}
#: Whether an index of this name can be used.
IS_USABLE = {
    "postgresql": "SELECT 1 FROM pg_index WHERE indisvalid AND indexrelid = to_regclass(%s)",
    "sqlite": "SELECT 1 FROM sqlite_master WHERE type = 'index' AND name = %s",
}


class AlikeForm(Func):
    """Of a text: equal for texts that look alike, or "" of one of them at least."""

    arity = 1
    output_field = TextField()

    def as_sql(self, compiler: Any, connection: Any, *args: Any, **extra: Any) -> Any:
        sql, params = compiler.compile(self.source_expressions[0])
        form = FORMS[connection.vendor]
        return form.format(sql), [*params] * form.count("{0}")


class AlikeIndex(Index):
    """An Index whose first expression is an AlikeForm. SQLite needs no other, and has none."""

    def create_sql(self, model: Any, schema_editor: Any, *args: Any, **options: Any) -> Any:
        if schema_editor.connection.vendor == "sqlite" and len(self.expressions) > 1:
            alone = Index(self.expressions[0], name=self.name)
            return alone.create_sql(model, schema_editor, *args, **options)
        return super().create_sql(model, schema_editor, *args, **options)


def has_index(table: Table, field: ModelField) -> bool:
    """Whether the model declares such an index of the field, and it can be used."""
    # Where a field declares that other texts look alike, too, no index knows it.
    if getattr(field, "alike", None):
        return False
    return any(_is_usable(table, i) for name, i in _declared(table) if name == field.name)


def missing_indexes(model: type[Model]) -> list[str]:
    """The fields of which the model declares such an index that can't be used."""
    table = Table(model)
    return [name for name, index in _declared(table) if not _is_usable(table, index)]


def _declared(table: Table) -> list[tuple[str, str]]:
    """`(field, index)`, by their names."""
    own = table.opts.concrete_model or table.model
    return [
        (*field_names(index.expressions[0]), index.name)
        for index in own._meta.indexes
        if index.expressions and isinstance(index.expressions[0], AlikeForm)
    ]


def _is_usable(table: Table, name: str) -> bool:
    quote = table.connection.ops.quote_name
    known = quote(name) if table.vendor == "postgresql" else name
    return bool(table.fetch(IS_USABLE[table.vendor], [known]))


def looking_up(
    table: Table, field: ModelField, columns: str, forms: Sequence[str], where: str = ""
) -> tuple[str, list[Any]]:
    """The SELECT of `columns` of the rows that have one of these forms, by the index.

    Each form is looked up for itself, whatever statistics say: an index that was just made
    has none, and the whole table would be read. Rows are called `live`.
    """
    form = FORMS[table.vendor].format(f"live.{table.column(field)}")
    if table.vendor == "postgresql":
        return (
            f"SELECT {columns} FROM unnest(CAST(%s AS text[])) wanted(form) CROSS JOIN LATERAL"
            f" (SELECT * FROM {table.name} live WHERE {form} = wanted.form OFFSET 0) live"
            f" {where and f'WHERE {where}'}",
            [list(forms)],
        )
    return (
        f"SELECT {columns} FROM json_each(%s) wanted CROSS JOIN {table.name} live"
        f" ON {form} = wanted.value {where and f'WHERE {where}'}",
        [json.dumps(list(forms))],
    )


def looking_alike(
    table: Table, field: ModelField, columns: str, others: Sequence[ModelField]
) -> str:
    """The SELECT of `columns` of all rows that look alike, and of some that don't.

    They share a form; on PostgreSQL, what is in `others`, too. The index alone is read, in its
    order, and then the rows found. Those without a form are not among them. Rows are `live`.

    others: fields that are equal or not.
    """
    form = FORMS[table.vendor]
    others = others if table.vendor == "postgresql" else ()  # its index has them
    keys = [table.column(other) for other in others]
    own = ", ".join([f"{form.format(table.column(field))} AS form", *keys])
    names = ", ".join(["form", *keys])
    # SQLite takes the form from the index where it sorts, not where it groups.
    shared = f"""
        SELECT {names} FROM (SELECT {own} FROM {table.name} ORDER BY {names}) sorted
        WHERE form > '' GROUP BY {names} HAVING count(*) > 1
    """
    equal = [f"{form.format(f'live.{table.column(field)}')} = shared.form"]
    for key, other in zip(keys, others, strict=True):
        equal.append(f"(live.{key} = shared.{key}{_or_both_null(key) if other.null else ''})")
    fits = " AND ".join(equal)
    if table.vendor == "postgresql":
        return (
            f"SELECT {columns} FROM ({shared}) shared CROSS JOIN LATERAL"
            f" (SELECT * FROM {table.name} live WHERE {fits} OFFSET 0) live"
        )
    return f"SELECT {columns} FROM ({shared}) shared CROSS JOIN {table.name} live ON {fits}"


def _or_both_null(key: str) -> str:
    return f" OR live.{key} IS NULL AND shared.{key} IS NULL"
