"""The reader as a whole: properties, and real files."""

import csv
import json
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from backoffice.readers.source import ReaderError, open_source
from tests.backoffice.readers.sources import cells_of, rows_of

# Properties

PLAIN = st.text(st.characters(exclude_categories=("Cs", "Cc"), include_characters="\r\n\t"))


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.lists(PLAIN, min_size=3, max_size=3), max_size=30))
def test_what_csv_writes_is_read_back(tmp_path, rows):
    path = tmp_path / "a.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["name", "address", "state"], *rows])
    source = open_source(path, delimiter=",")
    assert cells_of(source) == [row for row in rows if any(map(str.strip, row))]


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=400))
def test_bytes_are_read_or_refused(tmp_path, content):
    path = tmp_path / "a"
    path.write_bytes(content)
    for start in (b"", b"a,b\n"):
        path.write_bytes(start + content)
        with suppress(ReaderError):
            rows_of(open_source(path), 3)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text('ab,;|\t"\n\r\0 é', max_size=200), size=st.integers(1, 5))
def test_every_row_of_any_text_is_accounted_for(tmp_path, text, size):
    path = tmp_path / "a.csv"
    path.write_bytes(b"h1,h2\n" + text.encode())
    # Its encoding given: a file of little else than NULs is taken for binary.
    source = open_source(path, delimiter=",", encoding="utf-8")
    assume(source.header_row == 1)  # two cells above rows of six and more are a title
    rows = rows_of(source, size)
    numbers = [number for number, _, _ in rows]
    assert numbers == sorted(set(numbers))
    assert all(len(cells) == 2 or problem for _, cells, problem in rows)
    assert sum(c.count("a") + c.count("b") for _, cells, _ in rows for c in cells) == (
        text.count("a") + text.count("b")
    )


# Real files


@pytest.mark.parametrize(
    ("name", "encoding", "rows", "columns"),
    [
        ("imls_pls_fy2018_outlets.csv", "cp1252", 17_478, 37),
        ("imls_pls_fy2017_outlets.csv", "cp1252", 17_452, 37),
        ("imls_pls_fy2018_systems_bom_crlf.csv", "utf-8-sig", 9_261, 47),
        ("goodbooks10k_books.csv", "utf-8", 10_000, 23),
    ],
)
def test_real_files_are_read_whole(shared_data, name, encoding, rows, columns):
    source = open_source(shared_data / name)
    assert (source.encoding, source.delimiter, len(source.headers)) == (encoding, ",", columns)
    assert source.header_row == 1
    guess = ["The encoding is a guess: the file is read as cp1252. These words hang on it: "]
    said = [warning[: len(guess[0])] for warning in source.warnings]
    assert said == (guess if encoding == "cp1252" else [])
    with (shared_data / name).open(encoding=encoding, newline="") as file:
        expected = list(csv.reader(file))[1:]
    assert len(expected) == rows
    assert cells_of(source) == expected


def test_every_torture_file_is_read_or_refused(shared_data):
    files = [path for path in (shared_data / "torture").rglob("*") if path.is_file()]
    assert len(files) > 150
    read = 0
    for path in files:
        with suppress(ReaderError):
            rows_of(open_source(path, file_name=path.name))
            read += 1
    assert read > 130


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("calamine/tests__pass_protected.xlsx", "protected with a password"),
        ("csvkit/examples__dummy.csv.gz", "compressed with gzip"),
        ("frictionless-test-data/files__csv__1030_columns.csv", "1,030 columns; the limit"),
        ("frictionless-test-data/files__geo__map.geojson", "JSON"),
        ("frictionless-test-data/files__empty-files__empty.html", "a web page"),
    ],
)
def test_torture_files_that_are_no_tables_are_refused(shared_data, name, words):
    with pytest.raises(ReaderError, match=words):
        open_source(shared_data / "torture" / name)


@pytest.mark.parametrize(
    ("name", "encoding"),
    [
        ("western-macos-roman", "mac-roman"),
        ("big-western-macos-roman", "mac-roman"),
        ("iso8859", "cp1252"),
        ("utf8", "utf-8"),
    ],
)
def test_encodings_of_the_torture_files(shared_data, name, encoding):
    folder = shared_data / "torture" / "frictionless-test-data"
    source = open_source(folder / f"files__csv__encodings__{name}.csv")
    assert source.encoding == encoding
    if "big" not in name:
        assert {cells[0] for cells in cells_of(source)} == {"Réunion"}


def test_csv_spectrum_parses_to_its_json(shared_data):
    folder = shared_data / "torture" / "csv-spectrum"
    compared = 0
    for path in sorted(folder.glob("csvs__*.csv")):
        name = path.stem.removeprefix("csvs__")
        source = open_source(path)
        found = [dict(zip(source.headers, cells, strict=True)) for cells in cells_of(source)]
        expected = json.loads((folder / f"json__{name}.json").read_bytes())
        if name == "location_coordinates":
            # Its JSON is one object, with another telephone number than the CSV.
            expected = [expected | {"Contact Phone Number": "2095257564"}]
        if name.startswith("newlines"):
            # The collection's copies of both files have the line ends of the other system.
            found, expected = (
                json.loads(json.dumps(x).replace("\\r", "")) for x in (found, expected)
            )
        assert found == expected, name
        compared += 1
    assert compared == 12
