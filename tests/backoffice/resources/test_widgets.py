"""What a widget writes it reads again, and what it reads the model field takes as it is."""

import datetime
import json
import uuid
import zoneinfo
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from hypothesis import example, given
from hypothesis import strategies as st

from backoffice.resources.formulas import escape, unescape
from backoffice.resources.widgets import widget_of

NEW_YORK = zoneinfo.ZoneInfo("America/New_York")
NULLS: dict[str, Any] = {"null": True, "blank": True}
numbers = st.integers(-(2**63), 2**63 - 1)
texts = st.text(
    st.characters(codec="utf-8", exclude_characters="\0") | st.sampled_from("' \r\n\t=-"),
    max_size=12,
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
)  # fmt: skip
FIELDS: dict[str, tuple[models.Field[Any, Any], st.SearchStrategy[Any]]] = {
    "char": (models.CharField(max_length=99, blank=True), texts),
    "char or null": (models.CharField(max_length=99, **NULLS), st.none() | texts),
    "text": (models.TextField(blank=True), texts),
    "text or null": (models.TextField(**NULLS), st.none() | texts | st.sampled_from(["''"])),
    "boolean": (models.BooleanField(), st.booleans()),
    "boolean or null": (models.BooleanField(**NULLS), st.none() | st.booleans()),
    "big integer": (models.BigIntegerField(**NULLS), st.none() | numbers),
    "decimal": (
        models.DecimalField(max_digits=12, decimal_places=3, **NULLS),
        st.none() | st.decimals("-999999999", "999999999", places=3),
    ),
    "float": (
        models.FloatField(**NULLS),
        st.none() | st.floats(allow_nan=False, allow_infinity=False),
    ),
    "date": (models.DateField(**NULLS), st.none() | st.dates()),
    "time": (models.TimeField(**NULLS), st.none() | st.times()),
    "datetime": (
        models.DateTimeField(**NULLS),
        st.none() | st.datetimes(timezones=st.just(datetime.UTC)),
    ),
    "duration": (
        models.DurationField(**NULLS),
        st.none()
        | st.timedeltas(datetime.timedelta(days=-99999999), datetime.timedelta(days=99999999)),
    ),
    "uuid": (models.UUIDField(**NULLS), st.none() | st.uuids()),
    "json": (models.JSONField(**NULLS), json_values),
    "address": (
        models.GenericIPAddressField(**NULLS),
        st.ip_addresses().map(
            lambda address: models.GenericIPAddressField().clean(address.compressed, None)
        ),
    ),
}


def cleaned(field: models.Field[Any, Any], cell: str) -> Any:
    """As an import does it: a cell without the blanks at its edges, widget, model field."""
    widget = widget_of(field)
    assert widget is not None
    return widget.clean(unescape(cell.strip()))


@pytest.mark.parametrize("name", FIELDS)
@given(data=st.data())
def test_what_is_written_is_read_again(name: str, data: st.DataObject) -> None:
    field, values = FIELDS[name]
    value, widget = data.draw(values), widget_of(field)
    assert widget is not None
    read = cleaned(field, escape(widget.render(value)))
    assert read == value
    assert type(read) is type(value)
    if value not in field.empty_values:
        assert field.clean(read, None) == value


@given(value=st.decimals("-999", "999", places=3))
@example(value=Decimal("1.500"))
def test_zeros_at_the_end_stay(value: Decimal) -> None:
    field = FIELDS["decimal"][0]
    widget = widget_of(field)
    assert widget is not None
    assert str(cleaned(field, widget.render(value))) == format(value, "f")


KINDS = sorted(set(FIELDS) - {"char", "char or null", "text", "text or null", "address"})
ALMOST = st.text(st.sampled_from("0123456789-+:., TZPDHMSapmeE/truefalsno{}[]\"'"), max_size=20)


@pytest.mark.parametrize("name", KINDS)
@given(text=ALMOST | st.text(max_size=5))
def test_what_is_read_is_taken_by_the_model_field_as_it_is(name: str, text: str) -> None:
    field = FIELDS[name][0]
    try:
        value = cleaned(field, text)
    except ValidationError as error:
        assert error.messages[0]  # noqa: PT017
        return
    if value not in field.empty_values:
        assert field.to_python(value) == value


def moment(*numbers: int, fold: int = 0) -> datetime.datetime:
    """In UTC: Python finds times of two zones unequal in the hour that is twice."""
    local = datetime.datetime(*numbers, tzinfo=NEW_YORK, fold=fold)  # type: ignore[arg-type, misc]
    return local.astimezone(datetime.UTC)


ACCEPTED: list[tuple[str, str, Any]] = [
    *(("boolean", text, True) for text in ("yes", "Yes", "TRUE", "1", "y", "t", "on")),
    *(("boolean", text, False) for text in ("no", "No", "FALSE", "0", "n", "f", "off")),
    ("big integer", "1,234", 1234),
    ("big integer", "-1,234,567", -1234567),
    ("big integer", "+5", 5),
    ("big integer", "5.0", 5),
    ("big integer", "007", 7),
    ("decimal", "1,234.50", Decimal("1234.50")),
    ("decimal", ".5", Decimal("0.5")),
    ("float", "1.5e3", 1500.0),
    ("date", "2026-12-31", datetime.date(2026, 12, 31)),
    ("date", "12/31/2026", datetime.date(2026, 12, 31)),
    ("date", "1/2/2026", datetime.date(2026, 1, 2)),
    ("date", "Dec 31, 2026", datetime.date(2026, 12, 31)),
    ("date", "31 December 2026", datetime.date(2026, 12, 31)),
    ("date", "2026-12-31 00:00:00", datetime.date(2026, 12, 31)),
    ("time", "23:30", datetime.time(23, 30)),
    ("time", "9:30", datetime.time(9, 30)),
    ("time", "11:30 PM", datetime.time(23, 30)),
    ("time", "11:30:15pm", None),
    ("time", "12 am", datetime.time(0)),
    ("datetime", "2026-12-31", moment(2026, 12, 31)),
    ("datetime", "2026-12-31T23:30", moment(2026, 12, 31, 23, 30)),
    ("datetime", "2026-12-31 23:30:15.000001", moment(2026, 12, 31, 23, 30, 15, 1)),
    ("datetime", "12/31/2026 11:30 PM", moment(2026, 12, 31, 23, 30)),
    ("datetime", "12/31/2026 23:30", moment(2026, 12, 31, 23, 30)),
    ("datetime", "Dec 31, 2026 11:30 PM", moment(2026, 12, 31, 23, 30)),
    ("datetime", "2026-11-01T01:30:00-05:00", moment(2026, 11, 1, 1, 30, fold=1)),
    ("datetime", "2026-11-01T01:30:00-04:00", moment(2026, 11, 1, 1, 30)),
    ("datetime", "2026-11-01T05:30Z", moment(2026, 11, 1, 1, 30)),
    ("duration", "04:05:06.5", datetime.timedelta(hours=4, minutes=5, seconds=6.5)),
    ("duration", "3 04:05:06", datetime.timedelta(days=3, hours=4, minutes=5, seconds=6)),
    ("duration", "3 days, 4:05:06", datetime.timedelta(days=3, hours=4, minutes=5, seconds=6)),
    ("duration", "P3DT4H", datetime.timedelta(days=3, hours=4)),
    ("duration", "36:00:00", datetime.timedelta(hours=36)),
    (
        "uuid",
        "123E4567E89B42D3A456426614174000",
        uuid.UUID("123e4567-e89b-42d3-a456-426614174000"),
    ),
    ("json", '""', ""),
    ("json", "{}", {}),
    ("json", "0", 0),
    ("char or null", "", None),
    ("char or null", "''", ""),
    ("char or null", "'''", "''"),
]
ACCEPTED = [each for each in ACCEPTED if each[2] is not None or not each[1]]


@pytest.mark.parametrize(("name", "text", "value"), ACCEPTED)
def test_usual_forms_are_read(name: str, text: str, value: Any) -> None:
    read = cleaned(FIELDS[name][0], text)
    assert read == value
    assert type(read) is type(value)


REFUSED = {
    "boolean": ("maybe", "2", "-1", "yes!", "1.0", "null", "x"),
    "big integer": ("1.5", "1,23", "1.234.567", "0,123", "1e5", "٣", "1 234", "9" * 50),
    "decimal": ("NaN", "Infinity", "-inf", "1e5", "1.234,50", "1,5", "$5", "(5)", "1_000"),
    "float": ("nan", "inf", "1e999", "0x10", "1_0", "1,5"),
    "date": ("12/31/26", "2026-13-01", "2026-02-30", "31/12/2026", "20261231", "1/2",
             "2026-12-31 12:30:00", "2026-W01-1", "tomorrow"),
    "time": ("25:00", "23:30Z", "23:30-05:00", "1230", "23:30:15.1234567", "noon"),
    "datetime": ("12/31/26 23:30", "2026-12-31T25:00", "2026-12-31T23:30:15.1234567",
                 "2026-03-08 02:30", "2026-11-01 01:30", "1767225600",
                 "2026-12-31T23:30+99:00"),
    "duration": ("1:30", "5", "5 days", "P1Y", "P", "PT", "04:65:06", "1.5", "04:05:06.1234567",
                 "999999999 00:00:00", "9" * 11 + ":00:00"),
    "uuid": ("{123e4567-e89b-42d3-a456-426614174000}", "123", "g" * 32,
             "123e4567e89b-42d3a456426614174000"),
    "json": ("{'a': 1}", "text", "NaN", "Infinity", "1e999", '{"a": 1, "a": 2}', '"\\ud800"',
             '"\\u0000"', "[1,]", "{"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "text"), [(name, text) for name, each in REFUSED.items() for text in each]
)
def test_anything_else_is_refused_with_what_would_be_right(name: str, text: str) -> None:
    with pytest.raises(ValidationError) as caught:
        cleaned(FIELDS[name][0], text)
    (message,) = caught.value.messages
    assert text[:100] in message
    assert message.endswith(".")


def test_hours_that_a_change_of_clocks_takes_or_doubles_need_their_offset() -> None:
    field = FIELDS["datetime"][0]
    with pytest.raises(ValidationError, match=r"twice.*offset.*America/New_York"):
        cleaned(field, "2026-11-01 01:30")
    with pytest.raises(ValidationError, match=r"left out.*offset"):
        cleaned(field, "2026-03-08 02:30")


def test_both_hours_of_the_night_when_clocks_go_back_come_back() -> None:
    field = FIELDS["datetime"][0]
    widget = widget_of(field)
    assert widget is not None
    first, second = (moment(2026, 11, 1, 1, 30, fold=fold) for fold in (0, 1))
    for each in (first, second):
        assert cleaned(field, widget.render(each)) == each
    assert widget.render(first) == "2026-11-01T01:30:00-04:00"
    assert widget.render(second) == "2026-11-01T01:30:00-05:00"


def test_times_without_a_zone(settings: Any) -> None:
    settings.USE_TZ = False
    field = FIELDS["datetime"][0]
    assert cleaned(field, "2026-11-01 01:30") == datetime.datetime(2026, 11, 1, 1, 30)
    with pytest.raises(ValidationError, match="offset"):
        cleaned(field, "2026-11-01 01:30-05:00")


def test_json_is_read_and_written_as_the_field_does() -> None:
    class Encoder(json.JSONEncoder):
        def default(self, o: object) -> Any:
            return sorted(o) if isinstance(o, set) else super().default(o)

    class Decoder(json.JSONDecoder):
        def decode(self, s: str, *args: Any) -> Any:  # type: ignore[override]
            return set(super().decode(s, *args))

    widget = widget_of(models.JSONField(encoder=Encoder, decoder=Decoder))
    assert widget is not None
    assert widget.clean(widget.render({1, 2})) == {1, 2}


@pytest.mark.parametrize(
    "field", [models.FileField(), models.ImageField(), models.BinaryField(), models.Field()]
)
def test_some_fields_have_no_widget(field: models.Field[Any, Any]) -> None:
    assert widget_of(field) is None


def test_a_field_has_the_widget_of_the_nearest_that_it_inherits_from() -> None:
    class Price(models.DecimalField[Any, Any]):
        pass

    assert type(widget_of(Price())) is type(widget_of(models.DecimalField()))
    assert type(widget_of(models.DateTimeField())) is not type(widget_of(models.DateField()))
    assert type(widget_of(models.BigAutoField())) is type(widget_of(models.IntegerField()))


def test_now_is_written_with_its_offset() -> None:
    widget = widget_of(models.DateTimeField())
    assert widget is not None
    assert widget.render(timezone.now())[-6] in "+-"
