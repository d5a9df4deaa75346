"""A folder for what imports keep, and a library in the middle of things."""

import pytest

from library.models import Patron
from tests.factories import make_book, make_librarian, make_library


@pytest.fixture(autouse=True)
def data_dir(settings, tmp_path):
    settings.DATA_DIR = tmp_path


@pytest.fixture
def busy():
    library = make_library(name="Busy  Branch")
    Patron.objects.bulk_create(Patron(name=f"P{n:03}", library=library) for n in range(120))
    make_librarian(library=library)
    make_book(libraries=[library, make_library(name="Other")])
    return library
