"""Every page of the site, tried by a manager of one branch against another: nothing is told.

The pages are those of the URL resolver. A page without a line here fails.
"""

import re

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.contrib.messages import get_messages
from django.urls import URLResolver, reverse

from backoffice.changes.models import BulkEdit, Change
from backoffice.changes.profiles import Profile
from backoffice.exports.made import ExportFile
from backoffice.exports.profiles import ExportProfile
from backoffice.filters.models import SavedFilter
from backoffice.trail.models import Entry
from library.models import Book, Librarian, Library, Patron
from tests.backoffice.admin.scopes.world import DOMAIN, make_world, told, written

pytestmark = pytest.mark.django_db

ABSENT = 987_654  # a key that no row has

#: By the end of its name, what the pages of a model are given beside the key of a row.
OF_ONE_ROW = {
    "change",
    "delete",
    "erase",
    "file",
    "history",
    "password_change",
    "progress",
    "restore",
    "second_factor",
    "sessions",
    "sign_in_link",
    "simple_history",
}
OF_ONE_CHANGE = {
    "import_job": (),
    "import_progress": (),
    "import_columns": (),
    "import_profile": (),
    "import_replace": (),
    "import_undo": (),
    "import_undo_records": (),
    "import_file": ("rejects",),
}
#: Queries that each page without a key is asked with.
OF_MANY_ROWS = {
    "changelist": (
        "",
        "q=Elsewhere",
        "q=Book",
        "libraries=Elsewhere",
        "library=Elsewhere",
        "book=Elsewhere",
        "libraries__state=AK",
        "library__state=AK",
        "state=AK",
        "all=",
        "o=1.2.3.4",
        "_popup=1&_to_field=id",
        "user={admin}",
        "library={theirs}",
        "added_since=2020-01-01",
        "looks_like_another=yes",
        "_facets=True",
    ),
    "add": ("", "library={theirs}", "_popup=1&_to_field=id", "libraries={theirs}"),
    "deleted": ("", "q=Elsewhere"),
    "export": ("", "q=Elsewhere"),
    "save_filter": ("q=Elsewhere", "library=Elsewhere"),
    "import": ("",),
    "import_template_csv": ("",),
    "import_template_xlsx": ("",),
}
PICKERS = {"picker": {Library: "book_set", Book: "libraries"}}
SITE = {
    "index": ("",),
    "app_list": ("",),
    "jsi18n": ("",),
    "password_change": ("",),
    "password_change_done": ("",),
    "search": ("q=Elsewhere", "q=Book", "q=AK"),
}
#: Pages that tell of no row, or that other tests try.
ELSEWHERE = {
    "autocomplete",
    "first_steps",
    "help",
    "help_image",
    "help_page",
    "language",
    "login",
    "logout",
    "own_sessions",
    "process_import",
    "second_factor_code",
    "sign_in_by_link",
    "view_on_site",
}


@pytest.fixture(params=["keys", "filter"])
def world(request, client):
    world = make_world(by=request.param)
    client.force_login(world.user)
    return world


def pages():
    """`{(model or None, end of the name): names of the parameters}` of the site."""
    found = {}
    for pattern in admin.site.get_urls():
        if isinstance(pattern, URLResolver):
            continue
        if pattern.name:
            found[None, pattern.name] = list(pattern.pattern.converters)
    for model, model_admin in admin.site._registry.items():
        opts = model._meta
        for pattern in model_admin.get_urls():
            if name := pattern.name:
                end = name.removeprefix(f"{opts.app_label}_{opts.model_name}_")
                found[model, end] = list(pattern.pattern.converters)
    return found


def address(model, end, *args):
    if model is None:
        return reverse(f"admin:{end}", args=args)
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{end}", args=args)


def test_every_page_has_a_line_here():
    known = {*OF_ONE_ROW, *OF_ONE_CHANGE, *OF_MANY_ROWS, *PICKERS, *SITE, *ELSEWHERE}
    assert {end for _model, end in pages()} <= known


def ask(client, where, world, query=""):
    """The answers to a GET, with what it redirects to."""
    query = query.format(admin=world.admin.pk, theirs=world.theirs[Library].pk)
    answer = client.get(f"{where}?{query}" if query else where, follow=True)
    assert answer.status_code in (200, 400, 403, 404), where
    return text_of(answer)


def text_of(answer):
    return b"".join(answer).decode("utf-8", "replace")


def test_pages_of_many_rows_tell_nothing(client, world):
    tried = [(m, end, OF_MANY_ROWS[end]) for m, end in pages() if m and end in OF_MANY_ROWS]
    tried += [(None, end, queries) for end, queries in SITE.items()]
    failed = []
    for model, end, queries in tried:
        args = ["library"] if end == "app_list" else []
        for query in queries:
            if marks := told(ask(client, address(model, end, *args), world, query)):
                failed.append((model, end, query, marks))
    assert failed == [], "\n".join(map(str, failed))


def others(world):
    """`{model: keys of rows that the user may not see}`."""
    entries = Entry.objects.exclude(user=world.user).values_list("pk", flat=True)
    return {
        **{model: [row.pk] for model, row in world.theirs.items()},
        Change: [world.change.pk],
        BulkEdit: [world.change.pk],
        Profile: [world.profile.pk],
        SavedFilter: [SavedFilter.objects.get().pk],
        ExportFile: [ExportFile.objects.get().pk],
        ExportProfile: [ExportProfile.objects.get().pk],
        Entry: list(entries[:1]),
        Group: [Group.objects.get_or_create(name="Elsewhere")[0].pk],
        type(world.user): [world.admin.pk],
    }


def alone(client, method, where):
    """The answer, without the messages of answers before it."""
    client.cookies.pop("messages", None)
    return method(where, {"post": "yes"})


def said(answer):
    """What the page says, and what the next one will."""
    return text_of(answer) + "".join(map(str, get_messages(answer.wsgi_request)))


def same(text, key):
    """A page without what differs from one answer to the next, and without the key."""
    text = re.sub(r'(name="csrfmiddlewaretoken"|name="_once") value="[^"]*"', "", text)
    return re.sub(rf"(?<=[/“]){key}(?=[/”])", "KEY", text)


def first_difference(one, other):
    lines = zip(one.splitlines(), other.splitlines(), strict=False)
    return next(((a.strip(), b.strip()) for a, b in lines if a != b), ())


@pytest.mark.parametrize("world", ["keys"], indirect=True)  # the pages are many
def test_pages_of_a_row_elsewhere_are_those_of_a_row_that_is_not_there(client, world):
    before, failed = written(), []
    rows = others(world)
    assert set(rows) == set(admin.site._registry)
    for model, end in pages():
        if end not in OF_ONE_ROW or model is None:
            continue
        for key in [*rows[model], *([world.gone[model]] if model in world.gone else [])]:
            more = [ABSENT - 1] if end == "simple_history" else []
            for method in (client.get, client.post):
                there, absent = (
                    alone(client, method, address(model, end, each, *more))
                    for each in (key, ABSENT)
                )
                texts = same(said(there), key), same(said(absent), ABSENT)
                if there.status_code != absent.status_code or texts[0] != texts[1]:
                    codes = there.status_code, absent.status_code
                    failed.append(
                        (model, end, method.__name__, codes, *first_difference(*texts))
                    )
    assert failed == [], "\n".join(map(str, failed))
    assert written() == before


def test_pages_of_ones_own_rows_tell_nothing(client, world):
    failed = []
    rows = {**world.ours, "shared": world.shared, "moved": world.moved}
    for row in rows.values():
        for end in ("change", "delete", "history"):
            if marks := told(ask(client, address(type(row), end, row.pk), world)):
                failed.append((row, end, marks))
        for record in row.history.all():
            page = address(type(row), "simple_history", row.pk, record.pk)
            if marks := told(ask(client, page, world)):
                failed.append((row, "simple_history", record.history_type, marks))
    assert failed == [], "\n".join(map(str, failed))


def test_pages_of_a_change_of_somebody_else(client, world):
    failed = []
    for model, end in pages():
        if end not in OF_ONE_CHANGE:
            continue
        for method in (client.get, client.post):
            there, absent = (
                method(address(model, end, key, *OF_ONE_CHANGE[end]), follow=True)
                for key in (world.change.pk, ABSENT)
            )
            if there.status_code != absent.status_code or told(text_of(there)):
                failed.append((model, end, method.__name__, there.status_code))
    assert failed == [], "\n".join(map(str, failed))


def test_pickers_and_autocompletion_offer_ones_own(client, world):
    failed = []
    for model, name in PICKERS["picker"].items():
        for row in (world.ours[model], world.shared if model is Book else None, None):
            for side in ("available", "chosen"):
                query = {"side": side, "object_id": row.pk if row else ""}
                answer = client.get(address(model, "picker", name), query)
                if told(answer.text):
                    failed.append((model, name, side, row))
        query = {"side": "chosen", "object_id": world.theirs[model].pk}
        assert client.get(address(model, "picker", name), query).status_code == 404
    for model in DOMAIN:
        for field in (*model._meta.fields, *model._meta.many_to_many):
            if not field.remote_field:
                continue
            query = {
                "app_label": model._meta.app_label,
                "model_name": model._meta.model_name,
                "field_name": field.name,
                "term": "",
            }
            for term in ("", "Elsewhere", "Hall"):
                answer = client.get(reverse("admin:autocomplete"), query | {"term": term})
                if told(answer.text):
                    failed.append((model, field, term))
    assert failed == [], "\n".join(map(str, failed))


def test_view_on_site_tells_nothing(client, world, monkeypatch):
    monkeypatch.setattr(Library, "get_absolute_url", lambda row: f"/{row.name}/", raising=False)
    kind = ContentType.objects.get_for_model(Library).pk
    answers = [
        client.get(reverse("admin:view_on_site", args=[kind, key]))
        for key in (world.theirs[Library].pk, ABSENT)
    ]
    assert [answer.status_code for answer in answers] == [404, 404]
    ours = client.get(reverse("admin:view_on_site", args=[kind, world.ours[Library].pk]))
    assert ours.status_code == 302


def test_numbers_are_of_ones_own(client, world):
    for model, number in ((Library, 1), (Patron, 2), (Librarian, 1), (Book, 2)):
        changelist = client.get(address(model, "changelist")).context["cl"]
        assert (changelist.result_count, changelist.full_result_count) == (number, number)
    (book,) = (
        row
        for row in client.get(address(Book, "changelist")).context["cl"].result_list
        if row == world.shared
    )
    assert book._libraries_count == 1
    (library,) = client.get(address(Library, "changelist")).context["cl"].result_list
    assert (library._patron_count, library._book_count) == (2, 2)
