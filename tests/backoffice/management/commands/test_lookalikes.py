"""The records that look alike, as the command lists them and the list's filter finds them."""

import json

import pytest
from django.core.management import CommandError, call_command

from library.models import Library
from tests.backoffice.filters.filtersets import filterset, found
from tests.factories import make_library

pytestmark = pytest.mark.django_db


def test_they_are_listed_in_groups(capsys):
    for name, zip_code in (
        ("Troy", "12180"),
        ("TROY", "12180-1234"),
        ("Troy", "12181"),
        ("Kent", "06757"),
    ):
        make_library(name=name, zip_code=zip_code)
    call_command("lookalikes", "library.Library", "--json")
    (group,) = map(json.loads, capsys.readouterr().out.splitlines())
    assert [each["name"] for each in group] == ["Troy (12180)", "TROY (12180-1234)"]
    call_command("lookalikes", "library.Library")
    assert "TROY (12180-1234)" in capsys.readouterr().out
    assert found(filterset(Library, "looks_like_another", "yes")) == ["TROY", "Troy"]
    assert found(filterset(Library, "looks_like_another", "no")) == ["Kent", "Troy"]


def test_a_model_that_is_none_is_refused():
    with pytest.raises(CommandError, match="neither a model nor a Resource"):
        call_command("lookalikes", "library.Nothing")
