"""Ordinary YAML as rows of text."""

import pytest

from backoffice.readers.source import Limits, ReaderError, open_source
from tests.backoffice.readers.sources import cells_of, problems_of

BOOKS = """\
# exported today
---
- title: "No: a story"
  libraries: 08542
- title: >-
    Long
    title
  libraries: no
- {title: x, libraries: ~}
"""


@pytest.mark.parametrize("name", ["a.yaml", "a.yml", "a.txt"])
def test_a_list_of_mappings_is_rows_of_the_text_that_is_written(saved, name):
    source = open_source(saved(BOOKS), file_name=name)
    assert (source.format, source.headers) == ("yaml", ["title", "libraries"])
    assert cells_of(source) == [["No: a story", "08542"], ["Long title", "no"], ["x", ""]]


def test_documents_of_one_mapping_are_rows(saved):
    text = "---\ntitle: Emma\n---\ntitle: Persuasion\n"
    assert cells_of(open_source(saved(text), format="yaml")) == [["Emma"], ["Persuasion"]]


def test_a_list_as_a_value_is_a_problem_of_its_row(saved):
    source = open_source(saved("- title: A\n  x: 1\n- title: B\n  x:\n  - 1\n  - 2\n"))
    assert list(problems_of(source)) == [3]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("- title: &a Emma\n- title: *a\n", "an alias or an anchor .* in line 1"),
        ("- title: x\n- title: !!python/object/apply:os.system [x]\n", "a tag .* in line 2"),
        ("- title: 'a\n", "can't be read: in line 2"),
        ("- title: a\n title: b\n", "can't be read: in line 2"),
        ("books:\n  - title: Emma\n", "YAML, but no table"),
        ("- title: " + "[" * 50, "too deeply|YAML"),
    ],
)
def test_what_is_not_plain_is_refused(saved, text, words):
    with pytest.raises(ReaderError, match=words):
        cells_of(open_source(saved(text), file_name="a.yaml"))


def test_lists_of_lists_are_refused(saved):
    with pytest.raises(ReaderError, match="no list of mappings: see line 1"):
        open_source(saved("- [1, 2]\n"), file_name="a.yaml")


def test_limits_hold(saved):
    with pytest.raises(ReaderError, match="more than 2 names"):
        open_source(saved("- a: 1\n  b: 2\n  c: 3\n"), limits=Limits(columns=2))
    source = open_source(saved("- a: 1\n" * 5), limits=Limits(rows=3))
    with pytest.raises(ReaderError, match="more than 3 rows"):
        cells_of(source)
