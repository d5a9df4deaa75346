"""Makers of rows for tests: every argument by keyword, every one with a usual value."""

from itertools import count

from django.contrib.auth.models import Permission, User

from backoffice.filters.scopes import Scope
from library.models import Book, Librarian, Library, Patron

_numbers = count(1)


def make_library(**fields):
    n = next(_numbers)
    defaults = {
        "name": f"Branch {n}",
        "address": f"{n} Main Street",
        "state": "NY",
        "phone_number": "212-222-6559",
        "zip_code": f"{10000 + n % 90000:05}",
    }
    return Library.objects.create(**defaults | fields)


def make_patron(*, name=None, library=None):
    return Patron.objects.create(
        name=name or f"Patron {next(_numbers)}", library=library or make_library()
    )


def make_librarian(*, name=None, library=None):
    return Librarian.objects.create(
        name=name or f"Librarian {next(_numbers)}", library=library or make_library()
    )


def make_book(*, title=None, libraries=()):
    book = Book.objects.create(title=title or f"Title {next(_numbers)}")
    book.libraries.set(libraries)
    return book


def make_user(*, username=None, permissions=(), **fields):
    """A member of staff; `permissions` like `"library.view_book"`."""
    user = User.objects.create_user(
        username=username or f"user{next(_numbers)}", **{"is_staff": True} | fields
    )
    for permission in permissions:
        app_label, codename = permission.split(".")
        user.user_permissions.add(
            Permission.objects.get(content_type__app_label=app_label, codename=codename)
        )
    return user


def limit(user, *libraries, filter=""):
    """Limit a user to libraries, and to those that a filter finds; return them as it is now."""
    keys = [library.pk for library in libraries]
    Scope.objects.update_or_create(user=user, defaults={"keys": keys, "filter": filter})
    return type(user).objects.get(pk=user.pk)
