"""Forms of a user with limits: nothing is saved beyond them, nothing hidden is taken away."""

import base64
import json
import zlib

import pytest

from library.models import Book, Library, Patron
from tests.backoffice.admin.pages import form_data, model_admin, sent, url
from tests.factories import limit, make_book, make_library, make_patron, make_user

pytestmark = pytest.mark.django_db
RIGHTS = [
    f"library.{action}_{model}"
    for action in ("add", "change", "delete", "view")
    for model in ("library", "patron", "librarian", "book")
]


@pytest.fixture
def ours():
    return make_library(name="Ours", state="NY")


@pytest.fixture
def theirs():
    return make_library(name="Theirs", state="CA")


@pytest.fixture(params=["keys", "filter"])
def user(request, client, ours, theirs):
    user = make_user(permissions=RIGHTS)
    keys = [ours] if request.param == "keys" else []
    user = limit(user, *keys, filter="" if keys else "state=NY")
    client.force_login(user)
    return user


@pytest.fixture(params=["few", "many"])
def any_picker(request, monkeypatch):
    if request.param == "many":
        for model in (Book, Library):
            monkeypatch.setattr(model_admin(model), "picker_max_rows", 0)


def problems(answer):
    assert answer.status_code == 200
    return answer.context["adminform"].form.errors


def picked(name, *, added=(), removed=()):
    return {
        f"{name}-added": json.dumps([str(row.pk) for row in added]),
        f"{name}-removed": json.dumps([str(row.pk) for row in removed]),
        f"{name}-names": "",
    }


@pytest.mark.usefixtures("user")
def test_a_patron_of_another_branch_is_refused(client, ours, theirs):
    add = url(Patron, "add")
    answer = client.post(add, {"name": "Ann", "library": theirs.pk})
    assert "library" in problems(answer)
    assert "Theirs" not in answer.text
    assert client.post(add, {"name": "Ann", "library": ours.pk}).status_code == 302
    ann = Patron.objects.get()
    page = url(Patron, "change", ann.pk)
    data = form_data(client.get(page), library=theirs.pk)
    assert "library" in problems(client.post(page, data))
    ann.refresh_from_db()
    assert ann.library == ours


@pytest.mark.usefixtures("user", "any_picker")
def test_a_book_keeps_its_links_elsewhere_and_one_here(client, ours, theirs):
    book = make_book(title="Dune", libraries=[ours, theirs])
    page = url(Book, "change", book.pk)
    shown = client.get(page)
    data = sent(shown)
    assert "Theirs" not in shown.text
    assert hidden_keys(data["_seen"][0], theirs) == []
    if "libraries-added" in data:
        none = data | picked("libraries", removed=[ours])
    else:
        none = {**data, "libraries": []}
    assert "libraries" in problems(client.post(page, none))
    assert client.post(page, data | {"title": "Dune II"}).status_code == 302
    assert set(book.libraries.all()) == {ours, theirs}


def hidden_keys(seen, library):
    """The key of a library among the values of a signed text."""
    text = seen.partition(":")[0]
    raw = base64.urlsafe_b64decode(text.lstrip(".") + "=" * (-len(text.lstrip(".")) % 4))
    values = json.loads(zlib.decompress(raw) if text.startswith(".") else raw)[1]
    return [key for key in values.get("libraries", []) if key == str(library.pk)]


@pytest.mark.usefixtures("user", "any_picker")
def test_a_new_book_is_in_one_of_ones_libraries(client, ours, theirs):
    add = url(Book, "add")
    is_paged = "libraries-added" in sent(client.get(add))

    def post(*libraries):
        data = (
            picked("libraries", added=libraries)
            if is_paged
            else {"libraries": [library.pk for library in libraries]}
        )
        return client.post(add, {"title": "Emma"} | data)

    assert "libraries" in problems(post())
    assert "libraries" in problems(post(theirs))
    assert not Book.objects.exists()
    assert post(ours).status_code == 302
    assert Book.objects.get().libraries.get() == ours


def test_a_new_library_lies_within_a_filter_or_is_refused(client, user, ours):
    add = url(Library, "add")
    if not user.backoffice_scope.filter:
        assert client.get(add).status_code == 403
        return
    data = form_data(client.get(add), name="New", address="1 A", phone_number="212-222-6559")
    data |= {"zip_code": "10016", "book_set-added": "", "book_set": []}
    answer = client.post(add, data | {"state": "CA"})
    assert "you could not see this library" in str(problems(answer))
    assert client.post(add, data | {"state": "NY"}).status_code == 302
    page = url(Library, "change", ours.pk)
    data = form_data(client.get(page), state="CA")
    assert "you could not see this library" in str(problems(client.post(page, data)))
    ours.refresh_from_db()
    assert ours.state == "NY"


@pytest.mark.usefixtures("user", "any_picker")
def test_the_picker_of_a_library_leaves_hidden_books(client, ours, theirs):
    make_book(title="Hidden", libraries=[theirs])
    here = make_book(title="Here", libraries=[ours])
    page = url(Library, "change", ours.pk)
    shown = client.get(page)
    assert "Hidden" not in shown.text
    assert client.post(page, sent(shown) | {"name": "Renamed"}).status_code == 302
    assert set(ours.book_set.all()) == {here}


@pytest.mark.usefixtures("user", "any_picker")
def test_a_book_is_not_let_go_by_the_last_of_ones_libraries(client, user, ours, theirs):
    here = make_book(title="Here", libraries=[ours])
    shared = make_book(title="Shared", libraries=[ours, theirs])
    page = url(Library, "change", ours.pk)
    data = sent(client.get(page))
    none = data | (
        picked("book_set", removed=[here, shared])
        if "book_set-added" in data
        else {"book_set": []}
    )
    (said,) = problems(client.post(page, none))["book_set"]
    assert "“Here”, “Shared” would lie outside what you are limited to" in said
    assert set(ours.book_set.all()) == {here, shared}
    also = make_library(name="Also ours", state="NY")
    if user.backoffice_scope.keys:
        limit(user, ours, also)
    also.book_set.set([here, shared])
    assert client.post(page, none).status_code == 302
    assert not ours.book_set.exists()
    assert set(shared.libraries.all()) == {theirs, also}


@pytest.mark.usefixtures("user")
def test_a_row_of_an_inline_stays_here(client, ours, theirs):
    patron, other = make_patron(library=ours), make_patron(name="Other", library=theirs)
    page = url(Library, "change", ours.pk)
    data = form_data(client.get(page), **{"patron_set-0-id": other.pk})
    data["patron_set-0-name"] = "Stolen"
    client.post(page, data)
    other.refresh_from_db()
    assert (other.name, other.library) == ("Other", theirs)
    assert Patron.objects.filter(pk=patron.pk, library=ours).exists()


def test_what_a_value_is_taken_by_is_not_told(client, user, ours, theirs):
    """A librarian's library is unique: the conflict names no value of the other."""
    add = url(Patron, "add")
    make_patron(name="Ann", library=theirs)
    answer = client.post(add, {"name": "Ann", "library": ours.pk}, follow=True)
    assert "Theirs" not in answer.text
