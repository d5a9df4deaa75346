"""The error for an export that can't be made."""


class ExportError(Exception):
    """`str()` says for staff what is wrong and what to do."""
