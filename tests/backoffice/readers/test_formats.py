"""Kinds of file that are refused, and limits."""

import tracemalloc
import zipfile

import pytest

from backoffice.readers.source import Limits, ReaderError, open_source
from tests.backoffice.readers.sources import BRANCH, HEADER, rows_of

# Files that can't be used


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\r\n \n", "is empty"),
        (b"\n,,,\n , \n", "no header in the first"),
        (b"\x1f\x8b\x08\x00abc", "compressed with gzip"),
        (b"BZh91AY&SY", "compressed with bzip2"),
        (b"%PDF-1.7 ...", "a PDF"),
        (b'["name", "state"]', "JSON, but no list of records"),
        (b'\xef\xbb\xbf [["name"], ["Seaford"]]', "JSON, but no list of records"),
        (b"[]", "JSON, but no list of records"),
        (b'{"type": "FeatureCollection", "features": [{}]}', "JSON, but no table"),
        (b"<!DOCTYPE html><html>", "a web page"),
        (b"<?xml version='1.0'?><a/>", "is XML"),
        (b"00714cam a2200205 a 4500001001300000\x1e", "a MARC file"),
        (b"\x89PNG\r\n\x1a\n\0\0", "a picture"),
        (b"\0" * 5000, "binary data"),
        (bytes(range(256)) * 100, "binary data"),
        (b"PK\x03\x04 and then nothing", "is damaged"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "is damaged"),
    ],
)
def test_a_file_that_is_no_table_is_refused_by_its_kind(saved, content, words):
    with pytest.raises(ReaderError, match=words):
        open_source(saved(content))


def test_a_zip_archive_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("branches.csv", HEADER)
    with pytest.raises(ReaderError, match=r"is a ZIP archive, not a spreadsheet\. Unpack it"):
        open_source(tmp_path / "a.zip")


def test_a_header_with_an_open_quote_is_read_as_it_looks_and_said(saved):
    source = open_source(saved('"name,state\nA,NY\n'))
    assert source.headers == ['"name', "state"]
    assert "Row 1, the header, opens a quotation mark that is not" in source.warnings[0]


def test_a_missing_file_is_an_os_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        open_source(tmp_path / "none.csv")


def test_a_format_that_the_file_is_not_is_refused(saved):
    with pytest.raises(ReaderError, match=r"is delimited text \(csv\), not xlsx"):
        open_source(saved(HEADER), format="xlsx")
    with pytest.raises(ReaderError, match="format “doc” is not known"):
        open_source(saved(HEADER), format="doc")


# Limits


def test_a_line_without_end_is_refused_and_not_held_in_memory(saved):
    path = saved(HEADER.encode() + b"x" * 100_000_000)
    tracemalloc.start()
    with pytest.raises(ReaderError, match="Line 2 is longer than 1,000,000 characters"):
        open_source(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20_000_000


def test_memory_does_not_grow_with_the_file(saved):
    path = saved(HEADER + '"Denver,x,CO\n' + BRANCH * 300_000)
    tracemalloc.start()
    count = sum(len(chunk) for chunk in open_source(path).chunks())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == 300_001
    assert peak < 30_000_000


def test_the_limit_of_rows_is_named(saved):
    limits = Limits(rows=100)
    assert len(rows_of(open_source(saved(HEADER + BRANCH * 100), limits=limits))) == 100
    with pytest.raises(ReaderError, match="more than 100 rows, which is the limit"):
        rows_of(open_source(saved(HEADER + BRANCH * 101), limits=limits))
    with pytest.raises(ReaderError, match="9,001 lines; the limit is 100 rows"):
        open_source(saved(HEADER + BRANCH * 9000), limits=limits)


def test_the_limit_of_columns_is_named(saved):
    with pytest.raises(ReaderError, match="has 3 columns; the limit is 2"):
        open_source(saved(HEADER), limits=Limits(columns=2))
