"""Who changed their own password stands in the trail."""

import pytest
from django.urls import reverse

from backoffice.trail.models import Entry
from tests.factories import make_user

pytestmark = pytest.mark.django_db


def said(action):
    return list(Entry.objects.filter(action=action).values_list("object_name", "message"))


def test_a_password_is_noted_without_it(client):
    user = make_user(username="fry", password="walk the pages now")
    client.force_login(user)
    new = "leela walks them as well"
    data = {
        "old_password": "walk the pages now",
        "new_password1": new,
        "new_password2": new,
    }
    response = client.post(reverse("admin:password_change"), data)
    assert response.status_code == 302
    assert said("password") == [("fry", "")]
    assert not Entry.objects.filter(message__contains=new).exists()
