"""Text that a spreadsheet would run gets a leading apostrophe; imports take it off.

The first characters are OWASP's ("CSV Injection"): = + - @ TAB CR. A text that begins with
an apostrophe and then one of them gets one more, so that taking one off gives it back.
"""

import re

_FIRST = frozenset("'=+-@\t\r")  # a look at one character spares most texts the pattern
_DANGEROUS = re.compile(r"'*[=+\-@\t\r]")
_ESCAPED = re.compile(r"''*[=+\-@\t\r]")


def escape_formula(value):
    """`value`, with a leading `'` where it is text that a spreadsheet would run."""
    if isinstance(value, str) and value[:1] in _FIRST and _DANGEROUS.match(value):
        return "'" + value
    return value


def unescape_formula(value: str) -> str:
    """The inverse of `escape_formula`."""
    return value[1:] if value[:1] == "'" and _ESCAPED.match(value) else value
