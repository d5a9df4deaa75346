"""Lines of the trail: who, from where, about what."""

import pytest
from django.contrib.auth.models import AnonymousUser

from backoffice.trail.models import Entry
from backoffice.trail.record import address_of, record
from library.models import Library
from tests.factories import make_library, make_user

FORWARDED = "X-Forwarded-For"


@pytest.mark.parametrize(
    ("is_behind", "header", "expected"),
    [
        (False, None, "192.0.2.1"),
        (False, "203.0.113.9", "192.0.2.1"),  # anybody can send it
        (True, "203.0.113.9", "203.0.113.9"),
        (True, "10.0.0.1, 203.0.113.9", "203.0.113.9"),  # the proxy's own is the last
        (True, "2001:db8::1", "2001:db8::1"),
        (True, "10.0.0.1, nonsense", None),
        (True, "", None),
        (True, None, "192.0.2.1"),
    ],
)
def test_the_address_is_the_proxy_s_word_only_behind_one(
    rf, settings, is_behind, header, expected
):
    settings.BEHIND_PROXY = is_behind
    headers = {} if header is None else {FORWARDED: header}
    request = rf.get("/", REMOTE_ADDR="192.0.2.1", headers=headers)
    assert address_of(request) == expected


def test_a_socket_has_no_address(rf):
    assert address_of(rf.get("/", REMOTE_ADDR="")) is None


@pytest.mark.django_db
def test_a_line_needs_no_account(rf):
    request = rf.get("/", REMOTE_ADDR="192.0.2.1")
    request.user = AnonymousUser()
    record("sign-in failed", name="fr\0y", request=request, message="wrong password")
    entry = Entry.objects.get()
    assert (entry.user_id, entry.name) == (None, "fr\N{REPLACEMENT CHARACTER}y")
    assert (entry.address, entry.said) == ("192.0.2.1", "wrong password")


@pytest.mark.django_db
def test_a_line_is_one_statement_about_a_row_or_many(rf, django_assert_num_queries):
    user, library = make_user(username="fry"), make_library(name="Main")
    request = rf.get("/")
    request.user = user
    with django_assert_num_queries(1):
        record("change", request=request, obj=library)
    with django_assert_num_queries(1):
        record("edit", user=user, model=Library, count=7, address="192.0.2.1")
    change, edit = Entry.objects.order_by("pk")
    assert (change.name, change.object_id, change.object_name) == (
        "fry",
        str(library.pk),
        "Main",
    )
    assert (edit.name, edit.model, edit.object_id, edit.count) == (
        "fry",
        "library.Library",
        "",
        7,
    )
