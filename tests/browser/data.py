"""The data of the browser tests: the demo, and something of everything that a page can show.

Run as a program, makes the server's own database and static files, and prints a JSON
object with `sessions` (session keys by user name) and `pages` (paths by name).
"""

import datetime
import json

import django

django.setup()

from django.contrib.auth.models import Group, User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.test import Client  # noqa: E402
from django.urls import reverse  # noqa: E402
from django.utils import timezone  # noqa: E402

from backoffice.changes.decisions import Decision  # noqa: E402
from backoffice.changes.deletion import Deletion  # noqa: E402
from backoffice.changes.models import Change  # noqa: E402
from backoffice.changes.profiles import Profile  # noqa: E402
from backoffice.exports.profiles import ExportProfile  # noqa: E402
from backoffice.filters.models import SavedFilter  # noqa: E402
from backoffice.jobs.exports import create_export, make_export  # noqa: E402
from backoffice.jobs.review import Review  # noqa: E402
from backoffice.jobs.steps import apply_job, check_job, create_job, undo_job  # noqa: E402
from library.models import Book, Librarian, Library, Patron  # noqa: E402
from library.resources import LibraryResource  # noqa: E402

HEADER = b"name,address,state,phone_number,zip_code\n"
GOOD = b"Princeton,65 Witherspoon Street,NJ,609-924-9529,08542-3214\n"
BAD = b"Seaford,2234 Jackson Ave,NY,-4,11783\nX,Y,ZZ,212-222-6559,8542\n"


def session_of(user):
    client = Client()
    client.force_login(user)
    return client.session.session_key


def job_page(job, page="job"):
    return reverse(f"admin:library_library_import_{page}", args=[job.pk])


def import_pages(user):
    def job(*blocks):
        name = "a-rather-long-file-name-of-branches-2026.csv"
        return create_job(LibraryResource, blocks, file_name=name, user=user)

    uploaded = job(HEADER, GOOD)
    running = job(HEADER, GOOD)
    running.take("uploaded", to="checking")
    stopped = job(HEADER, BAD)
    checked, decided = job(HEADER, GOOD, BAD), job(HEADER, GOOD, BAD)
    library = Library.objects.first()
    like = f"{library.name.upper()},2 New Street,NY,212-222-6559,{library.zip_code}\n"
    alike = job(HEADER, like.encode())
    failed = job(b"a,b\n1,2\n")
    change = f"{library.name},1 New Street,{library.state},212-222-6559,{library.zip_code}\n"
    done = job(HEADER, GOOD.replace(b"Princeton", b"New Branch"), change.encode())
    undone = job(HEADER, GOOD.replace(b"Princeton", b"Undone Branch"))
    for each in (stopped, checked, decided, alike, failed, done, undone):
        check_job(each)
    review = Review(decided)
    review.decide(user, Decision(line=3, answer="skip"))
    review.decide(user, Decision(line=4, field="state", answer="text", text="NY"))
    apply_job(done)
    apply_job(undone)
    undone = undo_job(undone, user=user)
    profile = Profile.objects.create(
        name="County",
        model="library.Library",
        resource="library.resources.LibraryResource",
        options={"overrides": {"name": "LIBNAME"}},
        owner=user,
    )
    abandoned = job(HEADER, GOOD)
    long_ago = timezone.now() - datetime.timedelta(days=3)
    Change.objects.filter(pk=abandoned.pk).update(created_at=long_ago)
    # Others use one of the new rows by now: the undo's page names it.
    Book.objects.first().libraries.add(Library.objects.get(name="New Branch"))
    return {
        "import upload": reverse("admin:library_library_import"),
        "import columns": job_page(uploaded),
        "import running": job_page(running),
        "import review": job_page(checked),
        "import review of new": job_page(checked) + "?tab=new",
        "import review of all": job_page(checked) + "?tab=all",
        "import review of values": job_page(checked) + "?tab=rejected&values=phone_number",
        "import review of one row": job_page(checked) + "?tab=rejected&edit=3",
        "import review of look-alikes": job_page(alike),
        "import review of decisions": job_page(decided) + "?tab=decided",
        "import review of what is set aside": job_page(decided) + "?tab=rejected",
        "import stopped": job_page(stopped),
        "import failed": job_page(failed),
        "import done": job_page(done),
        "import undo": job_page(done, "undo"),
        "import undo records": job_page(done, "undo_records"),
        "import undone": job_page(undone),
        "imports": reverse("admin:backoffice_change_changelist"),
        "edits and deletions": reverse("admin:backoffice_bulkedit_changelist"),
        "profiles": reverse("admin:backoffice_profile_changelist"),
        "profile change": reverse("admin:backoffice_profile_change", args=[profile.pk]),
    }


def deleted_pages(user):
    """Two deleted libraries; a patron of the second is there again."""
    address = {"address": "1 Main Street", "phone_number": "212-222-6559", "state": "NY"}
    for name in ("Gone Branch", "Closed Branch"):
        library = Library.objects.create(name=name, zip_code="10016", **address)
        patron = Patron.objects.create(name=f"Reader of {name}", library=library)
        Patron.objects.create(name=f"Member of {name}", library=library)
        Librarian.objects.create(name=f"Keeper of {name}", library=library)
        Book.objects.first().libraries.add(library)
        rows = Library.objects.filter(pk=library.pk)
        Deletion(rows).run(title=f"Library: {name}", user=user, reason="Deleted")
    Patron.objects.create(pk=patron.pk, name=patron.name, library=Library.objects.first())
    return {
        "library deleted": reverse("admin:library_library_deleted"),
        "library restore": reverse("admin:library_library_restore", args=[library.pk]),
        "patron deleted": reverse("admin:library_patron_deleted"),
    }


def history_pages(user):
    library, book = Library.objects.first(), Book.objects.first()
    library._history_user = book._history_user = user
    library.address = "1 Some Other Street"
    library.save()
    book.libraries.add(*Library.objects.all()[:12])
    book.title += ", second edition"
    book.save()
    return {
        "library history": reverse("admin:library_library_history", args=[library.pk]),
        "book history": reverse("admin:library_book_history", args=[book.pk]),
        "book version": reverse(
            "admin:library_book_simple_history", args=[book.pk, book.history.last().pk]
        ),
    }


def crowded_pages():
    """A library with more patrons than are deleted without a word, one whose rows stay."""
    crowded, thronged = (
        Library.objects.create(
            name=f"{name} Branch",
            address="1 Main Street",
            state="WY",
            phone_number="307-555-0100",
            zip_code="82001",
        )
        for name in ("Crowded", "Thronged")
    )
    Patron.objects.bulk_create(
        [Patron(name=f"Crowd {n:03}", library=crowded) for n in range(160)]
        + [Patron(name=f"Throng {n:03}", library=thronged) for n in range(120)]
    )
    return {
        "crowded delete": reverse("admin:library_library_delete", args=[crowded.pk]),
        "crowd list": reverse("admin:library_patron_changelist") + "?q=crowd&p=2",
    }


def filter_pages(user):
    libraries = reverse("admin:library_library_changelist")
    saved = SavedFilter.objects.create(
        user=user, model="library.Library", name="New Jersey", query="state=NJ", shared=True
    )
    profile = ExportProfile.objects.create(
        user=user,
        model="library.Library",
        name="For the post",
        resource="LibraryResource",
        columns=["zip_code", "name", "librarian", "fax"],
        format="xlsx",
        shared=True,
    )
    wrong = "?patron_count_min=x&added_since=2026-13-01&book=Nope&changed_by_import=999"
    several = "?state=NJ&state=NY&name=library&librarian=yes&patron_count_min=1&o=-1"
    return {
        "library filters": libraries + several,
        "library filter that can't be": libraries + wrong,
        "library save filter": reverse("admin:library_library_save_filter") + several,
        "saved filters": reverse("admin:backoffice_savedfilter_changelist"),
        "saved filter change": reverse("admin:backoffice_savedfilter_change", args=[saved.pk]),
        "saved filter delete": reverse("admin:backoffice_savedfilter_delete", args=[saved.pk]),
        "export profiles": reverse("admin:backoffice_exportprofile_changelist"),
        "export profile change": reverse(
            "admin:backoffice_exportprofile_change", args=[profile.pk]
        ),
    }


def export_pages(user):
    def made(query="", column="name"):
        return create_export(
            Library,
            user=user,
            site="admin",
            query=query,
            ticked=[],
            form={"format": "0", "resource": "0", f"libraryresource_{column}": "on"},
            name=f"libraries {query or 'all of them'} 2026-11-27.csv",
            content_type="text/csv",
        )

    exports = {
        "waiting": made("state=NY"),
        "running": made("state=NJ"),
        "ready": made(),
        "failed": made("state=CA", "fax"),
    }
    exports["running"].change.take("uploaded", to="checking")
    Change.objects.filter(pk=exports["running"].pk).update(rows=172_690, progress=84_000)
    Change.objects.filter(pk=exports["waiting"].pk).update(waiting="checking")
    for name in ("ready", "failed"):
        make_export(exports[name].change)
    return {
        "exports": reverse("admin:backoffice_exportfile_changelist"),
        **{
            f"export {name}": reverse("admin:backoffice_exportfile_change", args=[each.pk])
            for name, each in exports.items()
        },
        "large export": reverse("admin:library_library_export") + "?o=-1",
    }


def form_pages():
    pages = {}
    for model in (Library, Patron, Librarian, Book, User, Group):
        opts, first = model._meta, model.objects.order_by("pk").first()
        name = f"admin:{opts.app_label}_{opts.model_name}"
        pages |= {
            f"{opts.model_name} list": reverse(f"{name}_changelist"),
            f"{opts.model_name} add": reverse(f"{name}_add"),
            f"{opts.model_name} change": reverse(f"{name}_change", args=[first.pk]),
            f"{opts.model_name} delete": reverse(f"{name}_delete", args=[first.pk]),
        }
    libraries = pages["library list"]
    return pages | {
        "library filtered": libraries + "?state=NY",
        "library searched": libraries + "?q=branch&o=2.-1",
        "library none": libraries + "?q=there+is+no+such+library",
        "library second page": libraries + "?p=2",
        "library export": reverse("admin:library_library_export"),
        "book export": reverse("admin:library_book_export"),
        "user password": reverse(
            "admin:auth_user_password_change", args=[User.objects.first().pk]
        ),
    }


def inline_pages():
    library = Library.objects.create(
        name="Many Patrons Library",
        address="1 Main Street",
        state="NY",
        phone_number="212-222-6559",
        zip_code="10016",
    )
    Patron.objects.bulk_create(
        Patron(name=f"Reader {n:04}", library=library) for n in range(1100)
    )
    change = reverse("admin:library_library_change", args=[library.pk])
    return {
        "library of many patrons": change,
        "library of many patrons in the middle": change + "?patron_set-p=20",
        "library of many patrons searched": change + "?patron_set-q=reader+01",
        "library of many patrons none": change + "?patron_set-q=nobody",
    }


def main():
    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    call_command("loaddata", "tutorial", "roles", "demo", verbosity=0)
    admin = User.objects.create_superuser("admin", password="walk the pages")
    colleague = User.objects.create_superuser("colleague")
    viewer = User.objects.create_user("viewer", is_staff=True)
    viewer.groups.add(Group.objects.get(name="Auditor"))
    pages = {
        "index": reverse("admin:index"),
        "library app": reverse("admin:app_list", args=["library"]),
        "password change": reverse("admin:password_change"),
        "activity": reverse("admin:backoffice_entry_changelist"),
        "search": reverse("admin:search") + "?q=main",
        "not found": "/admin/nowhere/",
        **form_pages(),
        **inline_pages(),
        **history_pages(admin),
        **deleted_pages(admin),
        **import_pages(admin),
        **crowded_pages(),
        **filter_pages(admin),
        **export_pages(admin),
    }
    sessions = {user.username: session_of(user) for user in (admin, colleague, viewer)}
    print(json.dumps({"sessions": sessions, "pages": pages}))  # noqa: T201


if __name__ == "__main__":
    main()
