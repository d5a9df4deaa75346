import pytest
from django.http import QueryDict
from django.utils import timezone

from backoffice.exports.names import describe, file_name, filters_of
from library.models import Library


@pytest.mark.parametrize(
    ("query", "described", "named"),
    [
        ("", "", "libraries"),
        ("o=1&p=2&all=&e=1&_popup=1&_changelist_filters=x", "", "libraries"),
        ("state=NY&state=NJ", "state=NY, state=NJ", "libraries state-NY state-NJ"),
        ("q=apple", "search=apple", "libraries search-apple"),
        ("library__state=NY", "library__state=NY", "libraries library-state-NY"),
        ("q=../../etc/passwd", "search=../../etc/passwd", "libraries search-..-..-etc-passwd"),
        ('q=a"b%0D%0Ac%00', 'search=a"b\r\nc\0', "libraries search-a-b c"),
        ("q=Österreich+שלום%E2%80%AEx", None, "libraries search-Österreich שלום-x"),
    ],
)
def test_a_selection_as_text_and_as_a_file_s_name(query, described, named):
    filters = filters_of(QueryDict(query))
    if described is not None:
        assert describe(filters) == described
    today = timezone.localdate().isoformat()
    assert file_name(Library, filters, "csv") == f"{named} {today}.csv"


def test_ticked_rows_are_counted():
    assert describe([("state", "NY")], 3) == "state=NY, 3 ticked"
    assert "libraries 3 ticked " in file_name(Library, [], "csv", 3)


def test_a_file_s_name_is_short_enough_for_file_systems():
    name = file_name(Library, [("q", "ש" * 300)], "csv")
    assert len(name.encode()) < 255
    assert name.endswith(f"{timezone.localdate().isoformat()}.csv")
