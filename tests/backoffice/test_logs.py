"""Lines of the log."""

import json
import logging
import sys

from django.conf import settings

from backoffice.logs import JSONFormatter, OneLineFormatter, about


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


def test_a_line_in_json_is_one_object_with_what_it_is_about():
    try:
        raise ValueError("a\nb\u2028c")
    except ValueError:
        record = logging.LogRecord(
            "x", logging.ERROR, "x.py", 1, "The feed %s", ("a\n田",), sys.exc_info()
        )
    with about(request="abc", user=lambda: "fry", address=None), about(job=7):
        line = JSONFormatter().format(record)
        plain = OneLineFormatter("%(message)s").format(record)
    assert line.isascii()
    assert "\n" not in line
    said = json.loads(line)
    assert said.pop("time").endswith("+00:00")
    assert "ValueError: a\nb\u2028c" in said.pop("error")
    assert said == {
        "level": "ERROR",
        "logger": "x",
        "message": "The feed a\n田",
        "request": "abc",
        "user": "fry",
        "job": 7,
    }
    assert plain.startswith("The feed a\\n田 [request abc, user fry, job 7]")
    assert "request" not in json.loads(JSONFormatter().format(record))
