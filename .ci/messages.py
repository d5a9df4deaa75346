"""Brings the catalogs of translations up to date: `locale/LANGUAGE/LC_MESSAGES/django.po`.

That of English is written by hand: what Django says, as staff would say it. The others have its
texts too. What is new comes in without a translation, what is gone goes, and `django.mo` is
compiled, which is what Django reads. Nothing beyond Babel is needed.
"""

import json
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("backoffice", "library")
WORDING = "en"  # Django's own texts, said otherwise
ROLES = {"library": "fixtures/roles.json"}  # by the package whose catalog has their Spanish
KEYWORDS = {
    **DEFAULT_KEYWORDS,
    "gettext_noop": None,
    "gettext_lazy": None,
    "ngettext_lazy": (1, 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext_lazy": ((1, "c"), 2, 3),
}


def python_of(path: Path) -> str:
    """What Babel reads of a file: for a template, calls of gettext on the same lines."""
    text = path.read_text()
    # In brackets, the indentation of a page is no fault of syntax.
    return text if path.suffix == ".py" else f"({templatize(text)})"


def messages(package: Path) -> Iterator[tuple[str, Any, str | None]]:
    """The texts of a package: where each is, the text (a pair with its plural), its context."""
    paths = [*package.rglob("*.py"), *package.rglob("templates/**/*.*")]
    for path in sorted(paths):
        where = path.relative_to(package.parent).as_posix()
        source = BytesIO(python_of(path).encode())
        for _line, text, _comments, context in extract("python", source, KEYWORDS):
            yield where, text, context
    wording = package / "locale" / WORDING / "LC_MESSAGES" / "django.po"
    if wording.exists():
        for message in read(wording):
            if message.id:
                yield (
                    wording.relative_to(package.parent).as_posix(),
                    message.id,
                    message.context,
                )
    if package.name in ROLES:
        for row in json.loads((package.parent / ROLES[package.name]).read_text()):
            for text in {"name", "sentence"} & row["fields"].keys():
                yield ROLES[package.name], row["fields"][text], "role"


def extracted(package: Path) -> Catalog:
    catalog = Catalog()
    for where, text, context in messages(package):
        catalog.add(text, locations=[(where, 1)], context=context)
    return catalog


def read(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale=path.parts[-3])


def compiled(catalog: Catalog) -> bytes:
    file = BytesIO()
    write_mo(file, catalog)
    return file.getvalue()


def update(path: Path) -> int:
    """Bring a catalog up to date, and return how many texts lack a translation."""
    catalog = read(path)
    if path.parts[-3] == WORDING:
        path.with_suffix(".mo").write_bytes(compiled(catalog))
        return 0
    found = extracted(path.parents[3])
    catalog.update(found, no_fuzzy_matching=True, update_creation_date=False)
    catalog.obsolete.clear()
    with path.open("wb") as file:
        write_po(file, catalog, sort_output=True, include_lineno=False)
    path.with_suffix(".mo").write_bytes(compiled(catalog))
    return sum(not all(strings(message)) for message in catalog if message.id)


def strings(message: Any) -> tuple[str, ...]:
    """The translation of a text; those of its numbers, if it has a plural."""
    return message.string if message.pluralizable else (message.string,)


def main() -> int:
    missing = 0
    for package in PACKAGES:
        for path in sorted((ROOT / package / "locale").glob("*/LC_MESSAGES/django.po")):
            lacks = update(path)
            missing += lacks
            print(f"{path.relative_to(ROOT)}: {lacks} without a translation")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
