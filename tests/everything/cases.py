"""Every field and relation with values to try: a new one is one line in CASES.

Of each value there is the text of a cell and what it becomes. The first two can be typed
into a form as well.
"""

import datetime
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db import connection, models

from tests.everything import models as m
from tests.everything.models.fields import FOLDER

#: What a row of a blank cell is: rejected.
REJECTED = object()


@dataclass(frozen=True, eq=False)
class Case:
    """A field.

    Args:
        good: what becomes of the text of a cell. Of a relation: the code of what it leads to.
        bad: texts that reject their row.
        blank: what a blank cell becomes, in a new row.
        stored: values that no cell holds but that come back from an export.

    A `blank` of ... is a value of the field's own making.
    """

    model: type[models.Model]
    name: str
    good: Mapping[str, Any]
    bad: Sequence[str] = ()
    blank: Any = None
    stored: Sequence[Any] = field(default=())

    def __str__(self) -> str:
        return f"{self.model.__name__}.{self.name}"

    @property
    def field(self) -> Any:
        return self.model._meta.get_field(self.name)

    def good_texts(self) -> dict[str, Any]:
        """`good`, and the smallest and the largest of an integer's type."""
        ends = self._ends()
        return {**self.good, **{str(end): end for end in ends}}

    def bad_texts(self) -> list[str]:
        ends = self._ends()
        beyond = [str(ends[0] - 1), str(ends[1] + 1)] if ends else []
        return [*self.bad, *beyond]

    def _ends(self) -> tuple[int, ...]:
        if type(self.field) not in INTEGERS or self.field.choices:
            return ()
        return connection.ops.integer_field_range(self.field.get_internal_type())


INTEGERS = (
    models.IntegerField,
    models.BigIntegerField,
    models.SmallIntegerField,
    models.PositiveIntegerField,
    models.PositiveBigIntegerField,
    models.PositiveSmallIntegerField,
)


def same(*texts: str) -> dict[str, Any]:
    return {text: text for text in texts}


def date(text: str) -> datetime.date:
    return datetime.date.fromisoformat(text)


def moment(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text)


NUL = "a\x00b"
TEXTS = same(
    *("plain", "Two words", "0", "-5", "=1+1", "@x", "+1", "'", "'=1", "it's", '"q"'),
    *("a|b", "back\\slash", "a,b;c", "📚", "é", "None", "null", "%s", "<b>", "a\tb"),
)
LINES = {**TEXTS, "one\r\ntwo": "one\r\ntwo", "one\ntwo": "one\ntwo", "one\rtwo": "one\rtwo"}
EDGES = ("", " edge ", "\ttab", "\r\nline\r\n", "''", " ")
INTEGER = {"5": 5, "7": 7, "0": 0, "12": 12}
SIGNED = {**INTEGER, "-1": -1}
NO_INTEGER = ("1.5", "x", "1e3", "9" * 30, "--1", "½")
DECIMAL = {
    **{"1.500": Decimal("1.5"), "2": Decimal(2), "0": Decimal(0), "-0.001": Decimal("-0.001")},
    **{"999999999.999": Decimal("999999999.999"), "-999999999.999": Decimal("-999999999.999")},
}
FLOAT = {"1.5": 1.5, "2.0": 2.0, "0.0": 0.0, "-0.1": -0.1, "1e+300": 1e300, "5e-324": 5e-324}
YES_NO = {"yes": True, "no": False}
DATE = {text: date(text) for text in ("2026-12-31", "2024-02-29", "0001-01-01", "9999-12-31")}
TIME = {
    text: datetime.time.fromisoformat(text)
    for text in ("01:02:03", "14:30:00", "00:00:00", "23:59:59.999999", "00:00:00.000001")
}
MOMENT = {
    text: moment(text)
    for text in (
        "2026-06-01T12:00:00-04:00",
        "2026-01-01T12:30:15-05:00",
        "2026-11-01T01:30:00-04:00",  # clocks go back: the first 01:30
        "2026-11-01T01:30:00-05:00",  # and the second
        "2026-06-01T12:00:00.000001+00:00",
        "1815-06-18T11:35:00-04:56:02",
    )
}
DURATION = {
    "04:05:06": datetime.timedelta(hours=4, minutes=5, seconds=6),
    "3 00:00:01": datetime.timedelta(days=3, seconds=1),
    "00:00:00": datetime.timedelta(),
    "00:00:00.000001": datetime.timedelta(microseconds=1),
    "-1 23:59:59": datetime.timedelta(seconds=-1),
}
UUIDS = {str(uuid.UUID(int=n)): uuid.UUID(int=n) for n in (1, 2**128 - 1, 0)}
JSON = {
    '{"a": [1, null, "é"]}': {"a": [1, None, "é"]},
    "[1.5, true]": [1.5, True],
    "0": 0,
    "false": False,
    '""': "",
    '"=1+1"': "=1+1",
    "{}": {},
    '"a\\\\b|\\n"': "a\\b|\n",
}
FULL_JSON = {text: value for text, value in JSON.items() if value not in ("", {})}
NO_DATE = ("2026-02-30", "x", "31.12.26", "20261231")
PATHS = same(f"{FOLDER}/base.py", f"{FOLDER}/fields.py")
REFERENCES = same("T1", "T2", 'a|"b"', "=1+1", "back\\slash")
LISTS = {
    "T1": ["T1"],
    "T1|T2": ["T1", "T2"],
    'T2|a\\|"b"': ["T2", 'a|"b"'],
    "=1+1|back\\\\slash": ["=1+1", "back\\slash"],
}
NO_REFERENCE = ("T3", "t 1")

CASES = [
    Case(m.Texts, "char", TEXTS, (NUL, "x" * 41), "", EDGES),
    Case(m.Texts, "char_or_null", TEXTS, (NUL, "x" * 41), None, EDGES),
    Case(m.Texts, "text", LINES, (NUL,), "", EDGES),
    Case(m.Texts, "slug", same("a-slug", "b_2"), ("a b", "é", NUL), ""),
    Case(m.Texts, "email", same("a@example.org", "b+c@example.org"), ("a", NUL), ""),
    Case(m.Texts, "url", same("https://example.org/?a=1%20b", "http://b.example"), ("x",), ""),
    Case(m.Numbers, "integer", SIGNED, NO_INTEGER),
    Case(m.Numbers, "big", SIGNED, NO_INTEGER),
    Case(m.Numbers, "small", SIGNED, NO_INTEGER),
    Case(m.Numbers, "positive", INTEGER, NO_INTEGER),
    Case(m.Numbers, "positive_big", INTEGER, NO_INTEGER),
    Case(m.Numbers, "positive_small", INTEGER, NO_INTEGER),
    Case(m.Numbers, "float", FLOAT, ("nan", "inf", "1e400", "1,5", "x")),
    Case(m.Numbers, "decimal", DECIMAL, ("1.2345", "1000000000", "NaN", "1,5", "x")),
    Case(m.Numbers, "whole", {"5": Decimal(5), "123456789012345": Decimal(123456789012345)}),
    Case(m.Numbers, "boolean", YES_NO, ("maybe", "2", "x"), False),
    Case(m.Numbers, "boolean_or_null", YES_NO, ("maybe", "2", "x")),
    Case(m.Moments, "date", DATE, NO_DATE),
    Case(m.Moments, "time", TIME, ("25:00", "x", "12:60")),
    Case(m.Moments, "moment", MOMENT, (*NO_DATE, "2026-11-01 01:30", "2026-03-08 02:30")),
    Case(m.Moments, "duration", DURATION, ("x", "1:2:3:4", "9" * 30)),
    Case(m.Others, "uuid", UUIDS, ("x", "1" * 31)),
    Case(m.Others, "json", JSON, ("{a", "NaN", '{"a":1,"a":2}', '"\\u0000"')),
    Case(m.Others, "address", same("192.168.0.1", "2001:db8::1"), ("300.1.1.1", "x")),
    Case(
        m.Others, "address_v4", {"10.0.0.1": "10.0.0.1", "::ffff:10.0.0.2": "10.0.0.2"}, ("x",)
    ),
    Case(
        m.Others,
        "path",
        same(*(f"{FOLDER}/{name}.py" for name in ("base", "fields"))),
        (NUL,),
        "",
    ),
    Case(m.Chosen, "colour", same("r", "b"), ("x", "R"), "r"),
    Case(m.Chosen, "colour_or_null", same("r", "b"), ("x", "R")),
    Case(m.Chosen, "size", {"0": 0, "20": 20, "1": 1}, ("2", "x")),
    Case(m.Chosen, "media", same("vinyl", "unknown", "dvd"), ("x", "Audio"), ""),
    Case(m.Required, "char", TEXTS, (NUL, "x" * 41), REJECTED),
    Case(m.Required, "integer", SIGNED, NO_INTEGER, REJECTED),
    Case(m.Required, "decimal", {"1.5": Decimal("1.5"), "0": Decimal(0)}, ("x",), REJECTED),
    Case(m.Required, "date", DATE, NO_DATE, REJECTED),
    Case(m.Required, "moment", MOMENT, NO_DATE, REJECTED),
    Case(m.Required, "uuid", UUIDS, ("x",), REJECTED),
    Case(m.Required, "json", FULL_JSON, ("x", "null", '""', "{}"), REJECTED),
    Case(m.Given, "text", TEXTS, (NUL,), ""),
    Case(m.Given, "number", SIGNED, NO_INTEGER, 7),
    Case(m.Given, "unlike", UUIDS, ("x",), ...),
    Case(m.Given, "mapping", {'{"a": 1}': {"a": 1}, "{}": {}}, ("x",), {}),
    Case(m.Given, "since", MOMENT, NO_DATE, ...),
    Case(m.Given, "by_database", SIGNED, NO_INTEGER, REJECTED),
    Case(m.Given, "text_by_database", TEXTS, (NUL,), ""),
    Case(m.Given, "at_by_database", MOMENT, NO_DATE, REJECTED),
    Case(m.Odd, "order", SIGNED, NO_INTEGER),
    Case(m.Odd, "group", TEXTS, (NUL,), ""),
    Case(m.Odd, "select", TEXTS, (NUL,), ""),
    Case(m.Odd, "line", SIGNED, NO_INTEGER),
    Case(m.Odd, "pk_of", SIGNED, NO_INTEGER),
    Case(m.Odd, "quoted", TEXTS, (NUL,), ""),
    Case(m.Odd, "ünïcode", TEXTS, (NUL,), ""),
    Case(m.Odd, "friends", LISTS, NO_REFERENCE, []),
    Case(m.AutoKey, "name", TEXTS, (NUL,), ""),
    Case(m.SmallKey, "name", TEXTS, (NUL,), ""),
    Case(m.UuidKey, "name", TEXTS, (NUL,), ""),
    Case(m.TextKey, "name", TEXTS, (NUL,), ""),
    Case(m.NumberKey, "name", TEXTS, (NUL,), ""),
    Case(m.DatabaseKey, "name", TEXTS, (NUL,), ""),
    Case(m.OneToOneKey, "name", TEXTS, (NUL,), ""),
    Case(m.Pointing, "to_uuid", REFERENCES, NO_REFERENCE),
    Case(m.Pointing, "to_text", REFERENCES, NO_REFERENCE),
    Case(m.Pointing, "to_number", same("1", "-2"), ("3", "x")),
    Case(m.Pointing, "to_auto", REFERENCES, NO_REFERENCE),
    Case(m.Pointing, "to_database", REFERENCES, NO_REFERENCE),
    Case(m.Pointing, "to_code", REFERENCES, NO_REFERENCE),
    Case(m.Pointing, "to_user", same("ann", "bob@example.org"), ("zoe", "an n")),
    Case(m.Pointing, "to_child", REFERENCES, NO_REFERENCE),
    Case(m.Pointing, "to_proxy", REFERENCES, NO_REFERENCE),
    Case(m.Pointing, "parent", REFERENCES, NO_REFERENCE),
    Case(m.Pointing, "limited", same("T1", "T2"), ("T3",)),
    Case(m.Pointing, "one", REFERENCES, NO_REFERENCE),
    Case(m.Pointing, "one_to_uuid", REFERENCES, NO_REFERENCE),
    *(
        Case(m.Deleting, name, REFERENCES, NO_REFERENCE)
        for name in ("cascade", "protect", "restrict", "set_null", "set_default", "set_value")
    ),
    Case(m.Deleting, "do_nothing", REFERENCES, NO_REFERENCE),
    Case(m.Linked, "plain", LISTS, NO_REFERENCE, []),
    Case(m.Linked, "to_uuid", LISTS, NO_REFERENCE, []),
    Case(m.Linked, "to_text", LISTS, NO_REFERENCE, []),
    Case(m.Linked, "friends", LISTS, NO_REFERENCE, []),
    Case(m.Linked, "follows", LISTS, NO_REFERENCE, []),
    Case(m.Linked, "groups", LISTS, NO_REFERENCE, []),
    Case(m.Unkept, "name", TEXTS, (NUL,), ""),
    Case(m.Unkept, "plain", LISTS, NO_REFERENCE, []),
    Case(m.PartlyKept, "name", TEXTS, (NUL,), ""),
    Case(m.Hiding, "name", TEXTS, (NUL,), ""),
    Case(m.Hiding, "hidden", YES_NO, ("x",), False),
    Case(m.Ordered, "name", TEXTS, (NUL,), ""),
    Case(m.Ordered, "place", SIGNED, NO_INTEGER, 0),
    Case(m.Place, "name", TEXTS, (NUL,), ""),
    Case(m.QuietPlace, "name", TEXTS, (NUL,), ""),
    Case(m.Membership, "role", TEXTS, (NUL,), "member"),
    Case(m.Membership, "since", DATE, NO_DATE),
    Case(m.Scored, "score", SIGNED, NO_INTEGER, REJECTED),
    Case(m.Unique, "char", TEXTS, (NUL,), REJECTED),
    Case(m.Unique, "or_null", SIGNED, NO_INTEGER),
    Case(m.Tag, "object_id", SIGNED, NO_INTEGER),
]
