"""What is set up by halves is said before the server starts."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.urls import set_urlconf

from backoffice.signin import checks


def ids(messages):
    return [message.id for message in messages]


def test_this_project_is_whole():
    set_urlconf(None)
    assert ids(checks.check_sign_in()) == []


def test_a_forced_role_without_the_gate_or_without_the_apps_is_an_error(settings, monkeypatch):
    settings.SECOND_FACTOR_ROLES = ["Manager"]
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if name != checks.GATE]
    assert ids(checks.check_sign_in()) == ["backoffice.E095"]
    settings.SECOND_FACTOR_ROLES = []
    assert ids(checks.check_sign_in()) == []


def test_a_gate_without_its_pages_is_an_error(monkeypatch):
    monkeypatch.setattr(checks, "all_sites", [admin.AdminSite(name="stock")])
    assert ids(checks.check_sign_in()) == ["backoffice.E096"]


def test_counting_right_passwords_is_an_error(settings):
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if name != checks.SETTLE]
    assert ids(checks.check_sign_in()) == ["backoffice.E097"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("roles", "warned"),
    [
        ([], []),
        (["*"], []),
        (["Manager", "superusers"], []),
        (["manager"], ["backoffice.W109"]),
    ],
)
def test_a_role_that_no_group_has_is_warned_of(settings, roles, warned):
    Group.objects.create(name="Manager")
    settings.SECOND_FACTOR_ROLES = roles
    assert ids(checks.check_roles()) == warned
