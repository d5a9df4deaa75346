"""References that name no record, or several, are rejected with what could be written."""

import pytest

from library.resources import PatronResource
from tests.backoffice.imports.running import run
from tests.factories import make_library

pytestmark = pytest.mark.django_db


def rejected(write_csv, *libraries):
    path = write_csv(
        ["name", "library"], *([f"P{i}", text] for i, text in enumerate(libraries))
    )
    return run(PatronResource, path)[1]


def test_a_name_that_fits_several_shows_what_tells_them_apart(write_csv):
    for zip_code in ("10001", "10002", "10003", "10004"):
        make_library(name="Central", zip_code=zip_code)
    (text,) = rejected(write_csv, "Central")
    assert text.endswith("Write one of: Central (10001); Central (10002); Central (10003); ….")


def test_a_name_that_looks_like_several_shows_them_too(write_csv):
    for zip_code in ("10001", "10002"):
        make_library(name="Central", zip_code=zip_code)
    make_library(name="Kent", zip_code="06757")
    upper, again, tidy = rejected(write_csv, "CENTRAL", "CENTRAL", "Cen\u00adtral")
    for text in (upper, again, tidy):
        assert text.endswith("Write one of: Central (10001); Central (10002).")


def test_records_that_nothing_tells_apart_are_not_offered(write_csv):
    make_library(name="Central", zip_code="10001")
    make_library(name="Central", zip_code="10001")
    (text,) = rejected(write_csv, "Central")
    assert "Write one of" not in text


def test_a_near_name_is_offered(write_csv):
    make_library(name="Princeton Public Library", zip_code="08542")
    make_library(name="Princess Library", zip_code="08541")
    near, far, blank = rejected(write_csv, "princeton publik library", "Nowhere", "(")
    assert near.endswith("Is it one of: Princeton Public Library (08542)?")
    assert "Is it one of" not in far + blank


def test_near_names_are_offered_page_after_page_up_to_a_bound(write_csv, monkeypatch):
    monkeypatch.setattr("backoffice.imports.rejects.PAGE", 2)
    monkeypatch.setattr("backoffice.imports.remedies.ASKED", 3)
    make_library(name="Princeton Public Library")
    near = [f"Princeton Public Librar{i}" for i in "abcd"]
    rows = rejected(write_csv, near[0], near[0], near[0], near[1], near[2], near[0], near[3])
    assert ["Is it one of" in row for row in rows] == [True] * 6 + [False]
