"""What staff could write instead of a reference that names no record, or several."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from backoffice.imports.clean import Column
from backoffice.imports.staging import Staging

SHOWN = 3  # records that a sentence names
ASKED = 100  # references of a column that records are looked for; a near name costs 10 ms
READ = 2_000  # records that are read for a page

Found = tuple[str, str, str]  # field, text and code of a reject


class Remedies:
    """Sentences for references, found page by page: two statements a column at most.

    fitting: full texts of the records that references look like, by field and reference.
    """

    def __init__(
        self, staging: Staging, fitting: Mapping[tuple[str, str], Sequence[str]]
    ) -> None:
        self._alike = fitting
        self._columns = {
            column.name: column for column in [*staging.references, *staging.links]
        }
        self._asked: dict[tuple[str, str], set[str]] = defaultdict(set)
        self._said: dict[Found, str] = {}

    def look_up(self, page: Iterable[Found]) -> dict[Found, str]:
        """What is to be said so far. The first ASKED references of a column are looked for.

        page: fields, texts and codes (`unknown`, `ambiguous`) of rejects.
        """
        wanted: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)
        for field, text, code in page:
            if field in self._columns and code in ("unknown", "ambiguous"):
                wanted[field, code][text] = None
        for (field, code), texts in wanted.items():
            asked = self._asked[field, code]
            new = [text for text in texts if text not in asked][: ASKED - len(asked)]
            asked.update(new)
            if not new:
                continue
            if code == "unknown":
                records, sentence = _near(self._columns[field], new), _("Is it one of: %s?")
            else:
                records, sentence = _fitting(self._columns[field], new), _("Write one of: %s.")
                for text in new:
                    records.setdefault(text, list(self._alike.get((field, text), ())))
            for text, names in records.items():
                if not names:
                    continue
                listed = "; ".join(names[:SHOWN] + (["…"] if len(names) > SHOWN else []))
                self._said[field, text, code] = sentence % listed
        return self._said


def _fitting(column: Column, texts: list[str]) -> dict[str, list[str]]:
    """Full texts of the records that each of `texts` fits, where they tell them apart."""
    names: dict[str, set[str]] = defaultdict(set)
    key = column.resource_field.widget.key
    for _pk, label, full in key.with_label("in", texts)[:READ]:
        names[label].add(full)
    return {text: sorted(names[text]) for text in texts if len(names[text]) > 1}


def _near(column: Column, texts: list[str]) -> dict[str, list[str]]:
    """Full texts of records whose names begin with the same word and are spelt alike."""
    key: Any = column.resource_field.widget.key
    asked = {text: text.partition(" (")[0] for text in texts}
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
