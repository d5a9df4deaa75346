"""Files of any name, with cells of any text, from the upload to the undo, by the pages.

Each page answers and has no text as HTML, no download a live formula, and the rows add up.
"""

import io
import json
import re

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from openpyxl.cell import WriteOnlyCell

from backoffice.admin.changes.base import downloads
from backoffice.changes.models import Change
from backoffice.exports.formats import FORMATS
from backoffice.jobs.review import Review
from library.models import Patron
from tests.backoffice.admin.pages import url
from tests.factories import make_library, make_user
from tests.policy.hostile.files import NAMES, alive, csv_file
from tests.policy.hostile.sending import noted, problem
from tests.policy.hostile.texts import TEXTS

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.slow,
    pytest.mark.skipif(connection.vendor != "sqlite", reason="the pages are the same"),
]

HEADER = ["name", "library"]
GOOD = [HEADER, ["Ann", "Home"], ["Bob", "Home"]]
TABS = ("new", "unchanged", "rejected", "alike", "open", "decided")


class Staff:
    """A superuser who imports; each answer is looked at."""

    def __init__(self):
        self.client, self.wrong = Client(), []
        self.user = make_user(username="root", is_superuser=True)
        self.client.force_login(self.user)
        make_library(name="Home")

    def ask(self, method, address, *args, **kwargs):
        try:
            with noted() as lines:
                response = getattr(self.client, method)(address, *args, **kwargs)
                content = (
                    b"".join(response.streaming_content)
                    if response.streaming
                    else response.content
                )
        except Exception as error:
            self.wrong.append(f"{address}: {type(error).__name__}: {error}"[:500])
            return None, b""
        if said := problem(response, content, lines):
            self.wrong.append(f"{address}: {said}")
        return response, content

    def upload(self, name, content):
        """The import; None if its file was refused."""
        file = SimpleUploadedFile("x", content)
        file._name = name  # as given: Django's own names would be cleaned here already
        before = set(Change.objects.values_list("pk", flat=True))
        self.ask("post", url(Patron, "import"), {"import_file": file})
        return Change.objects.exclude(pk__in=before).first()

    def check(self, job):
        address = url(Patron, "import_job", job.pk)
        page, _content = self.ask("get", address)
        if page is not None and page.context and "form" in page.context:
            form = page.context["form"]
            self.ask("post", address, {b.html_name: b.value() for b in form if b.value()})
        job.refresh_from_db()
        return job.status == Change.Status.CHECKED

    def look(self, job, *texts):
        address = url(Patron, "import_job", job.pk)
        for tab in TABS:
            self.ask("get", address, {"tab": tab})
        for text in texts:
            self.ask("get", address, {"tab": "new", "q": text})

    def write(self, job):
        address = url(Patron, "import_job", job.pk)
        self.ask("post", address, {"_apply": Review(job).state})
        job.refresh_from_db()
        self.ask("get", address)

    def download(self, job):
        for name in downloads(job, self.user):
            response, content = self.ask("get", url(Patron, "import_file", job.pk, name))
            self.wrong += [f"{name} has the formula {cell!r}" for cell in alive(name, content)]
            if response is not None and len(response["Content-Disposition"].splitlines()) > 1:
                self.wrong.append(f"{name} has two headers")

    def export(self):
        for number, format_class in enumerate(FORMATS):
            data = {"format": str(number), "resource": "", **dict.fromkeys(FIELDS, "on")}
            response, content = self.ask("post", url(Patron, "export"), data)
            assert getattr(response, "streaming", False), format_class
            name = f"x.{format_class.name}"
            self.wrong += [f"{name} has the formula {cell!r}" for cell in alive(name, content)]

    def look_after(self, *texts):
        self.ask("get", url(Patron, "changelist"))
        self.ask("get", url(Patron, "deleted"))
        self.ask("get", "/admin/")
        for model in ("change", "entry"):
            self.ask("get", f"/admin/backoffice/{model}/")
        for text in texts:
            self.ask("get", url(Patron, "changelist"), {"q": text[:500]})
        for patron in Patron.objects.order_by("-pk")[:4]:
            self.ask("get", url(Patron, "change", patron.pk))
            self.ask("get", url(Patron, "history", patron.pk))

    def undo(self, job):
        for page in ("import_undo", "import_undo_records"):
            self.ask("get", url(Patron, page, job.pk))
        self.ask("post", url(Patron, "import_undo", job.pk), {"confirmation": str(job.new)})
        undo = Change.objects.get(undoes=job)
        assert undo.status == Change.Status.DONE
        self.ask("get", url(Patron, "import_job", undo.pk))


FIELDS = ("patronresource_name", "patronresource_library")


@pytest.fixture
def staff(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    settings.SESSION_PROOF_MINUTES = 600
    return Staff()


def add_up(job):
    assert job.rows == sum((job.new, job.updated, job.unchanged, job.rejected))
    return job.rows


def test_cells_of_any_text_are_imported_or_refused(staff):
    texts = [text[:2_000] for text in TEXTS.values()]
    short = [text[:200] for text in texts]
    sought = short[::6]
    cells = [*texts, *short, *(f"{number} {text[:150]}" for number, text in enumerate(texts))]
    rows = [HEADER, *([text, "Home"] for text in cells), *(["Ann", text] for text in short)]
    job = staff.upload("texts.csv", csv_file(rows))
    assert staff.check(job), (job.status, job.error)
    assert add_up(job) >= len(rows) - 10
    staff.look(job, *sought)
    staff.download(job)
    staff.write(job)
    assert (job.status, job.error) == ("done", "")
    assert Patron.objects.count() == job.new > len(texts)
    staff.download(job)
    staff.export()
    staff.look_after(*sought)
    staff.undo(job)
    assert not Patron.objects.exists()
    staff.look_after()
    assert not staff.wrong


NOT_IN_XML = re.compile(r"[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def workbook(rows):
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    for row in rows:
        cells = [WriteOnlyCell(sheet, NOT_IN_XML.sub("", text)) for text in row]
        for cell in cells:
            cell.data_type = "s"  # a text, also where it begins as a formula does
        sheet.append(cells)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def objects(rows):
    header, *others = rows
    return json.dumps([dict(zip(header, row, strict=True)) for row in others]).encode()


def lines(rows):
    header, *others = rows
    found = (json.dumps(dict(zip(header, row, strict=True))) for row in others)
    return "\n".join(found).encode()


@pytest.mark.parametrize(
    ("name", "make"), [("x.xlsx", workbook), ("x.json", objects), ("x.jsonl", lines)]
)
def test_cells_of_other_formats_too(staff, name, make):
    texts = [text[:200] for text in TEXTS.values()]
    rows = [HEADER, *([text, "Home"] for text in texts), ["Ann", texts[-1]], ["Ann", "Home"]]
    job = staff.upload(name, make(rows))
    assert staff.check(job), (job.status, job.error)
    assert add_up(job) >= len(rows) - 10
    staff.look(job, *texts[::9])
    staff.download(job)
    staff.write(job)
    assert (job.status, job.error) == ("done", "")
    staff.download(job)
    staff.look_after()
    staff.undo(job)
    assert not staff.wrong


@pytest.mark.parametrize(
    "content",
    [
        b'[{"name": ' + b"[" * 100_000 + b"]" * 100_000 + b', "library": "Home"}]',
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b'[{"name": 1e999999, "library": "Home"}]',
        b'[{"name": ' + b"9" * 100_000 + b', "library": "Home"}]',
        b'[{"name": NaN, "library": -Infinity}]',
        b'[{"name": {"$ne": null}, "library": ["Home", {"a": []}]}]',
        b'[{"__proto__": {"name": "x"}, "name": null, "library": true}]',
        b"[[[]]]",
        b'"name"',
        b"null",
        b'[{"name": "\\ud800", "library": "Home"}]',
        b'[{"name": "a", "name": "b", "library": "Home"}]',
    ],
    ids=range(12),
)
def test_json_of_any_shape_is_imported_or_refused(staff, content):
    job = staff.upload("x.json", content)
    if job is not None and staff.check(job):
        add_up(job)
        staff.look(job)
        staff.download(job)
    staff.ask("get", "/admin/backoffice/change/")
    assert not Patron.objects.exists()
    assert not staff.wrong


@pytest.mark.parametrize("kind", NAMES)
def test_a_file_of_any_name_is_imported_or_refused(staff, tmp_path, kind):
    rows = [*GOOD, ["=1+1", "Home"], ["Eve", "Nowhere"]]
    job = staff.upload(NAMES[kind], csv_file(rows))
    if job is not None:
        assert {path.name for path in tmp_path.glob("*")} <= {"imports", "static", "media"}
        assert staff.check(job)
        assert add_up(job) == 4
        staff.look(job)
        staff.download(job)
        staff.write(job)
        staff.look_after()
        staff.ask("get", "/admin/backoffice/change/", {"q": NAMES[kind]})
        staff.undo(job)
        staff.look_after()
    assert not staff.wrong
