"""Lines of the log."""

import logging
import sys

from django.conf import settings

from backoffice.logs import OneLineFormatter


def formatted(*args, exc_info=None):
    record = logging.LogRecord("x", logging.INFO, "x.py", 1, "The feed %s", args, exc_info)
    return OneLineFormatter("%(levelname)s: %(message)s").format(record)


def test_a_text_with_line_ends_makes_no_second_entry():
    text = "a.csv\r\nINFO: root signed in\u2028\x1b[2J\x85"
    line = formatted(text)
    assert line == r"INFO: The feed a.csv\r\nINFO: root signed in\u2028\x1b[2J\x85"


def test_a_traceback_is_indented():
    try:
        raise ValueError("a\nINFO: b\u2028INFO: c")
    except ValueError:
        first, *rest = formatted("f", exc_info=sys.exc_info()).split("\n")
    assert first == "INFO: The feed f"
    assert rest[-1] == "    INFO: c"
    assert all(line.startswith("    ") for line in rest)


def test_other_text_stays_as_it_is():
    assert formatted("Bücher – 田中.csv") == "INFO: The feed Bücher – 田中.csv"


def test_the_console_has_it():
    assert settings.LOGGING["formatters"]["plain"]["()"] == "backoffice.logs.OneLineFormatter"
