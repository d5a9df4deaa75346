"""Types of the commands' arguments, for argparse, which names the option."""

from argparse import ArgumentTypeError

from django.utils.translation import gettext as _


def row_number(text: str) -> int:
    """Rows are counted from 1."""
    if not text.isdecimal() or not int(text):
        raise ArgumentTypeError(_("“%s” is no row: rows are counted from 1.") % text)
    return int(text)
