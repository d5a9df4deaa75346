"""Addresses in settings: they have passwords, and nothing of one is shown."""

import re
from collections.abc import Callable
from typing import TypeVar

from django.core.exceptions import ImproperlyConfigured

Parsed = TypeVar("Parsed")

#: An "@" after the host, or a query before any: it is the password that has "/" or "?".
CUT = re.compile(r"://(?:[^/?]+/[^?]*@|[^/?@]*\?.*@)")


def read(name: str, url: str, parse: Callable[[str], Parsed]) -> Parsed:
    """`parse(url)`. Raises ImproperlyConfigured, without the text that could not be read.

    A password that was cut in two would be in the error, or asked of DNS as a host.
    """
    try:
        if CUT.search(url):
            raise ValueError
        return parse(url)
    except ValueError:
        raise ImproperlyConfigured(
            f"{name} is no address that can be read. Special characters of a password are"
            " percent-encoded: %2F for /, %3F for ?, %23 for #, %40 for @."
        ) from None
