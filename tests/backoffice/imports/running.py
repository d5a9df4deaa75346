"""What the tests of the engine share."""

from backoffice.imports.engine import Import
from backoffice.readers.source import open_source

HEADER = ["name", "address", "state", "phone_number", "zip_code"]
PRINCETON = ["Princeton", "65 Witherspoon Street", "NJ", "609-924-9529", "08542-3214"]
SEAFORD = ["Seaford", "2234 Jackson Ave", "NY", "516-221-1334", "11783"]


def run(resource_class, path, **options):
    """Import the file, whatever it holds; the counts, and the rejects as text."""
    with Import(resource_class, open_source(path), **options) as imported:
        counts = imported.apply()
        return counts, [str(reject) for reject in imported.rejects()]


def counted(counts):
    return counts.new, counts.updated, counts.unchanged, counts.rejected


def repaired(imported):
    """What the repairs changed: (line, field, cell, the text in its place)."""
    return imported.table.fetch(
        "SELECT line, field, value, repaired"  # noqa: S608
        f" FROM {imported.staging.repairs} ORDER BY line, field"
    )
