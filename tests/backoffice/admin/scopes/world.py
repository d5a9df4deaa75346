"""A manager limited to one branch, and another branch whose every name says *Faraway*."""

from types import SimpleNamespace

from django.contrib.admin.models import CHANGE, DELETION, LogEntry
from django.contrib.auth.models import Permission
from django.contrib.contenttypes.models import ContentType

from backoffice.changes.models import Change
from backoffice.changes.profiles import Profile
from backoffice.exports.made import ExportFile
from backoffice.exports.profiles import ExportProfile
from backoffice.filters.models import SavedFilter
from backoffice.trail.record import record
from library.models import Book, Librarian, Library, Patron
from tests.everything.loans.models import Loan
from tests.factories import (
    limit,
    make_book,
    make_librarian,
    make_library,
    make_patron,
    make_user,
)

#: What stands in rows of the other branch alone.
MARKS = ("Faraway", "99777", "907-777")
DOMAIN = (Library, Patron, Librarian, Book, Loan)


def log(user, row, flag=CHANGE):
    record("change", user=user, obj=row, message=f"About {row}")
    LogEntry.objects.create(
        user=user,
        content_type=ContentType.objects.get_for_model(row),
        object_id=str(row.pk),
        object_repr=str(row),
        action_flag=flag,
        change_message=f"About {row}",
    )


def make_world(*, by="keys"):
    """`ours` and `theirs` by model, `gone` that was deleted, and the `user`."""
    admin = make_user(username="admin", is_superuser=True)
    user = make_user(username="manager")
    user.user_permissions.set(Permission.objects.all())
    ours, theirs = {}, {}
    hall = make_library(name="Our Hall", state="NY")
    far = make_library(
        name="Elsewhere Faraway Hall",
        address="1 Elsewhere Faraway Road",
        state="AK",
        zip_code="99777",
        phone_number="907-777-7777",
    )
    for rows, library, word in ((ours, hall, "Our"), (theirs, far, "Elsewhere Faraway")):
        rows[Library] = library
        rows[Patron] = make_patron(name=f"{word} Patron", library=library)
        rows[Librarian] = make_librarian(name=f"{word} Librarian", library=library)
        rows[Book] = make_book(title=f"{word} Book", libraries=[library])
        rows[Loan] = Loan.objects.create(number=f"{word.split()[-1]} Loan", patron=rows[Patron])
    shared = make_book(title="Shared Book", libraries=[hall, far])
    lost = make_book(title="Elsewhere Faraway Lost Book", libraries=[far])
    moved = make_patron(name="Elsewhere Faraway Former", library=far)
    moved.name, moved.library = "Moved Patron", hall
    moved.save()
    gone = make_patron(name="Elsewhere Faraway Gone", library=far)
    log(user, gone, DELETION)
    keys = {Patron: gone.pk, Book: lost.pk}
    gone.delete()
    lost.delete()
    for row in (*theirs.values(), moved, shared):
        log(admin, row)
    for row in theirs.values():
        log(user, row)
    SavedFilter.objects.create(
        user=admin,
        model="library.Patron",
        name="Elsewhere Faraway",
        query="q=Faraway",
        shared=True,
    )
    ExportProfile.objects.create(
        user=admin,
        model="library.Patron",
        name="Elsewhere Faraway",
        resource="PatronResource",
        columns=["name"],
        format="csv",
        shared=True,
    )
    exported = Change.objects.create(
        kind=Change.Kind.EXPORT, model="library.Patron", title="Elsewhere Faraway", user=admin
    )
    ExportFile.objects.create(change=exported, name="Elsewhere Faraway.csv")
    change = Change.objects.create(
        kind=Change.Kind.EDIT, model="library.Patron", title="Elsewhere Faraway", user=admin
    )
    profile = Profile.objects.create(
        name="Elsewhere Faraway",
        owner=admin,
        model="library.Patron",
        resource="library.resources.PatronResource",
        headers=["name"],
    )
    limits = {"filter": "state=NY"} if by == "filter" else {}
    return SimpleNamespace(
        admin=admin,
        user=limit(user, *([] if limits else [hall]), **limits),
        ours=ours,
        theirs=theirs,
        shared=shared,
        moved=moved,
        gone=keys,
        change=change,
        profile=profile,
    )


def told(text):
    """The marks of the other branch in a text."""
    return [mark for mark in MARKS if mark in text]


def written():
    """All rows of the domain, with their links, to compare."""
    rows = {model: list(model.objects.order_by("pk").values()) for model in DOMAIN}
    return rows, list(Book.libraries.through.objects.order_by("pk").values())
