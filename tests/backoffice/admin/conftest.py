"""Rows for several of the admin's tests."""

import pytest
from django.contrib import admin

from backoffice.admin.lists import paginator, search
from backoffice.querysets import counts, facets, related
from library.models import Book, Library, Patron
from tests.backoffice.admin.pages import model_admin, url
from tests.factories import make_book, make_library

PER_PAGE = 5


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


@pytest.fixture
def long(monkeypatch):
    """Ten rows are too many to count, and four to name by their keys."""
    monkeypatch.setattr(counts, "BOUND", 10)
    monkeypatch.setattr(counts, "COSTLY_BOUND", 4)
    monkeypatch.setattr(related, "FEW", 4)
    monkeypatch.setattr(search, "FEW", 4)
    monkeypatch.setattr(facets, "BOUND", 3)
    monkeypatch.setattr(facets, "RELATED_BOUND", 3)
    monkeypatch.setattr(paginator, "SHALLOW", 6)
    for model in (Library, Patron, Book):
        monkeypatch.setattr(admin.site.get_model_admin(model), "list_per_page", PER_PAGE)


@pytest.fixture
def libraries():
    return [
        make_library(name=f"Branch {n:02}", state="NY" if n % 4 else "NJ", zip_code=f"1{n:04}")
        for n in range(24)
    ]
