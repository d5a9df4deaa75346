"""What staff could write instead of a reference that names no record, or several."""

from collections import defaultdict
from collections.abc import Iterable
from difflib import get_close_matches
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from backoffice.imports.clean import Column
from backoffice.imports.staging import Staging

SHOWN = 3  # records that a sentence names
ASKED = 20  # references of a column that near names are looked for, each page
READ = 2_000  # records that are read for a page


def remedies(
    staging: Staging, found: Iterable[tuple[str, str, str]]
) -> dict[tuple[str, str, str], str]:
    """Sentences for references, by field, text and code (`unknown`, `ambiguous`).

    Two statements a column at most.
    """
    columns = {column.name: column for column in [*staging.references, *staging.links]}
    texts: dict[tuple[str, str], set[str]] = defaultdict(set)
    for field, text, code in found:
        if field in columns and code in ("unknown", "ambiguous"):
            texts[field, code].add(text)
    said = {}
    for (field, code), wanted in texts.items():
        if code == "unknown":
            records, sentence = _near(columns[field], wanted), _("Is it one of: %s?")
        else:
            records, sentence = _fitting(columns[field], wanted), _("Write one of: %s.")
        for text, names in records.items():
            listed = "; ".join(names[:SHOWN] + (["…"] if len(names) > SHOWN else []))
            said[field, text, code] = sentence % listed
    return said


def _fitting(column: Column, texts: set[str]) -> dict[str, list[str]]:
    """Full texts of the records that each of `texts` fits, where they tell them apart."""
    names: dict[str, set[str]] = defaultdict(set)
    key = column.resource_field.widget.key
    for _pk, label, full in key.with_label("in", sorted(texts)[:ASKED])[:READ]:
        names[label].add(full)
    return {text: sorted(names[text]) for text in texts if len(names[text]) > 1}


def _near(column: Column, texts: set[str]) -> dict[str, list[str]]:
    """Full texts of records whose names begin with the same word and are spelt alike."""
    key: Any = column.resource_field.widget.key
    asked = {text: text.partition(" (")[0] for text in sorted(texts)[:ASKED]}
    words = {label.split()[0][:3] for label in asked.values() if label.strip()}
    if not words or len(key.paths[0].split("__")) > 1:
        return {}
    begins = reduce(or_, (Q(**{f"{key.paths[0]}__istartswith": word}) for word in words))
    by_label: dict[str, list[str]] = defaultdict(list)
    spelt: dict[str, str] = {}
    for _pk, label, full in key.queryset().filter(begins)[:READ]:
        by_label[label].append(full)
        spelt.setdefault(label.casefold(), label)
    near = {}
    for text, label in asked.items():
        alike = get_close_matches(label.casefold(), spelt, n=SHOWN, cutoff=0.8)
        names = [full for match in alike for full in sorted(by_label[spelt[match]])]
        if names:
            near[text] = names
    return near
