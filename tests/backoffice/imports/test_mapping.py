"""Headers find their columns."""

import pytest

from backoffice.imports.mapping import MappingError, map_columns
from backoffice.readers.source import open_source

SPELLINGS = {
    "name": ["name", "Name of library", "LIBNAME"],
    "address": ["address", "Street"],
    "zip_code": ["zip_code", "ZIP"],
}


def mapped(*headers, spellings=SPELLINGS, **options):
    return map_columns(headers, spellings=spellings, **options)


def test_columns_are_found_by_any_spelling():
    mapping = mapped("LIBID", "ZIP", "LIBNAME", "", "street")
    assert mapping.columns == {"name": 2, "address": 4, "zip_code": 1}
    assert list(mapping.columns) == ["name", "address", "zip_code"]
    assert mapping.as_dict() == {"name": "LIBNAME", "address": "street", "zip_code": "ZIP"}
    assert mapping.unused == ("LIBID",)
    assert mapping.headers == ("LIBID", "ZIP", "LIBNAME", "", "street")


@pytest.mark.parametrize("header", ["zip_code", "ZIP CODE", "Zip-Code:", " Zip code "])
def test_case_blanks_and_punctuation_do_not_count(header):
    assert mapped(header).columns == {"zip_code": 0}


def test_headers_without_letters_fit_only_themselves():
    spellings = {"number": ["#"], "share": ["%"]}
    assert mapped("%", "#", spellings=spellings).columns == {"number": 1, "share": 0}


def test_the_earlier_spelling_wins():
    mapping = mapped("LIBNAME", "Name of library", "Name")
    assert mapping.columns == {"name": 2}
    assert mapping.unused == ("LIBNAME", "Name of library")


def test_the_exact_spelling_wins_over_the_loose_one():
    assert mapped("Zip Code", "zip_code").columns == {"zip_code": 1}


def test_a_fields_own_name_counts_more_than_the_synonym_of_another():
    spellings = {"title": ["title", "name"], "name": ["name"]}
    assert mapped("name", spellings=spellings).columns == {"name": 0}
    assert mapped("name", "title", spellings=spellings).columns == {"title": 1, "name": 0}


def test_an_override_names_the_header():
    mapping = mapped("Branch", "name", overrides={"name": "Branch"})
    assert mapping.columns == {"name": 0}
    assert mapped("Branch name", overrides={"name": "branch_NAME"}).columns == {"name": 0}


def test_a_column_that_an_override_takes_is_not_taken_twice():
    mapping = mapped("ZIP", "name", overrides={"address": "ZIP"})
    assert mapping.columns == {"name": 1, "address": 0}


def test_an_empty_override_leaves_the_field_out():
    assert mapped("name", "ZIP", overrides={"zip_code": ""}).columns == {"name": 0}
    with pytest.raises(MappingError, match="no column for zip_code"):
        mapped("name", "ZIP", overrides={"zip_code": ""}, required=["zip_code"])


def test_an_override_of_an_unknown_field_lists_the_fields():
    with pytest.raises(MappingError, match=r"no column nam to map to.* name, addr"):
        mapped("name", overrides={"nam": "name"})


def test_an_override_with_an_unknown_header_lists_the_headers():
    with pytest.raises(MappingError, match=r"no column “Branch” for name.*LIBNAME, ZIP\."):
        mapped("LIBNAME", "ZIP", overrides={"name": "Branch"})


@pytest.mark.parametrize(
    ("headers", "overrides", "field", "columns", "choices"),
    [
        (("name", "ZIP", "name"), {}, "name", (0, 2), ("name (column A)", "name (column C)")),
        (("Zip Code", "name", "ZIP-CODE"), {}, "zip_code", (0, 2), ("Zip Code", "ZIP-CODE")),
        (
            *(("x", "name", "x"), {"address": "x"}, "address", (0, 2)),
            ("x (column A)", "x (column C)"),
        ),
    ],
)
def test_columns_under_the_same_header_must_hold_the_same(
    headers, overrides, field, columns, choices
):
    mapping = mapped(*headers, overrides=overrides)
    assert (mapping.columns[field], mapping.doubles) == (columns[0], {field: columns[1:]})
    assert not any("would do as well" in warning for warning in mapping.warnings)
    mapping.check_doubles([2, 3], [["a", " b"], ["", ""], ["a", "b "]])
    with pytest.raises(MappingError) as raised:
        mapping.check_doubles([2, 3], [["a", "b"], ["", ""], ["a", "c"]])
    assert str(raised.value) == (
        f"More than one column fits {field}, and they differ: row 3 has “b” in column A and "
        f"“c” in column C. Choose one (“{choices[0]}”, “{choices[1]}”), or remove all but one."
    )
    for choice, column in zip(choices, columns, strict=True):
        mapping = mapped(*headers, overrides={field: choice})
        assert (mapping.columns[field], mapping.doubles) == (column, {})


def test_a_header_that_is_not_needed_may_stand_twice():
    assert mapped("name", "note", "note").unused == ("note", "note")


def test_missing_columns_are_named_with_their_spellings():
    with pytest.raises(MappingError) as raised:
        mapped("LIBNAME", "Phone", required=["name", "address", "zip_code"])
    assert str(raised.value) == (
        "The file has no column for address, zip_code. Its headers are LIBNAME, Phone. "
        "Expected: address (or Street); zip_code (or ZIP). Rename the headers, map the "
        "columns, or say which row is the header."
    )


def test_headers_of_which_none_is_known_are_refused():
    with pytest.raises(MappingError, match=r"None of the file's headers is known.*: name \(or"):
        mapped("isbn", "author")


@pytest.mark.parametrize(
    "cell", ["10016", "212-222-6559", "2018-01-31", "(212) 222-6559", "-4"]
)
def test_a_missing_header_row_is_pointed_out(cell):
    with pytest.raises(MappingError, match="first row looks like data, not like headers"):
        mapped("New York Public Library", cell, required=["name"])


def test_many_headers_are_cut_short():
    with pytest.raises(MappingError, match=r"x59 and 40 more\."):
        mapped(*(f"x{number}" for number in range(100)))


def test_the_headers_of_the_survey_file_are_mapped(shared_data):
    source = open_source(shared_data / "imls_pls_fy2018_outlets.csv")
    mapping = map_columns(source.headers, spellings=SPELLINGS, required=["name", "zip_code"])
    assert mapping.as_dict() == {"name": "LIBNAME", "zip_code": "ZIP"} | (
        {"address": "ADDRESS"}
    )
    assert len(mapping.unused) == 34


@pytest.mark.parametrize(
    ("headers", "taken"),
    [
        (("Branch", "Branch Name", "ZIP"), "Branch Name"),
        (("BRANCH_NAME", "branch"), "BRANCH_NAME"),
        (("branch", "ZIP"), "branch"),
    ],
)
def test_names_are_taken_not_codes(headers, taken):
    spellings = {"name": ["name", "branch"], "zip_code": ["ZIP"]}
    assert mapped(*headers, spellings=spellings).as_dict()["name"] == taken


def test_a_name_that_another_field_goes_by_is_left_to_it():
    spellings = {"library": ["branch"], "name": ["branch name"]}
    mapping = mapped("branch", "branch name", spellings=spellings)
    assert mapping.columns == {"library": 0, "name": 1}


def test_what_would_do_as_well_is_said():
    warnings = mapped("LIBNAME", "Name of library", "ZIP").warnings
    assert warnings == (
        "name is taken from “Name of library” (column B); “LIBNAME” (column A) would do as "
        "well. To take another, choose “LIBNAME” for it.",
    )
    assert mapped("LIBNAME", "name", overrides={"name": "name"}).warnings == ()


def test_what_new_records_miss_is_said_once():
    (warning,) = mapped("name", needed=["name", "address", "zip_code"]).warnings
    assert "no column for address, zip_code, which a new record needs" in warning


def test_a_constant_is_a_column_behind_the_files_own():
    mapping = mapped("name", "ZIP", constants={"zip_code": "12180"}, required=["zip_code"])
    assert mapping.columns == {"name": 0, "zip_code": 2}
    assert mapping.headers[2] == "--set zip_code"
    assert mapping.unused == ("ZIP",)
    with pytest.raises(MappingError, match="no column nam to map to"):
        mapped("name", constants={"nam": "x"})


def test_fields_are_called_as_people_call_them():
    titles = {"name": "Name", "zip_code": "ZIP code"}
    spellings = {"name": ["name"], "zip_code": ["zip_code", "ZIP"], "phone": ["phone"]}
    with pytest.raises(MappingError) as error:
        map_columns(["name"], spellings=spellings, required=["zip_code"], titles=titles)
    assert "no column for ZIP code." in str(error.value)
    assert "Expected: ZIP code (or ZIP)." in str(error.value)
    mapped = map_columns(
        ["name", "Name"], spellings=spellings, needed=["zip_code"], titles=titles
    )
    assert "no column for ZIP code, which a new record needs" in mapped.warnings[-1]
    assert not any("zip_code" in warning for warning in mapped.warnings)
