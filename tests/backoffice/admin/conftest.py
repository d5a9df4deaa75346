"""Rows that several of the admin's tests stand on."""

import pytest

from library.models import Book, Library
from tests.backoffice.admin.pages import model_admin, url
from tests.factories import make_book, make_library


@pytest.fixture
def library():
    return make_library(name="Smithtown")


@pytest.fixture
def address(library):
    return url(Library, "change", library.pk)


@pytest.fixture
def few_are_many(monkeypatch):
    """So few rows are many."""
    for model in (Book, Library):
        monkeypatch.setattr(model_admin(model), "picker_max_rows", 0)


@pytest.fixture
def book():
    return make_book(title="Dune", libraries=[make_library(name="Held")])
