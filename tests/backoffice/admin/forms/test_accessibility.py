"""Inputs of forms have names."""

import pytest
from django.contrib.auth import get_user_model
from django.urls import reverse

pytestmark = pytest.mark.django_db


def test_the_two_inputs_of_a_date_and_time_have_names(admin_client, superuser):
    user = get_user_model()._meta.model_name
    page = admin_client.get(reverse(f"admin:auth_{user}_change", args=[superuser.pk]))
    form = page.context["adminform"].form
    labels = [
        widget.attrs.get("aria-label") for widget in form.fields["date_joined"].widget.widgets
    ]
    assert labels == ["Date", "Time"]
