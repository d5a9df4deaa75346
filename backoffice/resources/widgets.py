"""Widgets: how the value of each kind of model field is written in a cell, and read from one.

Reading is strict: a text is either certainly the value, or a ValidationError that says what
would be right. Writing gives ISO forms with everything that the value holds, so that reading
what was written gives the value back.

`clean` takes text and returns None for a blank one; `render` returns text, "" for None.
"""

from __future__ import annotations

import datetime
import json
import math
import re
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any, NoReturn, TypeVar

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from django.utils.dateparse import parse_duration
from django.utils.duration import duration_string
from django.utils.formats import get_format
from django.utils.translation import gettext as _
from import_export.widgets import CharWidget, Widget

T = TypeVar("T")

YES = frozenset(("yes", "y", "true", "t", "1", "on"))
NO = frozenset(("no", "n", "false", "f", "0", "off"))
LARGEST_DURATION = 2**63 - 1  # microseconds: what SQLite keeps

_WHOLE = r"(?:[0-9]+|[1-9][0-9]{0,2}(?:,[0-9]{3})+)"
_INTEGER = re.compile(rf"[+-]?{_WHOLE}(?:\.0)?")  # spreadsheets write 5 as 5.0
_DECIMAL = re.compile(rf"[+-]?(?:{_WHOLE}(?:\.[0-9]+)?|\.[0-9]+)")
_FLOAT = re.compile(rf"{_DECIMAL.pattern}(?:[eE][+-]?[0-9]{{1,4}})?")
_UUID = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_DATE = r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})"
_TIME = r"(?P<time>[0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?)"
_OFFSET = r"(?P<offset>Z|[+-][0-9]{2}(?::?[0-9]{2}(?::?[0-9]{2})?)?)?"
_ISO_DATE, _ISO_TIME = re.compile(_DATE), re.compile(_TIME)
_ISO_DATETIME = re.compile(rf"{_DATE}[T ]{_TIME} ?{_OFFSET}")
_CLOCK_DURATION = re.compile(
    r"-?(?:[0-9]{1,9} (?:days?, )?)?-?[0-9]{1,11}:[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?"
)
_ISO_DURATION = re.compile(
    r"[+-]?P(?=.)(?:[0-9]{1,9}D)?"
    r"(?:T(?=.)(?:[0-9]{1,11}H)?(?:[0-9]{1,12}M)?(?:[0-9]{1,12}(?:\.[0-9]{1,6})?S)?)?"
)
_TWELVE_HOURS = ("%I:%M %p", "%I:%M:%S %p", "%I:%M%p", "%I %p", "%I%p")
_NUL_IN_JSON = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
_QUOTES = re.compile("''+")


def _refuse(text: str, what_is_right: str) -> NoReturn:
    raise ValidationError(
        _("“%(text)s” %(right)s"),
        code="invalid",
        params={"text": text[:100], "right": what_is_right},
    )


class ValueWidget(Widget):
    """Text in and out, blank for None. Subclasses read and write a text that is not blank."""

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> Any:
        text = "" if value is None else str(value).strip()
        return self.read(text) if text else None

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        return "" if value is None else self.write(value)

    def read(self, text: str) -> Any:
        """The value of a text. Raises ValidationError."""
        raise NotImplementedError

    def write(self, value: Any) -> str:
        return str(value)


class NullableTextWidget(CharWidget):
    """Text that may be NULL, which is written as a blank cell; empty text is written `''`.

    A text of nothing but two or more `'` has one more when it is written.
    """

    def clean(self, value: Any, row: Any = None, **kwargs: Any) -> str | None:
        text = "" if value is None else str(value)
        if _QUOTES.fullmatch(text):
            return "" if text == "''" else text[1:]
        return text or None

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> str:
        if value is None:
            return ""
        text = str(value)
        return f"'{text}" if _QUOTES.fullmatch(text) else text or "''"


class WordWidget(ValueWidget):
    """Text that the model field reads, of a field in which a blank is no value."""

    def read(self, text: str) -> str:
        return text


class BooleanWidget(ValueWidget):
    def read(self, text: str) -> bool:
        folded = text.casefold()
        if folded not in YES | NO:
            _refuse(text, _("is neither yes nor no: write yes or no, true or false, 1 or 0."))
        return folded in YES

    def write(self, value: object) -> str:
        return "yes" if value else "no"


class IntegerWidget(ValueWidget):
    def read(self, text: str) -> int:
        if len(text) > 40 or not _INTEGER.fullmatch(text):
            _refuse(text, _("is no whole number: write digits alone, like 1234."))
        return int(text.removesuffix(".0").replace(",", ""))


class DecimalWidget(ValueWidget):
    def read(self, text: str) -> Decimal:
        if not _DECIMAL.fullmatch(text):
            _refuse(text, _("is no decimal number: write it like 1234.50."))
        return Decimal(text.replace(",", ""))

    def write(self, value: Any) -> str:
        return format(value, "f") if isinstance(value, Decimal) else str(value)


class FloatWidget(ValueWidget):
    def read(self, text: str) -> float:
        if not _FLOAT.fullmatch(text) or not math.isfinite(
            number := float(text.replace(",", ""))
        ):
            _refuse(text, _("is no number: write it like 1234.5 or 1.2345e3."))
        return number

    def write(self, value: Any) -> str:
        return repr(value)


class UUIDWidget(ValueWidget):
    def read(self, text: str) -> uuid.UUID:
        if not _UUID.fullmatch(text):
            _refuse(text, _("is no UUID: write it like 123e4567-e89b-42d3-a456-426614174000."))
        return uuid.UUID(text)


class DateWidget(ValueWidget):
    """ISO 8601, and the forms of LANGUAGE_CODE that have a year of four digits."""

    def read(self, text: str) -> datetime.date:
        # A spreadsheet's cell of a date can hold its midnight too.
        date = read_date(text.removesuffix(" 00:00:00"))
        if date is None:
            _refuse(
                text,
                _("is no date: write it like 2026-12-31 or 12/31/2026, with the whole year."),
            )
        return date

    def write(self, value: Any) -> str:
        return value.isoformat() if isinstance(value, datetime.date) else str(value)


class TimeWidget(ValueWidget):
    """ISO 8601 without offset, and the forms of LANGUAGE_CODE."""

    def read(self, text: str) -> datetime.time:
        time = read_time(text)
        if time is None:
            _refuse(text, _("is no time: write it like 23:30, 23:30:15 or 11:30 PM."))
        return time

    def write(self, value: Any) -> str:
        return value.isoformat() if isinstance(value, datetime.time) else str(value)


class DateTimeWidget(ValueWidget):
    """ISO 8601, written with its offset; without one it is of the current time zone."""

    def read(self, text: str) -> datetime.datetime:
        moment = self._parsed(text)
        if moment is None:
            _refuse(
                text,
                _(
                    "is no date and time: write it like 2026-12-31 23:30,"
                    " 2026-12-31T23:30:15-05:00 or 12/31/2026 11:30 PM."
                ),
            )
        if not settings.USE_TZ:
            if moment.tzinfo:
                _refuse(text, _("has an offset, and times are kept without: leave it out."))
            return moment
        return moment if moment.tzinfo else self._in_current_zone(moment, text)

    @staticmethod
    def _parsed(text: str) -> datetime.datetime | None:
        if match := _ISO_DATETIME.fullmatch(text):
            offset = match["offset"] or ""
            try:
                return datetime.datetime.fromisoformat(
                    f"{match['date']}T{match['time']}{offset}"
                )
            except ValueError:
                return None
        if date := read_date(text):
            return datetime.datetime.combine(date, datetime.time.min)
        # The date ends at one of the blanks: "Dec 31, 2026 11:30 PM".
        for blank in re.finditer(" ", text):
            date = read_date(text[: blank.start()])
            time = read_time(text[blank.end() :]) if date else None
            if date and time:
                return datetime.datetime.combine(date, time)
        return None

    @staticmethod
    def _in_current_zone(moment: datetime.datetime, text: str) -> datetime.datetime:
        aware = timezone.make_aware(moment)
        try:
            back = timezone.make_naive(aware.astimezone(datetime.UTC))
            other = aware.replace(fold=1).utcoffset()
        except OverflowError:  # the first and the last day that Python knows
            _refuse(text, _("is too far away to be kept."))
        offset = _("Write the offset, like -05:00 (%s).") % timezone.get_current_timezone_name()
        if back != moment:
            _refuse(text, _("was left out when clocks went forward.") + " " + offset)
        if aware.utcoffset() != other:
            _refuse(text, _("was twice, for clocks went back.") + " " + offset)
        return aware

    def write(self, value: object) -> str:
        if not isinstance(value, datetime.datetime):
            return str(value)
        if timezone.is_aware(value):
            try:
                value = timezone.localtime(value)
            except OverflowError:
                value = value.astimezone(datetime.UTC)
        return value.isoformat()


class DurationWidget(ValueWidget):
    """As Django's forms write it, `3 04:05:06.5` (days and a clock's time), or ISO 8601."""

    def read(self, text: str) -> datetime.timedelta:
        duration = None
        if _CLOCK_DURATION.fullmatch(text) or _ISO_DURATION.fullmatch(text):
            try:
                duration = parse_duration(text)
            except OverflowError:
                duration = None
        if duration is None:
            _refuse(
                text,
                _(
                    "is no duration: write hours, minutes and seconds like 04:05:06, or days"
                    " before them like 3 04:05:06."
                ),
            )
        if abs(duration) > datetime.timedelta(microseconds=LARGEST_DURATION):
            _refuse(text, _("is too long to be kept."))
        return duration

    def write(self, value: Any) -> str:
        return duration_string(value) if isinstance(value, datetime.timedelta) else str(value)


class JSONWidget(ValueWidget):
    """JSON (RFC 8259): a text stands in double quotes, and a name stands once in an object.

    Args:
        encoder, decoder: those of the model field.
    """

    def __init__(
        self,
        encoder: type[json.JSONEncoder] | None = None,
        decoder: type[json.JSONDecoder] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.encoder, self.decoder = encoder, decoder

    def read(self, text: str) -> Any:
        try:
            json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
            value = json.loads(text, cls=self.decoder)
            written = self.write(value)
            written.encode()  # half a surrogate pair is no text
        except (ValueError, RecursionError) as error:
            _refuse(text, _("is no JSON (%s): write a text in double quotes.") % error)
        if _NUL_IN_JSON.search(written):
            _refuse(text, _("has the character U+0000, which databases don't keep."))
        return value

    def write(self, value: Any) -> str:
        return json.dumps(value, cls=self.encoder, ensure_ascii=False, allow_nan=False)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError(_("a name stands twice in one pair of braces"))
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(_("%s is no number") % name)


def read_date(text: str) -> datetime.date | None:
    """The date of a text in ISO 8601 or a form of the site's language; None where it is none.

    Whoever reads the file, in whatever language: 12/10/2026 is the same day for all.
    Forms with a year of two digits are left out: nobody says which century.
    """
    if _ISO_DATE.fullmatch(text):
        return _parsed(datetime.date.fromisoformat, text)
    for form in get_format("DATE_INPUT_FORMATS", settings.LANGUAGE_CODE):
        if "%y" not in form and (moment := _parsed_by(form, text)):
            return moment.date()
    return None


def read_time(text: str) -> datetime.time | None:
    """The time of day of a text; None where it is none."""
    if _ISO_TIME.fullmatch(text):
        return _parsed(datetime.time.fromisoformat, text)
    forms = get_format("TIME_INPUT_FORMATS", settings.LANGUAGE_CODE)
    for form in (*forms, *_TWELVE_HOURS):
        if moment := _parsed_by(form, text):
            return moment.time()
    return None


def _parsed(parse: Callable[[str], T], text: str) -> T | None:
    try:
        return parse(text)
    except ValueError:
        return None


def _parsed_by(form: str, text: str) -> datetime.datetime | None:
    try:
        return datetime.datetime.strptime(text, form)
    except ValueError:
        return None


#: The widget of a field, by its class or the nearest that it inherits from.
WIDGETS: dict[type[models.Field[Any, Any]], type[Widget]] = {
    models.CharField: CharWidget,
    models.TextField: CharWidget,
    models.FilePathField: CharWidget,
    models.GenericIPAddressField: WordWidget,
    models.BooleanField: BooleanWidget,
    models.IntegerField: IntegerWidget,
    models.DecimalField: DecimalWidget,
    models.FloatField: FloatWidget,
    models.DateField: DateWidget,
    models.TimeField: TimeWidget,
    models.DateTimeField: DateTimeWidget,
    models.DurationField: DurationWidget,
    models.UUIDField: UUIDWidget,
    models.JSONField: JSONWidget,
}


def widget_of(field: Any) -> Widget | None:
    """The widget that writes and reads a field's values; None where no widget does it right."""
    if isinstance(field, models.GeneratedField):
        field = field.output_field
    for base in type(field).__mro__:
        if widget_class := WIDGETS.get(base):
            break
    else:
        return None
    if isinstance(field, models.JSONField):
        return JSONWidget(field.encoder, field.decoder)
    if widget_class is CharWidget and field.null and field.empty_strings_allowed:
        return NullableTextWidget()
    return widget_class()
