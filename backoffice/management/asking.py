"""Questions on a terminal."""

import sys
from getpass import getpass


def agreed(question: str, answer: str = "yes") -> bool:
    """Ask on the terminal; True if that is answered, False also if nobody does."""
    try:
        return input(question) == answer
    except (EOFError, KeyboardInterrupt):  # nobody can, or Ctrl-C
        return False


def secret(question: str) -> str:
    """Ask without showing the answer; "" if nobody answers. A pipe is read as well."""
    try:
        return getpass(question) if sys.stdin.isatty() else input(question)
    except (EOFError, KeyboardInterrupt):
        return ""
