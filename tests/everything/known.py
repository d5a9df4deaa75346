"""Cells of the matrix that are wrong as yet: `{"Model.field operation": reason}`."""

KNOWN: dict[str, str] = {}
