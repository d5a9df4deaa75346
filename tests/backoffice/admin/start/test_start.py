"""The start page: what it shows, to whom, and at what cost."""

import datetime
from functools import partial
from types import SimpleNamespace

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client, RequestFactory
from django.utils import timezone
from django_otp.plugins.otp_totp.models import TOTPDevice

from backoffice.admin.start import figures
from backoffice.admin.start import page as page_module
from backoffice.admin.start.steps import first_steps
from backoffice.changes.models import Change
from backoffice.filters.models import SavedFilter
from backoffice.querysets.counts import Count
from backoffice.trail.record import record
from library.models import Book, Librarian, Library, Patron
from tests.backoffice.admin.pages import perm, seeing_history, statements
from tests.factories import (
    limit,
    make_book,
    make_librarian,
    make_library,
    make_patron,
    make_user,
)

pytestmark = pytest.mark.django_db


def start(client):
    page = client.get("/admin/")
    assert page.status_code == 200
    return page.context["start"]


def figures_of(client):
    return {each.name: (int(each.total), each.change) for each in start(client)["figures"]}


def needs(client):
    return {each.text: each for each in start(client)["needs"]}


def make_data(number=1):
    for _ in range(number):
        make_librarian(library=make_library(state="NY"))
        make_patron()  # in a library without a librarian
        make_book()


def make_work(number):
    """Imports that wait and that are done, and lines of the trail, each of another user."""
    for status in ("checked", "done"):
        for _ in range(number):
            user, library = make_user(), make_library()
            Change.objects.create(
                model="library.Library", title="f.csv", status=status, user=user, rejected=1
            )
            record("change", user=user, obj=library)


def test_it_has_a_figure_of_each_model_with_its_change_in_30_days(admin_client):
    make_data()
    make_patron().delete()
    old = make_library()
    before = timezone.now() - datetime.timedelta(days=40)
    Library.history.filter(id=old.pk).update(history_date=before)
    found = figures_of(admin_client)
    assert found["Libraries"] == (4, 3)
    assert found["Patrons"] == (1, 1)
    assert found["Books"] == (1, 1)


def test_one_sees_figures_of_what_one_may_view(client):
    make_data()
    client.force_login(make_user(permissions=("library.view_book",)))
    assert list(figures_of(client)) == ["Books"]
    assert not start(client)["imports_url"]
    assert not start(client)["activity_url"]


def test_who_may_nothing_is_told_so(client, admin_client):
    told = "You don’t have permission to view or edit anything."
    client.force_login(make_user())
    assert told in client.get("/admin/").text
    client.force_login(make_user(permissions=("auth.view_user",)))
    assert told not in client.get("/admin/").text
    assert told not in admin_client.get("/admin/").text


def test_what_needs_attention_leads_to_a_list_of_as_many(admin_client):
    make_data(2)
    make_library(name="Main", zip_code="10001")
    make_library(name="main", zip_code="10001")
    Patron.objects.first().delete()
    found = needs(admin_client)
    assert {text: int(need.number) for text, need in found.items()} == {
        "libraries have no librarian": 4,
        "libraries have no patrons": 5,
        "libraries look like another": 2,
        "books are in no library": 2,
        "patron was deleted in the last 7 days": 1,
    }
    for need in found.values():
        page = admin_client.get(need.url)
        if "cl" in page.context:
            assert page.context["cl"].result_count == need.number, need
        else:
            assert len(page.context["rows"]) == need.number, need


def test_imports_that_wait_are_counted_with_their_rejects(admin_client):
    for rejected in (180, 0):
        Change.objects.create(
            model="library.Library", title="f.csv", status="checked", rejected=rejected
        )
    Change.objects.create(model="library.Library", title="g.csv", status="done")
    (need,) = needs(admin_client).values()
    assert (need.number, need.text) == (2, "imports wait for your decision: 180 rows rejected")
    assert admin_client.get(need.url).context["cl"].result_count == 2
    assert [job["name"] for job in start(admin_client)["imports"]] == [
        "g.csv",
        "f.csv",
        "f.csv",
    ]


def test_so_many_imports_wait_as_are_told(admin_client):
    Change.objects.bulk_create(
        Change(model="library.Library", title="f.csv", status="checked", rejected=2)
        for _ in range(120)
    )
    (need,) = needs(admin_client).values()
    assert (need.number, need.text) == (
        120,
        "imports wait for your decision: 240 rows rejected",
    )


def test_the_map_and_the_plot_are_linked_and_have_tables(admin_client):
    for state in ("NY", "NY", "NY", "NJ"):
        make_library(state=state)
    (shown,) = start(admin_client)["maps"]
    assert (shown["title"], shown["of"]) == ("Libraries by state", "State")
    assert len(shown["tiles"]) % 12 == 0  # columns of the style sheet
    tiles = {tile.code: tile for tile in shown["tiles"]}
    assert (tiles["NY"].number, tiles["NY"].shade) == (3, 4)
    assert (tiles["TX"].number, tiles["TX"].shade) == (0, 0)
    assert admin_client.get(tiles["NJ"].url).context["cl"].result_count == 1
    assert [(row.name, row.number) for row in shown["rows"]] == [
        ("New Jersey", 1),
        ("New York", 3),
    ]
    (plot,) = start(admin_client)["plots"]
    assert [bar.number for bar in plot["bars"]] == [0] * 11 + [4]
    assert admin_client.get(plot["bars"][-1].url).context["cl"].result_count == 4
    html = admin_client.get("/admin/").content.decode()
    assert html.count("<table>") == 2
    assert " style=" not in html


def test_a_year_ends_between_two_months():
    months = figures.last_months(datetime.date(2027, 2, 14))
    assert (months[0], months[-1]) == (datetime.date(2026, 3, 1), datetime.date(2027, 2, 1))


def test_activity_is_that_of_all_staff_jobs_included(admin_client):
    record("import", name="command line", model=Library, count=3)
    entries = start(admin_client)["activity"]
    assert "command line" in [entry["who"] for entry in entries]


def test_whoever_may_not_view_the_activity_sees_their_own(client):
    user = make_user(permissions=("library.view_book",))
    record("export", name="somebody", model=Book)
    record("export", user=user, model=Book)
    client.force_login(user)
    entries = start(client)["activity"]
    assert entries
    assert {entry["who"] for entry in entries} == {user.get_username()}


# Limits, and what is kept -----------------------------------------------------------------


@pytest.fixture
def large(monkeypatch):
    """Tables too large to be counted in a request; what would be a thread runs at once."""

    class Thread:
        def __init__(self, target, args, daemon):
            self.run = lambda: target(*args)

        def start(self):
            self.run()

        def join(self, seconds):
            pass

    monkeypatch.setattr(figures, "count_rows", lambda rows: Count(1_000_000, rounded=True))
    monkeypatch.setattr(figures.threading, "Thread", Thread)
    monkeypatch.setattr(figures, "connection", SimpleNamespace(close=lambda: None))
    cache.clear()
    yield Thread
    cache.clear()


def limited(*libraries):
    rights = [perm("view", model) for model in (Library, Patron, Book)]
    user = make_user(permissions=(*rights, *seeing_history(Library)))
    limit(user, *libraries)
    return user


@pytest.mark.parametrize("kept", [False, True])
def test_a_user_with_limits_gets_figures_of_their_own(admin_client, request, kept):
    if kept:
        request.getfixturevalue("large")
    make_data(3)
    theirs = Library.objects.first()
    assert figures_of(admin_client)["Libraries"] == (6, 6)
    client = Client()
    client.force_login(limited(theirs))
    assert figures_of(client)["Libraries"] == (1, 1)
    assert "libraries have no patrons" not in needs(client)
    client.force_login(limited(*Library.objects.all()[:2]))
    assert figures_of(client)["Libraries"] == (2, 2)
    assert figures_of(admin_client)["Libraries"] == (6, 6)


@pytest.mark.usefixtures("large")
def test_kept_figures_are_not_those_of_somebody_who_may_view_more(client, monkeypatch):
    make_library()
    monkeypatch.setattr(admin.site.get_model_admin(Librarian), "on_start_page", False)
    sees_both = make_user(permissions=("library.view_library", "library.view_librarian"))
    client.force_login(sees_both)
    assert "library has no librarian" in needs(client)
    client.force_login(make_user(permissions=("library.view_library",)))
    assert list(needs(client)) == []


def test_figures_of_large_tables_are_kept_and_say_how_old_they_are(admin_client, large):
    make_library()
    assert figures_of(admin_client)["Libraries"] == (1, 1)
    make_library()
    assert figures_of(admin_client)["Libraries"] == (1, 1)
    (key,) = [key for key in cache._cache if "start-" in key]
    kept = cache.get(key.rpartition(":")[2])
    old = figures.replace(kept, at=timezone.now() - datetime.timedelta(minutes=20))
    cache.set(key.rpartition(":")[2], old)
    page = admin_client.get("/admin/").content.decode()
    assert "Counted 20\xa0minutes ago." in page
    assert figures_of(admin_client)["Libraries"] == (2, 2)


def test_nothing_is_counted_whole_in_the_request(admin_client, large, monkeypatch):
    make_library()
    monkeypatch.setattr(large, "start", lambda self: None)
    (figure, *_others) = start(admin_client)["figures"]
    assert (str(figure.total), figure.change) == ("about 1,000,000", None)
    assert b"is being counted" in admin_client.get("/admin/").content


def test_a_count_that_fails_is_logged_and_tried_again(admin_client, large, monkeypatch, caplog):
    make_library()
    closed = []
    monkeypatch.setattr(figures.connection, "close", lambda: closed.append(True))
    with monkeypatch.context() as patched:
        patched.setattr(figures, "count_all", lambda *args: 1 // 0)
        assert figures_of(admin_client)["Libraries"] == (1_000_000, None)
    (logged,) = caplog.records
    assert (logged.name, logged.levelname) == ("backoffice.admin.start.figures", "ERROR")
    assert figures_of(admin_client)["Libraries"] == (1, 1)
    assert closed == [True, True]


@pytest.mark.parametrize("kept", [False, True])
def test_it_takes_the_same_statements_for_few_rows_and_for_many(admin_client, request, kept):
    if kept:
        request.getfixturevalue("large")
    make_data(2)
    make_work(1)
    few = statements(admin_client, "/admin/")
    make_data(20)
    make_work(4)
    assert statements(admin_client, "/admin/") == few
    if kept:
        assert few <= 10


# The first steps of a new account -------------------------------------------------------


def steps(client):
    return {step.url: step.is_done for step, _help in start(client)["steps"]}


def test_a_new_account_sees_its_first_steps_by_its_rights(client, admin_client):
    assert {
        "/admin/library/library/",
        "/admin/library/library/add/",
        "/admin/library/library/import/",
        "/admin/library/library/export/",
        "/admin/auth/user/",
        "/admin/second-factor/",
    } <= set(steps(admin_client))
    client.force_login(make_user(permissions=[perm("view", Book)]))
    assert list(steps(client)) == ["/admin/library/book/", "/admin/second-factor/"]
    page = client.get("/admin/")
    assert "Filter a list" in page.text
    for step, help in page.context["start"]["steps"]:
        address, _hash, anchor = help.partition("#")
        assert client.get(step.url).status_code == 200
        assert not anchor or f'id="{anchor}"' in client.get(address).text


def test_steps_are_done_by_doing_and_go_once_all_are(client):
    rights = [perm(action, Patron) for action in ("view", "add", "change")]
    user = make_user(permissions=rights)
    client.force_login(user)
    assert not any(steps(client).values())
    record("add", user=make_user(), obj=make_patron())  # somebody else
    assert not any(steps(client).values())
    record("add", user=user, obj=make_patron())
    SavedFilter.objects.create(user=user, model="library.Patron", name="Mine", query="q=a")
    assert [url for url, is_done in steps(client).items() if not is_done] == [
        "/admin/library/patron/import/",
        "/admin/second-factor/",
    ]
    record("import", user=user, model=Patron)
    TOTPDevice.objects.create(user=user, confirmed=True)
    client.session.flush()
    client.force_login(user)
    assert first_steps(admin.site, request_of(user), [admin.site.get_model_admin(Patron)]) == []


def request_of(user):
    request = RequestFactory().get("/admin/")
    request.user = user
    return request


def test_they_are_put_away_by_a_button_for_good(client):
    user = make_user(permissions=[perm("view", Book)])
    client.force_login(user)
    assert "First steps" in client.get("/admin/").text
    assert client.get("/admin/first-steps/").status_code == 405
    for _twice in range(2):
        assert client.post("/admin/first-steps/").url == "/admin/"
    elsewhere = Client()
    elsewhere.force_login(user)
    assert "First steps" not in elsewhere.get("/admin/").text
    client.force_login(make_user(permissions=[perm("view", Book)]))
    assert "First steps" in client.get("/admin/").text


def test_an_account_is_new_for_30_days(client):
    user = make_user(permissions=[perm("view", Book)])
    client.force_login(user)
    assert steps(client)
    User.objects.update(date_joined=timezone.now() - datetime.timedelta(days=31))
    assert not steps(client)


@pytest.mark.parametrize(
    ("hours", "said"),
    [((4, 11), "Good morning"), ((12, 17), "Good afternoon"), ((18, 23, 0, 3), "Good evening")],
)
def test_staff_are_greeted_by_name(client, monkeypatch, hours, said):
    now = timezone.localtime()
    user = make_user(username="asmith", permissions=[perm("view", Book)])
    for hour in hours:
        localtime = partial(now.replace, hour=hour)
        monkeypatch.setattr("backoffice.admin.start.page.timezone.localtime", localtime)
        assert page_module.greeting(user) == f"{said}, asmith"
    user.first_name = "Ann"
    assert page_module.greeting(user) == f"{said}, Ann"
