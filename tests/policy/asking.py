"""What is sent to each URL: valid arguments, a valid query, and a form that writes.

A new URL needs one line here, in `PAGES` or, if one model alone has it, in `OF_ONE_MODEL`.
"""

from dataclasses import dataclass, field
from typing import Any

from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.auth.models import Group, User
from django.contrib.contenttypes.models import ContentType
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from backoffice.changes.models import Change
from backoffice.exports.made import ExportFile
from backoffice.signin.links import token_for
from backoffice.trail.models import Entry
from library.models import Book, Librarian, Library, Patron
from tests.everything.loans.models import Loan
from tests.policy.identities import PASSWORD
from tests.policy.table import SHORT
from tests.policy.world import OWNED

NEW_PASSWORD = "the slow fern hums at nine"
PICKERS = {
    Library: "book_set",
    Book: "libraries",
    Loan: "books",
    User: "groups",
    Group: "permissions",
}
FILTERS = {Library: "state=NY", Patron: "name=Ann", Librarian: "name=Lee", Book: "title=Dune"}
CHANGES = {
    Library: {"address": "2 Street"},
    Patron: {"name": "Anne"},
    Librarian: {"name": "Leigh"},
    Book: {"title": "Dune II"},
    Loan: {"renewals": "1"},
    User: {"first_name": "Clara"},
    Group: {"name": "Readers of books"},
}


@dataclass
class Sent:
    """args, query: of the URL · data: of the form · name: of the URL, if not the row's."""

    args: tuple[Any, ...] = ()
    query: str = ""
    data: dict[str, Any] = field(default_factory=dict)


@dataclass
class Asking:
    """A row of the policy's table, asked for by an account."""

    world: Any
    model: Any
    account: Any
    page: str

    @property
    def row(self):
        if (self.model, self.account) in self.world.owned:
            return self.world.owned[self.model, self.account]
        return self.world.rows[self.model]

    def url(self, page, *args):
        opts = self.model._meta
        return reverse(f"admin:{opts.app_label}_{opts.model_name}_{page}", args=args)

    def job(self, status):
        return self.world.jobs[self.model, status]

    # Lists --------------------------------------------------------------------------

    def action(self, name, **data):
        return Sent(data={"action": name, ACTION_CHECKBOX_NAME: [self.row.pk], **data})

    def edit(self):
        (name, value), *_rest = CHANGES[self.model].items()
        sent = {"change": name, f"edit-{name}": value, "_apply": "1"}
        expected = self.world.fingerprint(self.model, name, value)
        return self.action("edit_selected", **sent, expected=expected)

    def save_filter(self):
        return Sent(query=FILTERS.get(self.model, "renewals=0"), data={"name": "Mine"})

    # Forms --------------------------------------------------------------------------

    def add(self):
        world = self.world
        data = {
            Library: {
                "name": "New",
                "address": "1 Street",
                "state": "NY",
                "phone_number": "212-222-6559",
                "zip_code": "10001",
            },
            Patron: {"name": "Bob", "library": world.home.pk},
            Librarian: {"name": "Bob", "library": world.vacant.pk},
            Book: {"title": "New", "libraries": [world.home.pk]},
            Loan: {
                "number": "3",
                "patron": world.rows[Patron].pk,
                "books": [world.rows[Book].pk],
                "renewals": "0",
            },
            User: {
                "username": "new",
                "usable_password": "true",
                "password1": NEW_PASSWORD,
                "password2": NEW_PASSWORD,
            },
            Group: {"name": "New"},
        }.get(self.model)
        if data is None:
            return Sent()
        return Sent(data=world.form(self.url("add"), **data))

    def change(self):
        row = self.row
        changes = CHANGES.get(self.model, {"name": "Renamed"})
        if self.model in (Entry, Change, ExportFile) or self.model._meta.proxy:
            return Sent((row.pk,), data=changes)
        if self.model in OWNED:
            return Sent((row.pk,), data=changes)
        return Sent((row.pk,), data=self.world.form(self.url("change", row.pk), **changes))

    def version(self):
        """A record of the row before its last change."""
        row = self.row
        older = row.history.order_by("history_id")[1]
        return Sent((row.pk, older.pk))

    # Imports ------------------------------------------------------------------------

    def file(self):
        content = self.world.file(self.model, "Another").encode()
        return {"import_file": SimpleUploadedFile("g.csv", content)}

    def columns(self):
        job = self.job("uploaded")
        return Sent((job.pk,), data=self.world.plain_form(self.url("import_job", job.pk)))

    def review(self):
        return Sent((self.job("checked").pk,), data={"_apply": self.world.states[self.model]})

    def export(self, **data):
        return Sent(data=self.world.plain_form(self.url("export")) | {"format": "0", **data})


PAGES = {
    "changelist": lambda a: Sent(),
    "changelist: search": lambda a: Sent(query="q=e"),
    "changelist: delete selected": lambda a: a.action("delete_selected", post="yes"),
    "changelist: edit selected": lambda a: a.edit(),
    "changelist: export selected": lambda a: a.action("export_admin_action"),
    "save_filter": Asking.save_filter,
    "picker": lambda a: Sent(
        (PICKERS.get(a.model, "none"),), f"side=available&object_id={a.row.pk}"
    ),
    "add": Asking.add,
    "change": Asking.change,
    SHORT: lambda a: Sent((a.row.pk,)),
    "delete": lambda a: Sent((a.row.pk,), data={"post": "yes"}),
    "erase": lambda a: Sent((a.row.pk,), data={"confirmation": str(a.row)}),
    "history": lambda a: Sent((a.row.pk,)),
    "simple_history": Asking.version,
    "deleted": lambda a: Sent(),
    "restore": lambda a: Sent((a.world.gone[a.model],)),
    "import": lambda a: Sent(data=a.file()),
    "import_template_csv": lambda a: Sent(),
    "import_template_xlsx": lambda a: Sent(),
    "import_job": lambda a: Sent((a.job("done").pk,)),
    "import_job: columns": Asking.columns,
    "import_job: review": Asking.review,
    "import_progress": lambda a: Sent((a.job("checked").pk,)),
    "import_columns": lambda a: Sent((a.job("checked").pk,)),
    "import_profile": lambda a: Sent((a.job("checked").pk,), data={"name": "New"}),
    "import_replace": lambda a: Sent((a.job("checked").pk,), data=a.file()),
    "import_undo": lambda a: Sent((a.job("done").pk,)),
    "import_undo_records": lambda a: Sent(
        (a.job("done").pk,), data=dict.fromkeys(("shown", "leave"), written(a))
    ),
    "import_file": lambda a: Sent((a.job("checked").pk, "changes.csv")),
    "process_import": lambda a: Sent(data={"job": a.job("checked").pk, "_cancel": "1"}),
    "export": Asking.export,
    "export: background": lambda a: a.export(_background="1"),
    "export: keep": lambda a: a.export(_keep="1", profile_name="Mine"),
}

OF_ONE_MODEL = {
    "auth.user.password_change": lambda a: Sent(
        (a.row.pk,),
        data={
            "usable_password": "true",
            "password1": NEW_PASSWORD,
            "password2": NEW_PASSWORD,
        },
    ),
    "auth.user.sessions": lambda a: Sent((a.row.pk,), data={"_all": "1"}),
    "auth.user.second_factor": lambda a: Sent((a.row.pk,)),
    "backoffice.profile.change": lambda a: Sent(
        (a.row.pk,), data={"name": "Renamed", "options": "{}"}
    ),
    "backoffice.exportfile.file": lambda a: Sent((a.row.pk,)),
    "backoffice.exportfile.progress": lambda a: Sent((a.row.pk,)),
    "site.(root)": lambda a: Sent(),
    "site.help": lambda a: Sent(),
    "site.help: search": lambda a: Sent(query="q=import"),
    "site.help_page": lambda a: Sent(("how-to/undo",)),
    "site.help_image": lambda a: Sent(("admin.png",)),
    "site.own_sessions": lambda a: Sent(data={"_others": "1"}),
    "site.second_factor": lambda a: Sent(data={"code": "123456"}),
    "site.second_factor_code": lambda a: Sent(data={"code": "123456"}),
    "site.sign_in_link": lambda a: Sent(data={"username": "clerk"}),
    "site.sign_in_by_link": lambda a: Sent((token_for(a.world.rows[User]),)),
    "site.index": lambda a: Sent(),
    "site.first_steps": lambda a: Sent(),
    "site.login": lambda a: Sent(
        data={"username": getattr(a.account, "username", "clerk"), "password": PASSWORD}
    ),
    "site.language": lambda a: Sent(data={"language": "es"}),
    "site.logout": lambda a: Sent(),
    "site.password_change": lambda a: Sent(
        data={
            "old_password": PASSWORD,
            "new_password1": NEW_PASSWORD,
            "new_password2": NEW_PASSWORD,
        }
    ),
    "site.password_change_done": lambda a: Sent(),
    "site.autocomplete": lambda a: autocomplete(Patron, "library"),
    "site.autocomplete: books of a loan": lambda a: autocomplete(Loan, "books"),
    "site.jsi18n": lambda a: Sent(),
    "site.search": lambda a: Sent(query="q=e"),
    "site.view_on_site": lambda a: Sent(
        (ContentType.objects.get_for_model(Library).pk, a.world.home.pk)
    ),
    "site.app_list: library": lambda a: Sent(("library",)),
    "site.app_list: loans": lambda a: Sent(("loans",)),
    "site.app_list: backoffice": lambda a: Sent(("backoffice",)),
    "site.app_list: auth": lambda a: Sent(("auth",)),
    "site.admin/(?P<url>.*)$": lambda a: Sent(("no/such/page/",)),
}


def written(asking):
    records = asking.model.history.filter(history_change=asking.job("done"))
    return list(records.values_list("history_id", flat=True))


def autocomplete(model, name):
    opts = model._meta
    return Sent(
        query=f"app_label={opts.app_label}&model_name={opts.model_name}&field_name={name}&term="
    )


def sent(row, world, model, account):
    """What is sent for a row of the policy."""
    page = row.name.split(".", 2)[2] if model else row.name
    ask = OF_ONE_MODEL.get(row.name) or PAGES[page]
    return ask(Asking(world, model, account, page))
