"""What the tests of the picker share: rows, their links, and what a browser would send."""

import json

from library.models import Book, Library
from tests.backoffice.admin.pages import form_data, url
from tests.factories import make_user


def names(book):
    return set(book.libraries.values_list("name", flat=True))


def changes(name="libraries", *, added=(), removed=(), **more):
    keys = {"added": added, "removed": removed}
    packed = {
        f"{name}-{side}": json.dumps([str(getattr(row, "pk", row)) for row in rows])
        for side, rows in keys.items()
    }
    return packed | {key.replace("_", "-"): value for key, value in more.items()}


def post(client, row, data):
    address = url(type(row), "change", row.pk)
    return client.post(address, form_data(client.get(address)) | data)


def save(client, row, data):
    response = post(client, row, data)
    assert response.status_code == 302, response.context["errors"]


def refused(client, row, data, name="libraries"):
    response = post(client, row, data)
    assert response.status_code == 200
    return response, " ".join(response.context["adminform"].form.errors[name])


def make_libraries(number):
    start = Library.objects.count()
    return Library.objects.bulk_create(
        Library(
            name=f"Library {start + n:05}",
            address="1 Main Street",
            state="NY",
            phone_number="212-222-6559",
            zip_code=f"{10000 + n}",
        )
        for n in range(number)
    )


def make_links(book, libraries):
    through = Book.libraries.through
    through.objects.bulk_create(through(book=book, library=library) for library in libraries)


def make_books(number, library):
    books = Book.objects.bulk_create(Book(title=f"Book {n:05}") for n in range(number))
    through = Book.libraries.through
    through.objects.bulk_create(through(book=book, library=library) for book in books)
    return books


def rows(client, row, side, *, model=None, field=None, **parameters):
    model = model or type(row)
    field = field or {Book: "libraries", Library: "book_set"}[model]
    asked = {"object_id": row.pk if row else "", "side": side, "term": ""}
    return client.get(url(model, "picker", field), asked | parameters)


def texts(response):
    return [row["text"] for row in response.json()["results"]]


def staff(client, *permissions):
    client.force_login(make_user(permissions=permissions))
