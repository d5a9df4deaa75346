"""Questions on a terminal."""

import sys
from getpass import getpass


def agreed(question: str, answer: str = "yes") -> bool:
    """Ask on the terminal; True if that is answered, False also if nobody can answer."""
    try:
        return input(question) == answer
    except EOFError:
        return False


def secret(question: str) -> str:
    """Ask without showing the answer; "" if nobody can answer. A pipe is read as well."""
    try:
        return getpass(question) if sys.stdin.isatty() else input(question)
    except EOFError:
        return ""
