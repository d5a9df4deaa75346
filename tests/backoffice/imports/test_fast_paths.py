"""Each short cut of an import leads where the long way leads."""

import csv
import io

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backoffice.imports.engine import Import
from backoffice.readers.source import open_source
from backoffice.tables.texts import alike, same
from library.models import Library
from library.resources import LibraryResource
from tests.backoffice.imports.running import HEADER
from tests.factories import make_library

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


def alike_one_by_one(texts, field):
    declared = getattr(field, "alike", str)
    found = [alike(declared(same(text or ""))) for text in texts]
    return [text.encode(errors="surrogatepass") for text in found]


#: What is replaced, and by what, so that the long way is taken.
SHORT_CUTS = {
    "rows that fit the header": ("readers.records.Records._all_fit", lambda self, rows: False),
    "rows parsed at once": (
        "readers.delimited.DelimitedText._parse",
        lambda self, lines, number, ended: self._parse_with_care(lines, number, ended),
    ),
    "cells that are clean": ("imports.clean.Column._are_plain", lambda self, texts: False),
    "cells that were cleaned before": ("imports.clean.REMEMBERED", 0),
    "lines that are tidy": (
        "imports.clean.are_same",
        lambda texts: all(text == same(text) for text in texts),
    ),
    "chunks copied as one text": (
        "imports.staging.Staging._copy_texts",
        lambda self, lines, values: False,
    ),
    "keys that one row has": ("imports.rows.Rows.repeated", lambda self, rows: rows),
    "look-alikes folded at once": ("imports.twins.alike_all", alike_one_by_one),
    "numbers of look-alikes": ("tables.texts.alike_all", alike_one_by_one),
    "few numbers of look-alikes": ("tables.lookalikes.FEW", 0),
    "all records read for look-alikes": ("imports.twins.are_few", lambda rows, table: True),
    "few rows at a time": ("imports.twins.CHUNK", 2),
}

cell = st.sampled_from(
    [
        "A",
        "a",
        "B",
        " B ",
        "B\xa0b",
        "O’Hara",
        "O'Hara",
        "Zoë",
        "Zoe\u0308",
        "ZOË",
        "'=x",
        "",
        "\ufffd",
    ]
)
row = st.tuples(
    *(cell, st.sampled_from(["1", "2", "3 Street", "x" * 201, ""])),
    st.sampled_from(["NY", "ny", "ZZ"]),
    st.sampled_from(["212-222-6559", "(212) 222 6559", "-4"]),
    st.sampled_from(["10001", "10001-1234", "1"]),
)


def outcome(path, alike):
    """What an import of the file says and writes; it is taken back."""
    with transaction.atomic():
        with Import(LibraryResource, open_source(path), alike=alike) as imported:
            counts = imported.apply()
            said = [str(reject) for reject in imported.rejects()], imported.warnings
        written = sorted(Library.objects.values_list(*HEADER))
        history = sorted(Library.history.values_list("history_type", *HEADER))
        transaction.set_rollback(True)
    return counts, said, written, history


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    rows=st.lists(row, max_size=7),
    raw=st.sampled_from(
        [
            "",
            "short\n",
            '"B",1,NY,212-222-6559,10001,\n',
            '"open,1\n',
            'A"b, c",NY,212-222-6559,10001\n',
        ]
    ),
    alike=st.sampled_from(["reject", "same", "new"]),
)
def test_a_short_cut_changes_nothing(tmp_path, rows, raw, alike):
    Library.objects.all().delete()
    make_library(name="O'Hara", zip_code="10001", address="1")
    make_library(name="B", zip_code="10001-1234", address="2")
    text = io.StringIO()
    csv.writer(text).writerows([HEADER, *rows])
    path = tmp_path / "file.csv"
    path.write_text(text.getvalue() + raw, encoding="utf-8", newline="")
    expected = outcome(path, alike)
    for name, (place, long_way) in SHORT_CUTS.items():
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(f"backoffice.{place}", long_way)
            assert outcome(path, alike) == expected, name


def test_each_short_cut_is_taken(tmp_path):
    """Else nothing is compared with the long way."""
    path = tmp_path / "file.csv"
    rows = "".join(f"{name},1 Street,NY,212-222-6559,10001\n" for name in "ABa")
    path.write_text(",".join(HEADER) + "\n" + rows, encoding="utf-8")
    make_library(name="b", zip_code="10001")
    for name, (place, long_way) in SHORT_CUTS.items():
        if not callable(long_way) or (
            name.startswith("chunks") and connection.vendor == "sqlite"
        ):
            continue
        calls = []

        def noted(*args, way=long_way, calls=calls):
            calls.append(args)
            return way(*args)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(f"backoffice.{place}", noted)
            outcome(path, "reject")
        assert calls, name
