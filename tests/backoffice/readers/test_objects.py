"""JSON, JSON Lines and YAML that has an object a line."""

import json

import pytest

from backoffice.readers import objects
from backoffice.readers.source import Limits, ReaderError, open_source
from tests.backoffice.readers.sources import rows_of

TWO = [{"name": "Seaford", "zip_code": "08542"}, {"name": "Ünïon", "zip_code": "10016"}]
CELLS = [["Seaford", "08542"], ["Ünïon", "10016"]]


def read(path, **options):
    source = open_source(path, **options)
    records = [record for chunk in source.chunks() for record in chunk]
    return source, [cells for _n, cells, _p in records], [p for _n, _c, p in records]


@pytest.mark.parametrize(
    ("format", "text"),
    [
        ("json", json.dumps(TWO)),
        ("json", "\ufeff " + json.dumps(TWO, indent=2, ensure_ascii=False) + "\n"),
        ("jsonl", "\n".join(map(json.dumps, TWO))),
        ("jsonl", "\r\n\r\n".join(map(json.dumps, TWO)) + "\r\n"),
        ("yaml", "".join(f"- {json.dumps(record)}\n" for record in TWO)),
    ],
)
def test_objects_are_rows_under_the_names_of_the_first(saved, format, text):
    for given in (None, format):
        source, cells, problems = read(saved(text), format=given)
        assert (source.format, source.headers) == (format, ["name", "zip_code"])
        assert (source.encoding, source.delimiter) == ("utf-8", None)
        assert (cells, problems) == (CELLS, [None, None])
        assert source.approximate_rows == 2


def test_values_are_as_they_are_written(saved):
    text = '[{"a": 1, "b": 1.50, "c": true, "d": null, "e": 1e5, "f": "x\\ny", "g": ""}]'
    _source, cells, _problems = read(saved(text))
    assert cells == [["1", "1.50", "TRUE", "", "1e5", "x\ny", ""]]


def test_an_object_with_other_names_or_values_is_a_problem_of_its_row(saved):
    text = """[{"a": "1", "b": "2"}, {"b": "4", "a": "3"}, {"a": "5"},
        {"a": "6", "b": "7", "c": "8"}, {"a": "9", "a": "10", "b": ""}, {"a": ["x"],
        "b": ""}]"""
    _source, cells, problems = read(saved(text))
    assert cells[:2] == [["1", "2"], ["3", "4"]]
    assert problems == [
        None,
        None,
        "lacks “b”, which the first record has",
        "has “c”, which the first record has not",
        "has a name twice",
        "has a list or a record as “a”, not one value",
    ]


def test_half_a_character_is_a_problem_of_its_row(saved):
    _source, _cells, problems = read(
        saved(r"""[{"a": "\ud83d\ude00"}, {"a": "\ud83d"}, {"\ud83d": ""}]""")
    )
    assert problems == [
        None,
        "has half of a character (a surrogate) in column A; write it anew",
        "has “?”, which the first record has not",
    ]
    with pytest.raises(ReaderError, match="header, has half of a character"):
        read(saved(r"""[{"\ud83d": "x"}]"""))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[{"a": 1}, {"a": 2}', "has no end: the file is not complete"),
        ('{"a": 1}\n{"a": 2', "Record 2 can't be read: it is not JSON, or the file ends"),
        ('[{"a": 1}, 5]', "Record 2 can't be read: no record begins there"),
        ('[{"a": 1}, {a: 2}]', "Record 2 can't be read"),
        ('{"a": {"b": 1}}', "JSON, but no table"),
        ('{"a": ' + "[" * 100_000, "too deeply"),
    ],
)
def test_a_file_that_is_no_list_of_objects_is_refused(saved, text, words):
    with pytest.raises(ReaderError, match=words):
        read(saved(text))


def test_a_file_that_is_not_utf_8_is_refused(saved):
    with pytest.raises(ReaderError, match="not UTF-8"):
        read(saved('[{"name": "Café"}]'.encode("cp1252")))


def test_a_file_is_read_a_block_at_a_time(saved, monkeypatch):
    monkeypatch.setattr(objects, "BLOCK", 7)
    for text in (json.dumps(TWO), "".join(f"- {json.dumps(record)}\n" for record in TWO)):
        assert rows_of(open_source(saved(text))) == rows_of(open_source(saved(json.dumps(TWO))))


def test_limits_hold(saved):
    limits = Limits(rows=2, record_characters=50)
    text = "".join(map(json.dumps, TWO))
    read(saved(text), limits=limits)
    with pytest.raises(ReaderError, match="more than 2 rows"):
        read(saved(text + json.dumps(TWO[0])), limits=limits)
    with pytest.raises(ReaderError, match="or too long"):
        read(saved('{"a": "' + "x" * 100), limits=limits)
