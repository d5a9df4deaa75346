"""The activity list: who did what and when, to read only."""

import pytest
from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.urls import reverse

from library.models import Library
from tests.backoffice.admin.pages import perm, url
from tests.factories import make_library, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def entry(db):
    library = make_library(name="Main")
    return LogEntry.objects.create(
        user=make_user(username="fry"),
        content_type=ContentType.objects.get_for_model(Library),
        object_id=str(library.pk),
        object_repr="Main",
        action_flag=CHANGE,
        change_message='[{"changed": {"fields": ["Name"]}}]',
    )


def test_it_needs_the_permission_to_view_log_entries(client, entry):
    client.force_login(make_user(permissions=[perm("view", Library)]))
    assert client.get(url(LogEntry, "changelist")).status_code == 403
    client.force_login(make_user(permissions=[perm("view", LogEntry)]))
    page = client.get(url(LogEntry, "changelist"))
    for text in ("fry", "Changed Name.", "Main", "Activity"):
        assert text in page.text
    assert client.get(url(LogEntry, "change", entry.pk)).status_code == 200


def test_nobody_writes_to_it(admin_client, entry):
    assert admin_client.get(url(LogEntry, "add")).status_code == 403
    assert admin_client.post(url(LogEntry, "change", entry.pk)).status_code == 403
    assert admin_client.post(url(LogEntry, "delete", entry.pk)).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": entry.pk, "post": "yes"}
    admin_client.post(url(LogEntry, "changelist"), chosen)
    assert LogEntry.objects.filter(pk=entry.pk).exists()


def test_an_account_with_a_log_can_not_be_deleted(admin_client, entry):
    response = admin_client.post(url(User, "delete", entry.user_id), {"post": "yes"})
    assert response.status_code == 403
    assert User.objects.filter(username="fry").exists()


def test_an_entry_leads_to_its_object_unless_that_was_deleted(admin_client, entry):
    address = reverse("admin:library_library_change", args=[entry.object_id])
    assert address in admin_client.get(url(LogEntry, "changelist")).text
    LogEntry.objects.update(action_flag=DELETION)
    assert address not in admin_client.get(url(LogEntry, "changelist")).text


def test_it_is_searched_filtered_and_browsed_by_date(admin_client, entry):
    LogEntry.objects.create(
        user=make_user(username="leela"), object_repr="Other", action_flag=ADDITION
    )
    for query in (
        {"q": "fry"},
        {"q": "Main"},
        {"action_flag": CHANGE},
        {"user": entry.user_id},
    ):
        response = admin_client.get(url(LogEntry, "changelist"), query)
        assert list(response.context["cl"].result_list) == [entry], query
    year = {"action_time__year": entry.action_time.year}
    page = admin_client.get(url(LogEntry, "changelist"), year)
    assert page.context["cl"].result_count == 2
    assert "action_time__month=" in page.text


def test_the_menu_calls_it_activity(admin_client, entry):
    page = admin_client.get(reverse("admin:index"))
    names = [str(m["name"]) for app in page.context["app_list"] for m in app["models"]]
    assert "Activity" in names
    assert "Log entries" not in names
