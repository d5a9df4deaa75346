"""Columns as spreadsheets name them."""


def column_letters(index: int) -> str:
    """0 → "A", 26 → "AA": a column as a spreadsheet names it."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters
