"""An empty list says why, and offers what its user may do about it."""

import pytest

from library.models import Library
from tests.backoffice.admin.pages import perm
from tests.factories import make_library, make_user

pytestmark = pytest.mark.django_db

LIBRARIES = "/admin/library/library/"


def empty(client, query=""):
    """The part of the page in place of the rows."""
    text = client.get(LIBRARIES + query).text
    return text.partition('<div class="empty">')[2].partition("</div>")[0]


def test_a_list_of_nothing_offers_to_import_and_to_add(admin_client):
    text = empty(admin_client)
    assert "There are no libraries yet." in text
    assert f'href="{LIBRARIES}import/"' in text
    assert f'href="{LIBRARIES}add/"' in text


def test_who_may_only_look_is_offered_nothing(client):
    client.force_login(make_user(permissions=[perm("view", Library)]))
    assert "There are no libraries yet." in empty(client)
    assert "href" not in empty(client)


@pytest.mark.parametrize("query", ["?name=nowhere&o=-1", "?q=nowhere&o=-1", "?state=WY&o=-1"])
def test_filters_that_find_nothing_can_be_cleared(admin_client, query):
    make_library()
    text = empty(admin_client, query)
    assert "No libraries fit" in text
    assert 'href="?o=-1"' in text
    assert "add/" not in text


def test_a_wrong_filter_is_no_empty_list(admin_client):
    make_library()
    assert "correct the filters" in empty(admin_client, "?patron_count_min=x")


def test_a_list_with_rows_says_nothing(admin_client):
    make_library()
    assert empty(admin_client) == ""
