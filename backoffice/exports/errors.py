"""What keeps an export from being made."""


class ExportError(Exception):
    """`str()` says for staff what is wrong and what to do."""
