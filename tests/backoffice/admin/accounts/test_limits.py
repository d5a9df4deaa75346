"""What an account is limited to is set on its page."""

import json

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from backoffice.filters.scopes import Scope
from library.models import Library
from tests.backoffice.admin.pages import form_data, url
from tests.factories import limit, make_library, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def account():
    return make_user(username="ann")


@pytest.fixture
def page(account):
    return url(User, "change", account.pk)


def save(client, page, **changes):
    data = form_data(client.get(page))
    data |= {"limited_to-added": "", "limited_to-removed": "", "limited_to-names": ""}
    return client.post(page, data | changes)


def errors(answer):
    return answer.context["adminform"].form.errors


def test_libraries_are_picked_and_a_filter_is_written(admin_client, account, page):
    ours = make_library(name="Ours", state="AK")
    by_name = make_library(name="By name", state="AK")
    make_library(name="Found", state="NY")
    answer = save(
        admin_client,
        page,
        limited="on",
        **{"limited_to-added": json.dumps([str(ours.pk)]), "limited_to-names": "By name"},
        limited_by="?state=NY",
    )
    assert answer.status_code == 302
    scope = Scope.objects.get(user=account)
    assert (scope.keys, scope.filter) == ([ours.pk, by_name.pk], "state=NY")
    assert scope.rows(Library.objects.all()).count() == 3
    assert "3 libraries" in admin_client.get(page, follow=True).text
    rows = reverse("admin:auth_user_picker", args=["limited_to"])
    query = {"object_id": account.pk, "side": "chosen"}
    found = admin_client.get(rows, query).json()
    assert {row["text"] for row in found["results"]} == {"Ours", "By name"}
    assert found["count"] == 2
    available = admin_client.get(rows, query | {"side": "available"}).json()
    assert {row["text"] for row in available["results"]} == {"Found"}
    removed = {"limited_to-remove": [str(ours.pk)]}
    assert save(admin_client, page, limited="on", limited_by="state=NY", **removed)
    assert Scope.objects.get(user=account).keys == [by_name.pk]


def test_a_tick_taken_out_ends_the_limits(admin_client, account, page):
    limit(account, make_library())
    data = form_data(admin_client.get(page))
    assert data["limited"]
    del data["limited"]
    data["limited_to-added"] = ""
    assert admin_client.post(page, data).status_code == 302
    assert not Scope.objects.exists()


def test_what_says_nothing_is_refused(admin_client, page):
    library = str(make_library().pk)
    assert "limited" in errors(save(admin_client, page, limited="on"))
    assert "limited" in errors(save(admin_client, page, limited_by="state=NY"))
    picked = {"limited_to-added": json.dumps([library])}
    assert "limited" in errors(save(admin_client, page, **picked))
    for query in ("state=", "state=ZZ", "patron_count_min=1", "x=1", "NY"):
        answer = save(admin_client, page, limited="on", limited_by=query)
        assert "limited_by" in errors(answer), query
    assert not Scope.objects.exists()


def test_another_change_keeps_the_limits_even_of_deleted_libraries(admin_client, account, page):
    library = make_library()
    limit(account, library)
    key = library.pk
    library.delete()
    assert save(admin_client, page, limited="on", email="ann@example.org").status_code == 302
    assert Scope.objects.get(user=account).keys == [key]


def test_a_form_without_the_fields_leaves_the_limits(admin_client, account, page):
    limit(account, make_library(), filter="state=NY")
    data = form_data(admin_client.get(page), email="ann@example.org")
    for name in ("limited", "limited_to", "limited_by"):
        data.pop(name, None)
    assert admin_client.post(page, data).status_code == 302
    assert Scope.objects.get(user=account).filter == "state=NY"


def test_limits_that_somebody_set_meanwhile_stay(admin_client, account, page):
    library = make_library()
    opened = form_data(admin_client.get(page)) | {"limited_to-added": ""}
    limit(account, library)
    assert admin_client.post(page, opened | {"email": "ann@example.org"}).status_code == 302
    assert Scope.objects.get(user=account).keys == [library.pk]
    account.refresh_from_db()
    assert account.email == "ann@example.org"


def test_a_filter_that_somebody_wrote_meanwhile_stays(admin_client, account, page):
    library, another = make_library(), make_library()
    limit(account, library)
    opened = form_data(admin_client.get(page))
    limit(account, library, filter="state=NY")
    picked = {"limited_to-added": json.dumps([str(another.pk)])}
    assert admin_client.post(page, opened | picked).status_code == 302
    scope = Scope.objects.get(user=account)
    assert (scope.keys, scope.filter) == ([library.pk, another.pk], "state=NY")


def test_limits_that_somebody_ended_meanwhile_are_not_set_again(admin_client, account, page):
    limit(account, make_library())
    opened = form_data(admin_client.get(page)) | {"limited_to-added": ""}
    Scope.objects.all().delete()
    assert admin_client.post(page, opened | {"email": "ann@example.org"}).status_code == 302
    assert not Scope.objects.exists()


def test_nobody_sets_their_own(client, account):
    manager = make_user(
        permissions=["auth.view_user", "auth.change_user", "library.view_library"]
    )
    client.force_login(manager)
    assert (
        "limited"
        in client.get(url(User, "change", account.pk)).context["adminform"].form.fields
    )
    own = client.get(url(User, "change", manager.pk))
    assert "limited" not in own.context["adminform"].form.fields
    assert "Not limited" in own.text
    rows = reverse("admin:auth_user_picker", args=["limited_to"])
    query = {"object_id": manager.pk, "side": "available"}
    assert client.get(rows, query).status_code == 403
    client.post(url(User, "change", manager.pk), {"limited": "on", "limited_by": "state=NY"})
    assert not Scope.objects.exists()


def test_users_with_limits_see_no_account(client, account):
    manager = make_user(permissions=["auth.view_user", "auth.change_user"])
    client.force_login(limit(manager, make_library()))
    assert client.get(url(User, "changelist")).status_code == 403
    assert client.get(url(User, "change", account.pk)).status_code in (302, 403)


def test_who_may_only_view_accounts_is_told(client, account):
    limit(account, make_library(name="Ours"), filter="state=NY")
    client.force_login(make_user(permissions=["auth.view_user"]))
    text = client.get(url(User, "change", account.pk)).text
    assert "Ours, those found by “state=NY”" in text
