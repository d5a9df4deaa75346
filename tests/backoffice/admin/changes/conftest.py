"""A folder for what imports keep, a library in the middle of things, and a limited Manager."""

import pytest

from library.models import Patron
from tests.backoffice.admin.changes.limited import RIGHTS
from tests.factories import limit, make_book, make_librarian, make_library, make_user


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


@pytest.fixture
def mine():
    return make_library(name="Mine", state="NY", zip_code="10001")


@pytest.fixture
def other():
    return make_library(name="Secret", state="NJ", zip_code="07001")


@pytest.fixture
def manager(client, mine):
    user = limit(make_user(username="manager", permissions=RIGHTS), mine)
    client.force_login(user)
    return user
