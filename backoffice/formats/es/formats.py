"""Spanish as it is written in the United States: numbers as in English, 17,269 and 1.5.

What is typed is read as in English too: a form that was opened in one language and sent in the
other, or a filter that is shared, has the same day. A field shows its day as 2026-12-31, and
elsewhere the month is a word.
"""

from django.conf.locale.en import formats  # type: ignore[import-untyped]

DECIMAL_SEPARATOR = "."
THOUSAND_SEPARATOR = ","
NUMBER_GROUPING = 3

DATE_INPUT_FORMATS = formats.DATE_INPUT_FORMATS
DATETIME_INPUT_FORMATS = formats.DATETIME_INPUT_FORMATS
TIME_INPUT_FORMATS = formats.TIME_INPUT_FORMATS

DATE_FORMAT = SHORT_DATE_FORMAT = "j b Y"
DATETIME_FORMAT = SHORT_DATETIME_FORMAT = "j b Y H:i"
