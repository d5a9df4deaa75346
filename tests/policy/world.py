"""The rows that the cells of the policy are about."""

import shutil
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import Group, Permission, User
from django.test import Client
from django.urls import reverse

from backoffice.changes.deletion import Deletion
from backoffice.changes.models import BulkEdit, Change
from backoffice.changes.profiles import Profile
from backoffice.exports.made import ExportFile
from backoffice.exports.profiles import ExportProfile
from backoffice.filters.models import SavedFilter
from backoffice.jobs.exports import limits_now
from backoffice.jobs.review import Review
from backoffice.jobs.steps import apply_job, check_job, create_job
from backoffice.trail.models import Entry
from library.models import Book, Librarian, Library, Patron
from tests.backoffice.admin.pages import form_data
from tests.everything.loans.models import Loan
from tests.factories import make_book, make_librarian, make_library, make_patron, make_user
from tests.policy.identities import PASSWORD

DOMAIN = (Library, Patron, Librarian, Book, Loan)
#: What the rows had before.
OLD = {
    Library: {"address": "0 Street"},
    Patron: {"name": "An"},
    Librarian: {"name": "Le"},
    Book: {"title": "Dun"},
    Loan: {"renewals": 2},
}
BRANCH = "name,address,state,phone number,ZIP code\n{},1 Street,NY,212-222-6559,10001\n"
#: What each account has of its own.
OWNED: dict[Any, dict[str, Any]] = {
    SavedFilter: {"query": "state=NY"},
    ExportProfile: {"resource": "PatronResource", "columns": ["name"], "format": "csv"},
}


class World:
    """A branch, `home`, with something of everything; another branch, `away`, has nothing."""

    def __init__(self):
        self.home = make_library(name="Home", zip_code="11111")
        self.away = make_library(name="Away", zip_code="22222")
        # Whose librarian an import or a form adds.
        self.vacant = make_library(name="Vacant", zip_code="33333")
        vacant_too = make_library(name="Vacant too", zip_code="44444")
        self.homes = [self.home, self.vacant, vacant_too]
        self.maker = make_user(username="maker", is_superuser=True)
        patron = make_patron(name="Ann", library=self.home)
        self.rows = {
            Library: self.home,
            Patron: patron,
            Librarian: make_librarian(name="Lee", library=self.home),
            Book: make_book(title="Dune", libraries=[self.home]),
            Loan: Loan.objects.create(number="1", patron=make_patron(name="Cy")),
            User: make_user(username="clerk", password=PASSWORD),
            Group: Group.objects.create(name="Readers"),
        }
        view_book = Permission.objects.get(codename="view_book")
        self.rows[Group].permissions.add(view_book)
        self.rows[Entry] = Entry.objects.create(
            action="add",
            user=self.maker,
            name="maker",
            model="library.Patron",
            object_id=str(patron.pk),
            object_name="Ann",
        )
        for model, changes in OLD.items():  # their history has a version to go back to
            for values in (changes, {n: getattr(self.rows[model], n) for n in changes}):
                for name, value in values.items():
                    setattr(self.rows[model], name, value)
                self.rows[model].save()
        self.gone = {model: self.delete(model) for model in DOMAIN}
        self.jobs = {
            (model, status): self.job(model, status)
            for model in DOMAIN
            for status in ("uploaded", "checked", "done")
        }
        self.homes.append(Library.objects.get(name="Done"))  # which an import made
        self.states = {model: Review(self.jobs[model, "checked"]).state for model in DOMAIN}
        self.rows[Change] = self.jobs[Patron, "done"]
        self.rows[BulkEdit] = Change.objects.filter(kind="deletion", model="library.Patron")[0]
        self.rows[Profile] = Profile.objects.create(
            model="library.Patron",
            resource="library.resources.PatronResource",
            name="Supplier",
            owner=self.maker,
            options={},
        )
        self.owned: dict[Any, Any] = {}
        self.forms: dict[Any, Any] = {}
        self.folder = ExportFile()  # where the file of each account's export lies
        self.folder.make_directory()
        (self.folder.directory / "made").write_text("name")
        self.client = Client()
        self.client.force_login(self.maker)

    def add_account(self, account):
        """An account has a saved filter, an export and a profile of exports of its own."""
        for model, fields in OWNED.items():
            self.owned[model, account] = model.objects.create(
                user=account or self.maker, model="library.Patron", name="Known", **fields
            )
        change = Change.objects.create(
            kind=Change.Kind.EXPORT,
            status=Change.Status.DONE,
            user=account or self.maker,
            model="library.Patron",
            rows=1,
        )
        self.owned[ExportFile, account] = ExportFile.objects.create(
            change=change,
            site="admin",
            form={"format": "0", "resource": "0", "patronresource_name": "on"},
            name="patrons.csv",
            folder=self.folder.folder,
            file="made",
            limits=limits_now(account),
        )

    def delete(self, model):
        """The key of a row that was deleted."""
        vacant = make_library(name="Closed")
        row = {
            Library: lambda: vacant,
            Patron: lambda: make_patron(name="Gone", library=self.home),
            Librarian: lambda: make_librarian(name="Gone", library=self.vacant),
            Book: lambda: make_book(title="Gone", libraries=[self.home]),
            Loan: lambda: Loan.objects.create(number="2", patron=self.rows[Loan].patron),
        }[model]()
        pk = row.pk
        Deletion(model.objects.filter(pk=pk)).run(
            title="1", user=self.maker, reason="", reason_with=""
        )
        return pk

    def file(self, model, name="New", vacant="Vacant"):
        """A file of one new row."""
        return {
            Library: BRANCH.format(name),
            Patron: f"name,library\n{name},Home\n",
            Librarian: f"name,library\n{name},{vacant}\n",
            Book: f"title,libraries\n{name},Home\n",
            Loan: f"number,patron\n{name},Cy\n",
        }[model]

    def job(self, model, status):
        resource = admin.site.get_model_admin(model).resource_classes[0]
        name = {"done": "Done", "checked": "New"}.get(status, "Other")
        vacant = "Vacant too" if status == "done" else "Vacant"
        content = self.file(model, name, vacant).encode()
        job = create_job(resource, [content], file_name="f.csv", user=self.maker)
        if status != "uploaded":
            check_job(job)
        if status == "done":
            apply_job(job)
        return Change.objects.get(pk=job.pk)

    # Forms --------------------------------------------------------------------------

    def fingerprint(self, model, name, value):
        """What the page of an edit says of the records that it was made for."""
        key = ("edit", model)
        if key not in self.forms:
            opts, client = model._meta, self.client
            address = reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist")
            asked = {"action": "edit_selected", "_selected_action": [self.rows[model].pk]}
            sent = {"change": name, f"edit-{name}": value, "_preview": "1"}
            self.forms[key] = client.post(address, asked | sent).context["expected"]
        return self.forms[key]

    def form(self, page, /, **changes):
        """What a browser would send of the form on the page."""
        if page not in self.forms:
            self.forms[page] = form_data(self.client.get(page))
        return self.forms[page] | changes

    def plain_form(self, page):
        """The same of a page that has one form."""
        if page not in self.forms:
            form = self.client.get(page).context["form"]
            self.forms[page] = {b.html_name: b.value() for b in form if b.value()}
        return self.forms[page]


class Files:
    """The files of imports; a rolled-back transaction does not bring them back."""

    def __init__(self, copy):
        self.folder, self.copy = Path(settings.DATA_DIR), copy
        shutil.copytree(self.folder, copy)
        self.before = self.listing()

    def listing(self):
        return {
            (str(path), path.stat().st_mtime_ns, path.stat().st_size)
            for path in self.folder.rglob("*")
            if path.is_file()
        }

    def restore(self):
        if self.listing() != self.before:
            shutil.rmtree(self.folder)
            shutil.copytree(self.copy, self.folder)
            self.before = self.listing()
