"""The pages of exports that a worker makes."""

import re

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from backoffice.jobs import workers
from tests.backoffice.admin.lists.test_exports import EXPORT, unread
from tests.backoffice.admin.records.made import ask, content, fresh, page, run_worker
from tests.factories import make_library

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_page_offers_the_worker_first_for_many_rows(client, ann, settings):
    settings.EXPORT_WORKER_ROWS = 1
    workers.give_sign()
    make_library()
    few = client.get(reverse(EXPORT))
    assert not few.context["is_large"]
    make_library()
    many = client.get(reverse(EXPORT))
    first = many.text.index("Make it in the background")
    assert first < many.text.index("Export at once")
    workers.sign_off()
    without = client.get(reverse(EXPORT)).text
    assert "No worker has been seen lately" in without
    assert "Export at once" not in without
    assert content(unread(client))  # as ever


def test_the_page_says_that_no_worker_is_there(client, ann):
    make_library()
    made = ask(client)
    assert "No worker has been seen lately" in re.sub(
        r'<p class="errornote" data-worker hidden>[^<]*', "", page(client, made).text
    )
    workers.give_sign()
    assert page(client, made).context["worker_is_missing"] is False


def test_a_waiting_export_is_cancelled(client, ann):
    make_library()
    made = ask(client)
    client.post(reverse("admin:backoffice_exportfile_change", args=[made.pk]))
    run_worker()
    assert fresh(made).change.status == "cancelled"
    again = client.post(
        reverse("admin:backoffice_exportfile_change", args=[made.pk]), follow=True
    )
    assert "Nothing was done: the export has ended since." in again.text


def test_the_list_has_the_state_of_each(client, ann):
    make_library()
    ask(client)
    run_worker()
    ask(client, "?state=NY")
    listed = client.get(reverse("admin:backoffice_exportfile_changelist")).text
    for words in ("Ready", "Waiting for the worker", "libraries state-NY"):
        assert words in listed


def test_it_is_no_import_and_can_t_be_undone(client, ann):
    make_library()
    made = ask(client)
    run_worker()
    with pytest.raises(CommandError, match="wrote nothing"):
        call_command("undo_import", str(made.pk), "--no-input")
