"""The fixtures are valid, and a dump of the database restores it."""

import json
from collections import Counter
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.core.management import CommandError, call_command
from django.db import connection
from django.urls import reverse
from localflavor.us.us_states import STATE_CHOICES

from library.models import Book, Librarian, Library, Patron
from tests.backoffice.fixtures.loading import MODELS, load, rows
from tests.factories import make_book, make_librarian, make_library, make_patron, make_user

pytestmark = pytest.mark.django_db

FIXTURES = ["tutorial", "roles", "demo"]


def read(name):
    return json.loads((Path(settings.FIXTURE_DIRS[0]) / f"{name}.json").read_text("utf-8"))


def natural_history():
    """Each history row by what it says and whose it is; primary keys play no part."""
    found = Counter()
    for model in (Library, Patron, Librarian, Book):
        for record in model.history.all():
            live = model.objects.filter(pk=record.id).first()
            links = getattr(record, "libraries", None)
            library = Library.objects.filter(pk=getattr(record, "library_id", None)).first()
            found[
                (
                    model,
                    live and live.natural_key(),
                    str(record.instance),
                    library and library.natural_key(),
                    tuple(sorted(_link(link) for link in links.all())) if links else (),
                    record.history_type,
                    record.history_date,
                    record.history_user and record.history_user.username,
                )
            ] += 1
    return found


def _link(link):
    library = Library.objects.filter(pk=link.library_id).first()
    return library.natural_key() if library else ("gone",)


def everything():
    return rows(), natural_history()


# The files ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", FIXTURES)
def test_a_fixture_names_rows_by_natural_key_alone(name):
    assert all(set(row) == {"model", "fields"} for row in read(name))


@pytest.mark.parametrize("order", [FIXTURES, FIXTURES[::-1]])
def test_every_row_is_valid(order):
    load(*order)
    for model in MODELS:
        assert model.objects.exists()
        for obj in model.objects.all():
            stored = obj.__dict__.copy()
            obj.full_clean()
            assert (
                obj.__dict__.items() >= {k: v for k, v in stored.items() if k[0] != "_"}.items()
            )


def test_the_tutorial_has_what_the_page_says():
    load("tutorial")
    assert set(Library.objects.values_list("address", "state", "zip_code", "phone_number")) == {
        ("455 5th Ave", "NY", "10016", "212-222-6559"),
        ("2234 Jackson Ave", "NY", "11783", "516-221-1334"),
        ("65 Witherspoon Street", "NJ", "08542-3214", "609-924-9529"),
        ("10 W 14th Avenue Pkwy", "CO", "80204", "720-865-1111"),
    }
    assert set(Patron.objects.values_list("name", flat=True)) == {"Bob Smith", "Jane Doe"}
    assert Librarian.objects.get().name == "Philip J. Fry"
    assert Book.objects.count() == 3


def test_the_demo_is_large_enough_to_look_alive():
    load("demo")
    counts = [model.objects.count() for model in (Library, Patron, Librarian, Book)]
    assert counts == [63, 300, 45, 200]
    states = set(Library.objects.values_list("state", flat=True))
    assert len(states) > 40
    assert states <= {code for code, _name in STATE_CHOICES}
    assert Library.objects.filter(zip_code__startswith="0").count() >= 10
    assert max(book.libraries.count() for book in Book.objects.all()) == 12
    assert Book.objects.filter(libraries=None).exists()
    assert not Library.objects.exclude(phone_number__regex=r"^\d{3}-555-01\d\d$").exists()


def test_loading_twice_changes_nothing():
    load(*FIXTURES)
    rows = everything()
    pks = [set(model.objects.values_list("pk", flat=True)) for model in MODELS]
    load(*FIXTURES)
    assert everything() == rows
    assert [set(model.objects.values_list("pk", flat=True)) for model in MODELS] == pks


def test_loading_writes_a_record_of_history_of_each_row():
    load(*FIXTURES)
    load(*FIXTURES)
    for model in (Library, Patron, Librarian, Book):
        written = model.history.values_list("id", "history_type", "history_change_reason")
        rows = model.objects.values_list("pk", flat=True)
        assert sorted(written) == [(pk, "+", "manage.py loaddata") for pk in sorted(rows)]


# Roles --------------------------------------------------------------------------------


@pytest.fixture
def sign_in(client):
    def sign_in(role):
        load("roles")
        user = make_user(username=role)
        user.groups.add(Group.objects.get(name=role))
        client.force_login(user)
        return user

    return sign_in


def library_permissions(user):
    return {
        p.removeprefix("library.") for p in user.get_all_permissions() if p[:8] == "library."
    }


def allowed(actions, *models):
    return {f"{action}_{model}" for action in actions for model in models}


ALL = ("add", "change", "delete", "view")
FOUR = ("library", "patron", "librarian", "book")
HISTORY = allowed(
    ["view"],
    *(
        model._meta.model_name
        for model in apps.get_app_config("library").get_models()
        if hasattr(model, "instance_type")
    ),
)


ERASING = allowed(["erase"], "librarian", "patron")


@pytest.mark.parametrize(
    ("role", "permissions"),
    [
        ("Administrator", allowed([*ALL, "export"], *FOUR) | HISTORY | ERASING),
        ("Manager", allowed([*ALL, "export"], *FOUR) | HISTORY),
        ("Cataloguer", allowed([*ALL, "export"], "book") | allowed(["view"], *FOUR)),
        ("Front desk", allowed(["add", "change"], "patron") | allowed(["view"], *FOUR)),
        ("Auditor", allowed(["view"], *FOUR) | HISTORY),
    ],
)
def test_a_role_may_do_this_to_the_models_of_the_library(sign_in, role, permissions):
    assert library_permissions(sign_in(role)) == permissions


@pytest.mark.parametrize(
    ("role", "users"),
    [
        ("Administrator", allowed(ALL, "user", "group")),
        ("Manager", {"view_user"}),
        ("Cataloguer", set()),
        ("Front desk", set()),
        ("Auditor", {"view_user", "view_group"}),
    ],
)
def test_a_role_may_do_this_to_accounts(sign_in, role, users):
    found = {p for p in sign_in(role).get_all_permissions() if p.startswith("auth.")}
    assert found == {f"auth.{permission}" for permission in users}


def test_front_desk_adds_patrons_and_leaves_libraries_alone(client, sign_in):
    sign_in("Front desk")
    library = make_library()
    response = client.post(
        reverse("admin:library_patron_add"), {"name": "Bob Smith", "library": library.pk}
    )
    assert response.status_code == 302
    assert Patron.objects.get().name == "Bob Smith"
    page = reverse("admin:library_library_change", args=[library.pk])
    assert client.get(page).status_code == 200
    assert client.post(page, {"name": "Mine"}).status_code == 403
    assert client.get(reverse("admin:library_library_add")).status_code == 403
    patron = reverse("admin:library_patron_delete", args=[Patron.objects.get().pk])
    assert client.post(patron, {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("make", [make_library, make_patron, make_librarian, make_book])
def test_an_auditor_sees_all_and_changes_nothing(client, sign_in, make):
    user = sign_in("Auditor")
    assert user.has_perm("backoffice.view_entry")
    more = [p for p in user.get_all_permissions() if ".view_" not in p]
    assert more == ["backoffice.export_entry"]
    row = make()
    name = f"admin:library_{row._meta.model_name}"
    before = everything()
    assert client.get(reverse(f"{name}_changelist")).status_code == 200
    assert client.get(reverse(f"{name}_change", args=[row.pk])).status_code == 200
    assert client.post(reverse(f"{name}_change", args=[row.pk]), {}).status_code == 403
    assert client.post(reverse(f"{name}_delete", args=[row.pk]), {}).status_code == 403
    assert client.post(reverse(f"{name}_add"), {}).status_code == 403
    assert everything() == before


# Dump and load ------------------------------------------------------------------------


@pytest.fixture
def dump(tmp_path):
    """`dump()` writes the database by natural keys to a file and gives its path."""

    def dump(*labels, primary=True, kind="json"):
        path = tmp_path / f"dump.{kind}"
        call_command(
            "dumpdata",
            *(labels or ("library", "auth.group")),
            format=kind,
            use_natural_foreign_keys=True,
            use_natural_primary_keys=primary,
            output=str(path),
            verbosity=0,
        )
        return str(path)

    return dump


@pytest.fixture
def flush():
    """`flush()` empties the database."""

    def flush():
        # PostgreSQL empties no table while the test's transaction has checks pending.
        connection.check_constraints()
        call_command("flush", interactive=False, verbosity=0)
        assert not any(model.objects.exists() for model in MODELS)

    yield flush
    # The content types that it made are rolled back; this process remembers their keys.
    ContentType.objects.clear_cache()


def test_a_dump_of_the_fixtures_gives_back_the_same_database(dump, flush):
    load(*FIXTURES)
    before, path = everything(), dump()
    flush()
    load(path)
    assert everything() == before
    load(path)
    assert everything() == before


@pytest.mark.parametrize("kind", ["json", "jsonl", "yaml"])
def test_a_dump_brings_each_row_its_history(dump, flush, kind):
    """Rows that are gone leave gaps, so that no primary key returns as it was."""
    for _ in range(3):
        make_library()
    Library.objects.all()[:2][0].delete()
    user = make_user(username="clerk")
    library, other = make_library(), make_library()
    patron, book = make_patron(library=library), make_book(libraries=[library, other])
    make_librarian(library=other)
    patron._history_user = user
    patron.library = other
    patron.save()
    library.book_set.remove(book)
    before, path = everything(), dump("library", "auth", kind=kind)
    flush()
    load(path)
    assert everything() == before
    patron = Patron.objects.get()
    assert [record.library.pk for record in patron.history.order_by("history_id")] == [
        Library.objects.get(name=library.name).pk,
        Library.objects.get(name=other.name).pk,
    ]
    assert patron.history.latest().history_user.username == "clerk"
    load(path)
    assert everything() == before


def test_the_history_of_a_row_that_is_gone_joins_no_other_row(dump, flush):
    gone = make_library(name="Gone")
    make_patron(library=gone)
    make_book(title="Kept", libraries=[gone])
    gone.delete()
    make_library(name="Here")
    before, path = everything(), dump()
    flush()
    load(path)
    assert everything() == before
    assert Library.objects.get().history.count() == 1
    assert Library.history.filter(name="Gone").count() == 2
    assert Patron.history.filter(history_type="-").exists()
    make_patron(library=make_library())
    assert Patron.objects.get().history.count() == 1


def test_a_dump_with_primary_keys_keeps_those_of_rows_that_are_gone(dump):
    gone = make_patron()
    pk, library_pk = gone.pk, gone.library_id
    gone.library.delete()
    path = dump(primary=False)
    Patron.history.all().delete()
    load(path)
    assert set(Patron.history.values_list("id", "library_id")) == {(pk, library_pk)}


def test_a_dump_is_refused_where_two_rows_share_a_natural_key(dump):
    library = make_library(name="Seaford", zip_code="11783")
    make_patron(name="Bob Smith", library=library)
    make_patron(name="Bob Smith", library=library)
    with pytest.raises(CommandError, match=r"two rows of library.patron .*'Bob Smith'.*rename"):
        dump()


def test_history_without_its_row_is_refused(dump, tmp_path):
    make_library(name="Seaford", zip_code="11783")
    nodes = json.loads(Path(dump("library.HistoricalLibrary")).read_text("utf-8"))
    assert nodes[0]["fields"]["id"] == ["Seaford", "11783"]
    nodes[0]["fields"]["id"] = ["Nowhere", "00000"]
    path = tmp_path / "other.json"
    path.write_text(json.dumps(nodes), encoding="utf-8")
    with pytest.raises(CommandError, match=r"other.json, record 1 .*Nowhere"):
        load(str(path))
